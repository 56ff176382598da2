#include "daemon/switching/head_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace ami::daemon::switching {
namespace {
namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "switch-audit-", kSuffix = ".head";
constexpr std::uintmax_t kLongestFile = 65'536;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

Error failed(const std::string& what) {
  return permanent(what + ": " + std::strerror(errno));
}

Result<std::string> read_small(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return permanent(path + ": " + error.message());
  if (size > kLongestFile) return permanent(path + ": too long for what it should be");
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file && !file.eof()) return permanent(path + ": cannot be read");
  return text;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<std::optional<KeptHead>> newest_head(const std::string& folder) {
  std::error_code error;
  std::string newest;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(kPrefix) && name.ends_with(kSuffix)) newest = std::max(newest, name);
  }
  if (error) return permanent(folder + ": " + error.message());
  if (newest.empty()) return std::optional<KeptHead>{};
  auto text = read_small(folder + "/" + newest);
  if (!text) return text.error();
  const auto head = audit::parse_head(*text);
  if (!head) return permanent(folder + "/" + newest + " " + head.error().message);
  return std::optional<KeptHead>{KeptHead{newest, *text, *head}};
}

std::string head_file_name(const audit::Head& head) {
  std::string time = to_text(std::chrono::floor<std::chrono::seconds>(head.at));
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return std::string(kPrefix) + time + "-" + std::to_string(head.position) + std::string(kSuffix);
}

Outcome keep_head(const std::string& folder, const std::string& file, const std::string& text) {
  const std::string path = folder + "/" + file, fresh = path + ".new";
  ::unlink(fresh.c_str());  // of a run that was killed here
  {
    const Descriptor out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
    if (out.get() < 0) return failed(fresh);
    if (!write_all(out.get(), text) || ::fsync(out.get()) != 0) {
      const Error error = failed(fresh);
      ::unlink(fresh.c_str());
      return error;
    }
  }
  // A link, since a rename would replace what is there.
  if (::link(fresh.c_str(), path.c_str()) != 0) {
    const Error error = failed(path);
    ::unlink(fresh.c_str());
    return error;
  }
  ::unlink(fresh.c_str());
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return failed(folder);
  return Done{};
}

Result<std::string> read_private_key(const std::string& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) return failed("key_file " + file);
  if ((found.st_mode & 077U) != 0)
    return permanent("key_file " + file + ": others than its owner may use it; chmod 600 it");
  auto text = read_small(file);
  if (!text) return permanent("key_file " + text.error().message);
  return text;
}

}  // namespace ami::daemon::switching
