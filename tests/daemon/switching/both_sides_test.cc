// What the far side says against what the meter says, and what of it counts for which operation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/switching/scene.h"

namespace ami::daemon::switching {
namespace {

using ::testing::HasSubstr;
using What = Watcher::What;

class BothSidesTest : public SwitchingTest {
 protected:
  SwitchOperation verified_open() {
    const SwitchOperation op = open("o1");
    pass(minutes{1});
    EXPECT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Open, wall)).ok());
    EXPECT_EQ(state(op.id), State::VerifiedOpen);
    pass_and_tick(hours{1});  // the lease, too
    return op;
  }
  SwitchOperation failed(const std::string& id, SwitchAction action) {
    const SwitchOperation op = submit(request(id, action));
    pass(seconds{5});
    EXPECT_TRUE(engine->reported(op.transaction, says(sdk::AttemptState::Failed, "rejected")).ok());
    EXPECT_EQ(state(op.id), State::Failed);
    pass_and_tick(hours{1});  // the lease, too
    return get(op.id);
  }
};

TEST_F(BothSidesTest, ACloseThatFailedDoesNotHideThatTheOpenSwitchIsClosed) {
  const SwitchOperation open = verified_open();
  const SwitchOperation close = failed("c1", SwitchAction::Close);
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Closed, wall}).ok());
  EXPECT_EQ(state(open.id), State::Contradicted);
  EXPECT_EQ(state(close.id), State::Contradicted) << "it was done after all";
}

TEST_F(BothSidesTest, ACloseThatFailedDoesNotHideEnergyThroughTheOpenSwitch) {
  const SwitchOperation open = verified_open();
  const SwitchOperation close = failed("c1", SwitchAction::Close);
  ASSERT_TRUE(engine->learnt(7, IntervalRun{wall, minutes{15}, {Decimal{3, -1}, Decimal{3, -1}}}).ok());
  EXPECT_EQ(state(open.id), State::Contradicted);
  EXPECT_EQ(get(open.id).rule, "ENERGY_WHILE_OPEN");
  EXPECT_EQ(watcher.count(What::SafetyEnergy), 1);
  EXPECT_EQ(state(close.id), State::Failed) << "energy has no time that tells who closed it";
}

TEST_F(BothSidesTest, ACloseThatNeverLeftDoesNotHideTheOpenSwitchEither) {
  const SwitchOperation open = verified_open();
  carrier.answer = says(sdk::AttemptState::Failed, "not_sent");
  const SwitchOperation close = submit(request("c1", SwitchAction::Close));
  ASSERT_EQ(close.state, State::Failed);
  ASSERT_TRUE(close.sent_at.has_value());
  pass_and_tick(hours{1});
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Closed, wall}).ok());
  EXPECT_EQ(state(open.id), State::Contradicted);
  EXPECT_EQ(state(close.id), State::Failed) << "what never left cannot have been done";
}

TEST_F(BothSidesTest, ACloseThatIsUnderWayIsTheOneThatCounts) {
  const SwitchOperation open = verified_open();
  const SwitchOperation close = submit(request("c1", SwitchAction::Close));
  pass(seconds{5});
  ASSERT_TRUE(engine->reported(close.transaction, done(SwitchPosition::Closed, wall)).ok());
  EXPECT_EQ(state(close.id), State::VerifiedClosed);
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Closed, wall}).ok());
  EXPECT_EQ(state(open.id), State::VerifiedOpen);
}

TEST_F(BothSidesTest, WhatFailedAsTheFarSideSaysAndIsDoneAsTheMeterSaysIsContradicted) {
  const SwitchOperation op = failed("r1", SwitchAction::Open);
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, wall - minutes{59}}).ok());
  EXPECT_EQ(state(op.id), State::Contradicted);
  EXPECT_EQ(watcher.count(What::Contradicted), 1);
  EXPECT_EQ(get(op.id).position, "OPEN");
  EXPECT_THAT(get(op.id).words, HasSubstr("said to have failed"));
}

