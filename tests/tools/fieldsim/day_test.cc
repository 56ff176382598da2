// A day of each network, on a night when the clocks change: what its adapter makes of what was posted and
// dropped is what the ledger says was sent, and nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "adapters/sdk/registration.h"
#include "tests/adapters/support/family_scene.h"
#include "tests/tools/fieldsim/support/field_run.h"
#include "tests/tools/fieldsim/support/said.h"

namespace ami::fieldsim {
namespace {

namespace fs = std::filesystem;
using testing::Said;

const std::string kNight = R"(
seed: 11
start: 2024-03-10T00:00:00Z
length: 1d
time_factor: 100000
)";

class Day : public ami::testing::FamilyScene {
 protected:
  Day() : FamilyScene(sdk::built_in_families()) {}

  void name_meters(const char* prefix, int count) {
    for (int i = 0; i < count; ++i) {
      char name[32];
      std::snprintf(name, sizeof name, "%s%08d", prefix, i);
      meters[name] = static_cast<MeterId>(meters.size() + 1);
    }
  }
  static std::string now() {
    return to_text(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  }
  Said callbacks(const std::string& feed) {
    const sdk::LoadedFeed loaded = shipped(feed);
    EXPECT_EQ(problems(loaded), "");
    Said said;
    for (const std::string& body : run.bodies)
      said.merge(testing::said_by_adapter(message(loaded, body, now()), meters));
    return said;
  }
  Said files(const sdk::LoadedFeed& feed, const std::string& where) {
    EXPECT_EQ(problems(feed), "");
    Said said;
    for (const auto& entry : fs::directory_iterator(run.folder / where)) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(in), {});
      said.merge(testing::said_by_adapter(file(feed, bytes, now()), meters));
      ++files_read;
    }
    return said;
  }
  static std::size_t count(const Said& said, const std::string& word) {
    return static_cast<std::size_t>(std::ranges::count_if(
        said, [&](const std::string& one) { return one.find(word) != std::string::npos; }));
  }

  testing::FieldRun run;
  int files_read = 0;
};

TEST_F(Day, GridstreamTellsRegistersIntervalsAndEventsByCallbacks) {
  name_meters("GS", 12);
  ASSERT_EQ(run.run(kNight + R"(
programme: {tiers: true}
fleet: {solar_share: 0.5, drift_ppm: 30}
networks:
  - {family: gridstream, meters: 12, batch: 4, callback: "@CALLBACK@", registers_every: 1h, lost: 0.1,
     duplicated: 0.1, late: 0.1, late_by: 2h, latency: {least: 1s, most: 90s}}
faults:
  - {fault: conflicting_interval, meters: 1, from: 3h, lasts: 2h}
  - {fault: missed_intervals, meters: 1, from: 3h, lasts: 2h}
  - {fault: spike, meters: 1, from: 5h, lasts: 15m, amount: 60000}
  - {fault: clock_off, meters: 1, from: 5h, lasts: 3h, amount: 600}
  - {fault: low_battery, meters: 2, from: 4h, lasts: 4h}
outages: [{share: 0.4, at: 6h, lasts: 40m}]
crossed: [{network: gridstream, pairs: 1, from: 10h, lasts: 2h}]
)"),
            "");
  const Said sent = testing::said_in_ledger(run.ledger, "sent");
  const Said lost = testing::said_in_ledger(run.ledger, "lost");
  EXPECT_EQ(callbacks("gridstream.yaml"), sent);
  EXPECT_TRUE(testing::said_in_ledger(run.ledger, "unsure").empty());
  // What was lost did not come by another way: it is missing, not zero.
  EXPECT_FALSE(testing::without(lost, sent).empty());
  // 12 meters, 96 slots, two channels; eight slots of one missing, eight of another told twice. A slow clock
  // has not come to its last slot yet, and a clock that is set tells one more or less.
  Said all = sent;
  all.merge(Said(lost));
  EXPECT_GE(count(all, "int "), 12U * 96 * 2 - 2 * 8 + 8 - 2 * 12 - 8);
  EXPECT_LE(count(all, "int "), 12U * 96 * 2 - 2 * 8 + 8 + 8);
  EXPECT_GT(count(sent, "OUTAGE"), 0U);
  EXPECT_GT(count(sent, "RESTORATION"), 0U);
  EXPECT_GT(count(sent, "LOW_BATTERY "), 0U);
  EXPECT_GT(count(sent, "0.0.0.9.1.1.12.0.0.0.0.3"), 0U);  // tier C
}

