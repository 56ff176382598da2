// Can the gateway do its work? The answer of /readyz, with reasons.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/host/feed.h"

namespace ami::daemon {

struct ReadyPart {
  std::string name;  // "database", "schema", "feed:NAME"
  bool ok = false;
  std::string reason;  // why not; for an operator
};

struct ReadyReport {
  bool ready = false;
  std::vector<ReadyPart> parts;
  [[nodiscard]] std::string json() const;
  [[nodiscard]] std::string first_reason() const;  // empty when ready
};

// Thread-safe.
class Readiness {
 public:
  using SteadyNow = std::function<std::chrono::steady_clock::time_point()>;
  // A database check that is older than `stale` counts as failed: the database hangs instead of answering.
  Readiness(std::chrono::milliseconds stale, SteadyNow now) : stale_(stale), now_(std::move(now)) {}

  void database(const Outcome& outcome);  // of a check that has just ended
  void feeds_applied();                   // the configured feeds were handed to the host
  void stopping();
  [[nodiscard]] ReadyReport report(const std::vector<FeedStatus>& feeds) const;

 private:
  std::chrono::milliseconds stale_;
  SteadyNow now_;
  mutable std::mutex mutex_;  // guards what follows
  std::optional<Outcome> database_;
  std::chrono::steady_clock::time_point checked_{};
  bool applied_ = false;
  bool stopping_ = false;
};

}  // namespace ami::daemon
