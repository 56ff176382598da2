#include "daemon/host/simulated_time.h"

#include <gtest/gtest.h>

namespace ami::daemon {
namespace {

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}

TEST(SimulatedTime, RunsAsOftenAsFastFromTheMomentItBegan) {
  const SimulatedTime time{at("2026-10-25T01:00:00Z"), at("2026-11-24T01:30:00Z"), 360};
  EXPECT_EQ(time.at(at("2026-11-24T01:29:00Z")), at("2026-10-25T01:00:00Z")) << "it stands until then";
  EXPECT_EQ(time.at(at("2026-11-24T01:30:00Z")), at("2026-10-25T01:00:00Z"));
  EXPECT_EQ(time.at(at("2026-11-24T01:30:10Z")), at("2026-10-25T02:00:00Z"));
  EXPECT_EQ(time.at(at("2026-11-24T01:34:00Z")), at("2026-10-26T01:00:00Z"));
}

TEST(SimulatedTime, IsNeverLaterThanTheMachines) {
  const SimulatedTime time{at("2026-11-24T01:00:00Z"), at("2026-11-24T01:30:00Z"), 100'000};
  EXPECT_EQ(time.at(at("2026-11-24T01:30:01Z")), at("2026-11-24T01:30:01Z"));
  EXPECT_EQ(time.at(at("2029-11-24T01:30:00Z")), at("2029-11-24T01:30:00Z"));
  const SimulatedTime ahead{at("2030-01-01T00:00:00Z"), at("2026-11-24T01:30:00Z"), 2};
  EXPECT_EQ(ahead.at(at("2026-11-24T01:20:00Z")), at("2026-11-24T01:20:00Z"));
  EXPECT_EQ(ahead.at(at("2026-11-24T01:40:00Z")), at("2026-11-24T01:40:00Z"));
}

TEST(SimulatedTime, IsReadAndWhatIsWrongIsSaid) {
  const auto time = parse_simulated_time("2026-10-25T01:00:00Z,1.5,2026-11-24T01:30:00Z");
  ASSERT_TRUE(time.ok());
  EXPECT_EQ(time->start, at("2026-10-25T01:00:00Z"));
  EXPECT_EQ(time->began, at("2026-11-24T01:30:00Z"));
  EXPECT_EQ(time->factor, 1.5);
  for (const char* bad : {"", "2026-10-25T01:00:00Z", "2026-10-25T01:00:00Z,360", ",,", "2026-10-25T01:00:00Z,,2026-11-24T01:30:00Z",
                          "2026-10-25T01:00:00Z,0,2026-11-24T01:30:00Z", "2026-10-25T01:00:00Z,0.5,2026-11-24T01:30:00Z",
                          "2026-10-25T01:00:00Z,nan,2026-11-24T01:30:00Z", "2026-10-25T01:00:00Z,inf,2026-11-24T01:30:00Z",
                          "2026-10-25T01:00:00Z,100001,2026-11-24T01:30:00Z", "2026-10-25T01:00:00Z,2x,2026-11-24T01:30:00Z",
                          "yesterday,2,2026-11-24T01:30:00Z", "2026-10-25T01:00:00Z,2,now", "2026-10-25T01:00:00Z,1,2,2026-11-24T01:30:00Z"})
    EXPECT_FALSE(parse_simulated_time(bad).ok()) << bad;
}

}  // namespace
}  // namespace ami::daemon
