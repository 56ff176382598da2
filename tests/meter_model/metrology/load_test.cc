#include "meter_model/metrology/load.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace ami::metrology {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr double kBound = 1e-9;

void expect_near_relative(double value, double expected) {
  EXPECT_LE(std::fabs(value - expected), kBound * std::fabs(expected)) << value << " v " << expected;
}

Int128 magnitude(Int128 x) {
  return x < 0 ? -x : x;
}

TEST(ConstantLoad, OneHourOf7200WattsIsExactly7200Watthours) {  // T1
  const auto energy = Load::constant(7200).value().until(hours(1));
  EXPECT_EQ(energy.delivered, Energy::watthours(7200));
  EXPECT_EQ(energy.received, Energy());
}

TEST(ConstantLoad, NegativePowerIsReceivedOnly) {  // T4
  const auto energy = Load::constant(-7200).value().until(hours(1));
  EXPECT_EQ(energy.delivered, Energy());
  EXPECT_EQ(energy.received, Energy::watthours(7200));
  EXPECT_EQ(energy.net(), -Energy::watthours(7200));
}

TEST(ConstantLoad, DirectionsOfOneIntervalAreKeptApart) {  // T11: 750 and 0 would be the netted answer
  EnergyPair interval = Load::constant(6000).value().until(minutes(10));
  interval += Load::constant(-3000).value().until(minutes(5));
  EXPECT_EQ(interval.delivered, Energy::watthours(1000));
  EXPECT_EQ(interval.received, Energy::watthours(250));
  EXPECT_EQ(interval.net(), Energy::watthours(750));
}

TEST(SineLoad, EachHalfWaveCountsInItsDirection) {  // T12: 6 kW * 900 s / pi
  const auto energy = Load::sine(6000, minutes(15)).value().until(minutes(15));
  expect_near_relative(energy.delivered.wh(), 477.464829275686);
  EXPECT_EQ(energy.delivered, energy.received);
  EXPECT_EQ(energy.net(), Energy());
}

TEST(SineLoad, PartsOfAWaveFollowTheClosedForm) {
  // E(t) = A P / (2 pi) (1 - cos(2 pi t / P)): a sixth of the period gives a quarter of the half-wave.
  const auto load = Load::sine(6000, minutes(15)).value();
  expect_near_relative(load.until(seconds(150)).delivered.wh(), 477.464829275686 / 4);
  expect_near_relative(load.until(seconds(225)).delivered.wh(), 477.464829275686 / 2);
  expect_near_relative(load.until(seconds(300)).delivered.wh(), 477.464829275686 * 3 / 4);
  EXPECT_EQ(load.until(seconds(450)).received, Energy());
  expect_near_relative(load.until(seconds(600)).received.wh(), 477.464829275686 / 4);
  EXPECT_EQ(load.until(seconds(600)).delivered, load.until(seconds(450)).delivered);
}

TEST(SineLoad, NegativeAmplitudeBeginsWithReceived) {
  const auto up = Load::sine(6000, seconds(901)).value();
  const auto down = Load::sine(-6000, seconds(901)).value();
  for (const int s : {1, 100, 450, 451, 899, 901, 1400}) {
    EXPECT_EQ(up.until(seconds(s)).delivered, down.until(seconds(s)).received) << s;
    EXPECT_EQ(up.until(seconds(s)).received, down.until(seconds(s)).delivered) << s;
  }
}

