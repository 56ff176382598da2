// Asking, being told what would be said, and what is kept of requests that became nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/daemon/switching/scene.h"

namespace ami::daemon::switching {
namespace {

using ::testing::HasSubstr;
using EvaluateTest = SwitchingTest;
using RefusedTest = SwitchingTest;
using EarlyTest = SwitchingTest;
using SubmitTest = SwitchingTest;

const PolicyCheck* check_of(const Evaluation& evaluation, const std::string& rule) {
  const auto found = std::ranges::find(evaluation.verdict.checks, rule, &PolicyCheck::rule);
  return found == evaluation.verdict.checks.end() ? nullptr : &*found;
}

TEST_F(EvaluateTest, TellsEveryCheckAndLeavesNoTrace) {
  SwitchRequest asked = request("");
  const auto told = engine->evaluate(asked);
  ASSERT_TRUE(told.ok()) << told.refusal().message;
  EXPECT_TRUE(told->allowed());
  EXPECT_EQ(told->minimum, 1);
  EXPECT_EQ(told->attainable.level, 3);
  EXPECT_EQ(told->meter.house.usage_point, "UP-7");
  for (const char* rule : {"WRONG_HOUSE", "CAPABILITY", "SWITCH_UNCERTAIN", "ROUTE_CHANGED", "SWITCH_LIVE"}) {
    ASSERT_NE(check_of(*told, rule), nullptr) << rule;
    EXPECT_TRUE(check_of(*told, rule)->passed) << rule;
  }
  EXPECT_TRUE(memory.of_meter(7, 10).value().empty());
  EXPECT_TRUE(memory.outbox(0, 10).value().empty());
  EXPECT_TRUE(memory.refusals(1, 10).value().empty());
  EXPECT_EQ(carrier.asked, 0);
}

TEST_F(EvaluateTest, SaysWhatSubmitWouldBeRejectedFor) {
  SwitchRequest asked = request("r1");
  asked.serial_last4 = "0000";
  const auto told = engine->evaluate(asked);
  ASSERT_TRUE(told.ok());
  EXPECT_EQ(told->verdict.rule, "WRONG_HOUSE");
  const SwitchOperation rejected = submit(asked);
  EXPECT_EQ(rejected.state, State::Rejected);
  EXPECT_EQ(rejected.rule, told->verdict.rule);
  EXPECT_EQ(rejected.words, told->verdict.words);
}

TEST_F(EvaluateTest, NamesTheOperationThatIsUnderWay) {
  const SwitchOperation live = open("r1");
  const auto told = engine->evaluate(request("", SwitchAction::Close));
  ASSERT_TRUE(told.ok());
  EXPECT_EQ(told->verdict.rule, "SWITCH_LIVE");
  EXPECT_EQ(told->verdict.facts.at("operation"), std::to_string(live.id));
  ASSERT_EQ(told->others.size(), 1U);
}

TEST_F(EvaluateTest, RefusesWhatCannotBeAsked) {
  SwitchRequest unknown = request("");
  unknown.meter = "M9";
  EXPECT_EQ(engine->evaluate(unknown).refusal().kind, Refusal::Kind::NotFound);
  SwitchRequest bad = request("");
  bad.serial_last4 = "123";
  EXPECT_EQ(engine->evaluate(bad).refusal().field, "serial_last4");
}

TEST_F(RefusedTest, RequestsThatBecomeNothingAreWrittenDown) {
  SwitchRequest bad = request("r1");
  bad.serial_last4 = "1";
  EXPECT_FALSE(engine->submit(bad).ok());
  SwitchRequest unknown = request("r2");
  unknown.meter = "M9";
  unknown.certificate = "ami://role/switch";
  EXPECT_FALSE(engine->submit(unknown).ok());
  open("r3");
  EXPECT_FALSE(engine->submit(request("r4", SwitchAction::Close)).ok());
  SwitchRequest other = request("r3");
  other.order_id = "WO-2";
  EXPECT_FALSE(engine->submit(other).ok());
  const auto lines = memory.refusals(1, 10).value();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].rule, "REQUEST_ID_USED");
  EXPECT_EQ(lines[1].rule, "SWITCH_LIVE");
  EXPECT_EQ(lines[1].action, SwitchAction::Close);
  EXPECT_EQ(lines[1].request_id, "r4");
  EXPECT_EQ(lines[2].rule, "NO_SUCH_METER");
  EXPECT_EQ(lines[2].meter, "M9");
  EXPECT_EQ(lines[2].certificate, "ami://role/switch");
  EXPECT_EQ(lines[3].rule, "INVALID");
  EXPECT_THAT(lines[3].words, HasSubstr("serial_last4"));
  EXPECT_EQ(lines[3].caller, "cn=operator");
  EXPECT_EQ(lines[3].gateway, "first");
}

