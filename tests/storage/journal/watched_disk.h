// A file system for SQLite that tells a test of every change before it is made, and does what the test says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace ami::storage::testing {

struct DiskChange {
  enum class Kind { Write, Truncate, Sync, Delete } kind = Kind::Write;
  std::string file;          // last part of the path: "journal.db-wal"
  std::uint64_t offset = 0;  // of a write; new size of a truncation
  std::string data;
};

struct Verdict {
  int error = 0;                          // SQLite's code: the change fails and is not made
  std::optional<std::size_t> dies_after;  // the process ends; of a write, so many bytes are made before
};

// Registered with SQLite while it lives, under name(). One at a time.
class WatchedDisk {
 public:
  using Watch =
      std::function<Verdict(const DiskChange&)>;  // called in the order of the changes, one at a time
  explicit WatchedDisk(Watch watch);
  ~WatchedDisk();
  WatchedDisk(const WatchedDisk&) = delete;
  WatchedDisk& operator=(const WatchedDisk&) = delete;
  [[nodiscard]] static const char* name() { return "watched"; }
};

}  // namespace ami::storage::testing
