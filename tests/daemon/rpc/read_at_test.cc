#include "daemon/rpc/read_at.h"

#include <gtest/gtest.h>

#include <vector>

namespace ami::rpc {
namespace {

using Method = ComputedRead::Method;

constexpr UtcInstant kMidnight{std::chrono::sys_days{std::chrono::year{2013} / 4 / 8}};

UtcInstant minute(int minutes) {
  return kMidnight + std::chrono::minutes{minutes};
}

Decimal number(const char* text) {
  return Decimal::parse(text).value();
}

// A register of 1000 at midnight and 1100 an hour later, and the quarters 10, 20, 30, 40 between.
struct Hour {
  ReadAtQuestion question;
  std::vector<IntervalPiece> pieces;

  Hour() {
    question.before = vee::RegisterRead{minute(0), number("1000"), {}};
    question.after = vee::RegisterRead{minute(60), number("1100"), {}};
    for (const char* value : {"10", "20", "30", "40"}) add(value);
  }
  void add(const char* value) {
    const auto n = static_cast<int>(pieces.size());
    pieces.push_back({minute(15 * n), std::chrono::minutes{15}, number(value), {}});
  }
  void values(const std::vector<const char*>& texts) {
    pieces.clear();
    for (const char* text : texts) add(text);
  }
  ComputedOrWhyNot at(int minutes) {
    question.at = minute(minutes);
    question.intervals = pieces;
    return compute_read(question);
  }
};

// "1030 sum off 0 below 11 (words)", "1033 line (words)", or why there is none.
std::string told(const ComputedOrWhyNot& answer) {
  if (!answer.read) return "none: " + answer.why_not;
  const ComputedRead& read = *answer.read;
  std::string text = read.value.to_string() + (read.method == Method::Linear ? " line" : " sum");
  if (read.wrapped) text += " wrapped";
  if (read.difference) text += " off " + read.difference->to_string() + " below " + read.bound->to_string();
  return text + (read.words.empty() ? "" : " (" + read.words + ")");
}

TEST(ReadAt, IntervalsUpToTheInstantAreAddedToTheRegisterAndComparedWithTheNext) {
  Hour hour;
  // The bound: one step of a register without decimals, and 10, of which every interval is a multiple.
  EXPECT_EQ(told(hour.at(15)), "1010 sum off 0 below 11");
  EXPECT_EQ(told(hour.at(30)), "1030 sum off 0 below 11");
  EXPECT_EQ(told(hour.at(45)), "1060 sum off 0 below 11");
  EXPECT_EQ(hour.at(45).read->intervals, 3U);
}

TEST(ReadAt, DifferenceFromTheNextRegisterStaysBelowStepAndPulse) {
  Hour hour;
  hour.question.after->value = number("1110");
  EXPECT_EQ(told(hour.at(30)), "1030 sum off 10 below 11");
  hour.question.after->value = number("1111");
  EXPECT_EQ(told(hour.at(30)),
            "1056 line (not from the intervals: they differ from the registers by 11, the bound is 11)");
  hour.question.after->value = number("1089");
  EXPECT_EQ(told(hour.at(30)),
            "1045 line (not from the intervals: they differ from the registers by -11, the bound is 11)");
}

TEST(ReadAt, KnownPulseAndResolutionMakeTheBound) {
  Hour hour;
  hour.question.programme.ke = number("1.8");
  hour.question.programme.register_resolution = number("0.1");
  hour.question.after->value = number("1101.8");
  EXPECT_EQ(told(hour.at(30)), "1030 sum off 1.8 below 1.9");
  hour.question.after->value = number("1101.9");
  EXPECT_EQ(hour.at(30).read->method, Method::Linear);
  hour.question.boundary_pulses = 1;  // 0.1 + 2 x 1.8
  EXPECT_EQ(told(hour.at(30)), "1030 sum off 1.9 below 3.7");
}

TEST(ReadAt, WithoutAReadingAfterItTheSumStandsUnchecked) {
  Hour hour;
  hour.question.after.reset();
  EXPECT_EQ(told(hour.at(30)), "1030 sum (not checked: there is no reading after it)");
  hour.pieces[0].value.reset();
  EXPECT_EQ(told(hour.at(30)),
            "none: not from the intervals: an interval is missing; no line: there is no reading after it");
}

TEST(ReadAt, AHoleBeforeTheInstantLeavesTheLine) {
  Hour hour;
  hour.pieces[1].value.reset();
  EXPECT_EQ(told(hour.at(30)), "1050 line (not from the intervals: an interval is missing)");
  EXPECT_EQ(told(hour.at(15)), "1010 sum (not checked: after it, an interval is missing)");
  hour.pieces.erase(hour.pieces.begin() + 1);
  EXPECT_EQ(told(hour.at(30)), "1050 line (not from the intervals: an interval is missing)");
  hour.pieces.clear();
  EXPECT_EQ(told(hour.at(30)), "1050 line (not from the intervals: an interval is missing)");
}

TEST(ReadAt, APartCannotBeMoreThanTheRegistersRoseBy) {
  Hour hour;
  hour.pieces[3].value.reset();
  hour.question.after->value = number("1020");  // 10 + 20 + 30 are 40 more
  EXPECT_EQ(told(hour.at(45)),
            "1015 line (not from the intervals: they are more than the registers rose by, by 40)");
}

TEST(ReadAt, AnInstantInsideAnIntervalIsOnTheLine) {
  Hour hour;
  EXPECT_EQ(told(hour.at(20)), "1033 line (not from the intervals: no interval ends at this time)");
  EXPECT_EQ(told(hour.at(40)), "1067 line (not from the intervals: no interval ends at this time)");
}

TEST(ReadAt, ARegisterReadInsideAnIntervalIsNoBeginning) {
  Hour hour;
  hour.question.before->at = minute(5);
  EXPECT_EQ(
      told(hour.at(30)),
      "1045 line (not from the intervals: the intervals overlap, or none begins at the time of the reading)");
}

TEST(ReadAt, IntervalsThatOverlapAreNotAdded) {
  Hour hour;
  hour.pieces.insert(hour.pieces.begin() + 1, {minute(0), std::chrono::minutes{30}, number("30"), {}});
  EXPECT_EQ(
      told(hour.at(30)),
      "1050 line (not from the intervals: the intervals overlap, or none begins at the time of the reading)");
}

TEST(ReadAt, LengthsMayChangeBetweenTheRegisters) {
  Hour hour;
  hour.pieces.resize(2);
  hour.pieces.push_back({minute(30), std::chrono::minutes{30}, number("70"), {}});
  EXPECT_EQ(told(hour.at(30)), "1030 sum off 0 below 11");
}

TEST(ReadAt, MarkedIntervalsAndReadingsAreNotUsed) {
  Hour hour;
  for (const vee::Mark mark :
       {vee::Mark::Overflow, vee::Mark::Skipped, vee::Mark::TestMode, vee::Mark::Suspect}) {
    hour.pieces[0].marks = mark;
    EXPECT_EQ(
        told(hour.at(30)),
        "1050 line (not from the intervals: an interval is marked overflow, skipped, test mode or suspect)");
  }
  hour.pieces[0].marks = vee::Mark::PowerFail;  // its energy is right all the same
  EXPECT_EQ(told(hour.at(30)), "1030 sum off 0 below 11");
  for (const vee::Mark mark : {vee::Mark::Suspect, vee::Mark::Estimated, vee::Mark::TestMode}) {
    Hour marked;
    marked.question.after->marks = mark;
    EXPECT_EQ(told(marked.at(30)), "none: the reading after it is suspect, estimated or of test mode");
    marked.question.before->marks = mark;
    EXPECT_EQ(told(marked.at(30)), "none: the reading before it is suspect, estimated or of test mode");
  }
  hour.question.before.reset();
  EXPECT_EQ(told(hour.at(30)), "none: there is no reading before it to begin with");
}

// 99 990 to 5 over the end of a dial of five digits: 15 more.
Hour wrapping() {
  Hour hour;
  hour.question.before->value = number("99990");
  hour.question.after->value = number("5");
  hour.values({"12", "1", "1", "1"});
  hour.question.programme.register_modulus = number("100000");
  hour.question.programme.limit_per_hour = number("48000");
  return hour;
}

TEST(ReadAt, ADialThatTurnedOverGoesOnFromZero) {
  Hour hour = wrapping();
  EXPECT_EQ(told(hour.at(15)), "2 sum wrapped off 0 below 2");
  hour.values({"3", "9", "2", "1"});
  EXPECT_EQ(told(hour.at(15)), "99993 sum off 0 below 2");
  hour.pieces.clear();
  EXPECT_EQ(told(hour.at(20)), "99995 line (not from the intervals: an interval is missing)");
  EXPECT_EQ(told(hour.at(40)), "0 line wrapped (not from the intervals: an interval is missing)");
}

TEST(ReadAt, ADropThatIsNoKnownWrapGivesNothing) {
  Hour hour = wrapping();
  hour.question.programme.limit_per_hour = number("10");  // with the factor 1.1 and a step: 12 at most
  EXPECT_EQ(told(hour.at(15)), "none: the register ran backwards, and a wrap needs more than is possible");
  hour.question.programme.limit_per_hour.reset();
  EXPECT_EQ(told(hour.at(15)), "none: the register ran backwards, and its greatest power is not known");
  hour.question.programme.register_modulus.reset();
  EXPECT_EQ(told(hour.at(15)), "none: the register ran backwards, and its digits are not known");
}

TEST(ReadAt, ADialThatMayHaveTurnedOverTwiceIsFollowedByIntervalsOnly) {
  Hour hour;
  hour.question.before->value = number("90");
  hour.question.after->value = number("20");
  hour.question.programme.register_modulus = number("100");
  hour.question.programme.limit_per_hour = number("48000");
  EXPECT_EQ(told(hour.at(15)),
            "0 sum wrapped (not checked: the register can turn over once or more between the two readings)");
  EXPECT_EQ(
      told(hour.at(20)),
      "none: not from the intervals: no interval ends at this time; no line: the register can turn over once "
      "or more between the two readings");
}

TEST(ReadAt, ANetRegisterMayFall) {
  Hour hour;
  hour.question.net = true;
  hour.question.before->value = number("100");
  hour.question.after->value = number("91");
  hour.values({"-5", "2", "-3", "-3"});
  EXPECT_EQ(told(hour.at(15)), "95 sum off 0 below 2");
  hour.pieces.clear();
  EXPECT_EQ(told(hour.at(30)), "96 line (not from the intervals: an interval is missing)")
      << "95.5, halves up";
  EXPECT_EQ(told(hour.at(20)), "97 line (not from the intervals: an interval is missing)");
}

TEST(ReadAt, TheLineHasThePlacesOfTheReadings) {
  Hour hour;
  hour.question.before->value = number("12.50");
  hour.question.after->value = number("12.75");
  hour.pieces.clear();
  EXPECT_EQ(told(hour.at(20)), "12.58 line (not from the intervals: an interval is missing)");
  hour.values({"0.10", "0.05", "0.05", "0.05"});
  EXPECT_EQ(told(hour.at(15)), "12.60 sum off 0 below 0.06");
}

TEST(ReadAt, NumbersBeyondSixtyFourBitsAreNoError) {
  Hour hour;
  hour.values({"9223372036854775807", "1", "1", "1"});
  EXPECT_EQ(told(hour.at(15)), "1025 line (not from the intervals: the value is too great a number)");
  EXPECT_EQ(told(hour.at(30)),
            "1050 line (not from the intervals: the sum of the intervals is too great a number)");
  hour.question.after.reset();
  EXPECT_FALSE(hour.at(30).read);
}

ReadingType type(const char* text) {
  return ReadingType::parse(text).value();
}

TEST(ReadAt, ADialAndItsIntervalsDifferInTheirPeriodsOnly) {
  const ReadingType delivered = type("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
  const ReadingType quarter = type("0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_TRUE(is_dial_of(delivered, quarter));
  EXPECT_TRUE(is_dial_of(delivered, type("0.0.7.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0"))) << "60 minutes";
  EXPECT_FALSE(is_dial_of(delivered, type("0.0.2.4.19.1.12.0.0.0.0.0.0.0.0.0.72.0"))) << "received";
  EXPECT_FALSE(is_dial_of(type("0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.0.72.0"), quarter)) << "a tier of it";
  EXPECT_FALSE(is_dial_of(quarter, quarter));
  EXPECT_FALSE(is_dial_of(quarter, delivered));
}

TEST(ReadAt, OnlyEnergyAndVolumeAddUp) {
  EXPECT_TRUE(adds_up(type("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0")));
  EXPECT_TRUE(adds_up(type("0.0.0.1.4.1.12.0.0.0.0.0.0.0.0.0.72.0"))) << "net";
  EXPECT_FALSE(adds_up(type("0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0"))) << "intervals";
  EXPECT_FALSE(adds_up(type("0.8.53.3.1.1.8.0.0.0.0.0.0.0.0.0.38.0")))
      << "a cumulative demand moves at resets";
  EXPECT_FALSE(adds_up(type("0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0"))) << "voltage";
}

}  // namespace
}  // namespace ami::rpc
