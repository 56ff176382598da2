// What of the stored blocks is a channel of the civil day, and what the checks of slots say of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/validation/facts.h"

namespace ami::validation {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Facts::Value all_but(const Facts::Value& value, const std::vector<std::string>& starts) {
  return [=](UtcInstant start) -> std::optional<std::int64_t> {
    for (const std::string& hole : starts) {
      if (at(hole) == start) return std::nullopt;
    }
    return value(start);
  };
}
constexpr auto kFlat = [](UtcInstant) -> std::optional<std::int64_t> { return 500; };

TEST(JudgedIntervals, ASoundDayIsJudgedAndNothingIsFound) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.fill_window(channel);
  const JudgedDay day = f.judged();
  EXPECT_TRUE(day.verdict.judged);
  EXPECT_THAT(f.findings(), IsEmpty());
  EXPECT_EQ(day.verdict.again_at, std::nullopt);
  EXPECT_EQ(day.profile.substr(0, 9), "head_end/");
  EXPECT_EQ(day.profile.size(), std::string("head_end/0123456789abcdef").size());
  ASSERT_EQ(day.channels.size(), 1U);
  EXPECT_EQ(day.channels[0].input.values.size(), 96U);
  EXPECT_EQ(day.channels[0].input.first_start, at("2026-01-15T05:00:00Z"));
  EXPECT_EQ(day.channels[0].input.values[8], 501);
}

TEST(JudgedIntervals, ACivilDayIsCutAsTheClocksAreSet) {
  for (const auto& [date, slots] : {std::pair{"2026-03-08", 92U}, std::pair{"2026-11-01", 100U}}) {
    Facts f("America/Toronto", date);
    const auto channel = f.intervals("cmep:KWH");
    f.fill_window(channel);
    EXPECT_THAT(f.findings(), IsEmpty()) << date;
    EXPECT_EQ(f.judged().channels.at(0).input.values.size(), slots) << date;
  }
}

TEST(JudgedIntervals, TheHourThatComesTwiceIsMissingWhenItCameOnce) {
  Facts f("America/Toronto", "2026-11-01");  // 01:00 to 02:00 is 05:00Z and again 06:00Z
  const auto channel = f.intervals("cmep:KWH");
  f.fill(channel, f.facts.window.from, at("2026-11-01T06:00:00Z"), f.load());
  f.fill(channel, at("2026-11-01T07:00:00Z"), f.facts.window.to, f.load());
  EXPECT_THAT(f.findings(), ElementsAre("V07 2.5.259 1 [2026-11-01T06:00:00Z 2026-11-01T07:00:00Z)"));
}

TEST(JudgedIntervals, HoursOfKolkataBeginAtTheirOwnHour) {
  Facts f("Asia/Kolkata");  // the day is 18:30Z to 18:30Z, and no hour of it is on the UTC grid
  const auto channel = f.intervals("cmep:KWH", 3600);
  f.fill(channel, at("2026-01-13T18:30:00Z"), at("2026-01-16T18:30:00Z"), kFlat, 3600);
  EXPECT_THAT(f.findings(), IsEmpty());
  EXPECT_EQ(f.judged().channels.at(0).input.values.size(), 24U);
  EXPECT_EQ(f.judged().channels.at(0).input.first_start, at("2026-01-14T18:30:00Z"));
}

TEST(JudgedIntervals, HoursOfUtcAreOffTheGridOfAMeterInKolkata) {
  Facts f("Asia/Kolkata");
  const auto channel = f.intervals("cmep:KWH", 3600);
  f.fill(channel, at("2026-01-13T18:00:00Z"), at("2026-01-16T19:00:00Z"), kFlat, 3600);
  EXPECT_THAT(f.findings("V06"), ElementsAre("V06 2.4.2 1 [2026-01-14T19:00:00Z 2026-01-15T19:00:00Z)"));
  EXPECT_THAT(f.findings("V07"), IsEmpty()) << "values that are there are not missing";
}

