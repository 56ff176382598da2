#include "storage/postgres/judged_versions.h"

#include <gtest/gtest.h>

namespace ami::storage {
namespace {

using Spans = std::vector<std::pair<std::int64_t, std::int64_t>>;

TEST(JudgedParts, TwoCivilDaysOfAUtcDayAreJudgedOneAfterTheOther) {
  JudgedParts day;
  day.judged(0, 300, 1);  // Toronto in winter: a civil day ends at 05:00Z
  EXPECT_EQ(day.at(299), 1);
  EXPECT_EQ(day.at(300), 0);
  day.judged(300, 1440, 2);
  EXPECT_EQ(day.at(299), 1);
  EXPECT_EQ(day.at(300), 2);
  day.judged(0, 300, 3);
  EXPECT_EQ(day, (JudgedParts{300, 3, 2}));
  day.judged(300, 1440, 0);
  EXPECT_EQ(day.at(300), 0);
  EXPECT_EQ(day.at(299), 3);
  day.judged(0, 1440, 4);
  EXPECT_EQ(day.at(0), 4);
  EXPECT_EQ(day.at(1439), 4);
}

TEST(JudgedParts, AnotherMidnightKeepsOnlyWhatIsStillKnown) {
  JudgedParts day{300, 1, 2};
  day.judged(240, 1440, 3);  // summer time: what was said of [240, 300) is said anew, of [0, 240) it stands
  EXPECT_EQ(day, (JudgedParts{240, 1, 3}));
  day = {240, 1, 2};
  day.judged(300, 1440, 3);  // [240, 300) had another version than [0, 240)
  EXPECT_EQ(day, (JudgedParts{300, 0, 3}));
  day = {240, 2, 2};
  day.judged(300, 1440, 3);
  EXPECT_EQ(day, (JudgedParts{300, 2, 3}));
  day = {300, 1, 2};
  day.judged(0, 240, 3);
  EXPECT_EQ(day, (JudgedParts{240, 3, 0}));
  day = {240, 1, 2};
  day.judged(0, 300, 3);
  EXPECT_EQ(day, (JudgedParts{300, 3, 2}));
}

TEST(JudgedParts, PartsWithVersionsOfTheirOwnStandOnlyBesideTheSameMidnight) {
  JudgedParts day;
  day.judged_alone(0, 1110, 18);  // India: a civil day ends at 18:30Z
  EXPECT_EQ(day, (JudgedParts{1110, 18, 0}));
  day.judged_alone(1110, 1440, 6);
  EXPECT_EQ(day, (JudgedParts{1110, 18, 6}));
  day.judged_alone(0, 1110, 19);
  EXPECT_EQ(day, (JudgedParts{1110, 19, 6}));
  day.judged_alone(1095, 1440, 7);  // Nepal: what lies before 18:15Z was never counted by itself
  EXPECT_EQ(day, (JudgedParts{1095, 0, 7}));
  day.judged_alone(0, 1440, 24);
  EXPECT_EQ(day, (JudgedParts{0, 0, 24}));
  day.judged_alone(0, 1110, 18);
  EXPECT_EQ(day, (JudgedParts{1110, 18, 0})) << "24 was of the whole day";
}

TEST(JudgedParts, RowThatGrowsInOnePartStaysJudgedInTheOther) {
  JudgedParts day{300, 1, 0};
  day.grown(2, Spans{{300, 315}});
  EXPECT_EQ(day.at(0), 2);
  day.grown(3, Spans{{285, 300}});
  EXPECT_EQ(day.at(0), 2) << "its own slots changed: judged is what was before";
  day.grown(4, Spans{{300, 1440}});
  EXPECT_EQ(day.at(0), 2) << "the step from 2 to 3 was not seen to be harmless";
  JudgedParts unjudged{300, 0, 0};
  unjudged.grown(1, Spans{{300, 315}});
  EXPECT_EQ(unjudged.at(0), 0);
  JudgedParts both{300, 1, 1};
  both.grown(2, Spans{{0, 15}, {1425, 1440}});
  EXPECT_EQ(both, (JudgedParts{300, 1, 1}));
}

TEST(JudgedMonths, RunsSayTheMonthAgainAndEqualDaysAreOneRun) {
  JudgedMonth month{};
  EXPECT_TRUE(runs_of(month).empty());
  for (std::size_t i = 0; i < 31; ++i) month[i] = {300, 2, 2};
  EXPECT_EQ(runs_of(month), (std::vector<std::int16_t>{31 * 128 + 20, 2, 2}));
  month[7] = {1380, 1, 3};
  month[30] = {};
  EXPECT_EQ(runs_of(month),
            (std::vector<std::int16_t>{7 * 128 + 20, 2, 2, 128 + 92, 1, 3, 22 * 128 + 20, 2, 2}));
  EXPECT_EQ(judged_month(runs_of(month)), month);
  month[0] = {1440, 32'767, 0};
  EXPECT_EQ(judged_month(runs_of(month)), month);
  EXPECT_EQ(judged_month({}), JudgedMonth{});
}

TEST(JudgedMonths, WhatDoesNotFitIsNotSaid) {
  JudgedMonth month{};
  month[0] = {300, 32'768, 1};
  month[1] = {301, 1, 1};
  month[2] = {300, 1, 1};
  JudgedMonth expected{};
  expected[2] = month[2];
  EXPECT_EQ(judged_month(runs_of(month)), expected);
}

TEST(JudgedMonths, RunsThatFitNoMonthAreRefused) {
  const std::vector<std::vector<std::int16_t>> bad = {
      {128, 0}, {32 * 128, 1, 1}, {0, 1, 1}, {-128, 1, 1}, {128 + 97, 1, 1}, {31 * 128, 1, 1, 128, 1, 1}};
  for (const auto& runs : bad) EXPECT_THROW(judged_month(runs), std::runtime_error) << runs.size();
}

}  // namespace
}  // namespace ami::storage
