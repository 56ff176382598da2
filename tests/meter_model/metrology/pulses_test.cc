#include "meter_model/metrology/pulses.h"

#include <gtest/gtest.h>

#include <numbers>
#include <random>

#include "tests/meter_model/metrology/meters.h"

namespace ami::metrology {
namespace {

Quantiser quantiser(std::string_view per_pulse_wh) {
  return Quantiser::create(wh(per_pulse_wh)).value();
}

Energy an_hour_at(double watts) {
  return Energy::of(nanowatts(watts).value(), 1h);
}

// Vectors T1 to T3 of metrology reference 2.10.
TEST(Quantiser, ThirtyAmperesAt240VoltsForAnHourAreAThousandTurnsOfSevenPointTwo) {
  Quantiser pulses = quantiser("7.2");
  EXPECT_EQ(pulses.add(an_hour_at(240 * 30)), 1000U);
  EXPECT_EQ(pulses.carry(), Energy{});
}

TEST(Quantiser, HalfPowerFactorGivesHalfThePulses) {
  Quantiser pulses = quantiser("7.2");
  EXPECT_EQ(pulses.add(an_hour_at(240 * 30 * 0.5)), 500U);
  EXPECT_EQ(pulses.carry(), Energy{});
}

TEST(Quantiser, ThirtyDegreesLeadLeavesThePrintedCarry) {
  Quantiser pulses = quantiser("7.2");
  const double power = 240 * 30 * std::numbers::sqrt3 / 2;
  EXPECT_EQ(pulses.add(an_hour_at(power)), 866U);
  EXPECT_NEAR(pulses.carry().wh(), 0.18290724796, 1e-9);
  EXPECT_NEAR(pulses.carry().wh() / 7.2, 0.0254037844386, 1e-10);
  EXPECT_NEAR(pulses.total().wh(), 6235.382907247958, 1e-9);
}

// Vector T17. A quarter of an hour at 10/3 kW is 2500/3 Wh, which is a whole number of units: 3e21.
TEST(Quantiser, ThirdsOfAKilowattCarryOverExactly) {
  Quantiser pulses = quantiser("1.2");
  const Energy quarter = Energy::of(Int128{3'000'000'000'000} * 1'000'000'000);
  for (const std::uint64_t expected : {694U, 694U, 695U, 694U, 695U, 694U, 695U, 694U}) {
    EXPECT_EQ(pulses.add(quarter), expected);
  }
  EXPECT_EQ(pulses.pulses(), 5555U);
  EXPECT_TRUE(Energy::of(pulses.carry().units() * 9) == Energy::of(wh("1.2").units() * 5));  // 5/9 pulse
}

// 35040 quarters of 2500/3 Wh are 29,200,000 Wh, and 29,200,000 / 1.2 = 24,333,333 and a third.
TEST(Quantiser, AYearOfThirdsHasNoDrift) {
  Quantiser pulses = quantiser("1.2");
  const Energy quarter = Energy::of(Int128{3'000'000'000'000} * 1'000'000'000);
  for (int i = 0; i < 35040; ++i) pulses.add(quarter);
  EXPECT_EQ(pulses.pulses(), 24'333'333U);
  EXPECT_EQ(pulses.carry(), wh("0.4"));
  EXPECT_EQ(pulses.total(), wh("29200000"));
}

TEST(Quantiser, AnySplitOfAnEnergyGivesThePulsesOfTheWhole) {
  std::mt19937_64 random(20260101);
  for (const char* ke : {"0.6", "1.2", "1.8", "7.2", "12", "0.001"}) {
    const Energy whole = wh("12345.678901234567");
    Quantiser at_once = quantiser(ke);
    const std::uint64_t expected = at_once.add(whole);
    Quantiser split = quantiser(ke);
    std::uint64_t sum = 0;
    for (Energy left = whole; left > Energy{};) {
      const auto part = Energy::of(static_cast<Int128>(random() >> (random() % 64)) * 4096 + 1);
      sum += split.add(std::min(part, left));
      left -= std::min(part, left);
    }
    EXPECT_EQ(sum, expected) << ke;
    EXPECT_EQ(split.carry(), at_once.carry()) << ke;
  }
}

// The quotient that is guessed must be the true one, also where the energy is a multiple of a pulse or next
// to it, and where it is too great to be guessed.
TEST(Quantiser, PulsesAreTheIntegerQuotient) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200'000; ++round) {
    const Int128 unit = Energy::kUnitsPerWh / 1'000'000 + static_cast<Int128>(random() >> (random() % 40));
    const auto times = static_cast<Int128>(random() >> (18 + random() % 46));
    const Int128 energy = unit * times + static_cast<Int128>(random() % 3) - (times > 0 ? 1 : 0);
    Quantiser pulses = Quantiser::create(Energy::of(unit)).value();
    ASSERT_EQ(pulses.add(Energy::of(energy)), static_cast<std::uint64_t>(energy / unit)) << round;
    ASSERT_EQ(pulses.carry(), Energy::of(energy % unit)) << round;
  }
}

TEST(Quantiser, APulseWithoutEnergyIsRefused) {
  for (const char* ke : {"0", "-1.2", "0.0000009"}) {
    const auto made = Quantiser::create(wh(ke));
    ASSERT_FALSE(made) << ke;
    EXPECT_NE(made.error().message.find("must be at least"), std::string::npos);
  }
}

}  // namespace
}  // namespace ami::metrology
