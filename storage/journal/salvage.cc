#include "storage/journal/salvage.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>

#include "meter_model/failpoint.h"
#include "storage/journal/carve.h"
#include "storage/journal/journal_file.h"
#include "storage/journal/paths.h"

namespace ami::storage {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kBytesATransaction = 8 << 20;
constexpr std::uint64_t kMessagesATransaction = 1000;

void must(const std::error_code& error, const std::string& what) {
  if (error) throw FileFault(FileFault::Kind::Disk, what + ": " + error.message());
}

void move(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  must(error, from + " to " + to);
}

UtcInstant now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

// damaged-20260115T060000.123456Z, of a kind that sorts by time.
std::string name_aside(const std::string& path) {
  std::string time = to_text(now());
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  std::string name = path + "/damaged-" + time;
  for (int n = 2; there(name); ++n) name = path + "/damaged-" + time + "-" + std::to_string(n);
  return name;
}

// The fresh file while it is filled.
class Rescue {
 public:
  Rescue(const std::string& folder, const std::string& vfs) {
    tally_ = file_.open(folder, vfs, [](StoredMessage&&) {});
    tally_.lowest = tally_.next;
  }

  void add(const StoredMessage& message) {
    if (!saved_.insert(message.id).second) return;
    if (pending_messages_ == 0) file_.begin();
    file_.insert(message);
    ++tally_.messages;
    tally_.bytes += weight_of(message);
    tally_.lowest = std::min(tally_.lowest, message.id);
    tally_.next = std::max(tally_.next, message.id + 1);
    pending_bytes_ += weight_of(message);
    if (++pending_messages_ >= kMessagesATransaction || pending_bytes_ >= kBytesATransaction) commit();
  }

  std::uint64_t finish(std::uint64_t next) {
    if (pending_messages_ == 0) file_.begin();
    tally_.next = std::max(tally_.next, next);
    commit();
    file_.close();
    return saved_.size();
  }

 private:
  void commit() {
    ++tally_.generation;
    file_.commit(tally_);
    pending_messages_ = pending_bytes_ = 0;
  }

  JournalFile file_;
  JournalTally tally_;
  std::set<std::uint64_t> saved_;
  std::uint64_t pending_messages_ = 0, pending_bytes_ = 0;
};

std::optional<JournalTally> newest_tally(const std::string& folder) {
  auto newest = Witness::read(folder);
  carve(folder, [&](StoredMessage&& row) {
    const auto tally = tally_of(row);
    if (tally && (!newest || tally->generation > newest->generation)) newest = tally;
  });
  return newest;
}

}  // namespace

void salvage(const std::string& path, const std::string& vfs, const std::string& reason,
             const std::set<std::uint64_t>* live, const std::function<void(const JournalDamage&)>& announce) {
  const auto damaged = inbox_of(path);
  const auto fresh = salvaged_of(path);
  std::error_code error;
  fs::remove_all(fresh, error);
  must(error, fresh);
  make_folder(fresh);

  const auto tally = newest_tally(damaged);
  JournalDamage report;
  report.reason = reason;
  report.exact = live != nullptr;
  {
    Rescue rescue(fresh, vfs);
    carve(damaged, [&](StoredMessage&& message) {
      if (message.id == kTallyId) return;
      const bool wanted =
          live != nullptr ? live->contains(message.id) : !tally || message.id >= tally->lowest;
      if (wanted) rescue.add(message);
    });
    report.salvaged = rescue.finish(tally ? tally->next : 0);
  }
  if (live != nullptr || tally) {
    const std::uint64_t expected = live != nullptr ? live->size() : tally->messages;
    report.lost = expected - std::min(expected, report.salvaged);
  }
  report.set_aside = name_aside(path);
  sync_folder(fresh);
  announce(report);
  failpoint("journal.salvaged");
  move(damaged, report.set_aside);
  failpoint("journal.set_aside");
  move(fresh, damaged);
  sync_folder(path);
}

void settle_folders(const std::string& path) {
  const auto inbox = inbox_of(path);
  const auto fresh = salvaged_of(path);
  std::error_code error;
  if (there(fresh)) {
    if (there(inbox)) {
      fs::remove_all(fresh, error);
      must(error, fresh);
    } else {
      move(fresh, inbox);
    }
  }
  if (!there(inbox)) make_folder(inbox);
  sync_folder(path);
  sync_folder(fs::path(path).parent_path().string());
}

}  // namespace ami::storage
