// One unit of work: exactly once, whole or not at all, checked against asset data; quarantine, state,
// sources.
#include <algorithm>
#include <functional>

#include "tests/storage/contract/contract_fixture.h"

namespace ami::storage {
namespace {
using namespace contract;

class Intake : public StoreContract {
 protected:
  // Something of everything.
  CommitUnit full(const std::string& content) const {
    CommitUnit u = unit(content);
    add(u, Block{.start = at("2024-03-05T00:00:00Z"), .values = {1, 2, kHole, 4}});
    add(u, Block{.start = at("2024-03-05T00:07:00Z"), .values = {9}, .code = "1.5.0", .flag = "E"});
    add(u, Register{.at = at("2024-03-05T05:00:00Z"), .value = {10, -1}});
    add_event(u, kMeter, "2024-03-05T06:00:00Z", "OUTAGE", "X");
    add_quarantined(u, "bad_number", std::string("raw \0 \xff", 7));
    u.state = {{"position", content}};
    return u;
  }
};
AMI_ON_EVERY_STORE(Intake);

TEST_P(Intake, SameUnitAgainChangesNoReading) {
  const CommitUnit u = full("a");
  commit(u);
  const Dump before = under_test->dump();
  ASSERT_EQ(before.pick("version", "version"), Lines{"1"});
  commit(u);
  CommitUnit renamed = u;  // sent again under another name
  renamed.source.name = "other.txt";
  renamed.source.received_at = at("2024-04-01T00:00:00Z");
  const auto counts = commit(renamed);
  EXPECT_EQ(counts.interval_values, 4U) << "what was read, not what was new";
  Dump after = under_test->dump();
  EXPECT_EQ(difference(before.truth, after.truth), "");
  EXPECT_EQ(difference(before.sources, after.sources), "");
  EXPECT_EQ(after.pick("sighting", "seen first last"), Lines{"3 2024-03-06T14:00:00Z 2024-04-01T00:00:00Z"});
  after.history["sighting"] = before.history.at("sighting");
  EXPECT_EQ(difference(before.history, after.history), "") << "no new version, change or receipt";
}

TEST_P(Intake, SameContentFromAnotherFeedIsAnotherSourceOfTheSameTruth) {
  const CommitUnit u = full("a");
  commit(u);
  CommitUnit other = u;
  other.source.feed = "feed-2";
  const Dump before = under_test->dump();
  commit(other);
  const Dump after = under_test->dump();
  EXPECT_EQ(after.pick("slot", "start value"), before.pick("slot", "start value"));
  EXPECT_EQ(after.pick("revision", "value"), Lines{});
  EXPECT_EQ(after.pick("source", "feed"), (Lines{"feed-1", "feed-2"}));
  EXPECT_EQ(after.pick("quarantine", "feed"), (Lines{"feed-1", "feed-2"})) << "each feed's own record";
  EXPECT_EQ(after.pick("change", "entity"), before.pick("change", "entity"));
}

TEST_P(Intake, ASourceIsAContentAtARankReadByOneMappingAndClock) {
  CommitUnit u = unit("a");
  const UtcInstant day = at("2024-03-05T00:00:00Z"), r1 = at("2024-03-05T01:00:00Z");
  add(u, Block{.start = day, .values = {1, kHole}});
  add(u, Block{.start = day + std::chrono::hours{1}, .values = {2}, .rank = r1});
  add(u,
      Block{.start = day + std::chrono::hours{2}, .values = {3}, .rank = r1, .clock = TimeSource::Receipt});
  add(u, Register{.at = day, .value = {4, 0}, .rank = r1});
  add_event(u, kMeter, "2024-03-05T06:00:00Z", "OUTAGE", "X", TimeSource::Collector);
  u.source.offset = 4096;
  commit(u);
  EXPECT_EQ(pick("receipt", "stamp clock offset mapping registers values events name length received"),
            (Lines{"1970-01-01T00:00:00Z 0 4096 1 0 1 0 a.txt 1 2024-03-06T14:00:00Z",
                   "1970-01-01T00:00:00Z 1 4096 1 0 0 1 a.txt 1 2024-03-06T14:00:00Z",
                   "2024-03-05T01:00:00Z 0 4096 1 1 1 0 a.txt 1 2024-03-06T14:00:00Z",
                   "2024-03-05T01:00:00Z 2 4096 1 0 1 0 a.txt 1 2024-03-06T14:00:00Z"}));
  EXPECT_EQ(pick("slot_origin", "start content clock"),
            (Lines{"2024-03-05T00:00:00Z a 0", "2024-03-05T01:00:00Z a 0", "2024-03-05T02:00:00Z a 2"}));
}

TEST_P(Intake, ContentThatIsReadAgainIsASourceOfItsOwn) {
  const CommitUnit u = full("a");
  commit(u);
  const Dump before = under_test->dump();
  CommitUnit again = u;  // by a reprocess run, with a mapping that now reads one value more
  again.replay_of = -7;
  again.cause = "unit was missing";
  add(again, Block{.start = at("2024-03-05T01:00:00Z"), .values = {5}});
  const UtcInstant then = under_test->now();
  commit(again);
  commit(again);
  const Dump after = under_test->dump();
  EXPECT_EQ(after.pick("receipt", "replay cause values registers events"),
            (Lines{"-7 unit was missing 5 1 1", "0  4 1 1"}));
  EXPECT_EQ(after.pick("slot", "start").size(), before.pick("slot", "start").size() + 1);
  EXPECT_EQ(after.pick("revision", "start"), Lines{}) << "what is said again is no other value";
  EXPECT_EQ(after.pick("change", "commit entity kinds").back(), "2 1 1");
  EXPECT_EQ(under_test->as_of(then).rows.size(), before.pick("slot", "start").size() + 1)
      << "the intervals and the register of the first reading; the new value was not known then";
}

TEST_P(Intake, EmptyUnitIsRememberedAsReadAndSavesItsState) {
  CommitUnit u = unit("nothing in it");
  u.state = {{"position", "99"}};
  const auto counts = commit(u);
  EXPECT_EQ(counts.registers + counts.interval_values + counts.events + counts.quarantined, 0U);
  EXPECT_EQ(pick("source", "content stamp"), Lines{"nothing in it 1970-01-01T00:00:00Z"});
  EXPECT_EQ(pick("receipt", "registers values events"), Lines{"0 0 0"});
  EXPECT_EQ(store().load_state("feed-1", "position").value(), "99");

  CommitUnit bare = unit("");  // nothing was read either
  bare.state = {{"position", "100"}};
  commit(bare);
  EXPECT_EQ(pick("source", "content").size(), 1U);
  EXPECT_EQ(store().load_state("feed-1", "position").value(), "100");

  CommitUnit no_values = unit("run of none");
  add(no_values, Block{.start = at("2024-03-05T00:00:00Z"), .values = {}});
  commit(no_values);
  EXPECT_EQ(pick("slot", "value"), Lines{});
  EXPECT_EQ(pick("change", "entity"), Lines{});
}

TEST_P(Intake, RefusalLeavesNothingBehind) {
  commit(full("before"));
  const Dump before = under_test->dump();
  const std::vector<std::pair<const char*, std::function<void(CommitUnit&)>>> defects{
      {"a meter that nobody has",
       [](CommitUnit& u) {
         add(u, Block{.start = at("2024-03-07T00:00:00Z"), .values = {1}, .meter = kNoMeter});
       }},
      {"another utility's meter",
       [](CommitUnit& u) {
         add(u, Block{.start = at("2024-03-07T00:00:00Z"), .values = {1}, .meter = kSouthMeter});
       }},
      {"a register of another utility's meter",
       [](CommitUnit& u) {
         add(u, Register{.at = at("2024-03-07T00:00:00Z"), .value = {1, 0}, .meter = kSouthMeter});
       }},
      {"an event of another utility's meter",
       [](CommitUnit& u) { add_event(u, kSouthMeter, "2024-03-07T00:00:00Z", "OUTAGE", "X"); }},
      {"an event of nobody's meter",
       [](CommitUnit& u) { add_event(u, kNoMeter, "2024-03-07T00:00:00Z", "OUTAGE", "X"); }},
      {"no such utility", [](CommitUnit& u) { u.utility = 77; }},
      {"a run of a channel that is not listed", [](CommitUnit& u) { u.batch.intervals.back().channel = 9; }},
      {"a register of a channel that is not listed",
       [](CommitUnit& u) { u.batch.registers.back().channel = 9; }},
      {"a quality that is not listed", [](CommitUnit& u) { u.batch.intervals.back().quality = {9}; }},
      {"a register's quality that is not listed",
       [](CommitUnit& u) { u.batch.registers.back().quality = 9; }},
      {"a run without a length",
       [](CommitUnit& u) { u.batch.intervals.back().length = std::chrono::seconds{0}; }},
      {"a negative length",
       [](CommitUnit& u) { u.batch.intervals.back().length = std::chrono::seconds{-900}; }},
      {"fewer qualities than values", [](CommitUnit& u) { u.batch.intervals.front().quality.pop_back(); }},
  };
  for (const auto& [why, spoil] : defects) {
    SCOPED_TRACE(why);
    CommitUnit u = full("refused");
    add(u, Block{.start = at("2024-03-06T00:00:00Z"),
                 .values = {5},
                 .flag = "a new flag",
                 .channel = "a new one"});
    u.state.push_back({"other", "x"});
    add_quarantined(u, "bad_number", "another");
    spoil(u);
    const auto refused = store().commit(u);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().fault, Fault::Permanent);
    EXPECT_FALSE(refused.error().message.empty());
    const Dump after = under_test->dump();
    EXPECT_EQ(difference(before.truth, after.truth), "");
    EXPECT_EQ(difference(before.sources, after.sources), "");
    EXPECT_EQ(difference(before.history, after.history), "");
  }
  commit(full("after"));
  EXPECT_EQ(pick("source", "content").size(), 2U) << "the store works on";
}

TEST_P(Intake, UnitsHandedInTogetherAreCountedEachAndARefusalLeavesThemToBeCommittedAlone) {
  const std::vector<CommitUnit> good{full("one"), full("two")};
  const auto counts = store().commit_all(good);
  ASSERT_TRUE(counts.ok()) << counts.error().message;
  ASSERT_EQ(counts->size(), 2U);
  EXPECT_EQ(counts->at(0).registers, good[0].batch.registers.size());
  EXPECT_EQ(pick("source", "content").size(), 2U);
  EXPECT_TRUE(store().commit_all({}).ok());

  std::vector<CommitUnit> mixed{full("three"), full("bad"), full("four")};
  add(mixed[1], Block{.start = at("2024-03-07T00:00:00Z"), .values = {1}, .meter = kSouthMeter});
  const auto refused = store().commit_all(mixed);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().fault, Fault::Permanent);
  EXPECT_TRUE(store().commit(mixed[0]).ok());
  EXPECT_FALSE(store().commit(mixed[1]).ok());
  EXPECT_TRUE(store().commit(mixed[2]).ok());
  EXPECT_EQ(pick("source", "content").size(), 4U) << "and nothing of the bad one";

