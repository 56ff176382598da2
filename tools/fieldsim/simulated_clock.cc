#include "tools/fieldsim/simulated_clock.h"

#include <algorithm>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace ami::fieldsim {
namespace {

namespace asio = boost::asio;
using std::chrono::duration;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr microseconds kLeastPause{500};
constexpr microseconds kHeldPause{10'000};      // while time stands, nobody says when it goes on
constexpr microseconds kBeside{1'000};
constexpr microseconds kLongestPause{500'000};  // so that a limit that moves is seen

}  // namespace

SimulatedClock::SimulatedClock(UtcInstant start, double factor) : begun_(start), factor_(factor) {}

UtcInstant SimulatedClock::now() {
  if (!runs_) return begun_;
  const Steady::time_point steady = Steady::now();
  const duration<double, std::micro> elapsed = (steady - since_) * factor_;
  const UtcInstant wall = std::chrono::floor<microseconds>(std::chrono::system_clock::now());
  const UtcInstant free = begun_ + std::chrono::floor<microseconds>(elapsed);
  const UtcInstant shown = std::max(begun_, std::min({free, limit_, wall}));
  if (shown < free) {  // what was waited is not made up for
    begun_ = shown;
    since_ = steady;
  }
  return shown;
}

sdk::Awaitable<bool> SimulatedClock::wait(milliseconds span) {
  const UtcInstant due = now() + span;
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    const UtcInstant at = now();
    if (at >= due) co_return true;
    // A timer that had just run out when it was cancelled says nothing of that.
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return false;
    // Beside the machine's clock it goes no faster than that.
    const double factor = runs_ && at + kBeside >= std::chrono::system_clock::now() ? 1 : factor_;
    auto pause = std::chrono::ceil<microseconds>(duration<double, std::micro>(due - at) / factor);
    pause = std::clamp(pause, at >= limit_ || !runs_ ? kHeldPause : kLeastPause, kLongestPause);
    timer.expires_after(pause);
    boost::system::error_code error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return false;
  }
}

void SimulatedClock::run() {
  if (runs_) return;
  since_ = Steady::now();
  runs_ = true;
}

void SimulatedClock::hold_at(UtcInstant limit) {
  (void)now();  // settles what was waited under the old limit
  limit_ = limit;
}

milliseconds SimulatedClock::real(milliseconds span) const {
  return std::chrono::ceil<milliseconds>(duration<double, std::milli>(span) * factor_);
}

}  // namespace ami::fieldsim
