#include "meter_model/metrology/energy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace ami::metrology {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

Decimal decimal(std::string_view text) {
  return Decimal::parse(text).value();
}

TEST(Energy, PowerTimesTimeIsExactInWholeWatthours) {
  // T1: 7200 W for an hour.
  EXPECT_EQ(Energy::of(7'200'000'000'000, hours(1)), Energy::watthours(7200));
  EXPECT_EQ(Energy::of(-7'200'000'000'000, hours(1)), -Energy::watthours(7200));
}

TEST(Energy, LargestPowerOverTheLongestTimeStaysInRange) {
  const Energy most = Energy::of(kMaxPowerNw, microseconds::max());
  EXPECT_GT(most.wh(), 1.1e19);
  EXPECT_TRUE(most.plus(most).has_value());
}

TEST(Energy, TextIsExactForFiniteDecimals) {
  EXPECT_EQ(Energy().wh_text(), "0");
  EXPECT_EQ(Energy::watthours(99'998'000).wh_text(), "99998000");
  EXPECT_EQ((-Energy::watthours(7200)).wh_text(), "-7200");
  EXPECT_EQ(Energy::from_wh(decimal("1.200")).value().wh_text(), "1.2");
  EXPECT_EQ(Energy::from_wh(decimal("-0.05")).value().wh_text(), "-0.05");
  EXPECT_EQ(Energy::of(Int128{9}).wh_text(), "0.0000000000000000025");
}

TEST(Energy, TextOfThirdsIsRoundedFinerThanAUnit) {
  // 10 kW for 1200 s is 10/3 kWh.
  EXPECT_EQ(Energy::of(10'000'000'000'000, std::chrono::seconds(1200)).wh_text(), "3333.3333333333333333333");
  // 1 unit = 2.77...e-19 Wh, 2 units = 5.55...e-19 Wh
  EXPECT_EQ(Energy::of(Int128{1}).wh_text(), "0.0000000000000000003");
  EXPECT_EQ(Energy::of(Int128{-2}).wh_text(), "-0.0000000000000000006");
  EXPECT_EQ(Energy::of(Energy::kUnitsPerWh - 1).wh_text(), "0.9999999999999999997");
}

TEST(Energy, TextOfTheWidestValueHasAllItsDigits) {
  const auto smallest = Energy::of(std::numeric_limits<Int128>::min());
  // 2^127 / 3.6e18 = 47261439850130342147.6909... (Python, exact)
  EXPECT_EQ(smallest.wh_text().substr(0, 26), "-47261439850130342147.6909");
}

TEST(Energy, ComesBackFromItsText) {
  std::mt19937_64 random(20260308);
  for (int i = 0; i < 2000; ++i) {
    const Decimal wh{static_cast<std::int64_t>(random() % 2'000'000'000'000) - 1'000'000'000'000,
                     -static_cast<std::int32_t>(random() % 17)};
    const auto energy = Energy::from_wh(wh);
    ASSERT_TRUE(energy.ok()) << wh.to_string();
    EXPECT_EQ(decimal(energy->wh_text()), wh) << wh.to_string();
  }
}

TEST(Energy, RefusesDecimalsThatAUnitCannotTell) {
  EXPECT_TRUE(Energy::from_wh(Decimal{5, -18}).ok());
  EXPECT_EQ(Energy::from_wh(Decimal{5, -18}).value().units(), Int128{18});
  ASSERT_FALSE(Energy::from_wh(Decimal{1, -18}).ok());
  EXPECT_NE(Energy::from_wh(Decimal{1, -18}).error().message.find("0.000000000000000001 Wh"),
            std::string::npos);
}

TEST(Energy, RefusesWhatNoRegisterShows) {
  EXPECT_TRUE(Energy::from_wh(Decimal{1, 18}).ok());
  EXPECT_TRUE(Energy::from_wh(Decimal{-1, 18}).ok());
  EXPECT_FALSE(Energy::from_wh(Decimal{1'000'000'000'000'000'001, 0}).ok());
  EXPECT_FALSE(Energy::from_wh(Decimal{std::numeric_limits<std::int64_t>::max(), 18}).ok());
  EXPECT_FALSE(Energy::from_wh(Decimal{std::numeric_limits<std::int64_t>::min(), 18}).ok());
}

TEST(Energy, SumBeyond128BitsIsNoValue) {
  const auto large = Energy::of(std::numeric_limits<Int128>::max());
  EXPECT_FALSE(large.plus(Energy::of(Int128{1})).has_value());
  EXPECT_FALSE((-large).plus(Energy::of(Int128{-2})).has_value());
  ASSERT_TRUE(large.plus(Energy::of(Int128{-1})).has_value());
  EXPECT_DEATH(static_cast<void>(large + Energy::of(Int128{1})), "beyond 128 bits");
  EXPECT_DEATH(static_cast<void>(-large - large), "beyond 128 bits");
}

TEST(Energy, DoubleIsTheNearestOne) {
  EXPECT_EQ(Energy::watthours(7200).wh(), 7200.0);
  EXPECT_EQ(Energy::of(10'000'000'000'000, std::chrono::seconds(1200)).wh(), 10000.0 / 3);
  EXPECT_EQ(Energy::from_wh(decimal("-0.1")).value().wh(), -0.1);
}

TEST(EnergyPair, NetIsDerivedAndSigned) {
  // T11: 10 min +6 kW, then 5 min -3 kW.
  EnergyPair both;
  both += {Energy::of(6'000'000'000'000, std::chrono::seconds(600)), {}};
  both += {{}, Energy::of(3'000'000'000'000, std::chrono::seconds(300))};
  EXPECT_EQ(both.delivered, Energy::watthours(1000));
  EXPECT_EQ(both.received, Energy::watthours(250));
  EXPECT_EQ(both.net(), Energy::watthours(750));
  const EnergyPair export_only{{}, Energy::watthours(7200)};
  EXPECT_EQ(export_only.net(), -Energy::watthours(7200));
}

TEST(Nanowatts, RoundsOnce) {
  EXPECT_EQ(nanowatts(7200.0).value(), 7'200'000'000'000);
  EXPECT_EQ(nanowatts(-3000.0).value(), -3'000'000'000'000);
  EXPECT_EQ(nanowatts(0.4e-9).value(), 0);
  EXPECT_EQ(nanowatts(-0.6e-9).value(), -1);
}

TEST(Nanowatts, RefusesWhatCannotBeCounted) {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL, 5e9, -5e9, 1e308}) {
    const auto power = nanowatts(bad);
    ASSERT_FALSE(power.ok()) << bad;
    EXPECT_NE(power.error().message.find("wanted a finite number within"), std::string::npos);
  }
  EXPECT_TRUE(nanowatts(4.6e9).ok());
}

}  // namespace
}  // namespace ami::metrology
