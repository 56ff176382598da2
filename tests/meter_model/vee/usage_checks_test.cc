#include <gtest/gtest.h>

#include "tests/meter_model/vee/scene.h"

namespace ami::vee {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

Case in_kwh(std::vector<std::int64_t> tenths) {
  Case c(0);
  c.day.unit = "kWh";
  c.day.exponent = -1;
  c.values = std::move(tenths);
  c.config.spike_floor = number("1");
  return c;
}

// Reference vectors: 9, 5, 3 -> (9 - 3) / 3 = 2.0; 8.4, 5, 3 -> exactly 1.8.
TEST(Spike, HighestAgainstThirdHighest) {
  Case fails = in_kwh({30, 90, 50, 10});
  EXPECT_EQ(fails.codes(Check::Spike), "2.6.3");
  EXPECT_EQ(fails.slots(Check::Spike), (std::vector<SlotRange>{{1, 1}}));
  EXPECT_EQ(fails.figure_of(Check::Spike, "by"), "0.6");  // 6 - 1.8 x 3
  EXPECT_EQ(in_kwh({30, 84, 50, 10}).verdict(Check::Spike), "PASSED");
  EXPECT_EQ(in_kwh({30, 85, 50, 10}).codes(Check::Spike), "2.6.3");
}

TEST(Spike, FloorTiesHolesAndShortDays) {
  Case low = in_kwh({1, 10, 1, 1});
  EXPECT_EQ(low.codes(Check::Spike), "");  // 1 kWh is not above the floor of 1 kWh
  low.values[1] = 11;
  EXPECT_EQ(low.codes(Check::Spike), "2.6.3");
  EXPECT_EQ(in_kwh({90, 90, 90, 10}).codes(Check::Spike), "");  // three times the same is no spike
  EXPECT_EQ(in_kwh({90, 0, 0}).codes(Check::Spike), "2.6.3");
  EXPECT_EQ(in_kwh({90, kHole, 30}).verdict(Check::Spike), "fewer than three intervals");
  EXPECT_EQ(in_kwh({}).verdict(Check::Spike), "fewer than three intervals");
}

TEST(HighLow, BothLimitsPassThemselves) {
  Case c;  // 48048 Wh
  c.day.adu_last_period = number("24024");
  EXPECT_EQ(c.codes(Check::HighLow), "");  // exactly twice
  c.day.adu_last_period = number("24023.9");
  EXPECT_EQ(c.codes(Check::HighLow), "2.6.5");
  c.day.adu_last_period = number("96096");
  EXPECT_EQ(c.codes(Check::HighLow), "");  // exactly half
  c.day.adu_last_period = number("96096.1");
  EXPECT_EQ(c.codes(Check::HighLow), "2.6.6");
  EXPECT_EQ(c.figure_of(Check::HighLow, "by"), "0.05");
  c.day.adu_same_month_last_year = number("50000");  // is asked first
  EXPECT_EQ(c.codes(Check::HighLow), "");
}

TEST(HighLow, NeedsHistoryAndAWholeDay) {
  Case c;
  EXPECT_EQ(c.verdict(Check::HighLow), "no use of an earlier period to compare with");
  c.day.adu_last_period = number("0");
  EXPECT_EQ(c.verdict(Check::HighLow), "no use of an earlier period to compare with");
  c.day.adu_last_period = number("1");
  c.values[4] = kHole;
  EXPECT_EQ(c.verdict(Check::HighLow), "the day is not whole");
  Case empty(0);
  empty.day.adu_last_period = number("1");
  EXPECT_EQ(empty.verdict(Check::HighLow), "the day is not whole");
}

// A day without supply is low for a reason that is known; a high one is high all the same.
TEST(HighLow, LowIsNotJudgedWhereSupplyWasOff) {
  for (auto Case::*spans : {&Case::open, &Case::inactive, &Case::outages}) {
    Case c;
    c.day.adu_last_period = number("100000");  // of 48048: low
    EXPECT_EQ(c.codes(Check::HighLow), "2.6.6");
    (c.*spans).push_back({at("2026-01-15T12:00:00Z"), at("2026-01-15T12:20:00Z")});
    EXPECT_EQ(c.verdict(Check::HighLow), "the meter was without supply for some of the day");
    c.day.adu_last_period = number("20000");
    EXPECT_EQ(c.codes(Check::HighLow), "2.6.5");
  }
  Case by_flag;
  by_flag.day.adu_last_period = number("100000");
  by_flag.mark(7, Mark::PowerFail);
  EXPECT_EQ(by_flag.verdict(Check::HighLow), "the meter was without supply for some of the day");
}

// 60 Wh, 1.4 kWh and 70 Wh around noon of a dull day: generation was above the load for one interval only.
TEST(ReceivedChannel, AShortSurplusIsNoSpike) {
  Case c(96, 0);
  for (auto& value : c.values) value = 0;
  c.values[47] = 60;
  c.values[48] = 1400;
  c.values[49] = 70;
  EXPECT_EQ(c.codes(Check::Spike), "2.6.3");
  c.day.programme.is_received = true;
  EXPECT_EQ(c.verdict(Check::Spike), "a surplus may last for less than three intervals");
}

TEST(Spike, ThreeIntervalsWithSupplyAreNeeded) {
  for (auto Case::*spans : {&Case::open, &Case::inactive, &Case::outages}) {
    Case c(24, 0);
    c.day.length = c.day.programme.interval = std::chrono::hours{1};
    for (auto& value : c.values) value = 0;
    c.values[0] = 1500;
    c.values[1] = 1400;
    EXPECT_EQ(c.codes(Check::Spike), "2.6.3");
    (c.*spans).push_back({at("2026-01-15T07:00:00Z"), UtcInstant::max()});  // from the third hour on
    EXPECT_EQ(c.verdict(Check::Spike), "fewer than three intervals with supply");
    (c.*spans)[0].from = at("2026-01-15T08:00:00Z");
    c.values[2] = 100;
    EXPECT_EQ(c.codes(Check::Spike), "2.6.3");
  }
}

TEST(HighLow, IsNotJudgedBehindGeneration) {
  Case c;
  c.day.adu_last_period = number("100000");
  EXPECT_EQ(c.codes(Check::HighLow), "2.6.6");
  c.meter.customer_generates = true;
  EXPECT_EQ(c.verdict(Check::HighLow), "the customer generates: what is delivered is not what is used");
}

TEST(ReceivedChannel, IsNeitherComparedWithUsualUseNorSuspectedForZeros) {
  Case c(96, 0);
  for (auto& value : c.values) value = 0;
  c.day.programme.is_received = true;
  c.day.adu_last_period = number("5000");
  EXPECT_EQ(c.verdict(Check::ZeroRun), "a received channel may be zero all day");
  EXPECT_EQ(c.verdict(Check::HighLow), "what is received follows the weather, no customer's habit");
  c.day.programme.is_received = false;
  EXPECT_EQ(c.codes(Check::ZeroRun), "2.6.1");
  EXPECT_EQ(c.codes(Check::HighLow), "2.6.6");
}

TEST(ZeroRun, AWholeDayOfZerosOnAnActiveClosedSwitch) {
  Case c(96, 0);
  for (auto& value : c.values) value = 0;
  EXPECT_EQ(c.codes(Check::ZeroRun), "2.6.1");
  c.values[95] = 1;
  EXPECT_EQ(c.codes(Check::ZeroRun), "");  // 95 only
  c.day.before = {0, 1};                   // and one before midnight
  EXPECT_EQ(c.codes(Check::ZeroRun), "2.6.1");
  c.day.before = {5, 96};
  EXPECT_EQ(c.codes(Check::ZeroRun), "");
}

TEST(ZeroRun, WhatFollowsTheDayCountsWhereItIsNeeded) {
  Case c(96, 0);
  for (auto& value : c.values) value = 0;
  c.values[47] = 1;  // 48 zeros to midnight
  c.day.after = {0, 47};
  EXPECT_EQ(c.codes(Check::ZeroRun), "");
  c.day.after = {0, 48};
  EXPECT_EQ(c.codes(Check::ZeroRun), "2.6.1");
  EXPECT_EQ(c.slots(Check::ZeroRun), (std::vector<SlotRange>{{48, 48}}));
  EXPECT_EQ(c.figure_of(Check::ZeroRun, "zeros in a row"), "96");
  c.day.after = {1, 96};
  EXPECT_EQ(c.codes(Check::ZeroRun), "");
  c.day.after = {kHole, 0};
  EXPECT_EQ(c.codes(Check::ZeroRun), "");
  // Zeros in the middle of the day are next to neither side.
  c.values[95] = 1;
  c.day.before = c.day.after = {0, 96};
  EXPECT_EQ(c.slots(Check::ZeroRun), (std::vector<SlotRange>{{0, 47}}));
  // What is found without it says the same whatever follows.
  Case whole(96, 0);
  for (auto& value : whole.values) value = 0;
  whole.day.after = {0, 96};
  EXPECT_EQ(whole.figure_of(Check::ZeroRun, "zeros in a row"), "96");
}

TEST(ZeroRun, OpenSwitchInactiveAccountAndOutageExplainZeros) {
  for (auto Case::*spans : {&Case::open, &Case::inactive, &Case::outages}) {
    Case c(96, 0);
    for (auto& value : c.values) value = 0;
    (c.*spans).push_back({at("2026-01-15T12:00:00Z"), at("2026-01-15T12:20:00Z")});
    EXPECT_EQ(c.codes(Check::ZeroRun), "");
  }
}

TEST(Frozen, EightTimesTheSameNonZeroValue) {
  Case c;
  for (std::size_t i = 10; i < 17; ++i) c.values[i] = 777;
  EXPECT_EQ(c.codes(Check::Frozen), "");  // seven
  c.values[17] = 777;
  EXPECT_EQ(c.codes(Check::Frozen), "2.5.258");
  EXPECT_EQ(c.slots(Check::Frozen), (std::vector<SlotRange>{{10, 8}}));
  for (std::size_t i = 10; i < 18; ++i) c.values[i] = 0;
  EXPECT_EQ(c.codes(Check::Frozen), "");  // zeros are another check's
  for (std::size_t i = 10; i < 18; ++i) c.values[i] = kHole;
  EXPECT_EQ(c.codes(Check::Frozen), "");
}

TEST(Frozen, RunsOverMidnight) {
  Case c;
  c.day.before = {500, 7};
  EXPECT_EQ(c.codes(Check::Frozen), "2.5.258");
  EXPECT_EQ(c.slots(Check::Frozen), (std::vector<SlotRange>{{0, 1}}));
  c.day.before = {};
  c.day.after = {501, 7};  // the day ends with 501
  EXPECT_EQ(c.slots(Check::Frozen), (std::vector<SlotRange>{{95, 1}}));
  c.day.after = {501, 6};
  EXPECT_EQ(c.codes(Check::Frozen), "");
  c.values[95] = kHole;  // a hole is no value that repeats
  c.day.after = {kHole, 96};
  EXPECT_EQ(c.codes(Check::Frozen), "");
  // A run from before the day to after it.
  for (auto& value : c.values) value = 7;
  c.config.frozen_count = 100;
  c.day.before = {7, 2};
  c.day.after = {7, 2};
  EXPECT_EQ(c.slots(Check::Frozen), (std::vector<SlotRange>{{0, 96}}));
}

TEST(UseWhileOff, MoreThanOnePulseBehindAnOpenSwitchIsASafetyEvent) {
  Case c;
  for (auto& value : c.values) value = 0;
  c.open = {{at("2026-01-15T06:00:00Z"), at("2026-01-15T08:00:00Z")}};  // slots 4 … 11
  c.values[4] = 1;
  EXPECT_EQ(c.codes(Check::UseWhileOff), "");  // one pulse may have been carried in
  c.values[9] = 1;
  EXPECT_EQ(c.codes(Check::UseWhileOff), "2.6.2");
  const Report report = c.run({Check::UseWhileOff});
  EXPECT_EQ(report.findings()[0].advice, Advice::SafetyEvent);
  EXPECT_EQ(report.findings()[0].slots, (SlotRange{4, 8}));
  std::swap(c.open, c.inactive);
  EXPECT_EQ(c.run({Check::UseWhileOff}).findings()[0].advice, Advice::Keep);
}

TEST(UseWhileOff, TheIntervalInWhichTheSwitchMovedSaysNothing) {
  Case c;
  for (auto& value : c.values) value = 0;
  c.values[4] = 400;
  c.open = {{at("2026-01-15T06:00:01Z"), UtcInstant::max()}};
  EXPECT_EQ(c.codes(Check::UseWhileOff), "");
  c.open[0].from = at("2026-01-15T06:00:00Z");
  EXPECT_EQ(c.codes(Check::UseWhileOff), "2.6.2");
}

TEST(Timestamps, FiveMinutesAheadPassMoreIsQuarantined) {
  Case c;
  c.meter.as_of = c.day.day.to - seconds{300};
  EXPECT_EQ(c.codes(Check::Timestamps), "");
  c.meter.as_of -= seconds{1};
  EXPECT_EQ(c.codes(Check::Timestamps), "2.5.257");
  EXPECT_EQ(c.figure_of(Check::Timestamps, "by"), "1");
  EXPECT_EQ(c.run({Check::Timestamps}).findings()[0].advice, Advice::Quarantine);
  c.values[95] = kHole;  // nothing is claimed for that time
  EXPECT_EQ(c.codes(Check::Timestamps), "");
}

TEST(Timestamps, TheYear2069AndBeforeInstallation) {
  Case c;
  c.registers = {{at("2019-06-01T00:00:00Z"), number("1"), {}},
                 {at("2069-01-01T00:00:00Z"), number("2"), {}}};
  EXPECT_EQ(c.codes(Check::Timestamps), "2.5.257 2.5.257");
  c.registers.clear();
  c.meter.installed_from = at("2026-01-15T06:00:00Z");
  EXPECT_EQ(c.slots(Check::Timestamps), (std::vector<SlotRange>{{0, 4}}));
  c.meter.installed_from.reset();
  EXPECT_EQ(c.codes(Check::Timestamps), "");
}

TEST(ProlongedEstimation, ThreeDaysAndTwoBillingReadsPass) {
  Case c;
  c.day.estimated_days_in_a_row = 3;
  c.day.estimated_billing_reads_in_a_row = 2;
  EXPECT_EQ(c.codes(Check::ProlongedEstimation), "");
  c.day.estimated_days_in_a_row = 4;
  EXPECT_EQ(c.codes(Check::ProlongedEstimation), "2.8.0");
  c.day.estimated_billing_reads_in_a_row = 3;
  EXPECT_EQ(c.codes(Check::ProlongedEstimation), "2.8.0 2.8.0");
}

}  // namespace
}  // namespace ami::vee
