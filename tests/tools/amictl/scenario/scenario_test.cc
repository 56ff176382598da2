#include "tools/amictl/scenario/scenario.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace ami::amictl {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

// One line a section, so that a line number names it.
constexpr const char* kGood =
    "meter: {model: FOCUS AXR-SD, form: 2S, mode: form, kh_wh: 7.2, ke_wh: 1.2, digits: 5, decimals: 0, "
    "interval_s: 900, channel_bits: 16, demand: {method: sliding, window_s: 900, subinterval_s: 300}}\n"
    "start: \"2026-03-08T00:00:00-05:00\"\n"
    "zone: America/Toronto\n"
    "initial: {delivered_wh: \"99998000\", received_wh: 10000}\n"
    "sampling: {frequency_hz: 60, samples_per_cycle: 64, skew_s: 0}\n"
    "segments:\n"
    "  - {duration_s: 3600, voltage: [{leg: L1, order: 1, rms_v: 120, angle_deg: 0}, {leg: L2, order: 1, "
    "rms_v: 120, angle_deg: 180}], current: [{leg: L1, order: 1, rms_a: 10, angle_deg: 0}]}\n"
    "  - {duration_s: 600, power_w: -3000}\n"
    "  - {duration_s: 300, outage: true}\n"
    "  - {duration_s: 900, power_w: {sine_amplitude: 6000, period_s: 900}}\n"
    "  - {duration_s: 900.5, power_w: {ramp_from: 0, ramp_to: 6000}}\n"
    "events:\n"
    "  - {at_s: 1800, type: demand_reset}\n"
    "  - {at_s: 2400, type: clock_set, by_s: 120}\n"
    "  - {at_s: 3000, type: tou_tier, tier: B}\n"
    "  - {at_s: 3100, type: test_mode, active: true}\n";

