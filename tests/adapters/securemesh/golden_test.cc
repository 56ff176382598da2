// Messages and files on their whole way: canonical values worked out by hand.
#include <gmock/gmock.h>

#include "adapters/securemesh/family.h"
#include "adapters/securemesh/peer/meter_readings.h"
#include "adapters/wire/cim/codec/encode.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::securemesh {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;

class SecureMeshGolden : public testing::FamilyScene {
 protected:
  SecureMeshGolden() : FamilyScene(interfaces()) { meters = {{"TR100", 1}}; }
};

// kWh x 1000 = Wh; monthly spellings fold to the table of record; a voltage of phase A on a 2S meter is line
// to line (768); midnight of Toronto is 05:00Z.
const std::vector<std::string> kReadings{
    "reg 1 cim:13.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
    "2026-01-15T05:00:00Z 34315482 []",
    "reg 1 cim:13.0.0.1.19.1.12.0.0.0.0.0.0.0.0.3.72.0 0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
    "2026-01-15T05:00:00Z 12250 []",
    "reg 1 cim:13.0.0.9.1.1.12.0.0.0.0.1.0.0.0.3.72.0 0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.0.72.0 Wh "
    "2026-01-15T05:00:00Z 10000100 []",
    "reg 1 cim:13.0.0.9.1.1.12.0.0.0.0.2.0.0.0.3.72.0 0.0.0.9.1.1.12.0.0.0.0.2.0.0.0.0.72.0 Wh "
    "2026-01-15T05:00:00Z 20000200 []",
    "reg 1 cim:13.0.0.9.1.1.12.0.0.0.0.3.0.0.0.3.72.0 0.0.0.9.1.1.12.0.0.0.0.3.0.0.0.0.72.0 Wh "
    "2026-01-15T05:00:00Z 3000300 []",
    "reg 1 cim:13.0.0.9.1.1.12.0.0.0.0.4.0.0.0.3.72.0 0.0.0.9.1.1.12.0.0.0.0.4.0.0.0.0.72.0 Wh "
    "2026-01-15T05:00:00Z 1314882 []",
    "reg 1 cim:13.8.0.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0 8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0 W "
    "2026-01-12T23:30:00Z 4125 []",
    "reg 1 cim:0.0.0.6.0.1.54.0.0.0.0.0.0.0.128.0.29.0 0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0 V "
    "2026-01-15T05:00:00Z 239.8 []",
    "! TR999 unknown_meter",
};

TEST_F(SecureMeshGolden, ReadingsWithTheirResultsAndNothingOfARegisterThatWasNeverSet) {
  std::vector<std::string> expected = kReadings;
  expected.emplace_back("result TR100 2s-1-t7v0u8 /");
  expected.emplace_back("result TR999 2s-1-t7v0u8 /");
  EXPECT_THAT(
      message(shipped("securemesh.yaml"), golden("securemesh", "readings.xml"), "2026-01-15T05:00:11Z"),
      UnorderedElementsAreArray(expected));
}

TEST_F(SecureMeshGolden, TheSameAsAFileWholeAndInPieces) {
  std::vector<std::string> expected = kReadings;
  expected.emplace_back("result TR100 2s-1-t7v0u8 /");
  expected.emplace_back("result TR999 2s-1-t7v0u8 /");
  const auto feed = shipped("securemesh-files.yaml");
  const std::string bytes = golden("securemesh", "readings.xml");
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{100}, std::size_t{1} << 20}) {
    EXPECT_THAT(file(feed, bytes, "2026-01-15T05:00:11Z", chunk), UnorderedElementsAreArray(expected))
        << chunk;
  }
}

TEST_F(SecureMeshGolden, ADroppedFileIsStoredAndMovedAway) {
  const auto feed = shipped("securemesh-files.yaml");
  std::string bytes = golden("securemesh", "readings.xml");
  for (std::size_t at = 0; (at = bytes.find("2026-01-", at)) != std::string::npos;)
    bytes.replace(at, 8, "2020-01-");  // the host's virtual clock may stand before 2026
  EXPECT_THAT(dropped(feed, "a.xml", bytes), ::testing::Contains(HasSubstr("34315482")));
  EXPECT_TRUE(std::filesystem::exists(folder / "in" / "done" / "a.xml"));
}

