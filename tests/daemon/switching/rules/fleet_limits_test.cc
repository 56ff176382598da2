#include "daemon/switching/rules/fleet_limits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace ami::daemon::switching {
namespace {

using storage::LimitKey;
using storage::LimitScope;
constexpr std::chrono::seconds kHour{3600}, kDay{86400};

std::int64_t ceiling(std::int64_t fleet, const LimitKey& key) {
  const auto limits = fleet_limits(1, fleet);
  const auto at = std::ranges::find(limits, key, &storage::LimitChange::key);
  return at == limits.end() ? -1 : at->ceiling;
}

TEST(FleetLimits, HundredThousandMetersHaveWhatShips) {
  EXPECT_EQ(ceiling(100'000, {true, "*", LimitScope::All, kHour}), 60);
  EXPECT_EQ(ceiling(100'000, {true, "*", LimitScope::All, kDay}), 200);
  EXPECT_EQ(ceiling(100'000, {true, "*", LimitScope::Person, kDay}), 20);
  EXPECT_EQ(ceiling(100'000, {true, "*", LimitScope::Feeder, kHour}), 5);
  EXPECT_EQ(ceiling(100'000, {true, "EMERGENCY_SAFETY", LimitScope::All, kHour}), 20);
  EXPECT_EQ(ceiling(100'000, {true, "EMERGENCY_SAFETY", LimitScope::Person, kHour}), 10);
  EXPECT_EQ(ceiling(100'000, {false, "*", LimitScope::All, kHour}), 600);
  EXPECT_EQ(ceiling(100'000, {false, "*", LimitScope::All, kDay}), 4000);
}

TEST(FleetLimits, GrowWithTheFleetAndNeverBeyondWhatShips) {
  const auto most = fleet_limits(1, 100'000);
  auto before = fleet_limits(1, INT64_MIN);
  for (const std::int64_t fleet : {0L, 1L, 100L, 5'000L, 20'000L, 99'999L, 100'001L, 5'000'000L, INT64_MAX}) {
    const auto now = fleet_limits(1, fleet);
    ASSERT_EQ(now.size(), 12U);
    for (std::size_t i = 0; i < now.size(); ++i) {
      EXPECT_GE(now[i].ceiling, before[i].ceiling) << fleet;
      EXPECT_LE(now[i].ceiling, most[i].ceiling) << fleet;
      EXPECT_GE(now[i].ceiling, 1);
      EXPECT_TRUE(now[i].enforced);
      EXPECT_FALSE(now[i].expires_at.has_value());
    }
    before = now;
  }
  EXPECT_EQ(ceiling(20'000, {true, "*", LimitScope::All, kDay}), 40);
  EXPECT_EQ(ceiling(20'000, {true, "*", LimitScope::All, kHour}), 12);
}

TEST(FleetLimits, ThreeHundredMegawattsAreTheMetersOfTheReference) {
  EXPECT_EQ(meters_of_300_mw(1'000'000, 2'000), 150'000);
  EXPECT_EQ(meters_of_300_mw(1'000'000, 5'000), 60'000);
  EXPECT_EQ(meters_of_300_mw(60'000, 5'000), 60'000);
  EXPECT_FALSE(meters_of_300_mw(59'999, 5'000).has_value());
  EXPECT_FALSE(meters_of_300_mw(1'000'000, 0).has_value());
}

}  // namespace
}  // namespace ami::daemon::switching
