#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scene.h"

namespace ami::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Events, MappedEventCarriesOurKindAndTheVendorsWords) {
  Scene scene;
  scene.meter("M1", 1);
  scene.event("M1", "POWER_OFF", "primary power lost", "2026-01-15T05:00:00.250Z");
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.events.size(), 1U);
  const EventReading& event = out.events[0];
  EXPECT_EQ(event.meter, 1);
  EXPECT_EQ(event.at, *parse_instant("2026-01-15T05:00:00Z") + std::chrono::milliseconds{250});
  EXPECT_EQ(event.kind, "OUTAGE");
  EXPECT_EQ(event.code, "3.26.0.47");
  EXPECT_EQ(event.vendor, "test");
  EXPECT_EQ(event.raw_code, "POWER_OFF");
  EXPECT_EQ(event.raw_text, "primary power lost");
  EXPECT_EQ(out.unmapped_events, 0U);
}

TEST(Events, UnmappedEventIsKeptAndCounted) {
  Scene scene;
  scene.meter("M1", 1);
  scene.event("M1", "SOMETHING_NEW", "words", "2026-01-15T05:00:00Z");
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(lines(out), ElementsAre("event 1 2026-01-15T05:00:00Z UNMAPPED  SOMETHING_NEW"));
  EXPECT_EQ(out.unmapped_events, 1U);
}

TEST(Events, WithoutAUsableTimeOrMeterAreQuarantined) {
  Scene scene;
  scene.meter("M1", 1);
  scene.rules.zone.reset();
  scene.event("M1", "POWER_OFF", "", "");
  scene.event("M1", "POWER_OFF", "", "2026-01-15T05:00:00");
  scene.event("M1", "POWER_OFF", "", "2069-01-15T05:00:00Z");
  scene.event("M1", "POWER_OFF", "", "1970-01-01T00:00:00Z");
  scene.event("GHOST", "POWER_OFF", "", "2026-01-15T05:00:00Z");
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(out.events, IsEmpty());
  EXPECT_THAT(reasons(out),
              ElementsAre("missing_time", "no_zone", "time_before_epoch", "time_in_future", "unknown_meter"));
  EXPECT_EQ(out.quarantined[0].raw, "raw event");
}

}  // namespace
}  // namespace ami::testing
