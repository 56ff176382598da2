// Expected maxima of ramps and sines: the convolution of the power with e^(-t/tau)/tau by Gauss quadrature,
// and the zero of P - D by bisection, in another language.
#include "meter_model/metrology/exponential.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/meter_model/metrology/meters.h"

namespace ami::metrology {
namespace {

MeterProgram exponential(DemandQuantity quantity = DemandQuantity::Delivered, double starting_power_w = 0) {
  MeterProgram program;
  program.demand.method = DemandMethod::Exponential;
  program.demand.quantity = quantity;
  program.starting_power_w = starting_power_w;
  return program;
}

double seconds_of_maximum(const ReferenceMeter& meter) {
  return std::chrono::duration<double>(meter.demand().maximum.at.value() - at("2026-01-01T00:00:00Z"))
      .count();
}

// Vector T13.
TEST(ExponentialDemand, AnswersAStepAsPrinted) {
  ReferenceMeter meter = metrology::meter(exponential());
  const struct {
    int minute;
    double kw;
  } points[] = {{1, 0.7115205070455294},
                {5, 2.6792055831936104},
                {10, 3.9227826549840583},
                {15, 4.5},
                {20, 4.767920558319362},
                {30, 4.95},
                {45, 4.995}};
  int minute = 0;
  for (const auto& point : points) {
    meter.run(watts(5000), std::chrono::minutes{point.minute - minute});
    minute = point.minute;
    EXPECT_NEAR(meter.demand().present_kw, point.kw, 1e-12) << minute;
  }
}

TEST(ExponentialDemand, DecaysToATenthInOneResponseTime) {
  ReferenceMeter meter = metrology::meter(exponential());
  meter.run(watts(5000), 15min);
  meter.run(watts(0), 15min);
  EXPECT_NEAR(meter.demand().present_kw, 0.45, 1e-12);
  EXPECT_NEAR(meter.demand().maximum.kw, 4.5, 1e-12);
}

// Vector T15.
TEST(ExponentialDemand, PeaksWhereTheLoadEnds) {
  ReferenceMeter meter = metrology::meter(exponential());
  meter.run(watts(0), 10min);
  meter.run(watts(12'000), 10min);
  meter.run(watts(0), 40min);
  EXPECT_NEAR(meter.demand().maximum.kw, 9.41467837196174, 1e-12);
  EXPECT_EQ(meter.demand().maximum.at, at("2026-01-01T00:20:00Z"));
}

TEST(ExponentialDemand, FindsTheMaximumInsideAFallingRamp) {
  ReferenceMeter meter = metrology::meter(exponential());
  meter.run(Load::ramp(6000, 0, 15min).value(), 15min);
  EXPECT_NEAR(meter.demand().maximum.kw, 2.886875902341166, 1e-11);
  EXPECT_NEAR(seconds_of_maximum(meter), 466.968614648825, 1e-6);
  EXPECT_NEAR(meter.demand().present_kw, 1.7451902022775598, 1e-11);
}

TEST(ExponentialDemand, FollowsARisingRampWithItsLag) {
  ReferenceMeter meter = metrology::meter(exponential());
  meter.run(Load::ramp(0, 6000, 15min).value(), 15min);
  EXPECT_NEAR(meter.demand().present_kw, 3.6548097977224406, 1e-11);
  EXPECT_EQ(meter.demand().maximum.at, at("2026-01-01T00:15:00Z"));
}

TEST(ExponentialDemand, ARampHoldsItsLastValue) {
  ReferenceMeter meter = metrology::meter(exponential());
  meter.run(Load::ramp(0, 6000, 15min).value(), 30min);
  EXPECT_NEAR(meter.demand().present_kw, 6 - (6 - 3.6548097977224406) * 0.1, 1e-11);
}

TEST(ExponentialDemand, FindsTheMaximumInsideASineByDirection) {
  const Load sine = Load::sine(6000, 15min).value();
  const struct {
    DemandQuantity quantity;
    double at_s, max_kw, end_kw;
  } cases[] = {{DemandQuantity::Delivered, 381.0383367963743, 2.7783530029559442, 0.8068461004162846},
               {DemandQuantity::Received, 831.0383367963743, 2.7783530029559447, 2.5514713985403905},
               {DemandQuantity::Net, 381.0383367963743, 2.7783530029559447, -1.7446252981241057}};
  for (const auto& c : cases) {
    ReferenceMeter meter = metrology::meter(exponential(c.quantity));
    meter.run(sine, 15min);
    EXPECT_NEAR(meter.demand().maximum.kw, c.max_kw, 1e-11);
    EXPECT_NEAR(seconds_of_maximum(meter), c.at_s, 1e-6);
    EXPECT_NEAR(meter.demand().present_kw, c.end_kw, 1e-11);
  }
}

TEST(ExponentialDemand, PowerBelowTheStartingPowerIsNoDemand) {
  // |p| reaches 3 kW from 75 s to 375 s of the first half-wave; D is still rising when it falls below.
  ReferenceMeter sine = metrology::meter(exponential(DemandQuantity::Delivered, 3000));
  sine.run(Load::sine(6000, 15min).value(), 15min);
  EXPECT_NEAR(sine.demand().maximum.kw, 2.648308336912322, 1e-11);
  EXPECT_NEAR(seconds_of_maximum(sine), 375, 1e-6);
  EXPECT_NEAR(sine.demand().present_kw, 0.6912501114943913, 1e-11);
  // From -3 kW to 6 kW: received until 200 s, delivered from 400 s.
  const Load ramp = Load::ramp(-3000, 6000, 15min).value();
  ReferenceMeter delivered = metrology::meter(exponential(DemandQuantity::Delivered, 1000));
  delivered.run(ramp, 15min);
  EXPECT_NEAR(delivered.demand().present_kw, 2.90069889720193, 1e-11);
  ReferenceMeter received = metrology::meter(exponential(DemandQuantity::Received, 1000));
  received.run(ramp, 15min);
  EXPECT_NEAR(received.demand().maximum.kw, 0.7670232690596291, 1e-11);
  EXPECT_NEAR(seconds_of_maximum(received), 200, 1e-6);
  EXPECT_NEAR(received.demand().present_kw, 0.12794719271633123, 1e-11);
  ReferenceMeter nothing = metrology::meter(exponential(DemandQuantity::Net, 6001));
  nothing.run(Load::sine(6000, 15min).value(), 15min);
  nothing.run(watts(6000), 15min);
  EXPECT_EQ(nothing.demand().present_kw, 0.0);
}

TEST(ExponentialDemand, ThousandsOfTurnsArePassedOverExactly) {
  ReferenceMeter meter = metrology::meter(exponential());
  // One long step would hide the grid of the trace: the engine is asked directly.
  ExponentialDemand demand(15min);
  const auto peak = demand.follow(Load::sine(6000, 2s).value(), 0s, 3h, DemandQuantity::Delivered, 0);
  EXPECT_NEAR(peak.w, 1912.5525947166498, 1e-8);
  EXPECT_NEAR(static_cast<double>(peak.after.count()) / 1e6, 10798.896734017202, 1e-6);
  EXPECT_NEAR(demand.w(), 1907.4159751905804, 1e-8);
  meter.run(Load::sine(6000, 2s).value(), 3h);
  EXPECT_NEAR(meter.demand().maximum.kw, 1.9125525947166498, 1e-11) << "in quarters of an hour";
}

TEST(ExponentialDemand, AFallingResponseKeepsItsFirstMaximum) {
  ExponentialDemand demand(15min);
  demand.follow(watts(6000), 0s, 3h, DemandQuantity::Delivered, 0);
  const auto peak = demand.follow(Load::sine(6000, 2s).value(), 0s, 3h, DemandQuantity::Delivered, 0);
  EXPECT_NEAR(peak.w, 6000, 1e-3);
  EXPECT_EQ(peak.after, 0us);
}

TEST(ExponentialDemand, AnySplitOfTimeGivesTheSame) {
  std::mt19937_64 random(31);
  const Load loads[] = {watts(4000), Load::ramp(-6000, 5000, 1000s).value(), Load::sine(-6000, 77s).value()};
  for (const Load& load : loads) {
    ReferenceMeter whole = metrology::meter(exponential(DemandQuantity::Received, 250));
    whole.run(load, 30min);
    ReferenceMeter split = metrology::meter(exponential(DemandQuantity::Received, 250));
    LoadCursor cursor = split.cursor_of(load);
    for (auto left = std::chrono::microseconds{30min}; left > 0us;) {
      const auto step = std::min(left, std::chrono::microseconds{random() % 60'000'000 + 1});
      split.run(cursor, step);
      left -= step;
    }
    EXPECT_NEAR(split.demand().present_kw, whole.demand().present_kw, 1e-11);
    EXPECT_NEAR(split.demand().maximum.kw, whole.demand().maximum.kw, 1e-11);
  }
}

TEST(ExponentialDemand, AResetStartsFromTheDemandOfTheMoment) {
  ReferenceMeter meter = metrology::meter(exponential());
  meter.run(watts(5000), 15min);
  ASSERT_TRUE(meter.demand_reset());
  EXPECT_NEAR(meter.demand().maximum.kw, 4.5, 1e-12);
  EXPECT_EQ(meter.demand().maximum.at, at("2026-01-01T00:15:00Z"));
  meter.run(watts(0), 15min);
  EXPECT_NEAR(meter.demand().maximum.kw, 4.5, 1e-12);
}

TEST(ExponentialDemand, IsTracedOnItsGridAndWhereAsked) {
  ReferenceMeter meter = metrology::meter(exponential());
  meter.trace_demand();
  EXPECT_TRUE(meter.demand_trace().empty()) << "nothing has been measured";
  meter.run(watts(5000), 10min);
  meter.trace_demand();
  meter.run(watts(5000), 5min);
  meter.trace_demand();
  ASSERT_EQ(meter.demand_trace().size(), 2U) << "the end of the grid is traced once";
  EXPECT_EQ(meter.demand_trace()[0].at, at("2026-01-01T00:10:00Z"));
  EXPECT_NEAR(meter.demand_trace()[0].kw, 3.9227826549840583, 1e-12);
  EXPECT_EQ(meter.demand_trace()[1].at, at("2026-01-01T00:15:00Z"));
}

TEST(ExponentialDemand, InTheDarkItDecaysAndTheCauseIsKept) {
  ReferenceMeter meter = metrology::meter(exponential());
  meter.run(watts(5000), 15min);
  meter.outage(15min);
  EXPECT_NEAR(meter.demand().present_kw, 0.45, 1e-12);
  EXPECT_FALSE(meter.demand().maximum.e34_exposed()) << "the maximum came before";
  meter.run(watts(9000), 10min);
  EXPECT_EQ(meter.demand().maximum.e34_causes(), Flags(Flag::PowerFail));
  meter.run(watts(9000), 10min);
  EXPECT_FALSE(meter.demand().maximum.e34_exposed()) << "a response time has passed";
}

TEST(ExponentialDemand, AClockSetExposesItAndShortensNothing) {
  ReferenceMeter meter = metrology::meter(exponential());
  meter.run(watts(5000), 10min);
  ASSERT_TRUE(meter.set_clock(2min));
  meter.run(watts(5000), 5min);
  EXPECT_NEAR(meter.demand().maximum.kw, 4.5, 1e-12);
  EXPECT_EQ(meter.demand().maximum.at, at("2026-01-01T00:17:00Z")) << "by the meter's clock";
  EXPECT_EQ(meter.demand().maximum.e34_causes(), Flags(Flag::ClockForward));
}

TEST(ExponentialDemand, TestModeAndTierChangeAreCauses) {
  ReferenceMeter meter = metrology::meter(exponential());
  meter.test_mode(true);
  meter.run(watts(50'000), 5min);
  meter.test_mode(false);
  EXPECT_EQ(meter.demand().present_kw, 0.0);
  ASSERT_TRUE(meter.select_tier('C'));
  meter.run(watts(5000), 5min);
  EXPECT_EQ(flags_of(meter.demand().maximum.e34_causes()), "TEST_MODE TIER_CHANGE");
}

}  // namespace
}  // namespace ami::metrology
