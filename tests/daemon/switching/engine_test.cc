#include "daemon/switching/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/switching/scene.h"

namespace ami::daemon::switching {
namespace {

using ::testing::HasSubstr;
using What = Watcher::What;
using EngineTest = SwitchingTest;

TEST_F(EngineTest, OpenGoesAllTheWayToVerifiedByAReportWithTheDevicesTime) {
  const SwitchOperation sent = open("r1");
  EXPECT_EQ(sent.state, State::Acknowledged);
  ASSERT_EQ(carrier.left.size(), 1U);
  EXPECT_EQ(carrier.left[0].errand.kind, sdk::CommandKind::SwitchOpen);
  EXPECT_EQ(carrier.left[0].errand.vendor_id, "B7");
  EXPECT_EQ(carrier.left[0].errand.transaction, sent.transaction);
  pass(minutes{1});
  ASSERT_TRUE(engine->reported(sent.transaction, done(SwitchPosition::Open, wall)).ok());
  const SwitchOperation end = get(sent.id);
  EXPECT_EQ(end.state, State::VerifiedOpen);
  EXPECT_EQ(end.evidence, 1);
  EXPECT_EQ(end.attainable, 3);
  EXPECT_EQ(end.position, "OPEN");
  EXPECT_EQ(end.final_register, "1234.5 kWh");
  EXPECT_TRUE(end.ended_at.has_value());
  EXPECT_EQ(story(sent.id),
            "REQUEST POLICY_PASSED AUTHORISE ENQUEUE SEND ACCEPTED REPORTED_DONE FINAL_REGISTER EVIDENCE "
            "EVIDENCE_ENOUGH");
}

TEST_F(EngineTest, SentIsStoredBeforeTheFirstByteLeaves) {
  State at_first_byte = State::Requested;
  std::string transaction;
  carrier.at_first_byte = [&] {
    const auto row = memory.of_meter(7, 1).value().at(0);
    at_first_byte = row.state;
    transaction = row.transaction;
  };
  open("r1");
  EXPECT_EQ(at_first_byte, State::Sent);
  EXPECT_EQ(transaction, carrier.left.at(0).errand.transaction);
  EXPECT_LE(transaction.size(), 32U);
}

TEST_F(EngineTest, AcknowledgementAloneIsNotSuccess) {
  carrier.answer = says(sdk::AttemptState::Succeeded);
  const SwitchOperation op = open("r1");
  EXPECT_EQ(op.state, State::Verifying);
  EXPECT_EQ(op.evidence, 0);
  pass_and_tick(timing.verify - seconds{1});
  EXPECT_EQ(state(op.id), State::Verifying);
  pass_and_tick(timing.verify);
  const SwitchOperation end = get(op.id);
  EXPECT_EQ(end.state, State::Uncertain);
  EXPECT_THAT(end.words, HasSubstr("reached E0 acknowledged only, wanted E1"));
}

TEST_F(EngineTest, SynchronousClosedProvesNothing) {
  carrier.answer = done(SwitchPosition::Closed, wall);
  site.now_is.load_side = LoadSideVoltage::Absent;
  const SwitchOperation op = submit(request("r1", SwitchAction::Close));
  EXPECT_EQ(op.state, State::Verifying);
  EXPECT_EQ(op.evidence, 0);
}

TEST_F(EngineTest, ArmedIsNotClosed) {
  const SwitchOperation op = submit(request("r1", SwitchAction::Close));
  pass(minutes{1});
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Armed, wall)).ok());
  EXPECT_EQ(state(op.id), State::Verifying);
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Closed, wall)).ok());
  EXPECT_EQ(state(op.id), State::VerifiedClosed);
}

