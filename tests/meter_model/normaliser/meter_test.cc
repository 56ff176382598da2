#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scene.h"

namespace ami::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Meters, UnknownMeterQuarantinesTheRecordOnceAndLeavesItsNeighbours) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("GHOST", "KWHREG",
                  {{"1", "R", "2026-01-15T00:00:00Z", ""}, {"2", "R", "2026-01-15T01:00:00Z", ""}});
  scene.intervals("GHOST", "KWH", 900s, {{"1", "R", "2026-01-15T05:15:00Z", ""}});
  scene.registers("M1", "KWHREG", {{"3", "R", "2026-01-15T00:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(out.registers.size(), 1U);
  EXPECT_THAT(out.intervals, IsEmpty());
  EXPECT_THAT(reasons(out), ElementsAre("unknown_meter", "unknown_meter"));
  EXPECT_EQ(out.quarantined[0].meter, "GHOST");
  EXPECT_THAT(out.quarantined[0].detail, HasSubstr("2 of 2 values"));
}

TEST(Meters, ExchangeInsideARecordGivesEachSideItsOwnAndQuarantinesTheSlotBetween) {
  // The badge changes hands at 10:37. The slot 10:30 to 10:45 belongs to nobody.
  Scene scene;
  scene.meter("BADGE", 1, "", "2020-01-01T00:00:00Z", "2026-01-15T10:37:00Z");
  scene.meter("BADGE", 2, "", "2026-01-15T10:37:00Z");
  scene.intervals("BADGE", "KWH", 900s,
                  {{"1", "R", "2026-01-15T10:15:00Z", ""},
                   {"2", "R", "2026-01-15T10:30:00Z", ""},
                   {"3", "R", "2026-01-15T10:45:00Z", ""},
                   {"4", "R", "2026-01-15T11:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  const std::string type = " cmep:KWH 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh ";
  EXPECT_THAT(lines(out), ElementsAre("int 1" + type + "2026-01-15T10:00:00Z +900s 1000 [] R",
                                      "int 1" + type + "2026-01-15T10:15:00Z +900s 2000 [] R",
                                      "int 2" + type + "2026-01-15T10:45:00Z +900s 4000 [] R"));
  ASSERT_EQ(out.quarantined.size(), 1U);
  EXPECT_EQ(out.quarantined[0].reason, "alias_changed_inside_interval");
  EXPECT_THAT(out.quarantined[0].detail, HasSubstr("value 3 at 2026-01-15T10:45:00Z"));
}

TEST(Meters, ExchangeOnTheBoundaryCostsNoSlot) {
  Scene scene;
  scene.meter("BADGE", 1, "", "2020-01-01T00:00:00Z", "2026-01-15T10:30:00Z");
  scene.meter("BADGE", 2, "", "2026-01-15T10:30:00Z");
  scene.intervals("BADGE", "KWH", 900s,
                  {{"2", "R", "2026-01-15T10:30:00Z", ""}, {"3", "R", "2026-01-15T10:45:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(lines(out).size(), 2U);
  EXPECT_THAT(out.quarantined, IsEmpty());
}

TEST(Meters, SlotInWhichAnIdIsFirstAssignedBelongsToNobody) {
  Scene scene;
  scene.meter("BADGE", 1, "", "2026-01-15T10:37:00Z");
  scene.intervals("BADGE", "KWH", 900s,
                  {{"1", "R", "2026-01-15T10:30:00Z", ""},
                   {"2", "R", "2026-01-15T10:45:00Z", ""},
                   {"3", "R", "2026-01-15T11:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(lines(out).size(), 1U);
  EXPECT_THAT(reasons(out), ElementsAre("alias_changed_inside_interval", "unknown_meter"));
}

TEST(Meters, AnswerThatEndsWithoutTheIdChangingHandsIsNoExchange) {
  Scene scene;
  scene.meter("BADGE", 1, "2S", "2020-01-01T00:00:00Z", "2026-01-15T10:37:00Z");
  scene.meter("BADGE", 1, "2S", "2026-01-15T10:37:00Z");
  scene.intervals("BADGE", "KWH", 900s, {{"1", "R", "2026-01-15T10:45:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(lines(out).size(), 1U);
  EXPECT_THAT(out.quarantined, IsEmpty());
}

TEST(Meters, RegisterReadGoesToTheMeterOfItsOwnInstant) {
  Scene scene;
  scene.meter("BADGE", 1, "", "2020-01-01T00:00:00Z", "2026-01-15T10:37:00Z");
  scene.meter("BADGE", 2, "", "2026-01-15T10:37:00Z");
  scene.registers("BADGE", "KWHREG",
                  {{"9000", "R", "2026-01-15T10:36:59Z", ""}, {"3", "R", "2026-01-15T10:37:00Z", ""}});
  const NormalisedBatch out = scene.run();
  const std::string type = " cmep:KWHREG 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh ";
  // The new meter starts low: that is no register running backwards.
  EXPECT_THAT(lines(out), ElementsAre("reg 1" + type + "2026-01-15T10:36:59Z 9000000 [] R",
                                      "reg 2" + type + "2026-01-15T10:37:00Z 3000 [] R"));
}

}  // namespace
}  // namespace ami::testing
