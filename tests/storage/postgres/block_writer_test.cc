// Days of one channel joined into blocks, without a database.
#include "storage/postgres/block_writer.h"

#include <gtest/gtest.h>

namespace ami::storage {
namespace {

using std::chrono::days;
using std::chrono::hours;
constexpr std::int64_t kHole = IntervalBlock::kMissing;
constexpr std::int32_t kNarrowHole = SlotRow::kNarrowHole;
const UtcInstant kDay{std::chrono::sys_days{std::chrono::year{2024} / 2 / 28}};

// A day of six-hour intervals.
IntervalRow day(UtcInstant start, std::vector<std::int32_t> values, std::int16_t exponent = -1) {
  IntervalRow row;
  row.channel = 3;
  row.meter = 7;
  row.start = start;
  row.length = hours{6};
  row.stored.exponent = exponent;
  row.stored.source_runs = {static_cast<std::int64_t>(values.size()), 5};
  row.stored.values = std::move(values);
  return row;
}

struct Written {
  std::vector<IntervalBlock> blocks;
  BlockWriter writer{blocks};
  Period all;
  void add(const IntervalRow& row) { writer.add(row, 0, all); }
};

std::string runs(const std::vector<IntervalBlock::SourceRun>& list) {
  std::string out;
  for (const auto& run : list) out += std::to_string(run.count) + "=" + std::to_string(run.source) + " ";
  return out;
}
std::string runs(const std::vector<IntervalBlock::QualityRun>& list) {
  std::string out;
  for (const auto& run : list) out += std::to_string(run.count) + "=" + std::to_string(run.quality) + " ";
  return out;
}

TEST(BlockWriter, ConsecutiveDaysAreOneBlockWithRunsJoined) {
  Written w;
  IntervalRow first = day(kDay, {1, 2, 3, 4}), second = day(kDay + days{1}, {5, kNarrowHole, 7, 8});
  first.stored.source_runs = {3, 5, 1, 6};
  second.stored.source_runs = {2, 6, 2, 9};
  second.stored.quality_runs = {1, 0, 1, 4, 2, 0};
  w.add(first);
  w.add(second);
  ASSERT_EQ(w.blocks.size(), 1U);
  const IntervalBlock& block = w.blocks[0];
  EXPECT_EQ(block.first_start, kDay);
  EXPECT_EQ(block.mantissas, (std::vector<std::int64_t>{1, 2, 3, 4, 5, kHole, 7, 8}));
  EXPECT_EQ(block.exponent, -1);
  EXPECT_EQ(runs(block.sources), "3=5 3=6 2=9 ");
  EXPECT_EQ(runs(block.qualities), "5=0 1=4 2=0 ");
}

TEST(BlockWriter, AMissingDayAnotherChannelLengthSpanOrUnknownEdgeBeginsABlock) {
  Written w;
  w.add(day(kDay, {1, 2, 3, 4}));
  w.add(day(kDay + days{2}, {1, 2, 3, 4}));
  IntervalRow other = day(kDay + days{3}, {1, 2, 3, 4});
  other.channel = 4;
  w.add(other);
  IntervalRow shorter = day(kDay + days{4}, {1, 2, 3, 4, 5, 6, 7, 8});
  shorter.channel = 4;
  shorter.length = hours{3};
  w.add(shorter);
  IntervalRow later = day(kDay + days{5}, {1, 2, 3, 4, 5, 6, 7, 8});
  later.channel = 4;
  later.length = hours{3};
  w.writer.add(later, 1, w.all);
  IntervalRow edges = day(kDay + days{6}, {kNarrowHole, 2, kNarrowHole, kNarrowHole, 5, 6, 7, 8});
  edges.channel = 4;
  edges.length = hours{3};
  edges.stored.source_runs = {1, 0, 1, 5, 2, 0, 3, 5, 1, 0};
  w.writer.add(edges, 1, w.all);
  ASSERT_EQ(w.blocks.size(), 6U);
  EXPECT_EQ(w.blocks[5].first_start, kDay + days{6} + hours{3});
  EXPECT_EQ(w.blocks[5].mantissas, (std::vector<std::int64_t>{2, kHole, kHole, 5, 6, 7}));
  EXPECT_EQ(runs(w.blocks[5].sources), "1=5 2=0 3=5 ");
  EXPECT_EQ(w.blocks[5].span, 1U);
}

TEST(BlockWriter, UnlikeExponentsMeetAtTheSmallestThatFits) {
  Written w;
  w.add(day(kDay, {kNarrowHole, kNarrowHole, kNarrowHole, kNarrowHole}, 0));  // holes have no exponent
  w.add(day(kDay + days{1}, {15, 0, -15, 10}, -1));
  w.add(day(kDay + days{2}, {2, kNarrowHole, -2, 0}, 0));
  w.add(day(kDay + days{3}, {125, 1, 2, 3}, -3));
  ASSERT_EQ(w.blocks.size(), 1U);
  EXPECT_EQ(w.blocks[0].exponent, -3);
  EXPECT_EQ(w.blocks[0].mantissas, (std::vector<std::int64_t>{kHole, kHole, kHole, kHole, 1500, 0, -1500,
                                                              1000, 2000, kHole, -2000, 0, 125, 1, 2, 3}));
}

TEST(BlockWriter, WhereNoCommonExponentFitsNothingIsRounded) {
  constexpr std::int64_t kLarge = 9'000'000'000'000'000'000;
  Written w;
  IntervalRow wide = day(kDay, {});
  wide.stored.wide = {kLarge, -kLarge, 1, kHole};
  wide.stored.exponent = 0;
  wide.stored.source_runs = {4, 5};
  w.add(wide);
  w.add(day(kDay + days{1}, {1, 2, 3, 4}, -1));  // the block cannot follow
  IntervalRow coarse = wide;
  coarse.start = kDay + days{2};
  coarse.stored.exponent = 3;
  w.add(coarse);                                  // the day cannot
  w.add(day(kDay + days{3}, {0, 0, 0, 0}, -30));  // zeros of the finest kind fit nothing but zeros
  ASSERT_EQ(w.blocks.size(), 4U);
  EXPECT_EQ(w.blocks[0].exponent, 0);
  EXPECT_EQ(w.blocks[0].mantissas, (std::vector<std::int64_t>{kLarge, -kLarge, 1, kHole}));
  EXPECT_EQ(w.blocks[1].exponent, -1);
  EXPECT_EQ(w.blocks[2].exponent, 3);
  EXPECT_EQ(w.blocks[3].exponent, -30);
}

TEST(BlockWriter, SlotsWithExponentsOfTheirOwnKeepTheirValues) {
  constexpr std::int64_t kLarge = 9'000'000'000'000'000'000;
  Written w;
  IntervalRow row = day(kDay, {});
  row.stored.wide = {kLarge, 5, 7, kLarge};
  row.stored.exponents = {1, 1, -2, -2};
  row.stored.exponent = -2;
  row.stored.source_runs = {4, 5};
  w.add(row);
  ASSERT_EQ(w.blocks.size(), 2U);
  EXPECT_EQ(w.blocks[0].mantissas, (std::vector<std::int64_t>{kLarge, 5}));
  EXPECT_EQ(w.blocks[0].exponent, 1);
  EXPECT_EQ(w.blocks[1].mantissas, (std::vector<std::int64_t>{7, kLarge}));
  EXPECT_EQ(w.blocks[1].first_start, kDay + hours{12});
}

TEST(BlockWriter, OnlySlotsWhollyInThePeriodCount) {
  std::vector<IntervalBlock> blocks;
  BlockWriter writer(blocks);
  writer.add(day(kDay, {1, 2, 3, 4}), 0, {kDay + hours{5}, kDay + hours{23}});
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0].mantissas, (std::vector<std::int64_t>{2, 3}));
  writer.add(day(kDay, {1, 2, 3, 4}), 1, {kDay + hours{7}, kDay + hours{17}});
  writer.add(day(kDay, {1, 2, 3, 4}), 1, {kDay + days{1}, kDay + days{2}});
  writer.add(day(kDay, {1, 2, 3, 4}), 1, {kDay - days{1}, kDay});
  EXPECT_EQ(blocks.size(), 1U);
  writer.add(day(kDay, {1, 2, 3, 4}), 1, {kDay, kDay + days{1}});
  ASSERT_EQ(blocks.size(), 2U);
  EXPECT_EQ(blocks[1].mantissas.size(), 4U);
}

