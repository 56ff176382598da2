// What the meter's own events say of its values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/validation/facts.h"

namespace ami::validation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Full : Facts {
  Full() : channel(intervals("cmep:KWH")) {
    profile("full");
    fill_window(channel);
  }
  storage::ChannelId channel;
};

TEST(JudgedEvents, AnOutageMarksTheSlotsThatItTouches) {
  Full f;
  f.event("OUTAGE", "2026-01-15T10:05:00Z");
  f.event("RESTORATION", "2026-01-15T10:20:00Z");
  EXPECT_THAT(f.findings(), ElementsAre("V10 2.2.32 1 [2026-01-15T10:00:00Z 2026-01-15T10:30:00Z)"));
}

TEST(JudgedEvents, AnOutageThatHasNotEndedReachesOn) {
  Full f;
  f.event("OUTAGE", "2025-12-24T10:00:00Z");  // the last of its kind before the window
  EXPECT_THAT(f.findings("V10"), ElementsAre("V10 2.2.32 1 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)"));
  f.event("MODULE_RESTORATION", "2025-12-24T11:00:00Z");
  EXPECT_THAT(f.findings(), IsEmpty());
}

TEST(JudgedEvents, TheModulesLastGaspBeginsAnOutageToo) {
  Full f;
  f.event("LAST_GASP", "2026-01-15T10:00:00Z");
  f.event("OUTAGE", "2026-01-15T10:00:01Z");
  f.event("RESTORATION", "2026-01-15T10:15:00Z");
  EXPECT_THAT(f.findings(), ElementsAre("V10 2.2.32 1 [2026-01-15T10:00:00Z 2026-01-15T10:15:00Z)"));
}

TEST(JudgedEvents, EnergyBehindAnOpenSwitchIsASafetyEvent) {
  Full f;
  f.event("SWITCH_OPENED", "2026-01-15T10:00:00Z");
  f.event("SWITCH_ARMED", "2026-01-15T10:30:00Z");  // armed is not closed
  f.event("SWITCH_CLOSED", "2026-01-15T11:00:00Z");
  const auto found = f.judged().verdict.findings;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].advice, "SAFETY_EVENT");
  EXPECT_THAT(f.findings(), ElementsAre("V22 2.6.2 1 [2026-01-15T10:00:00Z 2026-01-15T11:00:00Z)"));
}

TEST(JudgedEvents, TestModeIsToBeLeftOutOfTheBill) {
  Full f;
  f.event("TEST_MODE_START", "2026-01-15T10:00:00Z");
  f.event("TEST_MODE_STOP", "2026-01-15T10:15:00Z");
  const auto found = f.judged().verdict.findings;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].advice, "EXCLUDE_FROM_BILLING");
  EXPECT_EQ(found[0].quality, code("2.4.5"));
}

TEST(JudgedEvents, AClockThatWasSetMarksItsSlotWithoutADirection) {
  Full f;
  f.event("CLOCK_ADJUSTED", "2026-01-15T10:01:00Z");
  EXPECT_THAT(f.findings(), ElementsAre("V11 2.4.9 1 [2026-01-15T10:00:00Z 2026-01-15T10:15:00Z)"));
}

TEST(JudgedEvents, WhatIsAboutTheMeterMarksNoValue) {
  Full f;
  f.event("RAM_ERROR", "2026-01-15T10:00:00Z");
  f.event("RAM_ERROR", "2026-01-15T11:00:00Z");
  f.event("ROM_ERROR", "2026-01-14T11:00:00Z");  // yesterday
  f.event("REVERSE_ENERGY", "2026-01-15T10:00:00Z");
  f.event("PROGRAM_SEAL_MISMATCH", "2026-01-15T10:00:00Z");
  EXPECT_THAT(f.findings(), ElementsAre("V05 2.1.7 0 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)",
                                        "V26 2.4.6 0 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)",
                                        "V13 2.3.4 0 [2026-01-15T10:00:00Z 2026-01-15T10:00:00Z)"));
  f.dial("cmep:GKWHREG", 19);  // a meter that measures what it receives
  EXPECT_THAT(f.findings("V13"), IsEmpty());
}

TEST(JudgedEvents, HeadEndNeitherMarksOutagesNorUse) {
  Full f;
  f.profile("head_end");
  f.event("OUTAGE", "2026-01-15T10:00:00Z");
  f.event("SWITCH_OPENED", "2026-01-15T10:00:00Z");
  f.event("RAM_ERROR", "2026-01-15T10:00:00Z");
  EXPECT_THAT(f.findings(), IsEmpty());
}

}  // namespace
}  // namespace ami::validation
