// The connections of a client: how many there may be, which are kept, who waits for one. Private: heavy.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "adapters/wire/http/client.h"
#include "adapters/wire/http/connection.h"

namespace ami::http {

// On one strand.
class Pool {
 public:
  // `changed` is told of every change of in_use(), idle() and waiting().
  Pool(const asio::any_io_executor& executor, const ClientLimits& limits, std::function<void()> changed)
      : executor_(executor), limits_(limits), changed_(std::move(changed)) {}

  // Leave to use one connection; gives its place back when it goes. A connection in it is closed then, unless
  // it was kept.
  class Lease {
   public:
    Lease() = default;
    explicit Lease(Pool& pool) : pool_(&pool) {}
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { give_back(); }
    explicit operator bool() const noexcept { return pool_ != nullptr; }
    Connection& operator*() const noexcept { return *connection_; }
    Connection* operator->() const noexcept { return connection_.get(); }

    [[nodiscard]] bool has_connection() const noexcept { return connection_ != nullptr; }
    void set(std::shared_ptr<Connection> connection, bool reused);
    void drop();                                // closes the connection, keeps the place
    void keep(std::chrono::milliseconds time);  // for the next request, for so long
    [[nodiscard]] bool reused() const noexcept { return reused_; }

   private:
    void give_back();
    Pool* pool_ = nullptr;
    std::shared_ptr<Connection> connection_;
    bool reused_ = false;
  };

  enum class Wait { Granted, Full, Late };
  // Waits in line for a place until `deadline`. Cancelled, it ends as Late.
  sdk::Awaitable<Wait> place(Steady::time_point deadline, Lease& lease);
  // A kept connection that is alive; null = none. Those found dead are closed and counted into `stale`.
  std::shared_ptr<Connection> take_idle(std::uint64_t& stale);

  void close_all();  // those in use too
  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
  [[nodiscard]] std::size_t idle() const noexcept { return idle_.size(); }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
  // Completes when nothing is in use or waits.
  sdk::Awaitable<void> quiet();

 private:
  struct Waiter {
    explicit Waiter(const asio::any_io_executor& executor, Steady::time_point until)
        : timer(executor, until) {}
    asio::steady_timer timer;
    bool granted = false;
  };
  void release();
  void trim();  // to `connections` in all

  const asio::any_io_executor executor_;
  const ClientLimits limits_;
  const std::function<void()> changed_;
  std::size_t in_use_ = 0;
  std::deque<std::shared_ptr<Connection>> idle_;  // oldest first
  std::set<Connection*> busy_;
  std::deque<std::shared_ptr<Waiter>> waiting_;
  std::vector<std::shared_ptr<Waiter>> for_quiet_;
};

}  // namespace ami::http
