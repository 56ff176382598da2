#include "daemon/switching/transition.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace ami::daemon::switching {
namespace {

using S = SwitchState;

std::vector<S> all_states() {
  std::vector<S> out;
  for (std::size_t i = 0; i < storage::kSwitchStates; ++i) out.push_back(static_cast<S>(i));
  return out;
}
std::vector<Input> all_inputs() {
  std::vector<Input> out;
  for (std::size_t i = 0; i < kInputs; ++i) out.push_back(static_cast<Input>(i));
  return out;
}

// Written down by hand from the rules; the table must say exactly this and refuse all else. Of an OPEN.
const std::map<std::pair<S, Input>, S>& expected() {
  static const std::map<std::pair<S, Input>, S> moves{
      {{S::Requested, Input::PolicyPassed}, S::PolicyChecked},
      {{S::Requested, Input::PolicyRefused}, S::Rejected},
      {{S::Requested, Input::Cancel}, S::Cancelled},
      {{S::Requested, Input::NotAfterPassed}, S::Expired},
      {{S::PolicyChecked, Input::Authorise}, S::Authorised},
      {{S::PolicyChecked, Input::PolicyRefused}, S::Rejected},
      {{S::PolicyChecked, Input::Cancel}, S::Cancelled},
      {{S::PolicyChecked, Input::NotAfterPassed}, S::Expired},
      {{S::Authorised, Input::Enqueue}, S::Queued},
      {{S::Authorised, Input::PolicyRefused}, S::Rejected},
      {{S::Authorised, Input::Cancel}, S::Cancelled},
      {{S::Authorised, Input::NotAfterPassed}, S::Expired},
      {{S::Queued, Input::Send}, S::Sent},
      {{S::Queued, Input::PolicyRefused}, S::Rejected},
      {{S::Queued, Input::Cancel}, S::Cancelled},
      {{S::Queued, Input::NotAfterPassed}, S::Expired},
      {{S::Sent, Input::NotSent}, S::Failed},
      {{S::Sent, Input::Accepted}, S::Acknowledged},
      {{S::Sent, Input::ReportedDone}, S::Verifying},
      {{S::Sent, Input::ReportedFailed}, S::Failed},
      {{S::Sent, Input::FlightOver}, S::Uncertain},
      {{S::Acknowledged, Input::ReportedDone}, S::Verifying},
      {{S::Acknowledged, Input::ReportedFailed}, S::Failed},
      {{S::Acknowledged, Input::FlightOver}, S::Uncertain},
      {{S::Verifying, Input::EvidenceEnough}, S::VerifiedOpen},
      {{S::Verifying, Input::EvidenceAgainst}, S::Contradicted},
      {{S::Verifying, Input::EvidenceLate}, S::Uncertain},
      {{S::Verifying, Input::ReportedFailed}, S::Contradicted},
      {{S::Uncertain, Input::EvidenceEnough}, S::VerifiedOpen},
      {{S::Uncertain, Input::EvidenceAgainst}, S::Contradicted},
      {{S::Uncertain, Input::EvidenceNotDone}, S::Failed},
      {{S::Uncertain, Input::ReportedFailed}, S::Failed},
      {{S::Uncertain, Input::ObservedDone}, S::VerifiedOpen},
      {{S::Uncertain, Input::ObservedNotDone}, S::Failed},
      {{S::Contradicted, Input::ObservedDone}, S::VerifiedOpen},
      {{S::Contradicted, Input::ObservedNotDone}, S::Failed},
      {{S::Failed, Input::ReportedDone}, S::Contradicted},
      {{S::VerifiedOpen, Input::EvidenceAgainst}, S::Contradicted},
      {{S::VerifiedClosed, Input::EvidenceAgainst}, S::Contradicted},
      {{S::VerifiedArmed, Input::EvidenceAgainst}, S::Contradicted},
      {{S::VerifiedArmed, Input::ArmClosed}, S::VerifiedClosed},
      {{S::VerifiedArmed, Input::ArmEnded}, S::Failed}};
  return moves;
}

TEST(Transition, EveryStateAnswersEveryInputAsTheRulesSay) {
  const Table& table = Table::standard();
  std::size_t moves = 0;
  for (const S from : all_states()) {
    for (const Input input : all_inputs()) {
      const Step step = table.step(from, input, SwitchAction::Open);
      const auto wanted = expected().find({from, input});
      const std::string where = std::string(storage::name_of(from)) + " + " + std::string(name_of(input));
      ASSERT_EQ(step.moves, wanted != expected().end()) << where;
      if (step.moves) {
        ++moves;
        EXPECT_EQ(step.to, wanted->second) << where;
        EXPECT_TRUE(step.refusal.empty()) << where;
      } else {
        EXPECT_EQ(step.to, from) << where;
        EXPECT_FALSE(step.refusal.empty()) << where << " is refused without words";
        EXPECT_EQ(step.effects, kNothing) << where;
      }
    }
  }
  EXPECT_EQ(moves, 42U);
}

TEST(Transition, VerifiedIsOfTheActionThatWasAsked) {
  const Table& table = Table::standard();
  EXPECT_EQ(table.step(S::Verifying, Input::EvidenceEnough, SwitchAction::Close).to, S::VerifiedClosed);
  EXPECT_EQ(table.step(S::Uncertain, Input::ObservedDone, SwitchAction::Arm).to, S::VerifiedArmed);
  EXPECT_EQ(table.step(S::VerifiedArmed, Input::ArmClosed, SwitchAction::Arm).to, S::VerifiedClosed);
}

TEST(Transition, VerifiedComesOfEvidenceOrObservationAndOfNothingElse) {
  const std::set<Input> shows{Input::EvidenceEnough, Input::ObservedDone, Input::ArmClosed};
  for (const S from : all_states()) {
    for (const Input input : all_inputs()) {
      for (const SwitchAction action : {SwitchAction::Open, SwitchAction::Close, SwitchAction::Arm}) {
        const Step step = Table::standard().step(from, input, action);
        if (!step.moves || !is_verified(step.to)) continue;
        EXPECT_TRUE(shows.contains(input)) << name_of(input);
      }
    }
  }
}

TEST(Transition, NothingComesBackToWhereItCouldLeave) {
  for (const S from : all_states()) {
    if (from < S::Sent) continue;
    for (const Input input : all_inputs()) {
      const Step step = Table::standard().step(from, input, SwitchAction::Open);
      if (!step.moves) continue;
      EXPECT_GT(step.to, S::Sent) << storage::name_of(from) << " + " << name_of(input);
    }
  }
}

TEST(Transition, OnlyLiveOperationsHoldTheirMeterAndNoneTakesItBack) {
  for (const S from : all_states()) {
    for (const Input input : all_inputs()) {
      const Step step = Table::standard().step(from, input, SwitchAction::Open);
      if (!step.moves) continue;
      EXPECT_TRUE(storage::live(from) || !storage::live(step.to)) << storage::name_of(from);
      EXPECT_EQ((step.effects & kRelease) != 0, storage::live(from) && !storage::live(step.to))
          << storage::name_of(from) << " + " << name_of(input);
    }
  }
}

TEST(Transition, EffectsSayWhatIsToBeSeenTo) {
  const Table& table = Table::standard();
  EXPECT_EQ(table.step(S::Queued, Input::Send, SwitchAction::Open).effects, kCarry);
  EXPECT_EQ(table.step(S::Sent, Input::ReportedDone, SwitchAction::Open).effects, kWatch | kReadRegister);
  EXPECT_EQ(table.step(S::Sent, Input::ReportedDone, SwitchAction::Close).effects, kWatch);
  EXPECT_EQ(table.step(S::Sent, Input::FlightOver, SwitchAction::Open).effects, kRelease | kWatch);
  EXPECT_EQ(table.step(S::VerifiedOpen, Input::EvidenceAgainst, SwitchAction::Open).effects, kTellSomebody);
}

TEST(Transition, CancelSaysThatItIsTooLate) {
  const Table& table = Table::standard();
  for (const S from : {S::Sent, S::Acknowledged, S::Verifying}) {
    EXPECT_NE(table.step(from, Input::Cancel, SwitchAction::Open).refusal.find("too late"),
              std::string_view::npos);
  }
  EXPECT_NE(table.step(S::Failed, Input::Cancel, SwitchAction::Open).refusal.find("ended"),
            std::string_view::npos);
}

TEST(Transition, NamesAreOneEach) {
  std::set<std::string_view> names;
  for (const Input input : all_inputs()) names.insert(name_of(input));
  EXPECT_EQ(names.size(), kInputs);
  std::set<std::string_view> states;
  for (const S state : all_states()) {
    states.insert(storage::name_of(state));
    EXPECT_EQ(storage::switch_state_from(storage::name_of(state)), state);
  }
  EXPECT_EQ(states.size(), storage::kSwitchStates);
  EXPECT_FALSE(storage::switch_state_from("OPEN").has_value());
  EXPECT_FALSE(storage::switch_action_from("open").has_value());
}

TEST(Transition, OneRowMoreOrLessChangesThatRowOnly) {
  const Table more = Table::standard().with(S::Uncertain, Input::Send, S::Sent);
  const Table less = Table::standard().without(S::Queued, Input::Send);
  EXPECT_TRUE(more.step(S::Uncertain, Input::Send, SwitchAction::Open).moves);
  EXPECT_FALSE(Table::standard().step(S::Uncertain, Input::Send, SwitchAction::Open).moves);
  EXPECT_FALSE(less.step(S::Queued, Input::Send, SwitchAction::Open).moves);
  EXPECT_TRUE(less.step(S::Queued, Input::Cancel, SwitchAction::Open).moves);
}

}  // namespace
}  // namespace ami::daemon::switching
