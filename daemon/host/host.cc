#include "daemon/host/host.h"

#include <algorithm>
#include <set>

namespace ami::daemon {

void Host::apply(const std::vector<FeedConfig>& feeds,
                 const std::map<std::string, storage::UtilityId>& utilities) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  std::erase_if(leaving_, [](const auto& entry) { return entry.second->quiet(); });
  if (parts_.journal != nullptr) {
    std::set<std::string> pushed_to;
    for (const auto& feed : feeds) {
      if (feed.family->capabilities(feed.settings).pushed_messages) pushed_to.insert(feed.name);
    }
    parts_.journal->claimed_by(std::move(pushed_to));
  }
  const auto wanted = [&](const Feed& running) {
    return std::any_of(feeds.begin(), feeds.end(), [&](const FeedConfig& feed) {
      const auto utility = utilities.find(feed.utility);
      return feed.name == running.config().name && feed.fingerprint == running.config().fingerprint &&
             utility != utilities.end() && utility->second == running.utility();
    });
  };
  for (auto it = feeds_.begin(); it != feeds_.end();) {
    if (wanted(*it->second)) {
      ++it;
      continue;
    }
    it->second->stop();
    leaving_[it->first] = it->second;
    it = feeds_.erase(it);
  }
  for (const auto& config : feeds) {
    const auto utility = utilities.find(config.utility);
    if (feeds_.contains(config.name) || utility == utilities.end()) continue;
    const auto feed = std::make_shared<Feed>(parts_, config, utility->second);
    feeds_[config.name] = feed;
    const auto before = leaving_.find(config.name);
    feed->start(before == leaving_.end() ? nullptr : before->second);
  }
}

sdk::Awaitable<void> Host::stop() {
  std::vector<std::shared_ptr<Feed>> all;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (const auto* group : {&feeds_, &leaving_}) {
      for (const auto& [name, feed] : *group) all.push_back(feed);
    }
  }
  for (const auto& feed : all) feed->stop();
  while (!std::all_of(all.begin(), all.end(), [](const auto& feed) { return feed->quiet(); })) {
    co_await parts_.clock.wait(std::chrono::milliseconds{20});
  }
}

std::vector<FeedStatus> Host::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<FeedStatus> all;
  for (const auto& [name, feed] : feeds_) all.push_back(feed->status());
  return all;
}

std::shared_ptr<const Feed> Host::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = feeds_.find(name);
  return found == feeds_.end() ? nullptr : found->second;
}

}  // namespace ami::daemon
