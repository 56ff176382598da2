#include "meter_model/metrology/sampled.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "meter_model/metrology/power_quantities.h"

namespace ami::metrology {
namespace {

void expect_near_relative(double value, double expected, double bound = 1e-9) {
  EXPECT_LE(std::fabs(value - expected), bound * std::fabs(expected)) << value << " v " << expected;
}

// T8: orders 1, 3 and 5 on both.
const Signals kT8{.v1 = {{1, 240, 0}, {3, 12, 0}, {5, 7.2, 0}},
                  .v2 = {},
                  .i1 = {{1, 20, -30}, {3, 6, -150}, {5, 2, 60}},
                  .i2 = {}};

double sampled_one(const Signals& signals, const Sampling& sampling) {
  return sampled_power_w(signals, Form::OneS, Mode::True, sampling).value();
}

double folded_one(const Signals& signals, const Sampling& sampling) {
  return active_power_w(folded(elements_of(signals, Form::OneS, Mode::True).value(), sampling).value());
}

TEST(Sampled, EightSamplesACycleAliasOrders3And5) {  // T9
  expect_near_relative(sampled_one(kT8, {60, 8, 0}), 4127.180406536313);
  expect_near_relative(folded_one(kT8, {60, 8, 0}), 4127.180406536313);
}

TEST(Sampled, EnoughSamplesACycleAreExact) {  // T9
  for (const int n : {12, 16, 32, 64}) {
    expect_near_relative(sampled_one(kT8, {60, n, 0}), 4101.768109092826);
    expect_near_relative(folded_one(kT8, {60, n, 0}), 4101.768109092826);
  }
}

TEST(Sampled, OrderBeyondHalfTheSamplesIsAliasedNotRefused) {  // T10: the 15th lands on the fundamental
  const Signals signals{.v1 = {{1, 240, 0}, {15, 12, 0}}, .v2 = {}, .i1 = {{1, 20, 0}}, .i2 = {}};
  expect_near_relative(sampled_one(signals, {60, 16, 0}), 4560);
  expect_near_relative(folded_one(signals, {60, 16, 0}), 4560);
  for (const int n : {32, 64}) {
    expect_near_relative(sampled_one(signals, {60, n, 0}), 4800);
    expect_near_relative(folded_one(signals, {60, n, 0}), 4800);
  }
}

TEST(Sampled, MicrosecondOfSkewAtHalfPowerFactor) {  // T14
  const Signals signals{.v1 = {{1, 240, 0}}, .v2 = {}, .i1 = {{1, 30, -60}}, .i2 = {}};
  const Sampling skewed{60, 64, 1e-6};
  expect_near_relative(sampled_one(signals, skewed) / 3600 * 100 - 100, 0.06528966945067438);
  expect_near_relative(folded_one(signals, skewed) / 3600 * 100 - 100, 0.06528966945067438);
  // The other way about: cos(60 deg + 0.0216 deg) / cos 60 deg
  expect_near_relative(sampled_one(signals, {60, 64, -1e-6}) / 3600,
                       std::cos(M_PI / 3 + 2 * M_PI * 60e-6) / 0.5);
}

TEST(Sampled, ComponentAtHalfTheSamplingFrequencyDependsOnItsPhase) {
  // N = 8, order 4: samples are sqrt(2) * rms * sin(angle), alternating. 90 degrees on both: 2 V I.
  const auto at = [](double v_deg, double i_deg) {
    const Signals signals{.v1 = {{4, 10, v_deg}}, .v2 = {}, .i1 = {{4, 3, i_deg}}, .i2 = {}};
    return std::pair{sampled_one(signals, {60, 8, 0}), folded_one(signals, {60, 8, 0})};
  };
  expect_near_relative(at(90, 90).first, 60);
  expect_near_relative(at(90, 90).second, 60);
  expect_near_relative(at(90, 30).first, 30);
  expect_near_relative(at(90, 30).second, 30);
  EXPECT_NEAR(at(0, 90).first, 0, 1e-9);
  EXPECT_NEAR(at(0, 90).second, 0, 1e-9);
}

TEST(Sampled, FoldedPhasorsHaveThePowerOfTheSamples) {
  std::mt19937_64 random(91);
  for (int round = 0; round < 400; ++round) {
    const auto spectrum = [&] {
      Spectrum out;
      for (int order = static_cast<int>(random() % 3); out.size() < 6;
           order += 1 + static_cast<int>(random() % 9)) {
        const double angle = order == 0 ? 180.0 * static_cast<double>(random() % 2)
                                        : static_cast<double>(random() % 720'000) / 1000 - 360;
        out.push_back({order, static_cast<double>(random() % 10'000) / 100, angle});
      }
      return out;
    };
    const Signals signals{spectrum(), spectrum(), spectrum(), spectrum()};
    const Sampling sampling{50 + static_cast<double>(random() % 11), 2 + static_cast<int>(random() % 90),
                            static_cast<double>(random() % 2001) * 1e-6 - 1e-3};
    const auto form = random() % 2 == 0 ? Form::OneS : Form::TwoS;
    for (const auto mode : {Mode::FormFaithful, Mode::True}) {
      const auto elements = elements_of(signals, form, mode).value();
      const double size = rms(elements[0].v) * rms(elements[0].i) + 1;
      EXPECT_NEAR(sampled_power_w(signals, form, mode, sampling).value(),
                  active_power_w(folded(elements, sampling).value()), 1e-11 * size)
          << "round " << round << " N " << sampling.samples_per_cycle;
      // No two of the orders 0 … 56 meet when there are 120 samples: the phasor power itself.
      EXPECT_NEAR(sampled_power_w(signals, form, mode, {60, 120, 0}).value(), active_power_w(elements),
                  1e-11 * size);
    }
  }
}

TEST(Sampled, RefusesImpossibleSampling) {
  const auto message = [](const Sampling& sampling) {
    const auto power = sampled_power_w(kT8, Form::OneS, Mode::True, sampling);
    EXPECT_FALSE(SampledElement::make(sampling).ok());
    EXPECT_FALSE(folded({}, sampling).ok());
    return power.ok() ? "" : power.error().message;
  };
  const double nan = std::nan("");
  for (const int n : {0, 1, -5, 65537, std::numeric_limits<int>::max()}) {
    EXPECT_EQ(message({60, n, 0}), "samples per cycle is " + std::to_string(n) + ": wanted 2 to 65536");
  }
  for (const double hz : {0.0, -60.0, nan, HUGE_VAL, 2e6}) {
    EXPECT_NE(message({hz, 64, 0}).find(" Hz: wanted more than 0 and at most 1e6"), std::string::npos);
  }
  for (const double skew : {nan, HUGE_VAL, -1.5}) {
    EXPECT_NE(message({60, 64, skew}).find(" s: wanted at most one second either way"), std::string::npos);
  }
}

TEST(Sampled, RefusesBadSignalsScaleAndStartingPower) {
  EXPECT_FALSE(
      sampled_power_w({.v1 = {{1, -1, 0}}, .v2 = {}, .i1 = {}, .i2 = {}}, Form::OneS, Mode::True, {}).ok());
  EXPECT_FALSE(
      sampled_power_w({.v1 = {}, .v2 = {}, .i1 = {}, .i2 = {{1, 1, HUGE_VAL}}}, Form::TwoS, Mode::True, {})
          .ok());
  EXPECT_FALSE(synthesise({{1, 1, 0}}, {}, std::nan("")).ok());
  for (const double bad : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    EXPECT_FALSE(SampledElement::make({}, {bad, 1}).ok());
    EXPECT_FALSE(SampledElement::make({}, {1, bad}).ok());
  }
  for (const double bad : {-1.0, std::nan(""), HUGE_VAL})
    EXPECT_FALSE(SampledElement::make({}, {}, bad).ok());
}

// `cycles` cycles of a sine of the given rms and angle, one after the other.
std::vector<double> sine(double rms_value, double angle_deg, int samples_per_cycle, int cycles) {
  const auto one = synthesise({{1, rms_value, angle_deg}}, {60, samples_per_cycle, 0}).value();
  std::vector<double> out;
  for (int c = 0; c < cycles; ++c) out.insert(out.end(), one.begin(), one.end());
  return out;
}

TEST(SampledElement, QuadratureCurrentCountsNothingEitherWay) {  // T5: the sign is that of whole cycles
  auto element = SampledElement::make({60, 64, 0}).value();
  const auto v = sine(240, 0, 64, 3600), i = sine(30, 90, 64, 3600);
  for (int minute = 0; minute < 60; ++minute) ASSERT_TRUE(element.feed(v, i).ok());
  EXPECT_EQ(element.cycles(), 216'000U);
  EXPECT_EQ(element.energy().value(), EnergyPair());
}

TEST(SampledElement, HourAtUnityPowerFactorIsExact) {  // T1 and T4
  const auto v = sine(240, 0, 21, 3600), i = sine(30, 0, 21, 3600), back = sine(30, 180, 21, 3600);
  auto delivering = SampledElement::make({60, 21, 0}).value(), receiving = delivering;
  for (int minute = 0; minute < 60; ++minute) {
    ASSERT_TRUE(delivering.feed(v, i).ok());
    ASSERT_TRUE(receiving.feed(v, back).ok());
  }
  EXPECT_EQ(delivering.energy().value(), (EnergyPair{Energy::watthours(7200), {}}));
  EXPECT_EQ(receiving.energy().value(), (EnergyPair{{}, Energy::watthours(7200)}));
}

TEST(SampledElement, DirectionsOfOneIntervalAreKeptApart) {  // T11
  const auto v = sine(240, 0, 16, 60), forth = sine(25, 0, 16, 60), back = sine(12.5, 180, 16, 60);
  auto element = SampledElement::make({60, 16, 0}).value();
  for (int second = 0; second < 900; ++second) ASSERT_TRUE(element.feed(v, second < 600 ? forth : back).ok());
  const auto energy = element.energy().value();
  EXPECT_EQ(energy, (EnergyPair{Energy::watthours(1000), Energy::watthours(250)}));
  EXPECT_EQ(energy.net(), Energy::watthours(750));
}

TEST(SampledElement, DayAtAnAwkwardFrequencyDoesNotDrift) {
  // 59.97 Hz for 5,181,408 cycles is 86,400 s exactly: 7200 W give 172.8 kWh.
  const auto v = sine(240, 0, 5, 4), i = sine(30, 0, 5, 4);
  auto element = SampledElement::make({59.97, 5, 0}).value();
  for (int k = 0; k < 5'181'408 / 4; ++k) ASSERT_TRUE(element.feed(v, i).ok());
  EXPECT_EQ(element.cycles(), 5'181'408U);
  expect_near_relative(element.energy()->delivered.wh(), 172'800, 1e-14);
  EXPECT_EQ(element.energy()->received, Energy());
}

TEST(SampledElement, CutOfTheStreamDoesNotChangeABit) {
  std::mt19937_64 random(17);
  std::normal_distribution<double> noise(0, 100);
  for (const int n : {2, 3, 8, 21, 64, 100, 257}) {
    std::vector<double> a(5000), b(5000), c(5000), d(5000);
    for (std::size_t k = 0; k < a.size(); ++k) {
      a[k] = noise(random);
      b[k] = noise(random);
      c[k] = noise(random);
      d[k] = noise(random);
    }
    const auto make = [n] { return SampledElement::make({60, n, 0}).value(); };
    auto whole = make(), whole_form = make(), whole_true = make();
    const LegSamples<double> legs{a, b, c, d};
    ASSERT_TRUE(whole.feed(a, b).ok() && whole_form.feed(legs, Mode::FormFaithful).ok() &&
                whole_true.feed(legs, Mode::True).ok());
    for (int round = 0; round < 20; ++round) {
      auto pieces = make(), form = make(), both = make();
      for (std::size_t at = 0; at < a.size();) {
        const std::size_t size = std::min(a.size() - at, static_cast<std::size_t>(random() % 150));
        const auto part = [&](const std::vector<double>& x) {
          return std::span<const double>(x).subspan(at, size);
        };
        const LegSamples<double> piece{part(a), part(b), part(c), part(d)};
        ASSERT_TRUE(pieces.feed(part(a), part(b)).ok() && form.feed(piece, Mode::FormFaithful).ok() &&
                    both.feed(piece, Mode::True).ok());
        at += size;
      }
      EXPECT_EQ(pieces.energy().value(), whole.energy().value());
      EXPECT_EQ(form.energy().value(), whole_form.energy().value());
      EXPECT_EQ(both.energy().value(), whole_true.energy().value());
      EXPECT_EQ(pieces.cycle_power_w(), whole.cycle_power_w());
      EXPECT_EQ(pieces.open_samples(), 5000 % n);
      EXPECT_EQ(pieces.cycles(), static_cast<std::uint64_t>(5000 / n));
    }
  }
}

TEST(SampledElement, DirectionsAreMonotoneAndSumToTheCycles) {
  std::mt19937_64 random(18);
  std::uniform_real_distribution<double> any(-100, 100);
  auto element = SampledElement::make({1, 4, 0}).value();  // 1 Hz: a cycle's energy in J is its power in W
  EnergyPair before;
  Int128 net = 0;
  for (int cycle = 0; cycle < 2000; ++cycle) {
    const std::vector<double> v{any(random), any(random), any(random), any(random)};
    const std::vector<double> i{any(random), any(random), any(random), any(random)};
    ASSERT_TRUE(element.feed(v, i).ok());
    const double power = (v[0] * i[0] + v[1] * i[1] + v[2] * i[2] + v[3] * i[3]) / 4;
    const auto now = element.energy().value();
    ASSERT_GE(now.delivered, before.delivered);
    ASSERT_GE(now.received, before.received);
    ASSERT_TRUE(now.delivered == before.delivered || now.received == before.received)
        << "one direction a cycle";
    ASSERT_NEAR((now.net() - before.net()).wh() * 3600, power, 2e-9);
    net += std::llrint(element.cycle_power_w().value() * 1e9);
    before = now;
  }
  expect_near_relative(before.net().wh(), Energy::of(net * 1'000'000).wh(), 1e-15);
}

TEST(SampledElement, CycleBelowTheStartingPowerCountsNothing) {
  auto element = SampledElement::make({60, 4, 0}, {}, 24).value();
  const std::vector<double> v(4, 10), below(4, 2.399999), at(4, 2.4), back(4, -2.4);
  for (const auto& i : {below, at, back, below}) ASSERT_TRUE(element.feed(v, i).ok());
  EXPECT_EQ(element.cycles(), 4U);
  // 24 W for a sixtieth of a second: 0.4 J
  EXPECT_EQ(element.energy().value(),
            (EnergyPair{Energy::of(Int128{400'000'000'000'000}), Energy::of(Int128{400'000'000'000'000})}));
}

TEST(SampledElement, CodesOfAConverterAreScaled) {
  // Products 6, -8, -5, 42 add up to 35; a step is 0.5 V by 2 A: 35 / 4 = 8.75 W.
  const std::vector<std::int32_t> v{3, -2, 5, 7}, i{2, 4, -1, 6};
  auto element = SampledElement::make({60, 4, 0}, {0.5, 2}).value();
  ASSERT_TRUE(element.feed(v, i).ok());
  EXPECT_EQ(element.cycle_power_w(), 8.75);
  // 2S: v1 - v2 = 2, -4, 4, 0; i1 - i2 = 3, 6, -2, 5; half the products 3, -12, -4, 0 give -13 / 4 W.
  const std::vector<std::int32_t> v2{1, 2, 1, 7}, i2{-1, -2, 1, 1};
  ASSERT_TRUE(element.feed(LegSamples<std::int32_t>{v, i, v2, i2}, Mode::FormFaithful).ok());
  EXPECT_EQ(element.cycle_power_w(), -3.25);
  // True: 35 + (-1 - 4 + 1 + 7) = 38, by 4
  ASSERT_TRUE(element.feed(LegSamples<std::int32_t>{v, i, v2, i2}, Mode::True).ok());
  EXPECT_EQ(element.cycle_power_w(), 9.5);
  EXPECT_EQ(element.cycles(), 3U);
}

TEST(SampledElement, CodesAtTheEndsOfTheirRangeDoNotWrap) {
  constexpr auto kLow = std::numeric_limits<std::int32_t>::min(),
                 kHigh = std::numeric_limits<std::int32_t>::max();
  const std::vector<std::int32_t> low(2, kLow), high(2, kHigh);
  auto element = SampledElement::make({60, 2, 0}, {1e-6, 1e-6}).value();
  ASSERT_TRUE(element.feed(low, high).ok());
  expect_near_relative(element.cycle_power_w().value(), -2147483648.0 * 2147483647.0 * 1e-12);
  ASSERT_TRUE(element.feed(LegSamples<std::int32_t>{low, low, high, high}, Mode::FormFaithful).ok());
  expect_near_relative(element.cycle_power_w().value(), 4294967295.0 * 4294967295.0 / 2 * 1e-12);
}

TEST(SampledElement, SampleThatIsNoNumberStopsTheCount) {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL, 1e300}) {
    auto element = SampledElement::make({60, 4, 0}).value();
    std::vector<double> v(12, 10);
    const std::vector<double> i(12, 6);
    v[6] = bad;
    const auto refused = element.feed(v, i);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("cycle 2 of the samples"), std::string::npos)
        << refused.error().message;
    EXPECT_EQ(element.cycles(), 1U);
    // 60 W for a sixtieth of a second
    EXPECT_EQ(element.energy().value(), (EnergyPair{Energy::of(Int128{1'000'000'000'000'000}), {}}));
    const std::vector<double> good(8, 10);
    const auto again = element.feed(good, good);
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().message, refused.error().message);
    EXPECT_EQ(element.cycles(), 1U);
  }
}

TEST(SampledElement, SignalsOfUnequalLengthAreRefusedWhole) {
  auto element = SampledElement::make({60, 4, 0}).value();
  const std::vector<double> four(4, 1), three(3, 1);
  EXPECT_FALSE(element.feed(four, three).ok());
  EXPECT_FALSE(element.feed(LegSamples<double>{four, four, three, four}, Mode::True).ok());
  EXPECT_FALSE(element.feed(LegSamples<double>{four, four, four, three}, Mode::FormFaithful).ok());
  EXPECT_FALSE(element.feed(LegSamples<double>{four, three, four, four}, Mode::FormFaithful).ok());
  EXPECT_EQ(element.open_samples(), 0);
  EXPECT_EQ(element.cycles(), 0U);
  EXPECT_FALSE(element.cycle_power_w().has_value());
  EXPECT_TRUE(element.feed(four, four).ok());
  EXPECT_EQ(element.cycles(), 1U);
}

TEST(SampledElement, NothingCountsBeforeTheCycleIsWhole) {
  auto element = SampledElement::make({60, 64, 0}).value();
  const auto v = sine(240, 0, 64, 1), i = sine(30, 0, 64, 1);
  ASSERT_TRUE(element.feed(std::span(v).first(63), std::span(i).first(63)).ok());
  EXPECT_EQ(element.energy().value(), EnergyPair());
  EXPECT_EQ(element.open_samples(), 63);
  ASSERT_TRUE(element.feed(std::span(v).last(1), std::span(i).last(1)).ok());
  EXPECT_EQ(element.energy()->delivered,
            Energy::of(Int128{120'000'000'000'000'000}));  // 7200 W / 60 Hz = 120 J
}

TEST(SampledElement, EnergyBeyond128BitsIsAnError) {
  auto element = SampledElement::make({1e-30, 2, 0}).value();
  const std::vector<double> v{1000, 1000}, i{1000, 1000};
  ASSERT_TRUE(element.feed(v, i).ok());
  ASSERT_FALSE(element.energy().ok());
  EXPECT_NE(element.energy().error().message.find("beyond 128 bits"), std::string::npos);
}

TEST(SampledQuantities, AliasedHarmonicIsSeenAsFundamental) {  // T10 through IEEE 1459
  const Signals signals{.v1 = {{1, 240, 0}, {15, 12, 0}}, .v2 = {}, .i1 = {{1, 20, 0}}, .i2 = {}};
  const auto elements = elements_of(signals, Form::OneS, Mode::True).value();
  const auto aliased = power_quantities(folded(elements, {60, 16, 0}).value());
  expect_near_relative(aliased.p1_w, 4560);
  expect_near_relative(aliased.v_rms.value(), 228);
  EXPECT_NEAR(aliased.thd_v.value(), 0, 1e-12);
  const auto seen = power_quantities(folded(elements, {60, 64, 0}).value());
  expect_near_relative(seen.p1_w, 4800);
  expect_near_relative(seen.thd_v.value(), 0.05);
}

}  // namespace
}  // namespace ami::metrology
