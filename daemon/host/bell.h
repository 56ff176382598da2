// Wakes one coroutine.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "adapters/sdk/adapter.h"

namespace ami::daemon {

// Used on one strand. A ring that nobody waits for is kept for the next wait.
class Bell {
 public:
  explicit Bell(const boost::asio::any_io_executor& strand)
      : timer_(strand, boost::asio::steady_timer::time_point::max()) {}

  void ring() {
    rung_ = true;
    timer_.cancel();
  }
  sdk::Awaitable<void> wait() {
    boost::system::error_code cancelled;
    if (!rung_)
      co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
    rung_ = false;
  }

 private:
  boost::asio::steady_timer timer_;  // never expires: it is only cancelled
  bool rung_ = false;
};

}  // namespace ami::daemon