  std::vector<CommitUnit> old{full("five"), full("six")};
  under_test->touch_directory();
  const auto changed = store().commit_all(old);
  ASSERT_TRUE(changed.ok());
  EXPECT_TRUE(std::ranges::any_of(*changed, [](const CommitCounts& c) { return c.directory_changed; }));
  EXPECT_EQ(pick("source", "content").size(), 4U);
}

TEST_P(Intake, UnknownMeterIsNamedInTheRefusal) {
  CommitUnit u = unit("a");
  add(u, Block{.start = at("2024-03-07T00:00:00Z"), .values = {1}, .meter = kNoMeter});
  EXPECT_NE(store().commit(u).error().message.find("999"), std::string::npos);
}

TEST_P(Intake, UnitResolvedWithOldNamesIsNotStored) {
  const CommitUnit u = full("a");
  under_test->touch_directory();
  const auto counts = store().commit(u);
  ASSERT_TRUE(counts.ok());
  EXPECT_TRUE(counts->directory_changed);
  const Dump dump = under_test->dump();
  for (const auto& [name, section] : dump.truth) EXPECT_TRUE(section.rows.empty()) << name;
  EXPECT_EQ(dump.pick("source", "content"), Lines{});
  CommitUnit resolved = u;
  resolved.directory_version = under_test->directory_version();
  EXPECT_EQ(commit(resolved).interval_values, 4U);
  CommitUnit ahead = u;  // as after the restore of an older database
  ahead.directory_version = under_test->directory_version() + 1;
  EXPECT_TRUE(store().commit(ahead)->directory_changed);
}

