// Rank, merge and revisions of intervals on the grid.
#include <algorithm>

#include "tests/storage/contract/contract_fixture.h"

namespace ami::storage {
namespace {
using namespace contract;

class Intervals : public StoreContract {};
AMI_ON_EVERY_STORE(Intervals);

TEST_P(Intervals, ValuesComeBackExactlyAsSaid) {
  CommitUnit u = unit("a");
  add(u, Block{.start = at("2024-03-05T00:00:00Z"), .values = {1815, kHole, 250}, .exponent = -1});
  add(u, Block{.start = at("2024-03-05T01:00:00Z"), .values = {-7}, .code = "2.8.0 1.4.2", .flag = "E"});
  EXPECT_EQ(commit(u).interval_values, 3U) << "a hole is no value";
  EXPECT_EQ(pick("slot", "start value quality flag"),
            (Lines{"2024-03-05T00:00:00Z 181.5 {} ", "2024-03-05T00:30:00Z 25 {} ",
                   "2024-03-05T01:00:00Z -7 {1.4.2,2.8.0} E"}))
      << "codes in their order, whatever order they were sent in";
  EXPECT_EQ(pick("revision", "start"), Lines{});
}

TEST_P(Intervals, LastIntervalOfADayBelongsToTheDayOfItsStart) {
  put("a", Block{.start = at("2023-12-31T23:30:00Z"), .values = {1, 2, 3}});
  put("b", Block{.start = at("2024-02-29T18:00:00Z"), .values = {4, 5}, .length_s = 21'600});
  const std::string hole = "-2147483648";
  std::vector<std::string> old_year(96, hole), new_year(96, hole);
  old_year[94] = "1";
  old_year[95] = "2";
  new_year[0] = "3";
  const auto join = [](const std::vector<std::string>& cells) {
    std::string out;
    for (const auto& cell : cells) out += (out.empty() ? "{" : ",") + cell;
    return out + "}";
  };
  EXPECT_EQ(pick("day", "day length exponent values wide"),
            (Lines{"2023-12-31T00:00:00Z 900 0 " + join(old_year) + " -",
                   "2024-01-01T00:00:00Z 900 0 " + join(new_year) + " -",
                   "2024-02-29T00:00:00Z 21600 0 " + join({hole, hole, hole, "4"}) + " -",
                   "2024-03-01T00:00:00Z 21600 0 " + join({"5", hole, hole, hole}) + " -"}));
}

// The pairs of the rank: each against the one below it, in both orders of arrival.
TEST_P(Intervals, RankDecidesWhateverComesFirst) {
  struct Case {
    const char* why;
    Block winner;
    int winner_mapping;
    Block loser;
    int loser_mapping;
    std::string current, revision;
  };
  const UtcInstant slot = at("2024-03-05T06:00:00Z"), early = at("2024-03-05T07:00:00Z"),
                   late = at("2024-03-05T07:00:00.000001Z");
  const std::vector<Case> cases{{"a later stamp",
                                 {.start = slot, .values = {1}, .rank = late},
                                 1,
                                 {.start = slot, .values = {9}, .rank = early},
                                 2,
                                 "1 {}  2024-03-05T07:00:00.000001Z 1",
                                 "9 {}  2024-03-05T07:00:00Z 2"},
                                {"any stamp beats none",
                                 {.start = slot, .values = {1}, .rank = at("1999-01-01T00:00:00Z")},
                                 1,
                                 {.start = slot, .values = {9}},
                                 2,
                                 "1 {}  1999-01-01T00:00:00Z 1",
                                 "9 {}  1970-01-01T00:00:00Z 2"},
                                {"a newer mapping",
                                 {.start = slot, .values = {5}},
                                 2,
                                 {.start = slot, .values = {5000}},
                                 1,
                                 "5 {}  1970-01-01T00:00:00Z 2",
                                 "5000 {}  1970-01-01T00:00:00Z 1"},
                                {"the greater value",
                                 {.start = slot, .values = {-3}},
                                 1,
                                 {.start = slot, .values = {-4}},
                                 1,
                                 "-3 {}  1970-01-01T00:00:00Z 1",
                                 "-4 {}  1970-01-01T00:00:00Z 1"},
                                {"the greater value in other digits",
                                 {.start = slot, .values = {21}, .exponent = 0},
                                 1,
                                 {.start = slot, .values = {2'099}, .exponent = -2},
                                 1,
                                 "21 {}  1970-01-01T00:00:00Z 1",
                                 "20.99 {}  1970-01-01T00:00:00Z 1"},
                                {"quality codes",
                                 {.start = slot, .values = {5}, .code = "2.8.0"},
                                 1,
                                 {.start = slot, .values = {5}, .flag = "Z"},
                                 1,
                                 "5 {2.8.0}  1970-01-01T00:00:00Z 1",
                                 "5 {} Z 1970-01-01T00:00:00Z 1"},
                                {"numbers of quality codes",
                                 {.start = slot, .values = {5}, .code = "2.10.0"},
                                 1,
                                 {.start = slot, .values = {5}, .code = "2.9.0"},
                                 1,
                                 "5 {2.10.0}  1970-01-01T00:00:00Z 1",
                                 "5 {2.9.0}  1970-01-01T00:00:00Z 1"},
                                {"the flag",
                                 {.start = slot, .values = {5}, .flag = "R1"},
                                 1,
                                 {.start = slot, .values = {5}, .flag = "R0"},
                                 1,
                                 "5 {} R1 1970-01-01T00:00:00Z 1",
                                 "5 {} R0 1970-01-01T00:00:00Z 1"},
                                {"a value before a hole of higher rank",
                                 {.start = slot, .values = {5}, .rank = early},
                                 1,
                                 {.start = slot, .values = {kHole}, .rank = late, .flag = "N"},
                                 2,
                                 "5 {}  2024-03-05T07:00:00Z 1",
                                 "- {} N 2024-03-05T07:00:00.000001Z 2"},
                                {"the same value of a higher rank is said anew",
                                 {.start = slot, .values = {5}, .rank = late},
                                 1,
                                 {.start = slot, .values = {5}, .rank = early},
                                 1,
                                 "5 {}  2024-03-05T07:00:00.000001Z 1",
                                 "5 {}  2024-03-05T07:00:00Z 1"}};
  for (const Case& c : cases) {
    for (const bool winner_first : {true, false}) {
      SCOPED_TRACE(std::string(c.why) + (winner_first ? ", winner first" : ", loser first"));
      under_test->clear();
      if (winner_first) put("w", c.winner, c.winner_mapping);
      put("l", c.loser, c.loser_mapping);
      if (!winner_first) put("w", c.winner, c.winner_mapping);
      EXPECT_EQ(pick("slot", "value quality flag stamp mapping"), Lines{c.current});
      EXPECT_EQ(pick("revision", "value quality flag stamp mapping"), Lines{c.revision});
    }
  }
}

TEST_P(Intervals, EveryOtherDistinctValueIsARevisionOnce) {
  const UtcInstant slot = at("2024-03-05T06:00:00Z");
  const char* const ranks[] = {"2024-03-05T07:00:00Z", "2024-03-06T07:00:00Z"};
  int n = 0;
  for (const std::int64_t value : {30, 10, 40, 20, 30, 10}) {  // two of them twice, by other files
    for (const char* rank : ranks) {
      put("f" + std::to_string(++n), Block{.start = slot, .values = {value}, .rank = at(rank)});
    }
  }
  put("digits", Block{.start = slot, .values = {2'000}, .exponent = -2, .rank = at(ranks[0])});  // 20 again
  put("fewer", Block{.start = slot, .values = {4}, .exponent = 1, .rank = at(ranks[1])});        // 40 again
  EXPECT_EQ(pick("slot", "value stamp"), Lines{"40 2024-03-06T07:00:00Z"});
  EXPECT_EQ(pick("revision", "stamp value"),
            (Lines{"2024-03-05T07:00:00Z 10", "2024-03-06T07:00:00Z 10", "2024-03-05T07:00:00Z 20",
                   "2024-03-06T07:00:00Z 20", "2024-03-05T07:00:00Z 30", "2024-03-06T07:00:00Z 30",
                   "2024-03-05T07:00:00Z 40"}))
      << "rows are in order of their text: value before stamp";
  EXPECT_EQ(pick("day", "exponent"), Lines{"-2"})
      << "the smallest that was ever stated, though nobody current did";
}

TEST_P(Intervals, SameSlotTwiceInOneUnitIsAsIfInTwo) {
  const UtcInstant slot = at("2024-03-05T06:00:00Z");
  for (const bool higher_first : {true, false}) {
    under_test->clear();
    CommitUnit u = unit("a");
    const Block low{.start = slot, .values = {1, 2}, .rank = at("2024-03-05T07:00:00Z")},
        high{.start = slot, .values = {3}, .rank = at("2024-03-05T08:00:00Z")};
    add(u, higher_first ? high : low);
    add(u, higher_first ? low : high);
    add(u, high);
    add(u, Block{.start = slot, .values = {kHole}, .flag = "N"});
    EXPECT_EQ(commit(u).interval_values, 4U);
    EXPECT_EQ(pick("slot", "start value"), (Lines{"2024-03-05T06:00:00Z 3", "2024-03-05T06:15:00Z 2"}));
    EXPECT_EQ(pick("revision", "value flag"), (Lines{"- N", "1 "}));
    EXPECT_EQ(pick("version", "version"), Lines{"1"}) << "one unit is one version";
  }
}

TEST_P(Intervals, OverlappingDaysOfSeveralFilesMergeInAnyOrder) {
  // Three files that overlap by an hour each, over two midnights; the later file has the later stamp.
  const UtcInstant start = at("2024-02-28T22:00:00Z");
  std::vector<CommitUnit> files;
  for (int f = 0; f < 3; ++f) {
    CommitUnit u = unit("file" + std::to_string(f));
    Block run{.start = start + std::chrono::hours{13 * f},
              .values = {},
              .rank = start + std::chrono::hours{48 + f}};
    for (int i = 0; i < 14 * 4; ++i) run.values.emplace_back(1000 * (f + 1) + i);
    add(u, run);
    files.push_back(u);
  }
  std::vector<int> order{0, 1, 2};
  do {
    under_test->clear();
    for (const int f : order) commit(files[static_cast<std::size_t>(f)]);
    const auto slots = pick("slot", "start value");
    ASSERT_EQ(slots.size(), 40U * 4) << "14 + 13 + 13 hours";
    // 22:00 of the 28th + 13 h = 11:00; the second file's word counts from there, the third's from 00:00.
    EXPECT_EQ(slots[51], "2024-02-29T10:45:00Z 1051");
    EXPECT_EQ(slots[52], "2024-02-29T11:00:00Z 2000");
    EXPECT_EQ(slots[103], "2024-02-29T23:45:00Z 2051");
    EXPECT_EQ(slots[104], "2024-03-01T00:00:00Z 3000");
    EXPECT_EQ(slots[159], "2024-03-01T13:45:00Z 3055");
    EXPECT_EQ(pick("revision", "start value"),
              (Lines{"2024-02-29T11:00:00Z 1052", "2024-02-29T11:15:00Z 1053", "2024-02-29T11:30:00Z 1054",
                     "2024-02-29T11:45:00Z 1055", "2024-03-01T00:00:00Z 2052", "2024-03-01T00:15:00Z 2053",
                     "2024-03-01T00:30:00Z 2054", "2024-03-01T00:45:00Z 2055"}));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_P(Intervals, AHoleWithoutAFlagSaysNothing) {
  put("a", Block{.start = at("2024-03-05T00:00:00Z"), .values = {kHole, kHole}, .exponent = -9});
  EXPECT_EQ(pick("slot", "start"), Lines{});
  EXPECT_EQ(pick("day", "day"), Lines{});
  put("b", Block{.start = at("2024-03-05T00:00:00Z"), .values = {8, kHole}});
  put("c",
      Block{
          .start = at("2024-03-05T00:00:00Z"), .values = {kHole, kHole}, .rank = at("2025-01-01T00:00:00Z")});
  EXPECT_EQ(pick("slot", "start value"), Lines{"2024-03-05T00:00:00Z 8"});
  EXPECT_EQ(pick("revision", "start"), Lines{});
  EXPECT_EQ(pick("day", "exponent"), Lines{"0"}) << "nobody stated a value with the exponent -9";
}

TEST_P(Intervals, AFlaggedHoleIsKeptAndItsHighestRankIsCurrent) {
  const UtcInstant slot = at("2024-03-05T00:00:00Z");
  put("a", Block{.start = slot, .values = {kHole, kHole}, .flag = "N32"});
  put("b", Block{.start = slot, .values = {kHole}, .rank = at("2024-03-05T01:00:00Z"), .code = "1.5.0"});
  EXPECT_EQ(pick("slot", "value quality flag"), (Lines{"- {1.5.0} ", "- {} N32"}));
  EXPECT_EQ(pick("revision", "value flag"), Lines{"- N32"});
  EXPECT_EQ(pick("day", "exponent"), Lines{"-"}) << "no value yet";
  put("c", Block{.start = slot, .values = {8}});
  EXPECT_EQ(pick("slot", "value quality flag"), (Lines{"8 {} ", "- {} N32"}));
  EXPECT_EQ(pick("revision", "value quality flag"), (Lines{"- {1.5.0} ", "- {} N32"}));
}

TEST_P(Intervals, ChannelsOfOneMeterDoNotMix) {
  CommitUnit u = unit("a");
  const UtcInstant slot = at("2024-03-05T00:00:00Z");
  add(u, Block{.start = slot, .values = {1}, .channel = "lp:1"});
  add(u, Block{.start = slot, .values = {2}, .channel = "lp:2"});
  add(u, Block{.start = slot, .values = {3}, .meter = kOtherMeter, .channel = "lp:1"});
  u.batch.channels.push_back(u.batch.channels[0]);  // the same channel listed twice
  u.batch.intervals.push_back(u.batch.intervals[0]);
  u.batch.intervals.back().channel = 3;
  u.batch.channels.push_back(u.batch.channels[0]);
  u.batch.channels.back().unit = "varh";  // another unit is another channel
  u.batch.intervals.push_back(u.batch.intervals[0]);
  u.batch.intervals.back().channel = 4;
  u.batch.intervals.back().mantissas = {4};
  commit(u);
  EXPECT_EQ(pick("slot", "meter channel unit value"),
            (Lines{"11 lp:1 Wh 1", "11 lp:1 varh 4", "11 lp:2 Wh 2", "12 lp:1 Wh 3"}));
  EXPECT_EQ(pick("revision", "value"), Lines{});
}

}  // namespace
}  // namespace ami::storage
