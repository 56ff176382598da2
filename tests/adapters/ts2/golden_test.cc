#include <gmock/gmock.h>

#include "adapters/ts2/family.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::ts2 {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class Ts2Golden : public testing::FamilyScene {
 protected:
  Ts2Golden() : FamilyScene(interfaces()) { meters = {{"TS7", 7}}; }
};

// Asked in the night, answered hours later: the read keeps the time at which the meter was read.
TEST_F(Ts2Golden, AReadThatCameHoursLaterHasItsOwnTime) {
  EXPECT_THAT(message(shipped("ts2.yaml"), golden("ts2", "read.xml"), "2026-01-15T12:00:00Z"),
              UnorderedElementsAre("reg 7 multispeak:posKWh 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
                                   "2026-01-15T08:12:40Z 8120000 [] whole_kwh",
                                   "result TS7 op-9-late /"));
}

TEST_F(Ts2Golden, ArmedIsNotClosed) {
  const auto feed = shipped("ts2.yaml");
  const std::string bytes = golden("ts2", "armed.xml");
  EXPECT_THAT(
      message(feed, bytes, "2026-01-15T12:00:00Z"),
      UnorderedElementsAre("event 7 SWITCH_ARMED 3.31.0.11 2026-01-15T12:00:00Z \"CDStateChange/Armed\" \"\"",
                           "result TS7 cd-8 Armed/"));
  const DecodedBatch batch =
      feed.family->decode(feed.settings, bytes, parse_instant("2026-01-15T12:00:00Z").value());
  const auto verdict =
      feed.family->verdict(feed.settings, sdk::CommandKind::SwitchClose, batch.results.at(0));
  EXPECT_NE(verdict.state, sdk::AttemptState::Succeeded);
  EXPECT_EQ(verdict.position, sdk::SwitchPosition::Armed);
}

TEST_F(Ts2Golden, AFileOfRegisters) {
  const auto feed =
      shipped_without("gridstream-files.yaml", {"family", "name"}, "family: ts2\nname: ts2-files\n");
  EXPECT_THAT(
      file(feed, "ID~Meter~DateTime~kWh\r\nEMED01~TS7~07152026120000PM~9.75\r\n", "2026-07-16T00:00:00Z"),
      ElementsAre(
          "reg 7 lg-delimited:kWh 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-07-15T16:00:00Z 9750 []"));
}

}  // namespace
}  // namespace ami::ts2
