// Which dial belongs to which intervals, and what is said of readings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/validation/facts.h"

namespace ami::validation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kDaySum = 48283;  // of Facts::load()

struct WithDial : Facts {
  WithDial() : channel(intervals("cmep:KWH")), dial_(dial("cmep:KWHREG")) { fill_window(channel); }
  storage::ChannelId channel, dial_;
};

TEST(JudgedRegisters, IntervalsThatAddUpToTheirRegisterPass) {
  WithDial f;
  f.read(f.dial_, "2026-01-15T05:00:00Z", "1000000");
  f.read(f.dial_, "2026-01-16T05:00:00Z", std::to_string(1000000 + kDaySum));
  EXPECT_EQ(f.verdict(vee::Check::IntervalSum, f.channel), "PASSED");
  EXPECT_EQ(f.verdict(vee::Check::RegisterMonotone, f.dial_), "PASSED");
  EXPECT_THAT(f.findings(), IsEmpty());
}

TEST(JudgedRegisters, ADifferenceOfTheBoundIsFoundAndNamesTheIntervals) {
  // bound r + Ke = 1 + 1 Wh
  for (const auto& [off, fails] : {std::pair{1, false}, std::pair{2, true}, std::pair{-2, true}}) {
    WithDial f;
    f.read(f.dial_, "2026-01-15T05:00:00Z", "1000000");
    f.read(f.dial_, "2026-01-16T05:00:00Z", std::to_string(1000000 + kDaySum + off));
    if (fails) {
      EXPECT_THAT(f.findings(), ElementsAre("V14 2.6.0 1 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)"))
          << off;
    } else {
      EXPECT_THAT(f.findings(), IsEmpty()) << off;
    }
  }
}

TEST(JudgedRegisters, AFindingSaysItsNumbers) {
  WithDial f;
  f.read(f.dial_, "2026-01-15T05:00:00Z", "1000000");
  f.read(f.dial_, "2026-01-16T05:00:00Z", "1050000");
  const auto found = f.judged().verdict.findings;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].check, 14);
  EXPECT_EQ(found[0].length, std::chrono::seconds{900});
  EXPECT_THAT(found[0].words, HasSubstr("sum of intervals 48283 Wh, register difference 50000 Wh"));
  EXPECT_EQ(found[0].advice, "");
}

TEST(JudgedRegisters, ReadingsAtSixInTheMorningAreComparedOverMidnight) {
  WithDial f;
  // 14 January 11:00Z to 15 January 11:00Z are the slots -72 to 23 of the day: 13 times 21, then 5 + 6 + 0 +
  // 1 + 2.
  const int sum = 96 * 500 + 273 + 14;
  f.read(f.dial_, "2026-01-14T11:00:00Z", "1000000");
  f.read(f.dial_, "2026-01-15T11:00:00Z", std::to_string(1000000 + sum));
  EXPECT_EQ(f.verdict(vee::Check::IntervalSum, f.channel), "PASSED");
  f.facts.registers[1].value = {1000000 + sum + 9, 0};
  EXPECT_THAT(f.findings(), ElementsAre("V14 2.6.0 1 [2026-01-14T11:00:00Z 2026-01-15T11:00:00Z)"));
  // For whoever shows the day: the slots of it that are meant.
  const JudgedDay day = f.judged();
  ASSERT_EQ(day.channels.at(0).report.findings().size(), 1U);
  EXPECT_EQ(day.channels[0].report.findings()[0].slots, (vee::SlotRange{0, 24}));
}

TEST(JudgedRegisters, APairBelongsToTheDayInWhichItEnds) {
  WithDial f;
  f.read(f.dial_, "2026-01-14T05:00:00Z", "1000000");
  f.read(f.dial_, "2026-01-15T05:00:00Z", "1000001");  // far too little, and yesterday's
  EXPECT_THAT(f.findings(), IsEmpty());
  f.read(f.dial_, "2026-01-16T05:00:00Z", "900000");  // today's: it ran backwards at the day's end
  EXPECT_THAT(f.findings("V17"), ElementsAre("V17 2.5.258 2 [2026-01-16T05:00:00Z 2026-01-16T05:00:00Z)"));
  f.read(f.dial_, "2026-01-16T11:00:00Z", "800000");  // tomorrow's
  EXPECT_THAT(f.findings("V17"), ElementsAre("V17 2.5.258 2 [2026-01-16T05:00:00Z 2026-01-16T05:00:00Z)"));
}