TEST(JudgedIntervals, WhatIsMissingIsOnlySaidWhenItsGraceHasPassed) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.fill_day(channel,
             all_but(f.load(), {"2026-01-15T06:00:00Z", "2026-01-15T06:15:00Z", "2026-01-16T04:45:00Z"}));
  EXPECT_THAT(f.findings(), ElementsAre("V07 2.5.259 1 [2026-01-15T06:00:00Z 2026-01-15T06:30:00Z)",
                                        "V07 2.5.259 1 [2026-01-16T04:45:00Z 2026-01-16T05:00:00Z)"));
  EXPECT_EQ(f.judged().verdict.again_at, std::nullopt);
  f.now -= std::chrono::microseconds{1};
  EXPECT_THAT(f.findings(), IsEmpty());
  EXPECT_EQ(f.judged().verdict.again_at, at("2026-01-17T11:00:00Z"));  // the end of the day and 30 h
  EXPECT_EQ(f.verdict(vee::Check::Continuity, channel), "what is not there may still come");
}

TEST(JudgedIntervals, AHoleThatTheVendorFlaggedIsMissing) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.fill(channel, f.facts.day.from, at("2026-01-15T06:00:00Z"), f.load());
  f.fill(
      channel, at("2026-01-15T06:00:00Z"), at("2026-01-15T06:15:00Z"),
      [](UtcInstant) { return std::nullopt; }, 900, 0, f.quality("1.5.0", "N32"));
  f.fill(channel, at("2026-01-15T06:15:00Z"), f.facts.day.to, f.load());
  EXPECT_THAT(f.findings(), ElementsAre("V07 2.5.259 1 [2026-01-15T06:00:00Z 2026-01-15T06:15:00Z)"));
}

TEST(JudgedIntervals, AfterAnExchangeAtNoonNothingIsExpectedOfTheRemovedMeter) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.fill(channel, f.facts.window.from, at("2026-01-15T17:00:00Z"), f.load());
  EXPECT_THAT(f.findings("V07"), ElementsAre("V07 2.5.259 1 [2026-01-15T17:00:00Z 2026-01-16T05:00:00Z)"));
  f.facts.stays[0].period.to =
      at("2026-01-15T17:07:00Z");  // the quarter-hour it was taken out in is not whole
  EXPECT_THAT(f.findings(), IsEmpty());
  EXPECT_EQ(f.judged().channels.at(0).input.values.size(), 48U);
}

TEST(JudgedIntervals, NothingIsExpectedBeforeAMeterIsInstalled) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.facts.stays[0].period.from = at("2026-01-15T16:52:00Z");
  f.fill(channel, at("2026-01-15T17:00:00Z"), f.facts.window.to, f.load());
  EXPECT_THAT(f.findings(), IsEmpty());
  f.facts.intervals.clear();
  f.fill(channel, at("2026-01-15T16:30:00Z"), f.facts.window.to, f.load());
  EXPECT_THAT(f.findings(), ElementsAre("V24 2.5.257 1 [2026-01-15T16:30:00Z 2026-01-15T17:00:00Z)"));
}

TEST(JudgedIntervals, OfAMeterThatIsNowhereNothingIsMissing) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.facts.stays.clear();
  f.fill(channel, f.facts.window.from, at("2026-01-15T17:00:00Z"), f.load());
  EXPECT_THAT(f.findings(), IsEmpty());
}

