#include "adapters/wire/drop_folder/inbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <system_error>
#include <tuple>

#include "adapters/wire/drop_folder/writers.h"

namespace ami::wire {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadSize = 1 << 20;
constexpr std::size_t kLongestName = 255;

std::string why(int error) {
  return std::system_category().message(error);
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileStamp stamp_from(const struct stat& st) {
  return {st.st_dev, st.st_ino, static_cast<std::uint64_t>(st.st_size), nanoseconds(st.st_mtim),
          nanoseconds(st.st_ctim)};
}

bool same_content(const FileStamp& a, const FileStamp& b) {
  return a.device == b.device && a.inode == b.inode && a.size == b.size && a.mtime_ns == b.mtime_ns;
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

Outcome sync_folder(const fs::path& folder) {
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) {
    return transient("cannot make a move in " + folder.string() + " durable: " + why(errno));
  }
  return Done{};
}

Outcome write_durably(const fs::path& path, std::string_view text) {
  const fs::path part =
      path.parent_path() / ("." + path.filename().string().substr(0, kLongestName - 6) + ".part");
  UniqueFd fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (fd.get() < 0) return transient("cannot write " + part.string() + ": " + why(errno));
  while (!text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const int error = errno;
      ::unlink(part.c_str());
      return transient("cannot write " + path.string() + ": " + why(error));
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd.get()) != 0 || ::rename(part.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(part.c_str());
    return transient("cannot write " + path.string() + ": " + why(error));
  }
  return Done{};
}

Result<std::string> sha256_of(int fd) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return transient("cannot begin a SHA-256");
  }
  const auto buffer = std::make_unique<char[]>(kReadSize);
  for (std::uint64_t offset = 0;;) {
    const Result<std::size_t> got = read_at(fd, buffer.get(), kReadSize, offset);
    if (!got) return got.error();
    if (*got == 0) break;
    EVP_DigestUpdate(context.get(), buffer.get(), *got);
    offset += *got;
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_DigestFinal_ex(context.get(), digest, &length);
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += {kDigits[digest[i] >> 4], kDigits[digest[i] & 15]};
  }
  return hex;
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int UniqueFd::release() noexcept {
  return std::exchange(fd_, -1);
}

void UniqueFd::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Inbox::Inbox(fs::path folder, std::vector<std::string> ignored)
    : folder_(std::move(folder)), ignored_(std::move(ignored)) {}

Outcome Inbox::prepare() const {
  for (const fs::path& path : {folder_, folder_ / "done", folder_ / "rejected"}) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error || !fs::is_directory(path, error)) {
      return transient("the folder " + path.string() + " cannot be used" +
                       (error ? ": " + error.message() : ": it is not a directory"));
    }
  }
  return Done{};
}

