// What is wrong in a scenario is said with its line, and what would be right.
#include <gtest/gtest.h>

#include "tools/fieldsim/scenario/fleet.h"
#include "tools/fieldsim/scenario/scenario.h"

namespace ami::fieldsim {
namespace {

const UtcInstant kNow = parse_instant("2026-06-01T12:00:00Z").value();
const std::string kStart = "start: 2024-03-10T05:00:00Z\n";
const std::string kNetwork = "networks: [{family: ts2, meters: 4, models: [FOCUS AX]}]\n";

std::string problems(const std::string& yaml) {
  const ReadScenario out = read_scenario(yaml, "f.yaml", networks(), {}, kNow);
  if (!out.problems.empty()) return sdk::to_text(out.problems);
  return sdk::to_text(make_fleet(out.scenario).problems);
}

struct Bad {
  const char* name;
  std::string yaml;
  std::string line, words;
};

class BadScenario : public ::testing::TestWithParam<Bad> {};

TEST_P(BadScenario, IsSaidWithItsLine) {
  const std::string said = problems(GetParam().yaml);
  EXPECT_NE(said.find("f.yaml:" + GetParam().line + (GetParam().line.empty() ? "" : ": ")), std::string::npos)
      << said;
  EXPECT_NE(said.find(GetParam().words), std::string::npos) << said;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadScenario,
    ::testing::Values(
        Bad{"UnknownKey", kStart + "sead: 1\n" + kNetwork, "2", "seed"},
        Bad{"UnknownKeyOfANetwork", kStart + "networks:\n  - family: ts2\n    meters: 1\n    loss: 0.1\n",
            "5", "lost"},
        Bad{"NoNetworks", kStart, "", "networks is required"},
        Bad{"EmptyNetworks", kStart + "networks: []\n", "2", "at least one network"},
        Bad{"UnknownFamily", kStart + "networks: [{family: mesh, meters: 1}]\n", "2", "is not one of:"},
        Bad{"NoStart", kNetwork, "1", "either start or start_ago"},
        Bad{"TwoStarts", kStart + "start_ago: 1d\n" + kNetwork, "1", "either start or start_ago"},
        Bad{"StartInTheFuture", "start: 2026-06-01T13:00:00Z\n" + kNetwork, "1", "still to come"},
        Bad{"StartBeforeMeters", "start: 1999-01-01T00:00:00Z\n" + kNetwork, "1", "before virtual meters"},
        Bad{"StartWithoutZone", "start: 2024-03-10T05:00:00\n" + kNetwork, "1", "start"},
        Bad{"StartWithinAMinute", "start: 2024-03-10T05:00:01Z\n" + kNetwork, "1", "whole minute"},
        Bad{"NoLength", kStart + "length: 0s\n" + kNetwork, "2", "above zero"},
        Bad{"FactorZero", kStart + "time_factor: 0\n" + kNetwork, "2", "from 0.001 to 100000"},
        Bad{"FactorNoNumber", kStart + "time_factor: fast\n" + kNetwork, "2", "is not a number"},
        Bad{"FactorBeyondAnyNumber", kStart + "time_factor: 1e18\n" + kNetwork, "2", "is not a number"},
        Bad{"UnknownZone", kStart + "zone: America/Torronto\n" + kNetwork, "2", "America/Torronto"},
        Bad{"IntervalThatDividesNoDay", kStart + "programme: {interval: 7m}\n" + kNetwork, "2",
            "divide a day"},
        Bad{"NegativeKe", kStart + "programme: {ke_wh: -1}\n" + kNetwork, "2", "above zero"},
        Bad{"MoreDecimalsThanDigits", kStart + "programme: {digits: 2, decimals: 2}\n" + kNetwork, "2",
            "fewer than the digits"},
        Bad{"SolarWithoutReceived",
            kStart + "programme: {received: false}\nfleet: {solar_share: 0.5}\n" + kNetwork, "3",
            "received channel"},
        Bad{"ShareAboveOne", kStart + "fleet: {solar_share: 1.5}\n" + kNetwork, "2", "from 0 to 1"},
        Bad{"UnknownModel", kStart + "networks: [{family: ts2, meters: 1, models: [FOCUS BX]}]\n", "2",
            "FOCUS AXR-SD are possible"},
        Bad{"NoMeters", kStart + "networks: [{family: ts2, meters: 0}]\n", "2", "out of range"},
        Bad{"ReportEverySecond", kStart + "networks: [{family: ts2, meters: 1, report_every: 1s}]\n", "2",
            "whole minutes"},
        Bad{"KeyOfAnotherFamily", kStart + "networks: [{family: ts2, meters: 1, water: 2}]\n", "2",
            "a ts2 network has no such key"},
        Bad{"TwoNetworksOfAName", kStart + "networks: [{family: ts2, meters: 1}, {family: ts2, meters: 1}]\n",
            "2", "two networks are called"},
        Bad{"LatencyBackwards",
            kStart + "networks:\n  - {family: ts2, meters: 1, latency: {least: 5s, most: 1s}}\n", "3",
            "less than least"},
        Bad{"TailBelowMost",
            kStart +
                "networks:\n  - {family: ts2, meters: 1, latency: {least: 1s, most: 5s, tail_share: 0.1}}\n",
            "3", "less than most"},
        Bad{"UnknownFault", kStart + kNetwork + "faults: [{fault: wrong_kee, lasts: 1h}]\n", "3",
            "is not one of"},
        Bad{"FaultOfNoNetwork",
            kStart + kNetwork + "faults: [{fault: low_battery, network: ts3, lasts: 1h}]\n", "3",
            "nearest is"},
        Bad{"FaultWithoutEnd", kStart + kNetwork + "faults: [{fault: low_battery}]\n", "3",
            "lasts is required"},
        Bad{"FaultThatNoMeterCanHave",
            kStart + kNetwork + "faults: [{fault: wrong_ke, lasts: 1h, amount: 2}]\n", "3", "0 can have it"},
        Bad{"FaultOfTooManyMeters",
            kStart + kNetwork + "faults: [{fault: low_battery, meters: 5, lasts: 1h}]\n", "3",
            "5 meters are wanted, and 4"},
        Bad{"FaultWithoutAnAmount", kStart + kNetwork + "faults: [{fault: clock_off, lasts: 1h}]\n", "3",
            "changes nothing"},
        Bad{"FaultWithAnAmountTooMuch",
            kStart + kNetwork + "faults: [{fault: clock_off, lasts: 1h, amount: 100000}]\n", "3",
            "are possible"},
        Bad{"FaultOfANameThatIsNotThere",
            kStart + kNetwork + "faults: [{fault: low_battery, names: [TS00000009], lasts: 1h}]\n", "3",
            "of these names are there"},
        Bad{"TooManyPairs", kStart + kNetwork + "crossed: [{network: ts2, pairs: 3, lasts: 1h}]\n", "3",
            "3 pairs are wanted"},
        Bad{"OutageOfNoNetwork", kStart + kNetwork + "outages: [{networks: [mesh], lasts: 1h}]\n", "3",
            "no network is called"},
        Bad{"StormThatLosesTooMuch", kStart + kNetwork + "storms: [{lasts: 1h, lost: 2}]\n", "3",
            "from 0 to 1"},
        Bad{"NoMapping", "just words\n", "1", ""}, Bad{"BrokenYaml", "networks: [\n", "2", ""}),
    [](const auto& bad) { return bad.param.name; });

TEST(BadScenarioOfSeveral, AllProblemsAreSaidAtOnceInTheOrderOfTheirLines) {
  const std::string said = problems(kStart + "time_factor: 0\nprogramme: {ke_wh: 0}\n" + kNetwork);
  EXPECT_LT(said.find("f.yaml:2:"), said.find("f.yaml:3:"));
  EXPECT_NE(said.find("f.yaml:3:"), std::string::npos);
}

}  // namespace
}  // namespace ami::fieldsim