TEST(JudgedIntervals, ALengthThatChangesInsideTheDayMakesTwoChannels) {
  Facts f;
  const auto quarters = f.intervals("cmep:KWH", 900), hourly = f.intervals("cmep:KWH", 3600);
  f.fill(quarters, f.facts.window.from, at("2026-01-15T17:00:00Z"), f.load());
  f.fill(hourly, at("2026-01-15T17:00:00Z"), f.facts.window.to, kFlat, 3600);
  EXPECT_THAT(f.findings(), IsEmpty());
  const JudgedDay day = f.judged();
  ASSERT_EQ(day.channels.size(), 2U);
  EXPECT_EQ(day.channels[0].input.values.size(), 48U);
  EXPECT_EQ(day.channels[1].input.values.size(), 12U);
  f.profile("full");  // the gateway knows of no work order
  EXPECT_THAT(f.findings("V26"), ElementsAre("V26 2.4.6 0 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)"));
}

TEST(JudgedIntervals, TwoLengthsOfOneChannelAreTwoProgrammesToo) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH", 900);
  f.fill(channel, f.facts.window.from, at("2026-01-15T17:00:00Z"), f.load());
  f.fill(channel, at("2026-01-15T17:00:00Z"), f.facts.window.to, kFlat, 1800);
  EXPECT_THAT(f.findings("V07"), IsEmpty());
  EXPECT_EQ(f.judged().channels.size(), 2U);
}

TEST(JudgedIntervals, WhatDoesNotFitTheSlotsIsOdd) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.fill_window(channel);
  f.fill(channel, at("2026-01-15T12:07:00Z"), at("2026-01-15T12:22:00Z"), kFlat);
  EXPECT_THAT(f.findings("V06"), ElementsAre("V06 2.4.2 1 [2026-01-15T12:07:00Z 2026-01-15T12:22:00Z)"));
  // It overlaps two quarter-hours, and all three are told.
  EXPECT_THAT(f.findings("V07"), ElementsAre("V07 2.5.258 1 [2026-01-15T12:00:00Z 2026-01-15T12:30:00Z)",
                                             "V07 2.5.258 1 [2026-01-15T12:07:00Z 2026-01-15T12:22:00Z)"));
}

TEST(JudgedIntervals, ALongValueAmongQuarterHoursIsOdd) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.fill_window(channel);
  f.fill(channel, at("2026-01-15T12:00:00Z"), at("2026-01-15T13:00:00Z"), kFlat, 3600);
  EXPECT_EQ(f.judged().channels.size(), 1U);
  EXPECT_THAT(f.findings("V06"), ElementsAre("V06 2.4.3 1 [2026-01-15T12:00:00Z 2026-01-15T13:00:00Z)"));
}

TEST(JudgedIntervals, ADayWithoutAnyValueIsMissingWhereTheChannelHadThemBefore) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  EXPECT_THAT(f.findings(), IsEmpty()) << "a channel that nothing is known of owes nothing";
  f.facts.last_intervals.push_back({channel, at("2026-01-10T12:00:00Z"), std::chrono::seconds{900}});
  EXPECT_THAT(f.findings(), ElementsAre("V07 2.5.259 1 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)"));
  EXPECT_EQ(f.judged().channels.at(0).input.values.size(), 96U);
  const auto hourly = f.intervals("cmep:KWH", 3600);  // it went on in another length
  f.facts.last_intervals.push_back({hourly, at("2026-01-12T12:00:00Z"), std::chrono::seconds{3600}});
  EXPECT_THAT(f.findings(), ElementsAre("V07 2.5.259 2 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)"));
}

TEST(JudgedIntervals, AChannelThatBeginsTomorrowOwesNothingToday) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.fill(channel, at("2026-01-16T05:00:00Z"), f.facts.window.to, f.load());
  EXPECT_TRUE(f.judged().channels.empty());
}

TEST(JudgedIntervals, TwoValuesOfOneStampContradictEachOther) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.fill_window(channel);
  const auto lost = [&](const char* start, std::int64_t value, bool same_stamp) {
    f.facts.lost.push_back({channel, at(start), std::chrono::seconds{900}, {value, 0}, same_stamp});
  };
  lost("2026-01-15T06:00:00Z", 9, true);    // a contradiction
  lost("2026-01-15T07:00:00Z", 9, false);   // a correction
  lost("2026-01-15T06:45:00Z", 500, true);  // what stands there as well
  EXPECT_THAT(f.findings(), ElementsAre("V07 2.5.258 1 [2026-01-15T06:00:00Z 2026-01-15T06:15:00Z)"));
}

