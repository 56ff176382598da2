#include "meter_model/metrology/demand.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/meter_model/metrology/meters.h"

namespace ami::metrology {
namespace {

MeterProgram block(DemandQuantity quantity = DemandQuantity::Delivered) {
  MeterProgram program;
  program.demand.quantity = quantity;
  return program;
}

MeterProgram sliding() {  // 3 x 5 minutes
  MeterProgram program;
  program.demand.method = DemandMethod::Sliding;
  program.demand.subinterval = 300s;
  return program;
}

std::vector<double> trace_kw(const ReferenceMeter& meter) {
  std::vector<double> result;
  for (const DemandPoint& point : meter.demand_trace()) result.push_back(point.kw);
  return result;
}

std::vector<std::string> trace_flags(const ReferenceMeter& meter) {
  std::vector<std::string> result;
  for (const DemandPoint& point : meter.demand_trace()) result.push_back(flags_of(point.flags));
  return result;
}
using Kw = std::vector<double>;
using Names = std::vector<std::string>;

// Vector T11.
TEST(BlockDemand, DirectionsAreNotNettedFirst) {
  const struct {
    DemandQuantity quantity;
    double kw;
  } cases[] = {{DemandQuantity::Delivered, 4.0}, {DemandQuantity::Received, 1.0}, {DemandQuantity::Net, 3.0}};
  for (const auto& c : cases) {
    ReferenceMeter meter = metrology::meter(block(c.quantity));
    meter.run(watts(6000), 10min);
    meter.run(watts(-3000), 5min);
    EXPECT_EQ(meter.demand().maximum.kw, c.kw);
    EXPECT_EQ(meter.metered(), (EnergyPair{wh("1000"), wh("250")}));
    EXPECT_EQ(meter.net(), wh("750"));
  }
}

// Vector T15: 12 kW from 00:10 to 00:20 only.
void ten_minutes_of_12_kw(ReferenceMeter& meter) {
  meter.run(watts(0), 10min);
  meter.run(watts(12'000), 10min);
  meter.run(watts(0), 40min);
}

TEST(BlockDemand, SplitsAPeakThatLiesAcrossItsEnd) {
  ReferenceMeter meter = metrology::meter(block());
  ten_minutes_of_12_kw(meter);
  EXPECT_EQ(trace_kw(meter), (Kw{4, 4, 0, 0}));
  EXPECT_EQ(meter.demand().maximum.kw, 4.0);
  EXPECT_EQ(meter.demand().maximum.at, at("2026-01-01T00:15:00Z")) << "of equals the earlier stays";
  EXPECT_EQ(meter.demand().present_kw, 0.0);
}

TEST(SlidingDemand, FindsAPeakThatLiesAcrossABlocksEnd) {
  ReferenceMeter meter = metrology::meter(sliding());
  ten_minutes_of_12_kw(meter);
  EXPECT_EQ(trace_kw(meter), (Kw{0, 0, 4, 8, 8, 4, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(meter.demand().maximum.kw, 8.0);
  EXPECT_EQ(meter.demand().maximum.at, at("2026-01-01T00:20:00Z"));
}

// Vector T16: kWh of six sub-intervals.
constexpr double kT16Kwh[] = {0.10, 0.20, 0.40, 0.50, 0.30, 0.10};

TEST(SlidingDemand, IsWorkedOutEachSubinterval) {
  ReferenceMeter meter = metrology::meter(sliding());
  for (const double kwh : kT16Kwh) meter.run(watts(kwh * 12'000), 5min);
  const Kw points = trace_kw(meter);
  ASSERT_EQ(points.size(), 6U);
  const Kw expected{2.8, 4.4, 4.8, 3.6};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(points[i + 2], expected[i], 1e-12);
  EXPECT_EQ(trace_flags(meter), (Names{"PARTIAL", "PARTIAL", "", "", "", ""}))
      << "two windows are not full yet";
  EXPECT_NEAR(meter.demand().maximum.kw, 4.8, 1e-12);
  EXPECT_EQ(meter.demand().maximum.at, at("2026-01-01T00:25:00Z"));
}

TEST(BlockDemand, OfTheSameSixIsTwo) {
  ReferenceMeter meter = metrology::meter(block());
  for (const double kwh : kT16Kwh) meter.run(watts(kwh * 12'000), 5min);
  const Kw points = trace_kw(meter);
  ASSERT_EQ(points.size(), 2U);
  EXPECT_NEAR(points[0], 2.8, 1e-12);
  EXPECT_NEAR(points[1], 3.6, 1e-12);
}

TEST(SlidingDemand, AWindowThatIsNotFullCanBeKeptOutOfTheMaximum) {
  MeterProgram program = sliding();
  program.demand.partial = PartialPolicy::Discard;
  ReferenceMeter meter = metrology::meter(program);
  meter.run(watts(12'000), 5min);
  meter.run(watts(0), 20min);
  EXPECT_EQ(trace_kw(meter), (Kw{4, 4, 4, 0, 0}));
  EXPECT_EQ(meter.demand().maximum.at, at("2026-01-01T00:15:00Z")) << "the first full window";
}

// Vector T18.
TEST(DemandRegisters, CumulateTheMaximaOfEachReset) {
  ReferenceMeter meter = metrology::meter(block());
  const double maxima[] = {4.8, 5.2, 3.9};
  const double cumulative[] = {4.8, 10.0, 13.9};
  for (int i = 0; i < 3; ++i) {
    meter.run(watts(1000), 15min);
    meter.run(watts(maxima[i] * 1000), 15min);
    meter.run(watts(2000), 15min);
    EXPECT_NEAR(meter.demand().continuous_cumulative_kw(), cumulative[i], 1e-12);
    ASSERT_EQ(meter.demand_reset().value(), ResetResult::Done);
    EXPECT_NEAR(meter.demand().cumulative_kw, cumulative[i], 1e-12);
    EXPECT_NEAR(meter.demand().previous.kw, maxima[i], 1e-12);
    EXPECT_EQ(meter.demand().maximum.kw, 0.0);
    EXPECT_FALSE(meter.demand().maximum.at);
  }
  EXPECT_EQ(meter.demand().resets, 3U);
  EXPECT_EQ(meter.demand().previous.at, at("2026-01-01T02:00:00Z"));
  EXPECT_EQ(meter.demand().reset_at, at("2026-01-01T02:15:00Z"));
  meter.run(watts(2500), 15min);
  EXPECT_NEAR(meter.demand().continuous_cumulative_kw(), 13.9 + 2.5, 1e-12);
}

TEST(DemandReset, LeavesTheRunningIntervalWholeAndGivesItToTheNewPeriod) {
  ReferenceMeter meter = metrology::meter(block());
  meter.run(watts(12'000), 10min);
  ASSERT_TRUE(meter.demand_reset());
  EXPECT_EQ(meter.demand().previous.kw, 0.0) << "nothing had ended yet";
  meter.run(watts(0), 5min);
  EXPECT_EQ(meter.demand().maximum.kw, 8.0);
  EXPECT_EQ(trace_flags(meter), Names{""});
}

TEST(DemandReset, OnABoundaryTheIntervalBelongsToTheOldPeriod) {
  ReferenceMeter meter = metrology::meter(block());
  meter.run(watts(12'000), 15min);
  ASSERT_TRUE(meter.demand_reset());
  EXPECT_EQ(meter.demand().previous.kw, 12.0);
  meter.run(watts(1000), 15min);
  EXPECT_EQ(meter.demand().maximum.kw, 1.0);
}

TEST(DemandReset, ARetryWithTheSameCountDestroysNothing) {
  ReferenceMeter meter = metrology::meter(block());
  meter.run(watts(4800), 15min);
  const std::uint32_t seen = meter.demand().resets;
  EXPECT_EQ(meter.demand_reset(seen).value(), ResetResult::Done);
  meter.run(watts(1000), 15min);
  EXPECT_EQ(meter.demand_reset(seen).value(), ResetResult::AlreadyDone);
  EXPECT_EQ(meter.demand().resets, 1U);
  EXPECT_EQ(meter.demand().previous.kw, 4.8);
  EXPECT_EQ(meter.demand().maximum.kw, 1.0);
}

TEST(DemandReset, ACountThatIsNotTheMetersIsRefused) {
  ReferenceMeter meter = metrology::meter(block());
  for (const std::uint32_t wrong : {1U, 7U, 4'294'967'295U}) {
    const auto result = meter.demand_reset(wrong);
    ASSERT_FALSE(result) << wrong;
    EXPECT_NE(result.error().message.find("counts 0 demand resets"), std::string::npos);
  }
  EXPECT_EQ(meter.demand().resets, 0U);
}

TEST(DemandReset, IsLockedOutForAWhileAfterOne) {
  MeterProgram program = block();
  program.demand.reset_lockout = std::chrono::days{25};
  ReferenceMeter meter = metrology::meter(program);
  ASSERT_TRUE(meter.demand_reset(0)) << "the first is free";
  meter.run(watts(5000), std::chrono::days{25} - 1s);
  ASSERT_TRUE(meter.set_clock(1h));  // setting the clock opens no lock
  const auto refused = meter.demand_reset(1);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("another 1 s"), std::string::npos) << refused.error().message;
  EXPECT_EQ(meter.demand_reset(0).value(), ResetResult::AlreadyDone) << "a retry is not a second reset";
  EXPECT_EQ(meter.demand().maximum.kw, 5.0);
  meter.run(watts(0), 1s);
  EXPECT_EQ(meter.demand_reset(1).value(), ResetResult::Done);
}

// Bulletin E-34, one cause each.
TEST(E34, AnIntervalShortenedByTheClockNeverCountsAsIfItWereWhole) {
  ReferenceMeter meter = metrology::meter(block());
  meter.run(watts(6000), 10min);
  ASSERT_TRUE(meter.set_clock(2min));
  meter.run(watts(6000), 3min);
  EXPECT_EQ(trace_kw(meter), Kw{5.2}) << "13 minutes of 6 kW over 15";
  EXPECT_EQ(trace_flags(meter), Names{"PARTIAL CLOCK_FORWARD"});
  EXPECT_TRUE(meter.demand().maximum.e34_exposed());
  EXPECT_EQ(meter.demand().maximum.e34_causes(), Flags(Flag::ClockForward));
  meter.run(watts(6000), 15min);
  EXPECT_EQ(meter.demand().maximum.kw, 6.0);
  EXPECT_FALSE(meter.demand().maximum.e34_exposed()) << "a whole interval took its place";
}

TEST(E34, ADiscardedIntervalIsTracedButSetsNoMaximum) {
  MeterProgram program = block();
  program.demand.partial = PartialPolicy::Discard;
  ReferenceMeter meter = metrology::meter(program);
  meter.run(watts(6000), 10min);
  ASSERT_TRUE(meter.set_clock(2min));
  meter.run(watts(6000), 3min);
  EXPECT_EQ(trace_kw(meter), Kw{5.2});
  EXPECT_EQ(meter.demand().maximum.kw, 0.0);
  EXPECT_FALSE(meter.demand().maximum.at);
}

TEST(E34, AnIntervalThatTheClockLengthenedIsDividedByItsRealTime) {
  ReferenceMeter meter = metrology::meter(block());
  meter.run(watts(6000), 10min);
  ASSERT_TRUE(meter.set_clock(-3min));
  meter.run(watts(6000), 8min);
  EXPECT_EQ(trace_kw(meter), Kw{6});
  EXPECT_EQ(trace_flags(meter), Names{"LONG CLOCK_BACKWARD"});
  EXPECT_TRUE(meter.demand().maximum.e34_exposed());
}

TEST(E34, SetBackOverItsStartTheIntervalEndsAtOnce) {
  ReferenceMeter meter = metrology::meter(block());
  meter.run(watts(6000), 20min);
  ASSERT_TRUE(meter.set_clock(-10min));
  meter.run(watts(6000), 5min);
  EXPECT_EQ(trace_kw(meter), (Kw{6, 2, 2}));
  EXPECT_EQ(trace_flags(meter), (Names{"", "PARTIAL CLOCK_BACKWARD", "PARTIAL CLOCK_BACKWARD"}));
  EXPECT_EQ(meter.demand_trace()[1].at, at("2026-01-01T00:20:00Z"));
  EXPECT_EQ(meter.demand_trace()[2].at, at("2026-01-01T00:15:00Z"));
  EXPECT_FALSE(meter.demand().maximum.e34_exposed());
}

TEST(E34, AnOutageLeavesALowDemandAndItsCause) {
  ReferenceMeter meter = metrology::meter(block());
  meter.run(watts(6000), 10min);
  meter.outage(4min);
  meter.run(watts(6000), 1min);
  EXPECT_EQ(trace_kw(meter), Kw{4.4});
  EXPECT_EQ(trace_flags(meter), Names{"PARTIAL POWER_FAIL"});
  EXPECT_EQ(meter.demand().maximum.e34_causes(), Flags(Flag::PowerFail));
}

TEST(E34, TestModeIsACauseAndItsEnergyIsNotDemand) {
  ReferenceMeter meter = metrology::meter(block());
  meter.run(watts(6000), 10min);
  meter.test_mode(true);
  meter.run(watts(40'000), 4min);
  meter.test_mode(false);
  meter.run(watts(6000), 1min);
  EXPECT_EQ(trace_kw(meter), Kw{4.4});
  EXPECT_EQ(meter.demand().maximum.e34_causes(), Flags(Flag::TestMode));
}

TEST(E34, ATierChangeExposesTheMaximumAndAltersNothing) {
  ReferenceMeter meter = metrology::meter(block());
  meter.run(watts(6000), 10min);
  ASSERT_TRUE(meter.select_tier('B'));
  meter.run(watts(6000), 5min);
  EXPECT_EQ(meter.demand().maximum.kw, 6.0);
  EXPECT_EQ(meter.demand().maximum.e34_causes(), Flags(Flag::TierChange));
  EXPECT_EQ(trace_flags(meter), Names{"TIER_CHANGE"}) << "it shortens nothing";
}

TEST(E34, CausesAddUpAndGoWithThePreviousCopy) {
  ReferenceMeter meter = metrology::meter(block());
  meter.run(watts(6000), 5min);
  ASSERT_TRUE(meter.select_tier('B'));
  ASSERT_TRUE(meter.set_clock(60s));
  meter.outage(60s);
  meter.run(watts(6000), 8min);
  ASSERT_TRUE(meter.demand_reset());
  EXPECT_EQ(flags_of(meter.demand().previous.e34_causes()), "CLOCK_FORWARD POWER_FAIL TIER_CHANGE");
  EXPECT_FALSE(meter.demand().maximum.e34_exposed());
}

TEST(SlidingDemand, EveryWindowWithAShortSubintervalIsFlagged) {
  ReferenceMeter meter = metrology::meter(sliding());
  meter.run(watts(6000), 16min);
  ASSERT_TRUE(meter.set_clock(60s));
  meter.run(watts(6000), 18min);
  const Names expected{
      "PARTIAL", "PARTIAL", "", "PARTIAL CLOCK_FORWARD", "PARTIAL CLOCK_FORWARD", "PARTIAL CLOCK_FORWARD",
      ""};
  EXPECT_EQ(trace_flags(meter), expected);
  for (const std::size_t i : {3U, 4U, 5U}) EXPECT_NEAR(trace_kw(meter)[i], 6.0 * 14 / 15, 1e-12);
  EXPECT_EQ(meter.demand().maximum.at, at("2026-01-01T00:15:00Z"));
  EXPECT_FALSE(meter.demand().maximum.e34_exposed());
}

TEST(SlidingDemand, ATierChangeBetweenSubintervalsExposesOnlyTheWindowsAcrossIt) {
  ReferenceMeter meter = metrology::meter(sliding());
  meter.run(watts(6000), 20min);
  ASSERT_TRUE(meter.select_tier('B'));
  meter.run(watts(6000), 20min);
  const Names expected{"PARTIAL", "PARTIAL", "", "", "TIER_CHANGE", "TIER_CHANGE", "", ""};
  EXPECT_EQ(trace_flags(meter), expected);
}

TEST(BlockDemand, NetThatFlowsBackIsNoMaximum) {
  ReferenceMeter meter = metrology::meter(block(DemandQuantity::Net));
  meter.run(watts(-5000), 30min);
  EXPECT_EQ(trace_kw(meter), (Kw{-5, -5}));
  EXPECT_EQ(meter.demand().maximum.kw, 0.0);
  EXPECT_FALSE(meter.demand().maximum.at);
}

TEST(BlockDemand, StartedOffTheGridTheFirstIntervalIsPartial) {
  InitialState initial = new_year();
  initial.start += 10min;
  ReferenceMeter meter = metrology::meter(block(), initial);
  meter.run(watts(6000), 20min);
  EXPECT_EQ(trace_kw(meter), (Kw{2, 6}));
  EXPECT_EQ(trace_flags(meter), (Names{"PARTIAL", ""}));
}

TEST(BlockDemand, ItsGridNeedNotBeTheRecorders) {
  MeterProgram program = block();
  program.interval = 300s;
  program.demand.window = 1800s;
  ReferenceMeter meter = metrology::meter(program);
  meter.run(watts(6000), 45min);
  meter.run(watts(3000), 15min);
  EXPECT_EQ(trace_kw(meter), (Kw{6, 4.5}));
  EXPECT_EQ(meter.intervals().size(), 12U);
}

std::string refusal(const DemandProgram& program) {
  const auto result = program.check();
  return result ? "" : result.error().message;
}

TEST(DemandProgram, ImpossibleOnesAreRefused) {
  DemandProgram p;
  p.method = DemandMethod::Sliding;
  p.subinterval = 400s;
  EXPECT_NE(refusal(p).find("whole number"), std::string::npos);
  p.subinterval = -300s;
  EXPECT_NE(refusal(p), "");
  p.subinterval = 1800s;
  EXPECT_NE(refusal(p), "") << "longer than its window";
  p.window = 86400s;
  p.subinterval = 60s;
  EXPECT_NE(refusal(p).find("at most 60"), std::string::npos);
  p = {};
  p.window = 0s;
  EXPECT_NE(refusal(p), "");
  p.window = -900s;
  EXPECT_NE(refusal(p), "");
  p.window = 1000s;
  EXPECT_NE(refusal(p).find("does not divide a day"), std::string::npos);
  p = {};
  p.subinterval = 300s;
  EXPECT_NE(refusal(p).find("sliding"), std::string::npos);
  p = {};
  p.method = DemandMethod::Exponential;
  p.t90 = 0s;
  EXPECT_NE(refusal(p), "");
  p = {};
  p.reset_lockout = -1s;
  EXPECT_NE(refusal(p), "");
}

TEST(DemandProgram, AWindowUnderAQuarterOfAnHourIsRemarkedUpon) {
  DemandProgram p;
  EXPECT_TRUE(p.check().value().empty());
  p.window = 300s;
  const auto remarks = p.check();
  ASSERT_TRUE(remarks);
  ASSERT_EQ(remarks->size(), 1U);
  EXPECT_NE(remarks->front().find("5.15.3"), std::string::npos);
  p.method = DemandMethod::Sliding;
  p.window = 900s;
  p.subinterval = 300s;
  EXPECT_TRUE(p.check().value().empty()) << "its sub-intervals may be short";
}

TEST(DemandProgram, AWindowThatDoesNotDivideADayCanStillSlide) {
  DemandProgram p;
  p.method = DemandMethod::Sliding;
  p.window = 1500s;
  p.subinterval = 300s;
  EXPECT_TRUE(p.check());
}

}  // namespace
}  // namespace ami::metrology
