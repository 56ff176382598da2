#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "meter_model/vee/threshold_watch.h"
#include "meter_model/vee/vee_config_yaml.h"
#include "tests/meter_model/vee/scene.h"

namespace ami::vee {
namespace {

std::string refusal(const std::string& yaml) {
  const auto config = parse_vee_config(yaml, "feed.yaml");
  return config ? "accepted" : config.error().message;
}

TEST(VeeConfig, ShippedFileSaysExactlyTheBuiltInDefaults) {
  std::ifstream file(std::string(std::getenv("AMI_SOURCE_DIR")) + "/config/vee/default.yaml");
  std::stringstream text;
  text << file.rdbuf();
  VeeConfig blank;  // other numbers everywhere, so that nothing can come from the base
  blank.profile = "none";
  blank.physical_factor = blank.sum_relaxed_by_percent = blank.spike_ratio = blank.spike_floor = {77, 0};
  blank.least_of_usual = blank.most_of_usual = blank.suspect_above_percent = {77, 0};
  blank.collector_clock_fails_above = blank.collector_clock_refuses_above = std::chrono::seconds{77};
  blank.meter_clock_warns_above = blank.future_tolerance = std::chrono::seconds{77};
  blank.zero_run = std::chrono::hours{77};
  blank.linear_up_to = std::chrono::minutes{77};
  blank.frozen_count = blank.estimated_days = blank.estimated_billing_reads = blank.suspect_from_meters = 77;
  blank.like_days = blank.like_day_reach_days = blank.sum_boundary_pulses = 77;
  const auto read = parse_vee_config(text.str(), "default.yaml", blank);
  ASSERT_TRUE(read) << read.error().message;
  const VeeConfig wanted = default_vee_config();
  EXPECT_EQ(read->profile, wanted.profile);
  ASSERT_EQ(read->profiles.size(), wanted.profiles.size());
  for (std::size_t i = 0; i < wanted.profiles.size(); ++i) {
    EXPECT_EQ(read->profiles[i].name, wanted.profiles[i].name);
    EXPECT_EQ(read->profiles[i].checks, wanted.profiles[i].checks) << wanted.profiles[i].name;
    EXPECT_EQ(read->profiles[i].estimates, wanted.profiles[i].estimates);
  }
  EXPECT_EQ(read->collector_clock_fails_above, wanted.collector_clock_fails_above);
  EXPECT_EQ(read->collector_clock_refuses_above, wanted.collector_clock_refuses_above);
  EXPECT_EQ(read->meter_clock_warns_above, wanted.meter_clock_warns_above);
  EXPECT_EQ(read->physical_factor, wanted.physical_factor);
  EXPECT_EQ(read->sum_relaxed_by_percent, wanted.sum_relaxed_by_percent);
  EXPECT_EQ(read->spike_ratio, wanted.spike_ratio);
  EXPECT_EQ(read->spike_floor, wanted.spike_floor);
  EXPECT_EQ(read->least_of_usual, wanted.least_of_usual);
  EXPECT_EQ(read->most_of_usual, wanted.most_of_usual);
  EXPECT_EQ(read->zero_run, wanted.zero_run);
  EXPECT_EQ(read->frozen_count, wanted.frozen_count);
  EXPECT_EQ(read->future_tolerance, wanted.future_tolerance);
  EXPECT_EQ(read->estimated_days, wanted.estimated_days);
  EXPECT_EQ(read->estimated_billing_reads, wanted.estimated_billing_reads);
  EXPECT_EQ(read->suspect_above_percent, wanted.suspect_above_percent);
  EXPECT_EQ(read->suspect_from_meters, wanted.suspect_from_meters);
  EXPECT_EQ(read->linear_up_to, wanted.linear_up_to);
  EXPECT_EQ(read->like_days, wanted.like_days);
  EXPECT_EQ(read->like_day_reach_days, wanted.like_day_reach_days);
  EXPECT_EQ(read->sum_boundary_pulses, wanted.sum_boundary_pulses);
  EXPECT_EQ(read->programmes, wanted.programmes);
  EXPECT_EQ(digest(*read), digest(wanted));
  EXPECT_EQ(read->plausible_ke, wanted.plausible_ke);
  EXPECT_EQ(read->plausible_multipliers, wanted.plausible_multipliers);
}

TEST(VeeConfig, HeadEndNeitherEstimatesNorJudgesUse) {
  const VeeConfig config = default_vee_config();
  const Profile& head_end = config.active();
  EXPECT_EQ(head_end.name, "head_end");
  EXPECT_FALSE(head_end.estimates);
  for (const Check check :
       {Check::Identity, Check::SystemTime, Check::MeterTime, Check::Continuity, Check::Overflow,
        Check::PhysicalMaximum, Check::IntervalSum, Check::TouSum, Check::NetIdentity})
    EXPECT_TRUE(head_end.checks.has(check)) << info(check).id;
  for (const Check check : {Check::Spike, Check::HighLow, Check::ProlongedEstimation})
    EXPECT_FALSE(head_end.checks.has(check)) << info(check).id;
  EXPECT_TRUE(config.profiles[2].checks.none());
}

TEST(VeeConfig, AFeedOverlaysWhatItSaysAndNoMore) {
  const auto config = parse_vee_config(
      "profile: mine\nprofiles: {mine: {checks: [V07, V12]}}\nthresholds: {V12: {factor: 1.25}}\n",
      "feed.yaml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->active().checks, (CheckSet{Check::Continuity, Check::PhysicalMaximum}));
  EXPECT_EQ(config->physical_factor, number("1.25"));
  EXPECT_EQ(config->spike_ratio, number("1.8"));
  EXPECT_EQ(parse_vee_config("", "empty.yaml")->profile, "head_end");
}

TEST(VeeConfig, EveryProblemIsToldWithItsLineAndTheNearestKey) {
  EXPECT_EQ(refusal("profil: full\n"),
            "feed.yaml:1: validation: unknown key \"profil\", nearest is 'profile'");
  EXPECT_EQ(refusal("thresholds:\n  V12: {facter: 1}\n"),
            "feed.yaml:2: V12: unknown key \"facter\", nearest is 'factor'");
  EXPECT_EQ(refusal("thresholds:\n  V14: {relaxed: 1}\n"),
            "feed.yaml:2: V14: unknown key \"relaxed\", nearest is 'relaxed_by_percent'");
  EXPECT_EQ(refusal("profile: ful\n"), "feed.yaml:1: profile: unknown profile \"ful\", nearest is 'full'");
  EXPECT_EQ(refusal("profiles:\n  a: {checks: [V1]}\n"),
            "feed.yaml:2: profile \"a\": unknown check \"V1\", nearest is 'V01'");
  EXPECT_EQ(refusal("profiles:\n  a: {checks: [V01, V01]}\n"),
            "feed.yaml:2: profile \"a\": V01 is given twice");
  EXPECT_EQ(refusal("profiles:\n  a: {checks: V01}\n"),
            "feed.yaml:2: profile \"a\": checks must be a list as [V01, V07], or all");
  EXPECT_EQ(refusal("thresholds: {V12: {factor: 0.9}}\n"),
            "feed.yaml:1: V12.factor: \"0.9\" is not a number from 1 to 1000");
  EXPECT_EQ(refusal("thresholds: {V21: {times: 8.5}}\n"),
            "feed.yaml:1: V21.times: \"8.5\" is not a whole number");
  EXPECT_EQ(refusal("thresholds: {V18: {ratio: inf}}\n"),
            "feed.yaml:1: V18.ratio: \"inf\" is not a number from 0 to 1000");
  EXPECT_EQ(refusal("thresholds:\n- 1\n"), "feed.yaml:2: thresholds must be a mapping of keys to values");
  EXPECT_EQ(refusal("thresholds: {V02: {fails_above_s: 90}}\n"),
            "feed.yaml:1: V02: refuses_above_s is below fails_above_s");
  EXPECT_EQ(refusal("causes: {ke: [0]}\n"),
            "feed.yaml:1: causes.ke: \"0\" is not a number from 0.000001 to 1000000");
  EXPECT_EQ(refusal("a: [\n").rfind("feed.yaml:", 0), 0U);
  // Two problems, two lines.
  EXPECT_EQ(refusal("profil: full\nthreshold: {}\n"),
            "feed.yaml:1: validation: unknown key \"profil\", nearest is 'profile'\n"
            "feed.yaml:2: validation: unknown key \"threshold\", nearest is 'thresholds'");
}

TEST(VeeConfig, ProgrammesOfAFeedComeBeforeThoseOfTheBase) {
  const auto config = parse_vee_config(
      "programmes:\n"
      "  - {model: FOCUS AXR, class_a: CL200, quantity: ENERGY_DELIVERED, ke_wh: 0.6, largest_count: 65535}\n"
      "  - {model: FOCUS AX, ke_wh: 1.2, register_digits: 5, register_decimals: 0, amps: 160, assumed: a "
      "sheet}\n",
      "feed.yaml");
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->programmes.size(), 4U);
  const auto known = programme_of(config->programmes, {"FOCUS AXR-SD", "2S", "200", "ENERGY_DELIVERED"});
  EXPECT_EQ(known.ke_wh, number("0.6"));  // the first that fits and states it
  EXPECT_EQ(known.register_digits, 5);
  EXPECT_EQ(known.register_decimals, 0);
  EXPECT_EQ(known.volts, number("240"));  // from the base
  EXPECT_EQ(known.amps, number("160"));   // not the base's 200
  EXPECT_EQ(known.largest_count, 65535);
  EXPECT_EQ(known.assumed, "a sheet");
  EXPECT_EQ(programme_of(config->programmes, {"FOCUS AXR", "", "", "ENERGY_RECEIVED"}).ke_wh, number("1.2"));
}

TEST(VeeConfig, WhatNoRuleStatesOfAMeterStaysUnknown) {
  const VeeConfig config = default_vee_config();
  const auto known = programme_of(config.programmes, {"FOCUS AX", "2S", "CL200", "ENERGY_DELIVERED"});
  EXPECT_EQ(known.volts, number("240"));
  EXPECT_EQ(known.amps, number("200"));
  EXPECT_FALSE(known.ke_wh || known.register_digits || known.largest_count);
  for (const ProgrammeQuery& other : {ProgrammeQuery{"FOCUS AX", "1S", "100", ""}, ProgrammeQuery{}}) {
    const auto none = programme_of(config.programmes, other);
    EXPECT_FALSE(none.volts || none.amps);
  }
}

TEST(VeeConfig, FaultsOfAProgrammeAreToldWithTheirLine) {
  EXPECT_EQ(
      refusal("programmes:\n  - {class_a: 200, ke: 1}\n"),
      "feed.yaml:2: programme: unknown key \"ke\", nearest is 'ke_wh'\n"
      "feed.yaml:2: a programme without any fact: give ke_wh, register_digits, volts, amps or largest_count");
  EXPECT_EQ(refusal("programmes:\n  - {ke_wh: 0}\n"),
            "feed.yaml:2: programme.ke_wh: \"0\" is not a number from 0.000001 to 1000000");
  EXPECT_EQ(refusal("programmes:\n  - {ke_wh: 1}\n  - {quantity: ENERGY_DELIVERD, ke_wh: 1}\n"),
            "feed.yaml:3: programme: unknown quantity \"ENERGY_DELIVERD\", nearest is 'ENERGY_DELIVERED'");
  EXPECT_EQ(refusal("programmes:\n  - {register_decimals: 2}\n"),
            "feed.yaml:2: programme: register_decimals without register_digits");
  EXPECT_EQ(refusal("programmes:\n  - {register_digits: 2, register_decimals: 3}\n"),
            "feed.yaml:2: programme: more register_decimals than register_digits");
  EXPECT_EQ(refusal("programmes:\n  - {largest_count: 1.5}\n"),
            "feed.yaml:2: programme.largest_count must be a whole number");
  EXPECT_EQ(refusal("programmes: {ke_wh: 1}\n"), "feed.yaml:1: programmes must be a list of rules");
  EXPECT_EQ(refusal("programmes:\n  - 7\n"), "feed.yaml:2: programme must be a mapping of keys to values");
  EXPECT_EQ(refusal("thresholds: {V14: {boundary_pulses: 3}}\n"),
            "feed.yaml:1: V14.boundary_pulses: \"3\" is not a number from 0 to 2");
}

TEST(VeeConfig, ADigestChangesWithEveryFigure) {
  const VeeConfig base = default_vee_config();
  EXPECT_EQ(digest(base), digest(default_vee_config()));
  std::set<std::string> seen{digest(base)};
  const auto changed = [&](const std::function<void(VeeConfig&)>& change) {
    VeeConfig config = base;
    change(config);
    EXPECT_TRUE(seen.insert(digest(config)).second);
  };
  changed([](VeeConfig& c) { c.profile = "full"; });
  changed([](VeeConfig& c) { c.profiles[0].estimates = true; });
  changed([](VeeConfig& c) { c.profiles[0].checks.add(Check::Spike); });
  changed([](VeeConfig& c) { c.physical_factor = number("1.2"); });
  changed([](VeeConfig& c) { c.sum_boundary_pulses = 1; });
  changed([](VeeConfig& c) { c.future_tolerance += std::chrono::seconds{1}; });
  changed([](VeeConfig& c) { c.programmes[0].volts = number("120"); });
  changed([](VeeConfig& c) { c.programmes[0].amps = number("240"); });
  changed([](VeeConfig& c) { std::swap(c.programmes[0], c.programmes[1]); });
  changed([](VeeConfig& c) { c.plausible_ke.pop_back(); });
}

// The overlay that comes with the SSN feed, against the registers of a published export: reading them at the
// ends of blocks, its meter without a fault must pass, and would not without the pulse that may fall between.
TEST(VeeConfig, TheShippedSsnOverlayKeepsASoundExportFromFailingTheSumCheck) {
  std::ifstream file(std::string(std::getenv("AMI_SOURCE_DIR")) + "/config/vee/ssn.yaml");
  std::stringstream text;
  text << file.rdbuf();
  const auto overlay = parse_vee_config(text.str(), "ssn.yaml");
  ASSERT_TRUE(overlay) << overlay.error().message;
  EXPECT_EQ(overlay->sum_boundary_pulses, 1);
  // Differences of the export up to 1.0 Wh; r 0.1 Wh, Ke 0.5 Wh: bounds 0.6 and 1.1 Wh.
  for (const auto& [off, sound] : {std::pair{"0.9", true}, std::pair{"1.0", true}, std::pair{"1.1", false}}) {
    Case c;
    c.day.exponent = -1;
    c.day.programme.ke = number("0.5");
    c.day.programme.register_resolution = number("0.1");
    for (std::int64_t& value : c.values) value = 1815;  // 181.5 Wh
    c.registers = {
        {c.day.day.from, number("10798161.9"), {}},
        {c.day.day.to, number("10798161.9").plus(number("17424.0")).value().plus(number(off)).value(), {}}};
    EXPECT_EQ(c.codes(Check::IntervalSum), "2.6.0") << off << ": the derived bound alone";
    c.config = *overlay;
    EXPECT_EQ(c.codes(Check::IntervalSum), sound ? "" : "2.6.0") << off;
  }
}

constexpr std::chrono::sys_days kDay{std::chrono::year{2026} / 1 / 15};

TEST(ThresholdWatch, MoreThanTwoPercentIsSaidOnceADayAndCheck) {
  ThresholdWatch watch({2, 0}, 1);
  EXPECT_FALSE(watch.count(kDay, Check::Spike, 20, 1000));  // exactly 2 %
  EXPECT_FALSE(watch.is_suspect(kDay, Check::Spike));
  const auto said = watch.count(kDay, Check::Spike, 21, 1000);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->hit, 21U);
  EXPECT_TRUE(watch.is_suspect(kDay, Check::Spike));
  EXPECT_FALSE(watch.count(kDay, Check::Spike, 900, 1000));
  EXPECT_TRUE(watch.count(kDay, Check::Frozen, 21, 1000));
  EXPECT_TRUE(watch.count(kDay + std::chrono::days{1}, Check::Spike, 21, 1000));
  EXPECT_FALSE(watch.count(kDay, Check::Spike, 900, 1000));  // yesterday was said already
}

TEST(ThresholdWatch, FewMetersSayNothingAboutAThreshold) {
  ThresholdWatch watch({2, 0}, 20);
  EXPECT_FALSE(watch.count(kDay, Check::Spike, 19, 19));
  EXPECT_FALSE(watch.count(kDay, Check::Spike, 0, 0));
  EXPECT_TRUE(watch.count(kDay, Check::Spike, 1, 20));
}

TEST(ThresholdWatch, KeepsABoundedMemoryAndNeverRepeatsWhatItForgot) {
  ThresholdWatch watch({2, 0}, 1);
  int said = 0;
  for (int day = 0; day < 1000; ++day)
    said += watch.count(kDay + std::chrono::days{day}, Check::Spike, 9, 10) ? 1 : 0;
  EXPECT_EQ(said, 1000);
  EXPECT_FALSE(watch.count(kDay, Check::Spike, 9, 10));
}

}  // namespace
}  // namespace ami::vee
