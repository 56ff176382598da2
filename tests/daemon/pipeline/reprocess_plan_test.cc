#include "daemon/pipeline/reprocess_plan.h"

#include <gtest/gtest.h>

namespace ami::daemon {
namespace {

using storage::ChannelId;
using storage::Said;
using storage::SourceId;

constexpr const char* kWh = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
constexpr const char* kVarh = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.73.0";

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}
const UtcInstant kDay = at("2026-03-01T00:00:00Z");
const UtcInstant kStamp = at("2026-03-02T00:00:00Z");

// What was said, and what today's reading says, in a few words.
class Plan : public ::testing::Test {
 protected:
  Plan() {
    today.qualities.emplace_back();
    said.qualities[0];
  }

  ChannelId old_channel(MeterId meter, const char* type = kWh, const char* key = "cmep:KWH") {
    const auto id = static_cast<ChannelId>(said.channels.size() + 1);
    said.channels[id] = {id, 1, meter, key, type, type == std::string(kVarh) ? "varh" : "Wh"};
    return id;
  }
  SourceId source(int mapping, bool own = true, UtcInstant stamp = kStamp) {
    const auto id = static_cast<SourceId>(said.sources.size() + 1);
    said.sources[id] = {{stamp, mapping}, own};
    return id;
  }
  void was(ChannelId channel, SourceId from, int slot, std::optional<std::int64_t> value, int exponent = 0) {
    storage::Statement s;
    s.channel = channel;
    s.start = kDay + slot * std::chrono::minutes{15};
    s.length_s = 900;
    if (value) s.value = Decimal{*value, exponent};
    s.source = from;
    said.statements.push_back(s);
  }
  void was_register(ChannelId channel, SourceId from, UtcInstant when, std::int64_t value) {
    storage::Statement s;
    s.channel = channel;
    s.start = when;
    s.value = Decimal{value, 0};
    s.source = from;
    said.statements.push_back(s);
  }

  std::uint32_t channel(MeterId meter, const char* type = kWh, const char* key = "cmep:KWH") {
    today.channels.push_back({meter, key, type, type == std::string(kVarh) ? "varh" : "Wh"});
    return static_cast<std::uint32_t>(today.channels.size() - 1);
  }
  void is(std::uint32_t where, int slot, std::vector<std::optional<std::int64_t>> values, int exponent = 0,
          UtcInstant stamp = kStamp) {
    IntervalRun run;
    run.channel = where;
    run.first_start = kDay + slot * std::chrono::minutes{15};
    run.length = std::chrono::minutes{15};
    run.exponent = exponent;
    run.quality.assign(values.size(), 0);
    run.mantissas = std::move(values);
    run.rank = stamp;
    today.intervals.push_back(std::move(run));
  }
  void is_register(std::uint32_t where, UtcInstant when, std::int64_t value) {
    RegisterReading read;
    read.channel = where;
    read.at = when;
    read.value = {value, 0};
    read.rank = kStamp;
    today.registers.push_back(read);
  }

  StretchPlan plan(int version) { return plan_stretch(today, version, said, scope); }

