// Messages of the vendor's gateway on their whole way: canonical values worked out by hand.
#include <gmock/gmock.h>

#include "adapters/twacs/family.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::twacs {
namespace {

using ::testing::UnorderedElementsAre;

class TwacsGolden : public testing::FamilyScene {
 protected:
  TwacsGolden() : FamilyScene(interfaces()) { meters = {{"TW1", 1}, {"TW2", 2}}; }
};

TEST_F(TwacsGolden, ElectricEnergyIsInWattHours) {
  EXPECT_THAT(message(shipped("twacs.yaml"), golden("twacs", "read.xml"), "2026-01-15T11:30:00Z"),
              UnorderedElementsAre("reg 1 multispeak:Energy 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh "
                                   "2026-01-15T11:00:00Z 34315482 []",
                                   "result TW1 op-4 /", "result TW2 op-4 /No response from transponder"));
}

// A read that did not come makes a result and no event; silence to a ping is told as silence.
TEST_F(TwacsGolden, AMeterThatDoesNotAnswerIsNotSaidToBeWithoutPower) {
  const auto feed = shipped("twacs.yaml");
  for (const std::string& line : message(feed, golden("twacs", "read.xml"), "2026-01-15T11:30:00Z"))
    EXPECT_FALSE(line.starts_with("event")) << line;
  const auto lines = message(feed, golden("twacs", "silence.xml"), "2026-01-15T17:00:00Z");
  EXPECT_THAT(
      lines,
      ::testing::IsSupersetOf(
          {::testing::StartsWith("event 1 POWER_UNKNOWN_NO_RESPONSE  2026-01-15T16:58:03Z \"OD/NoResponse\""),
           ::testing::StartsWith("event 2 RESTORATION 3.26.0.216 2026-01-15T16:58:40Z \"OD/PowerOn\""),
           ::testing::StartsWith("event 1 UNMAPPED  2026-01-15T16:59:00Z \"OD/Inferred\"")}));
  for (const std::string& line : lines) EXPECT_EQ(line.find(" OUTAGE "), std::string::npos) << line;
}

TEST_F(TwacsGolden, SilenceAnswersAPingAndNamesNoOutage) {
  const auto feed = shipped("twacs.yaml");
  const DecodedBatch batch = feed.family->decode(feed.settings, golden("twacs", "silence.xml"),
                                                 parse_instant("2026-01-15T17:00:00Z").value());
  ASSERT_GE(batch.results.size(), 2U);
  const auto silent = feed.family->verdict(feed.settings, sdk::CommandKind::Ping, batch.results[0]);
  EXPECT_EQ(silent.state, sdk::AttemptState::Succeeded);
  EXPECT_EQ(silent.power, sdk::PowerState::NoAnswer);
  EXPECT_NE(silent.words.find("no outage"), std::string::npos) << silent.words;
  EXPECT_EQ(feed.family->verdict(feed.settings, sdk::CommandKind::Ping, batch.results[1]).power,
            sdk::PowerState::Powered);
}

}  // namespace
}  // namespace ami::twacs
