// The engine keeps to what each far side takes, whatever is asked of it. The queue alone: feed_queue_test.cc.
#include <random>

#include "tests/daemon/commands/life.h"

namespace ami::daemon::commands {
namespace {

class PacingTest : public CommandsTest {};

TEST_F(PacingTest, NoBoundIsPassedWhateverIsAskedAndEverythingEnds) {
  const char* const feeders[] = {"", "SUB-1", "SUB-2"};
  for (int n = 6; n <= 60; ++n) add_meter(n, feeders[n % 3]);
  for (unsigned seed = 1; seed <= 3; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    Rules rules;
    rules.group_in_flight = 3;
    Life life(*database, north, rules);
    life.feed.limits.targets = 4;
    life.feed.limits.in_flight = 9;
    life.feed.limits.per_minute = 40;
    life.feed.limits.expiry = seconds{30};
    life.feed.limits.grace = seconds{10};
    life.far->answer = [&](const std::string&, sdk::CommandKind) {
      sdk::AttemptAnswer answer;
      const int what = pick(0, 9);
      answer.state = what < 5   ? sdk::AttemptState::Waiting
                     : what < 7 ? sdk::AttemptState::Succeeded
                     : what < 9 ? sdk::AttemptState::Unknown
                                : sdk::AttemptState::Failed;
      answer.reason = answer.state == sdk::AttemptState::Failed ? "unreachable" : "";
      return answer;
    };
    life.attach();
    std::vector<OperationId> made;
    for (int step = 0; step < 150; ++step) {
      if (step < 60 && pick(0, 1) == 0) {
        Request wanted = request("s" + std::to_string(seed) + "-" + std::to_string(step), {});
        for (int i = pick(1, 8); i > 0; --i) wanted.meters.push_back("M" + std::to_string(pick(1, 60)));
        wanted.kind = pick(0, 2) == 0 ? OperationKind::Ping : OperationKind::Read;
        wanted.priority = pick(0, 9);
        const auto reply = life.submit(wanted);
        ASSERT_TRUE(reply.ok()) << reply.refused().refusal.message;
        made.push_back(reply->operation.id);
      }
      if (!made.empty() && pick(0, 15) == 0)
        (void)life.cancel(made[static_cast<std::size_t>(pick(0, static_cast<int>(made.size()) - 1))]);
      if (!life.far->asked.empty() && pick(0, 1) == 0) {
        const auto& asked =
            life.far->asked[static_cast<std::size_t>(pick(0, static_cast<int>(life.far->asked.size()) - 1))];
        ASSERT_TRUE(
            life.take({{asked.transaction, asked.meters[0], pick(0, 4) == 0 ? "failed" : "done"}}).ok());
      }
      life.advance(milliseconds{pick(0, 4000)});
      ASSERT_LE(std::stoi(one(
                    "SELECT count(DISTINCT (kind, vendor_id)) FROM operation_target WHERE state = 'SENT'")),
                9);
      ASSERT_LE(
          std::stoi(
              one("SELECT coalesce(max(n), 0) FROM (SELECT count(DISTINCT (kind, vendor_id)) AS n FROM"
                  " operation_target WHERE state = 'SENT' AND pacing_group <> '' GROUP BY pacing_group) k")),
          3);
    }
    life.far->answer = {};
    life.far->state = sdk::AttemptState::Succeeded;
    life.advance(minutes{40});
    EXPECT_EQ(one("SELECT count(*) FROM operation_target WHERE state IN ('QUEUED', 'SENT')"), "0")
        << "seed " << seed;
    const auto& asked = life.far->asked;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      ASSERT_LE(asked[i].meters.size(), 4U);
      std::size_t in_a_minute = 0;
      for (std::size_t k = i; k < asked.size() && asked[k].at < asked[i].at + minutes{1}; ++k)
        in_a_minute += asked[k].meters.size();
      ASSERT_LE(in_a_minute, 40U) << "seed " << seed;
    }
    std::set<std::string> transactions;
    for (const auto& one_asked : asked)
      EXPECT_TRUE(transactions.insert(one_asked.transaction).second) << "seed " << seed;
    EXPECT_EQ(life.figures().in_flight + life.figures().waiting, 0U);
    life.engine->stop();
    life.advance(seconds{1});
  }
}

TEST_F(PacingTest, UrgentOnesGoFirstThenTheOldest) {
  const auto life = start();
  life->feed.limits.in_flight = 1;
  life->attach();
  const OperationId first = life->read("r0", {"M1"});
  life->read("r1", {"M2"}, 0);
  life->advance(seconds{1});
  life->read("r2", {"M3"}, 5);
  life->read("r3", {"M4"}, 9);
  life->advance(seconds{1});
  life->read("r4", {"M5"}, 5);
  life->far->state = sdk::AttemptState::Succeeded;
  ASSERT_TRUE(life->take({{transaction(first), "B1", "done"}}).ok());
  life->run();
  std::string order;
  for (const auto& asked : life->far->asked) order += asked.meters[0] + " ";
  EXPECT_EQ(order, "B1 B4 B3 B5 B2 ");
}

TEST_F(PacingTest, AnswerSaysHowManyGoBeforeAndHowLongThatTakes) {
  for (int n = 6; n <= 30; ++n) add_meter(n);
  const auto life = start();
  life->feed.limits.in_flight = 2;
  life->feed.limits.per_minute = 600;
  life->attach();
  const OperationId busy = life->read("r0", {"M1", "M2"});
  auto place = life->place(busy);
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->sent, 2U);
  EXPECT_EQ(place->expected, std::nullopt) << "none has answered yet";
  std::vector<std::string> many;
  for (int n = 3; n <= 22; ++n) many.push_back("M" + std::to_string(n));
  const OperationId batch = life->read("r1", many);
  life->advance(seconds{10});
  ASSERT_TRUE(life->take({{transaction(busy), "B1", "done"}}).ok());  // after 10 s
  const auto reply = life->submit(request("r2", {"M30"}));
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->place.queued, 1U);
  EXPECT_EQ(reply->place.position, 19U);
  // Two at once of 10 s: 19 before it take 95 s, itself 10.
  EXPECT_EQ(reply->place.expected, seconds{105});
  EXPECT_EQ(life->place(batch)->position, 18U) << "its own last one";
  Request urgent = request("r3", {"M29"});
  urgent.priority = 9;
  EXPECT_EQ(life->submit(urgent)->place.position, 0U);
}

