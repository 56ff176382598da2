// From asking to the end, when nothing is wrong; who shares what; who takes back what.
#include <regex>

#include "tests/daemon/commands/life.h"

namespace ami::daemon::commands {
namespace {

class EngineTest : public CommandsTest {};

TEST_F(EngineTest, ReadIsSentAndEndsWithTheAnswerThatComesLater) {
  const auto life = start();
  const OperationId id = life->read("r1", {"M1"});
  EXPECT_EQ(states(id), "SENT");
  ASSERT_EQ(life->far->asked.size(), 1U);
  const FarSide::Asked& asked = life->far->asked[0];
  EXPECT_EQ(asked.meters, std::vector<std::string>{"B1"});
  EXPECT_EQ(asked.kind, sdk::CommandKind::Read);
  EXPECT_EQ(asked.transaction, transaction(id));
  EXPECT_TRUE(std::regex_match(asked.transaction, std::regex("[A-Za-z0-9-]{1,32}"))) << asked.transaction;
  EXPECT_EQ(asked.expires_at, asked.at + seconds{300});
  life->advance(seconds{20});
  ASSERT_TRUE(life->take({{asked.transaction, "B1", "working"}}).ok());
  EXPECT_EQ(states(id), "SENT");
  ASSERT_TRUE(life->take({{asked.transaction, "B1", "done"}}).ok());
  EXPECT_EQ(states(id), "SUCCEEDED");
  EXPECT_EQ(life->place(id), std::nullopt);
  life->advance(hours{1});
  EXPECT_EQ(states(id), "SUCCEEDED");
  EXPECT_EQ(life->far->asked.size(), 1U);
}

TEST_F(EngineTest, SentIsInTheStoreBeforeTheFirstByteLeaves) {
  const auto life = start();
  std::string seen;
  life->far->on_send = [&](const FarSide::Asked& asked) {
    seen =
        one("SELECT state || ' ' || (answer_due_at > sent_at) FROM operation_target WHERE transaction = '" +
            asked.transaction + "'");
  };
  life->read("r1", {"M1"});
  EXPECT_EQ(seen, "SENT true");
}

TEST_F(EngineTest, AnswersThatComeAtOnceEndTheirTargetsEachByItself) {
  const auto life = start();
  life->feed.limits.targets = 10;
  life->attach();
  life->far->answer = [](const std::string& meter, sdk::CommandKind) {
    sdk::AttemptAnswer answer;
    answer.state = meter == "B2" ? sdk::AttemptState::Failed : sdk::AttemptState::Succeeded;
    if (meter == "B2") answer.reason = "no_such_meter";
    answer.power = sdk::PowerState::Powered;
    answer.at = storage::at("2026-01-14T23:59:58Z");
    return answer;
  };
  Request ping = request("p1", {"M1", "M2", "M3"});
  ping.kind = OperationKind::Ping;
  const auto reply = life->submit(ping);
  ASSERT_TRUE(reply.ok()) << reply.refused().refusal.message;
  const OperationId id = reply->operation.id;
  EXPECT_EQ(life->far->asked.size(), 1U);
  EXPECT_EQ(states(id), "SUCCEEDED FAILED SUCCEEDED");
  EXPECT_EQ(reasons(id), " no_such_meter ");
  EXPECT_EQ(sql("SELECT power, switch_position, at FROM operation_target WHERE number = 0"),
            (storage::Table{{"POWERED", "", "2026-01-14 23:59:58+00"}}));
  EXPECT_EQ((life->figures().ended[{OperationKind::Ping, storage::TargetState::Succeeded, ""}]), 2U);
  EXPECT_EQ((life->figures().ended[{OperationKind::Ping, storage::TargetState::Failed, "no_such_meter"}]),
            1U);
}

TEST_F(EngineTest, SameRequestAgainIsTheSameOperationAndNoSecondAttempt) {
  const auto life = start();
  const auto first = life->submit(request("r1"));
  const auto again = life->submit(request("r1"));
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->operation.id, again->operation.id);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->place.sent, 1U);
  EXPECT_EQ(life->far->asked.size(), 1U);
  const auto other = life->submit(request("r1", {"M2"}));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.refused().refusal.kind, storage::Refusal::Kind::Collision);
  EXPECT_EQ(other.refused().retry_after, std::nullopt);
}

