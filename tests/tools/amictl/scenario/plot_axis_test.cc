#include "tools/amictl/scenario/plot_axis.h"

#include <gtest/gtest.h>

namespace ami::amictl {
namespace {

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}

Zone toronto() {
  return Zone::load("America/Toronto").value();
}

std::string times(const std::vector<TimeTick>& ticks) {
  std::string all;
  for (const TimeTick& tick : ticks)
    all += (all.empty() ? "" : " ") + (tick.time.empty() ? tick.date : tick.time);
  return all;
}

TEST(ValueAxis, EndsOnRoundNumbersAndHoldsZero) {
  const ValueAxis both = value_axis(-4.6, 7.02, 5);
  EXPECT_EQ(both.lo, -5);
  EXPECT_EQ(both.hi, 7.5);
  EXPECT_EQ(both.ticks, (std::vector<double>{-5, -2.5, 0, 2.5, 5, 7.5}));
  EXPECT_EQ(both.decimals, 1);
  const ValueAxis positive = value_axis(3, 900, 4);
  EXPECT_EQ(positive.lo, 0);
  EXPECT_EQ(positive.hi, 1000);
  EXPECT_EQ(positive.decimals, 0);
  const ValueAxis small = value_axis(-0.003, 0, 4);
  EXPECT_EQ(small.hi, 0);
  EXPECT_LE(small.lo, -0.003);
  EXPECT_EQ(small.decimals, 3);
}

TEST(ValueAxis, OfNothingStillHasARange) {
  const ValueAxis axis = value_axis(0, 0, 5);
  EXPECT_LT(axis.lo, axis.hi);
}

TEST(AxisLabel, GroupsThousandsAndKnowsNoMinusZero) {
  EXPECT_EQ(axis_label(0, 1), "0.0");
  EXPECT_EQ(axis_label(-0.0001, 1), "0.0");
  EXPECT_EQ(axis_label(-2.5, 1), "\u22122.5");
  EXPECT_EQ(axis_label(1500, 0), "1500");
  EXPECT_EQ(axis_label(12345.5, 1), "12\u202F345.5");
  EXPECT_EQ(axis_label(-1234567, 0), "\u22121\u202F234\u202F567");
}

TEST(TimeTicks, AreCivilTimesOfTheZone) {
  const auto ticks = time_ticks(at("2026-01-15T13:07:00Z"), at("2026-01-15T15:00:00Z"), toronto(), 14);
  EXPECT_EQ(times(ticks), "08:15 08:30 08:45 09:00 09:15 09:30 09:45 10:00");
  EXPECT_EQ(ticks.front().date, "Thu 15 Jan");
  EXPECT_EQ(ticks.back().date, "");
}

TEST(TimeTicks, SkipTheHourThatSpringSkips) {
  const auto ticks = time_ticks(at("2026-03-08T05:00:00Z"), at("2026-03-08T09:00:00Z"), toronto(), 6);
  EXPECT_EQ(times(ticks), "00:00 01:00 03:00 04:00 05:00");
  EXPECT_EQ(ticks[2].at, at("2026-03-08T07:00:00Z"));
}

TEST(TimeTicks, HaveTheRepeatedHourTwice) {
  const auto ticks = time_ticks(at("2026-11-01T04:00:00Z"), at("2026-11-01T08:00:00Z"), toronto(), 6);
  EXPECT_EQ(times(ticks), "00:00 01:00 01:00 02:00 03:00");
}

TEST(TimeTicks, BeginADayWithItsDate) {
  const auto ticks = time_ticks(at("2026-01-15T20:00:00Z"), at("2026-01-16T20:00:00Z"), toronto(), 5);
  EXPECT_EQ(times(ticks), "18:00 00:00 06:00 12:00");
  EXPECT_EQ(ticks[1].date, "Fri 16 Jan");
  EXPECT_EQ(ticks[2].date, "");
}

TEST(TimeTicks, AreDaysWeeksOrMonthsForLongRuns) {
  const auto start = at("2026-02-25T00:00:00Z");
  EXPECT_EQ(times(time_ticks(start, start + std::chrono::days(4), Zone::utc(), 5)),
            "Wed 25 Feb Thu 26 Feb Fri 27 Feb Sat 28 Feb Sun 1 Mar");
  EXPECT_EQ(times(time_ticks(start, start + std::chrono::days(70), Zone::utc(), 5)),
            "Mar 2026 Apr 2026 May 2026");
  EXPECT_EQ(time_ticks(start, start + std::chrono::years(20), Zone::utc(), 25).size(), 20U);
}

TEST(TimeTicks, AreSecondsForShortRuns) {
  const auto start = at("2026-02-25T00:00:58Z");
  EXPECT_EQ(times(time_ticks(start, start + std::chrono::seconds(4), Zone::utc(), 6)),
            "00:00:58 00:00:59 00:01:00 00:01:01 00:01:02");
}

TEST(CivilText, ShowsSecondsOnlyWhereThereAreSome) {
  EXPECT_EQ(civil_text(at("2026-07-01T04:15:00Z"), toronto()), "2026-07-01 00:15");
  EXPECT_EQ(civil_text(at("2026-07-01T04:15:07.25Z"), toronto()), "2026-07-01 00:15:07.25");
}

}  // namespace
}  // namespace ami::amictl
