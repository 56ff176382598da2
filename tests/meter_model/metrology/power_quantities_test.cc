#include "meter_model/metrology/power_quantities.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace ami::metrology {
namespace {

void expect_near_relative(std::optional<double> value, double expected) {
  ASSERT_TRUE(value.has_value());
  EXPECT_LE(std::fabs(*value - expected), 1e-9 * std::fabs(expected)) << *value << " v " << expected;
}

PowerQuantities of(const Signals& signals, Form form = Form::OneS, Mode mode = Mode::FormFaithful) {
  return power_quantities(elements_of(signals, form, mode).value());
}

TEST(Ieee1459, DistortedVoltageAndCurrent) {  // T8
  const auto q = of({.v1 = {{1, 240, 0}, {3, 12, 0}, {5, 7.2, 0}},
                     .v2 = {},
                     .i1 = {{1, 20, -30}, {3, 6, -150}, {5, 2, 60}},
                     .i2 = {}});
  expect_near_relative(q.p1_w, 4156.921938165306);
  expect_near_relative(q.ph_w, -55.15382907247931);
  expect_near_relative(q.p_w, 4101.768109092826);
  expect_near_relative(q.v_rms, 240.40765378831014);
  expect_near_relative(q.i_rms, 20.97617696340303);
  expect_near_relative(q.s_va, 5042.833489220123);
  expect_near_relative(q.pf, 0.8133855932108452);
  expect_near_relative(q.s1_va, 4800);
  expect_near_relative(q.q1_var, 2400);
  expect_near_relative(q.sn_va, 1546.0173349610275);
  expect_near_relative(q.d_i_va, 1517.8932768808222);
  expect_near_relative(q.d_v_va, 279.8856909525744);
  expect_near_relative(q.s_h_va, 88.50762679001173);
  expect_near_relative(q.d_h_va, 69.22178225561471);
  expect_near_relative(q.n_va, 2933.54188298532);
  expect_near_relative(q.thd_v, 0.05830951894845301);
  expect_near_relative(q.thd_i, 0.31622776601683794);
}

TEST(Ieee1459, PowerFactorOneLeavesNoNonActivePower) {
  const auto q = of({.v1 = {{1, 240.1, 17}}, .v2 = {}, .i1 = {{1, 29.7, 17}}, .i2 = {}});
  EXPECT_LT(q.n_va.value(), 1e-10);
  EXPECT_NEAR(q.pf.value(), 1, 1e-15);
  EXPECT_EQ(q.sn_va, 0);
  EXPECT_EQ(q.d_h_va, 0);
  EXPECT_EQ(q.thd_v, 0);
}

TEST(Ieee1459, PureSineIsReactiveByItsAngle) {
  const auto lagging = of({.v1 = {{1, 240, 0}}, .v2 = {}, .i1 = {{1, 30, -60}}, .i2 = {}});
  expect_near_relative(lagging.q1_var, 7200 * std::sqrt(0.75));
  expect_near_relative(lagging.n_va, 7200 * std::sqrt(0.75));
  const auto leading = of({.v1 = {{1, 240, 0}}, .v2 = {}, .i1 = {{1, 30, 60}}, .i2 = {}});
  expect_near_relative(leading.q1_var, -7200 * std::sqrt(0.75));
  const auto back = of({.v1 = {{1, 240, 0}}, .v2 = {}, .i1 = {{1, 30, 180}}, .i2 = {}});
  EXPECT_EQ(back.pf, -1);
  EXPECT_EQ(back.p_w, -7200);
}

TEST(Ieee1459, DirectCurrentBelongsToTheHarmonics) {
  // 3 V and 4 A direct beside 4 V and 3 A at the line frequency, in phase.
  const auto q = of({.v1 = {{0, 3, 0}, {1, 4, 0}}, .v2 = {}, .i1 = {{0, 4, 180}, {1, 3, 0}}, .i2 = {}});
  EXPECT_EQ(q.v_rms, 5);
  EXPECT_EQ(q.i_rms, 5);
  EXPECT_EQ(q.ph_w, -12);
  EXPECT_EQ(q.p_w, 0);
  EXPECT_EQ(q.s_h_va, 12);
  EXPECT_EQ(q.d_h_va, 0);
  EXPECT_EQ(q.thd_v, 0.75);
  EXPECT_EQ(q.n_va, 25);
}

TEST(Ieee1459, FormFaithful2SHasTheQuantitiesOfItsElement) {  // T6c: 240 V and (10 + 20) / 2 A
  const Signals signals{{{1, 122, 0}}, {{1, 118, 180}}, {{1, 10, 0}}, {{1, 20, 180}}};
  const auto q = of(signals, Form::TwoS, Mode::FormFaithful);
  EXPECT_EQ(q.v_rms, 240);
  EXPECT_EQ(q.i_rms, 15);
  EXPECT_EQ(q.s_va, 3600);
  EXPECT_EQ(q.p_w, 3600);
}

TEST(Ieee1459, TwoElementsHaveSumsButNoSingleVoltage) {
  const Signals signals{{{1, 122, 0}}, {{1, 118, 180}}, {{1, 10, -90}, {3, 1, 0}}, {{1, 20, 180}}};
  const auto q = of(signals, Form::TwoS, Mode::True);
  expect_near_relative(q.p_w, 118 * 20);
  expect_near_relative(q.p1_w, 118 * 20);
  expect_near_relative(q.q1_var, 1220);
  EXPECT_EQ(q.ph_w, 0);
  for (const auto& undefined : {q.v_rms, q.i_rms, q.s_va, q.pf, q.s1_va, q.sn_va, q.d_i_va, q.d_v_va,
                                q.s_h_va, q.d_h_va, q.n_va, q.thd_v, q.thd_i}) {
    EXPECT_FALSE(undefined.has_value());
  }
}

TEST(Ieee1459, RatiosWithoutADivisorAreNotDefined) {
  const auto nothing = of({});
  EXPECT_EQ(nothing.p_w, 0);
  EXPECT_EQ(nothing.s_va, 0);
  EXPECT_FALSE(nothing.pf.has_value());
  EXPECT_FALSE(nothing.thd_v.has_value());
  EXPECT_FALSE(nothing.thd_i.has_value());
  const auto no_fundamental = of({.v1 = {{1, 120, 0}}, .v2 = {}, .i1 = {{3, 5, 0}}, .i2 = {}});
  EXPECT_EQ(no_fundamental.thd_v, 0);
  EXPECT_FALSE(no_fundamental.thd_i.has_value());
  EXPECT_EQ(no_fundamental.pf, 0);
  EXPECT_FALSE(power_quantities({}).s_va.has_value());
}

TEST(Ieee1459, SquaresAddUpForAnySpectrum) {
  std::mt19937_64 random(1459);
  for (int round = 0; round < 300; ++round) {
    const auto spectrum = [&] {
      Spectrum out;
      for (int order = static_cast<int>(random() % 2); order < 12;
           order += 1 + static_cast<int>(random() % 4)) {
        out.push_back(
            {order, static_cast<double>(1 + random() % 1000) / 10,
             order == 0 ? 180.0 * static_cast<double>(random() % 2) : static_cast<double>(random() % 360)});
      }
      return out;
    };
    const auto q =
        of({spectrum(), spectrum(), spectrum(), spectrum()}, random() % 2 == 0 ? Form::OneS : Form::TwoS);
    const double s2 = *q.s_va * *q.s_va, bound = 1e-12 * s2;
    EXPECT_NEAR(*q.s1_va * *q.s1_va + *q.sn_va * *q.sn_va, s2, bound);
    EXPECT_NEAR(*q.d_i_va * *q.d_i_va + *q.d_v_va * *q.d_v_va + *q.s_h_va * *q.s_h_va, *q.sn_va * *q.sn_va,
                bound);
    EXPECT_NEAR(q.p_w * q.p_w + *q.n_va * *q.n_va, s2, bound);
    EXPECT_NEAR(q.ph_w * q.ph_w + *q.d_h_va * *q.d_h_va, *q.s_h_va * *q.s_h_va, bound);
    EXPECT_NEAR(q.p1_w * q.p1_w + q.q1_var * q.q1_var, *q.s1_va * *q.s1_va, bound);
    EXPECT_NEAR(q.p1_w + q.ph_w, q.p_w, 1e-12 * *q.s_va);
    EXPECT_LE(std::fabs(q.pf.value()), 1 + 1e-12);
  }
}

}  // namespace
}  // namespace ami::metrology
