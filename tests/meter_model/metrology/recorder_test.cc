#include "meter_model/metrology/recorder.h"

#include <gtest/gtest.h>

#include "tests/meter_model/metrology/meters.h"

namespace ami::metrology {
namespace {

MeterProgram program(const char* ke_wh, int channel_bits) {
  MeterProgram result;
  result.ke_wh = decimal(ke_wh);
  result.channel_bits = channel_bits;
  return result;
}

// "end pulses flags" of each record.
std::vector<std::string> lines(const ReferenceMeter& meter) {
  std::vector<std::string> result;
  for (const IntervalRecord& record : meter.intervals()) {
    std::string line = hour_of(record.end) + " " + std::to_string(record.delivered_pulses);
    if (!record.flags.none()) line += " " + flags_of(record.flags);
    result.push_back(line);
  }
  return result;
}
using Lines = std::vector<std::string>;

TEST(Recorder, OneRecordAnIntervalByDirection) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 15min);   // 1200 Wh
  meter.run(watts(-2400), 15min);  // 600 Wh
  ASSERT_EQ(meter.intervals().size(), 2U);
  const IntervalRecord& first = meter.intervals()[0];
  EXPECT_EQ(first.end, at("2026-01-01T00:15:00Z"));
  EXPECT_EQ(first.delivered_pulses, 1000U);
  EXPECT_EQ(first.received_pulses, 0U);
  EXPECT_EQ(first.energy.delivered, wh("1200"));
  EXPECT_EQ(first.measured, 15min);
  EXPECT_TRUE(first.flags.none());
  EXPECT_EQ(meter.intervals()[1].received_pulses, 500U);
  EXPECT_EQ(meter.intervals()[1].energy.received, wh("600"));
}

// Vector T21.
TEST(Recorder, AnEightBitChannelIsFullAt1836WattHours) {
  ReferenceMeter meter = metrology::meter(program("7.2", 8));
  meter.run(watts(7344), 15min);
  EXPECT_EQ(lines(meter), Lines{"00:15:00 255"}) << "none was lost";
  EXPECT_EQ(meter.intervals()[0].energy.delivered, wh("1836"));
  meter.run(watts(7344 + 4 * 7.2), 15min);
  EXPECT_EQ(lines(meter)[1], "00:30:00 255 OVERFLOW");
  EXPECT_EQ(meter.pulses(Direction::Delivered).pulses(), 255U + 256U) << "registers lose nothing";
}

