// Constructed ledgers against constructed stores: each kind of difference is found, and nothing else.
#include <gmock/gmock.h>

#include "tools/amictl/demo_check_compare.h"

namespace ami::amictl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kDial = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
constexpr const char* kQuarter = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
constexpr const char* kRun =
    R"({"kind":"run","version":1,"scenario":"a.yaml","seed":7,"start":"2024-01-15T05:00:00Z","time_factor":1440,"wall":"2024-02-01T00:00:00Z"})";

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}

std::string sending(const std::string& delivery) {
  return R"(,"delivery":")" + delivery +
         R"(","copies":1,"via":"callback","message":"m-1","sent":"2024-01-15T06:00:00Z","wall":"2024-02-01T00:00:00Z"})";
}
std::string dial(const std::string& time, const std::string& value, const std::string& delivery = "sent",
                 const std::string& meter = "M1") {
  return R"({"kind":"register","network":"n","meter":")" + meter + R"(","reading_type":")" + kDial +
         R"(","unit":"Wh","at":")" + time + R"(","value":")" + value + "\"" + sending(delivery);
}
std::string quarters(const std::string& start, const std::string& values, const std::string& delivery = "sent") {
  return std::string(R"({"kind":"interval_block","network":"n","meter":"M1","reading_type":")") + kQuarter +
         R"(","unit":"Wh","start":")" + start + R"(","length_s":900,"values":)" + values + sending(delivery);
}
std::string event(const std::string& time, const std::string& code, const std::string& name,
                  const std::string& raw = "", const std::string& delivery = "sent") {
  return R"({"kind":"event","network":"n","meter":"M1","code":")" + code + R"(","name":")" + name + R"(","at":")" +
         time + R"(","raw":")" + raw + "\"" + sending(delivery);
}
std::string command(const std::string& step, const std::string& what, const std::string& result,
                    const std::string& transaction = "t-1") {
  return R"({"kind":"command","network":"n","meter":"M1","step":")" + step + R"(","command":")" + what +
         R"(","transaction":")" + transaction + R"(","by":"request","result":")" + result +
         R"(","at":"2024-01-15T06:00:00Z","wall":"2024-02-01T00:00:00Z"})";
}

LedgerSummary read(const std::vector<std::string>& lines, LedgerSink& sink, std::optional<UtcInstant> until = {}) {
  LedgerReader reader(sink, until);
  EXPECT_TRUE(reader.line(kRun).ok());
  for (const std::string& line : lines) {
    const Outcome read = reader.line(line);
    EXPECT_TRUE(read.ok()) << (read ? "" : read.error().message) << "\n" << line;
  }
  return reader.finish().value();
}
Truth truth_of(const std::vector<std::string>& lines) {
  Truth truth;
  read(lines, truth);
  truth.sort();
  return truth;
}
LedgerSummary summary_of(const std::vector<std::string>& lines, std::optional<UtcInstant> until = {}) {
  Truth truth;
  return read(lines, truth, until);
}

Stored dial_there(const char* time, const char* value, const char* channel = "cmep:KWHREG") {
  return {kDial, channel, "Wh", at(time), Decimal::parse(value).value(), 0};
}
Stored quarter_there(const char* time, const char* value, const char* channel = "cmep:KWH") {
  return {kQuarter, channel, "Wh", at(time), Decimal::parse(value).value(), 900};
}

// All that was found, as "difference: words".
std::vector<std::string> compared(const Truth& truth, const std::vector<Stored>& stored,
                                  const std::vector<StoredEvent>& events = {}) {
  Comparison comparison(truth, 100);
  comparison.begin("M1");
  for (const Stored& one : stored) comparison.value(one);
  for (const StoredEvent& one : events) comparison.event(one);
  comparison.end();
  comparison.finish(false);
  std::vector<std::string> found;
  for (const Finding& one : comparison.findings())
    found.push_back(one.meter + " " + std::string(name_of(one.difference)) + ": " + one.words);
  EXPECT_EQ(comparison.totals().equal(), found.empty());
  return found;
}

