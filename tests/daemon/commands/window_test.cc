// What happens while the store is at work: between a call, its being carried out, and its answer.
#include <boost/asio/co_spawn.hpp>

#include "tests/daemon/commands/life.h"

namespace ami::daemon::commands {
namespace {

using sdk::AttemptState;
using storage::TargetState;

class WindowTest : public CommandsTest {
 protected:
  // A request whose own calls of the store are answered, and nobody else's that it holds.
  OperationId read_meanwhile(Life& life, const std::string& id, const std::string& meter = "M1") {
    const std::size_t others = life.store.held();
    const auto reply = life.begin_submit(request(id, {meter}));
    for (int call = 0; call < 3 && !reply->has_value(); ++call) {
      life.store.answer(others);
      life.run();
    }
    EXPECT_TRUE(reply->has_value() && (*reply)->ok());
    return reply->has_value() && (*reply)->ok() ? (**reply)->operation.id : 0;
  }
  // As the engine said it last, each tick.
  static std::size_t in_flight(Life& life) {
    life.advance(milliseconds{200});
    return life.figures().in_flight;
  }
  static storage::TargetAnswer done() {
    storage::TargetAnswer answer;
    answer.state = TargetState::Succeeded;
    return answer;
  }
};

TEST_F(WindowTest, WhoJoinsWhileTheAnswerIsBeingStoredHasItToo) {
  const auto life = start();
  life->far->state = AttemptState::Succeeded;
  life->far->on_send = [&](const FarSide::Asked&) { life->store.holding = true; };
  const OperationId a = life->read("r1", {"M1"});
  ASSERT_EQ(life->store.held(), 1U) << "its end";
  const OperationId b = read_meanwhile(*life, "r2");
  life->answer_all();
  life->store.holding = false;
  EXPECT_EQ(states(a) + " " + states(b), "SUCCEEDED SUCCEEDED");
  EXPECT_EQ(in_flight(*life), 0U);
  EXPECT_EQ(life->far->asked.size(), 1U);
  // A far side that is away then does not stop the feed for good.
  life->far->on_send = nullptr;
  life->far->state = AttemptState::Failed;
  life->far->reason = "unreachable";
  const OperationId c = life->read("r3", {"M2"});
  life->far->state = AttemptState::Succeeded;
  life->advance(minutes{2});
  EXPECT_EQ(states(c), "SUCCEEDED");
}

TEST_F(WindowTest, EndWhoseStoringWasInDoubtIsAnEnd) {
  const auto life = start();
  life->far->state = AttemptState::Succeeded;
  life->far->on_send = [&](const FarSide::Asked&) { life->store.holding = true; };
  const OperationId id = life->read("r1", {"M1"});
  ASSERT_EQ(life->store.held(), 1U);
  life->store.carry_out(0);
  life->store.carry_out(0);
  life->answer_all();
  life->store.holding = false;
  EXPECT_EQ(states(id), "SUCCEEDED");
  EXPECT_EQ(life->place(id), std::nullopt);
  EXPECT_EQ(in_flight(*life), 0U);
  EXPECT_EQ((life->figures().ended[{OperationKind::Read, TargetState::Succeeded, ""}]), 1U);
}

TEST_F(WindowTest, AnswerWhoseStoringWasInDoubtIsAnEndAndTheResetThatWaitedForItGoes) {
  const auto life = start();
  Request wanted = request("r1");
  wanted.kind = OperationKind::DemandReset;
  const auto made = life->submit(wanted);
  ASSERT_TRUE(made.ok());
  const OperationId read = *made->read_before;
  life->store.holding = true;
  const auto taken = life->begin_take({{transaction(read), "B1", "done"}});
  life->answer_newest();  // they are found
  ASSERT_EQ(life->store.held(), 1U);
  life->store.carry_out(0);
  life->store.carry_out(0);
  life->answer_all();
  life->store.holding = false;
  ASSERT_TRUE(taken->has_value() && (*taken)->ok());
  EXPECT_EQ(states(read) + " " + states(made->operation.id), "SUCCEEDED SENT");
  EXPECT_EQ(life->place(read), std::nullopt);
}

TEST_F(WindowTest, TargetThatAnotherGatewayEndedIsNoGhostAndItsResetGoes) {
  const auto life = start();
  Request wanted = request("r1");
  wanted.kind = OperationKind::DemandReset;
  const auto made = life->submit(wanted);
  ASSERT_TRUE(made.ok());
  const OperationId other = life->read("r2", {"M2"});
  life->advance(seconds{355});
  storage::Operations another(*database);
  const UtcInstant now = life->host.clock.now();
  ASSERT_TRUE(another.finish({{{*made->read_before, 0}, done()}}, now).ok());
  ASSERT_EQ(another.end_overdue(now + minutes{1})->size(), 1U);
  EXPECT_EQ(states(other), "TIMED_OUT");
  life->advance(seconds{10});
  EXPECT_EQ(life->place(other), std::nullopt);
  EXPECT_EQ(states(made->operation.id), "SENT") << "its read succeeded, whoever heard of it";
  EXPECT_EQ(life->figures().in_flight, 1U);
  EXPECT_EQ((life->figures().ended[{OperationKind::Read, TargetState::TimedOut, "no_answer"}]), 1U);
}

TEST_F(WindowTest, WhatIsAnsweredWhileAFeedRestoresIsNotTakenUpAgain) {
  const auto first = start();
  const OperationId id = first->read("r1", {"M1"});
  Life second(*database, north, {}, first->host.clock.now());
  second.store.holding = true;
  second.attach();
  ASSERT_EQ(second.store.held(), 1U);
  second.store.carry_out(0);  // it has read that the target is SENT
  const auto taken = second.begin_take({{transaction(id), "B1", "done"}});
  second.answer_newest();
  second.answer_newest();
  ASSERT_TRUE(taken->has_value() && (*taken)->ok());
  EXPECT_EQ(states(id), "SUCCEEDED");
  second.answer_all();
  second.store.holding = false;
  EXPECT_EQ(in_flight(second), 0U);
  EXPECT_EQ(second.place(id), std::nullopt);
  const OperationId later = second.read("r2", {"M1"});
  EXPECT_EQ(second.far->asked.size(), 1U) << "an answer of before is not this one's";
  EXPECT_EQ(states(later), "SENT");
}

TEST_F(WindowTest, ReadThatEndsWhileAFeedRestoresLetsItsResetGo) {
  const auto first = start();
  Request wanted = request("r1");
  wanted.kind = OperationKind::DemandReset;
  const auto made = first->submit(wanted);
  ASSERT_TRUE(made.ok());
  Life second(*database, north, {}, first->host.clock.now());
  second.store.holding = true;
  second.attach();
  second.store.carry_out(0);
  const auto taken = second.begin_take({{transaction(*made->read_before), "B1", "done"}});
  second.answer_newest();
  second.answer_newest();
  second.answer_all();
  second.store.holding = false;
  second.advance(seconds{1});
  EXPECT_EQ(states(*made->read_before) + " " + states(made->operation.id), "SUCCEEDED SENT");
}

TEST_F(WindowTest, WhoJoinsWhileALaterAnswerIsBeingStoredHasItToo) {
  for (const bool carried_out_before : {false, true}) {
    const std::string round = carried_out_before ? "b" : "a", meter = carried_out_before ? "M2" : "M1";
    const auto life = start();
    const OperationId a = life->read("r1" + round, {meter});
    life->store.holding = true;
    const auto taken = life->begin_take({{transaction(a), carried_out_before ? "B2" : "B1", "done"}});
    life->answer_newest();
    ASSERT_EQ(life->store.held(), 1U) << "the end of the first";
    if (carried_out_before) life->store.carry_out(0);
    const OperationId b = read_meanwhile(*life, "r2" + round, meter);
    ASSERT_EQ(life->store.held(), 2U) << "and that the second shares what has left";
    life->answer_newest();
    life->answer_all();
    life->store.holding = false;
    life->run();
    EXPECT_EQ(states(a) + " " + states(b), "SUCCEEDED SUCCEEDED");
    EXPECT_EQ(in_flight(*life), 0U);
    life->engine->stop();
    life->advance(seconds{1});
  }
}

TEST_F(WindowTest, JoiningWhoseStoringWasInDoubtIsJoining) {
  const auto life = start();
  const OperationId a = life->read("r1", {"M1"});
  life->store.holding = true;
  const OperationId b = read_meanwhile(*life, "r2");
  ASSERT_EQ(life->store.held(), 1U);
  life->store.carry_out(0);
  life->store.carry_out(0);
  life->answer_all();
  life->store.holding = false;
  EXPECT_EQ(transaction(a), transaction(b));
  EXPECT_NE(life->place(b), std::nullopt);
  ASSERT_TRUE(life->take({{transaction(a), "B1", "done"}}).ok());
  EXPECT_EQ(states(a) + " " + states(b), "SUCCEEDED SUCCEEDED");
  EXPECT_EQ(in_flight(*life), 0U);
}

}  // namespace
}  // namespace ami::daemon::commands
