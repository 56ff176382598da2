#include "storage/journal/journal_file.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "meter_model/failpoint.h"
#include "storage/journal/carve.h"
#include "storage/journal/paths.h"

namespace ami::storage {
namespace {

FileFault::Kind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_IOERR:
      // A sector that cannot be read, or not whole, is damage. What cannot be written is not.
      return code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS ||
                     code == SQLITE_IOERR_DATA
                 ? FileFault::Kind::Damaged
                 : FileFault::Kind::Disk;
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_PROTOCOL:
    case SQLITE_NOLFS:
      return FileFault::Kind::Disk;
    default:  // CORRUPT and NOTADB; and a table, a column or an id that is not as we made it
      return FileFault::Kind::Damaged;
  }
}

[[noreturn]] void damaged(const std::string& what) {
  throw FileFault(FileFault::Kind::Damaged, what);
}

}  // namespace

class JournalFile::Statement {
 public:
  Statement(const JournalFile& file, const char* sql) : file_(file) {
    file_.check(sqlite3_prepare_v2(file_.database_, sql, -1, &statement_, nullptr), "preparing");
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void number(int index, std::int64_t value) {
    file_.check(sqlite3_bind_int64(statement_, index, value), "binding");
  }
  void blob(int index, const void* data, std::size_t size) {
    file_.check(sqlite3_bind_blob64(statement_, index, size == 0 ? "" : data, size, SQLITE_STATIC),
                "binding");
  }
  bool step(const char* doing) {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) file_.check(code, doing);
    return false;
  }
  void reset() { sqlite3_reset(statement_); }
  [[nodiscard]] std::int64_t number_at(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] std::string text_at(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return data == nullptr ? std::string() : std::string(data, size);
  }

 private:
  const JournalFile& file_;
  sqlite3_stmt* statement_ = nullptr;
};

namespace {

// A statement that is left with a row under way would hold its transaction open.
template <class Statement>
class ResetAfter {
 public:
  explicit ResetAfter(Statement& statement) : statement_(statement) {}
  ~ResetAfter() { statement_.reset(); }
  ResetAfter(const ResetAfter&) = delete;
  ResetAfter& operator=(const ResetAfter&) = delete;

 private:
  Statement& statement_;
};

}  // namespace

JournalFile::JournalFile() = default;
JournalFile::~JournalFile() {
  abandon();
}

void JournalFile::check(int code, const char* doing) const {
  if (code == SQLITE_OK) return;
  throw FileFault(kind_of(code),
                  name_ + ": " + doing + ": " +
                      (database_ != nullptr ? sqlite3_errmsg(database_) : sqlite3_errstr(code)));
}

void JournalFile::run(const std::string& sql) {
  Statement statement(*this, sql.c_str());
  while (statement.step(sql.c_str())) {
  }
}

std::string JournalFile::text(const std::string& sql) {
  Statement statement(*this, sql.c_str());
  return statement.step(sql.c_str()) ? statement.text_at(0) : std::string();
}

JournalTally JournalFile::open(const std::string& folder, const std::string& vfs,
                               const std::function<void(StoredMessage&&)>& visit) {
  abandon();
  name_ = database_in(folder);
  try {
    // Said by the files themselves, before SQLite may do away with a log that it does not trust.
    const auto witness = Witness::read(folder);
    const auto in_log = newest_tally_in_log(folder);
    // The newest transaction in the log may have been cut off before it was synced, hence acknowledged.
    const std::uint64_t known =
        std::max(witness ? witness->generation : 0,
                 in_log ? in_log->generation - std::min<std::uint64_t>(1, in_log->generation) : 0);
    struct stat status {};
    const bool empty = stat(name_.c_str(), &status) != 0 || status.st_size == 0;
    if (empty && known > 0) damaged(name_ + " is missing or empty");

    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    check(sqlite3_open_v2(name_.c_str(), &database_, flags, vfs.empty() ? nullptr : vfs.c_str()), "opening");
    configure();
    if (!has_table()) {
      bool found = known > 0;
      if (!found && !empty) carve(folder, [&](StoredMessage&&) { found = true; });
      if (found) damaged(name_ + " has lost its table");
      make();
    }
    if (const auto verdict = text("PRAGMA quick_check(1)"); verdict != "ok") damaged(name_ + ": " + verdict);
    const auto tally = read_all(visit);
    if (tally.generation < known) {
      damaged(name_ + ": the last " + std::to_string(known - tally.generation) + " commit(s) cannot be read");
    }
    return tally;
  } catch (...) {
    abandon();
    throw;
  }
}

void JournalFile::configure() {
  sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  run("PRAGMA locking_mode = EXCLUSIVE");  // one user: the index of the log needs no shared memory
  run("PRAGMA page_size = 4096");
  run("PRAGMA auto_vacuum = NONE");
  run("PRAGMA cell_size_check = ON");
  run("PRAGMA secure_delete = FAST");  // what was trimmed is wiped where that costs no further page
  run("PRAGMA temp_store = MEMORY");
  if (const auto mode = text("PRAGMA journal_mode = WAL"); mode != "wal") {
    damaged(name_ + ": cannot keep a write-ahead log, but " + mode);
  }
  run("PRAGMA synchronous = FULL");
  run("PRAGMA wal_autocheckpoint = 4000");
  run("PRAGMA journal_size_limit = 67108864");
  if (sqlite3_db_readonly(database_, "main") == 1 && access(name_.c_str(), W_OK) == 0) {
    damaged(name_ + ": its header says that it may not be written");
  }
}