TEST(DemoCheck, EqualIsEqualWhateverTheTrailingZeros) {
  const Truth truth = truth_of({dial("2024-01-15T05:00:00Z", "12000"),
                                quarters("2024-01-15T05:00:00Z", R"(["12","0",null,"7.20"])")});
  EXPECT_THAT(compared(truth, {dial_there("2024-01-15T05:00:00Z", "12000"),
                               quarter_there("2024-01-15T05:00:00Z", "12.0"),
                               quarter_there("2024-01-15T05:15:00Z", "0"),
                               quarter_there("2024-01-15T05:45:00Z", "7.2")}),
              IsEmpty());
}

TEST(DemoCheck, CountsWhatMustMayAndMustNotBeThere) {
  const std::vector<std::string> lines{
      dial("2024-01-15T05:00:00Z", "1"), dial("2024-01-15T05:00:00Z", "1"), dial("2024-01-15T06:00:00Z", "2", "lost"),
      dial("2024-01-15T07:00:00Z", "3", "unsure"), quarters("2024-01-15T05:00:00Z", R"(["12",null])", "lost")};
  const LedgerSummary summary = summary_of(lines);
  EXPECT_EQ(summary.sent, 2U);
  EXPECT_EQ(summary.lost, 2U);
  EXPECT_EQ(summary.unsure, 1U);
  EXPECT_EQ(summary.missing, 1U);
  EXPECT_EQ(summary.first, at("2024-01-15T05:00:00Z"));
  EXPECT_EQ(summary.last, at("2024-01-15T07:00:00Z"));
  const Truth truth = truth_of(lines);
  Comparison comparison(truth, 9);
  comparison.begin("M1");
  comparison.value(dial_there("2024-01-15T05:00:00Z", "1"));
  comparison.end();
  comparison.finish(false);
  EXPECT_TRUE(comparison.totals().equal());
  EXPECT_EQ(comparison.totals().slots_sent, 1U);
  EXPECT_EQ(comparison.totals().slots_unsure, 1U);
  EXPECT_EQ(comparison.totals().gaps, 2U);
}

TEST(DemoCheck, WhatWasSentAndIsNotThereIsMissing) {
  EXPECT_THAT(compared(truth_of({quarters("2024-01-15T05:00:00Z", R"(["12","13"])")}),
                       {quarter_there("2024-01-15T05:00:00Z", "12")}),
              ElementsAre("M1 missing: " + std::string(kQuarter) + " 2024-01-15T05:15:00Z +900s: 13 was sent"));
}

TEST(DemoCheck, AMeterThatWasNeverAskedForIsMissingAsAWhole) {
  const Truth truth = truth_of({dial("2024-01-15T05:00:00Z", "1", "sent", "M2")});
  Comparison comparison(truth, 9);
  comparison.finish(false);
  ASSERT_EQ(comparison.findings().size(), 1U);
  EXPECT_EQ(comparison.findings()[0].meter, "M2");
}

TEST(DemoCheck, OtherDigitsAreFoundEvenInTheLastPlace) {
  EXPECT_THAT(compared(truth_of({dial("2024-01-15T05:00:00Z", "9007199254740993")}),
                       {dial_there("2024-01-15T05:00:00Z", "9007199254740992")}),
              ElementsAre(HasSubstr("other value")));
}

TEST(DemoCheck, WhatWasNeverSentIsFound) {
  EXPECT_THAT(compared(truth_of({}), {dial_there("2024-01-15T05:00:00Z", "5")}),
              ElementsAre(HasSubstr("never sent")));
}

TEST(DemoCheck, AZeroWhereAValueWasLostIsNoGap) {
  EXPECT_THAT(compared(truth_of({quarters("2024-01-15T05:00:00Z", R"(["12"])", "lost")}),
                       {quarter_there("2024-01-15T05:00:00Z", "0")}),
              ElementsAre(HasSubstr("should be a gap, not a zero")));
}