TEST_F(EngineTest, EqualRequestsShareOneAttemptWhileItIsQueued) {
  const auto life = start();
  life->feed.limits.in_flight = 1;
  life->attach();
  const OperationId busy = life->read("r0", {"M5"});
  const OperationId a = life->read("r1", {"M1"}), b = life->read("r2", {"M2", "M1"});
  EXPECT_EQ(states(a) + ", " + states(b), "QUEUED, QUEUED QUEUED");
  ASSERT_TRUE(life->take({{transaction(busy), "B5", "done"}}).ok());
  EXPECT_EQ(states(a) + ", " + states(b), "SENT, QUEUED SENT");
  EXPECT_EQ(transaction(a), transaction(b, 1));
  ASSERT_TRUE(life->take({{transaction(a), "B1", "done"}}).ok());
  EXPECT_EQ(states(a) + ", " + states(b), "SUCCEEDED, SENT SUCCEEDED");
  EXPECT_EQ(life->far->asked.size(), 3U);
  EXPECT_EQ(life->figures().joined, 1U);
}

TEST_F(EngineTest, EqualRequestSharesTheAttemptThatHasLeft) {
  const auto life = start();
  const OperationId a = life->read("r1", {"M1"});
  life->advance(seconds{100});
  Request request_b = request("r2");
  request_b.expiry = seconds{30};
  const auto b = life->submit(request_b);
  ASSERT_TRUE(b.ok());
  EXPECT_EQ(life->far->asked.size(), 1U);
  EXPECT_EQ(transaction(a), transaction(b->operation.id));
  // Its own patience counts for it: 30 s and the grace.
  life->advance(seconds{89});
  EXPECT_EQ(states(b->operation.id), "SENT");
  life->advance(seconds{2});
  EXPECT_EQ(states(a) + " " + states(b->operation.id), "SENT TIMED_OUT");
  const OperationId c = life->read("r3", {"M1"});
  ASSERT_TRUE(life->take({{transaction(a), "B1", "done"}}).ok());
  EXPECT_EQ(states(a) + " " + states(c) + " " + states(b->operation.id), "SUCCEEDED SUCCEEDED TIMED_OUT");
  const OperationId later = life->read("r4", {"M1"});
  EXPECT_EQ(states(later), "SENT") << "an answer of before is not this one's";
  EXPECT_EQ(life->far->asked.size(), 2U);
}

TEST_F(EngineTest, WhatTheFarSideHasDroppedIsAskedAnewAndNotJoined) {
  const auto life = start();
  const OperationId a = life->read("r1", {"M1"});
  life->advance(seconds{299});
  const OperationId b = life->read("r2", {"M1"});
  EXPECT_EQ(life->far->asked.size(), 1U);
  life->advance(seconds{2});
  const OperationId c = life->read("r3", {"M1"});  // an answer is only waited for
  ASSERT_EQ(life->far->asked.size(), 2U);
  EXPECT_NE(transaction(c), transaction(a));
  const OperationId d = life->read("r4", {"M1"});
  EXPECT_EQ(transaction(d), transaction(c));
  life->advance(minutes{2});
  EXPECT_EQ(states(a) + " " + states(b) + " " + states(c), "TIMED_OUT TIMED_OUT SENT");
  const OperationId e = life->read("r5", {"M1"});
  EXPECT_EQ(transaction(e), transaction(c)) << "the end of the old one takes nothing from the new";
  ASSERT_TRUE(life->take({{transaction(c), "B1", "done"}}).ok());
  EXPECT_EQ(states(c) + " " + states(d) + " " + states(e), "SUCCEEDED SUCCEEDED SUCCEEDED");
  life->advance(seconds{1});
  EXPECT_EQ(life->figures().in_flight, 0U);
}

