#include "meter_model/metrology/clock.h"

#include <gtest/gtest.h>

#include "meter_model/time/zone.h"
#include "tests/meter_model/metrology/meters.h"

namespace ami::metrology {
namespace {

constexpr std::chrono::microseconds kQuarter = 15min;

TEST(MeterClock, EndsOfTheGridFollowTheReading) {
  MeterClock clock(at("2026-01-01T00:00:00Z"), 0s);
  EXPECT_TRUE(clock.on_grid(kQuarter));
  EXPECT_EQ(clock.next_end(kQuarter), at("2026-01-01T00:15:00Z")) << "an end is not its own next";
  clock.run(1us);
  EXPECT_FALSE(clock.on_grid(kQuarter));
  EXPECT_EQ(clock.next_end(kQuarter), at("2026-01-01T00:15:00Z"));
  clock.set_by(20min);
  EXPECT_EQ(clock.next_end(kQuarter), at("2026-01-01T00:30:00Z"));
  EXPECT_EQ(clock.now(), at("2026-01-01T00:00:00Z") + 1us);
  clock.set_by(-30min);
  EXPECT_EQ(clock.next_end(kQuarter), at("2026-01-01T00:00:00Z"));
  EXPECT_EQ(clock.ahead(), -10min);
}

TEST(MeterClock, TheGridStartsAtCivilMidnightOfItsOffset) {
  const MeterClock toronto(at("2026-03-08T05:00:00Z"), -5h);
  EXPECT_TRUE(toronto.on_grid(std::chrono::hours{24}));
  const MeterClock kathmandu(at("2026-03-08T00:00:00Z"), 5h + 45min);
  EXPECT_FALSE(kathmandu.on_grid(1h));
  EXPECT_EQ(kathmandu.next_end(1h), at("2026-03-08T00:15:00Z"));
  EXPECT_TRUE(kathmandu.on_grid(kQuarter));
}

TEST(MeterClock, BeforeTheEpochTheGridIsTheSame) {
  const MeterClock clock(at("1969-12-31T23:50:00Z"), 0s);
  EXPECT_EQ(clock.next_end(kQuarter), at("1970-01-01T00:00:00Z"));
  const MeterClock west(at("1970-01-01T00:00:01Z"), -5h);
  EXPECT_EQ(west.next_end(kQuarter), at("1970-01-01T00:15:00Z"));
}

TEST(MeterClock, StandingStillItFallsBehind) {
  MeterClock clock(at("2026-01-01T00:00:00Z"), 0s);
  clock.stand_still(7min);
  EXPECT_EQ(clock.reading(), at("2026-01-01T00:00:00Z"));
  EXPECT_EQ(clock.now(), at("2026-01-01T00:07:00Z"));
}

// Vector T24: the meter's grid does not move with daylight saving, so a local day has as many of its ends as
// it has quarters of an hour.
int quarters(const char* zone_name, int month, int day) {
  const Zone zone = Zone::load(zone_name).value();
  const auto date = std::chrono::year{2026} / month / day;
  const Zone::Day local = zone.civil_day(date);
  MeterClock clock(local.start, -6h);
  int count = 0;
  for (; clock.next_end(kQuarter) <= local.end; ++count)
    clock.run(clock.next_end(kQuarter) - clock.reading());
  EXPECT_EQ(clock.reading(), local.end);
  return count;
}

TEST(MeterClock, LocalDaysHave92Or96Or100Quarters) {
  EXPECT_EQ(quarters("America/Toronto", 3, 8), 92);
  EXPECT_EQ(quarters("America/Toronto", 11, 1), 100);
  EXPECT_EQ(quarters("America/Toronto", 3, 9), 96);
  EXPECT_EQ(quarters("America/Regina", 3, 8), 96);
  EXPECT_EQ(quarters("America/Regina", 11, 1), 96);
  const Zone toronto = Zone::load("America/Toronto").value();
  EXPECT_EQ(toronto.civil_day(std::chrono::year{2026} / 3 / 8).start, at("2026-03-08T05:00:00Z"));
  EXPECT_EQ(toronto.civil_day(std::chrono::year{2026} / 11 / 1).start, at("2026-11-01T04:00:00Z"));
}

TEST(MeterClock, DaylightSavingGivesAMeterNoPartialInterval) {
  InitialState initial;
  initial.start = at("2026-03-08T05:00:00Z");  // the day of 23 hours
  initial.utc_offset = -5h;
  ReferenceMeter meter = metrology::meter({}, initial);
  meter.run(watts(1000), 23h);
  ASSERT_EQ(meter.intervals().size(), 92U);
  for (const IntervalRecord& record : meter.intervals()) EXPECT_TRUE(record.flags.none());
}

TEST(RunningInterval, MeasuredTimeDecidesBetweenPartialAndLong) {
  MeterClock clock(at("2026-01-01T00:00:00Z"), 0s);
  RunningInterval running(kQuarter, clock);
  clock.run(15min);
  EXPECT_TRUE(running.closed(clock).flags.none());
  running.not_measured(1us);
  EXPECT_EQ(running.closed(clock).flags, Flags(Flag::Partial));
  clock.run(2us);
  EXPECT_EQ(running.closed(clock).flags, Flags(Flag::Long));
}

TEST(RunningInterval, WhatHappensAtItsVeryStartIsKeptApart) {
  MeterClock clock(at("2026-01-01T00:00:00Z"), 0s);
  RunningInterval running(kQuarter, clock);
  running.mark_at(Flag::TierChange, clock);
  clock.run(15min);
  EXPECT_TRUE(running.closed(clock).flags.none());
  EXPECT_EQ(running.closed(clock).at_start, Flags(Flag::TierChange));
}

TEST(RunningInterval, TwoSetsAtItsStartBothCount) {
  MeterClock clock(at("2026-01-01T00:00:00Z"), 0s);
  RunningInterval running(kQuarter, clock);
  for (const auto by : {std::chrono::microseconds{20min}, std::chrono::microseconds{-50min}}) {
    MeterClock after = clock;
    after.set_by(by);
    const auto set = running.clock_set(clock, after);
    EXPECT_FALSE(set.closes);
    ASSERT_TRUE(set.reopens);
    running.reopen(set, after);
    clock = after;
  }
  EXPECT_EQ(running.end(), at("2025-12-31T23:45:00Z"));
  const auto flags = running.closed(clock).flags;
  EXPECT_TRUE(flags.has(Flag::ClockForward));
  EXPECT_TRUE(flags.has(Flag::ClockBackward));
  EXPECT_TRUE(flags.has(Flag::Skipped));
}

}  // namespace
}  // namespace ami::metrology