TEST_F(Day, Ts2CatchesUpWithFilesWhatCallbacksLost) {
  name_meters("TS", 10);
  fs::create_directory(run.folder / "in");
  ASSERT_EQ(run.run(kNight + R"(
networks:
  - {family: ts2, meters: 10, batch: 1, callback: "@CALLBACK@", report_every: 1h, lost: 0.3, files: in, catch_up: 6h}
)"),
            "");
  const Said sent = testing::said_in_ledger(run.ledger, "sent");
  Said came = callbacks("ts2.yaml");
  const std::size_t by_callback = came.size();
  const sdk::LoadedFeed feed =
      shipped_without("gridstream-files.yaml", {"zone", "family"}, "zone: UTC\nfamily: ts2\n");
  came.merge(files(feed, "in"));
  EXPECT_EQ(came, sent);
  EXPECT_GT(came.size(), by_callback);
  EXPECT_GT(files_read, 0);
  // 24 hours of 10 meters: delivered, received; the maximum from when there is one. A file may get lost, too,
  // and the next one has it; of the last six hours nothing comes any more.
  const Said lost = testing::without(testing::said_in_ledger(run.ledger, "lost"), sent);
  EXPECT_EQ(count(sent, "0.0.0.1.1.1.12") + count(lost, "0.0.0.1.1.1.12"), 240U);
  EXPECT_EQ(count(sent, "int "), 0U);
}

TEST_F(Day, TwacsTellsElectricityByCallbacksAndWaterAndGasByFiles) {
  name_meters("TW", 6);
  name_meters("WT", 3);
  name_meters("GT", 2);
  fs::create_directory(run.folder / "ports");
  ASSERT_EQ(run.run(kNight + R"(
networks:
  - {family: twacs, meters: 6, callback: "@CALLBACK@", report_every: 4h, zone: America/Toronto, water: 3, gas: 2,
     ports_folder: ports, duplicated: 0.5}
)"),
            "");
  const Said sent = testing::said_in_ledger(run.ledger, "sent");
  Said came = callbacks("twacs.yaml");
  const sdk::LoadedFeed feed =
      shipped_without("twacs-water.yaml", {"meters"},
                      "meters:\n  - {meter_type: \"3001\", commodity: water, unit: m3}\n"
                      "  - {meter_type: \"4001\", commodity: gas, unit: m3}\n");
  came.merge(files(feed, "ports"));
  EXPECT_EQ(came, sent);
  EXPECT_GT(count(sent, "0.0.0.1.1.9.58"), 6U);  // water, m3
  EXPECT_GT(count(sent, "0.0.0.1.1.7.58"), 4U);  // gas
  EXPECT_GE(files_read, 6);
}

TEST_F(Day, WhoIsBusyIsAskedAgainAndNothingIsLost) {
  name_meters("TS", 2);
  run.busy_answers = 2;
  ASSERT_EQ(run.run(kNight + R"(
networks: [{family: ts2, meters: 2, callback: "@CALLBACK@", report_every: 12h}]
)"),
            "");
  const Said sent = testing::said_in_ledger(run.ledger, "sent");
  EXPECT_EQ(callbacks("ts2.yaml"), sent);
  EXPECT_EQ(count(sent, "0.0.0.1.1.1.12"), 4U);
}

TEST_F(Day, WhoRefusesForGoodLeavesTheLedgerUnsure) {
  run.answers = false;
  ASSERT_EQ(run.run(kNight + R"(
networks: [{family: ts2, meters: 2, callback: "@CALLBACK@", report_every: 12h}]
)"),
            "");
  EXPECT_TRUE(testing::said_in_ledger(run.ledger, "sent").empty());
  EXPECT_EQ(count(testing::said_in_ledger(run.ledger, "unsure"), "0.0.0.1.1.1.12"), 4U);
}

TEST_F(Day, AStormLosesWhatIsToldInItAndNothingElse) {
  name_meters("TS", 1);
  ASSERT_EQ(run.run(kNight + R"(
networks: [{family: ts2, meters: 1, callback: "@CALLBACK@", report_every: 1h}]
storms: [{networks: [ts2], from: 5h, lasts: 3h, lost: 1}]
)"),
            "");
  const Said lost = testing::said_in_ledger(run.ledger, "lost");
  // At 05:00, 06:00 and 07:00.
  EXPECT_EQ(count(lost, "0.0.0.1.1.1.12"), 3U);
  EXPECT_EQ(count(lost, "T06:00:00Z") > 0, true);
  EXPECT_EQ(count(testing::said_in_ledger(run.ledger, "sent"), "0.0.0.1.1.1.12"), 21U);
}

}  // namespace
}  // namespace ami::fieldsim