TEST_F(EngineTest, WhoJoinsWhileTheAttemptIsMadeHasItsAnswer) {
  const auto life = start();
  life->far->before = seconds{5};
  life->far->after = seconds{5};
  life->far->state = sdk::AttemptState::Succeeded;
  const OperationId a = life->read("r1", {"M1"});
  const OperationId b = life->read("r2", {"M1"});  // before it may send
  life->advance(seconds{7});
  const OperationId c = life->read("r3", {"M1"});  // after it was sent, before it answered
  EXPECT_EQ(states(a) + " " + states(b) + " " + states(c), "SENT SENT QUEUED");
  life->advance(seconds{4});
  EXPECT_EQ(states(a) + " " + states(b) + " " + states(c), "SUCCEEDED SUCCEEDED SUCCEEDED");
  EXPECT_EQ(life->far->asked.size(), 1U);
}

TEST_F(EngineTest, AnswerThatOvertakesTheReplyToTheRequestCounts) {
  const auto life = start();
  life->far->after = seconds{30};  // the far side keeps the connection open while it already calls back
  const OperationId a = life->read("r1", {"M1"});
  life->advance(seconds{1});
  const OperationId b = life->read("r2", {"M1"});
  ASSERT_TRUE(life->take({{transaction(a), "B1", "done"}}).ok());
  life->run();
  EXPECT_EQ(states(a) + " " + states(b), "SUCCEEDED SUCCEEDED");
  life->advance(minutes{10});
  EXPECT_EQ(states(a) + " " + states(b), "SUCCEEDED SUCCEEDED");
  EXPECT_EQ(life->figures().in_flight, 0U);
}

TEST_F(EngineTest, CancelTakesBackWhatIsQueuedAndLetsGoOnWhatHasLeft) {
  const auto life = start();
  life->feed.limits.in_flight = 1;
  life->attach();
  const OperationId id = life->read("r1", {"M1", "M2", "M3"});
  const auto cancelled = life->cancel(id);
  ASSERT_TRUE(cancelled.ok());
  EXPECT_EQ(cancelled->count(storage::TargetState::Cancelled), 2U);
  EXPECT_EQ(cancelled->count(storage::TargetState::Sent), 1U);
  EXPECT_EQ(states(id), "SENT CANCELLED CANCELLED");
  ASSERT_TRUE(life->take({{transaction(id), "B1", "done"}}).ok());
  life->advance(minutes{1});
  EXPECT_EQ(states(id), "SUCCEEDED CANCELLED CANCELLED");
  EXPECT_EQ(life->far->asked.size(), 1U);
  EXPECT_EQ(life->cancel(id + 77).refused().refusal.kind, storage::Refusal::Kind::NotFound);
}

TEST_F(EngineTest, CancelBeforeTheFirstByteKeepsItFromLeaving) {
  const auto life = start();
  life->far->before = seconds{5};
  const OperationId id = life->read("r1", {"M1"});
  ASSERT_TRUE(life->cancel(id).ok());
  life->advance(minutes{1});
  EXPECT_EQ(states(id), "CANCELLED");
  EXPECT_EQ(life->far->asked.size(), 1U);
  EXPECT_TRUE(life->far->sent().empty());
  EXPECT_EQ(life->figures().in_flight, 0U);
}

TEST_F(EngineTest, CancelOfOneAmongSeveralOfAnAttemptLetsTheOthersGoInTheNext) {
  const auto life = start();
  life->far->before = seconds{5};
  life->feed.limits.targets = 10;
  life->feed.limits.in_flight = 1;
  life->attach();
  const OperationId busy = life->read("r0", {"M5"});
  const OperationId a = life->read("r2", {"M1"}), b = life->read("r3", {"M2"});
  life->feed.limits.in_flight = 10;
  life->attach();  // room for both at once
  life->advance(seconds{1});
  ASSERT_EQ(life->far->asked.back().meters, (std::vector<std::string>{"B1", "B2"}));
  ASSERT_TRUE(life->cancel(a).ok());
  life->advance(minutes{1});
  EXPECT_EQ(states(a) + " " + states(b) + " " + states(busy), "CANCELLED SENT SENT");
  for (const auto& sent : life->far->sent()) EXPECT_EQ(std::ranges::count(sent.meters, "B1"), 0);
}