bool Inbox::is_ignored(const std::string& name) const {
  if (name.starts_with('.') || name == "done" || name == "rejected") return true;
  return std::any_of(ignored_.begin(), ignored_.end(), [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

Result<std::vector<InboxEntry>> Inbox::list() const {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder_.c_str()), &::closedir);
  if (!dir) return transient("the folder " + folder_.string() + " cannot be read: " + why(errno));
  std::vector<InboxEntry> entries;
  while (const dirent* found = ::readdir(dir.get())) {
    const std::string name = found->d_name;
    struct stat st {};
    if (is_ignored(name) || ::fstatat(::dirfd(dir.get()), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    const bool plain = S_ISREG(st.st_mode);
    entries.push_back({name, stamp_from(st), plain, plain ? "" : kind_of(st.st_mode)});
  }
  std::sort(entries.begin(), entries.end(), [](const InboxEntry& a, const InboxEntry& b) {
    return std::tie(a.stamp.mtime_ns, a.name) < std::tie(b.stamp.mtime_ns, b.name);
  });
  return entries;
}

Writers ask_system_for_writers(const fs::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (fd.get() < 0) return Writers::None;  // reading it will say what is wrong
  // A read lease is refused with EAGAIN while the file is open for writing. A writer that comes while we hold
  // it makes the kernel send a signal: by default SIGIO, which would end the process; SIGURG is ignored.
  if (::fcntl(fd.get(), F_SETSIG, SIGURG) != 0) return Writers::Unknown;
  if (::fcntl(fd.get(), F_SETLEASE, F_RDLCK) == 0) {
    ::fcntl(fd.get(), F_SETLEASE, F_UNLCK);
    return Writers::None;
  }
  return errno == EAGAIN ? Writers::Some : Writers::Unknown;
}

Result<OpenedFile> Inbox::open(const std::string& name) const {
  OpenedFile file;
  file.fd = UniqueFd(::open((folder_ / name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.fd.get() < 0) {
    const int error = errno;
    const std::string message = "cannot be opened: " + why(error);
    return error == EACCES || error == EPERM || error == ELOOP ? permanent(message) : transient(message);
  }
  const Result<FileStamp> before = stamp_of(file.fd.get());
  if (!before) return before.error();
  Result<std::string> sha256 = sha256_of(file.fd.get());
  if (!sha256) return sha256.error();
  const Result<FileStamp> after = stamp_of(file.fd.get());
  if (!after) return after.error();
  if (*before != *after) return transient("is still being written");
  file.stamp = *after;
  file.sha256 = std::move(*sha256);
  return file;
}

Result<std::string> Inbox::move(const std::string& name, const FileStamp& stamp, Destination to,
                                const std::string& reason) const {
  const fs::path folder = folder_ / (to == Destination::Done ? "done" : "rejected");
  const fs::path from = folder_ / name;
  constexpr std::string_view kReasonSuffix = ".reason.txt";
  struct stat st {};
  if (::lstat(from.c_str(), &st) != 0) return in_doubt("cannot be found any more: " + from.string());
  if (!same_content(stamp_from(st), stamp)) return in_doubt(name + " was replaced while it was read");
  for (int attempt = 1; attempt <= 10'000; ++attempt) {
    const std::string number = attempt == 1 ? "" : "." + std::to_string(attempt);
    const std::string target = name.substr(0, kLongestName - kReasonSuffix.size() - number.size()) + number;
    const fs::path reason_path = folder / (target + std::string(kReasonSuffix));
    if (::lstat((folder / target).c_str(), &st) == 0 || ::lstat(reason_path.c_str(), &st) == 0) continue;
    if (to == Destination::Rejected) {
      if (Outcome written = write_durably(reason_path, reason); !written) return written.error();
    }
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, (folder / target).c_str(), RENAME_NOREPLACE) != 0) {
      const int error = errno;
      if (to == Destination::Rejected) ::unlink(reason_path.c_str());
      if (error == EEXIST) continue;
      return transient("cannot move " + from.string() + " to " + folder.string() + ": " + why(error));
    }
    // Between the look and the move another file may have taken the name: then it goes back.
    if (::lstat((folder / target).c_str(), &st) == 0 && !same_content(stamp_from(st), stamp)) {
      ::renameat2(AT_FDCWD, (folder / target).c_str(), AT_FDCWD, from.c_str(), RENAME_NOREPLACE);
      if (to == Destination::Rejected) ::unlink(reason_path.c_str());
      return in_doubt(name + " was replaced while it was read");
    }
    if (Outcome synced = sync_folder(folder); !synced) return synced.error();
    if (Outcome synced = sync_folder(folder_); !synced) return synced.error();
    return target;
  }
  return transient("no free name for " + name + " in " + folder.string());
}

Result<FileStamp> stamp_of(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return transient("cannot be examined: " + why(errno));
  if (!S_ISREG(st.st_mode)) return permanent(std::string("is ") + kind_of(st.st_mode) + ", not a plain file");
  return stamp_from(st);
}

Result<std::size_t> read_at(int fd, char* into, std::size_t size, std::uint64_t offset) {
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(fd, into + got, size - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return transient("cannot be read at byte " + std::to_string(offset + got) + ": " + why(errno));
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

std::string printable_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c >= 0x20 && c < 0x7f && c != '\\') {
      out += c;
    } else {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += hex;
    }
  }
  return out;
}

}  // namespace ami::wire
