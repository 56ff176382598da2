#include "storage/postgres/day_cache.h"

#include <gtest/gtest.h>

namespace ami::storage {
namespace {

SlotRow::Stored row(std::int32_t first) {
  SlotRow::Stored stored;
  stored.values.assign(96, first);
  stored.source_runs = {96, 5};
  return stored;
}

TEST(DayCache, ARowIsFoundInTheVeryStateThatTheServerNames) {
  DayCache cache(1 << 20);
  const DayCache::Key key{7, 19'800, 900};
  cache.put("one", key, {3, 100}, row(42));
  SlotRow::Stored out;
  ASSERT_TRUE(cache.find("one", key, {3, 100}, out));
  EXPECT_EQ(out.values, row(42).values);
  EXPECT_EQ(out.source_runs, row(42).source_runs);
  EXPECT_FALSE(cache.find("one", {8, 19'800, 900}, {3, 100}, out));
  EXPECT_FALSE(cache.find("one", {7, 19'801, 900}, {3, 100}, out));
  EXPECT_FALSE(cache.find("one", {7, 19'800, 1800}, {3, 100}, out));
  EXPECT_FALSE(cache.find("two", key, {3, 100}, out));
  // The same version from another transaction: dropped and stored anew.
  EXPECT_FALSE(cache.find("one", key, {3, 101}, out));
  EXPECT_FALSE(cache.find("one", key, {3, 100}, out)) << "an outdated state is not kept";
  EXPECT_FALSE(cache.knows_any_of("one", 7));
  cache.put("one", key, {4, 101}, row(43));
  EXPECT_FALSE(cache.find("one", key, {5, 101}, out));
}

TEST(DayCache, AnotherServerForgetsWhatWasLearntFromTheFirst) {
  DayCache cache(1 << 20);
  cache.put("one", {7, 1, 900}, {1, 1}, row(1));
  cache.put("two", {8, 1, 900}, {1, 1}, row(2));
  SlotRow::Stored out;
  EXPECT_FALSE(cache.find("one", {7, 1, 900}, {1, 1}, out));
  EXPECT_FALSE(cache.knows_any_of("two", 7));
  EXPECT_TRUE(cache.knows_any_of("two", 8));
  EXPECT_FALSE(cache.knows_any_of("one", 8));
}

TEST(DayCache, StaysBelowItsBoundAndKeepsWhatWasUsedLast) {
  constexpr std::size_t kBound = 20'000;
  DayCache cache(kBound);
  SlotRow::Stored out;
  for (std::int32_t day = 0; day < 1'000; ++day) {
    cache.put("one", {7, day, 900}, {1, 1}, row(day));
    EXPECT_TRUE(cache.find("one", {7, 0, 900}, {1, 1}, out)) << day;  // used each time, so it stays
  }
  std::size_t kept = 0;
  for (std::int32_t day = 0; day < 1'000; ++day)
    kept += cache.find("one", {7, day, 900}, {1, 1}, out) ? 1U : 0U;
  EXPECT_GT(kept, 3U);
  EXPECT_LT(kept, kBound / (96 * sizeof(std::int32_t)));
  EXPECT_TRUE(cache.find("one", {7, 999, 900}, {1, 1}, out));
  EXPECT_FALSE(cache.find("one", {7, 500, 900}, {1, 1}, out));
  DayCache none(0);
  none.put("one", {7, 1, 900}, {1, 1}, row(1));
  EXPECT_FALSE(none.knows_any_of("one", 7));
}

}  // namespace
}  // namespace ami::storage
