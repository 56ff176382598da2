// Water and gas of EMTR-3-FX ports: feed files that are wrong, files on their whole way, and reading on after
// a stop.
#include "adapters/twacs/port_files.h"

#include <gmock/gmock.h>

#include <set>

#include "adapters/twacs/family.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::twacs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class PortFilesFeed : public testing::FamilyScene {
 protected:
  PortFilesFeed() : FamilyScene(interfaces()) {
    meters = {{"W0001", 1}, {"W0002", 2}, {"G0003", 3}, {"W0007", 7}};
  }
};

constexpr const char* kHead =
    "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n";

TEST_F(PortFilesFeed, TheShippedFeedIsGoodAndHasNoCommands) {
  const auto feed = shipped("twacs-water.yaml");
  EXPECT_EQ(problems(feed), "");
  EXPECT_EQ(can(feed), "files registers");
  EXPECT_EQ(feed.family->plan(feed.settings, config_dir())->rules.stale_after, std::chrono::hours{12});
}

// Of the shipped table: type 2212 is water in cubic feet; any other type on port 2 is gas in hundreds of them
// (1234.5 ccf = 123450 ft3). What is older than twelve hours when it comes says so.
TEST_F(PortFilesFeed, AFileOfPortsInTheUnitsOfItsMeters) {
  const auto lines = file(shipped("twacs-water.yaml"), golden("twacs", "ports.csv"), "2026-11-01T18:00:00Z");
  EXPECT_THAT(
      lines,
      UnorderedElementsAre(
          "reg 1 delimited:emtr:1 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-01-15T17:00:00Z 23497.071 "
          "[2.10.0]",
          "reg 1 delimited:emtr:1 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-01-15T18:00:00Z 23497.085 "
          "[2.10.0]",
          "reg 2 delimited:emtr:3 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-07-15T16:00:00Z 50.0 "
          "[2.10.0] inactive",
          "reg 3 delimited:emtr:2 0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-01-15T17:30:00Z 123450 "
          "[2.10.0]",
          // 12 h 30 and 11 h 30 old; both showed 01:30 on the wall.
          "reg 7 delimited:emtr:1 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-11-01T05:30:00Z 7.5 "
          "[2.10.0]",
          "reg 7 delimited:emtr:1 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-11-01T06:30:00Z 7.6 []",
          "! W0006 unknown_meter"));
}

TEST_F(PortFilesFeed, AUnitThatMayBeTwoGallonsWaitsForTheSite) {
  const std::string table = "meters: [{commodity: water, unit: GAL}]\n";
  const std::string text = std::string(kHead) + "W0001,1,1,17,100,,,2026-01-15 17:00,,1\n";
  EXPECT_THAT(file(shipped_without("twacs-water.yaml", {"meters"}, table), text, "2026-01-15T18:00:00Z"),
              ElementsAre("! W0001 unknown_unit"));
  EXPECT_THAT(file(shipped_without("twacs-water.yaml", {"meters"}, table + R"(
assume:
  - assumed: "imperial: the water works"
    mapping:
      units:
        - {unit: GAL, commodity: water, reading_type: 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.130.0}
)"),
                   text, "2026-01-15T18:00:00Z"),
              ElementsAre("reg 1 delimited:emtr:1 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.130.0 ImpGal "
                          "2026-01-15T17:00:00Z 100 []"));
}

TEST_F(PortFilesFeed, AnUnknownTypeIsReadWhenTheTableGotItsLine) {
  const std::string raw = std::string(kHead) + "W0001,1,1,4040,7,,,2026-01-15 17:00,,1\n";
  EXPECT_THAT(message(shipped("twacs-water.yaml"), raw, "2026-01-15T18:00:00Z"),
              ElementsAre("! W0001 unknown_meter_type"));
  EXPECT_THAT(
      message(shipped_without("twacs-water.yaml", {"meters"},
                              "meters: [{meter_type: \"4040\", commodity: water, unit: m3}]\n"),
              raw, "2026-01-15T18:00:00Z"),
      ElementsAre(
          "reg 1 delimited:emtr:1 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.42.0 m3 2026-01-15T17:00:00Z 7 []"));
}

