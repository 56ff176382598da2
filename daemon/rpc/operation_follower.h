// One wait for a change of an operation that can be given up: what it waits for, and who gives it up, may
// come at once from different threads; the first one counts.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "daemon/commands/request.h"

namespace ami::rpc {

class OperationFollower {
 public:
  // nullopt: it was given up. Called once.
  using Told = std::function<void(std::optional<daemon::commands::Reply<daemon::commands::Followed>>)>;
  explicit OperationFollower(Told told) : told_(std::move(told)) {}

  void tell(std::optional<daemon::commands::Reply<daemon::commands::Followed>> what) {
    Told told;
    {
      const std::lock_guard lock(mutex_);
      told.swap(told_);
    }
    if (told) told(std::move(what));
  }

 private:
  std::mutex mutex_;
  Told told_;
};

}  // namespace ami::rpc
