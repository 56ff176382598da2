// Recorded values on request: like reads, but last of all, with a share of the pace, and of a period.
#include "tests/daemon/commands/life.h"

namespace ami::daemon::commands {
namespace {

using sdk::AttemptState;
using storage::at;

class BackfillTest : public CommandsTest {
 protected:
  // The virtual clock begins at 2026-01-15T00:00Z.
  static storage::Period day(int of_january) {
    const auto from = UtcInstant{std::chrono::sys_days{std::chrono::year{2026} / 1 / of_january}};
    return {from, from + hours{24}};
  }
  Request backfill(const std::string& id, std::vector<std::string> meters, int of_january = 10) const {
    Request out = request(id, std::move(meters));
    out.kind = OperationKind::Backfill;
    out.period = day(of_january);
    return out;
  }
  std::unique_ptr<Life> begin(std::size_t targets = 1, Rules rules = {}) {
    auto life = start(rules);
    life->feed.can.backfill = true;
    life->feed.limits.backfill_targets = targets;
    life->attach();
    return life;
  }
  OperationId made(Life& life, const Request& wanted) {
    const auto reply = life.submit(wanted);
    EXPECT_TRUE(reply.ok()) << (reply.ok() ? "" : reply.refused().refusal.message);
    return reply.ok() ? reply->operation.id : 0;
  }
  static std::string asked(const Life& life) {
    std::string out;
    for (const auto& one : life.far->asked) {
      out += std::string(name_of(one.kind)) + ":";
      for (const auto& meter : one.meters) out += meter;
      out += " ";
    }
    return out;
  }
  static std::string refusal(const Reply<Submitted>& reply) {
    if (reply.ok()) return "accepted";
    const auto& why = reply.refused().refusal;
    return why.rule ? why.rule->name : why.field;
  }
};

TEST_F(BackfillTest, PeriodReachesTheFarSideAlsoAfterARestart) {
  auto life = begin();
  life->feed.limits.in_flight = 4;  // a quarter of it is one
  life->attach();
  const OperationId first = made(*life, backfill("b1", {"M1"}, 10));
  const OperationId second = made(*life, backfill("b2", {"M2"}, 11));
  ASSERT_EQ(life->far->asked.size(), 1U);
  EXPECT_EQ(life->far->asked[0].from, at("2026-01-10T00:00:00Z"));
  EXPECT_EQ(life->far->asked[0].to, at("2026-01-11T00:00:00Z"));
  EXPECT_EQ(states(first) + " " + states(second), "SENT QUEUED");
  EXPECT_EQ(storage::Operations(*database).get(north, second)->period, day(11));

  auto again = std::make_unique<Life>(*database, north, Rules{}, life->host.clock.now());
  again->feed.can.backfill = true;
  again->feed.limits.in_flight = 4;
  again->attach();
  EXPECT_TRUE(again->far->asked.empty()) << "what is SENT counts against the share, and is not sent again";
  ASSERT_TRUE(again->take({{transaction(first), "B1", "done"}}).ok());
  again->run();
  ASSERT_EQ(again->far->asked.size(), 1U);
  EXPECT_EQ(again->far->asked[0].from, at("2026-01-11T00:00:00Z"));
  EXPECT_EQ(states(first) + " " + states(second), "SUCCEEDED SENT");
}

TEST_F(BackfillTest, OnlyEqualPeriodsAreJoined) {
  const auto life = begin();
  life->feed.limits.in_flight = 40;
  life->attach();
  const OperationId one = made(*life, backfill("b1", {"M1"}, 10)),
                    same = made(*life, backfill("b2", {"M1"}, 10)),
                    other = made(*life, backfill("b3", {"M1"}, 11));
  EXPECT_EQ(life->far->asked.size(), 2U);
  EXPECT_EQ(transaction(one), transaction(same));
  EXPECT_NE(transaction(one), transaction(other));
  ASSERT_TRUE(life->take({{transaction(one), "B1", "done"}}).ok());
  EXPECT_EQ(states(one) + " " + states(same) + " " + states(other), "SUCCEEDED SUCCEEDED SENT");
}

TEST_F(BackfillTest, SilenceEndsTimedOutAndNothingIsAskedAgain) {
  const auto life = begin();
  const OperationId id = made(*life, backfill("b1", {"M1"}));
  life->advance(minutes{7});
  EXPECT_EQ(states(id) + " " + reasons(id), "TIMED_OUT no_answer");
  EXPECT_EQ(life->far->asked.size(), 1U);
}

TEST_F(BackfillTest, WhatPeopleAskGoesFirstWhateverItsPriorityAndAge) {
  const auto life = begin();
  life->feed.limits.in_flight = 1;
  life->attach();
  const OperationId busy = life->read("r0", {"M1"});
  Request urgent = backfill("b1", {"M2"});
  urgent.priority = 9;
  made(*life, urgent);
  life->advance(seconds{1});
  life->read("r1", {"M3"});
  life->far->state = AttemptState::Succeeded;
  ASSERT_TRUE(life->take({{transaction(busy), "B1", "done"}}).ok());
  life->run();
  EXPECT_EQ(asked(*life), "read:B1 read:B3 backfill:B2 ");
}

TEST_F(BackfillTest, UsesAShareOfThePaceOnlySoThatAReadLeavesAtOnce) {
  for (int n = 6; n <= 20; ++n) add_meter(n);
  const auto life = begin();
  life->feed.limits.in_flight = 8;
  life->feed.limits.per_minute = 40;
  life->attach();
  std::vector<std::string> all;
  for (int n = 1; n <= 20; ++n) all.push_back("M" + std::to_string(n));
  const OperationId id = made(*life, backfill("b1", all));
  EXPECT_EQ(life->far->asked.size(), 2U) << "a quarter of 8";
  const OperationId read = life->read("r1", {"M7"});
  EXPECT_EQ(states(read), "SENT");
  life->far->state = AttemptState::Succeeded;
  for (int n : {1, 2})
    ASSERT_TRUE(life->take({{transaction(id, n - 1), "B" + std::to_string(n), "done"}}).ok());
  life->advance(seconds{50});
  EXPECT_EQ(life->far->asked.size(), 10U + 1U) << "a quarter of 40 in this minute";
  life->advance(minutes{2});
  EXPECT_EQ(storage::Operations(*database).get(north, id)->count(storage::TargetState::Succeeded), 20U);
}

TEST_F(BackfillTest, FarSideThatGivesPeriodsOfManyMetersIsAskedOnceForThem) {
  for (int n = 6; n <= 12; ++n) add_meter(n, "F1");
  Rules rules;
  rules.group_in_flight = 1;
  const auto life = begin(100, rules);
  life->feed.limits.in_flight = 2;
  life->attach();
  std::vector<std::string> all;
  for (int n = 1; n <= 12; ++n) all.push_back("M" + std::to_string(n));
  const OperationId id = made(*life, backfill("b1", all, 10)), next = made(*life, backfill("b2", all, 11));
  ASSERT_EQ(life->far->asked.size(), 1U) << "one such question at a time";
  EXPECT_EQ(life->far->asked[0].meters.size(), 12U) << "out of its books: the feeder is not what answers";
  EXPECT_EQ(states(life->read("r1", {"M6"})), "SENT") << "it is one of two in flight, whatever its meters";
  for (int n = 1; n <= 12; ++n)
    ASSERT_TRUE(life->take({{transaction(id), "B" + std::to_string(n), "done"}}).ok());
  life->run();
  ASSERT_EQ(life->far->asked.size(), 3U);
  EXPECT_EQ(life->far->asked[2].from, at("2026-01-11T00:00:00Z"));
  EXPECT_NE(transaction(next), "");
}

TEST_F(BackfillTest, RequestsThatSayNothingSensibleAreRefusedWithTheField) {
  const auto life = begin();
  Request none = backfill("b1", {"M1"}), empty = none, late = none, far = none, read = request("r1", {"M1"});
  none.period.reset();
  empty.period->to = empty.period->from;
  late.period = storage::Period{at("2026-01-15T00:00:00Z"), at("2026-01-16T00:00:00Z")};
  far.period->from = at("2024-12-06T23:59:59Z");  // 400 days and a second before the 11th
  read.period = day(10);
  for (const Request& wrong : {none, empty, late, far, read})
    EXPECT_EQ(refusal(life->submit(wrong)), "period");
  far.period->from += seconds{1};
  EXPECT_EQ(refusal(life->submit(far)), "accepted");
  life->feed.can.backfill = false;
  life->attach();
  EXPECT_EQ(refusal(life->submit(backfill("b2", {"M1"}))), "NOT_STATED");
}

TEST_F(BackfillTest, AnotherPeriodUnderTheSameNameIsAnotherRequest) {
  const auto life = begin();
  const OperationId id = made(*life, backfill("b1", {"M1"}, 10));
  const auto again = life->submit(backfill("b1", {"M1"}, 10));
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->operation.id, id);
  EXPECT_EQ(refusal(life->submit(backfill("b1", {"M1"}, 11))), "request_id");
}

TEST_F(BackfillTest, LeavesHalfOfTheQueueToPeople) {
  Rules rules;
  rules.queue = 4;
  const auto life = begin(1, rules);
  EXPECT_EQ(refusal(life->submit(backfill("b1", {"M1", "M2", "M3"}))), "meters") << "it never fits";
  EXPECT_EQ(refusal(life->submit(backfill("b2", {"M1", "M2"}))), "accepted");
  EXPECT_EQ(refusal(life->submit(backfill("b3", {"M3"}))), "QUEUE_FULL");
  EXPECT_EQ(refusal(life->submit(request("r1", {"M3", "M4"}))), "accepted");
}

TEST_F(BackfillTest, WhatDidNotLeaveIsTriedAgainUntilItExpires) {
  const auto life = begin();
  life->far->state = AttemptState::Failed;
  life->far->reason = "unreachable";
  Request wanted = backfill("b1", {"M1"});
  wanted.expiry = minutes{10};
  const OperationId id = made(*life, wanted);
  life->advance(minutes{11});
  EXPECT_GT(life->far->asked.size(), 3U);
  EXPECT_EQ(states(id) + " " + reasons(id), "FAILED expired");
  EXPECT_EQ(transaction(id), "");
}

}  // namespace
}  // namespace ami::daemon::commands