TEST_F(EngineTest, LaterEvidenceRaisesTheLevelByItself) {
  const SwitchOperation op = open("r1");
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Open, wall)).ok());
  ASSERT_TRUE(
      engine->learnt(7, RegisterPair{Decimal{1234, 0}, Decimal{1234, 0}, wall, wall + hours{20}}).ok());
  EXPECT_EQ(get(op.id).evidence, 2);
  ASSERT_TRUE(engine->learnt(7, IntervalRun{wall, minutes{15}, {Decimal{0, 0}, Decimal{0, 0}}}).ok());
  EXPECT_EQ(get(op.id).evidence, 3);
  EXPECT_THAT(get(op.id).evidence_words, HasSubstr("E3"));
  // Less does not lower it.
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Open, wall)).ok());
  EXPECT_EQ(get(op.id).evidence, 3);
  EXPECT_EQ(state(op.id), State::VerifiedOpen);
}

TEST_F(EngineTest, SiteThatWantsMoreWaitsForMore) {
  site.now_is.minimum = 3;
  const SwitchOperation op = open("r1");
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Open, wall)).ok());
  EXPECT_EQ(state(op.id), State::Verifying);
  engine->tick();
  pass_and_tick(timing.verify);
  EXPECT_EQ(state(op.id), State::Uncertain);
  // Tomorrow's file.
  ASSERT_TRUE(engine->learnt(7, IntervalRun{wall, minutes{15}, {Decimal{0, 0}, Decimal{0, 0}}}).ok());
  EXPECT_EQ(state(op.id), State::VerifiedOpen);
  EXPECT_EQ(get(op.id).evidence, 3);
}

TEST_F(EngineTest, EnergyWhileOpenContradictsAndIsASafetyEvent) {
  const SwitchOperation op = open("r1");
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Open, wall)).ok());
  ASSERT_EQ(state(op.id), State::VerifiedOpen);
  ASSERT_TRUE(engine->learnt(7, IntervalRun{wall, minutes{15}, {Decimal{0, 0}, Decimal{3, -1}}}).ok());
  EXPECT_EQ(state(op.id), State::Contradicted);
  EXPECT_EQ(get(op.id).rule, "ENERGY_WHILE_OPEN");
  EXPECT_EQ(watcher.count(What::SafetyEnergy), 1);
  EXPECT_EQ(watcher.count(What::Contradicted), 1);
  EXPECT_EQ(rule_of(engine->submit(request("r2"))), "done");
  EXPECT_EQ(submit(request("r2")).rule, "SWITCH_UNCERTAIN") << "a person looks before another OPEN";
}

TEST_F(EngineTest, NobodyAnsweredIsUncertainWhenTheFlightIsOverAndIsNeverSentAgain) {
  const SwitchOperation op = open("r1");
  engine->tick();
  pass_and_tick(seconds{359});
  EXPECT_EQ(state(op.id), State::Acknowledged);
  pass_and_tick(seconds{1});
  EXPECT_EQ(state(op.id), State::Uncertain);
  for (int i = 0; i < 50; ++i) pass_and_tick(hours{1});
  EXPECT_EQ(carrier.asked, 1);
  EXPECT_EQ(carrier.left.size(), 1U);
}

TEST_F(EngineTest, JumpOfTheWallClockDoesNotShortenAFlight) {
  const SwitchOperation op = open("r1");
  wall += hours{5};
  engine->tick();
  steady += seconds{359};
  engine->tick();
  EXPECT_EQ(state(op.id), State::Acknowledged);
  steady += seconds{1};
  engine->tick();
  EXPECT_EQ(state(op.id), State::Uncertain);
}

TEST_F(EngineTest, UncertainOpenBlocksAnotherOpenButNotTheWayBack) {
  const SwitchOperation op = open("r1");
  pass_and_tick(seconds{360});
  ASSERT_EQ(state(op.id), State::Uncertain);
  EXPECT_EQ(rule_of(engine->submit(request("r2"))), "SWITCH_UNCERTAIN");
  EXPECT_EQ(carrier.left.size(), 1U);
  const SwitchOperation back = submit(request("r3", SwitchAction::Close));
  EXPECT_EQ(back.state, State::Acknowledged);
  EXPECT_EQ(carrier.left.size(), 2U);
}

