// What values say of a demand reset. The maxima and counts are those of a hand-kept register: before the
// reset it shows 4.812 kW and 7 resets; after one reset the copy holds 4.812 kW and the count is 8.
#include "daemon/commands/reset_verdict.h"

#include <gtest/gtest.h>

namespace ami::daemon::commands {
namespace {

using storage::ResetValue;
using storage::Verification;

constexpr const char* kCount = "0.0.0.1.0.1.122.0.0.0.0.0.0.0.0.0.111.0";
constexpr const char* kMaximum = "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0";
constexpr const char* kMaximumKw = "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0";
constexpr const char* kTierA = "8.8.53.6.1.1.8.0.0.0.0.1.0.0.0.0.38.0";
constexpr const char* kCopy = "8.8.16.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0";
constexpr const char* kCopyA = "8.8.16.6.1.1.8.0.0.0.0.1.0.0.0.0.38.0";
constexpr const char* kCumulative = "0.8.53.3.1.1.8.0.0.0.0.0.0.0.0.0.38.0";
constexpr const char* kTimeOfMaximum = "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.108.0";

// Seconds after the read that goes before; the reset leaves at 60 and ends at 90.
UtcInstant at(int s) {
  return UtcInstant{std::chrono::sys_days{std::chrono::year{2026} / 2 / 1}} + std::chrono::seconds{s};
}
ResetValue value(const char* type, int s, const char* number) {
  return {type, at(s), Decimal::parse(number).value(), {}, {}};
}

class ResetVerdictTest : public ::testing::Test {
 protected:
  ResetVerdictTest() {
    facts.reset.sent_at = at(60);
    facts.reset.ended_at = at(90);
  }
  std::string told() {
    const ResetVerdict verdict = judge_reset(facts);
    return std::string(name_of(verdict.outcome)) + (verdict.complete ? " complete: " : ": ") + verdict.words;
  }
  storage::ResetFacts facts;
};

TEST_F(ResetVerdictTest, CountThatGrewByOneAndCopyOfWhatWasReadVerify) {
  facts.came_before = {value(kCount, 5, "7"), value(kMaximum, 5, "4812")};
  facts.came_after = {value(kCount, 120, "8"), value(kCopy, 120, "4812"), value(kMaximum, 120, "310")};
  EXPECT_EQ(
      told(),
      "VERIFIED complete: reset count 7 before, 8 after; maximum read before 4812 W, copy of the previous "
      "period 4812 W");
}

TEST_F(ResetVerdictTest, OneOfTheTwoIsEnoughAndTheOtherIsSaidToBeMissing) {
  facts.came_before = {value(kCount, 5, "7")};
  facts.came_after = {value(kCount, 120, "8")};
  EXPECT_EQ(told(), "VERIFIED: reset count 7 before, 8 after; no copy of the previous period came since");
  facts.came_before = {value(kMaximumKw, 5, "4.812")};
  facts.came_after = {value(kCopy, 120, "4812.0")};
  EXPECT_EQ(
      told(),
      "VERIFIED: maximum read before 4812 W, copy of the previous period 4812 W; no count of resets came "
      "with a read before");
}

TEST_F(ResetVerdictTest, NothingToCompareIsNotVerifiable) {
  EXPECT_EQ(told(),
            "NOT_VERIFIABLE: no count of resets came with a read before; no copy of the previous period came "
            "since");
  facts.came_before = {value(kCount, 5, "7"), value(kCumulative, 5, "4812"), value(kTimeOfMaximum, 5, "1")};
  facts.came_after = {value(kCopy, 120, "4812")};
  EXPECT_EQ(told(), "NOT_VERIFIABLE: no count of resets was read since; no maximum came with a read before");
}

TEST_F(ResetVerdictTest, CountThatDidNotGrowOrGrewByTwoContradictsWhateverTheCopySays) {
  facts.came_before = {value(kCount, 5, "7"), value(kMaximum, 5, "4812")};
  for (const char* wrong : {"7", "9", "6", "0"}) {
    facts.came_after = {value(kCopy, 120, "4812"), value(kCount, 120, wrong)};
    EXPECT_EQ(judge_reset(facts).outcome, Verification::Contradicted) << wrong;
    EXPECT_EQ(judge_reset(facts).words.find("reset count 7 before, " + std::string(wrong) + " after"), 0U);
  }
}

TEST_F(ResetVerdictTest, CountOfOneByteOrTwoDigitsBeginsAgain) {
  for (const char* last : {"255", "99", "65535"}) {
    facts.came_before = {value(kCount, 5, last)};
    facts.came_after = {value(kCount, 120, "0")};
    EXPECT_EQ(judge_reset(facts).outcome, Verification::Verified) << last;
  }
}

TEST_F(ResetVerdictTest, CopyThatIsNotTheMaximumContradicts) {
  facts.came_before = {value(kMaximum, 5, "4812")};
  facts.came_after = {value(kCopy, 120, "310")};
  EXPECT_EQ(judge_reset(facts).outcome, Verification::Contradicted)
      << "a second reset put the short period's maximum there";
  facts.came_after = {value(kCopy, 120, "5100")};
  EXPECT_EQ(judge_reset(facts).outcome, Verification::Contradicted);
  facts.came_after[0].occurred_at = at(30);  // between the read and the reset
  EXPECT_EQ(judge_reset(facts).outcome, Verification::Verified);
  facts.came_after[0].occurred_at = at(4);
  EXPECT_EQ(judge_reset(facts).outcome, Verification::Contradicted);
}

TEST_F(ResetVerdictTest, TiersAreComparedEachWithItsOwn) {
  facts.came_before = {value(kMaximum, 5, "4812"), value(kTierA, 5, "3000")};
  facts.came_after = {value(kCopy, 120, "4812"), value(kCopyA, 120, "3000")};
  EXPECT_EQ(judge_reset(facts).outcome, Verification::Verified);
  facts.came_after[1].value = Decimal{4812, 0};
  EXPECT_EQ(judge_reset(facts).outcome, Verification::Contradicted);
}

TEST_F(ResetVerdictTest, CountTakenBeforeTheResetSaysNothingHoweverLateItComes) {
  facts.came_before = {value(kCount, 5, "7")};
  facts.came_after = {value(kCount, 40, "7")};
  EXPECT_EQ(judge_reset(facts).outcome, Verification::NotVerifiable);
  facts.came_after = {value(kCount, 40, "7"), value(kCount, 120, "8")};
  EXPECT_EQ(judge_reset(facts).outcome, Verification::Verified);
}

TEST_F(ResetVerdictTest, ClosedPeriodIsACopyOnlyWhenItEndedWithTheResetAndAnotherGoesOn) {
  facts.came_before = {value(kMaximum, 5, "4812")};
  ResetValue closed = value(kMaximum, 75, "4812"), present = value(kMaximum, 120, "310");
  closed.period_start = at(-86400 * 30);
  present.period_start = at(75);
  facts.came_after = {closed, present};
  EXPECT_EQ(judge_reset(facts).outcome, Verification::Verified);
  // A head-end that dates the present maximum from the begin of the month says nothing of a copy.
  present.period_start = closed.period_start;
  facts.came_after = {present};
  EXPECT_EQ(judge_reset(facts).outcome, Verification::NotVerifiable);
  closed.at = at(-3600);
  facts.came_after = {closed, present};
  EXPECT_EQ(judge_reset(facts).outcome, Verification::NotVerifiable) << "that was another reset";
}

TEST_F(ResetVerdictTest, TypesThatCannotBeReadAreNoValues) {
  facts.came_before = {value("nonsense", 5, "7")};
  facts.came_after = {value("1.2.3", 120, "8")};
  EXPECT_EQ(judge_reset(facts).outcome, Verification::NotVerifiable);
}

}  // namespace
}  // namespace ami::daemon::commands
