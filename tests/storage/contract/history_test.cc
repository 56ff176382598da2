// What became of a slot, and what would have been answered earlier.
#include "tests/storage/contract/contract_fixture.h"

namespace ami::storage {
namespace {
using namespace contract;

class History : public StoreContract {
 protected:
  Lines changes() const { return pick("change", "commit entity at length version kinds slots old"); }
};
AMI_ON_EVERY_STORE(History);

TEST_P(History, AnswerInMayIsStillKnownAfterTheCorrectionInJune) {
  const UtcInstant slot = at("2024-03-05T00:00:00Z");
  const UtcInstant before = under_test->now();
  CommitUnit may = unit("may");
  add(may, Block{.start = slot, .values = {100, 200}, .rank = at("2024-05-01T00:00:00Z")});
  add(may,
      Block{.start = slot + std::chrono::minutes{7}, .values = {70}, .rank = at("2024-05-01T00:00:00Z")});
  add(may, Register{.at = slot, .value = {5, 0}, .rank = at("2024-05-01T00:00:00Z")});
  commit(may);
  const UtcInstant in_may = under_test->now();
  CommitUnit june = unit("june");
  add(june,
      Block{.start = slot + std::chrono::minutes{15}, .values = {222}, .rank = at("2024-06-01T00:00:00Z")});
  add(june,
      Block{.start = slot + std::chrono::minutes{7}, .values = {77}, .rank = at("2024-06-01T00:00:00Z")});
  add(june, Register{.at = slot, .value = {6, 0}, .rank = at("2024-06-01T00:00:00Z")});
  commit(june);
  const UtcInstant in_june = under_test->now();
  commit(may);                     // said again: it was known since May
  CommitUnit late = unit("late");  // an older stamp that arrives last never was the answer
  add(late, Block{.start = slot, .values = {1, 1}, .rank = at("2024-04-01T00:00:00Z")});
  commit(late);

  const auto answers = [&](UtcInstant then) {
    Dump out;
    out.history["as_of"] = under_test->as_of(then);
    return out.pick("as_of", "what at value");
  };
  EXPECT_EQ(answers(before), Lines{});
  EXPECT_EQ(answers(in_may), (Lines{"interval 2024-03-05T00:00:00Z 100", "interval 2024-03-05T00:07:00Z 70",
                                    "interval 2024-03-05T00:15:00Z 200", "register 2024-03-05T00:00:00Z 5"}));
  const Lines june_answers{"interval 2024-03-05T00:00:00Z 100", "interval 2024-03-05T00:07:00Z 77",
                           "interval 2024-03-05T00:15:00Z 222", "register 2024-03-05T00:00:00Z 6"};
  EXPECT_EQ(answers(in_june), june_answers);
  EXPECT_EQ(answers(under_test->now()), june_answers);
}

TEST_P(History, WhoSaidItFirstKeepsIt) {
  const UtcInstant slot = at("2024-03-05T00:00:00Z");
  put("first", Block{.start = slot, .values = {1, 2}});
  put("second", Block{.start = slot, .values = {1, 3}});
  EXPECT_EQ(pick("slot_origin", "start content"),
            (Lines{"2024-03-05T00:00:00Z first", "2024-03-05T00:15:00Z second"}));
  EXPECT_EQ(pick("revision_origin", "start value content"), (Lines{"2024-03-05T00:15:00Z 2 first"}));
  put("third", Block{.start = slot, .values = {kHole, 2}});
  EXPECT_EQ(pick("revision_origin", "start value content"), (Lines{"2024-03-05T00:15:00Z 2 first"}));
}

TEST_P(History, AChangeOfADayTellsEachSlotOnce) {
  const int six_hours = 21'600;
  const auto say = [&](const std::string& content, const char* start, const char* rank,
                       std::vector<std::optional<std::int64_t>> values, const std::string& flag = {}) {
    put(content, Block{.start = at(start),
                       .values = std::move(values),
                       .length_s = six_hours,
                       .rank = at(rank),
                       .flag = flag});
  };
  say("a", "2024-03-05T00:00:00Z", "2024-03-06T00:00:00Z", {1, 2});
  say("b", "2024-03-05T00:00:00Z", "2024-03-07T00:00:00Z", {1, 20, 30});  // superseded, corrected, new
  say("c", "2024-03-05T12:00:00Z", "2024-03-08T00:00:00Z", {30}, "E");    // quality changed
  say("d", "2024-03-05T00:00:00Z", "2024-03-05T00:00:00Z", {7, 8, 9});    // lower rank: nothing
  say("e", "2024-03-05T18:00:00Z", "2024-03-08T00:00:00Z", {kHole, kHole}, "N");  // new holes on two days
  say("f", "2024-03-05T18:00:00Z", "2024-03-05T00:00:00Z", {4});                  // a hole gets a value
  // Bits: 1 new, 2 corrected, 4 quality changed, 8 superseded. Slots: first, count, bit.
  EXPECT_EQ(changes(), (Lines{"1 1 2024-03-05T00:00:00Z 21600 1 1 {0,2,1} ",
                              "2 1 2024-03-05T00:00:00Z 21600 2 11 {0,1,8,1,1,2,2,1,1} 2 {} ",
                              "3 1 2024-03-05T00:00:00Z 21600 3 4 {2,1,4} 30 {} ",
                              "4 1 2024-03-05T00:00:00Z 21600 4 1 {3,1,1} ",
                              "4 1 2024-03-06T00:00:00Z 21600 1 1 {0,1,1} ",
                              "5 1 2024-03-05T00:00:00Z 21600 5 2 {3,1,2} - {} N"}));
}

TEST_P(History, AChangeOfAnythingElseTellsItsTimeAndWhatItWas) {
  const auto say = [&](const std::string& content, const char* rank, std::int64_t value,
                       const std::string& flag) {
    CommitUnit u = unit(content);
    add(u, Block{.start = at("2024-03-05T00:07:00Z"), .values = {value}, .rank = at(rank), .flag = flag});
    add(u, Register{.at = at("2024-03-05T05:00:00Z"), .value = {value, 0}, .rank = at(rank), .flag = flag});
    commit(u);
  };
  say("a", "2024-03-06T00:00:00Z", 1, "");
  say("b", "2024-03-07T00:00:00Z", 2, "");
  say("c", "2024-03-08T00:00:00Z", 2, "E");
  say("d", "2024-03-09T00:00:00Z", 2, "E");
  say("late", "2024-03-05T00:00:00Z", 9, "");
  EXPECT_EQ(changes(),
            (Lines{"1 2 2024-03-05T00:07:00Z 900 0 1 - ", "1 3 2024-03-05T05:00:00Z 0 0 1 - ",
                   "2 2 2024-03-05T00:07:00Z 900 0 2 - 1 {} ", "2 3 2024-03-05T05:00:00Z 0 0 2 - 1 {} ",
                   "3 2 2024-03-05T00:07:00Z 900 0 4 - 2 {} ", "3 3 2024-03-05T05:00:00Z 0 0 4 - 2 {} ",
                   "4 2 2024-03-05T00:07:00Z 900 0 8 - ", "4 3 2024-03-05T05:00:00Z 0 0 8 - "}));
}

TEST_P(History, ARegisterOfAnotherPeriodOrTimeOfItsMaximumIsACorrection) {
  const UtcInstant when = at("2024-03-05T05:00:00Z");
  put("a", Register{.at = when, .value = {7, 0}, .rank = at("2024-03-06T00:00:00Z")});
  put("b", Register{.at = when,
                    .value = {7, 0},
                    .rank = at("2024-03-07T00:00:00Z"),
                    .occurred_at = at("2024-02-11T17:30:00Z")});
  put("c", Register{.at = when,
                    .value = {70, -1},
                    .rank = at("2024-03-08T00:00:00Z"),
                    .period_start = at("2024-02-05T05:00:00Z"),
                    .occurred_at = at("2024-02-11T17:30:00Z")});
  put("d", Register{.at = when,
                    .value = {7, 0},
                    .rank = at("2024-03-09T00:00:00Z"),
                    .period_start = at("2024-02-05T05:00:00Z"),
                    .occurred_at = at("2024-02-11T17:30:00Z"),
                    .clock = TimeSource::Collector});
  EXPECT_EQ(pick("change", "commit kinds old"), (Lines{"1 1 ", "2 2 7 {} ", "3 2 7 {} ", "4 8 "}));
}

TEST_P(History, AnEventIsNewOnceAndCorrectedByANewerMapping) {
  CommitUnit first = unit("a"), second = unit("a");
  add_event(first, kMeter, "2024-03-05T06:00:00Z", "UNMAPPED", "X");
  add_event(first, kMeter, "2024-03-05T06:30:00Z", "UNMAPPED", "X");
  second.source.mapping_version = 2;
  add_event(second, kMeter, "2024-03-05T06:00:00Z", "OUTAGE", "X");
  commit(first);
  commit(first);
  commit(second);
  commit(first);
  EXPECT_EQ(changes(),
            (Lines{"1 4 2024-03-05T06:00:00Z 0 event_id 1 - ", "1 4 2024-03-05T06:30:00Z 0 event_id 1 - ",
                   "2 4 2024-03-05T06:00:00Z 0 event_id 2 - "}));
}

TEST_P(History, OtherDigitsOfTheSameValueAreNoChange) {
  put("a", Block{.start = at("2024-03-05T00:00:00Z"), .values = {5}});
  put("b", Block{.start = at("2024-03-05T00:00:00Z"), .values = {500}, .exponent = -2});
  EXPECT_EQ(pick("change", "version"), Lines{"1"}) << "the row is written in other digits and says the same";
  EXPECT_EQ(pick("day", "exponent"), Lines{"-2"});
}

}  // namespace
}  // namespace ami::storage