TEST_F(BothSidesTest, AReportBeforeTheWordFailedIsNotForgotten) {
  const SwitchOperation op = open("r1");
  pass(seconds{5});
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, wall}).ok());
  pass(seconds{5});
  ASSERT_TRUE(engine->reported(op.transaction, says(sdk::AttemptState::Failed, "timeout")).ok());
  EXPECT_EQ(state(op.id), State::Contradicted);
}

TEST_F(BothSidesTest, OfAFailedOneOnlyADatedReportInItsFavourCounts) {
  const SwitchOperation op = failed("r1", SwitchAction::Open);
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Closed, wall}).ok());
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, std::nullopt}).ok());
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, wall - hours{3}}).ok());
  site.now_is.means.reports_device_time = false;
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, wall}).ok());
  EXPECT_EQ(state(op.id), State::Failed);
}

TEST_F(BothSidesTest, WhatAPersonSettledAsNotDoneStaysSo) {
  const SwitchOperation op = open("r1");
  pass_and_tick(seconds{360});
  ASSERT_TRUE(engine->resolve(1, op.id, {SwitchPosition::Closed, "crew 4", "cn=pat"}).ok());
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, wall + hours{1}}).ok());
  EXPECT_EQ(state(op.id), State::Failed);
}

TEST_F(BothSidesTest, AProgramDoesNotSettleWhatItAskedForItself) {
  SwitchRequest asked = request("r1");
  asked.automatic = true;
  asked.caller = "cn=program";
  const SwitchOperation op = submit(asked);
  pass_and_tick(seconds{360});
  ASSERT_EQ(state(op.id), State::Uncertain);
  Observed seen{SwitchPosition::Closed, "crew 4", "cn=program for pat", "", "cn=program"};
  EXPECT_EQ(rule_of(engine->resolve(1, op.id, seen)), "OWN_OBSERVATION");
  EXPECT_EQ(state(op.id), State::Uncertain);
  seen.caller = seen.actor = "cn=pat";
  ASSERT_TRUE(engine->resolve(1, op.id, seen).ok());
  EXPECT_EQ(state(op.id), State::Failed);
}

TEST_F(BothSidesTest, APersonSettlesWhatAPersonAskedFor) {
  const SwitchOperation op = open("r1");
  pass_and_tick(seconds{360});
  ASSERT_TRUE(engine->resolve(1, op.id, {SwitchPosition::Closed, "crew 4", "cn=operator", "", "cn=operator"}).ok());
}

TEST_F(BothSidesTest, TheFinalRegisterIsReadWhenTheWordDoneComesAfterTheFlight) {
  const SwitchOperation op = open("r1");
  pass_and_tick(seconds{360});
  ASSERT_EQ(state(op.id), State::Uncertain);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(engine->reported(op.transaction, says(sdk::AttemptState::Succeeded)).ok());
  EXPECT_EQ(state(op.id), State::Uncertain);
  EXPECT_EQ(carrier.reads, 1);
  EXPECT_EQ(get(op.id).final_register, "1234.5 kWh");
}

TEST_F(BothSidesTest, DoneAndThenFailedIsContradictedAndNoSecondOpenIsFree) {
  carrier.answer = says(sdk::AttemptState::Succeeded);
  const SwitchOperation op = open("r1");
  engine->tick();
  pass_and_tick(timing.verify);
  ASSERT_EQ(state(op.id), State::Uncertain);
  ASSERT_TRUE(engine->reported(op.transaction, says(sdk::AttemptState::Failed, "rejected")).ok());
  EXPECT_EQ(state(op.id), State::Contradicted);
  EXPECT_EQ(get(op.id).rule, "rejected");
  EXPECT_EQ(submit(request("r2")).rule, "SWITCH_UNCERTAIN");
}

