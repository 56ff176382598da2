#include "storage/postgres/interval_merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace ami::storage {
namespace {

// Source n has stamp n; quality ids are ordered by number.
class Numbers final : public Provenance {
 public:
  Numbers() {
    for (int i = 0; i < 10; ++i) ranks_.push_back({RankStamp{std::chrono::seconds{i}}, 1});
  }
  const Rank& rank_of(std::int64_t source) const override {
    return ranks_.at(static_cast<std::size_t>(source));
  }
  std::strong_ordering compare_quality(std::int32_t a, std::int32_t b) const override { return a <=> b; }

 private:
  std::vector<Rank> ranks_;
};

SlotValue said(std::int64_t mantissa, int exponent, std::int64_t source, std::int32_t quality = 0) {
  return {Decimal{mantissa, exponent}, source, quality};
}
SlotValue hole(std::int64_t source, std::int32_t quality) {
  return {std::nullopt, source, quality};
}

TEST(IntervalMerge, LaterStampIsCurrentAndTheEarlierValueIsHandedBack) {
  const Numbers numbers;
  SlotRow row(4);
  EXPECT_FALSE(row.offer(1, said(5, 0, 1), numbers));
  const auto loser = row.offer(1, said(7, 0, 2), numbers);
  ASSERT_TRUE(loser);
  EXPECT_EQ(loser->value, (Decimal{5, 0}));
  EXPECT_EQ(row.current(1).value, (Decimal{7, 0}));
  const auto late = row.offer(1, said(5, 0, 1), numbers);
  ASSERT_TRUE(late) << "an older value that comes late is a revision at once";
  EXPECT_EQ(row.current(1).value, (Decimal{7, 0}));
}

TEST(IntervalMerge, HoleNeverReplacesAValueWhateverItsRank) {
  const Numbers numbers;
  SlotRow row(1);
  row.offer(0, said(5, 0, 1), numbers);
  const auto flagged = row.offer(0, hole(9, 3), numbers);
  ASSERT_TRUE(flagged) << "a flagged hole is kept as a revision";
  EXPECT_FALSE(flagged->value);
  EXPECT_FALSE(row.offer(0, hole(9, 0), numbers)) << "a plain hole says nothing";
  EXPECT_EQ(row.current(0).value, (Decimal{5, 0}));
}

TEST(IntervalMerge, ValueReplacesAFlaggedHoleOfHigherRank) {
  const Numbers numbers;
  SlotRow row(1);
  row.offer(0, hole(9, 3), numbers);
  const auto loser = row.offer(0, said(5, 0, 1), numbers);
  ASSERT_TRUE(loser);
  EXPECT_EQ(loser->quality, 3);
  EXPECT_EQ(row.current(0).value, (Decimal{5, 0}));
}

TEST(IntervalMerge, RepetitionChangesNothing) {
  const Numbers numbers;
  SlotRow row(2);
  row.offer(0, said(5, 0, 1), numbers);
  SlotRow again(2);
  again.load(row.to_store());
  EXPECT_FALSE(again.offer(0, said(5, 0, 1), numbers));
  EXPECT_FALSE(again.changed());
}

TEST(IntervalMerge, SmallerExponentRescalesTheRow) {
  const Numbers numbers;
  SlotRow row(2);
  row.offer(0, said(25, -1, 1), numbers);
  row.offer(1, said(1234, -3, 1), numbers);
  const auto stored = row.to_store();
  EXPECT_EQ(stored.exponent, -3);
  EXPECT_EQ(stored.values, (std::vector<std::int32_t>{2500, 1234}));
  EXPECT_TRUE(stored.wide.empty());
}

TEST(IntervalMerge, MantissaBeyondInt32GoesWide) {
  const Numbers numbers;
  SlotRow row(2);
  row.offer(0, said(2'147'483'648, 0, 1), numbers);
  const auto stored = row.to_store();
  EXPECT_TRUE(stored.values.empty());
  EXPECT_EQ(stored.wide, (std::vector<std::int64_t>{2'147'483'648, SlotRow::kHole}));
  SlotRow lowest(1);
  lowest.offer(0, said(-2'147'483'648, 0, 1), numbers);
  EXPECT_EQ(lowest.to_store().wide, (std::vector<std::int64_t>{-2'147'483'648}))
      << "the narrow sign for a hole";
}

TEST(IntervalMerge, NoCommonExponentWithin64BitsKeepsEachSlotExact) {
  const Numbers numbers;
  SlotRow row(3);
  row.offer(0, said(9'000'000'000'000'000'000, 0, 1), numbers);
  row.offer(1, said(1, -3, 1), numbers);
  const auto stored = row.to_store();
  EXPECT_EQ(stored.exponents, (std::vector<std::int16_t>{0, -3, -3}));
  EXPECT_EQ(stored.wide, (std::vector<std::int64_t>{9'000'000'000'000'000'000, 1, SlotRow::kHole}));
  SlotRow back(3);
  back.load(stored);
  EXPECT_EQ(back.current(0).value, (Decimal{9'000'000'000'000'000'000, 0}));
  EXPECT_EQ(back.current(1).value, (Decimal{1, -3}));
  // When the great value is superseded, the row is an ordinary one again.
  back.offer(0, said(4, 0, 2), numbers);
  EXPECT_EQ(back.to_store().values, (std::vector<std::int32_t>{4000, 1, SlotRow::kNarrowHole}));
}

TEST(IntervalMerge, RowThatContradictsItselfIsRefused) {
  SlotRow::Stored stored;
  stored.values = {1, 2};
  stored.exponent = 0;
  stored.source_runs = {1, 1};
  EXPECT_THROW(SlotRow(2).load(stored), std::runtime_error) << "runs cover one slot of two";
  stored.source_runs = {3, 1};
  EXPECT_THROW(SlotRow(2).load(stored), std::runtime_error);
  stored.source_runs = {-1, 1, 3, 1};
  EXPECT_THROW(SlotRow(2).load(stored), std::runtime_error);
  stored.source_runs = {2, 1};
  EXPECT_THROW(SlotRow(3).load(stored), std::runtime_error);
}

TEST(IntervalMerge, OnlyTheGridIsTheGrid) {
  const UtcInstant midnight{std::chrono::sys_days{std::chrono::year{2024} / 3 / 5}};
  using std::chrono::seconds;
  EXPECT_TRUE(on_grid(midnight, seconds{900}));
  EXPECT_TRUE(on_grid(midnight, seconds{86'400}));
  EXPECT_TRUE(on_grid(midnight + seconds{60}, seconds{60}));
  EXPECT_FALSE(on_grid(midnight + seconds{1}, seconds{900}));
  EXPECT_FALSE(on_grid(midnight + std::chrono::microseconds{1}, seconds{900}));
  EXPECT_FALSE(on_grid(midnight, seconds{7 * 60})) << "does not divide a day";
  EXPECT_FALSE(on_grid(midnight, seconds{30})) << "under a minute";
  EXPECT_FALSE(on_grid(midnight, seconds{2 * 86'400}));
}

// All orders of the same offers end in the same row and the same set of values that are not current.
TEST(IntervalMerge, AnyOrderEndsTheSame) {
  const Numbers numbers;
  std::mt19937 random(20240305);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::pair<std::size_t, SlotValue>> offers;
    for (int i = 0; i < 12; ++i) {
      const auto pick = [&](int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(random);
      };
      SlotValue value = said(pick(0, 2) * 10, pick(-2, 0), pick(1, 3), pick(0, 2));
      if (pick(0, 3) == 0) value.value.reset();
      if (pick(0, 9) == 0) value.value = Decimal{9'000'000'000'000'000'000, 0};
      offers.emplace_back(static_cast<std::size_t>(pick(0, 2)), value);
    }
    std::optional<SlotRow::Stored> first;
    for (int order = 0; order < 5; ++order) {
      SlotRow row(3);
      for (const auto& [slot, value] : offers) row.offer(slot, value, numbers);
      const auto stored = row.to_store();
      if (!first) first = stored;
      ASSERT_EQ(stored.exponent, first->exponent);
      ASSERT_EQ(stored.values, first->values);
      ASSERT_EQ(stored.wide, first->wide);
      ASSERT_EQ(stored.exponents, first->exponents);
      ASSERT_EQ(stored.source_runs, first->source_runs);
      ASSERT_EQ(stored.quality_runs, first->quality_runs);
      std::shuffle(offers.begin(), offers.end(), random);
      offers.push_back(offers.front());  // and a repetition
    }
  }
}

}  // namespace
}  // namespace ami::storage
