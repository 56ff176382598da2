// Counters of the engine, for whoever serves metrics. Thread-safe copies.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "storage/postgres/operations.h"

namespace ami::daemon::commands {

struct FeedFigures {
  std::size_t waiting = 0, in_flight = 0;  // meters, now
  bool attached = false, paused = false;   // paused: what was sent did not leave; tried again by itself
  std::uint64_t attempts = 0;              // handed to the adapter
  std::uint64_t asked = 0;                 // targets that were queued
  std::uint64_t joined = 0;                // of these, that share another's attempt
  std::uint64_t not_left = 0;              // meters of attempts that are made again
  std::uint64_t queue_full = 0;            // requests refused
  // Answers that came with their transaction, by fate.
  std::uint64_t answers = 0, duplicates = 0, late = 0, resolved = 0, strays = 0, unreadable = 0;
  std::uint64_t without_transaction = 0;  // results that no command of ours asked for
  std::map<storage::Verification, std::uint64_t>
      resets;  // demand resets, by what values said of them in the end
  // Targets that ended, by kind, state and reason. Reasons beyond the known ones are "other".
  std::map<std::tuple<storage::OperationKind, storage::TargetState, std::string>, std::uint64_t> ended;
};

struct Figures {
  std::map<std::string, FeedFigures> feeds;
  std::size_t operations = 0;  // live ones
  std::size_t followers = 0;
  std::uint64_t store_failures = 0;  // calls of the store that are made again
};

// A reason as it may stand in a metric: of a bounded set.
std::string known_reason(const std::string& reason);

class FigureBook {
 public:
  template <class F>
  void count(F&& change) {
    const std::lock_guard lock(mutex_);
    change(figures_);
  }
  [[nodiscard]] Figures copy() const {
    const std::lock_guard lock(mutex_);
    return figures_;
  }

 private:
  mutable std::mutex mutex_;
  Figures figures_;
};

}  // namespace ami::daemon::commands
