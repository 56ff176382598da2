// The SQLite file of the journal, used by one thread. Every call throws FileFault.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "storage/journal/entry.h"
#include "storage/journal/file_fault.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ami::storage {

// Longest message that the journal takes.
constexpr std::uint64_t kLargestMessage = 16 << 20;
constexpr std::size_t kLongestKey = 1024;  // of feed names and keys

class JournalFile {
 public:
  JournalFile();
  ~JournalFile();
  JournalFile(const JournalFile&) = delete;
  JournalFile& operator=(const JournalFile&) = delete;

  // Opens the file in `folder`, or makes it, and reads all of it: `visit` gets each message, by id. Damaged:
  // a seal does not hold, a message is missing, commits are missing, or SQLite finds the file malformed.
  JournalTally open(const std::string& folder, const std::string& vfs,
                    const std::function<void(StoredMessage&&)>& visit);
  [[nodiscard]] bool is_open() const noexcept { return database_ != nullptr; }
  // Leaves the files as they are: nothing is moved from the log into the database.
  void abandon() noexcept;
  // Moves the log into the database. What was committed is safe without it.
  void close() noexcept;

  void begin();
  void insert(const StoredMessage& message);
  void erase(std::uint64_t id);
  // Durable when it returns.
  void commit(const JournalTally& tally);
  void rollback() noexcept;

  StoredMessage read(std::uint64_t id);  // Damaged when it is not there as it was put

 private:
  class Statement;
  void check(int code, const char* doing) const;
  void run(const std::string& sql);
  std::string text(const std::string& sql);
  void configure();
  void make();
  bool has_table();
  JournalTally read_all(const std::function<void(StoredMessage&&)>& visit);
  StoredMessage row(Statement& statement) const;
  Statement& prepared(std::unique_ptr<Statement>& slot, const char* sql);
  void bind_row(Statement& statement, const StoredMessage& message);

  std::string name_;
  sqlite3* database_ = nullptr;
  std::unique_ptr<Statement> insert_, erase_, read_, tally_;
};

}  // namespace ami::storage
