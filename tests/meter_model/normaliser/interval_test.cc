#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scene.h"

namespace ami::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Mantissas = std::vector<std::optional<std::int64_t>>;

TEST(Intervals, BlockBecomesOneRunThatStartsAnIntervalBeforeItsFirstEnd) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 900s,
                  {{"0.250", "R", "2026-01-15T05:15:00Z", ""},
                   {"0.248", "R", "", ""},
                   {"0.251", "", "", ""},
                   {"0.249", "E", "", ""}});
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.intervals.size(), 1U);
  const IntervalRun& run = out.intervals[0];
  EXPECT_EQ(to_text(run.first_start), "2026-01-15T05:00:00Z");
  EXPECT_EQ(run.length, 900s);
  EXPECT_EQ(run.exponent, 0);  // 0.250 kWh = 250 Wh
  EXPECT_EQ(run.mantissas, (Mantissas{250, 248, 251, 249}));
  EXPECT_EQ(out.channels.at(run.channel),
            (ChannelKey{1, "cmep:KWH", "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0", "Wh"}));
  ASSERT_EQ(run.quality.size(), 4U);
  EXPECT_EQ(out.qualities.at(run.quality[2]).codes, (QualitySet{{2, 0, 0}}));
  EXPECT_EQ(out.qualities.at(run.quality[3]).codes, (QualitySet{{2, 8, 0}}));
}

TEST(Intervals, NoValueFlagIsAHoleThatKeepsItsFlagAndIsNotQuarantined) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 900s,
                  {{"1", "R", "2026-01-15T05:15:00Z", ""}, {"0", "N32", "", ""}, {"3", "R", "", ""}});
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.intervals.size(), 1U);
  const IntervalRun& run = out.intervals[0];
  EXPECT_EQ(run.mantissas, (Mantissas{1, std::nullopt, 3}));
  EXPECT_EQ(run.exponent, 3);
  EXPECT_EQ(out.qualities.at(run.quality.at(1)).vendor_flag, "N32");
  EXPECT_THAT(out.quarantined, IsEmpty());
  EXPECT_EQ(out.missing_values, 1U);
}

TEST(Intervals, BadSlotStaysAHoleAndItsNeighboursAreKept) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals(
      "FA1", "KWH", 900s,
      {{"1", "R", "2026-01-15T05:15:00Z", ""}, {"", "R", "", ""}, {"x", "R", "", ""}, {"4", "R", "", ""}});
  const NormalisedBatch out = scene.run();
  const std::string head = "int 1 cmep:KWH 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh ";
  EXPECT_THAT(lines(out), ElementsAre(head + "2026-01-15T05:00:00Z +900s 1000 [] R",
                                      head + "2026-01-15T05:45:00Z +900s 4000 [] R"));
  EXPECT_THAT(reasons(out), ElementsAre("bad_number", "empty_value"));
}

TEST(Intervals, GapInTheTimesMakesSeparateRuns) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 900s,
                  {{"1", "R", "2026-01-15T05:15:00Z", ""},
                   {"2", "R", "2026-01-15T05:30:00Z", ""},
                   {"3", "R", "2026-01-15T06:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.intervals.size(), 2U);
  EXPECT_EQ(out.intervals[0].mantissas.size(), 2U);
  EXPECT_EQ(to_text(out.intervals[1].first_start), "2026-01-15T05:45:00Z");
}

TEST(Intervals, OverlappingSlotKeepsItsOwnTimesInARunOfItsOwn) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 900s,
                  {{"1", "R", "2026-01-15T05:15:00Z", ""},
                   {"2", "R", "2026-01-15T05:22:00Z", ""},
                   {"3", "R", "2026-01-15T05:30:00Z", ""}});
  const std::string head = "int 1 cmep:KWH 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh ";
  EXPECT_THAT(lines(scene.run()), ElementsAre(head + "2026-01-15T05:00:00Z +900s 1000 [] R",
                                              head + "2026-01-15T05:07:00Z +900s 2000 [] R",
                                              head + "2026-01-15T05:15:00Z +900s 3000 [] R"));
}

