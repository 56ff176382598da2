#include "storage/journal/paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "storage/journal/file_fault.h"

namespace ami::storage {
namespace {

std::string witness_in(const std::string& folder) {
  return folder + "/witness";
}

constexpr std::size_t kWitnessSize = 40 + std::tuple_size_v<Digest>;  // a tally's body and its seal

}  // namespace

OpenFile::OpenFile(const std::string& path, int flags)
    : descriptor_(open(path.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR)) {}
OpenFile::~OpenFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::uint64_t OpenFile::size() const {
  struct stat status {};
  return descriptor_ >= 0 && fstat(descriptor_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size)
                                                              : 0;
}

bool OpenFile::read(std::uint64_t offset, std::span<unsigned char> into) const {
  while (!into.empty()) {
    const auto count = pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (error) throw FileFault(FileFault::Kind::Disk, folder + ": " + error.message());
}

bool there(const std::string& path) noexcept {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

void sync_folder(const std::string& folder) {
  const OpenFile opened(folder, O_RDONLY | O_DIRECTORY);
  if (!opened.ok() || fsync(opened.descriptor()) != 0) {
    throw FileFault(FileFault::Kind::Disk, folder + ": " + std::strerror(errno));
  }
}

Witness::Witness(const std::string& folder) : file_(witness_in(folder), O_RDWR | O_CREAT) {}

void Witness::write(const JournalTally& tally) {
  const auto row = row_of(tally);
  const auto seal = seal_of(row);
  std::array<unsigned char, kWitnessSize> bytes;
  std::copy(seal.begin(), seal.end(), std::copy(row.body.begin(), row.body.end(), bytes.begin()));
  // A witness that cannot be written stays behind, which proves less and claims nothing wrong.
  [[maybe_unused]] const auto written = pwrite(file_.descriptor(), bytes.data(), bytes.size(), 0);
}

std::optional<JournalTally> Witness::read(const std::string& folder) {
  const OpenFile file(witness_in(folder), O_RDONLY);
  std::array<unsigned char, kWitnessSize> bytes;
  if (!file.ok() || !file.read(0, bytes)) return std::nullopt;
  StoredMessage row;
  row.body.assign(bytes.begin(), bytes.begin() + 40);
  row.content = digest_of(row.body);
  if (!std::equal(bytes.begin() + 40, bytes.end(), seal_of(row).begin())) return std::nullopt;
  return tally_of(row);
}

}  // namespace ami::storage