std::string with(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << "the good scenario has no '" << from << "'";
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

std::vector<std::string> problems(const std::string& yaml) {
  const auto parsed = parse_scenario(yaml, "s.yaml");
  std::vector<std::string> lines;
  if (parsed) return lines;
  std::istringstream all(parsed.error().message);
  for (std::string line; std::getline(all, line);) lines.push_back(line);
  return lines;
}

// Exactly one problem, on this line, whose message has these words.
void refused(const std::string& yaml, int line, const std::string& words) {
  const auto found = problems(yaml);
  ASSERT_EQ(found.size(), 1U) << yaml << "\n" << testing::PrintToString(found);
  EXPECT_EQ(found[0].find("s.yaml:" + std::to_string(line) + ": "), 0U) << found[0];
  EXPECT_NE(found[0].find(words), std::string::npos) << found[0];
}

Scenario good(const std::string& yaml) {
  auto parsed = parse_scenario(yaml, "s.yaml");
  EXPECT_TRUE(parsed.ok()) << (parsed ? "" : parsed.error().message);
  return parsed ? std::move(parsed).value() : Scenario{};
}

TEST(Scenario, HoldsWhatTheFileSays) {
  const Scenario scenario = good(kGood);
  EXPECT_EQ(scenario.model, "FOCUS AXR-SD");
  EXPECT_EQ(scenario.form, metrology::Form::TwoS);
  EXPECT_EQ(scenario.mode, metrology::Mode::FormFaithful);
  EXPECT_EQ(scenario.program.demand.method, metrology::DemandMethod::Sliding);
  EXPECT_EQ(scenario.program.demand.subinterval, seconds(300));
  EXPECT_EQ(to_text(scenario.initial.start), "2026-03-08T05:00:00Z");
  EXPECT_EQ(scenario.initial.utc_offset, seconds(-5 * 3600));
  EXPECT_EQ(scenario.initial.delivered.wh_text(), "99998000");
  EXPECT_EQ(scenario.initial.received.wh_text(), "10000");
  ASSERT_EQ(scenario.segments.size(), 5U);
  EXPECT_TRUE(scenario.segments[2].outage);
  EXPECT_EQ(scenario.segments[4].duration, microseconds(900'500'000));
  EXPECT_EQ(scenario.length(), microseconds(6'300'500'000));
  ASSERT_EQ(scenario.events.size(), 4U);
  EXPECT_EQ(std::get<ClockSet>(scenario.events[1].what).by, seconds(120));
  EXPECT_EQ(std::get<TierSelect>(scenario.events[2].what).tier, 'B');
  EXPECT_TRUE(std::get<TestMode>(scenario.events[3].what).active);
}

TEST(Scenario, WhatIsLeftOutHasADefault) {
  const Scenario scenario =
      good("meter: {}\nstart: 2026-01-01T00:00:00Z\nsegments: [{duration_s: 1, power_w: 1}]\n");
  EXPECT_EQ(scenario.model, "FOCUS AXR-SD");
  EXPECT_EQ(scenario.form, metrology::Form::TwoS);
  EXPECT_EQ(scenario.program.kh_wh.to_string(), "7.2");
  EXPECT_EQ(scenario.program.ke_wh.to_string(), "1.2");
  EXPECT_EQ(scenario.program.interval, seconds(900));
  EXPECT_EQ(scenario.program.demand.method, metrology::DemandMethod::Block);
  EXPECT_EQ(scenario.zone.name(), "UTC");
  EXPECT_EQ(scenario.initial.delivered, metrology::Energy());
  EXPECT_FALSE(scenario.sampling.has_value());
  EXPECT_TRUE(scenario.events.empty());
}

TEST(Scenario, DecimalsAreExactQuotedOrBare) {
  const Scenario scenario =
      good(with("kh_wh: 7.2, ke_wh: 1.2", "kh_wh: \"0.60\", ke_wh: 0.1000000000000001"));
  EXPECT_EQ(scenario.program.kh_wh.to_string(), "0.60");
  EXPECT_EQ(scenario.program.ke_wh.to_string(), "0.1000000000000001");
}

TEST(Scenario, EventsAreOrderedByTimeAndThenByTheFile) {
  const Scenario scenario = good(
      "meter: {}\nstart: 2026-01-01T00:00:00Z\nsegments: [{duration_s: 10, power_w: 1}]\n"
      "events: [{at_s: 9, type: demand_reset}, {at_s: 5, type: tou_tier, tier: B}, {at_s: 5, type: tou_tier, "
      "tier: C}, {at_s: 0.000001, type: tou_tier, tier: D}, {at_s: 10, type: demand_reset}]\n");
  ASSERT_EQ(scenario.events.size(), 5U);
  EXPECT_EQ(scenario.events[0].at, microseconds(1));
  EXPECT_EQ(std::get<TierSelect>(scenario.events[1].what).tier, 'B');
  EXPECT_EQ(std::get<TierSelect>(scenario.events[2].what).tier, 'C');
  EXPECT_EQ(scenario.events[4].at, seconds(10)) << "the end of the run still is in it";
}

TEST(Scenario, UnknownKeysNameTheNearest) {
  refused(with("zone:", "zoen:"), 3, "unknown key \"zoen\", nearest is \"zone\"");
  refused(with("ke_wh:", "ke_hw:"), 1, "nearest is \"ke_wh\"");
  refused(with("window_s:", "windows:"), 1, "nearest is \"window_s\"");
  refused(with("delivered_wh:", "delivered:"), 4, "nearest is \"delivered_wh\"");
  refused(with("skew_s:", "skew:"), 5, "nearest is \"skew_s\"");
  refused(with("{duration_s: 300, outage: true}", "{duration_s: 300, outage: true, powerw: 1}"), 9,
          "nearest is \"power_w\"");
  refused(with("angle_deg: 180", "angle: 180"), 7, "nearest is \"angle_deg\"");
  refused(with("rms_v: 120", "rms_v: 120, phase: 3"), 7, "unknown key \"phase\"");
  refused(with("period_s: 900", "period_s: 900, periode: 1"), 10, "nearest is \"period_s\"");
  refused(with("tier: B", "tier: B, by_s: 3"), 15, "unknown key \"by_s\"");
}

TEST(Scenario, KeysGivenTwiceAreRefused) {
  refused(std::string(kGood) + "zone: UTC\n", 17, "\"zone\" is given twice");
  refused(with("form: 2S,", "form: 2S, form: 2S,"), 1, "\"form\" is given twice");
  refused(with("{duration_s: 600,", "{duration_s: 600, duration_s: 700,"), 8,
          "\"duration_s\" is given twice");
}

TEST(Scenario, WordsThatAreNoneOfTheKnownAreRefused) {
  refused(with("FOCUS AXR-SD", "FOCUS RXR"), 1, "none of: FOCUS AX, FOCUS AX-SD, FOCUS AXR, FOCUS AXR-SD");
  refused(with("form: 2S", "form: 12S"), 1, "none of: 1S, 2S");
  refused(with("mode: form", "mode: exact"), 1, "none of: form, true");
  refused(with("method: sliding, window_s: 900, subinterval_s: 300", "method: rolling"), 1,
          "none of: block, sliding, exponential");
  refused(with("channel_bits: 16", "channel_bits: 12"), 1, "none of: 8, 16");
  refused(with("leg: L2", "leg: N"), 7, "none of: L1, L2");
  refused(with("type: demand_reset", "type: demandreset"), 13, "none of: demand_reset");
  refused(with("tier: B", "tier: E"), 15, "none of: A, B, C, D");
  refused(with("active: true", "active: on"), 16, "neither true nor false");
  refused(with("zone: America/Toronto", "zone: Mars/Olympus"), 3, "Mars/Olympus");
}

TEST(Scenario, NumbersOutOfRangeAreRefused) {
  for (const char* bad : {"-1", "0", "0.0000001", "1e400", ".inf", "nan", "0x10", "1_000", "ten", "''"}) {
    refused(with("duration_s: 600", std::string("duration_s: ") + bad), 8, "duration_s");
  }
  for (const char* bad : {".inf", "-.inf", ".nan", "nan", "inf", "1e10", "12 kW", "~"}) {
    refused(with("power_w: -3000", std::string("power_w: ") + bad), 8, "power_w");
  }
  refused(with("rms_v: 120", "rms_v: -120"), 7, "rms_v");
  refused(with("rms_a: 10", "rms_a: .nan"), 7, "rms_a");
  refused(with("order: 1, rms_a", "order: -1, rms_a"), 7, "order");
  refused(with("order: 1, rms_a", "order: 1.5, rms_a"), 7, "order");
  refused(with("angle_deg: 180", "angle_deg: .inf"), 7, "angle_deg");
  refused(with("period_s: 900", "period_s: 0"), 10, "period_s");
  refused(with("kh_wh: 7.2", "kh_wh: 0"), 1, "0");
  refused(with("ke_wh: 1.2", "ke_wh: -1.2"), 1, "1.2");
  refused(with("ke_wh: 1.2", "ke_wh: abc"), 1, "ke_wh");
  refused(with("digits: 5", "digits: 0"), 1, "digits");
  refused(with("decimals: 0", "decimals: 5"), 1, "decimals");
  refused(with("interval_s: 900", "interval_s: 700"), 1, "divide a day");
  refused(with("delivered_wh: \"99998000\"", "delivered_wh: -1"), 4, "negative");
  refused(with("frequency_hz: 60", "frequency_hz: 0"), 5, "frequency_hz");
  refused(with("samples_per_cycle: 64", "samples_per_cycle: 1"), 5, "samples_per_cycle");
  refused(with("skew_s: 0", "skew_s: 2"), 5, "skew_s");
  refused(with("by_s: 120", "by_s: .inf"), 14, "by_s");
}

TEST(Scenario, DemandWindowsMustBeWholeNumbersOfSubintervals) {
  refused(with("subinterval_s: 300", "subinterval_s: 400"), 1, "400");
  refused(with("subinterval_s: 300", "subinterval_s: 1800"), 1, "demand");
  refused(with(", subinterval_s: 300", ""), 1, "'subinterval_s' is missing");
  refused(with("window_s: 900", "window_s: 0"), 1, "window_s");
}

TEST(Scenario, FormOneSHasNoSecondLeg) {
  refused(with("form: 2S", "form: 1S"), 7, "there is no L2");
}

TEST(Scenario, SegmentsSayOneThing) {
  refused(with("power_w: -3000", "power_w: -3000, outage: true"), 8, "not several of them");
  refused(with("{duration_s: 600, power_w: -3000}", "{duration_s: 600, power_w: 1, voltage: []}"), 8,
          "not several of them");
  refused(with("{duration_s: 600, power_w: -3000}", "{duration_s: 600}"), 8, "needs voltage and current");
  refused(with("{duration_s: 600, power_w: -3000}", "{duration_s: 600, outage: false}"), 8, "needs");
  refused(with("{duration_s: 600, power_w: -3000}",
               "{duration_s: 600, current: [{leg: L1, order: 1, rms_a: 3, angle_deg: 0}]}"),
          8, "current without voltage");
  refused(with("{duration_s: 600, power_w: -3000}", "{power_w: -3000}"), 8, "'duration_s' is missing");
  refused(with("ramp_from: 0, ramp_to: 6000", "ramp_from: 0, period_s: 6000"), 11, "one of the two");
  refused(with("ramp_from: 0, ramp_to: 6000", "ramp_from: 0"), 11, "'ramp_to' is missing");
  refused(with("sine_amplitude: 6000, period_s: 900", "sine_amplitude: 6000, period_s: 900, {}: 1"), 10,
          "unknown key");
  refused(with("{duration_s: 300, outage: true}", "outage"), 9, "must be a mapping");
}

TEST(Scenario, HarmonicsOfALegComeOnce) {
  refused(with("current: [{leg: L1, order: 1, rms_a: 10, angle_deg: 0}]",
               "current: [{leg: L1, order: 3, rms_a: 10}, {leg: L1, order: 3, rms_a: 1}]"),
          7, "order 3 of this leg is given twice");
  refused(with("current: [{leg: L1, order: 1, rms_a: 10, angle_deg: 0}]",
               "current: [{leg: L1, order: 0, rms_a: 10, angle_deg: 90}]"),
          7, "direct current");
  refused(with("current: [{leg: L1, order: 1, rms_a: 10, angle_deg: 0}]", "current: 10"), 7,
          "must be a list");
}

TEST(Scenario, EventsLieInTheRunAndNotInTheDark) {
  refused(with("at_s: 1800", "at_s: 6300.6"), 13, "at_s");
  refused(with("at_s: 1800", "at_s: -1"), 13, "at_s");
  refused(with("at_s: 1800, ", ""), 13, "'at_s' is missing");
  refused(with("type: demand_reset", "by_s: 3"), 13, "'type' is missing");
  refused(with(", by_s: 120", ""), 14, "'by_s' is missing");
  refused(with("at_s: 1800", "at_s: 4300"), 13, "dark");
  EXPECT_TRUE(problems(with("at_s: 1800", "at_s: 4200")).empty()) << "when the outage begins";
  EXPECT_TRUE(problems(with("at_s: 1800", "at_s: 4500")).empty()) << "when it ends";
}

TEST(Scenario, OutagesThatTouchAreOneDarkness) {
  refused(
      "meter: {}\nstart: 2026-01-01T00:00:00Z\nsegments: [{duration_s: 10, outage: true}, {duration_s: 10, "
      "outage: true}]\nevents:\n  - {at_s: 10, type: demand_reset}\n",
      5, "dark");
}

TEST(Scenario, ClocksStayInTheYearsThatAMeterCanShow) {
  refused(with("start: \"2026-03-08T00:00:00-05:00\"", "start: \"1969-12-31T23:59:59Z\""), 2, "1970");
  refused(with("start: \"2026-03-08T00:00:00-05:00\"", "start: \"2026-03-08T00:00:00\""), 2, "2026-03-08");
  const char* const clock_set_at_once =
      "meter: {}\nstart: 1970-01-01T01:00:00Z\nsegments: [{duration_s: 10, power_w: 1}]\nevents:\n"
      "  - {at_s: 0, type: clock_set, by_s: -3600}\n  - {at_s: 5, type: clock_set, by_s: -6}\n";
  refused(clock_set_at_once, 6, "1970 to 9999");
}

TEST(Scenario, RunsThatWouldFillTheMemoryAreRefused) {
  refused(
      "meter: {interval_s: 1}\nstart: 2026-01-01T00:00:00Z\nsegments: [{duration_s: 31536000, power_w: 1}]\n",
      3, "31571040 intervals and demand points");
  EXPECT_TRUE(problems("meter: {interval_s: 60}\nstart: 2026-01-01T00:00:00Z\n"
                       "segments: [{duration_s: 31536000, power_w: 1}]\n")
                  .empty());
  refused(
      "meter: {}\nstart: 2026-01-01T00:00:00Z\nsegments:\n  - &ten {duration_s: 315360000, power_w: 1}\n  - "
      "*ten\n"
      "  - *ten\n",
      3, "longer than 20 years");
}

TEST(Scenario, EveryProblemIsToldInTheOrderOfItsLine) {
  const auto found = problems(
      "segments:\n  - {duration_s: -1, power_w: 5}\n  - {duration_s: 1, power: 5}\nmeter: {model: FOCUS}\n"
      "start: yesterday\nevents:\n  - {at_s: 1, type: party}\n");
  ASSERT_EQ(found.size(), 6U) << testing::PrintToString(found);
  const int lines[] = {2, 3, 3, 4, 5, 7};
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_EQ(found[i].find("s.yaml:" + std::to_string(lines[i]) + ": "), 0U) << found[i];
}

TEST(Scenario, MissingSectionsAreNamed) {
  const auto found = problems("zone: UTC\n");
  ASSERT_EQ(found.size(), 3U) << testing::PrintToString(found);
  EXPECT_NE(found[0].find("'meter' is missing"), std::string::npos);
  EXPECT_NE(found[1].find("'start' is missing"), std::string::npos);
  EXPECT_NE(found[2].find("'segments' is missing"), std::string::npos);
  refused("meter: {}\nstart: 2026-01-01T00:00:00Z\nsegments: []\n", 3, "at least one segment");
  refused("meter: {}\nstart: 2026-01-01T00:00:00Z\nsegments: 3\n", 3, "must be a list");
}

TEST(Scenario, SectionsWithNothingInThemAreRefused) {
  const std::string rest = "start: 2026-01-01T00:00:00Z\nsegments: [{duration_s: 1, power_w: 1}]\n";
  refused("meter:\n" + rest, 1, "meter must be a mapping");
  refused("meter: {}\n" + rest + "initial:\n", 4, "initial must be a mapping");
  refused("meter: {}\n" + rest + "sampling: ~\n", 4, "sampling must be a mapping");
  refused("meter: {}\n" + rest + "events:\n", 4, "events must be a list");
  refused("meter: {}\nstart: 2026-01-01T00:00:00Z\nsegments:\n", 3, "segments must be a list");
  refused("meter: {demand: }\n" + rest, 1, "demand must be a mapping");
}

TEST(Scenario, ValueThatIsNotThereIsToldAtItsKey) {
  refused(
      "meter:\n  form:\n  mode: form\nstart: 2026-01-01T00:00:00Z\nsegments: [{duration_s: 1, power_w: 1}]\n",
      2, "form must be a word");
}

TEST(Scenario, FilesThatAreNoScenarioAreRefused) {
  refused("", 1, "empty");
  refused("# nothing\n", 1, "empty");
  refused("- a\n- b\n", 1, "must be a mapping");
  refused("just words", 1, "must be a mapping");
  refused("meter: {\n", 2, "");
  refused("a: [}\n", 1, "");
  refused("\x01\x02", 1, "");
  refused(std::string(kGood) + "---\nmeter: {}\n", 18, "one document");
}

TEST(Scenario, AllowedButOddIsRemarked) {
  const auto remarks = [](const std::string& yaml) { return testing::PrintToString(good(yaml).remarks); };
  EXPECT_EQ(remarks(kGood).find("aliased"), std::string::npos);
  EXPECT_NE(remarks(with("window_s: 900", "window_s: 600")).find("15 min"), std::string::npos);
  EXPECT_NE(remarks(with("FOCUS AXR-SD", "FOCUS AX")).find("no pulse recorder"), std::string::npos);
  EXPECT_NE(remarks(with("order: 1, rms_a", "order: 33, rms_a")).find("order 33 is aliased by 64"),
            std::string::npos);
  EXPECT_NE(remarks(with("method: sliding", "method: block")).find("subinterval_s has no effect"),
            std::string::npos);
  // 122 V and 118 V with 10 A on the first leg alone: 1220 W flow, 240 V * 5 A = 1200 W are seen.
  EXPECT_NE(remarks(with("rms_v: 120, angle_deg: 0}, {leg: L2, order: 1, rms_v: 120",
                         "rms_v: 122, angle_deg: 0}, {leg: L2, order: 1, rms_v: 118"))
                .find("sees 1200 W of the 1220 W"),
            std::string::npos);
}

}  // namespace
}  // namespace ami::amictl
