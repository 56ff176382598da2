// From a scenario to a fleet.
#include "tools/fieldsim/scenario/scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "tools/fieldsim/scenario/fleet.h"

namespace ami::fieldsim {
namespace {

using namespace std::chrono_literals;
using virtual_meter::Fault;
using virtual_meter::FaultKind;

const UtcInstant kNow = parse_instant("2026-06-01T12:34:56Z").value();

Scenario read(const std::string& yaml) {
  ReadScenario out = read_scenario(yaml, "f.yaml", networks(), {}, kNow);
  EXPECT_EQ(sdk::to_text(out.problems), "");
  return out.scenario;
}

Fleet fleet(const Scenario& scenario) {
  Fleet made = make_fleet(scenario);
  EXPECT_EQ(sdk::to_text(made.problems), "");
  return made;
}

const std::string kTwo = R"(
seed: 3
start: 2024-03-10T05:00:00Z
networks:
  - {family: gridstream, meters: 200, models: [FOCUS AX, FOCUS AXR-SD]}
  - {family: ts2, meters: 50, models: [FOCUS AX-SD]}
)";

TEST(Scenario, DefaultsAreThoseOfTheReferencePage) {
  const Scenario scenario = read("start: 2024-03-10T05:00:00Z\nnetworks: [{family: ts2, meters: 1}]\n");
  EXPECT_EQ(scenario.seed, 1U);
  EXPECT_EQ(scenario.time_factor, 60);
  EXPECT_FALSE(scenario.length);
  EXPECT_EQ(scenario.history, 6h);
  EXPECT_EQ(scenario.ledger, "ledger.jsonl");
  EXPECT_EQ(scenario.programme.ke_wh, (Decimal{12, -1}));
  ASSERT_EQ(scenario.networks.size(), 1U);
  EXPECT_EQ(scenario.networks[0].setup.name, "ts2");
  EXPECT_EQ(scenario.networks[0].report_every, 15min);
  EXPECT_EQ(scenario.networks[0].setup.batch, 100U);
  EXPECT_EQ(scenario.networks[0].setup.own.at("listen"), "127.0.0.1:0");
  EXPECT_FALSE(scenario.networks[0].setup.latency);
}

TEST(Scenario, AStartBeforeNowIsCutToTheHour) {
  EXPECT_EQ(read("start_ago: 2d\nnetworks: [{family: ts2, meters: 1}]\n").start,
            parse_instant("2026-05-30T12:00:00Z").value());
}

TEST(Scenario, TheCommandLineCounts) {
  Overrides overrides;
  overrides.time_factor = 7;
  overrides.ledger = "other.jsonl";
  overrides.base_dir = "/base";
  const auto out = read_scenario(kTwo, "f.yaml", networks(), overrides, kNow);
  EXPECT_EQ(out.scenario.time_factor, 7);
  EXPECT_EQ(out.scenario.ledger, "other.jsonl");
  EXPECT_EQ(out.scenario.networks[0].setup.base_dir, "/base");
}

TEST(Scenario, NamesNumbersAndModelsOfAFleet) {
  const Fleet made = fleet(read(kTwo));
  ASSERT_EQ(made.worlds.size(), 2U);
  EXPECT_EQ(made.worlds[0].meters.front().name, "GS00000000");
  EXPECT_EQ(made.worlds[0].meters.back().name, "GS00000199");
  EXPECT_EQ(made.worlds[1].meters.front().name, "TS00000000");
  std::set<std::uint32_t> numbers;
  int recorders = 0;
  for (const WorldPlan& world : made.worlds) {
    for (const MeterPlan& meter : world.meters) {
      EXPECT_TRUE(numbers.insert(meter.setup.number).second);
      if (meter.setup.model.recorder) ++recorders;
    }
  }
  // Half of 200 are drawn with a recorder; six standard deviations are 43.
  EXPECT_NEAR(recorders, 100, 43);
}

TEST(Scenario, TheSameSeedGivesTheSameFleetAndAnotherAnother) {
  const auto flat = [](const Fleet& made) {
    std::string text;
    for (const WorldPlan& world : made.worlds) {
      for (const MeterPlan& meter : world.meters) {
        text += std::string(meter.setup.model.name()) + std::to_string(meter.setup.premises.annual_kwh) +
                std::to_string(meter.setup.initial_delivered_kwh) + std::to_string(meter.setup.drift_ppb);
        for (const Fault& fault : meter.setup.faults)
          text += to_text(fault.from) + std::string(virtual_meter::info(fault.kind).name);
      }
    }
    return text;
  };
  const std::string more = kTwo +
                           "fleet: {drift_ppm: 50}\nfaults: [{fault: low_battery, meters: 9, lasts: 1h}]\n"
                           "outages: [{share: 0.3, lasts: 30m}]\n";
  EXPECT_EQ(flat(fleet(read(more))), flat(fleet(read(more))));
  std::string other = more;
  other.replace(other.find("seed: 3"), 7, "seed: 4");
  EXPECT_NE(flat(fleet(read(more))), flat(fleet(read(other))));
}

TEST(Scenario, FaultsAreGivenToMetersThatCanHaveThem) {
  const Fleet made = fleet(read(kTwo + R"(
faults:
  - {fault: jammed_switch, meters: 20, from: 1h, lasts: 2h}
  - {fault: wrong_ke, network: gridstream, meters: 10, from: 30m, lasts: 1d, amount: 2}
  - {fault: clock_off, names: [TS00000007], lasts: 1h, amount: 600}
crossed: [{network: ts2, pairs: 3, from: 2h, lasts: 1h}]
)"));
  std::map<FaultKind, int> count;
  for (const WorldPlan& world : made.worlds) {
    for (const MeterPlan& meter : world.meters) {
      for (const Fault& fault : meter.setup.faults) {
        ++count[fault.kind];
        if (fault.kind == FaultKind::JammedSwitch) {
          EXPECT_TRUE(meter.setup.model.disconnect);
        }
        if (fault.kind == FaultKind::WrongKe) {
          EXPECT_TRUE(meter.setup.model.recorder);
          EXPECT_EQ(world.network, "gridstream");
          EXPECT_EQ(fault.from, parse_instant("2024-03-10T05:30:00Z").value());
          EXPECT_EQ(fault.to, parse_instant("2024-03-11T05:30:00Z").value());
        }
        if (fault.kind == FaultKind::ClockOff) {
          EXPECT_EQ(meter.name, "TS00000007");
        }
        if (fault.kind == FaultKind::Crossed) {
          const auto& of = made.worlds[1].meters;
          const auto other =
              std::ranges::find_if(of, [&](const MeterPlan& one) { return one.setup.number == fault.other; });
          ASSERT_NE(other, of.end());
          EXPECT_TRUE(std::ranges::any_of(other->setup.faults, [&](const Fault& back) {
            return back.kind == FaultKind::Crossed && back.other == meter.setup.number;
          }));
        }
      }
    }
  }
  EXPECT_EQ(count, (std::map<FaultKind, int>{{FaultKind::WrongKe, 10},
                                             {FaultKind::Crossed, 6},
                                             {FaultKind::ClockOff, 1},
                                             {FaultKind::JammedSwitch, 20}}));
}

TEST(Scenario, OutagesComeInWavesOfAShare) {
  const Fleet made = fleet(read(kTwo + R"(
outages: [{networks: [gridstream], share: 0.25, at: 1h, spread: 10m, lasts: 20m, waves: 2, every: 2h}]
)"));
  int first = 0, second = 0;
  const UtcInstant start = parse_instant("2024-03-10T05:00:00Z").value();
  for (const MeterPlan& meter : made.worlds[0].meters) {
    for (const Fault& fault : meter.setup.faults) {
      EXPECT_EQ(fault.kind, FaultKind::Outage);
      EXPECT_GE(fault.to - fault.from, 10min);
      EXPECT_LE(fault.to - fault.from, 30min);
      const bool of_first = fault.from < start + 2h;
      ++(of_first ? first : second);
      EXPECT_GE(fault.from, start + (of_first ? 1h : 3h));
      EXPECT_LT(fault.from, start + (of_first ? 1h : 3h) + 10min);
    }
  }
  // Six standard deviations of 200 draws at a quarter are 37.
  EXPECT_NEAR(first, 50, 37);
  EXPECT_NEAR(second, 50, 37);
  for (const MeterPlan& meter : made.worlds[1].meters) EXPECT_TRUE(meter.setup.faults.empty());
}

TEST(Scenario, TheReferencePageIsWhatTheSchemaPrints) {
  std::ifstream file(std::string(std::getenv("AMI_SOURCE_DIR")) + "/docs/fieldsim.md", std::ios::binary);
  const std::string page(std::istreambuf_iterator<char>(file), {});
  const std::string printed = sdk::reference_page(scenario_schema(networks()));
  EXPECT_NE(page.find(printed.substr(printed.find("\n| key |"))), std::string::npos)
      << "docs/fieldsim.md ends with what fieldsim --schema prints, from the table on";
}

}  // namespace
}  // namespace ami::fieldsim