TEST_F(EngineTest, WhileACommandMayStillActNoOppositeOneLeaves) {
  const SwitchOperation op = open("r1");
  EXPECT_EQ(rule_of(engine->submit(request("r2", SwitchAction::Close))), "SWITCH_LIVE");
  EXPECT_EQ(state(op.id), State::Acknowledged);
  EXPECT_EQ(carrier.left.size(), 1U);
}

TEST_F(EngineTest, UncertainCloseBlocksOnlyAProgramsRepetition) {
  const SwitchOperation op = submit(request("r1", SwitchAction::Close));
  pass_and_tick(seconds{360});
  ASSERT_EQ(state(op.id), State::Uncertain);
  SwitchRequest again = request("r2", SwitchAction::Close);
  again.automatic = true;
  EXPECT_EQ(submit(again).rule, "SWITCH_UNCERTAIN");
  again.automatic = false;
  again.request_id = "r3";
  EXPECT_EQ(submit(again).state, State::Acknowledged);
}

TEST_F(EngineTest, LateAnswerSettlesWhatWasUncertain) {
  const SwitchOperation op = open("r1");
  pass_and_tick(seconds{360});
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Open, wall - minutes{5})).ok());
  EXPECT_EQ(state(op.id), State::VerifiedOpen);
  pass_and_tick(minutes{1});
  const SwitchOperation second = submit(request("r2", SwitchAction::Close));
  pass_and_tick(seconds{360});
  ASSERT_EQ(state(second.id), State::Uncertain);
  ASSERT_TRUE(engine->reported(second.transaction, says(sdk::AttemptState::Failed, "rejected")).ok());
  EXPECT_EQ(state(second.id), State::Failed);
  EXPECT_TRUE(get(second.id).latent_close) << "a meter that refused to close may do so by itself";
  EXPECT_EQ(watcher.count(What::LatentClose), 1);
}

TEST_F(EngineTest, EvidenceSettlesWhatNobodyAnswered) {
  const SwitchOperation op = open("r1");
  pass_and_tick(seconds{360});
  // Energy from before the end of the flight says nothing.
  ASSERT_TRUE(engine->learnt(7, IntervalRun{wall - minutes{6}, minutes{5}, {Decimal{1, 0}}}).ok());
  EXPECT_EQ(state(op.id), State::Uncertain);
  ASSERT_TRUE(engine->learnt(7, IntervalRun{wall, minutes{15}, {Decimal{1, 0}}}).ok());
  EXPECT_EQ(state(op.id), State::Failed) << "it was not done, and nothing can do it any more";
  EXPECT_EQ(watcher.count(What::SafetyEnergy), 0);
  EXPECT_EQ(open("r2").state, State::Acknowledged);
}

TEST_F(EngineTest, EvidenceDoesNotLetGoOfAMeterWhoseCommandMayStillAct) {
  const SwitchOperation op = open("r1");
  ASSERT_TRUE(engine->learnt(7, IntervalRun{wall, minutes{15}, {Decimal{0, 0}, Decimal{0, 0}}}).ok());
  EXPECT_EQ(state(op.id), State::Acknowledged);
}

TEST_F(EngineTest, DoubledAnswersChangeNothing) {
  const SwitchOperation op = open("r1");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(engine->reported(op.transaction, says(sdk::AttemptState::Waiting)).ok());
    ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Open, wall)).ok());
  }
  EXPECT_EQ(state(op.id), State::VerifiedOpen);
  EXPECT_EQ(carrier.reads, 1);
  const std::string before = story(op.id);
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Open, wall)).ok());
  EXPECT_EQ(story(op.id), before);
  EXPECT_TRUE(engine->reported("nobodys", done(SwitchPosition::Open, wall)).ok());
}

TEST_F(EngineTest, SameRequestIsTheSameOperationAndAnotherBodyIsRefused) {
  const SwitchOperation op = open("r1");
  EXPECT_EQ(submit(request("r1")).id, op.id);
  EXPECT_EQ(carrier.left.size(), 1U);
  SwitchRequest other = request("r1");
  other.reason = "THEFT";
  const auto refused = engine->submit(other);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.refusal().kind, Refusal::Kind::Collision);
  EXPECT_EQ(refused.refusal().field, "request_id");
}