TEST_F(SecureMeshGolden, EventsByTheTableOfRecordAndOthersUnmapped) {
  const auto lines =
      message(shipped("securemesh.yaml"), golden("securemesh", "events.xml"), "2026-01-15T05:00:11Z");
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_THAT(lines,
              UnorderedElementsAre(HasSubstr("event 1 OUTAGE "), HasSubstr("event 1 SWITCH_OPENED 3.31.0.68"),
                                   HasSubstr("event 1 UNMAPPED "), "! TR100 missing_time"));
}

TEST_F(SecureMeshGolden, ACutFileSaysSo) {
  const std::string bytes = golden("securemesh", "readings.xml");
  EXPECT_THAT(
      file(shipped("securemesh-files.yaml"), bytes.substr(0, bytes.size() / 2), "2026-01-15T05:00:11Z"),
      ElementsAre(HasSubstr("error truncated")));
}

// A meter of the reference engine's kind, written as this vendor's feed is, read back through the shipped
// feed.
TEST_F(SecureMeshGolden, WhatTheSimulatedFarSideWritesIsReadWithItsOwnNumbers) {
  using namespace std::chrono_literals;
  const UtcInstant midnight = parse_instant("2026-01-15T05:00:00Z").value();
  virtual_meter::Collected collected;
  collected.meter = "TR100";
  virtual_meter::Reading reading;
  reading.clock = midnight;
  reading.energy.delivered_kwh = {3'431'548, -2};
  reading.energy.received_kwh = Decimal{0, 0};
  collected.readings = {reading};
  collected.intervals = {{midnight + 15min, 151, 0, {}}, {midnight + 30min, 0, 2, {}}};
  const auto written = peer::meter_readings(collected);
  ASSERT_TRUE(written.ok()) << written.error().message;
  cim::Message carrier;
  carrier.kind = cim::Kind::Event;
  carrier.header.verb = "created";
  carrier.header.noun = "MeterReadings";
  carrier.meter_readings = {*written};
  // 151 and 2 pulses of 1.2 Wh are 181.2 and 2.4 Wh (a block has one exponent); the maximum that was never
  // set says nothing.
  EXPECT_THAT(
      message(shipped("securemesh.yaml"), cim::encode(carrier), "2026-01-15T06:00:00Z"),
      UnorderedElementsAre(
          "reg 1 cim:13.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
          "2026-01-15T05:00:00Z 34315480 []",
          "reg 1 cim:13.0.0.1.19.1.12.0.0.0.0.0.0.0.0.3.72.0 0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
          "2026-01-15T05:00:00Z 0 []",
          "int 1 cim:0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
          "2026-01-15T05:00:00Z +900 181.2 0.0",
          "int 1 cim:0.0.2.4.19.1.12.0.0.0.0.0.0.0.0.3.72.0 0.0.2.4.19.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
          "2026-01-15T05:00:00Z +900 0.0 2.4"));
}

TEST(SecureMeshPeer, AnIntervalWithoutACodeIsRefused) {
  virtual_meter::Collected collected;
  collected.meter = "TR100";
  collected.interval = std::chrono::minutes{7};
  collected.intervals.resize(1);
  EXPECT_FALSE(peer::meter_readings(collected).ok());
}

TEST(SecureMeshPeer, AMaximumStandsAtItsOwnTimeInWatts) {
  virtual_meter::Collected collected;
  collected.meter = "TR100";
  virtual_meter::Reading reading;
  reading.clock = parse_instant("2026-01-15T05:00:00Z").value();
  reading.demand.maximum.kw = {4125, -3};
  reading.demand.maximum.at = parse_instant("2026-01-12T23:30:00Z").value();
  collected.readings = {reading};
  const auto written = peer::meter_readings(collected);
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(written->readings.back().value, "4125");
  EXPECT_EQ(written->readings.back().time_stamp, "2026-01-12T23:30:00Z");
}

}  // namespace
}  // namespace ami::securemesh
