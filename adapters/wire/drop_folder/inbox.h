// The file system side of a drop folder: everything here blocks and is called off the strand.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/result.h"

namespace ami::wire {

// A file descriptor that closes itself.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd() { reset(); }
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept;
  void reset() noexcept;

 private:
  int fd_ = -1;
};

// What tells one state of a file from another.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

struct InboxEntry {
  std::string name;
  FileStamp stamp;
  bool plain_file = false;
  std::string what;  // for a person, when it is no plain file: "a directory", "a symbolic link", …
};

struct OpenedFile {
  UniqueFd fd;
  FileStamp stamp;
  std::string sha256;  // 64 hex characters
};

enum class Destination { Done, Rejected };

class Inbox {
 public:
  Inbox(std::filesystem::path folder, std::vector<std::string> ignored);

  // Makes the folder and its done/ and rejected/ where they are missing.
  Outcome prepare() const;
  // Entries to look at, oldest modification first, then by name. Ignored names and our subfolders are left
  // out.
  [[nodiscard]] Result<std::vector<InboxEntry>> list() const;
  // Opens without following links and hashes all of it. Permanent: not readable; Transient: gone or changing.
  [[nodiscard]] Result<OpenedFile> open(const std::string& name) const;
  // Moves a finished file away under a free name, and makes the move durable. With a reason (Rejected), the
  // reason file is durable before the move. Returns the new name. Nothing is lost when it fails: Transient =
  // try again; InDoubt = what stands there now is not what `stamp` was taken of, and was left there.
  Result<std::string> move(const std::string& name, const FileStamp& stamp, Destination to,
                           const std::string& reason) const;

  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }

 private:
  [[nodiscard]] bool is_ignored(const std::string& name) const;
  std::filesystem::path folder_;
  std::vector<std::string> ignored_;
};

Result<FileStamp> stamp_of(int fd);

// Reads up to `size` bytes at `offset`; fewer only at the end of the file.
Result<std::size_t> read_at(int fd, char* into, std::size_t size, std::uint64_t offset);

// A file name as text that is safe in logs and in the database: other bytes than printable ASCII become \xNN.
std::string printable_name(std::string_view name);

}  // namespace ami::wire