TEST_F(EngineTest, WrongHouseIsRefusedWhenAskedAndAgainBeforeItLeaves) {
  SwitchRequest wrong = request("r1");
  wrong.serial_last4 = "4712";
  const SwitchOperation refused = submit(wrong);
  EXPECT_EQ(refused.state, State::Rejected);
  EXPECT_EQ(refused.rule, "WRONG_HOUSE");
  EXPECT_EQ(carrier.asked, 0);
  // The meter is exchanged between the two checks.
  carrier.before_asking = [&] { site.now_is.house.serial = "00990000"; };
  const SwitchOperation later = open("r2");
  EXPECT_EQ(later.state, State::Rejected);
  EXPECT_EQ(later.rule, "WRONG_HOUSE");
  EXPECT_TRUE(carrier.left.empty());
  EXPECT_EQ(story(later.id), "REQUEST POLICY_PASSED AUTHORISE ENQUEUE POLICY_REFUSED");
}

TEST_F(EngineTest, EveryPolicyIsAskedAgainBeforeItLeaves) {
  carrier.before_asking = [&] { site.now_is.capability = {}; };
  EXPECT_EQ(open("r1").rule, "CAPABILITY");
  site.now_is.capability.open = true;
  carrier.before_asking = [&] { site.now_is.feed = "other"; };
  EXPECT_EQ(open("r2").rule, "ROUTE_CHANGED");
  site.now_is.feed = "radio";
  carrier.before_asking = [&] { site.gone = true; };
  EXPECT_EQ(open("r3").rule, "WRONG_HOUSE");
  EXPECT_TRUE(carrier.left.empty());
}

TEST_F(EngineTest, NotBeforeWaitsAndNotAfterExpires) {
  SwitchRequest later = request("r1");
  later.not_before = wall + hours{2};
  later.not_after = wall + hours{3};
  const SwitchOperation op = submit(later);
  EXPECT_EQ(op.state, State::Queued);
  pass_and_tick(hours{2} - seconds{1});
  EXPECT_TRUE(carrier.left.empty());
  pass_and_tick(seconds{1});
  EXPECT_EQ(carrier.left.size(), 1U);

  SwitchRequest never = request("r2", SwitchAction::Close);
  ASSERT_TRUE(engine
                  ->reported(op.transaction.empty() ? get(op.id).transaction : op.transaction,
                             says(sdk::AttemptState::Failed, "rejected"))
                  .ok());
  carrier.refuses_before = true;
  never.not_after = wall + minutes{10};
  const SwitchOperation waits = submit(never);
  EXPECT_EQ(waits.state, State::Queued);
  for (int i = 0; i < 11; ++i) pass_and_tick(minutes{1});
  EXPECT_EQ(state(waits.id), State::Expired);
  EXPECT_EQ(carrier.left.size(), 1U);
}

TEST_F(EngineTest, NotAfterThatPassesWhileTheCarrierWaitsSendsNothing) {
  carrier.before_asking = [&] { wall += hours{25}; };
  EXPECT_EQ(open("r1").state, State::Expired);
  EXPECT_TRUE(carrier.left.empty());
}

TEST_F(EngineTest, WaitsByTheWallClockUntilNotBefore) {
  SwitchRequest later = request("r1");
  later.not_before = wall + seconds{10};
  const SwitchOperation op = submit(later);
  wall -= hours{1};
  steady += seconds{20};
  engine->tick();
  EXPECT_TRUE(carrier.left.empty()) << "not_before has not come by this clock";
  EXPECT_EQ(state(op.id), State::Queued);
}

TEST_F(EngineTest, ClockThatStepsBackWhileTheCarrierWaitsSendsNothing) {
  carrier.before_asking = [&] { wall -= hours{1}; };
  EXPECT_EQ(open("r1").rule, "CLOCK_STEPPED_BACK");
  EXPECT_TRUE(carrier.left.empty());
}

