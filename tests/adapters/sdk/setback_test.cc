// What may be said of a command that did not plainly succeed.
#include "adapters/sdk/setback.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace ami::sdk {
namespace {

const std::vector<Setback> kAll{
    Setback::NotSent,     Setback::Unreachable, Setback::Busy,        Setback::Refused,  Setback::BrokeOff,
    Setback::Silent,      Setback::Unreadable,  Setback::NoSuchMeter, Setback::Declined, Setback::NotDone,
    Setback::MeterSilent, Setback::Dropped,     Setback::Contradicted};

TEST(Setback, OnlyADefiniteRefusalFailsAChange) {
  const std::set<Setback> definite{Setback::NotSent, Setback::Unreachable, Setback::Busy,
                                   Setback::Refused, Setback::NoSuchMeter, Setback::Declined};
  for (const Setback one : kAll) {
    EXPECT_EQ(after(Effect::Change, one, "").state,
              definite.contains(one) ? AttemptState::Failed : AttemptState::Unknown)
        << static_cast<int>(one);
  }
}

// "not_sent" and "unreachable" are brought again by themselves.
TEST(Setback, OnlyAChangeThatSurelyDidNotLeaveIsFreeToBeSentAgain) {
  for (const Setback one : kAll) {
    const std::string reason = after(Effect::Change, one, "").reason;
    EXPECT_EQ(reason == "not_sent" || reason == "unreachable",
              one == Setback::NotSent || one == Setback::Unreachable)
        << static_cast<int>(one);
  }
  EXPECT_EQ(after(Effect::Commission, Setback::Busy, "").reason, "unreachable");
  EXPECT_EQ(after(Effect::Question, Setback::Busy, "").reason, "unreachable");
}

TEST(Setback, WhatIsAnsweredAtOnceOrNeverEndsAndWhatIsAnsweredLaterMayYetBe) {
  for (const Setback one : {Setback::BrokeOff, Setback::Silent, Setback::Unreadable}) {
    EXPECT_EQ(after(Effect::Question, one, "").state, AttemptState::Failed);
    EXPECT_EQ(after(Effect::Commission, one, "").state, AttemptState::Unknown);
  }
  for (const Setback one : {Setback::NotDone, Setback::MeterSilent, Setback::Dropped})
    EXPECT_EQ(after(Effect::Commission, one, "").state, AttemptState::Failed);
}

TEST(Setback, EachHasAWordOfTheContractAndKeepsTheWords) {
  const std::set<std::string> contract{"not_sent", "unreachable", "rejected",  "no_such_meter",
                                       "expired",  "failed",      "no_answer", "unreadable_answer"};
  for (const Setback one : kAll) {
    for (const Effect effect : {Effect::Question, Effect::Commission, Effect::Change}) {
      const AttemptAnswer answer = after(effect, one, "said so");
      EXPECT_TRUE(contract.contains(answer.reason)) << answer.reason;
      EXPECT_EQ(answer.words, "said so");
      EXPECT_EQ(answer.position, SwitchPosition::Unknown);
      EXPECT_EQ(answer.power, PowerState::Unknown);
      EXPECT_FALSE(answer.at.has_value());
    }
  }
}

TEST(Setback, WhatChangesAMeterIsAChangeAndAQuestionForItsStateIsNone) {
  for (const CommandKind kind :
       {CommandKind::DemandReset, CommandKind::SwitchOpen, CommandKind::SwitchClose, CommandKind::SwitchArm})
    EXPECT_EQ(effect_of(kind), Effect::Change);
  for (const CommandKind kind :
       {CommandKind::Read, CommandKind::Ping, CommandKind::Backfill, CommandKind::SwitchState})
    EXPECT_EQ(effect_of(kind), Effect::Commission);
}

}  // namespace
}  // namespace ami::sdk