TEST_F(PacingTest, FullQueueRefusesWithAReasonAndATimeAndHasRoomAgain) {
  Rules rules;
  rules.queue = 3;
  const auto life = start(rules);
  life->feed.limits.in_flight = 1;
  life->attach();
  const OperationId first = life->read("r0", {"M1", "M2"});
  const auto refused = life->submit(request("r1", {"M3", "M4"}));
  ASSERT_FALSE(refused.ok());
  ASSERT_TRUE(refused.refused().refusal.rule);
  EXPECT_EQ(refused.refused().refusal.rule->name, "QUEUE_FULL");
  EXPECT_EQ(refused.refused().refusal.rule->facts.at("feed"), "radio");
  EXPECT_TRUE(refused.refused().retry_after.has_value());
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "1") << "all or nothing";
  EXPECT_TRUE(life->submit(request("r2", {"M3"})).ok());
  EXPECT_FALSE(life->submit(request("r3", {"M4"})).ok());
  const auto again = life->submit(request("r2", {"M3"}));
  ASSERT_TRUE(again.ok()) << "what was taken is answered, full or not";
  EXPECT_TRUE(again->repeated);
  ASSERT_TRUE(life->take({{transaction(first), "B1", "done"}}).ok());
  EXPECT_TRUE(life->submit(request("r3", {"M4"})).ok());
  EXPECT_EQ(life->figures().queue_full, 2U);
}

TEST_F(PacingTest, FeederIsNotAskedByMoreThanItsShare) {
  for (int n = 6; n <= 12; ++n) add_meter(n, "SUB-1");
  Rules rules;
  rules.group_in_flight = 2;
  const auto life = start(rules);
  const OperationId feeder = life->read("r1", {"M6", "M7", "M8", "M9"}),
                    others = life->read("r2", {"M1", "M2", "M3"});
  EXPECT_EQ(states(feeder), "SENT SENT QUEUED QUEUED");
  EXPECT_EQ(states(others), "SENT SENT SENT");
  ASSERT_TRUE(life->take({{transaction(feeder, 1), "B7", "done"}}).ok());
  EXPECT_EQ(states(feeder), "SENT SUCCEEDED SENT QUEUED");
}

TEST_F(PacingTest, SubstationAndCollectorHaveTheirShareToo) {
  for (int n = 6; n <= 9; ++n) add_meter(n, "F" + std::to_string(n));
  sql("UPDATE usage_point_detail SET substation = 'S1', collector = CASE WHEN feeder IN ('F6', 'F7') THEN "
      "'C1' ELSE '' END");
  Rules rules;
  rules.substation_in_flight = 3;
  rules.collector_in_flight = 1;
  const auto life = start(rules);
  const OperationId id = life->read("r1", {"M6", "M7", "M8", "M9", "M1"});
  EXPECT_EQ(states(id), "SENT QUEUED SENT SENT SENT") << "M7 is the collector's second";
  ASSERT_TRUE(life->take({{transaction(id, 2), "B8", "done"}}).ok());
  EXPECT_EQ(states(id), "SENT QUEUED SUCCEEDED SENT SENT");
  ASSERT_TRUE(life->take({{transaction(id, 0), "B6", "done"}}).ok());
  EXPECT_EQ(states(id), "SUCCEEDED SENT SUCCEEDED SENT SENT");
}

TEST_F(PacingTest, ExpectedTimeHoldsTheRestOfAFeedThatRests) {
  Rules rules;
  rules.retry_first = rules.retry_longest = seconds{40};
  const auto life = start(rules);
  const OperationId first = life->read("r0", {"M1"});
  life->advance(seconds{10});
  ASSERT_TRUE(life->take({{transaction(first), "B1", "done"}}).ok());
  life->far->state = sdk::AttemptState::Failed;
  life->far->reason = "unreachable";
  const OperationId waits = life->read("r1", {"M2"});
  life->run();
  const auto place = life->place(waits);
  ASSERT_TRUE(place && place->expected);
  // Ten seconds for an answer, after a rest of 40 s that has jitter.
  EXPECT_GT(*place->expected, seconds{10});
  EXPECT_LE(*place->expected, seconds{51});
}

}  // namespace
}  // namespace ami::daemon::commands
