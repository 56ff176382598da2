#include "meter_model/metrology/tou.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/meter_model/metrology/meters.h"

namespace ami::metrology {
namespace {

TEST(TierRegisters, EnergyGoesToTheTierInForce) {
  TierRegisters tiers;
  EXPECT_EQ(tiers.active(), 'A');
  tiers.add({wh("1"), wh("2")});
  EXPECT_TRUE(tiers.select('D').value());
  tiers.add({wh("10"), wh("20")});
  EXPECT_EQ(tiers.active(), 'D');
  EXPECT_EQ(tiers.tier(0), (EnergyPair{wh("1"), wh("2")}));
  EXPECT_EQ(tiers.tier(1), EnergyPair{});
  EXPECT_EQ(tiers.tier(3), (EnergyPair{wh("10"), wh("20")}));
}

TEST(TierRegisters, TheSameTierAgainIsNoChange) {
  TierRegisters tiers;
  EXPECT_FALSE(tiers.select('A').value());
  EXPECT_TRUE(tiers.select('B').value());
  EXPECT_FALSE(tiers.select('B').value());
}

TEST(TierRegisters, OtherLettersAreRefusedAndChangeNothing) {
  TierRegisters tiers;
  ASSERT_TRUE(tiers.select('C'));
  for (const char bad : {'E', '@', 'a', '1', '\0', '\xff'}) {
    const auto result = tiers.select(bad);
    ASSERT_FALSE(result) << static_cast<int>(bad);
    EXPECT_NE(result.error().message.find("A, B, C and D"), std::string::npos);
  }
  EXPECT_EQ(tiers.active(), 'C');
}

TEST(TierRegisters, ASumThatIsNotTheBulkRegisterIsTold) {
  TierRegisters tiers;
  tiers.add({wh("1"), wh("2")});
  ASSERT_TRUE(tiers.select('B'));
  tiers.add({wh("3"), wh("4")});
  EXPECT_TRUE(tiers.check({wh("4"), wh("6")}));
  const auto off_by_one = tiers.check({wh("4"), wh("6") + Energy::of(1)});
  ASSERT_FALSE(off_by_one);
  EXPECT_NE(off_by_one.error().message.find("6 Wh received"), std::string::npos);
  EXPECT_FALSE(tiers.check({wh("4.0000001"), wh("6")}));
}

TEST(TierRegisters, TiersOfAMeterSumToItsBulkRegistersWhateverHappens) {
  std::mt19937_64 random(44);
  ReferenceMeter meter = metrology::meter();
  for (int i = 0; i < 2000; ++i) {
    const auto time = std::chrono::microseconds{random() % 2'000'000'000};
    switch (random() % 8) {
      case 0:
        meter.outage(time);
        break;
      case 1:
        ASSERT_TRUE(meter.select_tier(static_cast<char>('A' + random() % 4)));
        break;
      case 2:
        meter.test_mode(random() % 2 == 0);
        break;
      case 3:
        ASSERT_TRUE(meter.set_clock(time - 1'000'000'000us));
        break;
      case 4:
        meter.run(Load::sine(5000, 77s).value(), time);
        break;
      default:
        meter.run(watts(static_cast<double>(random() % 20'000) - 10'000), time);
        break;
    }
  }
  EXPECT_TRUE(meter.tiers().check(meter.metered()));
  EXPECT_GT(meter.tiers().tier(3).received, Energy{});
}

}  // namespace
}  // namespace ami::metrology