TEST(JudgedRegisters, AReadingInBetweenDoesNotHideTheOnesAtEndsOfIntervals) {
  WithDial f;
  f.read(f.dial_, "2026-01-15T05:00:00Z", "1000000");
  f.read(f.dial_, "2026-01-15T11:00:08.241Z", "1012000");
  f.read(f.dial_, "2026-01-16T05:00:00Z", std::to_string(1000000 + kDaySum));
  EXPECT_EQ(f.verdict(vee::Check::IntervalSum, f.channel), "PASSED");
}

TEST(JudgedRegisters, ReadingsAtNoEndOfAnIntervalAreNotCompared) {
  WithDial f;
  f.read(f.dial_, "2026-01-14T16:00:08.241Z", "1000000");
  f.read(f.dial_, "2026-01-15T16:00:06.067Z", "1040000");
  EXPECT_EQ(f.verdict(vee::Check::IntervalSum, f.channel), "no two register readings at ends of intervals");
  EXPECT_THAT(f.findings(), IsEmpty());
}

TEST(JudgedRegisters, AHoleBetweenTwoReadingsLeavesTheSumUnjudged) {
  WithDial f;
  f.facts.intervals[0].mantissas[110] = storage::IntervalBlock::kMissing;
  f.read(f.dial_, "2026-01-15T05:00:00Z", "1000000");
  f.read(f.dial_, "2026-01-16T05:00:00Z", "1999999");
  EXPECT_EQ(f.verdict(vee::Check::IntervalSum, f.channel),
            "an interval between the register readings is missing");
}

TEST(JudgedRegisters, OfSeveralDialsTheOneWithMostReadingsIsTaken) {
  WithDial f;
  const auto total = f.dial("cmep:KWHREG:TOTAL");
  f.read(f.dial_, "2026-01-15T05:00:00Z", "1");
  for (const char* when : {"2026-01-15T05:00:00Z", "2026-01-15T17:00:00Z", "2026-01-16T05:00:00Z"})
    f.read(total, when, "1000000");
  const JudgedDay day = f.judged();
  ASSERT_TRUE(day.channels.at(0).paired);
  EXPECT_EQ(day.channels[0].paired->key, "cmep:KWHREG:TOTAL");
  EXPECT_EQ(day.channels[0].pairing,
            "compared with cmep:KWHREG:TOTAL, which has most readings of cmep:KWHREG:TOTAL, cmep:KWHREG");
}

TEST(JudgedRegisters, TwoIntervalChannelsForOneDialAreNotCompared) {
  Facts f;
  const auto one = f.intervals("ssn:lp:1"), three = f.intervals("ssn:lp:3"), dial = f.dial("ssn:1010");
  f.fill_window(one);
  f.fill_window(three);
  f.read(dial, "2026-01-15T05:00:00Z", "1000000");
  f.read(dial, "2026-01-16T05:00:00Z", "1000001");
  EXPECT_THAT(f.findings(), IsEmpty());
  for (const auto channel : {one, three}) {
    EXPECT_EQ(f.verdict(vee::Check::IntervalSum, channel),
              "the register ssn:1010 may belong to any of the interval channels ssn:lp:1, ssn:lp:3");
  }
}

TEST(JudgedRegisters, AChannelThatOnlyTheDictionaryKnowsIsNoRival) {
  WithDial f;
  f.intervals("cmep:OLDKWH");  // without a value
  f.read(f.dial_, "2026-01-15T05:00:00Z", "1000000");
  f.read(f.dial_, "2026-01-16T05:00:00Z", "1000001");
  EXPECT_THAT(f.findings("V14"), ElementsAre("V14 2.6.0 1 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)"));
}