TEST_P(Intake, TwoUtilitiesHaveTheirOwnMetersSourcesAndQuarantine) {
  CommitUnit north = unit("same file", kNorth), south = unit("same file", kSouth);
  add(north, Block{.start = at("2024-03-05T00:00:00Z"), .values = {1}, .meter = kMeter});
  add(south, Block{.start = at("2024-03-05T00:00:00Z"), .values = {2}, .meter = kSouthMeter});
  add(south, Register{.at = at("2024-03-05T00:00:00Z"), .value = {3, 0}, .meter = kSouthMeter});
  add_event(south, kSouthMeter, "2024-03-05T06:00:00Z", "OUTAGE", "X");
  add_quarantined(north, "bad_number", "raw");
  add_quarantined(south, "bad_number", "raw");
  commit(north);
  commit(south);
  EXPECT_EQ(pick("slot", "utility meter value"), (Lines{"1 11 1", "2 21 2"}));
  EXPECT_EQ(pick("register", "utility meter"), Lines{"2 21"});
  EXPECT_EQ(pick("event", "utility meter"), Lines{"2 21"});
  EXPECT_EQ(pick("source", "utility content"), (Lines{"1 same file", "2 same file"}));
  EXPECT_EQ(pick("quarantine", "utility state"), (Lines{"1 OPEN", "2 OPEN"}));
  EXPECT_EQ(pick("change", "utility entity"), (Lines{"1 1", "2 1", "2 3", "2 4"}));
}