TEST_F(PortFilesFeed, WhatIsWrongInAFeedFileIsSaidWithItsLine) {
  EXPECT_THAT(problems(shipped_without("twacs-water.yaml", {"meters"})), HasSubstr("meters is required"));
  EXPECT_THAT(problems(shipped_without("twacs-water.yaml", {"meters"}, "meters: []\n")),
              HasSubstr("meters: is empty: no record could be read"));
  EXPECT_THAT(problems(shipped_without("twacs-water.yaml", {"meters"}, "meters: [{commodity: steam}]\n")),
              HasSubstr("is not one of: water, gas"));
  EXPECT_THAT(problems(shipped_without("twacs-water.yaml", {"meters"}, "meters: [{comodity: gas}]\n")),
              HasSubstr("the nearest known one is 'commodity'"));
  EXPECT_THAT(
      problems(shipped_without("twacs-water.yaml", {"columns"}, "columns: {device: \"\", time: \"\"}\n")),
      ::testing::AllOf(HasSubstr("device: cannot be left out"), HasSubstr("time: cannot be left out")));
  EXPECT_THAT(problems(shipped_without("twacs-water.yaml", {"delimiter"}, "delimiter: space\n")),
              HasSubstr("is not one of: comma, semicolon, tab, pipe, tilde"));
}

TEST_F(PortFilesFeed, ColumnsThatTheFileLacksAreLeftOutByAnEmptyName) {
  const auto feed =
      shipped_without("twacs-water.yaml", {"columns"},
                      "columns: {module: \"\", raw: \"\", scalar: \"\", local_time: \"\", active: \"\"}\n");
  EXPECT_EQ(problems(feed), "");
  EXPECT_THAT(
      file(feed, "Port,MeterSN,ReadingTime,ScaledRead,MeterTypeID\n1,W0001,2026-01-15 17:00,9,3001\n",
           "2026-01-15T18:00:00Z"),
      ElementsAre(
          "reg 1 delimited:emtr:1 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.42.0 m3 2026-01-15T17:00:00Z 9 []"));
}

TEST_F(PortFilesFeed, ReadingGoesOnAtAnySafeOffsetWithoutLossOrRepetition) {
  const auto feed = shipped("twacs-water.yaml");
  std::string text = kHead;
  for (int i = 0; i < 9; ++i)
    text += i % 4 == 3
                ? "W,1,1,2212,bad,,,2026-01-15 17:00,,1\n"
                : "W" + std::to_string(i) + ",1,1,2212," + std::to_string(i) + ",,,2026-01-15 17:00,,1\n";
  struct Given {
    std::vector<std::uint64_t> offsets, safe;
  };
  const auto read_from = [&](std::uint64_t committed, std::size_t chunk) {
    Given given;
    const auto reader = feed.family->file_reader(feed.settings);
    std::uint64_t at = reader->start_at(committed);
    EXPECT_EQ(at, 0U);  // the header is needed
    for (bool last = false; !last;) {
      DecodedBatch out;
      const auto part = std::make_shared<const std::string>(text.substr(at, chunk));
      last = at + part->size() >= text.size();
      const auto consumed = reader->read(part, at, last, out);
      EXPECT_TRUE(consumed.ok());
      std::set<std::uint64_t> found;
      for (const Observation& one : out.observations) found.insert(std::get<SeriesObservation>(one).offset);
      for (const MalformedRecord& one : out.malformed) found.insert(one.offset);
      given.offsets.insert(given.offsets.end(), found.begin(), found.end());
      given.safe.push_back(reader->safe_offset());
      at += consumed ? *consumed : part->size();
    }
    return given;
  };
  const Given whole = read_from(0, 60);
  EXPECT_EQ(whole.offsets.size(), 9U);
  EXPECT_EQ(whole.safe.back(), text.size());
  for (const std::uint64_t stop : std::set<std::uint64_t>(whole.safe.begin(), whole.safe.end())) {
    std::vector<std::uint64_t> expected;
    for (const std::uint64_t offset : whole.offsets)
      if (offset >= stop) expected.push_back(offset);
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{60}, std::size_t{100'000}})
      EXPECT_EQ(read_from(stop, chunk).offsets, expected) << stop << " " << chunk;
  }
}

TEST_F(PortFilesFeed, ADroppedFileIsStoredWithTheTimeOfItsReceipt) {
  const auto lines = dropped(shipped("twacs-water.yaml"), "Ports_01152020.csv",
                             std::string(kHead) + "W0001,1,1,2212,7,,,2020-01-15 17:00,2020-01-15 12:00,1\n");
  EXPECT_THAT(lines,
              ElementsAre(HasSubstr("reg 1 delimited:emtr:1 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0 ft3 "
                                    "2020-01-15T17:00:00Z 7 [2.10.0]")));
  EXPECT_TRUE(std::filesystem::exists(folder / "in" / "done" / "Ports_01152020.csv"));
}

TEST_F(PortFilesFeed, AFileOfAnotherKindIsRejectedWithTheReason) {
  EXPECT_THAT(dropped(shipped("twacs-water.yaml"), "page.html", "<html>\n<body/>\n</html>\n"),
              ElementsAre("!  missing_column"));
  EXPECT_TRUE(std::filesystem::exists(folder / "in" / "rejected" / "page.html"));
}

}  // namespace
}  // namespace ami::twacs