TEST(Recorder, ASixteenBitChannelHolds78642WattHours) {
  ReferenceMeter meter = metrology::meter(program("1.2", 16));
  meter.run(watts(4 * 78'642), 15min);
  EXPECT_EQ(lines(meter), Lines{"00:15:00 65535"});
  meter.run(watts(4 * 78'643.2), 15min);
  EXPECT_EQ(lines(meter)[1], "00:30:00 65535 OVERFLOW");
  meter.run(watts(48'000), 15min);  // the physical limit of form 2S CL200
  EXPECT_EQ(lines(meter)[2], "00:45:00 10000");
}

TEST(Recorder, ReceivedPulsesOverflowToo) {
  ReferenceMeter meter = metrology::meter(program("7.2", 8));
  meter.run(watts(-8000), 15min);
  EXPECT_EQ(lines(meter), Lines{"00:15:00 0 OVERFLOW"});
  EXPECT_EQ(meter.intervals()[0].received_pulses, 255U);
}

TEST(Recorder, StartedOffTheGridTheFirstIntervalIsPartial) {
  InitialState initial = new_year();
  initial.start += 10min;
  ReferenceMeter meter = metrology::meter({}, initial);
  meter.run(watts(4800), 20min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 333 PARTIAL", "00:30:00 1000"}));
}

TEST(Recorder, TheGridIsThatOfTheMetersOffset) {
  InitialState initial = new_year();
  initial.utc_offset = -(3h + 30min);  // Newfoundland: hours end at half past
  MeterProgram hourly;
  hourly.interval = 1h;
  hourly.demand.window = 1h;
  ReferenceMeter meter = metrology::meter(hourly, initial);
  meter.run(watts(1200), 90min);
  EXPECT_EQ(lines(meter), (Lines{"00:30:00 500 PARTIAL", "01:30:00 1000"}));
}

TEST(Recorder, SetForwardInsideAnIntervalItIsShort) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 40min);
  ASSERT_TRUE(meter.set_clock(2min));
  meter.run(watts(4800), 18min);
  EXPECT_EQ(lines(meter),
            (Lines{"00:15:00 1000", "00:30:00 1000", "00:45:00 866 PARTIAL CLOCK_FORWARD", "01:00:00 1000"}));
  const IntervalRecord& third = meter.intervals()[2];
  EXPECT_EQ(third.measured, 13min);
  EXPECT_EQ(third.closed_at, at("2026-01-01T00:43:00Z"));
}

TEST(Recorder, SetBackInsideAnIntervalItIsLong) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 10min);
  ASSERT_TRUE(meter.set_clock(-3min));
  meter.run(watts(4800), 23min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 1200 LONG CLOCK_BACKWARD", "00:30:00 1000"}));
  EXPECT_EQ(meter.intervals()[0].measured, 18min);
}

TEST(Recorder, SetForwardAndBackByAsMuchTheLengthIsRight) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 5min);
  ASSERT_TRUE(meter.set_clock(2min));
  meter.run(watts(4800), 3min);
  ASSERT_TRUE(meter.set_clock(-2min));
  meter.run(watts(4800), 7min);
  EXPECT_EQ(lines(meter), Lines{"00:15:00 1000 CLOCK_FORWARD CLOCK_BACKWARD"});
}

TEST(Recorder, EndsThatTheClockJumpsOverAreSkippedAndNotInvented) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 10min);
  ASSERT_TRUE(meter.set_clock(40min));  // 00:10 becomes 00:50; 00:30 and 00:45 never come
  meter.run(watts(4800), 25min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 666 PARTIAL CLOCK_FORWARD",
                                 "01:00:00 667 PARTIAL SKIPPED CLOCK_FORWARD", "01:15:00 1000"}));
  EXPECT_EQ(meter.intervals()[0].skipped_ends, 0U);
  EXPECT_EQ(meter.intervals()[1].skipped_ends, 2U);
}

TEST(Recorder, SetForwardExactlyToTheEndTheNextIntervalIsWhole) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 10min);
  ASSERT_TRUE(meter.set_clock(5min));
  meter.run(watts(4800), 15min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 666 PARTIAL CLOCK_FORWARD", "00:30:00 1000"}));
}

TEST(Recorder, SetBackOverItsStartTheIntervalIsClosedAtOnceAndLabelsRepeat) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 20min);
  ASSERT_TRUE(meter.set_clock(-12min));  // 00:20 becomes 00:08
  meter.run(watts(4800), 22min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 1000", "00:20:00 333 PARTIAL CLOCK_BACKWARD",
                                 "00:15:00 467 PARTIAL CLOCK_BACKWARD", "00:30:00 1000"}));
}

TEST(Recorder, SetBackByAWholeIntervalOnAnEndTheRepeatedLabelIsFlagged) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 15min);
  ASSERT_TRUE(meter.set_clock(-15min));
  meter.run(watts(4800), 30min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 1000", "00:15:00 1000 CLOCK_BACKWARD", "00:30:00 1000"}));
}

TEST(Recorder, SetOnAnEndNoEmptyRecordIsWritten) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 15min);
  ASSERT_TRUE(meter.set_clock(20min));  // 00:15 becomes 00:35; 00:30 never comes
  meter.run(watts(4800), 10min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 1000", "00:45:00 666 PARTIAL SKIPPED CLOCK_FORWARD"}));
  EXPECT_EQ(meter.intervals()[1].skipped_ends, 1U);
}