TEST_P(Intake, StateIsAnyBytesAndTheLastWordOnAKeyCounts) {
  const std::string key("inbox/\xff name\0x", 14), value("\0\x01 4711", 7);
  CommitUnit u = unit("a");
  u.state = {{key, "first"}, {"gone", "x"}, {key, value}, {"gone", std::nullopt}, {"empty", ""}};
  commit(u);
  EXPECT_EQ(store().load_state("feed-1", key).value(), value);
  EXPECT_EQ(store().load_state("feed-1", "gone").value(), std::nullopt);
  EXPECT_EQ(store().load_state("feed-1", "empty").value(), "") << "empty is not absent";
  EXPECT_EQ(store().load_state("feed-2", key).value(), std::nullopt) << "each feed has its own";
  ASSERT_TRUE(store().save_state("feed-1", {{"back", "1"}, {key, "2"}, {key, std::nullopt}}).ok());
  ASSERT_TRUE(store().save_state("feed-2", {{"never there", std::nullopt}}).ok());
  ASSERT_TRUE(store().save_state("feed-2", {}).ok());
  EXPECT_EQ(pick("state", "feed key value"), (Lines{"feed-1 6261636b 31", "feed-1 656d707479 "}));
}

TEST_P(Intake, QuarantineCountsSightingsAndReplaySettlesIt) {
  CommitUnit u = unit("a");
  add_quarantined(u, "unknown_unit", "record 1", "no rule for XKW");
  add_quarantined(u, "unknown_unit", "record 1", "twice in a file is one sighting");
  add_quarantined(u, "bad_number", "record 1");
  EXPECT_EQ(commit(u).quarantined, 3U);
  u.source.received_at = at("2024-01-01T00:00:00Z");
  commit(u);
  EXPECT_EQ(pick("sighting", "reason detail meter offset seen first last content"),
            (Lines{"bad_number  B1 17 2 2024-01-01T00:00:00Z 2024-03-06T14:00:00Z a",
                   "unknown_unit no rule for XKW B1 17 2 2024-01-01T00:00:00Z 2024-03-06T14:00:00Z a"}));
  const std::int64_t id = under_test->quarantine_id("unknown_unit");

  CommitUnit stranger = unit("b", kSouth);
  stranger.replayed = {id};
  commit(stranger);
  EXPECT_EQ(pick("quarantine", "reason state"), (Lines{"bad_number OPEN", "unknown_unit OPEN"}))
      << "a row of another utility is not theirs to settle";

  CommitUnit replay = unit("a");
  replay.replayed = {id, 424'242};
  replay.replay_of = id;
  replay.cause = "mapping mended";
  add(replay, Block{.start = at("2024-03-05T00:00:00Z"), .values = {1}});
  commit(replay);
  EXPECT_EQ(pick("quarantine", "reason state"), (Lines{"bad_number OPEN", "unknown_unit REPLAYED"}));
  EXPECT_EQ(pick("source", "utility content"), (Lines{"1 a", "1 a", "2 b"})) << "a replay says something new";
  EXPECT_EQ(pick("receipt", "cause"), (Lines{"", "mapping mended", ""}));

  CommitUnit again = unit("a");  // bad for another reason
  again.replayed = {id};
  again.replay_of = id;
  add_quarantined(again, "unknown_meter", "record 1");
  commit(again);
  EXPECT_EQ(pick("quarantine", "reason state"),
            (Lines{"bad_number OPEN", "unknown_meter OPEN", "unknown_unit REPLAYED"}));
  commit(u);
  EXPECT_EQ(pick("quarantine", "reason state").at(2), "unknown_unit OPEN")
      << "it came again, and is as bad again";
}

TEST_P(Intake, RejectedStaysRejectedWhenSeenAgain) {
  CommitUnit u = unit("a");
  add_quarantined(u, "bad_number", "raw");
  commit(u);
  under_test->reject(under_test->quarantine_id("bad_number"));
  commit(u);
  EXPECT_EQ(pick("quarantine", "state"), Lines{"REJECTED"});
  EXPECT_EQ(pick("sighting", "seen"), Lines{"2"});
}

TEST_P(Intake, TextThatIsNotUtf8CostsNoNeighbour) {
  CommitUnit u = unit("a");
  u.source.name = std::string("f\xff\0.xml", 7);
  u.source.feed = "feed\xfe";
  add(u, Block{.start = at("2024-03-05T00:00:00Z"),
               .values = {1},
               .flag = "R\xfe",
               .channel = std::string("\xc3(\0", 3)});
  add(u, Block{.start = at("2024-03-05T00:15:00Z"),
               .values = {2},
               .flag = "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x8c"});
  add(u, Block{.start = at("2024-03-05T00:30:00Z"), .values = {3}, .flag = "\xed\xa0\x80\xc0\xaf\xf5"});
  add_event(u, kMeter, "2024-03-05T06:00:00Z", "UNMAPPED", "c\xff");
  add_quarantined(u, "bad_bytes", "\xff\xfe", "d\xff");
  u.state = {{"k", "v"}};
  commit(u);
  commit(u);
  EXPECT_EQ(pick("slot", "channel value flag"),
            (Lines{"KWH 2 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x8c", "KWH 3 \\xED\\xA0\\x80\\xC0\\xAF\\xF5",
                   "\\xC3(\\x00 1 R\\xFE"}));
  EXPECT_EQ(pick("event", "raw_code"), Lines{"c\\xFF"});
  EXPECT_EQ(pick("quarantine", "feed raw"), Lines{"feed\\xFE fffe"});
  EXPECT_EQ(pick("receipt", "name"), Lines{"f\\xFF\\x00.xml"});
  EXPECT_EQ(store().load_state("feed\xfe", "k").value(), "v");
}

}  // namespace
}  // namespace ami::storage
