// Stops in the middle, clocks that are set, and a thousand lives: nothing is lost, doubled, or left behind.
#include "tests/adapter_conformance/kit.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <iterator>
#include <optional>

namespace ami::conformance {
namespace {

using std::chrono::hours;

std::multiset<std::string> once(const std::set<std::string>& lines) {
  return {lines.begin(), lines.end()};
}

std::size_t handles() {
  const std::filesystem::directory_iterator open("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

using Lives = Conformance;
INSTANTIATE_TEST_SUITE_P(conformance, Lives, ::testing::ValuesIn(those(is_delivered)), name_of);

// A file that is too large for one commit. Of minutes in which no zone's clocks change.
std::vector<Reading> of_several_commits(const Interface& of) {
  constexpr std::size_t kBytes = 3 << 19;
  const std::size_t each = of.write(hourly(20)).size() / 20;
  const UtcInstant from{std::chrono::sys_days{std::chrono::year{2025} / 11 / 10}};
  return hourly(static_cast<int>(kBytes / each), from, std::chrono::minutes{1});
}

// The store goes away after a commit, the journal after a message; the adapter is stopped, and the next one
// goes on with what is durable. Exactly once, not only at least: nobody has sent anything twice.
TEST_P(Lives, StoppedInTheMiddleTheNextLifeGoesOnWithoutLossOrRepetition) {
  const bool files = Bench(GetParam()).can().files;
  const bool several = files && !GetParam().smallest_batches.empty();
  const std::vector<Reading> all = several ? of_several_commits(GetParam()) : hourly(6);
  const std::size_t stops = several ? 2 : files ? 1 : all.size();
  for (std::size_t good = 0; good < stops; ++good) {
    Bench bench(GetParam(), GetParam().smallest_batches);
    bench.start();
    std::string input = GetParam().write(all);
    if (files) {
      bench.host.store.fail_after(good, transient("the kit stops it here"));
    } else {
      for (std::size_t i = 0; i < good; ++i) ASSERT_TRUE(bench.send(GetParam().write({all[i]})));
      bench.host.journal.fail(transient("the kit stops it here"));
      input = GetParam().write({all.begin() + static_cast<std::ptrdiff_t>(good), all.end()});
    }
    ASSERT_FALSE(bench.send(input)) << good;
    bench.stop();
    bench.host.store.accept();
    bench.host.journal.accept();
    bench.start();
    ASSERT_TRUE(bench.way().finish(input)) << good;
    if (several) {
      EXPECT_GE(bench.host.store.committed.size(), 2U) << "the input is too small for this check";
    }
    const Said said = bench.stored();
    EXPECT_TRUE(said.values == once(meant(GetParam(), all)))
        << good << ": " << said.values.size() << " values";
    EXPECT_TRUE(said.complaints.empty()) << good;
  }
}

TEST_P(Lives, StoppedWhileTheStoreDoesNotAnswerItEnds) {
  Bench bench(GetParam(), GetParam().smallest_batches);
  bench.start();
  if (!bench.can().files) {
    bench.way().break_off(GetParam().write(hourly(3)));
  } else {
    bench.host.store.hold();
    ASSERT_FALSE(bench.send(GetParam().write(hourly(3))));
    ASSERT_EQ(bench.host.store.held(), 1U);
  }
  bench.stop();
  bench.host.store.release();
  bench.start();
  ASSERT_TRUE(bench.send(GetParam().write(hourly(4))));
  bench.pass(hours{1});
  EXPECT_EQ(bench.stored().distinct(), meant(GetParam(), hourly(4)));
}

TEST_P(Lives, AClockThatIsSetLosesAndDoublesNothing) {
  Bench bench(GetParam());
  bench.start();
  const std::vector<Reading> all = hourly(9);
  const auto part = [&](std::ptrdiff_t from) {
    return GetParam().write({all.begin() + from, all.begin() + from + 3});
  };
  ASSERT_TRUE(bench.send(part(0)));
  bench.clock.shift = hours{72};
  ASSERT_TRUE(bench.send(part(3)));
  bench.clock.shift = -hours{72};
  ASSERT_TRUE(bench.send(part(6)));
  bench.clock.shift = hours{0};
  bench.pass(hours{2});
  EXPECT_EQ(bench.stored().values, once(meant(GetParam(), all)));
}

// Set back while an input waits for something: it does not wait for the days that come twice.
TEST_P(Lives, AClockThatIsSetBackHoldsNothingUp) {
  Bench bench(GetParam());
  bench.start();
  const std::string input = GetParam().write(hourly(3));
  if (bench.can().files) {
    bench.stop();
    ASSERT_FALSE(bench.send(input));  // nobody sees it closed
    bench.start();
    bench.clock.shift = -hours{72};
    bench.pass(std::chrono::minutes{15});
    ASSERT_TRUE(bench.way().finish(input));
  } else {
    bench.way().break_off(input);
    bench.clock.shift = -hours{72};
    bench.pass(std::chrono::minutes{15});
    ASSERT_TRUE(bench.send(input));
  }
  EXPECT_EQ(bench.stored().distinct(), meant(GetParam(), hourly(3)));
}

using Cycles = Conformance;
INSTANTIATE_TEST_SUITE_P(conformance, Cycles, ::testing::ValuesIn(those([](const Interface&) { return true; })),
                         name_of);

// Made, started, stopped, destroyed; some of them at work.
TEST_P(Cycles, AThousandLivesLeaveNothingBehind) {
  Bench bench(GetParam());
  std::size_t handles_then = 0;
  for (int life = 0; life < 1000; ++life) {
    bench.start();
    if (is_delivered(GetParam()) && life % 50 == 0) {
      ASSERT_TRUE(bench.send(GetParam().write(hourly(1, kDay - hours{life}))));
    }
    EXPECT_NE(bench.adapter().health().state, sdk::HealthState::Failed);
    bench.stop();
    ASSERT_EQ(bench.host.clock.waiting(), 0U) << "a coroutine waits for time, life " << life;
    bench.host.io.restart();
    bench.host.io.poll();
    ASSERT_TRUE(bench.host.io.stopped()) << "something still waits, life " << life;
    if (life == 100) handles_then = handles();
  }
  EXPECT_EQ(handles(), handles_then);
  if (is_delivered(GetParam())) {
    EXPECT_EQ(bench.stored().values.size(), 20U);
  }
}

TEST_P(Cycles, TheSameAdapterStartsAgain) {
  Bench bench(GetParam());
  bench.start();
  for (int life = 0; life < 20; ++life) {
    bench.run(bench.adapter().stop());
    EXPECT_EQ(bench.adapter().health().state, sdk::HealthState::Stopped);
    std::optional<Outcome> outcome;
    auto work = [](sdk::Adapter& of, std::optional<Outcome>& into) -> sdk::Awaitable<void> {
      auto starting = of.start();
      into.emplace(co_await std::move(starting));
    };
    bench.run(work(bench.adapter(), outcome));
    ASSERT_TRUE(outcome->ok()) << outcome->error().message;
  }
  if (!is_delivered(GetParam())) return;
  ASSERT_TRUE(bench.send(GetParam().write(hourly(3))));
  EXPECT_EQ(bench.stored().distinct(), meant(GetParam(), hourly(3)));
}

TEST_P(Cycles, WhatIsNotStatedIsRefusedAndNothingLeaves) {
  Bench bench(GetParam());
  bench.start();
  const sdk::Capabilities can = bench.can();
  const std::pair<sdk::CommandKind, bool> commands[] = {
      {sdk::CommandKind::Read, can.read_on_demand},      {sdk::CommandKind::Ping, can.ping},
      {sdk::CommandKind::DemandReset, can.demand_reset}, {sdk::CommandKind::Backfill, can.backfill},
      {sdk::CommandKind::SwitchState, can.switch_state}, {sdk::CommandKind::SwitchOpen, can.switch_open},
      {sdk::CommandKind::SwitchClose, can.switch_close}, {sdk::CommandKind::SwitchArm, can.switch_arm}};
  for (const auto& [kind, stated] : commands) {
    if (stated) continue;
    sdk::Attempt attempt;
    attempt.transaction = "kit-1";
    attempt.kind = kind;
    attempt.meters = {"K100", "K101"};
    attempt.expires_at = bench.clock.now() + hours{1};
    attempt.before_send = []() -> sdk::Awaitable<Outcome> {
      ADD_FAILURE() << "something was about to leave";
      co_return permanent("nothing may leave");
    };
    std::vector<sdk::AttemptAnswer> answers;
    auto work = [](sdk::Adapter& of, sdk::Attempt what,
                   std::vector<sdk::AttemptAnswer>& into) -> sdk::Awaitable<void> {
      auto asking = of.attempt(std::move(what));
      into = co_await std::move(asking);
    };
    bench.run(work(bench.adapter(), std::move(attempt), answers));
    ASSERT_EQ(answers.size(), 2U) << sdk::name_of(kind);
    for (const sdk::AttemptAnswer& answer : answers) {
      EXPECT_EQ(answer.state, sdk::AttemptState::Failed) << sdk::name_of(kind);
      EXPECT_EQ(answer.reason, "not_stated") << sdk::name_of(kind);
    }
  }
}

}  // namespace
}  // namespace ami::conformance