TEST_F(EngineTest, WhatSurelyHasNotLeftIsTriedAgainAfterAPause) {
  carrier.refuses_before = true;
  const SwitchOperation op = open("r1");
  EXPECT_EQ(op.state, State::Queued);
  engine->tick();
  EXPECT_EQ(carrier.asked, 1) << "not at once";
  carrier.refuses_before = false;
  pass_and_tick(timing.retry);
  EXPECT_EQ(carrier.asked, 2);
  EXPECT_EQ(state(op.id), State::Acknowledged);
}

TEST_F(EngineTest, NotSentAfterSentIsFailedAndNotTriedAgain) {
  carrier.answer = says(sdk::AttemptState::Failed, "not_sent");
  const SwitchOperation op = open("r1");
  EXPECT_EQ(op.state, State::Failed);
  EXPECT_EQ(op.rule, "not_sent");
  pass_and_tick(hours{1});
  EXPECT_EQ(carrier.asked, 1);
}

TEST_F(EngineTest, CancelBeforeItLeavesHoldsAndAfterwardsSaysThatItIsTooLate) {
  SwitchRequest later = request("r1");
  later.not_before = wall + hours{1};
  const SwitchOperation op = submit(later);
  const auto cancelled = engine->cancel(1, op.id, "cn=operator");
  ASSERT_TRUE(cancelled.ok());
  EXPECT_EQ(cancelled->state, State::Cancelled);
  pass_and_tick(hours{2});
  EXPECT_TRUE(carrier.left.empty());

  const SwitchOperation gone = open("r2");
  const auto late = engine->cancel(1, gone.id, "cn=operator");
  EXPECT_EQ(rule_of(late), "TOO_LATE");
  EXPECT_THAT(late.refusal().message, HasSubstr("may have left"));
  EXPECT_EQ(state(gone.id), State::Acknowledged);
  EXPECT_THAT(story(gone.id), HasSubstr("CANCEL_REFUSED"));
  EXPECT_EQ(rule_of(engine->cancel(1, op.id, "cn=operator")), "ENDED");
  EXPECT_EQ(rule_of(engine->cancel(1, op.id, "")), "actor");
  EXPECT_EQ(rule_of(engine->cancel(2, op.id, "cn=operator")), "operation") << "another utility's";
}

TEST_F(EngineTest, CancelThatComesBetweenErrandAndFirstByteHolds) {
  carrier.before_asking = [&] {
    const auto row = memory.of_meter(7, 1).value().at(0);
    EXPECT_TRUE(engine->cancel(1, row.id, "cn=operator").ok());
  };
  EXPECT_EQ(open("r1").state, State::Cancelled);
  EXPECT_TRUE(carrier.left.empty());
}

TEST_F(EngineTest, ObservationSettlesWhatIsUncertainWithAReferenceAndAPerson) {
  const SwitchOperation op = open("r1");
  EXPECT_EQ(rule_of(engine->resolve(1, op.id, {SwitchPosition::Open, "crew 4", "cn=pat"})), "NOT_NOW")
      << "it may still act";
  pass_and_tick(seconds{360});
  EXPECT_EQ(rule_of(engine->resolve(1, op.id, {SwitchPosition::Open, "", "cn=pat"})), "reference");
  EXPECT_EQ(rule_of(engine->resolve(1, op.id, {SwitchPosition::Open, "crew 4", ""})), "actor");
  EXPECT_EQ(rule_of(engine->resolve(1, op.id, {SwitchPosition::Unknown, "crew 4", "cn=pat"})), "position");
  const auto settled = engine->resolve(1, op.id, {SwitchPosition::Open, "crew 4", "cn=pat"});
  ASSERT_TRUE(settled.ok()) << settled.refusal().message;
  EXPECT_EQ(settled->state, State::VerifiedOpen);
  EXPECT_EQ(settled->resolved_by, "cn=pat");
  EXPECT_EQ(settled->resolution, "crew 4");
  EXPECT_EQ(settled->evidence, -1) << "no level is made up";
}

