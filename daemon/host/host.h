// Runs all configured feeds, each on its own strand; applies a changed list without touching the others.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/host/feed.h"

namespace ami::daemon {

// Thread-safe.
class Host {
 public:
  explicit Host(HostParts parts) : parts_(std::move(parts)) {}

  // Starts new feeds, stops removed ones, replaces those whose configuration or utility changed (the new one
  // begins when the old one is quiet). Returns at once. A feed of a utility that is not in `utilities` is
  // left out.
  void apply(const std::vector<FeedConfig>& feeds,
             const std::map<std::string, storage::UtilityId>& utilities);

  // Asks all feeds to stop and returns when all are quiet. No apply() afterwards.
  sdk::Awaitable<void> stop();

  [[nodiscard]] std::vector<FeedStatus> status() const;
  // Configuration of a running feed, for replay.
  [[nodiscard]] std::shared_ptr<const Feed> find(const std::string& name) const;

 private:
  HostParts parts_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, std::shared_ptr<Feed>> feeds_;
  std::map<std::string, std::shared_ptr<Feed>> leaving_;  // newest that was stopped, by name
  bool stopped_ = false;
};

}  // namespace ami::daemon
