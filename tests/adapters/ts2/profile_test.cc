#include <gmock/gmock.h>

#include "adapters/ts2/family.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::ts2 {
namespace {

using ::testing::HasSubstr;

class Ts2 : public testing::FamilyScene {
 protected:
  Ts2() : FamilyScene(interfaces()) {}
};

TEST_F(Ts2, TheShippedFeedReadsPingsResetsAndSwitches) {
  const auto feed = shipped("ts2.yaml");
  EXPECT_EQ(problems(feed), "");
  EXPECT_EQ(can(feed), "pushed registers intervals events read ping reset backfill open close state");
}

TEST_F(Ts2, ItsExpiryIsHoursAndItsOwn) {
  const auto shipped_feed = shipped("ts2.yaml");
  EXPECT_EQ(shipped_feed.family->command_limits(shipped_feed.settings).expiry, std::chrono::hours{4});
  EXPECT_EQ(shipped_feed.family->command_limits(shipped_feed.settings).grace, std::chrono::minutes{10});
  const auto left_out = shipped_without("ts2.yaml", {"expiry", "targets"});
  EXPECT_EQ(left_out.family->command_limits(left_out.settings).expiry, std::chrono::hours{4});
  EXPECT_EQ(left_out.family->command_limits(left_out.settings).targets, 20U);
  const auto own = shipped_without("ts2.yaml", {"expiry"}, "expiry: 12h\n");
  EXPECT_EQ(own.family->command_limits(own.settings).expiry, std::chrono::hours{12});
}

TEST_F(Ts2, ARoleThatIsLeftOutTakesItsCommandsAway) {
  EXPECT_EQ(can(shipped_without("ts2.yaml", {"cd"})),
            "pushed registers intervals events read ping reset backfill");
  EXPECT_EQ(can(shipped_without("ts2.yaml", {"mr"})), "pushed registers intervals events open close state");
}

TEST_F(Ts2, ArmingAndEvidenceAreRefusedWithTheReason) {
  EXPECT_THAT(problems(shipped("ts2.yaml", "arm_word: Arm\n")),
              HasSubstr("arming is not stated for this family"));
  EXPECT_THAT(problems(shipped("ts2.yaml", "switch_evidence: a letter\n")), HasSubstr("is of no use here"));
}

TEST_F(Ts2, FilesAreThoseOfCommandCenter) {
  const auto files =
      shipped_without("gridstream-files.yaml", {"family", "name"}, "family: ts2\nname: ts2-files\n");
  EXPECT_EQ(problems(files), "");
  EXPECT_EQ(can(files), "files registers");
  EXPECT_EQ(files.family->info().family, "ts2");
}

}  // namespace
}  // namespace ami::ts2