TEST_F(EngineTest, ObservationOfTheContraryFailsItAndFreesTheMeter) {
  const SwitchOperation op = open("r1");
  pass_and_tick(seconds{360});
  ASSERT_TRUE(engine->resolve(1, op.id, {SwitchPosition::Closed, "customer on the phone", "cn=pat"}).ok());
  EXPECT_EQ(state(op.id), State::Failed);
  EXPECT_EQ(open("r2").state, State::Acknowledged);
}

TEST_F(EngineTest, ArmedSwitchEndsClosedByTheCustomerOrOpenAgain) {
  const SwitchOperation op = submit(request("r1", SwitchAction::Arm));
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Armed, wall)).ok());
  EXPECT_EQ(state(op.id), State::VerifiedArmed);
  pass_and_tick(timing.armed);
  EXPECT_EQ(watcher.count(What::ArmNotEnded), 1);
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Closed, wall}).ok());
  EXPECT_EQ(state(op.id), State::VerifiedClosed);

  const SwitchOperation second = submit(request("r2", SwitchAction::Arm));
  ASSERT_TRUE(engine->reported(second.transaction, done(SwitchPosition::Armed, wall)).ok());
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, wall}).ok());
  EXPECT_EQ(state(second.id), State::Failed);
}

TEST_F(EngineTest, PersonIsToldAfterFifteenMinutesAndAnIncidentOpensAfterADayOnceEach) {
  const SwitchOperation op = open("r1");
  pass_and_tick(seconds{360});
  pass_and_tick(minutes{14});
  EXPECT_EQ(watcher.count(What::Unresolved), 0);
  pass_and_tick(minutes{1});
  EXPECT_EQ(watcher.count(What::Unresolved), 1);
  restart("second");
  EXPECT_EQ(watcher.count(What::Unresolved), 1) << "a restart does not repeat it";
  pass_and_tick(hours{24});
  pass_and_tick(hours{24});
  EXPECT_EQ(watcher.count(What::Incident), 1);
  EXPECT_EQ(get(op.id).alerted, 2);
}

TEST_F(EngineTest, VoltageBehindTheSwitchRefusesTheWayBackAndUnreadableOneSendsSomebody) {
  site.now_is.load_side = LoadSideVoltage::Present;
  const SwitchOperation refused = submit(request("r1", SwitchAction::Close));
  EXPECT_EQ(refused.rule, "LOAD_SIDE_VOLTAGE");
  EXPECT_TRUE(refused.latent_close);
  EXPECT_EQ(watcher.count(What::LatentClose), 1);
  site.now_is.load_side = LoadSideVoltage::Unreadable;
  const SwitchOperation truck = submit(request("r2", SwitchAction::Close));
  EXPECT_EQ(truck.state, State::Rejected);
  EXPECT_TRUE(truck.truck_roll);
  EXPECT_TRUE(carrier.left.empty());
}

TEST_F(EngineTest, FinalRegisterThatCannotBeReadIsSaidSo) {
  carrier.final_register = permanent("the meter does not answer");
  const SwitchOperation op = open("r1");
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Open, wall)).ok());
  EXPECT_EQ(get(op.id).final_register, "");
  EXPECT_EQ(state(op.id), State::VerifiedOpen);
  bool said = false;
  for (const auto lines = memory.audit(op.id).value(); const auto& line : lines)
    said = said || line.note.words.find("the meter does not answer") != std::string::npos;
  EXPECT_TRUE(said);
  const SwitchOperation close = submit(request("r2", SwitchAction::Close));
  ASSERT_TRUE(engine->reported(close.transaction, done(SwitchPosition::Closed, wall)).ok());
  EXPECT_EQ(carrier.reads, 1) << "of an OPEN only";
}

