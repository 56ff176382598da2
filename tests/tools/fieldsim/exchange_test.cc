// A meter that is exchanged: until when it was there, what of it comes late, and what the new one says.
#include <gmock/gmock.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "tests/tools/fieldsim/support/field_run.h"
#include "tools/fieldsim/scenario/fleet.h"

namespace ami::fieldsim {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;

const UtcInstant kNow = parse_instant("2026-06-01T12:34:56Z").value();
const UtcInstant kStart = parse_instant("2024-01-15T00:00:00Z").value();
const UtcInstant kSwap = kStart + 10h + 37min;

const std::string kDay = R"(
seed: 5
start: 2024-01-15T00:00:00Z
length: 14h
time_factor: 100000
)";

std::string text(const json::object& line, const char* key) {
  return json::value_to<std::string>(line.at(key));
}
UtcInstant instant(const json::object& line, const char* key) {
  return parse_instant(text(line, key)).value();
}

class Exchange : public ::testing::Test {
 protected:
  void runs(const std::string& yaml) {
    ASSERT_EQ(run.run(yaml), "");
    for (const std::string& one : run.ledger) lines.push_back(json::parse(one).as_object());
  }
  std::vector<json::object> of(const std::string& kind, const std::string& meter) {
    std::vector<json::object> found;
    std::ranges::copy_if(lines, std::back_inserter(found), [&](const json::object& line) {
      return text(line, "kind") == kind && line.contains("meter") && text(line, "meter") == meter;
    });
    return found;
  }
  // Starts of the sent intervals.
  std::vector<UtcInstant> intervals(const std::string& meter) {
    std::vector<UtcInstant> starts;
    for (const json::object& block : of("interval_block", meter)) {
      for (std::size_t i = 0; i < block.at("values").as_array().size(); ++i)
        starts.push_back(instant(block, "start") + 15min * i);
    }
    std::ranges::sort(starts);
    return starts;
  }

  testing::FieldRun run;
  std::vector<json::object> lines;
};

TEST_F(Exchange, TheLedgerSaysWhichMeterWasThereUntilWhen) {
  runs(kDay + R"(
networks: [{family: gridstream, meters: 3, callback: "@CALLBACK@"}]
exchanges: [{names: [GS00000001], at: 637m}]
)");
  const auto told = of("action", "GS00000001");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(text(told[0], "action"), "exchange");
  EXPECT_EQ(text(told[0], "other"), "GS00000003");
  EXPECT_EQ(text(told[0], "usage_point"), "UP-GS00000001");
  EXPECT_EQ(instant(told[0], "at"), kSwap);
  EXPECT_EQ(text(told[0], "start_kwh"), "0");
  // The last register that it told, at 10:30, and what its dial showed seven minutes later.
  Decimal last{};
  for (const json::object& line : of("register", "GS00000001")) {
    EXPECT_LE(instant(line, "at"), kStart + 10h + 30min);
    if (text(line, "reading_type") == reading_type::kDelivered)
      last = std::max(last, Decimal::parse(text(line, "value")).value());
  }
  const Decimal end = Decimal::parse(text(told[0], "end_kwh")).value().shifted(3).value();
  EXPECT_GE(end, last);
  EXPECT_LT(end.minus(last).value(), (Decimal{5000, 0})) << "no home takes 5 kWh in seven minutes";
}

TEST_F(Exchange, TheOldMetersIntervalsEndAndTheNewOnesBegin) {
  runs(kDay + R"(
programme: {received: false}
fleet: {solar_share: 0}
networks: [{family: gridstream, meters: 2, callback: "@CALLBACK@"}]
exchanges: [{names: [GS00000000], at: 637m}]
)");
  const auto old = intervals("GS00000000"), fresh = intervals("GS00000002");
  EXPECT_EQ(old.size(), 42U) << "quarters from 00:00 to 10:30";
  EXPECT_EQ(old.back(), kStart + 10h + 15min);
  // Its first one was measured for eight minutes of fifteen.
  ASSERT_FALSE(fresh.empty());
  EXPECT_EQ(fresh.front(), kStart + 10h + 30min);
  EXPECT_EQ(fresh.size(), 14U) << "quarters from 10:30 to 14:00";
  for (const json::object& line : of("register", "GS00000002")) EXPECT_GE(instant(line, "at"), kSwap);
  EXPECT_EQ(intervals("GS00000001").size(), 56U) << "the neighbour goes on";
}

TEST_F(Exchange, WhatTheNetworkHadGatheredOfTheOldMeterComesAfterItIsGone) {
  runs(kDay + R"(
networks: [{family: gridstream, meters: 1, report_every: 1h, callback: "@CALLBACK@", late: 1, late_by: 90m}]
exchanges: [{names: [GS00000000], at: 637m}]
)");
  // At the report of 11:00 two quarters are waiting, and they are late on top of it.
  const auto blocks = of("interval_block", "GS00000000");
  const auto last = std::ranges::find_if(
      blocks, [](const json::object& block) { return instant(block, "start") == kStart + 10h; });
  ASSERT_NE(last, blocks.end());
  EXPECT_EQ(last->at("values").as_array().size(), 2U);
  EXPECT_GE(instant(*last, "sent"), kStart + 12h + 30min);
  EXPECT_EQ(text(*last, "delivery"), "sent");
  for (const json::object& line : of("register", "GS00000000")) EXPECT_LT(instant(line, "at"), kSwap);
}