TEST(Intervals, SentNewestFirstAreOneAscendingRun) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 900s,
                  {{"3", "R", "2026-01-15T05:45:00Z", ""},
                   {"2", "R", "2026-01-15T05:30:00Z", ""},
                   {"1", "R", "2026-01-15T05:15:00Z", ""}});
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.intervals.size(), 1U);
  EXPECT_EQ(out.intervals[0].mantissas, (Mantissas{1, 2, 3}));
}

TEST(Intervals, SlotSaidTwiceDifferentlyReachesTheStoreTwice) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 900s,
                  {{"1", "R", "2026-01-15T05:15:00Z", ""},
                   {"2", "R", "2026-01-15T05:30:00Z", ""},
                   {"9", "R", "2026-01-15T05:30:00Z", ""},
                   {"3", "R", "2026-01-15T05:45:00Z", ""}});
  const std::string head = "int 1 cmep:KWH 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh ";
  EXPECT_THAT(lines(scene.run()), ElementsAre(head + "2026-01-15T05:00:00Z +900s 1000 [] R",
                                              head + "2026-01-15T05:15:00Z +900s 2000 [] R",
                                              head + "2026-01-15T05:15:00Z +900s 9000 [] R",
                                              head + "2026-01-15T05:30:00Z +900s 3000 [] R"));
}

TEST(Intervals, SlotSaidTwiceAlikeIsKeptOnce) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 900s,
                  {{"1", "R", "2026-01-15T05:15:00Z", ""},
                   {"1.0", "R", "2026-01-15T05:15:00Z", ""},
                   {"2", "R", "2026-01-15T05:30:00Z", ""}});
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.intervals.size(), 1U);
  EXPECT_EQ(out.intervals[0].mantissas.size(), 2U);
}

TEST(Intervals, MixedResolutionsShareTheSmallestExponentExactly) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 900s,
                  {{"1", "R", "2026-01-15T05:15:00Z", ""}, {"0.1815", "R", "", ""}, {"2.5", "R", "", ""}});
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.intervals.size(), 1U);
  EXPECT_EQ(out.intervals[0].exponent, -1);
  EXPECT_EQ(out.intervals[0].mantissas, (Mantissas{10000, 1815, 25000}));
}

TEST(Intervals, ValueThatDoesNotFitTheExponentOfTheOthersIsNotRounded) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 900s,
                  {{"0.0001", "R", "2026-01-15T05:15:00Z", ""},
                   {"9000000000000000000", "R", "", ""},
                   {"0.0002", "R", "", ""}});
  const std::string head = "int 1 cmep:KWH 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh ";
  EXPECT_THAT(lines(scene.run()), ElementsAre(head + "2026-01-15T05:00:00Z +900s 0.1 [] R",
                                              head + "2026-01-15T05:15:00Z +900s 9000000000000000000000 [] R",
                                              head + "2026-01-15T05:30:00Z +900s 0.2 [] R"));
}

