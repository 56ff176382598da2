#include "daemon/rpc/subscriptions.h"

namespace ami::rpc {

bool Subscriptions::join(Member& member, const std::string& caller) {
  const std::lock_guard lock(mutex_);
  if (members_.size() >= most_) return false;
  std::size_t& open = of_caller_[caller];
  if (open >= options_.streams_per_caller) {
    if (open == 0) of_caller_.erase(caller);
    return false;
  }
  ++open;
  members_.insert(&member);
  return true;
}

void Subscriptions::leave(Member& member, const std::string& caller) {
  const std::lock_guard lock(mutex_);
  if (members_.erase(&member) == 0) return;
  const auto open = of_caller_.find(caller);
  if (--open->second == 0) of_caller_.erase(open);
}

std::size_t Subscriptions::size() const {
  const std::lock_guard lock(mutex_);
  return members_.size();
}

void Subscriptions::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (Member* member : members_) member->wake();
}

bool Subscriptions::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

}  // namespace ami::rpc
