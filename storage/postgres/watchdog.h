// Ends a wait for a PostgreSQL that holds the connection but does not answer. libpq waits without a bound, and
// TCP notices only a peer that is gone, not one that is frozen.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <stop_token>
#include <thread>

namespace ami::storage {

// Thread-safe. One thread of its own, which sleeps while nothing is watched.
class Watchdog {
 public:
  explicit Watchdog(std::chrono::milliseconds patience) : patience_(patience) {}  // 0: waits for ever
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  struct Entry {
    int socket = -1;
    std::chrono::steady_clock::time_point until;
    bool cut = false;
  };

 public:
  // As long as one lives, its socket is shut down when the time is over: whoever waits on it then sees a peer
  // that hung up. The socket must stay open for as long, so give a duplicate: libpq closes its own when it
  // likes.
  class Watch {
   public:
    Watch(Watchdog& dog, int socket);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    [[nodiscard]] bool cut() const;  // the time was over

   private:
    Watchdog& dog_;
    std::list<Entry>::iterator entry_;
  };

  [[nodiscard]] std::chrono::milliseconds patience() const noexcept { return patience_; }

 private:
  void run(const std::stop_token& stop);

  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;  // guards what follows
  std::list<Entry> watched_;  // oldest first, so the first that is not cut is due first
  std::condition_variable_any changed_;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace ami::storage