TEST(JudgedRegisters, DirectionQuantityAndInterfaceMustBeTheSame) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.fill_window(channel);
  const auto received = f.dial("cmep:GKWHREG", 19), elsewhere = f.dial("ssn:1010"),
             tier = f.dial("cmep:KWHREG:ON", 1, 1),
             reactive = f.channel("cmep:KVARHREG", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.73.0", "varh");
  for (const auto dial : {received, elsewhere, tier, reactive}) {
    f.read(dial, "2026-01-15T05:00:00Z", "1000000");
    f.read(dial, "2026-01-16T05:00:00Z", "1000001");
  }
  EXPECT_EQ(f.verdict(vee::Check::IntervalSum, channel), "no register of the same quantity is known");
}

TEST(JudgedRegisters, AWrapIsNoneWithoutKnownDials) {
  WithDial f;
  // 99999.999 kWh to 00000.050 kWh in a day of 48.283 kWh
  f.read(f.dial_, "2026-01-15T05:00:00Z", "99999999");
  f.read(f.dial_, "2026-01-16T05:00:00Z", "48282");
  EXPECT_THAT(f.findings(), IsEmpty());
  f.rules.fallback.programmes[0].register_digits.reset();
  EXPECT_THAT(f.findings("V17"), ElementsAre("V17 2.5.258 2 [2026-01-16T05:00:00Z 2026-01-16T05:00:00Z)"));
}

TEST(JudgedRegisters, NothingIsComparedAcrossAnExchangeOrAReprogramming) {
  WithDial f;
  f.read(f.dial_, "2026-01-15T05:00:00Z", "1000000");
  f.read(f.dial_, "2026-01-16T05:00:00Z", "1048283");
  f.event("CONFIG_CHANGED", "2026-01-15T16:00:00Z");
  EXPECT_EQ(f.verdict(vee::Check::IntervalSum, f.channel),
            "the energy between the register readings is not known");
  EXPECT_THAT(f.findings(), IsEmpty()) << "a register may rise meanwhile";
  f.facts.events.clear();
  f.facts.stays[0].period.to = at("2026-01-15T17:00:00Z");
  f.facts.stays.push_back({7, 2, 12, {at("2026-01-15T17:00:00Z"), UtcInstant::max()}, {1, 0}});
  EXPECT_THAT(f.findings(), IsEmpty());
  EXPECT_EQ(f.verdict(vee::Check::IntervalSum, f.channel),
            "the energy between the register readings is not known");
  f.facts.stays[1].usage_point = 11;  // the same place: a multiplier was put right, the meter stayed
  EXPECT_EQ(f.verdict(vee::Check::IntervalSum, f.channel), "PASSED");
}

TEST(JudgedRegisters, ATurnOfTheDialIsNotAssumedAcrossAnExchange) {
  WithDial f;  // 99999.999 kWh to 00000.048: a wrap in a meter that stayed
  f.read(f.dial_, "2026-01-15T05:00:00Z", "99999999");
  f.read(f.dial_, "2026-01-16T05:00:00Z", "48282");
  EXPECT_THAT(f.findings("V17"), IsEmpty());
  const auto doubted = ElementsAre("V17 2.5.258 2 [2026-01-16T05:00:00Z 2026-01-16T05:00:00Z)");
  f.event("CONFIG_CHANGED", "2026-01-15T16:00:00Z");
  EXPECT_THAT(f.findings("V17"), doubted);
  f.facts.events.clear();
  f.facts.stays[0].period.from = at("2026-01-15T16:00:00Z");  // put up at noon
  EXPECT_THAT(f.findings("V17"), doubted);
}

TEST(JudgedRegisters, TiersMustAddUpToTheirBulk) {
  // three registers of 1 Wh: from 3 Wh on
  for (const auto& [bulk, fails] : {std::pair{"1002", false}, std::pair{"1003", true}}) {
    Facts f;
    const auto total = f.dial("ssn:1010"), a = f.dial("ssn:2010", 1, 1), b = f.dial("ssn:3010", 1, 2);
    f.read(total, "2026-01-15T05:00:00Z", "0");
    f.read(a, "2026-01-15T05:00:00Z", "10");
    f.read(b, "2026-01-15T05:00:00Z", "0");
    f.read(total, "2026-01-16T05:00:00Z", bulk);
    f.read(a, "2026-01-16T05:00:00Z", "410");
    f.read(b, "2026-01-16T05:00:00Z", "600");
    if (fails) {
      EXPECT_THAT(f.findings(), ElementsAre("V15 2.6.9 1 [2026-01-16T05:00:00Z 2026-01-16T05:00:00Z)"));
    } else {
      EXPECT_EQ(f.verdict(vee::Check::TouSum, 0), "PASSED");
    }
  }
}