TEST(DemoCheck, AHoleInAMessageClaimsNothingSoNothingMayBeThere) {
  EXPECT_THAT(compared(truth_of({quarters("2024-01-15T05:00:00Z", "[null]")}),
                       {quarter_there("2024-01-15T05:00:00Z", "0")}),
              ElementsAre(HasSubstr("never sent")));
}

TEST(DemoCheck, WhatWasLostAndSentAnotherTimeMustBeThere) {
  const Truth truth = truth_of({dial("2024-01-15T05:00:00Z", "5", "lost"), dial("2024-01-15T05:00:00Z", "5")});
  EXPECT_THAT(compared(truth, {dial_there("2024-01-15T05:00:00Z", "5")}), IsEmpty());
  EXPECT_THAT(compared(truth, {}), ElementsAre(HasSubstr("missing")));
}

TEST(DemoCheck, OfTwoValuesForOneSlotEitherMayBeCurrentAndNoThird) {
  const Truth truth = truth_of({dial("2024-01-15T05:00:00Z", "5"), dial("2024-01-15T05:00:00Z", "6")});
  EXPECT_THAT(compared(truth, {dial_there("2024-01-15T05:00:00Z", "5")}), IsEmpty());
  EXPECT_THAT(compared(truth, {dial_there("2024-01-15T05:00:00Z", "6")}), IsEmpty());
  EXPECT_THAT(compared(truth, {dial_there("2024-01-15T05:00:00Z", "7")}),
              ElementsAre(HasSubstr("7, and 5 or 6 was sent")));
}

TEST(DemoCheck, WhatIsUnsureMayBeThereButOnlyWithItsValue) {
  const Truth truth = truth_of({dial("2024-01-15T05:00:00Z", "5", "unsure")});
  EXPECT_THAT(compared(truth, {}), IsEmpty());
  EXPECT_THAT(compared(truth, {dial_there("2024-01-15T05:00:00Z", "5")}), IsEmpty());
  EXPECT_THAT(compared(truth, {dial_there("2024-01-15T05:00:00Z", "6")}), ElementsAre(HasSubstr("other value")));
}

TEST(DemoCheck, UntilMakesUnsureOfWhatWasSentLaterAndLeavesWhatWasLost) {
  const std::vector<std::string> lines{dial("2024-01-15T05:00:00Z", "5"),
                                       dial("2024-01-15T06:00:00Z", "6", "lost")};
  const LedgerSummary before = summary_of(lines, at("2024-01-15T05:59:59Z")),
                      then = summary_of(lines, at("2024-01-15T06:00:00Z"));
  EXPECT_EQ(before.unsure, 1U);
  EXPECT_EQ(before.lost, 1U);
  EXPECT_EQ(then.sent, 1U);
}

TEST(DemoCheck, TheSameInTwoChannelsIsOneEachAndInOneChannelTwice) {
  const Truth truth = truth_of({dial("2024-01-15T05:00:00Z", "5")});
  EXPECT_THAT(compared(truth, {dial_there("2024-01-15T05:00:00Z", "5"),
                               dial_there("2024-01-15T05:00:00Z", "5", "multispeak:kWh")}),
              IsEmpty());
  EXPECT_THAT(compared(truth, {dial_there("2024-01-15T05:00:00Z", "5"), dial_there("2024-01-15T05:00:00Z", "5")}),
              ElementsAre(HasSubstr("twice")));
}

TEST(DemoCheck, AnotherUnitOrLengthIsFound) {
  Stored kilo = dial_there("2024-01-15T05:00:00Z", "5");
  kilo.unit = "kWh";
  EXPECT_THAT(compared(truth_of({dial("2024-01-15T05:00:00Z", "5")}), {kilo}),
              ElementsAre(HasSubstr("kWh instead of Wh")));
  Stored half = quarter_there("2024-01-15T05:00:00Z", "5");
  half.length_s = 1800;
  EXPECT_THAT(compared(truth_of({quarters("2024-01-15T05:00:00Z", R"(["5"])")}), {half}),
              ElementsAre(HasSubstr("900 s long")));
}

