// The same scenario and seed give the same ledger, another seed another.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/tools/fieldsim/support/field_run.h"

namespace ami::fieldsim {
namespace {

// Without what is the machine's: `wall`, `due`, and `sent`, the moment of the acknowledgement; in any order.
std::vector<std::string> told(const std::string& seed) {
  testing::FieldRun run;
  EXPECT_EQ(run.run("seed: " + seed + R"(
start: 2024-11-03T00:00:00Z
length: 12h
time_factor: 100000
fleet: {drift_ppm: 20}
networks:
  - {family: gridstream, meters: 6, batch: 2, callback: "@CALLBACK@", lost: 0.2, duplicated: 0.2, late: 0.1,
     latency: {least: 1s, most: 60s}}
  - {family: ts2, meters: 4, callback: "@CALLBACK@", report_every: 1h, lost: 0.2}
faults: [{fault: register_drop, meters: 2, from: 1h, lasts: 5h, amount: 100}]
outages: [{share: 0.3, at: 2h, lasts: 1h}]
)"),
            "");
  std::vector<std::string> lines = run.ledger;
  for (std::string& line : lines) {
    for (const char* key : {",\"wall\":\"", ",\"due\":\"", ",\"sent\":\""}) {
      const std::size_t at = line.find(key);
      if (at == std::string::npos) continue;
      line.erase(at, line.find('"', at + std::string_view(key).size()) - at + 1);
    }
  }
  std::ranges::sort(lines);
  return lines;
}

TEST(SameSeed, TellsTheSame) {
  const auto once = told("21");
  EXPECT_GT(once.size(), 300U);
  EXPECT_EQ(once, told("21"));
}

TEST(SameSeed, AndAnotherTellsOtherwise) {
  EXPECT_NE(told("21"), told("22"));
}

TEST(Books, HaveARowForEachMeterWithACellForEachColumn) {
  testing::FieldRun run;
  std::filesystem::create_directory(run.folder / "ports");
  ASSERT_EQ(run.run("start: 2024-03-10T00:00:00Z\nlength: 1h\ntime_factor: 100000\nnetworks:\n"
                    "  - {family: ts2, meters: 2, models: [FOCUS AX-SD]}\n"
                    "  - {family: twacs, meters: 1, water: 1, ports_folder: ports}\n"),
            "");
  const auto rows = testing::lines_of(run.folder / "meters.csv");
  ASSERT_EQ(rows.size(), 5U);
  for (const std::string& row : rows) EXPECT_EQ(std::ranges::count(row, ','), 17) << row;
  EXPECT_EQ(rows[1].substr(0, rows[1].find(',', 24)), "TS00000000,TS00000000,0000000001");
  EXPECT_NE(rows[1].find(",FOCUS AX-SD,2S,1.5,3,200,"), std::string::npos);
  EXPECT_NE(rows[1].find(",UP-TS00000000,America/Toronto,electricity,F1,T1,2024-03-10T00:00:00Z"),
            std::string::npos);
  EXPECT_EQ(rows[4].substr(0, 33), "WT00000000,WT00000000,WT00000000,");
  EXPECT_NE(rows[4].find(",,UP-WT00000000,America/Toronto,water,,,"), std::string::npos);
  std::ifstream ports(run.folder / "ports.json");
  const std::string text(std::istreambuf_iterator<char>(ports), {});
  EXPECT_NE(text.find("\"ts2\": {\"multispeak\": "), std::string::npos) << text;
}

}  // namespace
}  // namespace ami::fieldsim