TEST(SineLoad, TenYearsInUnevenStepsEqualTheClosedFormExactly) {
  const auto load = Load::sine(6000, minutes(15)).value();
  constexpr std::int64_t kWaves = std::int64_t{3652} * 96;
  LoadCursor cursor(load);
  EnergyPair sum;
  std::mt19937_64 random(11);
  microseconds left = kWaves * minutes(15);
  while (left.count() > 0) {
    const microseconds step =
        std::min(left, microseconds(1 + static_cast<std::int64_t>(random() % 40'000'000'000)));
    sum += cursor.advance(step);
    left -= step;
  }
  const Int128 one = load.until(minutes(15)).delivered.units();
  EXPECT_EQ(sum.delivered.units(), one * kWaves);
  EXPECT_EQ(sum.received.units(), one * kWaves);
  // 6e12 nW * 9e8 us / pi = 1718873385392469626303.94 (60 digits in Python)
  const Int128 exact = Int128{1'718'873'385'392'469'626} * 1000 + 304;
  EXPECT_LE(magnitude(one - exact), Int128{1000});  // 6e-19 of it
}

TEST(ConstantLoad, TenYearsInUnevenStepsEqualTheClosedFormExactly) {
  // T17's 10/3 kW is rounded to nanowatts once; ten years of it are that number times the time.
  LoadCursor cursor(Load::constant(10'000.0 / 3).value());
  EnergyPair sum;
  std::mt19937_64 random(12);
  constexpr microseconds kTenYears = hours(24 * 3652);
  while (cursor.at() < kTenYears) {
    sum += cursor.advance(std::min(kTenYears - cursor.at(),
                                   microseconds(1 + static_cast<std::int64_t>(random() % 40'000'000'000))));
  }
  EXPECT_EQ(sum.delivered.units(), Int128{3'333'333'333'333} * kTenYears.count());
  EXPECT_EQ(sum.received, Energy());
}

TEST(RampLoad, AreaUnderTheLineIsExact) {
  EXPECT_EQ(Load::ramp(0, 6000, minutes(15)).value().until(minutes(15)).delivered, Energy::watthours(750));
  EXPECT_EQ(Load::ramp(6000, 0, minutes(15)).value().until(minutes(15)).delivered, Energy::watthours(750));
  // -3 kW to 6 kW crosses zero after 300 s: 3 kW * 300 s / 2 back, 6 kW * 600 s / 2 forth.
  const auto crossing = Load::ramp(-3000, 6000, minutes(15)).value().until(minutes(15));
  EXPECT_EQ(crossing.received, Energy::watthours(125));
  EXPECT_EQ(crossing.delivered, Energy::watthours(500));
  const auto back = Load::ramp(6000, -3000, minutes(15)).value().until(minutes(15));
  EXPECT_EQ(back.received, Energy::watthours(125));
  EXPECT_EQ(back.delivered, Energy::watthours(500));
}

TEST(RampLoad, AgreesWithRationalArithmetic) {
  // 1234.567891234 W to -987.654321987 W over 777.777777 s; fractions in Python, rounded down.
  const auto load = Load::ramp(1234.567891234, -987.654321987, microseconds(777'777'777)).value();
  const auto wide = [](std::int64_t thousands, int rest) { return Int128{thousands} * 1000 + rest; };
  struct Point {
    std::int64_t t_us, threshold_nw;
    Int128 delivered, received;
  };
  const Point points[] = {
      {1, 0, 1'234'567'889'805, 0},
      {123'456'789, 0, wide(130'642'103'791'828'997, 772), 0},
      {432'100'000, 0, wide(266'727'629'475'209'960, 366), 2'185'072'088},
      {777'777'777, 0, wide(266'727'629'475'209'960, 366), wide(170'705'685'975'176'348, 407)},
      {432'100'000, 24'500'000'000, wide(266'622'585'724'889'519, 153), 0},
      {600'000'001, 24'500'000'000, wide(266'622'585'724'889'519, 153), wide(40'167'564'181'067'336, 835)},
      {777'777'777, 24'500'000'000, wide(266'622'585'724'889'519, 153), wide(170'600'642'224'855'907, 194)},
  };
  for (const auto& point : points) {
    const auto energy = load.until(microseconds(point.t_us), point.threshold_nw);
    EXPECT_LE(magnitude(energy.delivered.units() - point.delivered), 1) << point.t_us;
    EXPECT_LE(magnitude(energy.received.units() - point.received), 1) << point.t_us;
  }
}

TEST(RampLoad, StaysAtItsLastPowerAfterItsDuration) {
  const auto load = Load::ramp(0, 6000, minutes(15)).value();
  EXPECT_EQ(load.until(minutes(75)).delivered, Energy::watthours(6750));
  EXPECT_EQ(load.power_w(minutes(75)), 6000);
  EXPECT_EQ(Load::ramp(0, -20, minutes(15)).value().until(minutes(75), 24'000'000'000).received, Energy());
}

TEST(RampLoad, OfNoSlopeIsConstant) {
  const auto load = Load::ramp(50, 50, seconds(1)).value();
  EXPECT_EQ(load, Load::constant(50).value());
}

TEST(Creep, PowerBelowTheStartingPowerCountsNothing) {
  constexpr std::int64_t kStart = 24'000'000'000;
  EXPECT_EQ(Load::constant(23.999999999).value().until(hours(100), kStart), EnergyPair());
  EXPECT_EQ(Load::constant(-23.999999999).value().until(hours(100), kStart), EnergyPair());
  EXPECT_EQ(Load::constant(24).value().until(hours(1), kStart).delivered, Energy::watthours(24));
  EXPECT_EQ(Load::constant(-24).value().until(hours(1), kStart).received, Energy::watthours(24));
}

TEST(Creep, ClipsARampWhereItPassesTheStartingPower) {
  // (6000^2 - 24^2) * 900 / (2 * 9000) J and (3000^2 - 24^2) * 900 / (2 * 9000) J
  for (const auto& load :
       {Load::ramp(-3000, 6000, minutes(15)).value(), Load::ramp(6000, -3000, minutes(15)).value()}) {
    const auto energy = load.until(minutes(15), 24'000'000'000);
    EXPECT_EQ(energy.delivered, Energy::from_wh(Decimal{499'992, -3}).value());
    EXPECT_EQ(energy.received, Energy::from_wh(Decimal{124'992, -3}).value());
  }
  EXPECT_EQ(Load::ramp(-20, 23, minutes(15)).value().until(hours(9), 24'000'000'000), EnergyPair());
}

TEST(Creep, ClipsASineWhereItPassesTheStartingPower) {
  // Cut at 0.6 of the amplitude, a half-wave keeps sqrt(1 - 0.6^2) = 0.8 of its energy.
  const auto load = Load::sine(6000, minutes(15)).value();
  const auto energy = load.until(minutes(15), 3'600'000'000'000);
  expect_near_relative(energy.delivered.wh(), 0.8 * 477.464829275686);
  EXPECT_EQ(energy.delivered, energy.received);
  // asin(0.6) = 36.87 degrees = 92.17 s: nothing before it, and nothing more after 450 s - 92.17 s.
  EXPECT_EQ(load.until(seconds(92), 3'600'000'000'000), EnergyPair());
  EXPECT_GT(load.until(seconds(93), 3'600'000'000'000).delivered, Energy());
  EXPECT_EQ(load.until(seconds(358), 3'600'000'000'000).delivered, energy.delivered);
  EXPECT_LT(load.until(seconds(357), 3'600'000'000'000).delivered, energy.delivered);
  EXPECT_EQ(load.until(hours(100), 6'000'000'000'001), EnergyPair());
}

Load any_load(std::mt19937_64& random) {
  const auto power = [&] {
    const double scales[] = {1e-9, 1e-6, 0.01, 30, 6000, 48'000, 4e9};
    return scales[random() % std::size(scales)] * (static_cast<double>(random() % 2'000'001) / 1e6 - 1);
  };
  const auto span = [&] {
    const std::uint64_t scales[] = {3, 1000, 999'999, 900'000'000, 86'400'000'000, 31'557'600'000'000};
    return microseconds(1 + static_cast<std::int64_t>(random() % scales[random() % std::size(scales)]));
  };
  switch (random() % 3) {
    case 0:
      return Load::constant(power()).value();
    case 1:
      return Load::ramp(power(), power(), span()).value();
    default:
      return Load::sine(power(), span()).value();
  }
}

TEST(LoadProperties, EnergyIsAdditiveOverAnySplitOfTime) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 3000; ++round) {
    const Load load = any_load(random);
    const std::int64_t start = random() % 2 == 0 ? 0 : static_cast<std::int64_t>(random() % 50'000'000'000);
    const std::int64_t span = std::max<std::int64_t>(load.span().count(), 1000) * 3;
    LoadCursor cursor(load, start);
    EnergyPair sum;
    for (int step = 0; step < 40; ++step) {
      const std::int64_t size =
          random() % 4 == 0 ? 1 : static_cast<std::int64_t>(random() % 200) * span / 4000;
      const auto energy = cursor.advance(microseconds(size));
      ASSERT_GE(energy.delivered, Energy()) << "round " << round;
      ASSERT_GE(energy.received, Energy()) << "round " << round;
      sum += energy;
    }
    ASSERT_EQ(sum, load.until(cursor.at(), start)) << "round " << round;
    ASSERT_EQ(sum.net(), sum.delivered - sum.received);
  }
}

TEST(LoadProperties, EachMicrosecondAddsAtMostItsPower) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 5000; ++round) {
    const Load load = any_load(random);
    const std::int64_t start = random() % 2 == 0 ? 0 : static_cast<std::int64_t>(random() % 50'000'000'000);
    const std::int64_t span = std::max<std::int64_t>(load.span().count(), 1000);
    // Around the places where a direction begins, ends or changes formula, and anywhere.
    const std::int64_t places[] = {
        0,        span / 4,
        span / 2, span * 3 / 4,
        span,     static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * span))};
    const std::int64_t at = std::max<std::int64_t>(
        0, places[random() % std::size(places)] + static_cast<std::int64_t>(random() % 7) - 3);
    const auto before = load.until(microseconds(at), start);
    const auto after = load.until(microseconds(at + 1), start);
    ASSERT_GE(after.delivered, before.delivered) << "round " << round;
    ASSERT_GE(after.received, before.received) << "round " << round;
    const Int128 most = std::max(magnitude(load.first_nw()), magnitude(load.last_nw()));
    const Int128 rounding =
        4 + before.delivered.units() / (Int128{1} << 61) + before.received.units() / (Int128{1} << 61);
    ASSERT_LE((after.delivered - before.delivered).units(), most + rounding) << "round " << round;
    ASSERT_LE((after.received - before.received).units(), most + rounding) << "round " << round;
  }
}

TEST(LoadProperties, EnergyIsTheSumOfThePowerOverShortSteps) {
  std::mt19937_64 random(6);
  for (int round = 0; round < 60; ++round) {
    const double a = static_cast<double>(random() % 12'000) - 6000,
                 b = static_cast<double>(random() % 12'000) - 6000;
    const auto span = seconds(60 + static_cast<std::int64_t>(random() % 900));
    const Load load = round % 2 == 0 ? Load::ramp(a, b, span).value() : Load::sine(a, span).value();
    const double start_w = static_cast<double>(random() % 2000);
    constexpr int kSteps = 20'000;
    const microseconds end = span * 5 / 4;
    double delivered = 0, received = 0;
    for (int k = 0; k < kSteps; ++k) {
      const double p = load.power_w(end * (2 * k + 1) / (2 * kSteps));
      if (p >= start_w) delivered += p;
      if (-p >= start_w) received -= p;
    }
    const double step_h = static_cast<double>(end.count()) / kSteps / 3.6e9;
    const auto energy = load.until(end, static_cast<std::int64_t>(start_w * 1e9));
    // A step at each clipping edge may fall on either side.
    const double tolerance = 8 * 6000 * step_h;
    EXPECT_NEAR(energy.delivered.wh(), delivered * step_h, tolerance) << round;
    EXPECT_NEAR(energy.received.wh(), received * step_h, tolerance) << round;
  }
}

TEST(Load, RefusesWhatCannotBeCounted) {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL, 1e10}) {
    EXPECT_FALSE(Load::constant(bad).ok());
    EXPECT_FALSE(Load::ramp(bad, 0, seconds(1)).ok());
    EXPECT_FALSE(Load::ramp(0, bad, seconds(1)).ok());
    EXPECT_FALSE(Load::sine(bad, seconds(1)).ok());
  }
  EXPECT_FALSE(Load::constant_nw(kMaxPowerNw + 1).ok());
  EXPECT_FALSE(Load::constant_nw(std::numeric_limits<std::int64_t>::min()).ok());
  for (const auto bad : {microseconds(0), microseconds(-1), microseconds::max(), microseconds::min()}) {
    ASSERT_FALSE(Load::ramp(0, 1, bad).ok());
    EXPECT_NE(Load::ramp(0, 1, bad).error().message.find("ramp's duration"), std::string::npos);
    ASSERT_FALSE(Load::sine(1, bad).ok());
    EXPECT_NE(Load::sine(1, bad).error().message.find("sine's period"), std::string::npos);
  }
}

TEST(Load, LargestNumbersStayInRange) {
  const double most = 4.6e9;
  const auto longest = hours(24 * 366 * 1000);
  for (const auto& load : {Load::ramp(-most, most, longest).value(), Load::ramp(most, -most, longest).value(),
                           Load::sine(most, longest).value(), Load::constant(most).value()}) {
    const auto energy = load.until(microseconds::max(), 1);
    EXPECT_GE(energy.delivered, Energy());
    EXPECT_GE(energy.received, Energy());
    EXPECT_GT((energy.delivered + energy.received).wh(), 1e12);
  }
}

TEST(LoadCursor, StepsThatAreNotPositiveMoveNothing) {
  LoadCursor cursor(Load::constant(7200).value());
  EXPECT_EQ(cursor.advance(microseconds(0)), EnergyPair());
  EXPECT_EQ(cursor.advance(microseconds(-5)), EnergyPair());
  EXPECT_EQ(cursor.at(), microseconds(0));
  EXPECT_EQ(Load::constant(7200).value().until(microseconds(-5)), EnergyPair());
}

TEST(LoadCursor, StopsAtTheEndOfTheTimeThatCanBeTold) {
  LoadCursor cursor(Load::constant(1).value());
  static_cast<void>(cursor.advance(microseconds::max()));
  EXPECT_EQ(cursor.advance(seconds(1)), EnergyPair());
}

TEST(LoadPower, FollowsTheShape) {
  EXPECT_EQ(Load::ramp(0, 6000, minutes(15)).value().power_w(seconds(450)), 3000);
  EXPECT_NEAR(Load::sine(6000, minutes(15)).value().power_w(seconds(225)), 6000, 1e-9);
  EXPECT_NEAR(Load::sine(6000, minutes(15)).value().power_w(seconds(900 * 1000 + 675)), -6000, 1e-9);
  EXPECT_EQ(Load().power_w(seconds(1)), 0);
}

}  // namespace
}  // namespace ami::metrology
