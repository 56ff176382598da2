#include "storage/postgres/watchdog.h"

#include <sys/socket.h>

#include <algorithm>

namespace ami::storage {

Watchdog::Watch::Watch(Watchdog& dog, int socket) : dog_(dog) {
  const std::lock_guard lock(dog_.mutex_);
  entry_ = dog_.watched_.insert(dog_.watched_.end(),
                                {socket, std::chrono::steady_clock::now() + dog_.patience_, false});
  if (dog_.patience_.count() == 0) return;
  if (!dog_.thread_.joinable())
    dog_.thread_ = std::jthread([dog = &dog_](const std::stop_token& stop) { dog->run(stop); });
  if (dog_.watched_.size() == 1) dog_.changed_.notify_one();
}

Watchdog::Watch::~Watch() {
  const std::lock_guard lock(dog_.mutex_);
  dog_.watched_.erase(entry_);
}

bool Watchdog::Watch::cut() const {
  const std::lock_guard lock(dog_.mutex_);
  return entry_->cut;
}

void Watchdog::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto due = [this] {
    return std::find_if(watched_.begin(), watched_.end(), [](const Entry& entry) { return !entry.cut; });
  };
  while (!stop.stop_requested()) {
    const auto next = due();
    if (next == watched_.end()) {
      changed_.wait(lock, stop, [&] { return due() != watched_.end(); });
    } else if (const auto until = next->until; until > std::chrono::steady_clock::now()) {
      changed_.wait_until(lock, stop, until, [] { return false; });
    } else {
      // The descriptor stays: closing it is its owner's, who may be inside a call on it.
      ::shutdown(next->socket, SHUT_RDWR);
      next->cut = true;
    }
  }
}

}  // namespace ami::storage
