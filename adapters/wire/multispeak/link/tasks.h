// The coroutines of an adapter, so that it can end them and wait for their end.
//
// On one strand. A task that is ended sees a terminal cancellation: waits return, commits give up, HTTP calls
// are cut off, and nothing throws.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <utility>

#include "adapters/sdk/adapter.h"

namespace ami::multispeak {

// Time that passes in a task; false = it is being ended. A clock's wait does not see a cancellation that came
// before it, between two waits.
inline sdk::Awaitable<bool> rest(sdk::Clock& clock, std::chrono::milliseconds span) {
  const boost::asio::cancellation_state state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) co_return false;
  auto waiting = clock.wait(span);
  const bool passed = co_await std::move(waiting);
  co_return passed;
}

class Tasks : public std::enable_shared_from_this<Tasks> {
 public:
  explicit Tasks(boost::asio::any_io_executor executor)
      : executor_(std::move(executor)), quiet_(executor_, boost::asio::steady_timer::time_point::max()) {}

  [[nodiscard]] bool stopping() const noexcept { return stopping_; }
  void resume() { stopping_ = false; }

  // Nothing when the tasks are being ended.
  void spawn(std::function<sdk::Awaitable<void>()> body) {
    if (stopping_) return;
    auto work = run(std::move(body));
    const auto task = std::make_shared<Signal>();
    const auto at = signals_.insert(signals_.end(), task);
    boost::asio::co_spawn(executor_, std::move(work),
                          boost::asio::bind_cancellation_slot(
                              task->slot(), [self = shared_from_this(), task, at](std::exception_ptr defect) {
                                self->signals_.erase(at);
                                self->quiet_.cancel();
                                if (defect) std::rethrow_exception(defect);
                              }));
  }

  // Ends all of them and waits until none is left.
  sdk::Awaitable<void> stop() {
    stopping_ = true;
    const auto self = shared_from_this();
    const std::list<std::shared_ptr<Signal>> all = signals_;  // ending one takes it off the list
    for (const auto& signal : all) signal->emit(boost::asio::cancellation_type::terminal);
    while (!signals_.empty()) co_await quiet_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }

 private:
  using Signal = boost::asio::cancellation_signal;

  static sdk::Awaitable<void> run(std::function<sdk::Awaitable<void>()> body) {
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    auto work = body();
    co_await std::move(work);
  }

  boost::asio::any_io_executor executor_;
  boost::asio::steady_timer quiet_;  // never expires: only ever cancelled
  std::list<std::shared_ptr<Signal>> signals_;
  bool stopping_ = false;
};

}  // namespace ami::multispeak