TEST_F(Exchange, TheNewMeterIsInTheBooksAndAtNoPlaceYet) {
  runs(kDay + R"(
networks: [{family: ts2, meters: 1}]
exchanges: [{at: 637m}]
)");
  const auto books = testing::lines_of(run.folder / "meters.csv");
  ASSERT_EQ(books.size(), 3U);
  EXPECT_THAT(books[1], HasSubstr(",UP-TS00000000,"));
  EXPECT_THAT(books[2], HasSubstr("TS00000001,TS00000001,"));
  EXPECT_THAT(books[2], ::testing::Not(HasSubstr("UP-")));
}

TEST_F(Exchange, WhoIsAskedForAMeterThatIsGoneHasNoAnswer) {
  run.during = [this](Simulation& simulation) -> sdk::Awaitable<void> {
    while (simulation.clock().now() < kSwap + 1h) co_await run.moment();
    const World& world = simulation.shown().front().world;
    EXPECT_FALSE(world.find("TS00000000"));
    EXPECT_TRUE(world.find("TS00000001"));
  };
  runs(kDay + R"(
networks: [{family: ts2, meters: 1, report_every: 15m}]
exchanges: [{at: 637m}]
)");
}

Fleet fleet(const std::string& yaml) {
  ReadScenario out = read_scenario(kDay + yaml, "f.yaml", networks(), {}, kNow);
  EXPECT_EQ(sdk::to_text(out.problems), "");
  return make_fleet(out.scenario);
}

TEST(ExchangeOrder, DrawsSoManyOfANetworkAndChangesNobodyElse) {
  const std::string two = R"(
networks:
  - {family: gridstream, meters: 20}
  - {family: ts2, meters: 20}
faults: [{fault: low_battery, meters: 9, lasts: 1h}]
outages: [{share: 0.5, at: 10h, lasts: 2h}]
)";
  const Fleet before = fleet(two);
  const Fleet after = fleet(two + "exchanges: [{network: ts2, meters: 4, at: 637m}]\n");
  ASSERT_TRUE(after.problems.empty());
  EXPECT_EQ(after.worlds[0].meters.size(), 20U);
  ASSERT_EQ(after.worlds[1].meters.size(), 24U);
  std::map<std::string, const MeterPlan*> by_name;
  for (const MeterPlan& meter : after.worlds[1].meters) by_name[meter.name] = &meter;
  int removed = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    const MeterPlan& was = before.worlds[1].meters[i];
    const MeterPlan& is = after.worlds[1].meters[i];
    EXPECT_EQ(is.name, was.name);
    EXPECT_EQ(is.setup.faults.size(), was.setup.faults.size());
    if (!is.removed) continue;
    ++removed;
    EXPECT_EQ(is.removed, kSwap);
    const MeterPlan& fresh = *by_name.at(is.follower);
    EXPECT_EQ(fresh.installed, kSwap);
    EXPECT_EQ(fresh.setup.start, kSwap);
    EXPECT_EQ(fresh.setup.model.name(), is.setup.model.name());
    EXPECT_NE(fresh.setup.number, is.setup.number);
    // The outage is the place's, the battery was the meter's.
    for (const auto& fault : fresh.setup.faults) EXPECT_EQ(fault.kind, virtual_meter::FaultKind::Outage);
  }
  EXPECT_EQ(removed, 4);
}

TEST(ExchangeOrder, MoreThanThereAreAndCrossedOnesAreSaidWithTheLine) {
  EXPECT_THAT(sdk::to_text(fleet("networks: [{family: ts2, meters: 2}]\nexchanges: [{meters: 3, at: 1h}]\n").problems),
              HasSubstr("f.yaml:7: exchanges: 3 meters are wanted, and 2 of them can be exchanged"));
  EXPECT_THAT(sdk::to_text(fleet("networks: [{family: ts2, meters: 2}]\ncrossed: [{network: ts2, lasts: 1h}]\n"
                                 "exchanges: [{names: [TS00000000], at: 1h}]\n")
                               .problems),
              HasSubstr("0 of them can be exchanged"));
  EXPECT_THAT(sdk::to_text(fleet("networks: [{family: ts2, meters: 2}]\n"
                                 "exchanges: [{names: [TS00000000], at: 1h}, {names: [TS00000000], at: 2h}]\n")
                               .problems),
              HasSubstr("once"));
}

TEST(ExchangeOrder, WhatCannotBeIsAProblemOfTheScenario) {
  const auto problem = [](const std::string& yaml) {
    return sdk::to_text(
        read_scenario(kDay + "networks: [{family: ts2, meters: 2}]\nexchanges: " + yaml, "f.yaml", networks(), {}, kNow)
            .problems);
  };
  EXPECT_THAT(problem("[{}]\n"), HasSubstr("at"));
  EXPECT_THAT(problem("[{at: 0s}]\n"), HasSubstr("must be above zero"));
  EXPECT_THAT(problem("[{at: 1500ms}]\n"), HasSubstr("whole seconds"));
  EXPECT_THAT(problem("[{at: 1h, network: ts3}]\n"), HasSubstr("nearest is \"ts2\""));
  EXPECT_THAT(problem("[{at: 1h, meters: 0}]\n"), HasSubstr("meters"));
}

}  // namespace
}  // namespace ami::fieldsim
