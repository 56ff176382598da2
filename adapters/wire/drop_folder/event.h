// Wakes one coroutine of a strand. A notification before the wait is not lost; several count as one.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace ami::wire {

class Event {
 public:
  explicit Event(boost::asio::any_io_executor executor)
      : timer_(std::move(executor), boost::asio::steady_timer::time_point::max()) {}

  void notify() {
    set_ = true;
    timer_.cancel();
  }

  // Returns on notify(), or early when the awaiting coroutine is cancelled.
  boost::asio::awaitable<void> wait() {
    if (!set_) co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    set_ = false;
  }

 private:
  boost::asio::steady_timer timer_;  // never expires: only ever cancelled
  bool set_ = false;
};

}  // namespace ami::wire