TEST_F(RefusedTest, OneThatIsRejectedHasItsRowAndNoSecondLine) {
  SwitchRequest asked = request("r1");
  asked.usage_point = "UP-8";
  EXPECT_EQ(submit(asked).state, State::Rejected);
  EXPECT_TRUE(memory.refusals(1, 10).value().empty());
}

TEST_F(RefusedTest, ABookThatIsAwayIsNoRefusal) {
  store.fails = [] { return FlakyStore::Fails::Before; };
  EXPECT_FALSE(engine->submit(request("r1")).ok());
  EXPECT_TRUE(memory.refusals(1, 10).value().empty());
}

TEST_F(SubmitTest, WhoSignsStandsInTheAudit) {
  SwitchRequest asked = request("r1");
  asked.not_before = wall + hours{1};
  asked.certificate = "ami://role/switch ami://utility/u";
  const SwitchOperation op = submit(asked);
  ASSERT_TRUE(engine->cancel(1, op.id, "cn=other", "ami://role/admin").ok());
  const auto lines = memory.audit(op.id).value();
  EXPECT_EQ(lines.front().note.certificate, "ami://role/switch ami://utility/u");
  EXPECT_EQ(lines.back().note.certificate, "ami://role/admin");
  EXPECT_EQ(lines[1].note.certificate, "") << "the gateway's own";
}

TEST_F(SubmitTest, OnlyTheLastChangeBeforeTheCallerIsAnsweredWaitsForTheDisk) {
  SwitchRequest asked = request("r1");
  asked.not_before = wall + hours{1};
  const SwitchOperation op = submit(asked);
  ASSERT_EQ(op.state, State::Queued);
  std::string followed;
  for (const auto lines = memory.audit(op.id).value(); const auto& line : lines)
    followed += line.note.followed ? '1' : '0';
  EXPECT_EQ(followed, "1110");
  SwitchRequest wrong = request("r2");
  wrong.meter = "M7";
  wrong.serial_last4 = "0000";
  ASSERT_TRUE(engine->cancel(1, op.id, "cn=operator").ok());
  const SwitchOperation rejected = submit(wrong);
  EXPECT_FALSE(memory.audit(rejected.id).value().back().note.followed) << "a refusal ends the call";
}

TEST_F(SubmitTest, AStoppedEngineSendsNothingOfWhatWasUnderWay) {
  carrier.before_asking = [this] { engine->stop(); };
  const SwitchOperation op = open("r1");
  EXPECT_EQ(op.state, State::Queued);
  EXPECT_TRUE(carrier.left.empty());
  carrier.before_asking = {};
  restart("second");
  EXPECT_EQ(state(op.id), State::Acknowledged);
  EXPECT_EQ(carrier.left.size(), 1U);
}

TEST_F(SubmitTest, ALongRoundKeepsTheLease) {
  SwitchRequest asked = request("r1");
  asked.not_before = wall + hours{1};
  submit(asked);
  const auto other = make("second");
  // The round begins in time, and what it looks after takes until shortly before the lease ends.
  store.at_open_books = [this] { steady += timing.lease - milliseconds{1}; };
  engine->tick();
  store.at_open_books = {};
  steady += milliseconds{2};
  other->tick();
  EXPECT_FALSE(other->sends());
  EXPECT_TRUE(engine->sends());
}

TEST_F(SubmitTest, TheLeaseThatIsHandedOverIsFreeAtOnce) {
  const auto other = make("second");
  other->tick();
  EXPECT_FALSE(other->sends());
  engine->stop();
  engine->hand_over();
  other->tick();
  EXPECT_TRUE(other->sends());
  EXPECT_FALSE(engine->sends());
}