TEST(Recorder, ASetByNothingIsNothing) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 10min);
  ASSERT_TRUE(meter.set_clock(0us));
  meter.run(watts(4800), 5min);
  EXPECT_EQ(lines(meter), Lines{"00:15:00 1000"});
}

TEST(Recorder, PowerFailureInsideAnIntervalKeepsItsValueAndMarksIt) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 5min);
  meter.outage(4min);
  meter.run(watts(4800), 21min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 733 PARTIAL POWER_FAIL", "00:30:00 1000"}));
  EXPECT_EQ(meter.intervals()[0].measured, 11min);
}

TEST(Recorder, ALongOutageKeepsADarkRecordAnInterval) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 10min);
  meter.outage(30min);
  meter.run(watts(4800), 5min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 666 PARTIAL POWER_FAIL", "00:30:00 0 PARTIAL POWER_FAIL",
                                 "00:45:00 334 PARTIAL POWER_FAIL"}));
}

TEST(Recorder, AnOutageFromEndToEndLeavesTheNeighboursAlone) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 15min);
  meter.outage(15min);
  meter.run(watts(4800), 15min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 1000", "00:30:00 0 PARTIAL POWER_FAIL", "00:45:00 1000"}));
}

TEST(Recorder, WithoutABatteryTheClockIsLateAfterwards) {
  MeterProgram program;
  program.clock_has_battery = false;
  ReferenceMeter meter = metrology::meter(program);
  meter.run(watts(4800), 10min);
  meter.outage(30min);
  meter.run(watts(4800), 20min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 1000 POWER_FAIL", "00:30:00 1000"}));
  EXPECT_EQ(meter.intervals()[0].closed_at, at("2026-01-01T00:45:00Z"));
  EXPECT_EQ(meter.clock().ahead(), -30min);
}

TEST(Recorder, TestModeIsKeptOutOfTheBillingChannels) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 5min);
  meter.test_mode(true);
  meter.run(watts(4800), 5min);
  meter.test_mode(false);
  meter.run(watts(4800), 20min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 666 PARTIAL TEST_MODE", "00:30:00 1000"}));
}

TEST(Recorder, AProgramCanLetTestModeBill) {
  MeterProgram program;
  program.test_mode_bills = true;
  ReferenceMeter meter = metrology::meter(program);
  meter.test_mode(true);
  meter.run(watts(4800), 15min);
  EXPECT_EQ(lines(meter), Lines{"00:15:00 1000 TEST_MODE"});
}

TEST(Recorder, ATierChangeInsideAnIntervalMarksIt) {
  ReferenceMeter meter = metrology::meter();
  meter.run(watts(4800), 10min);
  ASSERT_TRUE(meter.select_tier('B'));
  meter.run(watts(4800), 5min);
  ASSERT_TRUE(meter.select_tier('C'));  // on the end: no interval has two tiers
  meter.run(watts(4800), 15min);
  EXPECT_EQ(lines(meter), (Lines{"00:15:00 1000 TIER_CHANGE", "00:30:00 1000"}));
}

TEST(Flags, HaveTheirNamesAndQualityCodes) {
  Flags all;
  for (const FlagInfo& info : all_flags()) all |= info.flag;
  EXPECT_EQ(flags_of(all),
            "PARTIAL LONG SKIPPED OVERFLOW CLOCK_FORWARD CLOCK_BACKWARD POWER_FAIL TEST_MODE TIER_CHANGE");
  std::vector<std::string> codes;
  for (const QualityCode& code : quality(all)) codes.push_back(code.to_string());
  EXPECT_EQ(codes, (Lines{"1.2.32", "1.4.1", "1.4.2", "1.4.3", "1.4.4", "1.4.5", "1.4.64", "1.4.128"}));
  EXPECT_EQ(quality(Flag::Overflow), (QualitySet{{1, 4, 1}}));
  EXPECT_TRUE(quality(Flag::TierChange).empty());
  EXPECT_TRUE(names({}).empty());
}

}  // namespace
}  // namespace ami::metrology