bool JournalFile::has_table() {
  return text("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'message'") == "1";
}

void JournalFile::make() {
  begin();
  try {
    run("CREATE TABLE message (id INTEGER PRIMARY KEY, feed BLOB NOT NULL, key BLOB NOT NULL,"
        " received_us INTEGER NOT NULL, seal BLOB NOT NULL, body BLOB NOT NULL)");
    // Ids begin at today's microsecond: an id of a file that was lost is not given again.
    const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    JournalTally tally;
    tally.next = tally.lowest = static_cast<std::uint64_t>(now.time_since_epoch().count());
    insert(row_of(tally));
    commit(tally);
  } catch (...) {
    rollback();
    throw;
  }
}

JournalTally JournalFile::read_all(const std::function<void(StoredMessage&&)>& visit) {
  Statement all(*this, "SELECT id, feed, key, received_us, seal, body FROM message ORDER BY id");
  std::optional<JournalTally> tally;
  std::uint64_t messages = 0, highest = 0;
  while (all.step("reading")) {
    auto message = row(all);
    if (message.id == kTallyId) {
      tally = tally_of(message);
      continue;
    }
    ++messages;
    highest = message.id;
    visit(std::move(message));
  }
  if (!tally) damaged(name_ + " does not say how much it holds");
  if (tally->messages != messages || tally->next <= highest) {
    damaged(name_ + " holds " + std::to_string(messages) + " message(s) where " +
            std::to_string(tally->messages) + " were put");
  }
  return *tally;
}

StoredMessage JournalFile::row(Statement& statement) const {
  StoredMessage message;
  message.id = static_cast<std::uint64_t>(statement.number_at(0));
  message.feed = statement.text_at(1);
  message.key = statement.text_at(2);
  message.received_at = UtcInstant{std::chrono::microseconds{statement.number_at(3)}};
  const auto seal = statement.text_at(4);
  message.body = statement.text_at(5);
  message.content = digest_of(message.body);
  const auto right = seal_of(message);
  if (!std::equal(seal.begin(), seal.end(), right.begin(), right.end(),
                  [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; })) {
    damaged(name_ + ": message " + std::to_string(message.id) + " is not what was put");
  }
  return message;
}

JournalFile::Statement& JournalFile::prepared(std::unique_ptr<Statement>& slot, const char* sql) {
  if (!slot) slot = std::make_unique<Statement>(*this, sql);
  return *slot;
}

void JournalFile::begin() {
  run("BEGIN IMMEDIATE");
}

void JournalFile::insert(const StoredMessage& message) {
  auto& statement = prepared(insert_, "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  const ResetAfter<Statement> reset(statement);
  const auto seal = seal_of(message);
  statement.number(1, static_cast<std::int64_t>(message.id));
  statement.blob(2, message.feed.data(), message.feed.size());
  statement.blob(3, message.key.data(), message.key.size());
  statement.number(4, message.received_at.time_since_epoch().count());
  statement.blob(5, seal.data(), seal.size());
  statement.blob(6, message.body.data(), message.body.size());
  statement.step("writing");
}

void JournalFile::erase(std::uint64_t id) {
  auto& statement = prepared(erase_, "DELETE FROM message WHERE id = ?1");
  const ResetAfter<Statement> reset(statement);
  statement.number(1, static_cast<std::int64_t>(id));
  statement.step("trimming");
}

void JournalFile::commit(const JournalTally& tally) {
  {
    const auto row = row_of(tally);
    const auto seal = seal_of(row);
    auto& statement = prepared(tally_, "UPDATE message SET seal = ?1, body = ?2 WHERE id = 0");
    const ResetAfter<Statement> reset(statement);
    statement.blob(1, seal.data(), seal.size());
    statement.blob(2, row.body.data(), row.body.size());
    statement.step("writing");
    if (sqlite3_changes(database_) != 1) damaged(name_ + " does not say any more how much it holds");
  }
  failpoint("journal.before_sync");
  run("COMMIT");
  failpoint("journal.after_sync");
}

void JournalFile::rollback() noexcept {
  if (database_ == nullptr || sqlite3_get_autocommit(database_) != 0) return;
  sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
}

StoredMessage JournalFile::read(std::uint64_t id) {
  auto& statement =
      prepared(read_, "SELECT id, feed, key, received_us, seal, body FROM message WHERE id = ?1");
  const ResetAfter<Statement> reset(statement);
  statement.number(1, static_cast<std::int64_t>(id));
  if (!statement.step("reading")) damaged(name_ + ": message " + std::to_string(id) + " is gone");
  return row(statement);
}

void JournalFile::abandon() noexcept {
  rollback();
  for (auto* statement : {&insert_, &erase_, &read_, &tally_}) statement->reset();
  sqlite3_close_v2(database_);
  database_ = nullptr;
}

void JournalFile::close() noexcept {
  if (database_ != nullptr)
    sqlite3_exec(database_, "PRAGMA wal_checkpoint(TRUNCATE)", nullptr, nullptr, nullptr);
  abandon();
}

}  // namespace ami::storage
