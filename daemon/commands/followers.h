// Who waits for a change of which operation. Used on one strand; callbacks run there and must not block.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "daemon/commands/request.h"

namespace ami::daemon::commands {

class Followers {
 public:
  using Told = std::function<void(Reply<Followed>)>;

  explicit Followers(std::size_t most) : most_(most) {}

  // Calls back once: when the version is beyond `seen`, when the operation ends, or at `deadline`. False:
  // there are as many as there may be; nothing was kept.
  bool add(OperationId operation, std::uint64_t seen, UtcInstant deadline, Told told) {
    if (count_ >= most_) return false;
    waiting_[operation].push_back({seen, deadline, std::move(told)});
    ++count_;
    return true;
  }

  void tell(OperationId operation, const Followed& now) {
    const auto found = waiting_.find(operation);
    if (found == waiting_.end()) return;
    std::vector<One> ready =
        take_if(found->second, [&](const One& one) { return one.seen < now.version || !now.live; });
    if (found->second.empty()) waiting_.erase(found);
    for (One& one : ready) one.told(now);
  }

  // `version` of an operation that is still followed.
  template <class Version>
  void expire(UtcInstant now, Version&& version) {
    std::vector<std::pair<OperationId, One>> over;
    for (auto entry = waiting_.begin(); entry != waiting_.end();) {
      for (One& one : take_if(entry->second, [&](const One& o) { return o.deadline <= now; }))
        over.emplace_back(entry->first, std::move(one));
      entry = entry->second.empty() ? waiting_.erase(entry) : std::next(entry);
    }
    for (auto& [operation, one] : over) one.told(version(operation));
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  struct One {
    std::uint64_t seen = 0;
    UtcInstant deadline{};
    Told told;
  };
  // A callback may follow again: it runs only after the list is whole.
  template <class Condition>
  std::vector<One> take_if(std::vector<One>& list, Condition&& condition) {
    std::vector<One> taken, stays;
    for (One& one : list) (condition(one) ? taken : stays).push_back(std::move(one));
    list = std::move(stays);
    count_ -= taken.size();
    return taken;
  }

  const std::size_t most_;
  std::size_t count_ = 0;
  std::map<OperationId, std::vector<One>> waiting_;
};

}  // namespace ami::daemon::commands