TEST(JudgedIntervals, ThePhysicalMaximumIsThatOfFormAndClass) {
  // 240 V x 200 A x 1.1 over a quarter-hour: 13200 Wh
  for (const auto& [value, fails] : {std::pair{13200, false}, std::pair{13201, true}}) {
    Facts f;
    const auto channel = f.intervals("cmep:KWH");
    f.fill_day(channel, [value = value](UtcInstant start) -> std::optional<std::int64_t> {
      return start == at("2026-01-15T06:00:00Z") ? value : 500;
    });
    EXPECT_EQ(f.verdict(vee::Check::PhysicalMaximum, channel), fails ? "FAILED" : "PASSED") << value;
    f.facts.assets.details[0].form = "1S";
    EXPECT_EQ(f.verdict(vee::Check::PhysicalMaximum, channel), "the meter's greatest power is not known");
  }
}

TEST(JudgedIntervals, WhatIsNotKnownOfTheProgrammeIsNotJudged) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH"), dial = f.dial("cmep:KWHREG");
  f.fill_window(channel);
  f.read(dial, "2026-01-15T05:00:00Z", "1000000");
  f.read(dial, "2026-01-16T05:00:00Z", "1999999");
  f.rules.fallback.programmes.clear();
  EXPECT_EQ(f.verdict(vee::Check::IntervalSum, channel), "the energy of a pulse (Ke) is not known");
  EXPECT_EQ(f.verdict(vee::Check::Overflow, channel), "the channel's greatest count or Ke is not known");
  EXPECT_EQ(f.verdict(vee::Check::Identity, 0), "nothing of the meter's identity is known from both sides");
  EXPECT_EQ(f.verdict(vee::Check::MeterTime, 0), "the meter's clock was not compared");
  EXPECT_THAT(f.findings(), IsEmpty());
}

TEST(JudgedIntervals, AveragesAreJudgedByTheirSlotsOnly) {
  Facts f;
  f.profile("full");
  const auto volts = f.channel("ssn:lp:4", "0.2.2.6.0.1.54.0.0.0.0.0.0.0.768.0.29.0", "V");
  f.fill(
      volts, f.facts.window.from, f.facts.window.to, [](UtcInstant) { return 2400; }, 900, -1);
  EXPECT_THAT(f.findings(), IsEmpty()) << "240.0 V all day is no frozen counter";
  EXPECT_EQ(f.verdict(vee::Check::Frozen, volts), "silent");
  EXPECT_EQ(f.verdict(vee::Check::IntervalSize, volts), "PASSED");
}

TEST(JudgedIntervals, ValuesOfOtherPlacesAreOneChannel) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.fill(channel, f.facts.day.from, at("2026-01-15T17:00:00Z"), kFlat, 900, 0);
  f.fill(channel, at("2026-01-15T17:00:00Z"), f.facts.day.to, kFlat, 900, -1);
  const JudgedDay day = f.judged();
  EXPECT_EQ(day.channels.at(0).input.exponent, -1);
  EXPECT_EQ(day.channels.at(0).input.values[0], 5000);
  EXPECT_EQ(day.channels.at(0).input.values[95], 500);
}

TEST(JudgedIntervals, ValuesWithoutACommonPlaceAreNotJudged) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.fill(channel, f.facts.day.from, at("2026-01-15T17:00:00Z"),
         [](UtcInstant) { return 5'000'000'000'000'000'000; });
  f.fill(channel, at("2026-01-15T17:00:00Z"), f.facts.day.to, kFlat, 900, -3);
  EXPECT_THAT(f.findings(), IsEmpty());
  EXPECT_EQ(f.verdict(vee::Check::Continuity, channel), "the values have no common exponent in 64 bits");
}

