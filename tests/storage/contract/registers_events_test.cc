// Registers and events: rank, revisions, repetition.
#include <algorithm>

#include "tests/storage/contract/contract_fixture.h"

namespace ami::storage {
namespace {
using namespace contract;

class Registers : public StoreContract {};
AMI_ON_EVERY_STORE(Registers);

TEST_P(Registers, RankDecidesWhateverComesFirst) {
  struct Case {
    const char* why;
    Register winner;
    int winner_mapping;
    Register loser;
    int loser_mapping;
    std::string current, revision;
  };
  const UtcInstant when = at("2024-03-05T05:00:00Z"), early = at("2024-03-05T06:00:00Z"),
                   late = at("2024-03-05T07:00:00Z");
  const std::vector<Case> cases{{"a later stamp",
                                 {.at = when, .value = {1, 0}, .rank = late},
                                 1,
                                 {.at = when, .value = {9, 0}, .rank = early},
                                 2,
                                 "1 0 {} ",
                                 "9 0 {} "},
                                {"any stamp beats none",
                                 {.at = when, .value = {1, 0}, .rank = early},
                                 1,
                                 {.at = when, .value = {9, 0}},
                                 2,
                                 "1 0 {} ",
                                 "9 0 {} "},
                                {"a newer mapping",
                                 {.at = when, .value = {1, 0}},
                                 2,
                                 {.at = when, .value = {9, 0}},
                                 1,
                                 "1 0 {} ",
                                 "9 0 {} "},
                                {"the greater value",
                                 {.at = when, .value = {12, 0}},
                                 1,
                                 {.at = when, .value = {119, -1}},
                                 1,
                                 "12 0 {} ",
                                 "119 -1 {} "},
                                {"quality codes",
                                 {.at = when, .value = {1, 0}, .code = "2.10.0"},
                                 1,
                                 {.at = when, .value = {1, 0}, .code = "2.9.0", .flag = "Z"},
                                 1,
                                 "1 0 {2.10.0} ",
                                 "1 0 {2.9.0} Z"},
                                {"the flag",
                                 {.at = when, .value = {1, 0}, .flag = "B"},
                                 1,
                                 {.at = when, .value = {1, 0}, .flag = "A"},
                                 1,
                                 "1 0 {} B",
                                 "1 0 {} A"},
                                {"more digits of the same value",
                                 {.at = when, .value = {150, -2}},
                                 1,
                                 {.at = when, .value = {15, -1}},
                                 1,
                                 "150 -2 {} ",
                                 "15 -1 {} "},
                                {"more digits of zero",
                                 {.at = when, .value = {0, -3}},
                                 1,
                                 {.at = when, .value = {0, 2}},
                                 1,
                                 "0 -3 {} ",
                                 "0 2 {} "},
                                {"the same of a higher rank",
                                 {.at = when, .value = {1, 0}, .rank = late},
                                 1,
                                 {.at = when, .value = {1, 0}, .rank = early},
                                 1,
                                 "1 0 {} ",
                                 "1 0 {} "}};
  for (const Case& c : cases) {
    for (const bool winner_first : {true, false}) {
      SCOPED_TRACE(std::string(c.why) + (winner_first ? ", winner first" : ", loser first"));
      under_test->clear();
      if (winner_first) put("w", c.winner, c.winner_mapping);
      put("l", c.loser, c.loser_mapping);
      if (!winner_first) put("w", c.winner, c.winner_mapping);
      put("l2", c.loser, c.loser_mapping);
      EXPECT_EQ(pick("register", "mantissa exponent quality flag"), Lines{c.current});
      EXPECT_EQ(pick("register_revision", "mantissa exponent quality flag"), Lines{c.revision});
    }
  }
}

TEST_P(Registers, PeriodAndClockOfAReadingAreKeptAndTellReadingsApart) {
  const UtcInstant when = at("2024-03-05T05:00:00Z");
  const Register bare{.at = when, .value = {7, 0}};
  Register summary = bare, maximum = bare, relayed = bare;
  summary.period_start = at("2024-02-05T05:00:00Z");
  maximum.occurred_at = at("2024-02-11T17:30:00Z");
  relayed.clock = TimeSource::Collector;
  std::vector<CommitUnit> units;
  for (const Register& read : {bare, summary, maximum, relayed}) {
    units.push_back(unit("u" + std::to_string(units.size())));
    add(units.back(), read);
  }
  std::optional<Dump> first;
  std::vector<std::size_t> order{0, 1, 2, 3};
  do {
    under_test->clear();
    for (const std::size_t i : order) commit(units[i]);
    const Dump dump = under_test->dump();
    ASSERT_EQ(dump.pick("register", "at").size(), 1U);
    ASSERT_EQ(dump.pick("register_revision", "at").size(), 3U);
    if (!first) first = dump;
    ASSERT_EQ(difference(first->truth, dump.truth), "");
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(first->pick("register", "period occurred clock"), Lines{"2024-02-05T05:00:00Z - 0"});
}

TEST_P(Registers, SameReadingTwiceInOneUnitAndAnotherTime) {
  CommitUnit u = unit("a");
  add(u, Register{.at = at("2024-03-05T05:00:00Z"), .value = {7, 0}});
  add(u, Register{.at = at("2024-03-05T05:00:00Z"), .value = {7, 0}});
  add(u, Register{.at = at("2024-03-05T05:00:00Z"), .value = {8, 0}});
  add(u, Register{.at = at("2024-03-05T05:00:00.000001Z"), .value = {6, 0}});
  add(u, Register{.at = at("2024-02-29T23:59:59.999999Z"), .value = {5, 0}});
  EXPECT_EQ(commit(u).registers, 5U);
  EXPECT_EQ(
      pick("register", "at mantissa"),
      (Lines{"2024-02-29T23:59:59.999999Z 5", "2024-03-05T05:00:00.000001Z 6", "2024-03-05T05:00:00Z 8"}));
  EXPECT_EQ(pick("register_revision", "mantissa"), Lines{"7"});
}

class Events : public StoreContract {};
AMI_ON_EVERY_STORE(Events);

TEST_P(Events, AreStoredOnceAndTheNewestMappingsReadingCounts) {
  CommitUnit first = unit("a"), second = unit("b"), third = unit("a");
  add_event(first, kMeter, "2024-03-05T06:00:00Z", "UNMAPPED", "X");
  add_event(first, kMeter, "2024-03-05T06:00:00Z", "UNMAPPED", "X");
  add_event(first, kMeter, "2024-03-05T06:00:00Z", "RESTORE", "Y");
  add_event(second, kMeter, "2024-03-05T06:00:00Z", "UNMAPPED", "X");
  third.source.mapping_version = 2;
  add_event(third, kMeter, "2024-03-05T06:00:00Z", "OUTAGE", "X");
  std::vector<const CommitUnit*> order{&first, &second, &third};
  std::sort(order.begin(), order.end());
  do {
    under_test->clear();
    for (const CommitUnit* u : order) EXPECT_EQ(commit(*u).events, u->batch.events.size());
    ASSERT_EQ(pick("event", "raw_code kind mapping"), (Lines{"X OUTAGE 2", "Y RESTORE 1"}));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_P(Events, OfOneMappingTheGreaterReadingAndTheDevicesClockCount) {
  CommitUnit a = unit("a"), b = unit("b"), c = unit("c");
  add_event(a, kMeter, "2024-03-05T06:00:00Z", "OUTAGE", "X", TimeSource::Collector);
  add_event(b, kMeter, "2024-03-05T06:00:00Z", "OUTAGE", "X", TimeSource::Device);
  add_event(c, kMeter, "2024-03-05T06:00:00Z", "TAMPER", "X", TimeSource::Receipt);
  for (const bool forwards : {true, false}) {
    under_test->clear();
    commit(forwards ? a : b);
    commit(forwards ? b : a);
    EXPECT_EQ(pick("event", "kind clock"), Lines{"OUTAGE 0"});
    commit(c);
    commit(a);
    EXPECT_EQ(pick("event", "kind clock"), Lines{"TAMPER 2"});
  }
}

TEST_P(Events, WordsTellEventsApartHoweverLong) {
  CommitUnit u = unit("a");
  const std::string common(20'000, 'x');
  for (const char* last : {"1", "2"}) {
    add_event(u, kMeter, "2024-03-05T06:00:00Z", "OUTAGE", "X");
    u.batch.events.back().raw_text = common + last;
  }
  add_event(u, kOtherMeter, "2024-03-05T06:00:00Z", "OUTAGE", "X");
  commit(u);
  commit(u);
  EXPECT_EQ(pick("event", "meter").size(), 3U);
}

}  // namespace
}  // namespace ami::storage