struct BadRequest {
  const char* field;
  std::function<void(SwitchRequest&)> spoil;
};
TEST_F(EngineTest, RequestThatSaysTooLittleIsRefusedWithItsField) {
  const BadRequest bad[] = {{"meter", [](SwitchRequest& r) { r.meter.clear(); }},
                            {"usage_point", [](SwitchRequest& r) { r.usage_point.clear(); }},
                            {"serial_last4", [](SwitchRequest& r) { r.serial_last4 = "471"; }},
                            {"reason", [](SwitchRequest& r) { r.reason.clear(); }},
                            {"order_id", [](SwitchRequest& r) { r.order_id.clear(); }},
                            {"caller", [](SwitchRequest& r) { r.caller.clear(); }},
                            {"request_id", [](SwitchRequest& r) { r.request_id = std::string(201, 'x'); }},
                            {"not_after", [this](SwitchRequest& r) { r.not_after = wall; }},
                            {"not_after", [this](SwitchRequest& r) { r.not_after = wall + hours{24 * 8}; }},
                            {"not_after", [this](SwitchRequest& r) {
                               r.not_before = wall + hours{2};
                               r.not_after = wall + hours{1};
                             }}};
  for (const BadRequest& one : bad) {
    SwitchRequest asked = request("r1");
    one.spoil(asked);
    const auto refused = engine->submit(asked);
    ASSERT_FALSE(refused.ok()) << one.field;
    EXPECT_EQ(refused.refusal().kind, Refusal::Kind::Invalid) << one.field;
    EXPECT_EQ(refused.refusal().field, one.field);
  }
  SwitchRequest unknown = request("r1");
  unknown.meter = "M8";
  EXPECT_EQ(engine->submit(unknown).refusal().kind, Refusal::Kind::NotFound);
  EXPECT_TRUE(memory.open_books().value().empty());
}

// What a crash leaves in each state.
TEST_F(EngineTest, CrashAfterSentWasStoredIsWaitedForInFullAndNeverSentAgain) {
  carrier.answers_at_once = false;
  const SwitchOperation op = open("r1");
  ASSERT_EQ(op.state, State::Sent);
  pass(minutes{5});
  restart("second");
  EXPECT_EQ(state(op.id), State::Sent);
  pass_and_tick(seconds{359});
  EXPECT_EQ(state(op.id), State::Sent) << "counted from when this run began to watch";
  pass_and_tick(seconds{1});
  EXPECT_EQ(state(op.id), State::Uncertain);
  EXPECT_EQ(carrier.asked, 1);
}

TEST_F(EngineTest, CrashBeforeItLeftGoesOnWhereItStood) {
  for (const State at : {State::PolicyChecked, State::Authorised, State::Queued}) {
    // The book goes away right after that state was stored.
    int changes = 0;
    const int stop = at == State::PolicyChecked ? 2 : at == State::Authorised ? 3 : 4;
    store.fails = [&] { return ++changes > stop ? FlakyStore::Fails::Before : FlakyStore::Fails::No; };
    const auto answer = engine->submit(request("r" + std::to_string(stop), SwitchAction::Close));
    EXPECT_EQ(answer.ok(), at == State::Queued) << "before that nobody can say that it stays in the book";
    const SwitchOperation left = memory.of_meter(7, 1).value().at(0);
    ASSERT_EQ(left.state, at);
    store.fails = [] { return FlakyStore::Fails::No; };
    restart("run " + std::to_string(stop));
    EXPECT_EQ(state(left.id), State::Acknowledged);
    ASSERT_TRUE(
        engine->reported(get(left.id).transaction, says(sdk::AttemptState::Failed, "rejected")).ok());
  }
  EXPECT_EQ(carrier.left.size(), 3U);
}

TEST_F(EngineTest, SentInDoubtSendsNothing) {
  int changes = 0;
  store.fails = [&] { return ++changes == 5 ? FlakyStore::Fails::After : FlakyStore::Fails::No; };
  const SwitchOperation op = open("r1");
  EXPECT_TRUE(carrier.left.empty());
  EXPECT_EQ(op.state, State::Failed) << "SENT was stored after all, and surely has not left";
}