TEST(JudgedIntervals, AProfileThatIsOffJudgesNothing) {
  Facts f;
  f.profile("off");
  f.fill_day(f.intervals("cmep:KWH"), all_but(f.load(), {"2026-01-15T06:00:00Z"}));
  const JudgedDay day = f.judged();
  EXPECT_FALSE(day.verdict.judged);
  EXPECT_THAT(day.verdict.findings, IsEmpty());
  EXPECT_TRUE(day.channels.empty());
  EXPECT_EQ(day.verdict.again_at, std::nullopt);
}

TEST(JudgedIntervals, ThresholdsAreThoseOfTheFeedThatSaidItLast) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH");
  f.fill_window(channel);
  f.source(2, "g", "2026-01-16T07:00:00Z");
  f.source(3, "later", "2026-01-18T07:00:00Z");
  f.rules.by_feed["f"] = f.rules.by_feed["g"] = vee::default_vee_config();
  f.rules.by_feed["g"].profile = "full";
  EXPECT_EQ(f.judged().feed, "f");
  storage::IntervalBlock& block = f.facts.intervals[0];
  const auto count = static_cast<std::uint32_t>(block.mantissas.size());
  block.sources = {{120, 1}, {1, 2}, {count - 122, 1}, {1, 3}};  // the last slot is of the day after
  EXPECT_EQ(f.judged().feed, "g");
  EXPECT_THAT(f.judged().profile, HasSubstr("full/"));
  f.rules.by_feed.erase("g");  // no longer configured
  EXPECT_THAT(f.judged().profile, HasSubstr("head_end/"));
}

TEST(JudgedIntervals, ASilentDayHasTheThresholdsOfTheFeedThatDeliveredLastBeforeIt) {
  Facts f;
  const auto channel = f.intervals("cmep:KWH"), dial = f.dial("cmep:KWHREG");
  f.source(2, "g", "2026-01-02T07:00:00Z");
  f.source(3, "later", "2026-01-28T07:00:00Z");
  f.source(4, "events", "2026-01-30T07:00:00Z");
  f.rules.by_feed["g"] = vee::default_vee_config();
  f.rules.by_feed["g"].profile = "full";
  // Two weeks before; nothing near the day. What comes after it says nothing about who had it.
  f.facts.last_intervals.push_back({channel, at("2026-01-01T05:00:00Z"), std::chrono::seconds{900}, 2});
  f.read(dial, "2026-01-27T05:00:00Z", "5000");
  f.facts.registers.back().source = 3;
  f.event("POWER_QUALITY", "2026-01-15T12:00:00Z");
  f.facts.events.back().source = 4;
  EXPECT_EQ(f.judged().feed, "g");
  EXPECT_THAT(f.judged().profile, HasSubstr("full/"));
  // A dial that another feed read since, before the day.
  f.source(5, "dials", "2026-01-06T07:00:00Z");
  f.read(dial, "2026-01-05T05:00:00Z", "4000");
  f.facts.registers.back().source = 5;
  EXPECT_EQ(f.judged().feed, "dials");
  f.facts.last_intervals.clear();
  f.facts.registers.clear();
  EXPECT_EQ(f.judged().feed, "events") << "nothing else is known";
}

TEST(JudgedIntervals, ADayInNoKnownZoneIsNotJudged) {
  Facts f;
  f.fill_window(f.intervals("cmep:KWH"));
  f.facts.zone = "Nowhere/Land";
  EXPECT_FALSE(f.judged().verdict.judged);
}

TEST(JudgedIntervals, ChannelsThatAreNotUnderstoodAreLeftAlone) {
  Facts f;
  const auto odd = f.channel("x:1", "no reading type", "Wh");
  f.fill_window(odd);
  f.fill_window(99);  // not in the dictionary
  f.read(98, "2026-01-15T06:00:00Z", "1");
  EXPECT_TRUE(f.judged().channels.empty());
  EXPECT_THAT(f.findings(), IsEmpty());
}

