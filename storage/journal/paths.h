// Where what lies in the journal's folder, and the few calls of POSIX that durable files need.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "storage/journal/entry.h"

namespace ami::storage {

// One generation of the journal is one folder, so that it is put in place or set aside by one rename.
inline std::string inbox_of(const std::string& path) {
  return path + "/inbox";
}
inline std::string salvaged_of(const std::string& path) {
  return path + "/salvaged";
}
inline std::string database_in(const std::string& folder) {
  return folder + "/journal.db";
}
inline std::string wal_in(const std::string& folder) {
  return folder + "/journal.db-wal";
}

// Makes a folder that only its owner may enter, with those above it. Throws FileFault.
void make_folder(const std::string& folder);
bool there(const std::string& path) noexcept;
// Makes the entries of a folder durable (new files, renames). Throws FileFault.
void sync_folder(const std::string& folder);
// An open file that is closed when this goes.
class OpenFile {
 public:
  OpenFile(const std::string& path, int flags);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] bool ok() const noexcept { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] std::uint64_t size() const;
  // False when not all of `into` could be read.
  bool read(std::uint64_t offset, std::span<unsigned char> into) const;

 private:
  int descriptor_;
};

// A copy of the newest tally outside the database, written after each commit and never synced: it outlives
// the process, and it is never ahead of the database, so a database that is behind it has lost commits.
class Witness {
 public:
  explicit Witness(const std::string& folder);
  void write(const JournalTally& tally);
  static std::optional<JournalTally> read(const std::string& folder);

 private:
  OpenFile file_;
};

}  // namespace ami::storage
