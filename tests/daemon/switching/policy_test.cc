#include "daemon/switching/policy.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/switching/policy_chain.h"

namespace ami::daemon::switching {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const UtcInstant kNow = parse_instant("2026-01-15T12:00:00Z").value();

PolicyInput good(SwitchAction action = SwitchAction::Open) {
  PolicyInput out;
  out.asked.meter_id = 7;
  out.asked.meter = "M7";
  out.asked.usage_point = "UP-7";
  out.asked.serial_last4 = "4711";
  out.asked.action = action;
  out.asked.attestation = action == SwitchAction::Close ? kCustomerPresent : "";
  out.asked.created_at = out.asked.not_before = kNow;
  out.asked.not_after = kNow + hours{1};
  out.house = {7, "UP-7", "00994711"};
  out.capability.open = out.capability.close = out.capability.arm = true;
  out.load_side = LoadSideVoltage::Absent;
  out.now = kNow;
  return out;
}
std::string rule(const PolicyInput& input) {
  const PolicyVerdict verdict = EnginePolicy().check(input);
  EXPECT_EQ(verdict.rule.empty(), verdict.words.empty()) << verdict.rule;
  return verdict.rule;
}
SwitchOperation other(SwitchAction action, SwitchState state) {
  SwitchOperation out;
  out.id = 3;
  out.asked.action = action;
  out.state = state;
  return out;
}

TEST(EnginePolicy, AllowsWhatIsInOrder) {
  for (const SwitchAction action : {SwitchAction::Open, SwitchAction::Close, SwitchAction::Arm})
    EXPECT_EQ(rule(good(action)), "");
}

TEST(EnginePolicy, MeterUsagePointAndSerialMustAgree) {
  PolicyInput input = good();
  input.house.usage_point = "UP-8";
  EXPECT_EQ(rule(input), "WRONG_HOUSE");
  input = good();
  input.house.usage_point.clear();
  EXPECT_EQ(rule(input), "WRONG_HOUSE");
  input = good();
  input.house.serial = "00994712";
  EXPECT_EQ(rule(input), "WRONG_HOUSE");
  EXPECT_EQ(EnginePolicy().check(input).words.find("4712"), std::string::npos) << "the serial is not told";
  input.house.serial.clear();
  EXPECT_EQ(rule(input), "WRONG_HOUSE");
  input = good();
  input.house.meter_id = 8;
  EXPECT_EQ(rule(input), "WRONG_HOUSE");
  input = good();
  input.asked.serial_last4 = "";
  EXPECT_EQ(rule(input), "WRONG_HOUSE") << "an empty end fits every serial";
}

TEST(EnginePolicy, CapabilityIsOfTheAction) {
  PolicyInput input = good(SwitchAction::Arm);
  input.capability.arm = false;
  EXPECT_EQ(rule(input), "CAPABILITY");
  input = good(SwitchAction::Open);
  input.capability.arm = false;
  EXPECT_EQ(rule(input), "");
}

TEST(EnginePolicy, TimeBoundsHoldAndAClockThatSteppedBackSendsNothing) {
  PolicyInput input = good();
  input.now = input.asked.not_after;
  EXPECT_EQ(rule(input), "NOT_AFTER");
  input.now = input.asked.not_after - seconds{1};
  EXPECT_EQ(rule(input), "");
  input.now = kNow - seconds{6};
  EXPECT_EQ(rule(input), "CLOCK_STEPPED_BACK");
}

TEST(EnginePolicy, UncertainOpenBlocksAnotherOpenAndNeverTheWayBack) {
  for (const SwitchState state : {SwitchState::Uncertain, SwitchState::Contradicted}) {
    for (const bool automatic : {false, true}) {
      EXPECT_TRUE(blocks(state, SwitchAction::Open, SwitchAction::Open, automatic));
      EXPECT_FALSE(blocks(state, SwitchAction::Open, SwitchAction::Close, automatic));
      EXPECT_FALSE(blocks(state, SwitchAction::Open, SwitchAction::Arm, automatic));
      EXPECT_FALSE(blocks(state, SwitchAction::Close, SwitchAction::Open, automatic));
    }
    EXPECT_TRUE(blocks(state, SwitchAction::Close, SwitchAction::Close, true)) << "a program's repetition";
    EXPECT_FALSE(blocks(state, SwitchAction::Close, SwitchAction::Close, false)) << "a person may";
  }
  for (const SwitchState state : {SwitchState::Failed, SwitchState::VerifiedOpen, SwitchState::Cancelled})
    EXPECT_FALSE(blocks(state, SwitchAction::Open, SwitchAction::Open, true));
  PolicyInput input = good();
  input.others = {other(SwitchAction::Open, SwitchState::Uncertain)};
  EXPECT_EQ(rule(input), "SWITCH_UNCERTAIN");
  EXPECT_EQ(EnginePolicy().check(input).facts.at("operation"), "3");
  input = good(SwitchAction::Close);
  input.others = {other(SwitchAction::Open, SwitchState::Uncertain)};
  EXPECT_EQ(rule(input), "");
}

TEST(EnginePolicy, CloseNeedsAnAttestationAndArmIsPreferred) {
  PolicyInput input = good(SwitchAction::Close);
  for (const char* nothing : {"", "because", "customer_present"}) {
    input.asked.attestation = nothing;
    EXPECT_EQ(rule(input), "ATTESTATION") << nothing;
  }
  input.asked.attestation = kMainBreakerOpen;
  EXPECT_EQ(rule(input), "");
  input.asked.attestation = kTariffPermits;
  EXPECT_EQ(rule(input), "ARM_PREFERRED");
  input.capability.arm = false;
  EXPECT_EQ(rule(input), "");
}

TEST(EnginePolicy, VoltageBehindTheSwitchRefusesAndWatchesForALatentClose) {
  for (const SwitchAction action : {SwitchAction::Close, SwitchAction::Arm}) {
    PolicyInput input = good(action);
    input.load_side = LoadSideVoltage::Present;
    input.capability.meter_interlock = true;
    const PolicyVerdict verdict = EnginePolicy().check(input);
    EXPECT_EQ(verdict.rule, "LOAD_SIDE_VOLTAGE");
    EXPECT_TRUE(verdict.latent_close);
    EXPECT_FALSE(verdict.truck_roll);
  }
  PolicyInput open = good();
  open.load_side = LoadSideVoltage::Present;
  EXPECT_EQ(rule(open), "");
}

TEST(EnginePolicy, UnreadableVoltageNeedsTheSitesInterlockElseSomebodyGoesThere) {
  for (const LoadSideVoltage voltage : {LoadSideVoltage::Unreadable, LoadSideVoltage::NotRead}) {
    PolicyInput input = good(SwitchAction::Arm);
    input.load_side = voltage;
    const PolicyVerdict verdict = EnginePolicy().check(input);
    EXPECT_EQ(verdict.rule, "LOAD_SIDE_UNREADABLE");
    EXPECT_TRUE(verdict.truck_roll);
    input.capability.meter_interlock = true;
    EXPECT_EQ(rule(input), "");
  }
}

const PolicyCheck& named(const PolicyVerdict& verdict, const std::string& rule) {
  static const PolicyCheck kNone;
  const auto at = std::ranges::find(verdict.checks, rule, &PolicyCheck::rule);
  EXPECT_NE(at, verdict.checks.end()) << rule;
  return at == verdict.checks.end() ? kNone : *at;
}

TEST(EnginePolicy, TellsOfEveryRuleWhatItSawAndWhatWouldChangeIt) {
  PolicyInput input = good(SwitchAction::Close);
  input.house.usage_point = "UP-8";
  input.asked.attestation.clear();
  input.load_side = LoadSideVoltage::Present;
  const PolicyVerdict verdict = EnginePolicy().check(input);
  EXPECT_EQ(verdict.rule, "WRONG_HOUSE") << "the first that refuses";
  EXPECT_FALSE(verdict.latent_close) << "of another rule than the one that counts";
  ASSERT_EQ(verdict.checks.size(), 9U);
  for (const char* rule : {"WRONG_HOUSE", "ATTESTATION", "LOAD_SIDE_VOLTAGE"}) {
    EXPECT_FALSE(named(verdict, rule).passed) << rule;
    EXPECT_FALSE(named(verdict, rule).would_change.empty()) << rule;
  }
  EXPECT_EQ(named(verdict, "LOAD_SIDE_VOLTAGE").facts.at("load_side_voltage"), "PRESENT");
  for (const char* rule : {"CLOCK_STEPPED_BACK", "NOT_AFTER", "CAPABILITY", "SWITCH_UNCERTAIN"})
    EXPECT_TRUE(named(verdict, rule).passed && named(verdict, rule).binds) << rule;
  const PolicyVerdict open = EnginePolicy().check(good());
  for (const char* rule : {"ATTESTATION", "ARM_PREFERRED", "LOAD_SIDE_VOLTAGE", "LOAD_SIDE_UNREADABLE"})
    EXPECT_TRUE(named(open, rule).passed && !named(open, rule).binds) << rule;
}

class Says final : public Policy {
 public:
  Says(std::string rule, std::string fact) : rule_(std::move(rule)), fact_(std::move(fact)) {}
  [[nodiscard]] PolicyVerdict check(const PolicyInput&) const override {
    PolicyVerdict out;
    out.rule = rule_;
    out.words = rule_.empty() ? "" : "because of " + rule_;
    out.facts = {{fact_, rule_}, {"shared", fact_}};
    out.truck_roll = rule_ == "TRUCK";
    out.checks.push_back({.rule = fact_, .passed = rule_.empty(), .words = out.words});
    return out;
  }

 private:
  std::string rule_, fact_;
};

TEST(PolicyChain, FirstRefusalCountsAndAllAreAsked) {
  const Says yes("", "a"), no("NO", "b"), truck("TRUCK", "c");
  const PolicyVerdict verdict = PolicyChain({&yes, &no, &truck}).check(good());
  EXPECT_EQ(verdict.rule, "NO");
  EXPECT_EQ(verdict.words, "because of NO");
  EXPECT_FALSE(verdict.truck_roll);
  ASSERT_EQ(verdict.checks.size(), 3U);
  EXPECT_EQ(verdict.checks[2].rule, "c");
  EXPECT_EQ(verdict.facts, (std::map<std::string, std::string>{
                               {"a", ""}, {"b", "NO"}, {"c", "TRUCK"}, {"shared", "a"}}));
  EXPECT_TRUE(PolicyChain({&yes, &yes}).check(good()).allowed());
  EXPECT_TRUE(PolicyChain({&truck, &no}).check(good()).truck_roll);
  EXPECT_TRUE(PolicyChain({}).check(good()).allowed());
}

}  // namespace
}  // namespace ami::daemon::switching
