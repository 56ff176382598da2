// The gateway's way to its journal: opened when a feed first needs it, one for all feeds.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "daemon/log/log.h"
#include "storage/journal/journal.h"

namespace ami::daemon {

// Thread-safe.
class JournalLink {
 public:
  JournalLink(storage::JournalConfig config, const Log& log);

  // Opens it unless it is open; blocking. Transient: not now; the next call tries again.
  Result<storage::Journal*> open();
  // An earlier run kept something in the folder: it should be opened even if no feed asks for it.
  [[nodiscard]] bool left_behind() const;
  // The feeds whose messages will be read. Messages of others stay, and are reported.
  void claimed_by(std::set<std::string> feeds);
  // All zero while it is not open; with every feed that claimed its messages, also if it has none.
  [[nodiscard]] storage::JournalFigures figures() const;
  [[nodiscard]] const std::string& path() const noexcept { return config_.path; }

 private:
  storage::JournalEvents events() const;
  void report_unclaimed() const;  // under mutex_

  const storage::JournalConfig config_;
  const Log& log_;
  std::mutex opening_;        // one opening at a time, which may take seconds; taken before mutex_
  mutable std::mutex mutex_;  // guards what follows
  std::unique_ptr<storage::Journal> journal_;
  std::set<std::string> claimed_;
  bool told_ = false;  // claimed_ was set
};

}  // namespace ami::daemon
