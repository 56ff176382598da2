// Intervals off the grid: kept as they are, never snapped, ranked as all others.
#include <algorithm>

#include "tests/storage/contract/contract_fixture.h"

namespace ami::storage {
namespace {
using namespace contract;

class OddIntervals : public StoreContract {};
AMI_ON_EVERY_STORE(OddIntervals);

TEST_P(OddIntervals, OffGridShortLongAndOverlappingAreKeptAsTheyAre) {
  CommitUnit u = unit("a");
  add(u, Block{.start = at("2024-03-05T00:07:30Z"), .values = {1, 2}});                // off the grid
  add(u, Block{.start = at("2024-03-05T00:00:00Z"), .values = {3}, .length_s = 420});  // 7 min divide no day
  add(u, Block{.start = at("2024-03-05T00:00:00Z"), .values = {4, 5}, .length_s = 30});    // under a minute
  add(u, Block{.start = at("2024-03-05T00:00:00Z"), .values = {6}, .length_s = 172'800});  // two days
  add(u, Block{.start = at("2024-03-05T00:15:00.5Z"), .values = {7}});  // half a second off
  add(u, Block{.start = at("2024-03-05T00:10:00Z"), .values = {8}});    // overlaps all of them
  add(u, Block{.start = at("2024-03-05T05:00:00Z"), .values = {9}, .length_s = 86'400});  // a civil day
  add(u, Block{.start = at("2024-03-05T00:00:00Z"), .values = {10}, .length_s = 59});
  add(u, Block{.start = at("2024-02-29T00:00:00Z"),
               .values = {11},
               .length_s = 2'505'600});  // 29 days, over a month
  EXPECT_EQ(commit(u).interval_values, 11U);
  EXPECT_EQ(pick("day", "day"), Lines{});
  EXPECT_EQ(
      pick("slot", "start length value"),
      (Lines{"2024-02-29T00:00:00Z 2505600 11", "2024-03-05T00:00:00Z 172800 6", "2024-03-05T00:00:00Z 30 4",
             "2024-03-05T00:00:00Z 420 3", "2024-03-05T00:00:00Z 59 10", "2024-03-05T00:00:30Z 30 5",
             "2024-03-05T00:07:30Z 900 1", "2024-03-05T00:10:00Z 900 8", "2024-03-05T00:15:00.500Z 900 7",
             "2024-03-05T00:22:30Z 900 2", "2024-03-05T05:00:00Z 86400 9"}));
  EXPECT_EQ(pick("odd", "start").size(), 11U);
  EXPECT_EQ(pick("revision", "value"), Lines{});
}

TEST_P(OddIntervals, TheGridReachesFromAMinuteToADay) {
  CommitUnit u = unit("a");
  add(u, Block{.start = at("2024-03-05T23:59:00Z"), .values = {1}, .length_s = 60});
  add(u, Block{.start = at("2024-03-05T00:00:00Z"), .values = {2}, .length_s = 86'400});
  add(u, Block{.start = at("2024-03-05T00:01:04Z"), .values = {3}, .length_s = 64});  // 1350 a day
  commit(u);
  EXPECT_EQ(pick("day", "length"), (Lines{"60", "64", "86400"}));
  EXPECT_EQ(pick("odd", "length"), Lines{});
  EXPECT_EQ(pick("slot", "start value"),
            (Lines{"2024-03-05T00:00:00Z 2", "2024-03-05T00:01:04Z 3", "2024-03-05T23:59:00Z 1"}));
}

TEST_P(OddIntervals, RankRevisionsAndHolesAreThoseOfTheGrid) {
  const UtcInstant slot = at("2024-03-05T00:07:30Z");
  const UtcInstant r1 = at("2024-03-05T01:00:00Z"), r2 = at("2024-03-05T02:00:00Z");
  CommitUnit hole = unit("hole"), low = unit("low"), high = unit("high"), again = unit("again");
  add(hole, Block{.start = slot, .values = {kHole}, .rank = at("2025-01-01T00:00:00Z"), .flag = "N"});
  add(low, Block{.start = slot, .values = {30}, .exponent = -1, .rank = r1});
  add(low, Block{.start = slot, .values = {kHole}, .rank = at("2026-01-01T00:00:00Z")});  // says nothing
  add(high, Block{.start = slot, .values = {2}, .rank = r2, .flag = "E"});
  add(again, Block{.start = slot, .values = {3}, .rank = r1});  // 3.0 of `low`
  std::vector<const CommitUnit*> order{&again, &high, &hole, &low};
  std::sort(order.begin(), order.end());
  do {
    under_test->clear();
    for (const CommitUnit* u : order) commit(*u);
    ASSERT_EQ(pick("slot", "value flag"), Lines{"2 E"});
    ASSERT_EQ(pick("revision", "value flag stamp"),
              (Lines{"- N 2025-01-01T00:00:00Z", "3  2024-03-05T01:00:00Z"}));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_P(OddIntervals, AHoleHasNoExponent) {
  put("a", Block{.start = at("2024-03-05T00:07:30Z"), .values = {kHole}, .exponent = -3, .flag = "N"});
  EXPECT_EQ(pick("odd", "mantissa exponent"), Lines{"- -"});
  EXPECT_EQ(pick("slot", "value flag"), Lines{"- N"});
}

TEST_P(OddIntervals, DigitsDoNotDependOnTheOrderOfArrival) {
  const UtcInstant slot = at("2024-03-05T00:07:30Z");
  // 9e18 and 5e-18 have no exponent in common that fits 64 bits; 1 has one with each of them.
  CommitUnit large = unit("large"), small = unit("small"), last = unit("last");
  add(large, Block{.start = slot, .values = {9'000'000'000'000'000'000}, .rank = at("2024-03-06T00:00:00Z")});
  add(small, Block{.start = slot, .values = {5}, .exponent = -18, .rank = at("2024-03-05T00:00:00Z")});
  add(last, Block{.start = slot, .values = {1}, .rank = at("2024-03-07T00:00:00Z")});
  std::map<std::string, Lines> found;
  std::vector<const CommitUnit*> order{&large, &small, &last};
  std::sort(order.begin(), order.end());
  do {
    under_test->clear();
    std::string names;
    for (const CommitUnit* u : order) {
      commit(*u);
      names += u->source.content_sha256 + " ";
    }
    ASSERT_EQ(pick("slot", "value"), Lines{"1"});
    found[pick("odd", "mantissa exponent").at(0)].push_back(names);
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(found.size(), 1U) << ::testing::PrintToString(found);
}

TEST_P(OddIntervals, ALowerRankSaidAgainChangesNothing) {
  const UtcInstant slot = at("2024-03-05T00:07:30Z");
  put("large",
      Block{.start = slot, .values = {9'000'000'000'000'000'000}, .rank = at("2024-03-06T00:00:00Z")});
  const CommitUnit small =
      put("small", Block{.start = slot, .values = {5}, .exponent = -18, .rank = at("2024-03-05T00:00:00Z")});
  const Dump before = under_test->dump();
  commit(small);
  commit(small);
  const Dump after = under_test->dump();
  EXPECT_EQ(difference(before.digits, after.digits), "") << "no version";
  EXPECT_EQ(difference(before.history, after.history), "") << "no change";
}

}  // namespace
}  // namespace ami::storage