TEST(JudgedRegisters, TiersThatNeverCountedSayThatNoTariffIsProgrammed) {
  Facts f;
  const auto total = f.dial("ssn:1010"), a = f.dial("ssn:2010", 1, 1);
  for (const auto& [when, value] :
       {std::pair{"2026-01-15T05:00:00Z", "0"}, std::pair{"2026-01-16T05:00:00Z", "44887"}}) {
    f.read(total, when, value);
    f.read(a, when, "0.0");
  }
  EXPECT_THAT(f.findings(), IsEmpty());
  EXPECT_EQ(f.verdict(vee::Check::TouSum, 0), "no TOU registers with their bulk register");
}

TEST(JudgedRegisters, ATierThatWasNotReadLeavesTheSumUnjudged) {
  Facts f;
  const auto total = f.dial("ssn:1010"), a = f.dial("ssn:2010", 1, 1), b = f.dial("ssn:3010", 1, 2);
  for (const auto dial : {total, a, b}) f.read(dial, "2026-01-15T05:00:00Z", "0");
  for (const auto dial : {total, a}) f.read(dial, "2026-01-16T05:00:00Z", "1000");
  EXPECT_THAT(f.findings(), IsEmpty());
}

TEST(JudgedRegisters, NetIsDeliveredLessReceived) {
  for (const auto& [net, fails] : {std::pair{"-702", false}, std::pair{"-703", true}}) {
    Facts f;
    const auto n = f.dial("ssn:5", 4), d = f.dial("ssn:1", 1), r = f.dial("ssn:2", 19);
    for (const auto dial : {n, d, r}) f.read(dial, "2026-01-15T05:00:00Z", "0");
    f.read(n, "2026-01-16T05:00:00Z", net);
    f.read(d, "2026-01-16T05:00:00Z", "300");
    f.read(r, "2026-01-16T05:00:00Z", "1000");
    if (fails) {
      EXPECT_THAT(f.findings(), ElementsAre("V16 2.6.0 1 [2026-01-16T05:00:00Z 2026-01-16T05:00:00Z)"));
    } else {
      EXPECT_EQ(f.verdict(vee::Check::NetIdentity, 0), "PASSED") << "a net register may fall, too";
    }
  }
}

TEST(JudgedRegisters, AMaximumBelowWhatTheIntervalsShowIsFound) {
  // The greatest quarter-hour of the load is 506 Wh: 2024 W. Reached: register + 1 W + one pulse (4 W).
  for (const auto& [maximum, fails] : {std::pair{"2019", false}, std::pair{"2018", true}}) {
    Facts f;
    f.profile("full");
    const auto channel = f.intervals("cmep:KWH");
    const auto demand = f.channel("cmep:KW", "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0", "W");
    f.fill_window(channel);
    f.read(demand, "2026-01-16T05:00:00Z", maximum);
    EXPECT_EQ(f.verdict(vee::Check::Demand, channel), "no maximum demand register")
        << "what it covers is not known";
    f.event("DEMAND_RESET", "2026-01-01T05:00:00Z");
    EXPECT_EQ(f.verdict(vee::Check::Demand, channel), fails ? "FAILED" : "PASSED") << maximum;
  }
}

TEST(JudgedRegisters, AnImpossibleMaximumIsSaidOfItsOwnReading) {
  Facts f;
  f.profile("full");
  const auto channel = f.intervals("cmep:KWH");
  const auto demand = f.channel("cmep:KW", "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0", "W");
  f.fill_window(channel);
  f.event("DEMAND_RESET", "2026-01-01T05:00:00Z");
  f.read(demand, "2026-01-16T05:00:00Z", "52801");  // 240 V x 200 A x 1.1 = 52800 W
  EXPECT_THAT(f.findings(), ElementsAre("V23 2.6.0 2 [2026-01-16T05:00:00Z 2026-01-16T05:00:00Z)"));
}

