#include <gtest/gtest.h>

#include "tests/meter_model/vee/scene.h"

namespace ami::vee {
namespace {

using std::chrono::seconds;

TEST(ChannelDay, AGoodDaySaysNothingUnderAnyCheck) {
  Case c;
  c.registers = {{at("2026-01-15T05:00:00Z"), number("5000000"), {}},
                 {at("2026-01-16T05:00:00Z"), number("5048000"), {}}};  // 96 x 500 + 48 x 1 = 48048
  EXPECT_TRUE(c.run(CheckSet::all()).findings().empty());
  EXPECT_TRUE(c.run({}).findings().empty());
}

TEST(ChannelDay, ContradictoryInputIsRefusedAsAWhole) {
  Case c;
  c.marks.resize(3);
  EXPECT_EQ(c.codes(Check::Overflow), "2.5.257");
  c.marks.clear();
  c.day.length = seconds{0};
  EXPECT_EQ(c.codes(Check::Overflow), "2.5.257");
  c.day.length = seconds{900};
  c.day.programme.ke = number("0");
  EXPECT_EQ(c.codes(Check::Overflow), "2.5.257");
  c.day.programme.ke = number("1");
  c.registers = {{at("2026-01-16T05:00:00Z"), number("2"), {}},
                 {at("2026-01-15T05:00:00Z"), number("1"), {}}};
  EXPECT_EQ(c.codes(Check::Overflow), "2.5.257");
}

TEST(IntervalSize, CountOfTheDayIsExact) {
  EXPECT_EQ(Case(96).codes(Check::IntervalSize), "");
  EXPECT_EQ(Case(95).codes(Check::IntervalSize), "2.4.2");
  EXPECT_EQ(Case(97).codes(Check::IntervalSize), "2.4.3");
  EXPECT_EQ(Case(0).verdict(Check::IntervalSize), "the day holds no interval");
}

TEST(IntervalSize, LengthAndGridAreTheProgrammes) {
  Case c;
  c.day.length = seconds{1800};
  EXPECT_EQ(c.codes(Check::IntervalSize), "2.4.3");
  c.day.length = seconds{300};
  EXPECT_EQ(c.codes(Check::IntervalSize), "2.4.2");
  EXPECT_EQ(c.figure_of(Check::IntervalSize, "by"), "-600");
  Case off;
  off.day.first_start += seconds{1};
  EXPECT_EQ(off.codes(Check::IntervalSize), "2.4.2");
}

TEST(IntervalSize, WhatTheMeterFlaggedAndWhatLiesOffTheGrid) {
  Case c;
  c.mark(3, Mark::Partial);
  c.mark(4, Mark::Partial);
  c.mark(9, Mark::Long);
  EXPECT_EQ(c.codes(Check::IntervalSize), "2.4.2 2.4.3");
  EXPECT_EQ(c.slots(Check::IntervalSize), (std::vector<SlotRange>{{3, 2}, {9, 1}}));
  Case odd;
  odd.odd = {{at("2026-01-15T05:07:00Z"), at("2026-01-15T05:15:00Z"), number("1")},
             {at("2026-01-15T06:00:00Z"), at("2026-01-15T06:15:01Z"), number("1")}};
  EXPECT_EQ(odd.codes(Check::IntervalSize), "2.4.2 2.4.3");
}

TEST(Continuity, EachGapIsOneFindingAndWhatIsNotDueIsNone) {
  Case c;
  for (const std::size_t i : {0U, 10U, 11U, 12U, 95U}) c.values[i] = kHole;
  EXPECT_EQ(c.slots(Check::Continuity), (std::vector<SlotRange>{{0, 1}, {10, 3}, {95, 1}}));
  EXPECT_EQ(c.codes(Check::Continuity), "2.5.259 2.5.259 2.5.259");
  c.meter.as_of = at("2026-01-16T04:59:59Z");
  EXPECT_EQ(c.slots(Check::Continuity), (std::vector<SlotRange>{{0, 1}, {10, 3}}));
}

TEST(Continuity, AnEmptyDayIsOneGapOfWhatIsDue) {
  Case c(0);
  EXPECT_EQ(c.slots(Check::Continuity), (std::vector<SlotRange>{{0, 96}}));
  c.meter.as_of = at("2026-01-15T06:00:00Z");
  EXPECT_EQ(c.slots(Check::Continuity), (std::vector<SlotRange>{{0, 4}}));
  c.meter.as_of = at("2026-01-15T05:14:59Z");
  EXPECT_TRUE(c.slots(Check::Continuity).empty());
}

TEST(Continuity, AMeterWithoutRecorderOwesNothing) {
  Case c(0);
  c.day.programme.is_recorded = false;
  EXPECT_EQ(c.verdict(Check::Continuity), "the meter has no recorder");
  EXPECT_EQ(c.verdict(Check::IntervalSize), "the day holds no interval");
  Case with_values;  // what came although there should be none is judged as ever
  with_values.day.programme.is_recorded = false;
  with_values.values[4] = kHole;
  EXPECT_EQ(with_values.codes(Check::Continuity), "2.5.259");
}

TEST(Continuity, DuplicatesAreIgnoredWhenIdenticalAndAConflictWhenNot) {
  Case c;
  c.others = {{5, number("501.0"), true}};  // slot 5 holds 501
  EXPECT_EQ(c.codes(Check::Continuity), "");
  c.others = {{5, number("502"), true}};
  EXPECT_EQ(c.codes(Check::Continuity), "2.5.258");
  EXPECT_EQ(c.figure_of(Check::Continuity, "by"), "1");
  c.others = {{5, number("502"), false}};  // a correction
  EXPECT_EQ(c.codes(Check::Continuity), "");
  c.others = {{500, number("502"), true}};  // no slot of this day
  EXPECT_EQ(c.codes(Check::Continuity), "");
}

TEST(Continuity, OverlapWithASlotOrWithEachOther) {
  Case c;
  c.odd = {{at("2026-01-15T05:10:00Z"), at("2026-01-15T05:25:00Z"), number("1")}};
  EXPECT_EQ(c.slots(Check::Continuity), (std::vector<SlotRange>{{0, 2}}));
  EXPECT_EQ(c.codes(Check::Continuity), "2.5.258");
  c.values[0] = c.values[1] = kHole;  // nothing to overlap: two gaps remain one
  EXPECT_EQ(c.codes(Check::Continuity), "2.5.259");
  c.odd.push_back({at("2026-01-15T05:24:00Z"), at("2026-01-15T05:30:00Z"), number("1")});
  EXPECT_EQ(c.codes(Check::Continuity), "2.5.259 2.5.258");
}

TEST(Overflow, CountOfTheFullChannelExactly) {
  Case c;
  c.day.programme.ke = number("7.2");
  c.day.programme.largest_count = 255;  // saturates at 1836 Wh
  c.values[7] = 1836;
  EXPECT_EQ(c.slots(Check::Overflow), (std::vector<SlotRange>{{7, 1}}));
  EXPECT_EQ(c.codes(Check::Overflow), "2.4.1");
  c.values[7] = 1835;
  EXPECT_EQ(c.verdict(Check::Overflow), "PASSED");
  c.mark(8, Mark::Overflow);
  EXPECT_EQ(c.slots(Check::Overflow), (std::vector<SlotRange>{{8, 1}}));
  Case unknown;
  unknown.day.programme.largest_count.reset();
  EXPECT_EQ(unknown.verdict(Check::Overflow), "the channel's greatest count or Ke is not known");
}

TEST(TestMode, StatusBitOrEventExcludesFromBilling) {
  Case c;
  EXPECT_EQ(c.codes(Check::TestMode), "");
  c.test_modes = {{at("2026-01-15T05:30:00Z"), at("2026-01-15T06:00:00Z")}};
  c.mark(20, Mark::TestMode);
  EXPECT_EQ(c.slots(Check::TestMode), (std::vector<SlotRange>{{2, 2}, {20, 1}}));
  EXPECT_EQ(c.codes(Check::TestMode), "2.4.5 2.4.5");
  EXPECT_EQ(c.run({Check::TestMode}).findings()[0].advice, Advice::ExcludeFromBilling);
}

TEST(PowerFailure, OutageMarksWhatItTouchesOnly) {
  Case c;
  c.outages = {{at("2026-01-15T05:29:59Z"), at("2026-01-15T05:45:00Z")}};
  EXPECT_EQ(c.slots(Check::PowerFailure), (std::vector<SlotRange>{{1, 2}}));
  EXPECT_EQ(c.codes(Check::PowerFailure), "2.2.32");
  c.outages = {{at("2026-01-15T06:00:00Z"), at("2026-01-15T06:00:00Z")}};  // momentary
  EXPECT_EQ(c.slots(Check::PowerFailure), (std::vector<SlotRange>{{4, 1}}));
  c.outages = {{at("2026-01-16T04:50:00Z"), UtcInstant::max()}};  // not over yet
  EXPECT_EQ(c.slots(Check::PowerFailure), (std::vector<SlotRange>{{95, 1}}));
  c.outages = {{at("2026-01-14T05:00:00Z"), at("2026-01-15T05:00:00Z")}};  // over when the day begins
  EXPECT_EQ(c.codes(Check::PowerFailure), "");
}

TEST(ClockChanged, DirectionDecidesTheCode) {
  Case c;
  c.clock_sets = {{at("2026-01-15T05:20:00Z"), seconds{90}},
                  {at("2026-01-15T07:00:00Z"), seconds{-90}},
                  {at("2026-01-15T08:10:00Z"), std::nullopt}};
  EXPECT_EQ(c.codes(Check::ClockChanged), "2.4.9 2.4.64 2.4.128");
  EXPECT_EQ(c.slots(Check::ClockChanged), (std::vector<SlotRange>{{12, 1}, {1, 1}, {8, 1}}));
  c.clock_sets = {{at("2026-01-16T05:00:00Z"), seconds{90}}};  // tomorrow's first interval
  EXPECT_EQ(c.codes(Check::ClockChanged), "");
  c.mark(6, Mark::ClockBackward);
  EXPECT_EQ(c.codes(Check::ClockChanged), "2.4.128");
}

// 2S CL200, 240 V: 48 kW, 12 kWh a quarter-hour, 10 % for voltage: 13.2 kWh.
TEST(PhysicalMaximum, TheBoundItselfPasses) {
  Case c;
  c.values[0] = 13'200;
  EXPECT_EQ(c.codes(Check::PhysicalMaximum), "");
  c.values[0] = 13'201;
  EXPECT_EQ(c.codes(Check::PhysicalMaximum), "2.6.3");
  EXPECT_EQ(c.figure_of(Check::PhysicalMaximum, "by"), "1");
  c.day.programme.limit_per_hour.reset();
  EXPECT_EQ(c.verdict(Check::PhysicalMaximum), "the meter's greatest power is not known");
}

TEST(PhysicalMaximum, FiveMinutesAnyExponentAndBothSignsOfANetChannel) {
  Case c(288);
  c.day.length = c.day.programme.interval = seconds{300};
  c.day.exponent = -1;
  c.values[5] = 44'000;  // 4.4 kWh = 1.1 x 4 kWh
  EXPECT_EQ(c.codes(Check::PhysicalMaximum), "");
  c.values[5] = 44'001;
  EXPECT_EQ(c.codes(Check::PhysicalMaximum), "2.6.3");
  c.values[5] = -44'001;
  EXPECT_EQ(c.codes(Check::PhysicalMaximum), "");
  c.day.programme.is_signed = true;
  EXPECT_EQ(c.codes(Check::PhysicalMaximum), "2.6.3");
}

TEST(Sign, OneWayChannelBelowZero) {
  Case c;
  c.values[3] = 0;
  EXPECT_EQ(c.codes(Check::Sign), "");
  c.values[3] = -1;
  EXPECT_EQ(c.codes(Check::Sign), "2.5.256");
  c.day.programme.is_signed = true;
  EXPECT_EQ(c.codes(Check::Sign), "");
  Case hole;
  hole.values[3] = kHole;  // a hole is no negative number
  EXPECT_EQ(hole.codes(Check::Sign), "");
}

TEST(Report, SlotCodesAreThoseOfTheFindingsThatTouchIt) {
  Case c;
  c.mark(4, Mark::Partial | Mark::PowerFail);
  const Report report = c.run({Check::IntervalSize, Check::PowerFailure});
  EXPECT_EQ(codes_of_slot(report.findings(), 4), (QualitySet{{2, 2, 32}, {2, 4, 2}}));
  EXPECT_TRUE(codes_of_slot(report.findings(), 5).empty());
}

TEST(Marks, ComeFromCodesOfAnySystem) {
  EXPECT_EQ(marks_of({{1, 4, 2}, {2, 2, 32}, {3, 8, 0}}), Mark::Partial | Mark::PowerFail | Mark::Estimated);
  EXPECT_EQ(marks_of({{3, 7, 1}}), Marks(Mark::Edited));
  EXPECT_TRUE(kNoAnchor.any_of(Mark::Edited));
  EXPECT_TRUE(marks_of({{2, 0, 1}, {1, 4, 16}}).none());
}

}  // namespace
}  // namespace ami::vee