TEST_F(BothSidesTest, AReportOfTheOperationBeforeDoesNotCountForTheNext) {
  const SwitchOperation first = open("r1");
  pass_and_tick(seconds{10});
  const UtcInstant opened = wall;
  ASSERT_TRUE(engine->reported(first.transaction, done(SwitchPosition::Open, opened)).ok());
  pass_and_tick(seconds{10});
  const SwitchOperation back = submit(request("r2", SwitchAction::Close));
  pass_and_tick(seconds{5});
  ASSERT_TRUE(engine->reported(back.transaction, done(SwitchPosition::Closed, wall)).ok());
  pass_and_tick(seconds{5});
  const SwitchOperation again = open("r3");
  ASSERT_TRUE(engine->reported(again.transaction, says(sdk::AttemptState::Succeeded)).ok());
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, opened}).ok());
  EXPECT_EQ(state(again.id), State::Verifying) << "within a minute of it, and of the first one all the same";
  // A clock that is a little behind is forgiven still.
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, *again.sent_at - seconds{2}}).ok());
  EXPECT_EQ(state(again.id), State::VerifiedOpen);
}

TEST_F(BothSidesTest, AnArmedSwitchThatIsReportedClosedAtOnceWasClosedByTheCustomer) {
  const SwitchOperation op = submit(request("r1", SwitchAction::Arm));
  ASSERT_TRUE(engine->reported(op.transaction, says(sdk::AttemptState::Succeeded)).ok());
  pass(seconds{20});
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Closed, wall}).ok());
  EXPECT_EQ(state(op.id), State::Verifying);
  EXPECT_EQ(watcher.count(What::Contradicted), 0);
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, wall}).ok());
  EXPECT_EQ(state(op.id), State::Contradicted) << "open is not armed";
}

TEST_F(BothSidesTest, TheSecondOfTwoAttemptsThatWasNotLetSendSaysNothingOfTheFirst) {
  const auto other = make("other");
  carrier.before_asking = [&] {
    // The lease has lapsed by the store's clock; the other gateway sends within the same second.
    carrier.before_asking = {};
    steady += timing.lease;
    other->tick();
    steady -= timing.lease;
  };
  const SwitchOperation op = open("r1");
  EXPECT_EQ(carrier.asked, 2);
  EXPECT_EQ(carrier.left.size(), 1U);
  EXPECT_EQ(op.state, State::Acknowledged);
  EXPECT_EQ(watcher.told.size(), 0U);
}

TEST_F(BothSidesTest, WhoeverWaitsSeesWhy) {
  carrier.never_asks = true;
  carrier.answer = says(sdk::AttemptState::Failed, "not_sent");
  carrier.answer.words = "no_such_meter: the head-end knows no B7";
  const SwitchOperation op = open("r1");
  EXPECT_EQ(op.state, State::Queued);
  EXPECT_EQ(op.words, carrier.answer.words);
  const std::string once = story(op.id);
  pass_and_tick(timing.retry);
  EXPECT_EQ(carrier.asked, 2);
  EXPECT_EQ(story(op.id), once) << "the same words are said once";
  EXPECT_EQ(watcher.count(What::Defect), 0);
  carrier.never_asks = false;
  carrier.answer = says(sdk::AttemptState::Waiting);
  pass_and_tick(timing.retry);
  EXPECT_EQ(state(op.id), State::Acknowledged);
}

TEST_F(BothSidesTest, TheSameRequestAgainIsTheSameOperationAfterItsTimeHasPassed) {
  SwitchRequest asked = request("r1");
  asked.not_after = wall + minutes{10};
  const SwitchOperation op = submit(asked);
  pass(minutes{11});
  const auto again = engine->submit(asked);
  ASSERT_TRUE(again.ok()) << again.refusal().message;
  EXPECT_EQ(again->id, op.id);
  SwitchRequest other = asked;
  other.reason = "OTHER";
  EXPECT_EQ(rule_of(engine->submit(other)), "not_after");
  other = asked;
  other.request_id = "r2";
  EXPECT_EQ(rule_of(engine->submit(other)), "not_after");
}

TEST_F(BothSidesTest, AnAnswerAboutAnotherMeterThatComesAgainIsToldOnce) {
  const SwitchOperation op = open("r1");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(engine->mistaken(op.transaction, "answered about B8").ok());
  EXPECT_EQ(watcher.count(What::Defect), 1);
  ASSERT_TRUE(engine->mistaken(op.transaction, "answered about B9").ok());
  EXPECT_EQ(watcher.count(What::Defect), 2);
}

}  // namespace
}  // namespace ami::daemon::switching
