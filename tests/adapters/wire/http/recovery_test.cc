// Breaker and retry on a virtual clock.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <random>
#include <vector>

#include "adapters/sdk/testing/fake_host.h"
#include "adapters/wire/http/breaker.h"
#include "adapters/wire/http/retry.h"

namespace ami::http {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::seconds;

class HttpBreaker : public testing::Test {
 protected:
  void fail(int times) {
    for (int i = 0; i < times; ++i) breaker.admit().value().failed();
  }
  sdk::testing::FakeHost host;
  Breaker breaker{{3, seconds{30}, 1}, host.clock};
};

TEST_F(HttpBreaker, OpensAfterFailuresInARowOnly) {
  fail(2);
  breaker.admit()->succeeded();
  fail(2);
  EXPECT_EQ(breaker.metrics().state, BreakerState::Closed);
  EXPECT_EQ(breaker.metrics().failures_in_a_row, 2);
  fail(1);
  EXPECT_EQ(breaker.metrics().state, BreakerState::Open);
  EXPECT_EQ(breaker.metrics().opened, 1U);
  EXPECT_EQ(breaker.metrics().probe_at, host.clock.now() + seconds{30});
  EXPECT_FALSE(breaker.admit());
  EXPECT_EQ(breaker.metrics().refused, 1U);
}

TEST_F(HttpBreaker, LetsOneProbeThroughAndClosesOnItsSuccess) {
  fail(3);
  host.advance(milliseconds{29'999});
  EXPECT_FALSE(breaker.admit());
  host.advance(milliseconds{1});
  auto probe = breaker.admit();
  ASSERT_TRUE(probe);
  EXPECT_EQ(breaker.metrics().state, BreakerState::HalfOpen);
  EXPECT_FALSE(breaker.admit());
  probe->succeeded();
  EXPECT_EQ(breaker.metrics().state, BreakerState::Closed);
  EXPECT_TRUE(breaker.admit());
}

TEST_F(HttpBreaker, OpensAgainWhenTheProbeFails) {
  fail(3);
  host.advance(seconds{30});
  fail(1);
  EXPECT_EQ(breaker.metrics().state, BreakerState::Open);
  EXPECT_EQ(breaker.metrics().opened, 2U);
  host.advance(seconds{29});
  EXPECT_FALSE(breaker.admit());
  host.advance(seconds{1});
  EXPECT_TRUE(breaker.admit());
}

TEST_F(HttpBreaker, GivesTheProbesPlaceToAnotherWhenItEndsWithoutAWord) {
  fail(3);
  host.advance(seconds{30});
  { const auto cancelled = breaker.admit(); }
  EXPECT_EQ(breaker.metrics().state, BreakerState::HalfOpen);
  EXPECT_TRUE(breaker.admit());
}

TEST_F(HttpBreaker, DoesNotLetOldRequestsJudgeANewState) {
  auto old_failure = breaker.admit(), old_success = breaker.admit(), silent = breaker.admit();
  fail(3);
  host.advance(seconds{30});
  auto probe = breaker.admit();
  old_failure->failed();
  old_success->succeeded();
  silent.reset();
  EXPECT_EQ(breaker.metrics().state, BreakerState::HalfOpen);
  EXPECT_FALSE(breaker.admit());
  probe->succeeded();
  EXPECT_EQ(breaker.metrics().state, BreakerState::Closed);
  EXPECT_EQ(breaker.metrics().failed, 4U);
  EXPECT_EQ(breaker.metrics().succeeded, 2U);
}

TEST_F(HttpBreaker, NeedsAsManySuccessesAsProbesAndCanBeSwitchedOff) {
  Breaker careful({1, seconds{1}, 2}, host.clock);
  careful.admit()->failed();
  host.advance(seconds{1});
  auto first = careful.admit(), second = careful.admit();
  EXPECT_FALSE(careful.admit());
  first->succeeded();
  EXPECT_EQ(careful.metrics().state, BreakerState::HalfOpen);
  second->succeeded();
  EXPECT_EQ(careful.metrics().state, BreakerState::Closed);
  Breaker off({0, seconds{1}, 1}, host.clock);
  for (int i = 0; i < 100; ++i) off.admit().value().failed();
  EXPECT_EQ(off.metrics().state, BreakerState::Closed);
}

class HttpRetry : public testing::Test {
 protected:
  static Answer failure(Fault fault, std::optional<milliseconds> retry_after = {}) {
    Answer answer;
    answer.failure = Failure{FailureKind::Busy, {fault, "x"}, true, retry_after};
    return answer;
  }
  static Answer success() {
    Answer answer;
    answer.reply = Reply{200, {}, {}};
    return answer;
  }
  // Makes the given answers one after another; notes when each attempt was made.
  void start(RetrySettings settings, bool safe_to_repeat, std::vector<Answer> answers) {
    retry = std::make_unique<Retry>(settings, host.clock, random);
    script = std::move(answers);
    auto work = [](HttpRetry& test, bool safe) -> sdk::Awaitable<void> {
      test.last = co_await test.retry->run(safe, [&test]() { return test.attempt(); });
    };
    asio::co_spawn(host.io, work(*this, safe_to_repeat),
                   asio::bind_cancellation_slot(cancel.slot(), [](std::exception_ptr) {}));
    host.run_until_idle();
  }
  sdk::Awaitable<Answer> attempt() {
    made.push_back(std::chrono::duration_cast<milliseconds>(host.clock.now() - begun));
    co_return script.at(made.size() - 1);
  }
  void finish() { host.advance(std::chrono::hours{24}); }

  sdk::testing::FakeHost host;
  std::mt19937_64 random{42};
  asio::cancellation_signal cancel;
  const UtcInstant begun = host.clock.now();
  std::unique_ptr<Retry> retry;
  std::vector<Answer> script;
  std::vector<milliseconds> made;
  std::optional<Answer> last;
};

TEST_F(HttpRetry, DrawsPausesFromAGrowingRangeUpToItsCap) {
  Retry policy({10, milliseconds{100}, milliseconds{1'000}, milliseconds{50}}, host.clock, random);
  const std::vector<std::int64_t> most{50,  100,   200,  400,
                                       800, 1'000, 1'000};  // min(cap, base * 2^(n-1)); first
  for (int attempt = 0; attempt < 7; ++attempt) {
    std::int64_t low = 1'000'000, high = -1;
    double sum = 0;
    for (int i = 0; i < 4'000; ++i) {
      const std::int64_t pause = policy.pause_before(attempt).count();
      low = std::min(low, pause);
      high = std::max(high, pause);
      sum += static_cast<double>(pause);
    }
    const auto bound = most[static_cast<std::size_t>(attempt)];
    EXPECT_GE(low, 0);
    EXPECT_LE(low, bound / 20);
    EXPECT_LE(high, bound);
    EXPECT_GE(high, bound - bound / 20);
    // Uniform: mean b/2, standard deviation of the mean of 4000 is b/sqrt(12*4000) < b/200; 5 of those.
    EXPECT_NEAR(sum / 4'000, static_cast<double>(bound) / 2, static_cast<double>(bound) / 40) << attempt;
  }
  EXPECT_LE(policy.pause_before(100'000), milliseconds{1'000});
}

TEST_F(HttpRetry, SpreadsTheFirstAttemptOnlyWhereAsked) {
  start({5, milliseconds{100}, milliseconds{1'000}, milliseconds{0}}, false, {success()});
  EXPECT_EQ(made, std::vector<milliseconds>{milliseconds{0}});
  made.clear();
  std::vector<milliseconds> firsts;
  for (int i = 0; i < 20; ++i) {
    Retry policy({1, milliseconds{100}, milliseconds{1'000}, milliseconds{60'000}}, host.clock, random);
    firsts.push_back(policy.pause_before(0));
  }
  std::sort(firsts.begin(), firsts.end());
  EXPECT_GT(std::unique(firsts.begin(), firsts.end()) - firsts.begin(), 15);
}

TEST_F(HttpRetry, TriesTransientFailuresAgainAndGivesTheLastAnswer) {
  start({4, milliseconds{100}, milliseconds{1'000}, milliseconds{0}}, false,
        {failure(Fault::Transient), failure(Fault::Transient), success()});
  finish();
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->ok());
  ASSERT_EQ(made.size(), 3U);
  EXPECT_LE(made[1], milliseconds{100});
  EXPECT_LE(made[2] - made[1], milliseconds{200});
}

TEST_F(HttpRetry, StopsAtItsNumberOfAttempts) {
  start({3, milliseconds{1}, milliseconds{10}, milliseconds{0}}, true,
        {failure(Fault::Transient), failure(Fault::Transient), failure(Fault::Transient), success()});
  finish();
  EXPECT_EQ(made.size(), 3U);
  EXPECT_FALSE(last->ok());
}

TEST_F(HttpRetry, NeverRepeatsWhatIsRefusedOrInDoubt) {
  start({5, milliseconds{1}, milliseconds{10}, milliseconds{0}}, true,
        {failure(Fault::Permanent), success()});
  finish();
  EXPECT_EQ(made.size(), 1U);
  made.clear();
  start({5, milliseconds{1}, milliseconds{10}, milliseconds{0}}, false, {failure(Fault::InDoubt), success()});
  finish();
  EXPECT_EQ(made.size(), 1U);
  made.clear();
  start({5, milliseconds{1}, milliseconds{10}, milliseconds{0}}, true, {failure(Fault::InDoubt), success()});
  finish();
  EXPECT_EQ(made.size(), 2U);  // safe to repeat
}

TEST_F(HttpRetry, WaitsAsLongAsThePeerAsksButNotBeyondItsCap) {
  start({3, milliseconds{100}, milliseconds{5'000}, milliseconds{0}}, false,
        {failure(Fault::Transient, milliseconds{3'000}), failure(Fault::Transient, milliseconds{60'000}),
         success()});
  finish();
  ASSERT_EQ(made.size(), 3U);
  EXPECT_EQ(made[1], milliseconds{3'000});
  EXPECT_EQ(made[2] - made[1], milliseconds{5'000});
}

TEST_F(HttpRetry, EndsWhenItIsCancelledWhileItWaits) {
  start({3, milliseconds{100}, milliseconds{5'000}, milliseconds{0}}, false,
        {failure(Fault::Transient, milliseconds{3'000}), success()});
  ASSERT_EQ(made.size(), 1U);
  cancel.emit(asio::cancellation_type::terminal);
  host.run_until_idle();
  EXPECT_EQ(made.size(), 1U);
}

}  // namespace
}  // namespace ami::http