TEST_F(EarlyTest, APositionThatComesBeforeTheFarSidesWordCountsAfterIt) {
  const SwitchOperation op = open("r1");
  pass(seconds{5});
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, wall}).ok());
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, wall}).ok()) << "told twice";
  EXPECT_EQ(state(op.id), State::Acknowledged) << "nothing counts yet";
  EXPECT_EQ(get(op.id).position, "OPEN");
  pass(seconds{5});
  ASSERT_TRUE(engine->reported(op.transaction, says(sdk::AttemptState::Succeeded)).ok());
  EXPECT_EQ(state(op.id), State::VerifiedOpen);
  const std::string told = story(op.id);
  EXPECT_EQ(told.find("EARLY_REPORT"), told.rfind("EARLY_REPORT")) << told;
}

TEST_F(EarlyTest, AnotherRunOfTheGatewayFindsIt) {
  const SwitchOperation op = open("r1");
  pass(seconds{5});
  ASSERT_TRUE(engine->learnt(7, PositionReport{SwitchPosition::Open, wall}).ok());
  restart("second");
  ASSERT_TRUE(engine->reported(op.transaction, says(sdk::AttemptState::Succeeded)).ok());
  EXPECT_EQ(state(op.id), State::VerifiedOpen);
}

TEST_F(EarlyTest, AnAnswerThatLeavesItOpenMayTellThePosition) {
  const SwitchOperation op = open("r1");
  sdk::AttemptAnswer doubtful = says(sdk::AttemptState::Unknown, "contradicted");
  doubtful.position = SwitchPosition::Open;
  pass(seconds{5});
  doubtful.at = wall;
  ASSERT_TRUE(engine->reported(op.transaction, doubtful).ok());
  EXPECT_EQ(state(op.id), State::Acknowledged);
  engine->tick();  // watched from here
  pass_and_tick(seconds{361});
  EXPECT_EQ(state(op.id), State::VerifiedOpen) << "its flight is over, and the report counts";
}

TEST_F(EarlyTest, WhereTheTimeIsNotTheDevicesAReportProvesNothing) {
  site.now_is.means.reports_device_time = false;
  const SwitchOperation op = open("r1");
  pass(seconds{5});
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Open, wall)).ok());
  EXPECT_EQ(state(op.id), State::Verifying);
  EXPECT_EQ(get(op.id).evidence, 0);
}

TEST_F(EarlyTest, AnAnswerAboutAnotherMeterMovesNothingAndIsToldToAPerson) {
  const SwitchOperation op = open("r1");
  ASSERT_TRUE(engine->mistaken(op.transaction, "answered about B8").ok());
  EXPECT_EQ(state(op.id), State::Acknowledged);
  EXPECT_EQ(watcher.count(Watcher::What::Defect), 1);
  EXPECT_THAT(story(op.id), HasSubstr("WRONG_METER"));
  EXPECT_TRUE(engine->mistaken("swzz-zz", "of nobody").ok());
}

TEST_F(EarlyTest, ThePositionStandsInTheAuditsFacts) {
  const SwitchOperation op = open("r1");
  pass(seconds{5});
  ASSERT_TRUE(engine->reported(op.transaction, done(SwitchPosition::Open, wall)).ok());
  const auto lines = memory.audit(op.id).value();
  EXPECT_TRUE(std::ranges::any_of(lines, [](const storage::SwitchAuditLine& line) {
    return line.note.facts.find("position=OPEN\n") != std::string::npos;
  }));
}

TEST_F(SubmitTest, FiguresAreOfTheOneThatSends) {
  open("r1");
  pass_and_tick(seconds{1});
  const Figures figures = engine->figures();
  EXPECT_TRUE(figures.sends);
  EXPECT_EQ(figures.states.at(State::Acknowledged), 1U);
  EXPECT_FALSE(figures.oldest_unresolved.has_value());
  pass_and_tick(seconds{361});
  pass_and_tick(seconds{1});
  EXPECT_EQ(engine->figures().oldest_unresolved, wall - seconds{1});
  EXPECT_FALSE(make("second")->figures().sends);
}

}  // namespace
}  // namespace ami::daemon::switching