TEST_F(EngineTest, AnswerThatTheBookCannotTakeIsKeptUntilItCan) {
  carrier.answer = says(sdk::AttemptState::Failed, "rejected");
  int changes = 0;
  store.fails = [&] { return ++changes > 5 ? FlakyStore::Fails::Before : FlakyStore::Fails::No; };
  const SwitchOperation op = open("r1");
  EXPECT_EQ(op.state, State::Sent);
  EXPECT_FALSE(engine->reported(op.transaction, done(SwitchPosition::Open, wall)).ok()) << "call again";
  store.fails = [] { return FlakyStore::Fails::No; };
  engine->tick();
  EXPECT_EQ(state(op.id), State::Failed);
}

TEST_F(EngineTest, StoringThatTakesTooLongSendsNothing) {
  store.fails = [this] {
    steady += milliseconds{3000};
    return FlakyStore::Fails::No;
  };
  carrier.before_asking = [this] {
    store.fails = [this] {
      steady += seconds{6};
      return FlakyStore::Fails::No;
    };
  };
  timing.lease = seconds{60};
  engine = make("patient");
  steady += seconds{60};
  engine->tick();
  const SwitchOperation op = open("r1");
  EXPECT_TRUE(carrier.left.empty());
  EXPECT_EQ(op.state, State::Failed);
  EXPECT_EQ(op.rule, "not_sent");
}

TEST_F(EngineTest, OfTwoGatewaysOnlyTheOneWithTheLeaseSends) {
  const auto other = make("other");
  other->tick();
  EXPECT_TRUE(engine->sends());
  EXPECT_FALSE(other->sends());
  const auto asked = other->submit(request("r1"));
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ(asked->state, State::Queued);
  other->tick();
  EXPECT_TRUE(carrier.left.empty()) << "the loser sends nothing";
  engine->tick();
  EXPECT_EQ(carrier.left.size(), 1U);
  EXPECT_EQ(state(asked->id), State::Acknowledged);
}

TEST_F(EngineTest, GatewayThatLostItsLeaseUnawaresSendsNothing) {
  carrier.before_asking = [&] {
    // It has lapsed by the store's clock and another has it; by ours it has not.
    steady += timing.lease;
    EXPECT_TRUE(memory.take_lease("other", timing.lease)->has_value());
    steady -= timing.lease;
  };
  const SwitchOperation op = open("r1");
  EXPECT_TRUE(carrier.left.empty());
  EXPECT_EQ(op.state, State::Queued);
  EXPECT_FALSE(engine->sends());
}

TEST_F(EngineTest, StoppedEngineBeginsNothing) {
  engine->stop();
  EXPECT_EQ(open("r1").state, State::Queued);
  engine->tick();
  EXPECT_EQ(carrier.asked, 0);
}

TEST_F(EngineTest, AnswerOfACarrierThatWasNotLetSendIsADefect) {
  carrier.never_asks = true;
  carrier.answer = done(SwitchPosition::Open, wall);
  const SwitchOperation op = open("r1");
  EXPECT_EQ(op.state, State::Queued);
  EXPECT_EQ(watcher.count(What::Defect), 1);
  pass_and_tick(hours{1});
  EXPECT_EQ(carrier.asked, 1) << "it is not trusted with it again";
}

TEST_F(EngineTest, EveryChangeHasItsAuditLineAndItsOutboxLine) {
  const SwitchOperation op = open("r1");
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Open, wall)).ok());
  const auto lines = memory.audit(op.id).value();
  const auto out = memory.outbox(0, 100).value();
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(get(op.id).version));
  ASSERT_EQ(out.size(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].version, static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(out[i].version, lines[i].version);
    EXPECT_EQ(lines[i].note.gateway, "first");
    EXPECT_FALSE(lines[i].note.actor.empty());
  }
  EXPECT_EQ(lines[0].note.actor, "cn=operator");
  EXPECT_THAT(lines[1].note.facts, HasSubstr("usage_point=UP-7\n"));
}

}  // namespace
}  // namespace ami::daemon::switching
