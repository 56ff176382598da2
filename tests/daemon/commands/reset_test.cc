// A demand reset destroys a billing maximum: one at a time, the read first, and never again after any doubt.
#include <algorithm>

#include "tests/daemon/commands/life.h"

namespace ami::daemon::commands {
namespace {

using sdk::AttemptState;
using sdk::CommandKind;

class ResetTest : public CommandsTest {
 protected:
  Request reset(const std::string& id, const std::string& meter = "M1") const {
    Request out = request(id, {meter});
    out.kind = OperationKind::DemandReset;
    out.order_id = "WO-7";
    return out;
  }
  static Rules bare() {
    Rules rules;
    rules.read_before_reset = false;
    return rules;
  }
  OperationId made(Life& life, const Request& wanted) {
    const auto reply = life.submit(wanted);
    EXPECT_TRUE(reply.ok()) << (reply.ok() ? "" : reply.refused().refusal.message);
    return reply.ok() ? reply->operation.id : 0;
  }
  static std::string rule(const Reply<Submitted>& reply) {
    if (reply.ok()) return "accepted";
    return reply.refused().refusal.rule ? reply.refused().refusal.rule->name
                                        : reply.refused().refusal.message;
  }
  static std::ptrdiff_t resets(const Life& life) {
    return std::ranges::count(life.far->asked, CommandKind::DemandReset, &FarSide::Asked::kind);
  }
  static std::string kinds(const Life& life) {
    std::string out;
    for (const auto& asked : life.far->asked) out += std::string(name_of(asked.kind)) + " ";
    return out;
  }
};

TEST_F(ResetTest, ReadGoesFirstAndTheResetOnlyAfterItSucceeded) {
  const auto life = start();
  const auto reply = life->submit(reset("r1"));
  ASSERT_TRUE(reply.ok()) << reply.refused().refusal.message;
  const OperationId id = reply->operation.id;
  ASSERT_TRUE(reply->read_before.has_value());
  const OperationId read = *reply->read_before;
  EXPECT_EQ(states(read) + " " + states(id), "SENT QUEUED");
  life->advance(seconds{30});
  EXPECT_EQ(kinds(*life), "read ");
  ASSERT_TRUE(life->take({{transaction(read), "B1", "done"}}).ok());
  EXPECT_EQ(states(read) + " " + states(id), "SUCCEEDED SENT");
  EXPECT_EQ(kinds(*life), "read demand_reset ");
  ASSERT_TRUE(life->take({{transaction(id), "B1", "done"}}).ok());
  EXPECT_EQ(states(id), "SUCCEEDED");
  EXPECT_EQ(rule(life->submit(reset("r2"))), "DEMAND_RESET_LOCK_OUT");
}

TEST_F(ResetTest, ReadThatFailsKeepsTheResetFromBeingSent) {
  const auto life = start();
  const auto reply = life->submit(reset("r1"));
  ASSERT_TRUE(reply.ok());
  ASSERT_TRUE(life->take({{transaction(*reply->read_before), "B1", "failed"}}).ok());
  life->run();
  EXPECT_EQ(states(reply->operation.id) + " " + reasons(reply->operation.id), "FAILED read_before_failed");
  EXPECT_EQ(kinds(*life), "read ");
  const auto silent = life->submit(reset("r2"));
  ASSERT_TRUE(silent.ok()) << "what was not sent locks nothing out";
  life->advance(minutes{7});
  EXPECT_EQ(states(*silent->read_before) + " " + states(silent->operation.id), "TIMED_OUT FAILED");
}

TEST_F(ResetTest, ResetThatCannotLeaveSoonAfterItsReadNeverDoes) {
  const auto life = start();
  const auto reply = life->submit(reset("r1"));
  ASSERT_TRUE(reply.ok());
  const OperationId id = reply->operation.id;
  life->far->throws_before = true;  // so nothing leaves
  ASSERT_TRUE(life->take({{transaction(*reply->read_before), "B1", "done"}}).ok());
  life->advance(minutes{14});
  EXPECT_EQ(states(id), "QUEUED");
  life->advance(minutes{2});
  EXPECT_EQ(states(id) + " " + reasons(id), "FAILED read_before_failed");
  EXPECT_EQ(one("SELECT words ~ '^the read that goes before was 9[0-9][0-9] s old' FROM operation_target "
                "WHERE kind = "
                "'DEMAND_RESET'"),
            "t");
  life->far->throws_before = false;
  life->advance(hours{1});
  EXPECT_EQ(life->far->sent().size(), 1U) << "the read";
  EXPECT_EQ(life->figures().in_flight, 0U);
  EXPECT_EQ(rule(life->submit(reset("r2"))), "accepted") << "what was not sent locks nothing out";
}

TEST_F(ResetTest, ReadThatGrowsOldBetweenTheQueueAndTheFirstByteKeepsTheResetBack) {
  const auto life = start();
  const auto reply = life->submit(reset("r1"));
  ASSERT_TRUE(reply.ok());
  life->far->before = minutes{16};  // the adapter is busy
  ASSERT_TRUE(life->take({{transaction(*reply->read_before), "B1", "done"}}).ok());
  EXPECT_EQ(kinds(*life), "read demand_reset ");
  life->advance(minutes{20});
  EXPECT_EQ(states(reply->operation.id) + " " + reasons(reply->operation.id), "FAILED read_before_failed");
  EXPECT_EQ(life->far->sent().size(), 1U);
}

TEST_F(ResetTest, InterfaceWithoutReadsIsRefusedTheReset) {
  const auto life = start();
  life->feed.can.read_on_demand = false;
  life->attach();
  EXPECT_EQ(rule(life->submit(reset("r1"))), "NOT_STATED");
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "0");
}

TEST_F(ResetTest, CancelledWhileTheReadIsUnderWayIsNeverSent) {
  const auto life = start();
  const auto reply = life->submit(reset("r1"));
  ASSERT_TRUE(reply.ok());
  ASSERT_TRUE(life->cancel(reply->operation.id).ok());
  ASSERT_TRUE(life->take({{transaction(*reply->read_before), "B1", "done"}}).ok());
  life->advance(minutes{1});
  EXPECT_EQ(states(reply->operation.id), "CANCELLED");
  EXPECT_EQ(kinds(*life), "read ");
}

TEST_F(ResetTest, OneLiveAMeterAndNoneShared) {
  const auto life = start(bare());
  const OperationId id = made(*life, reset("r1"));
  EXPECT_EQ(rule(life->submit(reset("r2"))), "DEMAND_RESET_LIVE");
  const auto again = life->submit(reset("r1"));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->operation.id, id);
  made(*life, reset("r3", "M2"));
  EXPECT_EQ(kinds(*life), "demand_reset demand_reset ");
}

