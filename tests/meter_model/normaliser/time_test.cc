#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scene.h"

namespace ami::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Zone toronto() {
  return *Zone::load("America/Toronto");
}

std::vector<std::string> register_times(const NormalisedBatch& out) {
  std::vector<std::string> times;
  for (const RegisterReading& read : out.registers) times.push_back(to_text(read.at));
  return times;
}

TEST(Times, WrittenOffsetNeedsNoZone) {
  Scene scene;
  scene.meter("M1", 1);
  scene.rules.zone.reset();
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-01-15T00:15:00-05:00", ""}});
  EXPECT_THAT(register_times(scene.run()), ElementsAre("2026-01-15T05:15:00Z"));
}

TEST(Times, BareTimeWithoutAZoneIsQuarantinedAndItsNeighbourIsKept) {
  Scene scene;
  scene.meter("M1", 1);
  scene.rules.zone.reset();
  scene.registers("M1", "KWHREG",
                  {{"1", "R", "2026-01-15T00:15:00", ""}, {"2", "R", "2026-01-15T00:30:00-05:00", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(register_times(out), ElementsAre("2026-01-15T05:30:00Z"));
  EXPECT_THAT(reasons(out), ElementsAre("no_zone"));
}

TEST(Times, BareTimeIsReadInTheZoneOfTheFeed) {
  Scene scene;
  scene.meter("M1", 1);
  scene.rules.zone = toronto();
  scene.registers("M1", "KWHREG",
                  {{"1", "R", "2026-01-15T00:15:00", ""}, {"2", "R", "2026-07-15T00:15:00", ""}});
  EXPECT_THAT(register_times(scene.run()), ElementsAre("2026-01-15T05:15:00Z", "2026-07-15T04:15:00Z"));
}

TEST(Times, RepeatedAutumnHourIsOneRunOfEveryIntervalOnce) {
  // Toronto left summer time on 2026-11-01 at 06:00Z: faces 01:00 to 02:00 appear twice.
  Scene scene;
  scene.meter("M1", 1);
  scene.rules.zone = toronto();
  scene.intervals("M1", "KWH", 1800s,
                  {{"1", "R", "2026-11-01T00:30:00", ""},
                   {"2", "R", "2026-11-01T01:00:00", ""},
                   {"3", "R", "2026-11-01T01:30:00", ""},
                   {"4", "R", "2026-11-01T01:00:00", ""},
                   {"5", "R", "2026-11-01T01:30:00", ""},
                   {"6", "R", "2026-11-01T02:00:00", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(out.quarantined, IsEmpty());
  ASSERT_EQ(out.intervals.size(), 1U);
  EXPECT_EQ(to_text(out.intervals[0].first_start), "2026-11-01T04:00:00Z");
  EXPECT_EQ(out.intervals[0].mantissas, (std::vector<std::optional<std::int64_t>>{1, 2, 3, 4, 5, 6}));
}

TEST(Times, LoneFaceOfTheRepeatedHourIsAmbiguous) {
  Scene scene;
  scene.meter("M1", 1);
  scene.rules.zone = toronto();
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-11-01T01:17:00", ""}});
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-11-01T03:17:00", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(register_times(out), ElementsAre("2026-11-01T08:17:00Z"));
  EXPECT_THAT(reasons(out), ElementsAre("ambiguous_local_time"));
}

TEST(Times, FaceThatTheSpringSkipsDoesNotExist) {
  Scene scene;
  scene.meter("M1", 1);
  scene.rules.zone = toronto();
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-03-08T02:30:00", ""}});
  EXPECT_THAT(reasons(scene.run()), ElementsAre("nonexistent_local_time"));
}

TEST(Times, SeriesThatBeginsWithoutATimeCannotBePlaced) {
  Scene scene;
  scene.meter("M1", 1);
  scene.intervals(
      "M1", "KWH", 900s,
      {{"1", "R", "", ""}, {"2", "R", "", ""}, {"3", "R", "2026-01-15T05:45:00Z", ""}, {"4", "R", "", ""}});
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.intervals.size(), 1U);
  EXPECT_EQ(to_text(out.intervals[0].first_start), "2026-01-15T05:30:00Z");
  EXPECT_EQ(out.intervals[0].mantissas.size(), 2U);
  ASSERT_EQ(out.quarantined.size(), 1U);
  EXPECT_EQ(out.quarantined[0].reason, "missing_time");
  EXPECT_THAT(out.quarantined[0].detail, HasSubstr("2 of 4 values"));
}

// Some senders state where a series begins, and no end: what the clock shows half an hour later, the zone
// knows.
TEST(Times, SeriesThatStatesItsStartGoesOnInElapsedTime) {
  const auto first = [](const std::string& start) {
    Scene scene;
    scene.meter("M1", 1);
    scene.rules.zone = toronto();
    SeriesObservation& said = scene.intervals("M1", "KWH", 1800s, {{"1", "R", "", ""}, {"2", "R", "", ""}});
    said.period_start = scene.stated(start);
    const NormalisedBatch out = scene.run();
    if (!out.quarantined.empty()) return out.quarantined[0].reason;
    return to_text(out.intervals.at(0).first_start) + " " +
           std::to_string(out.intervals.at(0).mantissas.size());
  };
  EXPECT_EQ(first("2026-01-15T00:30:00"), "2026-01-15T05:30:00Z 2");
  // Its first end is 01:00, a face of two hours; its start is of one.
  EXPECT_EQ(first("2026-11-01T00:30:00"), "2026-11-01T04:30:00Z 2");
  EXPECT_EQ(first("2026-11-01T01:00:00"), "ambiguous_local_time");
  EXPECT_EQ(first("2026-11-01T01:00:00-05:00"), "2026-11-01T06:00:00Z 2");
  // Half an hour behind 01:30 the clock shows 03:00.
  EXPECT_EQ(first("2026-03-08T01:30:00"), "2026-03-08T06:30:00Z 2");
  EXPECT_EQ(first("2026-03-08T02:30:00"), "nonexistent_local_time");
}

TEST(Times, AStartIsOfNoUseWhereTheFirstEndIsStated) {
  Scene scene;
  scene.meter("M1", 1);
  SeriesObservation& said = scene.intervals("M1", "KWH", 900s, {{"1", "R", "2026-01-15T05:15:00Z", ""}});
  said.period_start = scene.stated("2026-01-01T00:00:00Z");
  EXPECT_EQ(to_text(scene.run().intervals.at(0).first_start), "2026-01-15T05:00:00Z");
}

TEST(Times, ASeriesFromAStartBesideTheFutureIsRefusedByItsEnds) {
  Scene scene;  // received at 2026-11-22T12:00:00Z, tolerance 300 s
  scene.meter("M1", 1);
  SeriesObservation& said = scene.intervals("M1", "KWH", 900s, {{"1", "R", "", ""}, {"2", "R", "", ""}});
  said.period_start = scene.stated("2026-11-22T11:45:00Z");
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.intervals.size(), 1U);
  EXPECT_EQ(out.intervals[0].mantissas.size(), 1U);
  EXPECT_THAT(reasons(out), ElementsAre("time_in_future"));
}

TEST(Times, ClockThatWasNeverSetIsNotARead) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG",
                  {{"1", "R", "1970-01-01T00:00:00Z", ""},
                   {"2", "R", "0001-01-01T00:00:00Z", ""},
                   {"3", "R", "1989-12-31T23:59:59Z", ""},
                   {"4", "R", "1990-01-01T00:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(register_times(out), ElementsAre("1990-01-01T00:00:00Z"));
  EXPECT_THAT(reasons(out), ElementsAre("time_before_epoch"));
  EXPECT_THAT(out.quarantined[0].detail, HasSubstr("3 of 4 values"));
}

TEST(Times, FutureIsRefusedBeyondTheToleranceOnly) {
  Scene scene;  // received at 2026-11-22T12:00:00Z, tolerance 300 s
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG",
                  {{"1", "R", "2026-11-22T12:05:00Z", ""},
                   {"2", "R", "2026-11-22T12:05:01Z", ""},
                   {"3", "R", "2069-01-01T00:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(register_times(out), ElementsAre("2026-11-22T12:05:00Z"));
  EXPECT_THAT(reasons(out), ElementsAre("time_in_future"));
}

TEST(Times, AbsentTimesAfterAFutureOneAreFutureToo) {
  Scene scene;
  scene.meter("M1", 1);
  scene.intervals("M1", "KWH", 900s, {{"1", "R", "2069-01-01T00:00:00Z", ""}, {"2", "R", "", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(lines(out), IsEmpty());
  ASSERT_EQ(out.quarantined.size(), 1U);
  EXPECT_THAT(out.quarantined[0].detail, HasSubstr("2 of 2 values"));
}

TEST(Rank, IsTheCreationStampInTheZoneOfTheFeed) {
  Scene scene;
  scene.meter("M1", 1);
  scene.rules.zone = toronto();
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-01-15T00:00:00Z", ""}}).created =
      scene.stated("2026-01-15T12:00:00");
  EXPECT_EQ(to_text(scene.run().registers.at(0).rank), "2026-01-15T17:00:00Z");
}

TEST(Rank, WithoutAStampIsTheOldest) {
  Scene scene;
  scene.meter("M1", 1);
  scene.intervals("M1", "KWH", 900s, {{"1", "R", "2026-01-15T05:15:00Z", ""}});
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-01-15T00:00:00Z", ""}}).created =
      scene.stated("1970-01-01T00:00:00Z");
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(out.intervals.at(0).rank, RankStamp{});
  EXPECT_EQ(out.registers.at(0).rank, RankStamp{});
}

TEST(Rank, StampOfTheFutureDoesNotOutrankLaterCorrections) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-01-15T00:00:00Z", ""}}).created =
      scene.stated("2069-01-01T00:00:00Z");
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(lines(out), IsEmpty());
  EXPECT_THAT(reasons(out), ElementsAre("time_in_future"));
}

TEST(Rank, StampInsideTheRepeatedHourCountsAsItsEarlierMeaning) {
  Scene scene;
  scene.meter("M1", 1);
  scene.rules.zone = toronto();
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-01-15T00:00:00Z", ""}}).created =
      scene.stated("2026-11-01T01:30:00");
  EXPECT_EQ(to_text(scene.run().registers.at(0).rank), "2026-11-01T05:30:00Z");
}

TEST(Rank, BareStampWithoutAZoneIsRefusedWithTheRecord) {
  Scene scene;
  scene.meter("M1", 1);
  scene.rules.zone.reset();
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-01-15T00:00:00Z", ""}}).created =
      scene.stated("2026-01-15T12:00:00");
  EXPECT_THAT(reasons(scene.run()), ElementsAre("no_zone"));
}

}  // namespace
}  // namespace ami::testing