TEST(Intervals, LengthWithoutACodeIsRefused) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 777s, {{"1", "R", "2026-01-15T05:15:00Z", ""}});
  scene.intervals("FA1", "KWH", 0s, {{"1", "R", "2026-01-15T05:15:00Z", ""}});
  scene.intervals("FA1", "KWH", -900s, {{"1", "R", "2026-01-15T05:15:00Z", ""}});
  scene.intervals("FA1", "KWH", std::chrono::seconds::max(), {{"1", "R", "2026-01-15T05:15:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(lines(out), IsEmpty());
  EXPECT_THAT(reasons(out), ElementsAre("unknown_interval_length", "unknown_interval_length",
                                        "unknown_interval_length", "unknown_interval_length"));
}

TEST(Intervals, PeriodCodeFollowsTheLength) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 3600s, {{"1", "R", "2026-01-15T06:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(out.channels.at(0).reading_type, "0.0.7.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
}

TEST(Intervals, OffGridEndsAreKeptUnlessTheFeedSaysOtherwise) {
  for (const bool snap : {false, true}) {
    Scene scene;
    scene.meter("FA1", 1);
    if (snap) scene.rules.snap_tolerance = 60s;
    scene.intervals("FA1", "KWH", 3600s,
                    {{"1", "R", "2026-01-15T05:59:00Z", ""},
                     {"2", "R", "2026-01-15T07:01:00Z", ""},
                     {"3", "R", "2026-01-15T08:02:00Z", ""}});
    const NormalisedBatch out = scene.run();
    std::vector<std::string> starts;
    for (const IntervalRun& run : out.intervals) starts.push_back(to_text(run.first_start));
    if (snap) {
      // the third is two minutes off: beyond the tolerance, so it is left where it is
      EXPECT_THAT(starts, ElementsAre("2026-01-15T05:00:00Z", "2026-01-15T07:02:00Z"));
      EXPECT_EQ(out.snapped_ends, 2U);
    } else {
      EXPECT_THAT(starts,
                  ElementsAre("2026-01-15T04:59:00Z", "2026-01-15T06:01:00Z", "2026-01-15T07:02:00Z"));
      EXPECT_EQ(out.snapped_ends, 0U);
    }
  }
}

TEST(Intervals, CountsAreScaledOnlyWithAConfiguredScale) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 900s, {{"", "R", "2026-01-15T05:15:00Z", "363"}}).channel = "lp:1";
  scene.intervals("FA1", "KWH", 900s, {{"", "R", "2026-01-15T05:15:00Z", "363"}}).channel = "lp:2";
  scene.intervals("FA1", "KWH", 900s, {{"", "R", "2026-01-15T05:15:00Z", "3x3"}}).channel = "lp:1";
  scene.intervals("FA1", "KWH", 900s, {{"", "N", "2026-01-15T05:30:00Z", "363"}}).channel = "lp:1";
  const NormalisedBatch out = scene.run();
  // 363 x 0.0005 kWh = 181.5 Wh
  const std::string head = "int 1 cmep:lp:1 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:";
  EXPECT_THAT(lines(out), ElementsAre(head + "00:00Z +900s 181.5 [] R", head + "15:00Z +900s - [] N"));
  EXPECT_THAT(reasons(out), ElementsAre("bad_number", "raw_value_without_scale"));
}

TEST(Intervals, ScaledValueIsPreferredToTheCount) {
  Scene scene;
  scene.meter("FA1", 1);
  scene.intervals("FA1", "KWH", 900s, {{"0.2", "R", "2026-01-15T05:15:00Z", "363"}}).channel = "lp:1";
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.intervals.size(), 1U);
  EXPECT_EQ((Decimal{*out.intervals[0].mantissas.at(0), out.intervals[0].exponent}), (Decimal{200, 0}));
}

TEST(Intervals, PhasesOfAVoltageFollowTheFormOfTheMeter) {
  Scene scene;
  scene.meter("A", 1, "2S");
  scene.meter("B", 2, "12S");
  scene.meter("C", 3);
  for (const char* id : {"A", "B", "C"}) {
    scene.intervals(id, "VOLTS", 900s, {{"243.6", "R", "2026-01-15T05:15:00Z", ""}});
  }
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(out.channels.at(0).reading_type, "0.2.2.6.0.1.54.0.0.0.0.0.0.0.768.0.29.0");
  EXPECT_EQ(out.channels.at(1).reading_type, "0.2.2.6.0.1.54.0.0.0.0.0.0.0.128.0.29.0");
  EXPECT_EQ(out.channels.at(2).reading_type, "0.2.2.6.0.1.54.0.0.0.0.0.0.0.128.0.29.0");
  EXPECT_EQ(out.channels.at(0).unit, "V");
}

TEST(Intervals, OneSlotSaidVeryManyTimesIsStillStoredInFull) {
  Scene scene;
  scene.meter("FA1", 1);
  std::vector<Said> values;
  for (int i = 0; i < 100; ++i) values.push_back({std::to_string(i), "R", "2026-01-15T05:15:00Z", ""});
  scene.intervals("FA1", "KWH", 900s, values);
  EXPECT_EQ(lines(scene.run()).size(), 100U);
}

}  // namespace
}  // namespace ami::testing
