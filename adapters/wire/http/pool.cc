#include "adapters/wire/http/pool.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace ami::http {
namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

}  // namespace

Pool::Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      connection_(std::move(other.connection_)),
      reused_(other.reused_) {}

Pool::Lease& Pool::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    give_back();
    pool_ = std::exchange(other.pool_, nullptr);
    connection_ = std::move(other.connection_);
    reused_ = other.reused_;
  }
  return *this;
}

void Pool::Lease::set(std::shared_ptr<Connection> connection, bool reused) {
  drop();
  connection_ = std::move(connection);
  reused_ = reused;
  pool_->busy_.insert(connection_.get());
  pool_->trim();
}

void Pool::Lease::drop() {
  if (!connection_) return;
  pool_->busy_.erase(connection_.get());
  connection_->close();
  connection_.reset();
}

void Pool::Lease::keep(std::chrono::milliseconds time) {
  if (!connection_) return;
  pool_->busy_.erase(connection_.get());
  connection_->expire_at(Steady::now() + time, Connection::Then::Close);
  pool_->idle_.push_back(std::move(connection_));
  connection_.reset();
  pool_->changed_();
}

void Pool::Lease::give_back() {
  if (pool_ == nullptr) return;
  drop();
  std::exchange(pool_, nullptr)->release();
}

sdk::Awaitable<Pool::Wait> Pool::place(Steady::time_point deadline, Lease& lease) {
  if (in_use_ < limits_.connections && waiting_.empty()) {
    ++in_use_;
    changed_();
    lease = Lease(*this);
    co_return Wait::Granted;
  }
  if (waiting_.size() >= limits_.waiting) co_return Wait::Full;
  const auto waiter = std::make_shared<Waiter>(executor_, deadline);
  waiting_.push_back(waiter);
  changed_();
  co_await waiter->timer.async_wait(kNoThrow);
  if (waiter->granted) {  // release() left the place to us
    lease = Lease(*this);
    co_return Wait::Granted;
  }
  std::erase(waiting_, waiter);
  changed_();
  co_return Wait::Late;
}

void Pool::release() {
  if (!waiting_.empty()) {
    const auto next = waiting_.front();
    waiting_.pop_front();
    next->granted = true;
    next->timer.cancel();
    changed_();
    return;
  }
  --in_use_;
  changed_();
  for (const auto& waiter : for_quiet_) waiter->timer.cancel();
}

void Pool::trim() {
  while (!idle_.empty() && in_use_ + idle_.size() > limits_.connections) {
    idle_.front()->close();
    idle_.pop_front();
    changed_();
  }
}

std::shared_ptr<Connection> Pool::take_idle(std::uint64_t& stale) {
  while (!idle_.empty()) {
    // The youngest: it is the one that the peer closes last.
    const auto connection = std::move(idle_.back());
    idle_.pop_back();
    changed_();
    if (!connection->dead()) {
      connection->never_expire();
      return connection;
    }
    ++stale;
    connection->close();
  }
  return nullptr;
}

void Pool::close_all() {
  for (const auto& connection : idle_) connection->close();
  idle_.clear();
  changed_();
  for (Connection* connection : busy_) connection->close();
  for (const auto& waiter : waiting_) waiter->timer.cancel();
}

sdk::Awaitable<void> Pool::quiet() {
  const auto waiter = std::make_shared<Waiter>(executor_, Steady::time_point::max());
  for_quiet_.push_back(waiter);
  while (in_use_ > 0 || !waiting_.empty()) {
    waiter->timer.expires_at(Steady::time_point::max());
    co_await waiter->timer.async_wait(kNoThrow);
  }
  std::erase(for_quiet_, waiter);
}

}  // namespace ami::http
