#include "daemon/rpc/billing_choice.h"

#include <gtest/gtest.h>

#include <string>

namespace ami::rpc {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

constexpr UtcInstant kMidnight{std::chrono::sys_days{std::chrono::year{2026} / 4 / 1}};

BillingCandidate at(int hour, std::optional<Unfit> unfit = {}) {
  return {kMidnight + hours{hour}, unfit};
}

// "2; 1 SUSPECT, 0 OUTSIDE; last 0": what was chosen, what was rejected and why, the last good one.
std::string told(const std::vector<BillingCandidate>& candidates, hours before, hours after) {
  constexpr const char* kWords[] = {"OUTSIDE",     "SUSPECT",       "ESTIMATED", "TEST",
                                    "OTHER_METER", "NOT_INSTALLED", "FUTURE",    "NOT_PREFERRED"};
  const BillingChoice choice = choose(candidates, kMidnight, {before, after});
  std::string text = choice.chosen ? std::to_string(*choice.chosen) : "none";
  for (const auto& rejected : choice.rejected)
    text += "; " + std::to_string(rejected.candidate) + " " + kWords[static_cast<std::size_t>(rejected.why)];
  if (choice.last_good) text += "; last " + std::to_string(*choice.last_good);
  return text;
}

TEST(BillingChoice, TheReadingOfTheInstantWins) {
  EXPECT_EQ(told({at(-1), at(0), at(1)}, hours{6}, hours{6}), "1");
  EXPECT_EQ(told({at(0)}, hours{0}, hours{0}), "0");
}

TEST(BillingChoice, OfTwoAsNearTheEarlierIsTaken) {
  EXPECT_EQ(told({at(-2), at(2)}, hours{6}, hours{6}), "0; 1 NOT_PREFERRED");
  EXPECT_EQ(told({at(2), at(-2)}, hours{6}, hours{6}), "1; 0 NOT_PREFERRED");
  EXPECT_EQ(told({at(-3), at(2)}, hours{6}, hours{6}), "1");
}

TEST(BillingChoice, ReadingsAtTheEdgeOfTheToleranceWillDo) {
  EXPECT_EQ(told({at(-6), at(7)}, hours{6}, hours{6}), "0");
  EXPECT_EQ(told({at(-7), at(6)}, hours{6}, hours{6}), "1");
  const BillingChoice just_beyond =
      choose({{kMidnight - hours{6} - microseconds{1}, {}}}, kMidnight, {hours{6}, hours{6}});
  EXPECT_FALSE(just_beyond.chosen);
  EXPECT_EQ(just_beyond.last_good, 0U);
}

TEST(BillingChoice, EachSideHasItsOwnTolerance) {
  EXPECT_EQ(told({at(-1), at(3)}, hours{0}, hours{6}), "1; 0 OUTSIDE") << "nearer, but not wanted";
  EXPECT_EQ(told({at(-3), at(1)}, hours{6}, hours{0}), "0; 1 OUTSIDE");
}

TEST(BillingChoice, UnfitReadingsAreToldWhenTheyWereNearer) {
  EXPECT_EQ(told({at(-3), at(0, Unfit::Suspect), at(1, Unfit::InFuture), at(-2, Unfit::OtherMeter)}, hours{6},
                 hours{6}),
            "0; 1 SUSPECT; 2 FUTURE; 3 OTHER_METER");
  EXPECT_EQ(told({at(-3), at(4, Unfit::Suspect)}, hours{6}, hours{6}), "0")
      << "further away than the chosen one";
}

TEST(BillingChoice, WithoutAnyTheLastGoodOneAndTheNearestBeyondAreTold) {
  EXPECT_EQ(told({at(-30), at(-20), at(-1, Unfit::Suspect), at(10), at(20)}, hours{6}, hours{6}),
            "none; 2 SUSPECT; 3 OUTSIDE; 1 OUTSIDE; last 1");
  EXPECT_EQ(told({at(-30), at(-20, Unfit::Estimated)}, hours{6}, hours{6}), "none; 1 ESTIMATED; last 0");
  EXPECT_EQ(told({at(10)}, hours{6}, hours{6}), "none; 0 OUTSIDE") << "what is later is no last one";
  EXPECT_EQ(told({}, hours{6}, hours{6}), "none");
}

TEST(BillingChoice, CodesOfAnySystemMakeAReadingUnfit) {
  const auto unfit = [](const char* code) { return unfit_by({QualityCode::parse(code).value()}); };
  EXPECT_EQ(unfit("2.5.258"), Unfit::Suspect);
  EXPECT_EQ(unfit("1.5.256"), Unfit::Suspect);
  EXPECT_EQ(unfit("2.5.257"), Unfit::Suspect);
  EXPECT_EQ(unfit("3.8.0"), Unfit::Estimated);
  EXPECT_EQ(unfit("3.7.1"), Unfit::Estimated);
  EXPECT_EQ(unfit("1.4.5"), Unfit::TestMode);
  EXPECT_EQ(unfit("2.0.1"), std::nullopt);
  EXPECT_EQ(unfit("1.2.32"), std::nullopt) << "a register keeps its state without power";
  EXPECT_EQ(unfit_by({}), std::nullopt);
}

}  // namespace
}  // namespace ami::rpc
