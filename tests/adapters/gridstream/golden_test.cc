// Messages and files of Command Center on their whole way: canonical values worked out by hand.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "adapters/gridstream/family.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::gridstream {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class GridstreamGolden : public testing::FamilyScene {
 protected:
  GridstreamGolden() : FamilyScene(interfaces()) { meters = {{"GS100", 1}, {"GS101", 2}}; }
};

// 03:30 of 8 March is the first half hour after Toronto's clocks went from 02:00 to 03:00: 07:30Z. The whole
// number 41207 is the reading value 41206.871 rounded, so that one counts.
TEST_F(GridstreamGolden, AReadWithABareTimeOnTheSpringNight) {
  EXPECT_THAT(
      message(shipped("gridstream.yaml"), golden("gridstream", "read.xml"), "2026-03-08T08:00:00Z"),
      UnorderedElementsAre(
          "reg 1 multispeak:negKWh 0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-03-08T07:30:00Z 12000 [] "
          "whole_kwh",
          "reg 1 multispeak:kW 8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0 W 2026-03-08T07:30:00Z 4125 [] "
          "@2026-03-02T23:15:00Z",
          "reg 1 multispeak:TOU:A:kWh 0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.0.72.0 Wh 2026-03-08T07:30:00Z 30000000 "
          "[]",
          "reg 1 multispeak:Energy 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-03-08T07:30:00Z 41206871 []",
          "reg 1 multispeak:Current Voltage 0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0 V 2026-03-08T07:30:00Z "
          "239.8 []",
          "result GS100 2s-1-t7v0u8 /", "result GS101 2s-1-t7v0u8 /Endpoint did not respond"));
}

// 3.0 writes no time: that of the receipt stands in.
TEST_F(GridstreamGolden, ASwitchReport) {
  EXPECT_THAT(
      message(shipped("gridstream.yaml"), golden("gridstream", "switched.xml"), "2026-01-15T17:00:05Z"),
      UnorderedElementsAre(
          "event 1 SWITCH_OPENED 3.31.0.68 2026-01-15T17:00:05Z \"CDStateChange/Disconnect\" \"\"",
          "result GS100 cd-7 Disconnect/"));
}

TEST_F(GridstreamGolden, AFileOfRegistersWholeAndInPieces) {
  const auto feed = shipped("gridstream-files.yaml");
  const std::string bytes = golden("gridstream", "registers.txt");
  const auto expected = UnorderedElementsAre(
      "reg 1 lg-delimited:kWh 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-03-08T07:30:00Z 41206871 []",
      "reg 1 lg-delimited:Peak 8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0 W 2026-03-08T07:30:00Z 4125 [] "
      "@2026-03-02T23:15:00Z",
      "reg 1 lg-delimited:TouA 0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.0.72.0 Wh 2026-03-08T07:30:00Z 30000500 []",
      "reg 1 lg-delimited:Volts 0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0 V 2026-03-08T07:30:00Z 239.8 []",
      "reg 1 lg-delimited:KWhRecv 0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-03-08T07:30:00Z 12250 []",
      "! GS999 unknown_meter", "! GS100 nonexistent_local_time");  // the clocks never showed 02:30
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{100}, std::size_t{1} << 20})
    EXPECT_THAT(file(feed, bytes, "2026-03-08T08:00:00Z", chunk), expected) << chunk;
}

TEST_F(GridstreamGolden, ADroppedFileIsStoredAndMovedAway) {
  const auto lines = dropped(
      shipped("gridstream-files.yaml"), "export.txt",
      "ID~Meter~DateTime~kWh\r\nEMED01~GS100~01152020120000AM~5\r\nMEPMD01~1~P~~~GS100~OK~E~KWH~1~000015~1~"
      "01152020120000AM~1~\r\n");
  EXPECT_THAT(lines, UnorderedElementsAre("reg 1 lg-delimited:kWh 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
                                          "2020-01-15T05:00:00Z 5000 []",
                                          "! GS100 record_type_not_enabled"));
  EXPECT_TRUE(std::filesystem::exists(folder / "in" / "done" / "export.txt"));
}

TEST_F(GridstreamGolden, IntervalsWhereTheSiteConfirmedTheirForm) {
  const std::string text =
      "ID~Meter~DateTime~kWh\r\nMEPMD01~1~P~~~GS100~OK~E~KWH~1~000015~2~01152026120000AM~~0.25~~0.5\r\n";
  EXPECT_THAT(
      file(shipped_without("gridstream-files.yaml", {"intervals"}, "intervals: status_then_value\n"), text,
           "2026-01-16T00:00:00Z"),
      ElementsAre("int 1 lg-delimited:KWH 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z +900 "
                  "250 500"));
}

TEST_F(GridstreamGolden, AFileThatWasCutSaysSoAndKeepsWhatWasWhole) {
  const auto lines =
      file(shipped("gridstream-files.yaml"),
           "ID~Meter~DateTime~kWh\r\nEMED01~GS100~01152026120000AM~5\r\nEMED01~GS1", "2026-01-16T00:00:00Z");
  EXPECT_THAT(
      lines,
      ElementsAre(
          "reg 1 lg-delimited:kWh 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 5000 []",
          "!  line_end_missing", ::testing::StartsWith("error line_end_missing: ")));
}

TEST_F(GridstreamGolden, AQuarantinedRecordIsReadAgain) {
  EXPECT_THAT(
      message(shipped("gridstream-files.yaml"), "ID~Meter~DateTime~kWh\nEMED01~GS100~01152026120000AM~5\n",
              "2026-01-16T00:00:00Z"),
      ElementsAre(
          "reg 1 lg-delimited:kWh 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 5000 []"));
}

// A real message of Command Center: its first-edition code and the vendor's word beside our kind.
TEST_F(GridstreamGolden, APowerFailureByCim) {
  const char* samples = std::getenv("AMI_SAMPLES_DIR");
  std::ifstream in(
      std::string(samples == nullptr ? "" : samples) + "/landisgyr/cim-enddeviceevent-sample.xml",
      std::ios::binary);
  if (!in) GTEST_SKIP() << "no samples beside the checkout";
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  meters = {{"abcde", 9}};
  EXPECT_THAT(
      message(shipped("gridstream-cim.yaml"), bytes, "2017-10-11T19:20:00Z"),
      ElementsAre("event 9 OUTAGE 3.26.0.47 2017-10-11T19:19:12.155436Z \"6.20.1.185\" \"POWER_FAIL\""));
}

TEST_F(GridstreamGolden, BytesThatAreNoMessageAreKeptWithAReason) {
  for (const char* bytes : {"", "<html/>", "\0\0", "<a><b></a>"})
    EXPECT_THAT(message(shipped("gridstream.yaml"), bytes, "2026-01-16T00:00:00Z"),
                ElementsAre("!  unreadable_message"))
        << bytes;
}

}  // namespace
}  // namespace ami::gridstream
