#include "storage/journal/refused.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "storage/journal/file_fault.h"
#include "storage/journal/paths.h"

namespace ami::storage {
namespace {

void write_all(const std::string& file, std::string_view bytes) {
  const OpenFile opened(file, O_WRONLY | O_CREAT | O_TRUNC);
  const auto failed = [&] { throw FileFault(FileFault::Kind::Disk, file + ": " + std::strerror(errno)); };
  if (!opened.ok()) failed();
  while (!bytes.empty()) {
    const auto count = write(opened.descriptor(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) failed();
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  if (fsync(opened.descriptor()) != 0) failed();
}

}  // namespace

Result<std::string> keep_refused(const std::string& path, const StoredMessage& message) {
  std::string feed = message.feed.substr(0, 100);
  std::replace_if(
      feed.begin(), feed.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_'; },
      '_');
  const auto folder = path + "/refused";
  const auto file = folder + "/" + feed + "-" + std::to_string(message.id) + ".msg";
  try {
    make_folder(folder);
    write_all(file + ".new", message.body);
    std::error_code error;
    std::filesystem::rename(file + ".new", file, error);
    if (error) return transient(file + ": " + error.message());
    sync_folder(folder);
  } catch (const FileFault& fault) {
    return transient(fault.what());
  }
  return file;
}

}  // namespace ami::storage