TEST(BlockWriter, BlocksStayBelowTheirBound) {
  Written w;
  const std::size_t rows = kMaxBlockSlots / 4 + 1;
  for (std::size_t i = 0; i < rows; ++i) w.add(day(kDay + days{i}, {1, 2, 3, 4}));
  ASSERT_EQ(w.blocks.size(), 2U);
  EXPECT_EQ(w.blocks[0].mantissas.size(), kMaxBlockSlots);
  EXPECT_EQ(w.blocks[1].mantissas.size(), 4U);
  EXPECT_EQ(w.blocks[1].first_start, kDay + days{rows - 1});
}

TEST(BlockWriter, ARowThatContradictsItselfIsRefused) {
  Written w;
  IntervalRow bad = day(kDay, {1, 2, 3, 4});
  bad.stored.source_runs = {3, 5};
  EXPECT_THROW(w.add(bad), std::runtime_error);
  bad.stored.source_runs = {5, 5};
  EXPECT_THROW(w.add(bad), std::runtime_error);
  bad.stored.source_runs = {4, 5};
  bad.stored.quality_runs = {-1, 5, 5, 0};
  EXPECT_THROW(w.add(bad), std::runtime_error);
  bad.stored.quality_runs = {};
  bad.stored.wide = {1, 2, 3, 4};
  EXPECT_THROW(w.add(bad), std::runtime_error);
  bad.stored.values = {};
  bad.stored.exponents = {1};
  EXPECT_THROW(w.add(bad), std::runtime_error);
  EXPECT_TRUE(w.blocks.empty());
}

}  // namespace
}  // namespace ami::storage