TEST_F(ResetTest, AmbiguousReplyEndsUnknownIsNeverSentAgainAndLocksOut) {
  const auto life = start(bare());
  life->far->state = AttemptState::Unknown;
  life->far->reason = "no_answer";
  const OperationId id = made(*life, reset("r1"));
  life->advance(hours{1});
  EXPECT_EQ(states(id) + " " + reasons(id), "UNKNOWN no_answer");
  EXPECT_EQ(resets(*life), 1);
  EXPECT_EQ(rule(life->submit(reset("r2"))), "DEMAND_RESET_LOCK_OUT");
  ASSERT_TRUE(life->take({{transaction(id), "B1", "done"}}).ok());
  EXPECT_EQ(states(id), "SUCCEEDED") << "evidence says what it was";
  EXPECT_EQ(life->figures().resolved, 1U);
  ASSERT_TRUE(life->take({{transaction(id), "B1", "failed"}}).ok());
  EXPECT_EQ(states(id), "SUCCEEDED");
}

TEST_F(ResetTest, SilenceAndDefectsAndUnreachableFarSidesAreNoReasonToSendItTwice) {
  const auto life = start(bare());
  const OperationId silent = made(*life, reset("r1", "M1"));
  life->far->throws_after = true;
  const OperationId broken = made(*life, reset("r2", "M2"));
  life->far->throws_after = false;
  life->far->state = AttemptState::Failed;
  life->far->reason = "unreachable";
  const OperationId unreachable = made(*life, reset("r3", "M3"));
  life->far->reason = "rejected";
  const OperationId rejected = made(*life, reset("r4", "M4"));
  EXPECT_EQ(states(unreachable) + " " + states(rejected), "FAILED FAILED");
  life->advance(hours{1});
  EXPECT_EQ(states(silent) + " " + states(broken), "UNKNOWN UNKNOWN");
  EXPECT_EQ(resets(*life), 4);
}

TEST_F(ResetTest, WhatWasHeldBackBecauseTheStoreWasAwayHasNotLeftAndGoesLater) {
  const auto life = start(bare());
  life->far->before = seconds{2};
  const OperationId id = made(*life, reset("r1"));
  sql("ALTER TABLE operation_target RENAME TO away");
  life->advance(seconds{20});
  EXPECT_TRUE(life->far->sent().empty());
  sql("ALTER TABLE away RENAME TO operation_target");
  life->advance(minutes{2});
  EXPECT_EQ(states(id), "SENT");
  EXPECT_EQ(life->far->sent().size(), 1U);
}

}  // namespace
}  // namespace ami::daemon::commands
