// The message interface of FlexNet: what a feed can do, and messages on their whole way.
#include <gmock/gmock.h>

#include "adapters/flexnet/family.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::flexnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class FlexnetMessages : public testing::FamilyScene {
 protected:
  FlexnetMessages() : FamilyScene(interfaces()) { meters = {{"FN1", 3}}; }
};

TEST_F(FlexnetMessages, TheShippedFeedReadsRegistersPingsAndSwitchesArmIncluded) {
  const auto feed = shipped("flexnet-multispeak.yaml");
  EXPECT_EQ(problems(feed), "");
  EXPECT_EQ(feed.settings.text("version"), "4.1");
  EXPECT_EQ(can(feed), "pushed registers events read ping open close arm state");
}

TEST_F(FlexnetMessages, TheFirstInterfaceIsStillTheFiles) {
  const auto feed = shipped("flexnet.yaml");
  EXPECT_EQ(feed.family->info().key, "cmep");
  EXPECT_EQ(can(feed), "files registers intervals");
}

TEST_F(FlexnetMessages, OlderHeadEndsSpeak30) {
  const auto feed = shipped_without("flexnet-multispeak.yaml", {"version"}, "version: \"3.0\"\n");
  EXPECT_EQ(problems(feed), "");
  EXPECT_THAT(problems(shipped_without("flexnet-multispeak.yaml", {"version"}, "version: \"5.0\"\n")),
              HasSubstr("is not one of: 4.1, 3.0"));
}

TEST_F(FlexnetMessages, ARoleThatIsLeftOutTakesItsCommandsAway) {
  EXPECT_EQ(can(shipped_without("flexnet-multispeak.yaml", {"cd"})), "pushed registers events read ping");
  EXPECT_EQ(can(shipped_without("flexnet-multispeak.yaml", {"od", "ping"})),
            "pushed registers events read open close arm state");
  EXPECT_EQ(can(shipped_without("flexnet-multispeak.yaml", {"mr"})),
            "pushed registers events ping open close arm state");
}

TEST_F(FlexnetMessages, AReadAndAFieldThatOnlyTheSiteKnows) {
  EXPECT_THAT(
      message(shipped("flexnet-multispeak.yaml"), golden("flexnet", "read.xml"), "2026-01-15T17:01:00Z"),
      UnorderedElementsAre(
          "reg 3 multispeak:kWh 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T17:00:00Z "
          "720113 []",
          "result FN1 op-2 /", "! FN1 unknown_unit"));
  const auto assuming = shipped("flexnet-multispeak.yaml", R"(
assume_version: 2
assume:
  - assumed: "field kWhR of the read template"
    mapping:
      units:
        - {unit: kWh, measure: readingValue, channel: kWhR, kind: register,
           reading_type: 0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.3.72.0}
)");
  EXPECT_THAT(message(assuming, golden("flexnet", "read.xml"), "2026-01-15T17:01:00Z"),
              UnorderedElementsAre(
                  "reg 3 multispeak:kWh 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T17:00:00Z "
                  "720113 []",
                  "reg 3 multispeak:kWhR 0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T17:00:00Z "
                  "3500 []",
                  "result FN1 op-2 /"));
}

TEST_F(FlexnetMessages, OutageAndRestorationKeepTheVendorsWords) {
  EXPECT_THAT(
      message(shipped("flexnet-multispeak.yaml"), golden("flexnet", "restored.xml"), "2026-01-15T17:46:00Z"),
      ElementsAre(::testing::StartsWith("event 3 OUTAGE 3.26.0.47 2026-01-15T17:05:00Z \"OD/Outage\" \""),
                  ::testing::StartsWith(
                      "event 3 RESTORATION 3.26.0.216 2026-01-15T17:45:30Z \"OD/Restoration\" \"")));
}

TEST_F(FlexnetMessages, ArmedAnswersAnOrderToArmAndNoneToClose) {
  const auto feed = shipped("flexnet-multispeak.yaml");
  const DecodedBatch batch = feed.family->decode(feed.settings, golden("flexnet", "armed.xml"),
                                                 parse_instant("2026-01-15T18:00:00Z").value());
  ASSERT_EQ(batch.results.size(), 1U);
  const auto to = [&](sdk::CommandKind kind) {
    return feed.family->verdict(feed.settings, kind, batch.results[0]);
  };
  EXPECT_EQ(to(sdk::CommandKind::SwitchArm).state, sdk::AttemptState::Succeeded);
  // Not closed, and no end: a head-end tells Armed before what was ordered has come about.
  EXPECT_EQ(to(sdk::CommandKind::SwitchClose).state, sdk::AttemptState::Unknown);
  EXPECT_EQ(to(sdk::CommandKind::SwitchClose).position, sdk::SwitchPosition::Armed);
}

}  // namespace
}  // namespace ami::flexnet
