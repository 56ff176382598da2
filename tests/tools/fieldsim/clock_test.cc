// Simulated time: it runs as often as asked for, waits where it is held, and never overtakes the machine.
#include "tools/fieldsim/simulated_clock.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "tests/tools/fieldsim/support/field_run.h"

namespace ami::fieldsim {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

const UtcInstant kStart = parse_instant("2024-03-10T00:00:00Z").value();

TEST(SimulatedClock, StandsUntilItRuns) {
  SimulatedClock clock(kStart, 1000);
  EXPECT_EQ(clock.now(), kStart);
  EXPECT_EQ(clock.now(), kStart);
}

TEST(SimulatedClock, RunsByItsFactor) {
  SimulatedClock clock(kStart, 3600);
  const auto before = std::chrono::steady_clock::now();
  clock.run();
  const UtcInstant first = clock.now();
  while (clock.now() < first + 60s) {
  }
  const std::chrono::duration<double> real = std::chrono::steady_clock::now() - before;
  // It ran at least a minute by its own count, and no more than the machine's time allows.
  EXPECT_GE(real.count() * 3600, 60);
  const UtcInstant shown = clock.now();
  const std::chrono::duration<double> at_most = (std::chrono::steady_clock::now() - before) * 3600;
  EXPECT_LE(shown - kStart, at_most);
}

TEST(SimulatedClock, HeldItStandsAndThenGoesOnWithoutAJump) {
  boost::asio::io_context io;
  SimulatedClock clock(kStart, 100'000);
  clock.hold_at(kStart + 1h);
  clock.run();
  testing::wait_until(io, clock, kStart + 1h);
  EXPECT_EQ(clock.now(), kStart + 1h);
  const auto held_until = std::chrono::steady_clock::now() + 20ms;  // 2000 s of its time
  while (std::chrono::steady_clock::now() < held_until) {
  }
  EXPECT_EQ(clock.now(), kStart + 1h);
  const auto released = std::chrono::steady_clock::now();
  clock.hold_at(UtcInstant::max());
  const UtcInstant shown = clock.now();
  const std::chrono::duration<double> since = std::chrono::steady_clock::now() - released;
  EXPECT_GE(shown, kStart + 1h);
  EXPECT_LE(shown - (kStart + 1h), since * 100'000);  // of what it was held, nothing
}

TEST(SimulatedClock, NeverShowsATimeThatIsStillToCome) {
  const UtcInstant now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  SimulatedClock clock(now - 1s, 100'000);
  clock.run();
  for (int i = 0; i < 1000; ++i) {
    const UtcInstant shown = clock.now();
    EXPECT_LE(shown, std::chrono::system_clock::now());
  }
}

// The timer and the hand that cancels run out in one moment: the wait's own timer then says nothing of the cancellation.
TEST(SimulatedClock, AWaitThatIsCancelledEndsThoughItsTimerHasJustRunOut) {
  boost::asio::io_context io;
  SimulatedClock clock(kStart, 1);  // stands: it looks every 10 ms
  boost::asio::cancellation_signal cancel;
  boost::asio::steady_timer hand(io, 1ms);
  hand.async_wait([&](boost::system::error_code) { cancel.emit(boost::asio::cancellation_type::terminal); });
  bool waited = true, ended = false;
  const auto waits = [](SimulatedClock& on, bool& to_its_end) -> sdk::Awaitable<void> {
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    to_its_end = co_await on.wait(1h);
  };
  boost::asio::co_spawn(io, waits(clock, waited),
                        boost::asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { ended = true; }));
  io.poll();
  const auto both_are_over = std::chrono::steady_clock::now() + 30ms;
  while (std::chrono::steady_clock::now() < both_are_over) {
  }
  const auto bound = std::chrono::steady_clock::now() + 20s;
  while (!ended && std::chrono::steady_clock::now() < bound) io.run_one_for(50ms);
  ASSERT_TRUE(ended);
  EXPECT_FALSE(waited);
}

TEST(SimulatedClock, SaysWhatASpanOfTheMachineIsInItsTime) {
  EXPECT_EQ(SimulatedClock(kStart, 60).real(500ms), 30'000ms);
}

}  // namespace
}  // namespace ami::fieldsim
