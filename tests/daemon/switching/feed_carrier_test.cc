#include "daemon/switching/feed_carrier.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/daemon/commands/life.h"

namespace ami::daemon::switching {
namespace {

using sdk::AttemptState;

sdk::AttemptAnswer answer_of(AttemptState state, const std::string& reason, const std::string& words = {}) {
  sdk::AttemptAnswer out;
  out.state = state;
  out.reason = reason;
  out.words = words;
  return out;
}

TEST(BeforeItLeft, WhatFailedIsNotSentWhateverTheAdapterCallsIt) {
  for (const char* reason : {"not_stated", "no_such_meter", "rejected", "expired"}) {
    const auto out = before_it_left(answer_of(AttemptState::Failed, reason, "no node 7"));
    EXPECT_EQ(out.reason, "not_sent");
    EXPECT_EQ(out.words, std::string(reason) + ": no node 7");
  }
  EXPECT_EQ(before_it_left(answer_of(AttemptState::Failed, "rejected")).words, "rejected");
  EXPECT_EQ(before_it_left(answer_of(AttemptState::Failed, "")).reason, "not_sent");
}

TEST(BeforeItLeft, EverythingElseStaysAsItWas) {
  const auto unreachable = before_it_left(answer_of(AttemptState::Failed, "unreachable", "no route"));
  EXPECT_EQ(unreachable.reason, "unreachable");
  EXPECT_EQ(unreachable.words, "no route");
  for (const AttemptState state : {AttemptState::Succeeded, AttemptState::Waiting, AttemptState::Unknown})
    EXPECT_EQ(before_it_left(answer_of(state, "odd")).reason, "odd") << "only a defect explains it";
}

class FeedCarrierTest : public commands::CommandsTest {
 protected:
  using Attempted = std::function<sdk::Awaitable<std::vector<sdk::AttemptAnswer>>(sdk::Attempt)>;

  // What comes back of one errand whose adapter does that.
  sdk::AttemptAnswer carried(Attempted adapter) {
    auto life = start();
    life->feed.attempt = std::move(adapter);
    life->attach();
    life->run();
    WorkerPool pool(1);
    FinalRegister registers({life->engine, pool, life->host.clock, *database});
    FeedCarrier carrier({life->engine, life->host.io.get_executor(), pool, life->host.clock, life->log}, registers);
    std::atomic<bool> back = false;
    sdk::AttemptAnswer out;
    Errand errand;
    errand.transaction = "sw1-1";
    errand.kind = sdk::CommandKind::SwitchOpen;
    errand.feed = "radio";
    errand.vendor_id = "B1";
    errand.flight = std::chrono::seconds{60};
    carrier.carry(
        errand,
        [this] {
          ++asked;
          return asked == 1 ? may : Outcome(permanent("it is SENT"));
        },
        [&](sdk::AttemptAnswer told) {
          out = std::move(told);
          back = true;
        });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!back && std::chrono::steady_clock::now() < deadline) {
      life->run();
      std::this_thread::yield();
    }
    EXPECT_TRUE(back);
    carrier.heard("sw1-1");
    life->run();
    return out;
  }
  Outcome may = Done{};
  int asked = 0;
};

TEST_F(FeedCarrierTest, AnAdapterThatRefusesBeforeItAsksHasNotSent) {
  const auto out = carried([](sdk::Attempt) -> sdk::Awaitable<std::vector<sdk::AttemptAnswer>> {
    co_return std::vector{answer_of(AttemptState::Failed, "no_such_meter", "the head-end knows no B1")};
  });
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(out.state, AttemptState::Failed);
  EXPECT_EQ(out.reason, "not_sent");
  EXPECT_EQ(out.words, "no_such_meter: the head-end knows no B1");
}

TEST_F(FeedCarrierTest, AFailureAfterItWasLetSendKeepsItsReason) {
  const auto out = carried([](sdk::Attempt attempt) -> sdk::Awaitable<std::vector<sdk::AttemptAnswer>> {
    auto asking = attempt.before_send();
    const Outcome granted = co_await std::move(asking);
    EXPECT_TRUE(granted.ok());
    co_return std::vector{answer_of(AttemptState::Failed, "rejected")};
  });
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(out.reason, "rejected");
}

TEST_F(FeedCarrierTest, AskingTwiceIsToldNoAndTakesNothingBack) {
  const auto out = carried([](sdk::Attempt attempt) -> sdk::Awaitable<std::vector<sdk::AttemptAnswer>> {
    auto asking = attempt.before_send();
    const Outcome granted = co_await std::move(asking);
    EXPECT_TRUE(granted.ok());
    auto again = attempt.before_send();
    const Outcome second = co_await std::move(again);
    EXPECT_FALSE(second.ok());
    co_return std::vector{answer_of(AttemptState::Failed, "rejected")};
  });
  EXPECT_EQ(asked, 1) << "the book is not even asked";
  EXPECT_EQ(out.reason, "rejected") << "it left: what failed is not called not sent";
}

}  // namespace
}  // namespace ami::daemon::switching