TEST(DemoCheck, EventsAreComparedByTheirNumber) {
  const Truth truth = truth_of({event("2024-01-15T05:00:00Z", "3.26.0.47", "OUTAGE"),
                                event("2024-01-15T05:00:00Z", "3.26.0.47", "OUTAGE"),  // the same, sent again
                                event("2024-01-15T08:00:00Z", "3.26.0.47", "OUTAGE"),
                                event("2024-01-15T09:00:00Z", "3.26.0.47", "OUTAGE", "", "unsure"),
                                event("2024-01-15T09:00:00Z", "3.26.0.216", "RESTORATION", "", "lost")});
  const StoredEvent first{"OUTAGE", "3.26.0.47", "outage", at("2024-01-15T05:00:00Z")};
  const StoredEvent second{"OUTAGE", "3.26.0.47", "outage", at("2024-01-15T08:00:00Z")};
  const StoredEvent third{"OUTAGE", "3.26.0.47", "outage", at("2024-01-15T09:00:00Z")};
  const StoredEvent fourth{"OUTAGE", "3.26.0.47", "outage", at("2024-01-15T10:00:00Z")};
  const StoredEvent restored{"RESTORATION", "3.26.0.216", "on", at("2024-01-15T09:00:00Z")};
  EXPECT_THAT(compared(truth, {}, {first, second}), IsEmpty());
  EXPECT_THAT(compared(truth, {}, {first, second, third}), IsEmpty());
  EXPECT_THAT(compared(truth, {}, {first}),
              ElementsAre(HasSubstr("2 sent and 1 unsure, 1 there; not there: 2024-01-15T08:00:00Z")));
  EXPECT_THAT(compared(truth, {}, {first, second, third, fourth}),
              ElementsAre(HasSubstr("never sent: 2024-01-15T10:00:00Z")));
  EXPECT_THAT(compared(truth, {}, {first, second, restored}), ElementsAre(HasSubstr("RESTORATION")));
}

// The far side tells what became of an order, and the meter's own log tells it, too; the gateway may keep both.
TEST(DemoCheck, AToldOrderMayBeAnEventBesideTheMetersOwn) {
  const std::string own = event("2024-01-15T05:59:58Z", "3.31.0.68", "SWITCH_OPENED");
  const StoredEvent one{"SWITCH_OPENED", "3.31.0.68", "open", at("2024-01-15T05:59:58Z")};
  const StoredEvent other{"SWITCH_OPENED", "3.31.0.68", "Disconnect", at("2024-01-15T06:00:03Z")};
  const Truth told = truth_of({own, command("executed", "open", "done"), command("told", "open", "done")});
  EXPECT_THAT(compared(told, {}, {one}), IsEmpty());
  EXPECT_THAT(compared(told, {}, {one, other}), IsEmpty());
  EXPECT_EQ(compared(told, {}, {one, other, other}).size(), 1U);
  EXPECT_EQ(compared(told, {}, {}).size(), 1U) << "the meter's own was sent";
  const Truth executed = truth_of({own, command("executed", "open", "done")});
  EXPECT_EQ(compared(executed, {}, {one, other}).size(), 1U) << "nobody was told";
  const Truth closed = truth_of({own, command("told", "close", "done")});
  EXPECT_EQ(compared(closed, {}, {one, other}).size(), 1U) << "that was another order";
  EXPECT_EQ(compared(truth_of({own, command("told", "read", "done")}), {}, {one, other}).size(), 1U);
}