  NormalisedBatch today;
  Said said;
  ReprocessScope scope;
};

TEST_F(Plan, WhatIsSaidAlreadyIsLeftAloneWhateverTheMappingVersion) {
  const auto c = old_channel(1);
  const auto s = source(1000);
  was(c, s, 0, 100);
  was(c, s, 1, 2500, -1);
  is(channel(1), 0, {100, 250});
  for (const int version : {999, 1000, 2000}) {
    const StretchPlan p = plan(version);
    EXPECT_TRUE(p.diff.empty());
    EXPECT_EQ(p.diff.conflicts, 0);
    EXPECT_TRUE(p.news.intervals.empty());
    EXPECT_TRUE(p.news.channels.empty()) << "not even a channel row is made";
    EXPECT_TRUE(p.withdrawals.empty());
    EXPECT_EQ(p.values, 2U);
  }
}

TEST_F(Plan, OnlyTheValuesThatDifferAreWritten) {
  const auto c = old_channel(1), d = old_channel(2);
  const auto s = source(1000);
  for (int i = 0; i < 4; ++i) was(c, s, i, 100'000);
  was(d, s, 0, 7);
  is(channel(2), 0, {7});
  is(channel(1), 0, {100, 100'000, 100, 200});
  const StretchPlan p = plan(1001);
  ASSERT_EQ(p.news.channels.size(), 1U);
  EXPECT_EQ(p.news.channels[0].meter, 1);
  ASSERT_EQ(p.news.intervals.size(), 2U) << "cut where a value stays";
  EXPECT_EQ(p.news.intervals[0].first_start, kDay);
  EXPECT_EQ(p.news.intervals[0].mantissas, (std::vector<std::optional<std::int64_t>>{100}));
  EXPECT_EQ(p.news.intervals[1].first_start, kDay + std::chrono::minutes{30});
  EXPECT_EQ(p.news.intervals[1].mantissas, (std::vector<std::optional<std::int64_t>>{100, 200}));
  EXPECT_EQ(p.news.intervals[1].quality.size(), 2U);
  ASSERT_EQ(p.diff.channels.size(), 1U);
  const auto& diff = p.diff.channels[0];
  EXPECT_EQ(diff.meter, 1);
  EXPECT_EQ(diff.counts.intervals_corrected, 3);
  EXPECT_EQ(diff.before, "300000e0");
  EXPECT_EQ(diff.after, "400e0");
  EXPECT_EQ(diff.first_at, kDay);
  EXPECT_EQ(diff.last_at, kDay + std::chrono::minutes{45});
  EXPECT_EQ(p.diff.conflicts, 0);
  EXPECT_TRUE(p.withdrawals.empty());
}

TEST_F(Plan, AnotherValueWithoutAHigherMappingVersionIsAConflictThatNamesWhatToRaise) {
  const auto c = old_channel(1);
  was(c, source(1000), 0, 100);
  is(channel(1), 0, {5});
  for (const int version : {999, 1000}) {
    const StretchPlan p = plan(version);
    EXPECT_EQ(p.diff.conflicts, 1);
    EXPECT_EQ(p.diff.conflict_meter, 1);
    EXPECT_NE(p.diff.conflict.find("assume_version"), std::string::npos);
    ASSERT_EQ(p.diff.channels.size(), 1U) << "what a raised version would do is shown";
    EXPECT_EQ(p.diff.channels[0].after, "5e0");
  }
  EXPECT_EQ(plan(1001).diff.conflicts, 0);
}

// The file of another feed said the same first, so it has the source of that one: today's value would win or
// lose by size.
TEST_F(Plan, AnotherValueOfTheSameRankIsAConflictWhoeverSaidTheFirst) {
  const auto c = old_channel(1);
  was(c, source(1000, false), 0, 100);
  is(channel(1), 0, {5});
  EXPECT_EQ(plan(1000).diff.conflicts, 1);
  EXPECT_EQ(plan(1001).diff.conflicts, 0);
}

TEST_F(Plan, ValuesThatAreNewNeedNoHigherMappingVersion) {
  is(channel(1), 0, {5, std::nullopt, 6});
  const StretchPlan p = plan(1000);
  EXPECT_EQ(p.diff.conflicts, 0);
  ASSERT_EQ(p.diff.channels.size(), 1U);
  EXPECT_EQ(p.diff.channels[0].counts.intervals_added, 2);
  EXPECT_EQ(p.diff.channels[0].before, "0e0");
  EXPECT_EQ(p.diff.channels[0].after, "11e0");
  EXPECT_EQ(p.values, 2U) << "a hole without a flag says nothing";
}

TEST_F(Plan, AValueThatALaterFileOutranksIsKeptAsHistoryAndDoesNotCount) {
  const auto c = old_channel(1);
  was(c, source(1000), 0, 100);
  was(c, source(1000, false, kStamp + std::chrono::hours{24}), 0, 90);
  is(channel(1), 0, {5});
  const StretchPlan p = plan(1001);
  EXPECT_EQ(p.news.intervals.size(), 1U);
  EXPECT_TRUE(p.diff.channels.empty()) << "the answer stays 90";
}

TEST_F(Plan, ASecondRunFindsNothing) {
  const auto c = old_channel(1);
  was(c, source(1000), 0, 100);
  was(c, source(1001), 0, 5);  // what the first run wrote
  is(channel(1), 0, {5});
  const StretchPlan p = plan(1001);
  EXPECT_TRUE(p.diff.empty());
  EXPECT_TRUE(p.news.intervals.empty());
  EXPECT_EQ(p.diff.conflicts, 0);
}

TEST_F(Plan, GoingBackToTheFirstReadingNeedsAVersionToo) {
  const auto c = old_channel(1);
  was(c, source(1000), 0, 100);
  was(c, source(1001), 0, 5);
  is(channel(1), 0, {100});
  EXPECT_EQ(plan(1000).diff.conflicts, 1);
  EXPECT_EQ(plan(1001).diff.conflicts, 1);
  const StretchPlan p = plan(1002);
  EXPECT_EQ(p.diff.conflicts, 0);
  EXPECT_EQ(p.news.intervals.size(), 1U);
  EXPECT_EQ(p.diff.channels.at(0).after, "100e0");
}

TEST_F(Plan, AnotherReadingTypeWithdrawsTheOldChannelsValues) {
  const auto old = old_channel(1, kVarh);
  const auto s = source(1000), of_another_file = source(1000, false);
  was(old, s, 0, 100);
  was(old, s, 1, 200);
  was(old, of_another_file, 2, 300);
  is(channel(1, kWh), 0, {100, 200});
  const StretchPlan p = plan(1001);
  EXPECT_EQ(p.diff.conflicts, 0);
  ASSERT_EQ(p.withdrawals.size(), 1U);
  EXPECT_EQ(p.withdrawals[0], (std::pair<ChannelId, SourceId>{old, s})) << "the other file still says so";
  ASSERT_EQ(p.retractions.size(), 2U);
  EXPECT_EQ(p.retractions[1].before, (Decimal{200, 0}));
  ASSERT_EQ(p.diff.channels.size(), 2U);
  for (const auto& diff : p.diff.channels) {
    const bool gone = diff.reading_type == kVarh;
    EXPECT_EQ(diff.counts.intervals_retracted, gone ? 2 : 0);
    EXPECT_EQ(diff.counts.intervals_added, gone ? 0 : 2);
    EXPECT_EQ(diff.before, gone ? "300e0" : "0e0");
    EXPECT_EQ(diff.after, gone ? "0e0" : "300e0");
  }
  EXPECT_GT(plan(1000).diff.conflicts, 0) << "the mapping changed without its version";
}

// A corrected zone: the values now belong one hour later. The stamps moved with them.
TEST_F(Plan, ValuesAtOtherTimesWithdrawTheOldOnesAndAreWrittenAnewAsAWhole) {
  const auto c = old_channel(1);
  const auto s = source(1000);
  for (int i = 0; i < 8; ++i) was(c, s, i, 10 + i);
  is(channel(1), 4, {10, 11, 12, 13, 14, 15, 16, 17}, 0, kStamp + std::chrono::hours{1});
  const StretchPlan p = plan(1001);
  EXPECT_EQ(p.diff.conflicts, 0);
  ASSERT_EQ(p.withdrawals.size(), 1U);
  ASSERT_EQ(p.news.intervals.size(), 1U);
  EXPECT_EQ(p.news.intervals[0].mantissas.size(), 8U);
  ASSERT_EQ(p.diff.channels.size(), 1U);
  EXPECT_EQ(p.diff.channels[0].counts.intervals_retracted, 4);
  EXPECT_EQ(p.diff.channels[0].counts.intervals_corrected, 4);
  EXPECT_EQ(p.diff.channels[0].counts.intervals_added, 4);
  EXPECT_EQ(p.retractions.size(), 4U) << "the other four are told as corrected";
}

TEST_F(Plan, AnOlderStampDoesNotKeepTheCorrectionFromCounting) {
  const auto c = old_channel(1);
  const auto s = source(1000);
  was(c, s, 0, 100);
  was(c, s, 1, 7);
  is(channel(1), 0, {5, 7}, 0, kStamp - std::chrono::hours{1});
  const StretchPlan p = plan(1001);
  EXPECT_EQ(p.diff.conflicts, 0);
  ASSERT_EQ(p.withdrawals.size(), 1U);
  ASSERT_EQ(p.news.intervals.size(), 1U);
  EXPECT_EQ(p.news.intervals[0].mantissas.size(), 2U) << "what stays is said anew: the withdrawal takes all";
  ASSERT_EQ(p.diff.channels.size(), 1U);
  EXPECT_EQ(p.diff.channels[0].counts.intervals_corrected, 1);
  EXPECT_EQ(p.diff.channels[0].after, "5e0");
}

TEST_F(Plan, AValueThatIsMissingNowIsTakenBackAndItsNeighboursStay) {
  const auto c = old_channel(1);
  const auto s = source(1000);
  for (int i = 0; i < 3; ++i) was(c, s, i, 10);
  is(channel(1), 0, {10, std::nullopt, 10});
  const StretchPlan p = plan(1001);
  EXPECT_EQ(p.withdrawals.size(), 1U);
  EXPECT_EQ(p.retractions.size(), 1U);
  EXPECT_EQ(p.news.intervals.size(), 2U);
  ASSERT_EQ(p.diff.channels.size(), 1U);
  EXPECT_EQ(p.diff.channels[0].counts.intervals_retracted, 1);
  EXPECT_EQ(p.diff.channels[0].counts.intervals_corrected, 0);
  EXPECT_GT(plan(1000).diff.conflicts, 0) << "the same statement cannot be taken back and made";
}

TEST_F(Plan, ANamedMeterThatIsNotSpokenOfAnyMoreLosesItsValuesWithoutAHigherVersion) {
  const auto wrong = old_channel(1);
  const auto s = source(1000);
  was(wrong, s, 0, 10);
  is(channel(2), 0, {10});
  scope.meters = {1, 2};
  const StretchPlan p = plan(1000);  // an alias was corrected, no mapping
  EXPECT_EQ(p.diff.conflicts, 0);
  EXPECT_EQ(p.withdrawals, (std::vector<std::pair<ChannelId, SourceId>>{{wrong, s}}));
  EXPECT_EQ(p.news.intervals.size(), 1U);
}

TEST_F(Plan, MetersOutsideTheScopeAreLeftAlone) {
  const auto c = old_channel(1), d = old_channel(2);
  const auto s = source(1000);
  was(c, s, 0, 1);
  was(d, s, 0, 1);
  is(channel(1), 0, {2});
  is(channel(2), 0, {2});
  scope.meters = {2};
  const StretchPlan p = plan(1001);
  ASSERT_EQ(p.diff.channels.size(), 1U);
  EXPECT_EQ(p.diff.channels[0].meter, 2);
  EXPECT_EQ(p.news.channels.size(), 1U);
}

TEST_F(Plan, ThePeriodCutsCorrectionsSlotBySlot) {
  const auto c = old_channel(1);
  const auto s = source(1000);
  for (int i = 0; i < 4; ++i) was(c, s, i, 1);
  is(channel(1), 0, {2, 2, 2, 2});
  scope.period = {kDay + std::chrono::minutes{15}, kDay + std::chrono::minutes{45}};
  const StretchPlan p = plan(1001);
  ASSERT_EQ(p.diff.channels.size(), 1U);
  EXPECT_EQ(p.diff.channels[0].counts.intervals_corrected, 2);
  ASSERT_EQ(p.news.intervals.size(), 1U);
  EXPECT_EQ(p.news.intervals[0].first_start, kDay + std::chrono::minutes{15});
}

TEST_F(Plan, RegistersFollowTheSameRules) {
  const auto c = old_channel(1);
  const auto s = source(1000);
  was_register(c, s, kDay, 1000);
  was_register(c, s, kDay + std::chrono::hours{24}, 1010);
  const auto n = channel(1);
  is_register(n, kDay, 1'000'000);
  is_register(n, kDay + std::chrono::hours{24}, 1010);
  is_register(n, kDay + std::chrono::hours{48}, 1020);
  const StretchPlan p = plan(1001);
  ASSERT_EQ(p.diff.channels.size(), 1U);
  EXPECT_EQ(p.diff.channels[0].counts.registers_corrected, 1);
  EXPECT_EQ(p.diff.channels[0].counts.registers_added, 1);
  EXPECT_EQ(p.diff.channels[0].register_delta, "999000e0");
  EXPECT_EQ(p.diff.channels[0].before, "0e0") << "registers are no energy of intervals";
  EXPECT_EQ(p.news.registers.size(), 2U);
}

TEST_F(Plan, AnotherQualityOfTheSameValueIsToldApart) {
  const auto c = old_channel(1);
  was(c, source(1000), 0, 100);
  ValueQuality estimated;
  estimated.codes = {QualityCode::parse("2.8.0").value()};
  estimated.vendor_flag = "E";
  today.qualities.push_back(estimated);
  is(channel(1), 0, {100});
  today.intervals[0].quality = {1};
  const StretchPlan p = plan(1001);
  ASSERT_EQ(p.diff.channels.size(), 1U);
  EXPECT_EQ(p.diff.channels[0].counts.intervals_requalified, 1);
  EXPECT_EQ(p.diff.channels[0].before, "0e0");
}

TEST_F(Plan, SumsAreExactWhateverTheExponents) {
  const auto c = old_channel(1);
  const auto s = source(1000);
  was(c, s, 0, 9'223'372'036'854'775'807, -18);
  was(c, s, 1, 9'223'372'036'854'775'807, 18);
  const auto n = channel(1);
  is(n, 0, {1}, 0);
  is(n, 1, {1}, 0);
  const StretchPlan p = plan(1001);
  // 9223372036854775807 * 10^18 + 9.223372036854775807, by hand
  EXPECT_EQ(p.diff.channels.at(0).before, "9223372036854775807000000000000000009223372036854775807e-18");
}

}  // namespace
}  // namespace ami::daemon
