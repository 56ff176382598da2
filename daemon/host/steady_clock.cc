#include "daemon/host/steady_clock.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace ami::daemon {
namespace asio = boost::asio;

UtcInstant SteadyClock::now() {
  const auto machine = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  return simulated_ ? simulated_->at(machine) : machine;
}

sdk::Awaitable<bool> SteadyClock::wait(std::chrono::milliseconds span) {
  asio::steady_timer timer(co_await asio::this_coro::executor, span);
  boost::system::error_code error;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

}  // namespace ami::daemon