TEST(DemoCheck, AnEventThatNoMapKnowsCountsByTheVendorsWord) {
  const Truth truth = truth_of({event("2024-01-15T05:00:00Z", "3.26.0.47", "OUTAGE", "POWER_DOWN")});
  EXPECT_THAT(compared(truth, {}, {{"UNMAPPED", "", "POWER_DOWN", at("2024-01-15T05:00:00Z")}}), IsEmpty());
  EXPECT_EQ(compared(truth, {}, {{"UNMAPPED", "", "DOOR_BELL", at("2024-01-15T05:00:00Z")}}).size(), 2U);
}

TEST(DemoCheck, AKindWithoutACodeIsComparedByItsName) {
  const Truth truth = truth_of({event("2024-01-15T05:00:00Z", "", "POWER_UNKNOWN_NO_RESPONSE")});
  EXPECT_THAT(compared(truth, {}, {{"POWER_UNKNOWN_NO_RESPONSE", "", "OD/NoResponse", at("2024-01-15T05:00:02Z")}}),
              IsEmpty());
}

std::vector<Finding> commanded(const Truth& truth, const std::vector<StoredTarget>& targets) {
  Comparison comparison(truth, 100);
  for (const StoredTarget& target : targets) comparison.target(target);
  comparison.finish(false);
  return comparison.findings();
}

TEST(DemoCheck, AnOrderThatWasExecutedTwiceIsFoundButAReadMayBe) {
  const auto twice = [](const std::string& what) {
    return truth_of({command("received", what, ""), command("executed", what, "done"),
                     command("executed", what, "already_there")});
  };
  ASSERT_EQ(commanded(twice("open"), {}).size(), 1U);
  EXPECT_THAT(commanded(twice("open"), {})[0].words, HasSubstr("open t-1 was executed 2 times"));
  EXPECT_EQ(commanded(twice("demand_reset"), {}).size(), 1U);
  EXPECT_THAT(commanded(twice("read"), {}), IsEmpty());
}

TEST(DemoCheck, ASuccessThatNeverHappenedIsFound) {
  const Truth refused = truth_of({command("received", "read", ""), command("executed", "read", "no_answer")});
  ASSERT_EQ(commanded(refused, {{"t-1", "M1", "SUCCEEDED"}}).size(), 1U);
  EXPECT_THAT(commanded(refused, {{"t-1", "M1", "FAILED"}}), IsEmpty());
  const Truth done = truth_of({command("executed", "read", "done")});
  EXPECT_THAT(commanded(done, {{"t-1", "M1", "SUCCEEDED"}}), IsEmpty());
  EXPECT_THAT(commanded(done, {{"t-1", "M1", "TIMED_OUT"}}), IsEmpty()) << "its answer may have been lost";
}

TEST(DemoCheck, WhatAHandDidIsNoCommand) {
  EXPECT_TRUE(truth_of({command("executed", "button", "done", "")}).commands.empty());
}

TEST(DemoCheck, CountsOfTheGatewayMustAgreeWithItsReads) {
  const Truth truth = truth_of({quarters("2024-01-15T23:30:00Z", R"(["12","7.5","1"])")});
  const auto counted = [&](std::uint64_t intervals, const char* sum) {
    Comparison comparison(truth, 100);
    comparison.begin("M1");
    comparison.value(quarter_there("2024-01-15T23:30:00Z", "12"));
    comparison.value(quarter_there("2024-01-15T23:45:00Z", "7.5"));
    comparison.value(quarter_there("2024-01-16T00:00:00Z", "1"));
    comparison.end();
    comparison.count({"M1", "cmep:KWH", at("2024-01-15T00:00:00Z"), intervals, 0, Decimal::parse(sum).value()});
    comparison.count({"M9", "cmep:KWH", at("2024-01-15T00:00:00Z"), 4, 0, {}});  // not of this ledger
    if (intervals != 0) comparison.count({"M1", "cmep:KWH", at("2024-01-16T00:00:00Z"), 1, 0, {1, 0}});
    comparison.finish(true);
    std::vector<std::string> words;
    for (const Finding& one : comparison.findings()) words.push_back(one.words);
    return words;
  };
  EXPECT_THAT(counted(2, "19.50"), IsEmpty());
  EXPECT_THAT(counted(3, "19.5"), ElementsAre(HasSubstr("3 intervals and 0 registers counted, 2 and 0 read")));
  EXPECT_THAT(counted(2, "19.6"), ElementsAre(HasSubstr("19.6")));
  EXPECT_THAT(counted(0, "0"), ElementsAre(HasSubstr("counted, 2"), HasSubstr("read, and not counted")));
}