TEST(JudgedIntervals, CodesOfOurOwnValidationAreNoEvidence) {
  Facts f;
  f.profile("full");
  const auto channel = f.intervals("cmep:KWH");
  f.fill(channel, f.facts.day.from, f.facts.day.to, f.load(), 900, 0, f.quality("2.4.5"));
  EXPECT_THAT(f.findings("V09"), IsEmpty());
  f.facts.intervals[0].qualities = {{96, f.quality("1.4.5")}};  // the meter itself says so
  EXPECT_THAT(f.findings("V09"), ElementsAre("V09 2.4.5 1 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)"));
}

TEST(JudgedIntervals, RunsAreSeenAcrossMidnight) {
  Facts f;
  f.profile("full");
  const auto channel = f.intervals("cmep:KWH");
  // seven times 900 Wh before midnight, once after
  f.fill(channel, f.facts.window.from, f.facts.window.to,
         [&](UtcInstant start) -> std::optional<std::int64_t> {
           const auto from = f.facts.day.from;
           return start >= from - minutes{7 * 15} && start < from + minutes{15} ? 900 : f.load()(start);
         });
  EXPECT_THAT(f.findings("V21"), ElementsAre("V21 2.5.258 1 [2026-01-15T05:00:00Z 2026-01-15T05:15:00Z)"));
}

TEST(JudgedIntervals, ARunThatGoesOnIntoTheNextDayIsFoundWithBoth) {
  Facts f;
  f.profile("full");
  const auto channel = f.intervals("cmep:KWH");
  // four times 900 Wh before the day's end, and as many after it
  const auto value = [&](std::size_t after) {
    return [&f, after](UtcInstant start) -> std::optional<std::int64_t> {
      const auto to = f.facts.day.to;
      return start >= to - minutes{60} && start < to + minutes{15} * static_cast<int>(after)
                 ? 900
                 : f.load()(start);
    };
  };
  f.fill(channel, f.facts.window.from, f.facts.window.to, value(4));
  const auto found = ElementsAre("V21 2.5.258 1 [2026-01-16T04:00:00Z 2026-01-16T05:00:00Z)");
  EXPECT_THAT(f.findings("V21"), found);
  // While the next day is not over it says nothing: its own judgement brings this day back.
  f.now = f.facts.day.to + hours{24} - std::chrono::seconds{1};
  EXPECT_THAT(f.findings("V21"), IsEmpty());
  f.now += std::chrono::seconds{1};
  EXPECT_THAT(f.findings("V21"), found);
  f.facts.intervals.clear();
  f.fill(channel, f.facts.window.from, f.facts.window.to, value(3));
  EXPECT_THAT(f.findings("V21"), IsEmpty());
}

TEST(JudgedIntervals, ZerosBehindAnOpenSwitchOfTheDayBesideAreNoPartOfARun) {
  Facts f;
  f.profile("full");
  const auto channel = f.intervals("cmep:KWH");
  // From noon to noon, in the day and the next.
  f.fill(channel, f.facts.window.from, f.facts.window.to,
         [&](UtcInstant start) -> std::optional<std::int64_t> {
           const auto to = f.facts.day.to;
           return start >= to - hours{12} && start < to + hours{12} ? 0 : f.load()(start);
         });
  EXPECT_THAT(f.findings("V20"), ElementsAre("V20 2.6.1 1 [2026-01-15T17:00:00Z 2026-01-16T05:00:00Z)"));
  f.event("SWITCH_OPENED", "2026-01-16T14:00:00Z");  // 36 slots of the next day are left
  EXPECT_THAT(f.findings("V20"), IsEmpty());
}

}  // namespace
}  // namespace ami::validation