TEST_F(EngineTest, CancelOfOneWhoSharesLetsTheOtherHaveItsAnswer) {
  const auto life = start();
  life->feed.limits.in_flight = 1;
  life->attach();
  const OperationId busy = life->read("r0", {"M5"});
  const OperationId a = life->read("r1", {"M1"}), b = life->read("r2", {"M1"});
  ASSERT_TRUE(life->cancel(a).ok());
  ASSERT_TRUE(life->take({{transaction(busy), "B5", "done"}}).ok());
  EXPECT_EQ(states(a) + " " + states(b), "CANCELLED SENT");
  ASSERT_TRUE(life->take({{transaction(b), "B1", "done"}}).ok());
  EXPECT_EQ(states(a) + " " + states(b), "CANCELLED SUCCEEDED");
}

TEST_F(EngineTest, FollowersHearOfEachChangeOfTheEndAndOfTheirOwnPatience) {
  const auto life = start();
  const OperationId id = life->read("r1", {"M1", "M2"});
  std::vector<std::string> told;
  std::uint64_t version = 0;
  const auto follow = [&](std::uint64_t seen, milliseconds patience) {
    life->engine->follow(id, seen, patience, [&](const Reply<Followed>& reply) {
      ASSERT_TRUE(reply.ok());
      told.push_back(reply->live ? "live" : "over");
      version = reply->version;
    });
    life->run();
  };
  follow(0, minutes{5});
  ASSERT_EQ(told.size(), 1U) << "at once: nothing was seen yet";
  follow(version, seconds{10});
  life->advance(seconds{9});
  EXPECT_EQ(told.size(), 1U);
  life->advance(seconds{2});
  EXPECT_EQ(told.size(), 2U) << "patience was over";
  const std::uint64_t before = version;
  follow(version, minutes{5});
  ASSERT_TRUE(life->take({{transaction(id, 0), "B1", "done"}}).ok());
  ASSERT_EQ(told.size(), 3U);
  EXPECT_GT(version, before);
  EXPECT_EQ(told[2], "live");
  follow(version, minutes{5});
  ASSERT_TRUE(life->take({{transaction(id, 1), "B2", "failed"}}).ok());
  ASSERT_EQ(told.size(), 4U);
  EXPECT_EQ(told[3], "over");
  follow(version, minutes{5});
  EXPECT_EQ(told.back(), "over") << "what has ended is said to have";
}

TEST_F(EngineTest, MoreFollowersThanMayBeAreRefusedAndToldWhenToComeBack) {
  Rules rules;
  rules.followers = 1;
  const auto life = start(rules);
  const OperationId id = life->read("r1", {"M1"});
  int waiting = 0;
  std::optional<Refused> refused;
  life->engine->follow(id, 99, minutes{5}, [&](const Reply<Followed>&) { ++waiting; });
  life->engine->follow(id, 99, minutes{5}, [&](const Reply<Followed>& reply) { refused = reply.refused(); });
  life->run();
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->refusal.rule->name, "TOO_MANY_FOLLOWERS");
  EXPECT_TRUE(refused->retry_after.has_value());
  EXPECT_EQ(waiting, 0);
}

TEST_F(EngineTest, StopBeginsNothingMoreAndReturnsWhenNothingIsUnderWay) {
  const auto life = start();
  life->feed.limits.in_flight = 1;
  life->attach();
  life->far->after = seconds{30};
  const OperationId a = life->read("r1", {"M1"}), b = life->read("r2", {"M2"});
  life->engine->stop();
  life->advance(seconds{1});
  EXPECT_FALSE(life->ended);
  const auto refused = life->submit(request("r3", {"M3"}));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.refused().refusal.kind, storage::Refusal::Kind::Unavailable);
  life->advance(seconds{40});
  EXPECT_TRUE(life->ended);
  EXPECT_EQ(life->far->asked.size(), 1U);
  EXPECT_EQ(states(a) + " " + states(b), "SENT QUEUED");
}

}  // namespace
}  // namespace ami::daemon::commands