TEST(DemoCheck, AllAreCountedAndTheFirstAreShown) {
  const Truth truth = truth_of({quarters("2024-01-15T05:00:00Z", R"(["1","2","3","4","5"])")});
  Comparison comparison(truth, 2);
  comparison.finish(false);
  EXPECT_EQ(comparison.findings().size(), 2U);
  EXPECT_EQ(comparison.totals().different[0], 5U);
}

TEST(DemoCheckLedger, PassesOverWhatItDoesNotKnow) {
  const LedgerSummary summary = summary_of({R"({"kind":"weather","words":["rain"]})",
                                            R"({"kind":"network","network":"n","family":"ts2","meters":3})",
                                            R"({"kind":"end","lines":3,"wall":"2024-02-01T00:00:00Z","new":1})"});
  EXPECT_TRUE(summary.ended);
  EXPECT_EQ(summary.lines, 4U);
  EXPECT_FALSE(summary.first.has_value());
}

TEST(DemoCheckLedger, SaysWhatIsWrongAndWhere) {
  const auto error = [](const std::string& line) {
    Truth truth;
    LedgerReader reader(truth, {});
    EXPECT_TRUE(reader.line(kRun).ok());
    const Outcome read = reader.line(line);
    return read ? std::string("no error") : read.error().message;
  };
  EXPECT_EQ(error("{"), "line 2: no JSON object");
  EXPECT_EQ(error("[1]"), "line 2: no JSON object");
  EXPECT_THAT(error(R"({"meter":"M1"})"), HasSubstr("kind is missing"));
  EXPECT_THAT(error(dial("2024-01-15T05:00:00Z", "1.2.3")), HasSubstr("line 2: a value"));
  EXPECT_THAT(error(dial("yesterday", "1")), HasSubstr("line 2: at"));
  EXPECT_THAT(error(dial("2024-01-15T05:00:00Z", "1", "perhaps")), HasSubstr("sent, lost, unsure"));
  EXPECT_THAT(error(quarters("2024-01-15T05:00:00Z", "[1]")), HasSubstr("neither text nor null"));
  EXPECT_THAT(error(quarters("2024-01-15T05:00:00Z", "3")), HasSubstr("values is missing or no list"));
  EXPECT_THAT(error(R"({"kind":"interval_block","meter":"M1","reading_type":"t","unit":"Wh","start":"2024-01-15T05:00:00Z","length_s":0,"values":[])" +
                    sending("sent")),
              HasSubstr("length_s"));
}

TEST(DemoCheckLedger, OneChannelHasOneUnit) {
  Truth truth;
  LedgerReader reader(truth, {});
  ASSERT_TRUE(reader.line(kRun).ok());
  ASSERT_TRUE(reader.line(dial("2024-01-15T05:00:00Z", "1")).ok());
  std::string other = dial("2024-01-15T06:00:00Z", "1");
  other.replace(other.find("\"Wh\""), 4, "\"W\"");
  EXPECT_FALSE(reader.line(other).ok());
}

TEST(DemoCheckLedger, BeginsWithItsRun) {
  Truth truth;
  EXPECT_FALSE(LedgerReader(truth, {}).finish().ok());
  LedgerReader other(truth, {});
  EXPECT_FALSE(other.line(dial("2024-01-15T05:00:00Z", "1")).ok());
  LedgerReader newer(truth, {});
  const Outcome read = newer.line(R"({"kind":"run","version":2})");
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("version 2"));
}

}  // namespace
}  // namespace ami::amictl