TEST(JudgedRegisters, AReadingFromTheFutureIsSaidOfThatReading) {
  Facts f;
  const auto dial = f.dial("cmep:KWHREG");
  f.read(dial, "2026-01-15T06:00:00Z", "1");
  f.read(dial, "2026-01-15T12:00:00Z", "2");
  f.now = at("2026-01-15T06:10:00Z");
  EXPECT_THAT(f.findings(), ElementsAre("V24 2.5.257 1 [2026-01-15T12:00:00Z 2026-01-15T12:00:00Z)"));
}

TEST(JudgedRegisters, TheIntervalsOfAMismatchSayWhatMayHaveCausedIt) {
  WithDial f;
  // Twice the energy: the meter's pulse is 1 Wh, 2 Wh would fit.
  f.read(f.dial_, "2026-01-15T05:00:00Z", "1000000");
  f.read(f.dial_, "2026-01-16T05:00:00Z", std::to_string(1000000 + 2 * kDaySum));
  const JudgedDay day = f.judged();
  const JudgedChannel& channel = day.channels.at(0);
  ASSERT_EQ(channel.diagnoses.size(), channel.report.findings().size());
  ASSERT_TRUE(channel.diagnoses.at(0));
  ASSERT_FALSE(channel.diagnoses[0]->causes.empty());
  EXPECT_EQ(channel.diagnoses[0]->causes[0].cause, vee::Cause::WrongKe);
}

TEST(JudgedRegisters, TheOtherDirectionIsSoughtAmongTheCauses) {
  WithDial f;
  const auto received = f.dial("cmep:GKWHREG", 19);
  f.read(f.dial_, "2026-01-15T05:00:00Z", "1000000");
  f.read(f.dial_, "2026-01-16T05:00:00Z", "1000777");
  f.read(received, "2026-01-15T05:00:00Z", "5000");
  f.read(received, "2026-01-16T05:00:00Z", std::to_string(5000 + kDaySum));
  const JudgedDay day = f.judged();
  const auto& diagnosis = day.channels.at(0).diagnoses.at(0);
  ASSERT_TRUE(diagnosis);
  bool swapped = false;
  for (const vee::LikelyCause& cause : diagnosis->causes)
    swapped |= cause.cause == vee::Cause::SwappedChannels;
  EXPECT_TRUE(swapped);
}

TEST(JudgedRegisters, AUsualDayIsTheAverageOfLastYearsMonthElseOfTheLastThirtyDays) {
  WithDial f;
  f.profile("full");
  f.read(f.dial_, "2026-01-15T05:00:00Z", "3000000");
  const auto earlier = [&](const char* when, std::int64_t value) {
    f.read(f.dial_, when, std::to_string(value));
    f.facts.earlier_registers.push_back(f.facts.registers.back());
    f.facts.registers.pop_back();
  };
  earlier("2025-12-16T05:00:00Z", 300000);  // 2.7 MWh in 30 days: 90 kWh a day; today's 48 are half and more
  EXPECT_EQ(f.verdict(vee::Check::HighLow, f.channel), "PASSED");
  f.facts.earlier_registers[0].value = {-300000, 0};  // 110 kWh a day: 48 are below its half
  EXPECT_THAT(f.findings("V19"), ElementsAre("V19 2.6.6 1 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)"));
  earlier("2025-01-15T05:00:00Z", -2000000);  // a year ago, over the 30 days before: 48 kWh a day
  earlier("2024-12-16T05:00:00Z", -2000000 - 30 * 48000);
  EXPECT_EQ(f.verdict(vee::Check::HighLow, f.channel), "PASSED");
  f.facts.earlier_registers.clear();
  EXPECT_EQ(f.verdict(vee::Check::HighLow, f.channel), "no use of an earlier period to compare with");
}

}  // namespace
}  // namespace ami::validation
