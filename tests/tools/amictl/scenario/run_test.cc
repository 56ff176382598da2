#include "tools/amictl/scenario/run.h"

#include <gtest/gtest.h>

#include "tools/amictl/scenario/picture.h"

namespace ami::amictl {
namespace {

using std::chrono::seconds;

Scenario scenario_of(const std::string& rest, const std::string& meter = "{}") {
  auto parsed = parse_scenario("meter: " + meter + "\nstart: 2026-01-15T00:00:00Z\n" + rest, "s.yaml");
  EXPECT_TRUE(parsed.ok()) << (parsed ? "" : parsed.error().message);
  return std::move(parsed).value();
}

ScenarioRun run_of(const Scenario& scenario) {
  auto run = run_scenario(scenario);
  EXPECT_TRUE(run.ok()) << (run ? "" : run.error().message);
  return std::move(run).value();
}

TEST(ScenarioRun, EventsCutSegmentsWithoutChangingTheirEnergy) {
  const std::string segment = "segments: [{duration_s: 1000, power_w: {ramp_from: -500, ramp_to: 7000}}]\n";
  const Scenario whole = scenario_of(segment);
  const Scenario cut = scenario_of(segment +
                                   "events: [{at_s: 0.000001, type: demand_reset}, {at_s: 333.333333, type: "
                                   "demand_reset}, {at_s: 999.999999, type: demand_reset}]\n");
  const ScenarioRun one = run_of(whole);
  const ScenarioRun many = run_of(cut);
  EXPECT_EQ(one.stretches.size(), 1U);
  EXPECT_EQ(many.stretches.size(), 4U);
  EXPECT_EQ(one.meter.metered(), many.meter.metered());
  EXPECT_EQ(many.meter.demand().resets, 3U);
}

TEST(ScenarioRun, EventsOfOneMomentFollowTheFile) {
  const ScenarioRun run =
      run_of(scenario_of("segments: [{duration_s: 7200, power_w: 1000}]\nevents: [{at_s: 3600, type: "
                         "tou_tier, tier: B}, {at_s: 3600, "
                         "type: tou_tier, tier: C}]\n"));
  EXPECT_EQ(run.meter.tiers().tier(0).delivered.wh(), 1000);
  EXPECT_EQ(run.meter.tiers().tier(1).delivered.wh(), 0);
  EXPECT_EQ(run.meter.tiers().tier(2).delivered.wh(), 1000);
  EXPECT_EQ(run.tiers, (std::set<char>{'A', 'B', 'C'}));
}

TEST(ScenarioRun, EventsAtTheEndOfTheRunStillHappen) {
  const ScenarioRun run = run_of(scenario_of(
      "segments: [{duration_s: 900, power_w: 4000}]\nevents: [{at_s: 900, type: demand_reset}]\n"));
  EXPECT_EQ(run.meter.demand().resets, 1U);
  EXPECT_EQ(run.meter.demand().previous.kw, 4) << "the interval that ends there is closed before";
  ASSERT_EQ(run.closed_maxima.size(), 1U);
  EXPECT_EQ(run.closed_maxima[0].maximum.kw, 4);
}

TEST(ScenarioRun, ResetThatIsLockedOutIsAFinding) {
  const ScenarioRun run = run_of(scenario_of(
      "segments: [{duration_s: 900, power_w: 4000}]\nevents: [{at_s: 100, type: demand_reset}, {at_s: "
      "200.5, type: demand_reset}]\n",
      "{demand: {reset_lockout_s: 2160000}}"));
  EXPECT_EQ(run.meter.demand().resets, 1U);
  ASSERT_EQ(run.findings.size(), 1U);
  EXPECT_EQ(run.findings[0].find("demand reset at 200.5 s was refused"), 0U) << run.findings[0];
}

TEST(ScenarioRun, RolloverOfARegisterIsAFinding) {
  const ScenarioRun run = run_of(
      scenario_of("initial: {delivered_wh: 99998000}\nsegments: [{duration_s: 3600, power_w: 5000}]\n"));
  EXPECT_EQ(run.meter.registers().delivered, "00003");
  ASSERT_EQ(run.findings.size(), 1U);
  EXPECT_NE(run.findings[0].find("kwh_delivered rolled over"), std::string::npos);
}

TEST(ScenarioRun, IntervalThatStillRunsHoldsTheRest) {
  const ScenarioRun run = run_of(scenario_of("segments: [{duration_s: 1260, power_w: 10000}]\n"));
  ASSERT_EQ(run.meter.intervals().size(), 1U);
  EXPECT_EQ(unclosed_interval(run).delivered.wh(), 1000);  // 6 minutes of 10 kW
}

TEST(Picture, ShowsTheMaximumAtItsTrueTime) {
  // Set forward by five minutes, the meter stamps 00:15 at ten minutes past.
  const Scenario scenario = scenario_of(
      "segments: [{duration_s: 600, power_w: 9000}, {duration_s: 3000, power_w: 0}]\nevents: [{at_s: 60, "
      "type: "
      "clock_set, by_s: 300}]\n");
  const Picture picture = picture_of(scenario, run_of(scenario));
  ASSERT_EQ(picture.maxima.size(), 1U);
  EXPECT_EQ(picture.maxima[0].at, seconds(600));
  EXPECT_EQ(picture.maxima[0].kw, 6);  // 1500 Wh over the programmed quarter-hour
  EXPECT_NE(picture.maxima[0].text.find("00:15 by the meter's clock"), std::string::npos)
      << picture.maxima[0].text;
  EXPECT_NE(picture.maxima[0].text.find("E34_EXPOSED: CLOCK_FORWARD"), std::string::npos);
}

TEST(Picture, OfAYearStaysSmall) {
  std::string yaml = "segments:\n";
  for (int day = 0; day < 365; ++day)
    yaml += "  - {duration_s: 86400, power_w: {sine_amplitude: 5000, period_s: 1800}}\n";
  const Scenario scenario = scenario_of(yaml);
  const ScenarioRun run = run_of(scenario);
  EXPECT_EQ(run.meter.intervals().size(), 365U * 96);
  const std::string svg = plot_svg(picture_of(scenario, run));
  EXPECT_LT(svg.size(), 1'000'000U);
}

TEST(Picture, DrawsOutagesThatTouchAsOne) {
  const Scenario scenario = scenario_of(
      "segments: [{duration_s: 60, power_w: 1}, {duration_s: 60, outage: true}, {duration_s: 60, outage: "
      "true}]\n");
  const Picture picture = picture_of(scenario, run_of(scenario));
  ASSERT_EQ(picture.outages.size(), 1U);
  EXPECT_EQ(picture.outages[0].first, seconds(60));
  EXPECT_EQ(picture.outages[0].second, seconds(180));
}

}  // namespace
}  // namespace ami::amictl
