#include "meter_model/metrology/waveform.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "meter_model/metrology/load.h"
#include "meter_model/metrology/sampled.h"

namespace ami::metrology {
namespace {

void expect_near_relative(double value, double expected) {
  EXPECT_LE(std::fabs(value - expected), 1e-9 * std::fabs(expected)) << value << " v " << expected;
}

Signals one_element(double volts, double amperes, double angle_deg) {
  return {.v1 = {{1, volts, 0}}, .v2 = {}, .i1 = {{1, amperes, angle_deg}}, .i2 = {}};
}

double power(const Signals& signals, Form form, Mode mode) {
  return active_power_w(elements_of(signals, form, mode).value());
}

EnergyPair one_hour(double power_w) {
  return Load::constant(power_w).value().until(std::chrono::hours(1));
}

TEST(OneElement, UnityPowerFactorForAnHourIsExact) {  // T1
  EXPECT_EQ(one_hour(power(one_element(240, 30, 0), Form::OneS, Mode::True)).delivered,
            Energy::watthours(7200));
}

TEST(OneElement, HalfPowerFactorForAnHourIsExact) {  // T2
  EXPECT_EQ(one_hour(power(one_element(240, 30, -60), Form::OneS, Mode::True)).delivered,
            Energy::watthours(3600));
}

TEST(OneElement, LeadingCurrent) {  // T3
  expect_near_relative(one_hour(power(one_element(240, 30, 30), Form::OneS, Mode::True)).delivered.wh(),
                       6235.382907247958);
}

TEST(OneElement, ReversedCurrentIsReceived) {  // T4
  const auto energy = one_hour(power(one_element(240, 30, 180), Form::OneS, Mode::True));
  EXPECT_EQ(energy.delivered, Energy());
  EXPECT_EQ(energy.received, Energy::watthours(7200));
  EXPECT_EQ(energy.net(), -Energy::watthours(7200));
}

TEST(OneElement, QuadratureCurrentCountsNothingEitherWay) {  // T5; not 7200/pi each way
  for (const double angle : {90.0, -90.0, 270.0, 450.0}) {
    EXPECT_EQ(one_hour(power(one_element(240, 30, angle), Form::OneS, Mode::True)), EnergyPair()) << angle;
  }
}

TEST(OneElement, HarmonicsAndDirectCurrentAreBilled) {
  // 10 V * 2 A direct, 240 V * 10 A, 5 V * 1 A at 60 degrees; the 9th is in the voltage alone.
  const Signals signals{.v1 = {{9, 8, 0}, {0, 10, 180}, {1, 240, 0}, {3, 5, 10}},
                        .v2 = {},
                        .i1 = {{1, 10, 0}, {3, 1, 70}, {0, 2, 180}, {4, 3, 0}},
                        .i2 = {}};
  expect_near_relative(power(signals, Form::OneS, Mode::True), 20 + 2400 + 2.5);
}

struct TwoSCase {
  const char* id;
  Signals signals;
  double true_w, form_w;
};

// T6a to T6f and T7. Leg 2's voltage is at 180 degrees; a load on it has its current there too.
const TwoSCase kTwoSCases[] = {
    {"T6a", {{{1, 120, 0}}, {{1, 120, 180}}, {{1, 15, 0}}, {{1, 15, 180}}}, 3600, 3600},
    {"T6b", {{{1, 120, 0}}, {{1, 120, 180}}, {{1, 10, 0}}, {{1, 20, 180}}}, 3600, 3600},
    {"T6c", {{{1, 122, 0}}, {{1, 118, 180}}, {{1, 10, 0}}, {{1, 20, 180}}}, 3580, 3600},
    {"T6d", {{{1, 120, 0}}, {{1, 120, -120}}, {{1, 10, 0}}, {{1, 10, -120}}}, 2400, 1800},
    {"T6e", {{{1, 120, 0}}, {{1, 120, 180}}, {{1, 10, 0}}, {{1, 5, 0}}}, 600, 600},
    {"T6f", {{{1, 122, 0}}, {{1, 118, 180}}, {{1, 10, 0}}, {{1, 5, 0}}}, 630, 600},
    {"T7", {{{1, 120, 0}}, {{1, 120, 180}}, {{1, 10, 0}}, {{1, 10, 180}}}, 2400, 2400},
};

TEST(Form2S, TrueModeGivesThePhysicalPower) {
  for (const auto& c : kTwoSCases) {
    SCOPED_TRACE(c.id);
    expect_near_relative(power(c.signals, Form::TwoS, Mode::True), c.true_w);
  }
}

TEST(Form2S, FormFaithfulModeHasTheErrorOfTheForm) {
  for (const auto& c : kTwoSCases) {
    SCOPED_TRACE(c.id);
    expect_near_relative(power(c.signals, Form::TwoS, Mode::FormFaithful), c.form_w);
  }
  // T6c: +0.5586592178770949 %
  expect_near_relative(power(kTwoSCases[2].signals, Form::TwoS, Mode::FormFaithful) /
                               power(kTwoSCases[2].signals, Form::TwoS, Mode::True) * 100 -
                           100,
                       0.5586592178770949);
}

TEST(Form2S, SamplesAgreeWithPhasorsInBothModes) {
  for (const auto& c : kTwoSCases) {
    SCOPED_TRACE(c.id);
    for (const int n : {3, 21, 64}) {
      const Sampling sampling{60, n, 0};
      expect_near_relative(sampled_power_w(c.signals, Form::TwoS, Mode::True, sampling).value(), c.true_w);
      expect_near_relative(sampled_power_w(c.signals, Form::TwoS, Mode::FormFaithful, sampling).value(),
                           c.form_w);
    }
  }
}

TEST(Form2S, BackfeedOfOneLegNetsInsideTheMeter) {  // T6e
  const auto& signals = kTwoSCases[4].signals;
  for (const auto mode : {Mode::FormFaithful, Mode::True}) {
    const auto energy = one_hour(power(signals, Form::TwoS, mode));
    EXPECT_EQ(energy.delivered, Energy::watthours(600));
    EXPECT_EQ(energy.received, Energy());
  }
  // Two 1-element meters, one a leg, would see both directions.
  const Signals other_leg{.v1 = signals.v2, .v2 = {}, .i1 = signals.i2, .i2 = {}};
  EXPECT_EQ(one_hour(power(signals, Form::OneS, Mode::True)).delivered, Energy::watthours(1200));
  EXPECT_EQ(one_hour(power(other_leg, Form::OneS, Mode::True)).received, Energy::watthours(600));
}

TEST(Form1S, DoesNotSeeTheOtherLeg) {
  Signals signals = kTwoSCases[0].signals;
  signals.v2 = {{1, std::nan(""), 0}};
  EXPECT_EQ(power(signals, Form::OneS, Mode::FormFaithful), 1800);
  EXPECT_FALSE(elements_of(signals, Form::TwoS, Mode::FormFaithful).ok());
}

TEST(Rms, IsTheRootOfTheSumOfSquares) {
  EXPECT_EQ(rms(phasors_of({{1, 3, 20}, {5, 4, 100}}, "v1").value()), 5);
  EXPECT_EQ(rms({}), 0);
}

TEST(Spectrum, RefusesBadHarmonicsByName) {
  const auto message = [](const Harmonic& h) {
    const auto result =
        elements_of({.v1 = {{1, 120, 0}}, .v2 = {}, .i1 = {h}, .i2 = {}}, Form::OneS, Mode::True);
    return result.ok() ? "" : result.error().message;
  };
  const auto has = [&](const Harmonic& h, const char* words) {
    EXPECT_NE(message(h).find(words), std::string::npos) << message(h);
    EXPECT_NE(message(h).find("signal i1, order " + std::to_string(h.order)), std::string::npos)
        << message(h);
  };
  has({-1, 5, 0}, "an order is 0 (direct current) or more");
  has({1, -5, 0}, "rms is -5");
  has({1, std::nan(""), 0}, "rms is nan");
  has({3, HUGE_VAL, 0}, "rms is inf");
  has({3, 2e9, 0}, "wanted 0 to 1e9");
  has({7, 5, std::nan("")}, "the angle is not a finite number");
  has({7, 5, HUGE_VAL}, "the angle is not a finite number");
  has({0, 5, 90}, "direct current has the angle 0 or 180");
  EXPECT_EQ(message({0, 5, 180}), "");
  EXPECT_EQ(message({1'000'000, 5, 1e6}), "");
}

TEST(Spectrum, RefusesAnOrderGivenTwiceAndTooMany) {
  const auto twice = phasors_of({{3, 5, 0}, {1, 1, 0}, {3, 1, 0}}, "v2");
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().message, "signal v2, order 3: this order is given twice");
  Spectrum many;
  for (int order = 1; order <= 200; ++order) many.push_back({order, 1, 0});
  EXPECT_TRUE(phasors_of(many, "v1").ok());
  many.push_back({201, 1, 0});
  ASSERT_FALSE(phasors_of(many, "v1").ok());
  EXPECT_EQ(phasors_of(many, "v1").error().message, "signal v1 has 201 harmonics: at most 200");
}

TEST(Spectrum, BadSignalOfEitherLegIsRefused) {
  const Spectrum good{{1, 1, 0}}, bad{{1, -1, 0}};
  for (const auto mode : {Mode::FormFaithful, Mode::True}) {
    EXPECT_TRUE(elements_of({good, good, good, good}, Form::TwoS, mode).ok());
    EXPECT_FALSE(elements_of({bad, good, good, good}, Form::TwoS, mode).ok());
    EXPECT_FALSE(elements_of({good, bad, good, good}, Form::TwoS, mode).ok());
    EXPECT_FALSE(elements_of({good, good, bad, good}, Form::TwoS, mode).ok());
    EXPECT_FALSE(elements_of({good, good, good, bad}, Form::TwoS, mode).ok());
  }
}

TEST(Spectrum, NothingConnectedIsZeroPower) {
  EXPECT_EQ(power({}, Form::OneS, Mode::True), 0);
  EXPECT_EQ(power({}, Form::TwoS, Mode::FormFaithful), 0);
}

}  // namespace
}  // namespace ami::metrology
