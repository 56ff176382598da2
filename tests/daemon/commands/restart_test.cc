// Killed in every state: what the next run makes of it.
#include "tests/daemon/commands/life.h"

namespace ami::daemon::commands {
namespace {

class RestartTest : public CommandsTest {
 protected:
  // The first run does not go on: whatever it would still have done is gone.
  std::unique_ptr<Life> after(Life& killed, Rules rules = {}) {
    return start(rules, killed.host.clock.now());
  }
  Request reset(const std::string& id) const {
    Request out = request(id);
    out.kind = OperationKind::DemandReset;
    return out;
  }
  static std::string asked(const Life& life) {
    std::string out;
    for (const auto& one_asked : life.far->asked)
      out += std::string(name_of(one_asked.kind)) + ":" + one_asked.meters.at(0) + " ";
    return out;
  }
};

TEST_F(RestartTest, QueuedGoesOn) {
  const auto first = start();
  first->feed.limits.in_flight = 1;
  first->attach();
  const OperationId a = first->read("r1", {"M1", "M2", "M3"}, 4);
  EXPECT_EQ(states(a), "SENT QUEUED QUEUED");
  const auto second = after(*first);
  EXPECT_EQ(states(a), "SENT SENT SENT");
  ASSERT_EQ(second->far->asked.size(), 2U);
  EXPECT_NE(second->far->asked[0].transaction, transaction(a, 0));
  EXPECT_EQ(second->logged("COMMANDS_TAKEN_UP"), 1U);
  // The answer to what the first run sent reaches the second.
  ASSERT_TRUE(second->take({{transaction(a, 0), "B1", "done"}}).ok());
  EXPECT_EQ(states(a), "SUCCEEDED SENT SENT");
}

TEST_F(RestartTest, SentIsWaitedForUntilItsDueTimeAndNeverSentAgain) {
  Rules rules;
  rules.read_before_reset = false;
  const auto first = start(rules);
  const OperationId read = first->read("r1", {"M2"});
  const auto reset_made = first->submit(reset("r2"));
  ASSERT_TRUE(reset_made.ok());
  const OperationId cleared = reset_made->operation.id;
  EXPECT_EQ(states(read) + " " + states(cleared), "SENT SENT");
  first->advance(seconds{200});
  const auto second = after(*first, rules);
  EXPECT_EQ(second->figures().in_flight + second->far->asked.size(), 0U) << "figures are made each tick";
  second->advance(seconds{1});
  EXPECT_EQ(second->figures().in_flight, 2U);
  second->advance(seconds{155});
  EXPECT_EQ(states(read) + " " + states(cleared), "SENT SENT");
  second->advance(seconds{10});
  EXPECT_EQ(states(read) + " " + states(cleared), "TIMED_OUT UNKNOWN");
  second->advance(hours{1});
  EXPECT_EQ(asked(*second), "read:B1 ") << "to see what became of the reset";
}

TEST_F(RestartTest, KilledBetweenSentAndTheFirstByteIsNotSentAgain) {
  Rules rules;
  rules.read_before_reset = false;
  const auto first = start(rules);
  first->far->dies = true;
  const OperationId id = first->submit(reset("r1"))->operation.id, read = first->read("r2", {"M2"});
  EXPECT_EQ(states(id) + " " + states(read), "SENT SENT");
  const auto second = after(*first, rules);
  const OperationId joined = second->read("r3", {"M2"});
  EXPECT_EQ(transaction(joined), transaction(read)) << "who asks for the same shares the wait";
  second->advance(minutes{7});
  EXPECT_EQ(states(id) + " " + states(read) + " " + states(joined), "UNKNOWN TIMED_OUT TIMED_OUT");
  EXPECT_EQ(asked(*second), "read:B1 ") << "to see what became of the reset";
}

TEST_F(RestartTest, KilledBeforeSentWasStoredIsSentOnce) {
  const auto first = start();
  first->far->before = hours{1};
  const OperationId id = first->read("r1", {"M1"});
  EXPECT_EQ(states(id), "QUEUED");
  EXPECT_EQ(first->far->asked.size(), 1U);
  const auto second = after(*first);
  EXPECT_EQ(states(id), "SENT");
  EXPECT_EQ(second->far->sent().size(), 1U);
}

TEST_F(RestartTest, WhatFellDueWhileNobodyRanEndsAtTheStart) {
  const auto first = start();
  first->feed.limits.in_flight = 1;
  first->attach();
  const OperationId sent = first->read("r1", {"M1"});
  Request soon = request("r2", {"M2"});
  soon.expiry = minutes{5};
  const OperationId queued = first->submit(soon)->operation.id;
  auto second = std::make_unique<Life>(*database, north, Rules{}, first->host.clock.now() + hours{3});
  second->advance(seconds{1});
  EXPECT_EQ(states(sent) + " " + states(queued), "TIMED_OUT FAILED")
      << "even when its feed does not run any more";
  second->attach();
  second->advance(minutes{1});
  EXPECT_TRUE(second->far->asked.empty());
}

TEST_F(RestartTest, ResetWaitsForItsReadAcrossRestarts) {
  const auto first = start();
  const auto made = first->submit(reset("r1"));
  ASSERT_TRUE(made.ok());
  const OperationId id = made->operation.id, read = *made->read_before;
  const auto second = after(*first);
  second->advance(seconds{5});
  EXPECT_EQ(states(read) + " " + states(id), "SENT QUEUED");
  EXPECT_TRUE(second->far->asked.empty());
  ASSERT_TRUE(second->take({{transaction(read), "B1", "done"}}).ok());
  EXPECT_EQ(states(id), "SENT");
}

TEST_F(RestartTest, ReadThatEndedBeforeTheKillDecidesOverTheReset) {
  for (const auto& [word, expected] : {std::pair{"done", "SENT"}, std::pair{"failed", "FAILED"}}) {
    const std::string meter = std::string(word) == "done" ? "M1" : "M2";
    const auto first = start();
    first->far->before = milliseconds{0};
    Request wanted = reset(std::string("r-") + word);
    wanted.meters = {meter};
    const auto made = first->submit(wanted);
    ASSERT_TRUE(made.ok());
    // The answer is stored, and the run is killed before it does anything about it.
    storage::TargetAnswer answer;
    answer.state = meter == "M1" ? storage::TargetState::Succeeded : storage::TargetState::Failed;
    storage::Operations store(*database);
    ASSERT_TRUE(store.finish({{{*made->read_before, 0}, answer}}, first->host.clock.now()).ok());
    const auto second = after(*first);
    second->advance(seconds{1});
    EXPECT_EQ(states(made->operation.id), expected);
    second->engine->stop();
    second->advance(seconds{1});
  }
}

TEST_F(RestartTest, ResetWhoseReadIsOldByTheNextStartIsNotSent) {
  for (const auto& [age, expected] : {std::pair{minutes{10}, "SENT"}, std::pair{minutes{20}, "FAILED"}}) {
    const std::string meter = age < minutes{15} ? "M1" : "M2";
    const auto first = start();
    Request wanted = reset("r-" + meter);
    wanted.meters = {meter};
    const auto made = first->submit(wanted);
    ASSERT_TRUE(made.ok());
    storage::TargetAnswer answer;
    answer.state = storage::TargetState::Succeeded;
    storage::Operations store(*database);
    ASSERT_TRUE(store.finish({{{*made->read_before, 0}, answer}}, first->host.clock.now()).ok());
    const auto second = start({}, first->host.clock.now() + age);
    second->advance(seconds{1});
    EXPECT_EQ(states(made->operation.id), expected);
    EXPECT_EQ(asked(*second).find("demand_reset") != std::string::npos, std::string(expected) == "SENT");
    second->engine->stop();
    second->advance(seconds{1});
  }
}

TEST_F(RestartTest, RequestWhoseReplyWasLostIsTakenUpWhenItComesAgain) {
  // Stored, and the process was cut off before it queued it; nobody attached the feed anew.
  const auto life = start();
  storage::NewOperation lost;
  lost.utility = north;
  lost.caller = "cn=mdm";
  lost.request_id = "r1";
  lost.created_at = life->host.clock.now();
  lost.expires_at = lost.created_at + hours{1};
  storage::NewTarget target;
  target.meter = "M1";
  target.meter_id = std::stoll(one("SELECT meter_id FROM meter WHERE key = 'M1'"));
  target.feed = "radio";
  target.vendor_id = "B1";
  lost.targets.push_back(target);
  storage::Operations store(*database);
  const OperationId id = store.create(lost, {}).value().operation.id;
  life->advance(minutes{2});
  EXPECT_EQ(states(id), "QUEUED");
  const auto again = life->submit(request("r1"));
  ASSERT_TRUE(again.ok()) << again.refused().refusal.message;
  EXPECT_TRUE(again->repeated);
  life->run();
  EXPECT_EQ(states(id), "SENT");
  EXPECT_EQ(life->far->asked.size(), 1U);
}

TEST_F(RestartTest, TransactionsAreNeverUsedTwiceAcrossRuns) {
  std::set<std::string> seen;
  UtcInstant now{};
  for (int run = 0; run < 4; ++run) {
    const auto life = std::make_unique<Life>(*database, north, Rules{}, now);
    life->far->state = sdk::AttemptState::Failed;
    life->far->reason = "unreachable";
    life->attach();
    if (run == 0) life->read("r1", {"M1", "M2", "M3"});
    life->advance(minutes{1});
    ASSERT_FALSE(life->far->asked.empty());
    for (const auto& asked : life->far->asked)
      EXPECT_TRUE(seen.insert(asked.transaction).second) << asked.transaction;
    now = life->host.clock.now() + seconds{1};
  }
}

}  // namespace
}  // namespace ami::daemon::commands
