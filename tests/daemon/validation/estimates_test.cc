// What is estimated, from what, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/validation/facts.h"

namespace ami::validation {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using storage::Period;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Facts::Value without(const Facts::Value& value, UtcInstant from, UtcInstant to) {
  return [=](UtcInstant start) { return start >= from && start < to ? std::nullopt : value(start); };
}

struct Full : Facts {
  Full() : channel(intervals("cmep:KWH")) { profile("full"); }
  storage::ChannelId channel;
};

TEST(Estimates, ALineBetweenTheNeighboursOfAShortHole) {
  Full f;  // 501 Wh before (slot 43), 505 Wh after (slot 47): 502, 503, 504
  f.fill(f.channel, f.facts.window.from, f.facts.window.to,
         without(f.load(), at("2026-01-15T16:00:00Z"), at("2026-01-15T16:45:00Z")));
  const auto made = f.judged().verdict.estimates;
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].channel, f.channel);
  EXPECT_EQ(made[0].first_start, at("2026-01-15T16:00:00Z"));
  EXPECT_EQ(made[0].length, std::chrono::seconds{900});
  EXPECT_THAT(made[0].mantissas, ElementsAre(502, 503, 504));
  EXPECT_EQ(made[0].method, "LINEAR");
  EXPECT_EQ(made[0].algorithm, "ami.vee.interval-estimation");
  EXPECT_EQ(made[0].version, 2);
  EXPECT_EQ(
      made[0].inputs,
      R"({"inputs":[{"kind":"ANCHOR","at":"2026-01-15T15:45:00Z"},{"kind":"ANCHOR","at":"2026-01-15T16:45:00Z"}]})");
  EXPECT_THAT(f.findings(), ElementsAre("V07 2.5.259 1 [2026-01-15T16:00:00Z 2026-01-15T16:45:00Z)"));
}

TEST(Estimates, TheDaysBeforeAndAfterLendTheirNeighbours) {
  Full f;  // the day's first slot: 506 Wh before (slot -1), 501 Wh after: 503.5, halves up
  f.fill(f.channel, f.facts.window.from, f.facts.window.to,
         without(f.load(), f.facts.day.from, f.facts.day.from + minutes{15}));
  const auto made = f.judged().verdict.estimates;
  ASSERT_EQ(made.size(), 1U);
  EXPECT_THAT(made[0].mantissas, ElementsAre(504));
}

TEST(Estimates, ANeighbourInAnOutageIsNone) {
  Full f;
  f.fill(f.channel, f.facts.window.from, f.facts.window.to,
         without(f.load(), f.facts.day.from, f.facts.day.from + minutes{15}));
  f.event("OUTAGE", "2026-01-15T04:50:00Z");
  f.event("RESTORATION", "2026-01-15T04:55:00Z");
  EXPECT_THAT(f.judged().verdict.estimates, IsEmpty());
}

TEST(Estimates, NothingIsMadeBeforeTheGraceHasPassed) {
  Full f;
  f.fill(f.channel, f.facts.window.from, f.facts.window.to,
         without(f.load(), at("2026-01-15T16:00:00Z"), at("2026-01-15T16:45:00Z")));
  f.now = f.facts.day.to + f.rules.grace - std::chrono::seconds{1};
  EXPECT_THAT(f.judged().verdict.estimates, IsEmpty());
  EXPECT_EQ(f.judged().verdict.again_at, f.facts.day.to + f.rules.grace);
}

TEST(Estimates, HeadEndMakesNone) {
  Full f;
  f.profile("head_end");
  f.fill(f.channel, f.facts.window.from, f.facts.window.to,
         without(f.load(), at("2026-01-15T16:00:00Z"), at("2026-01-15T16:45:00Z")));
  EXPECT_THAT(f.judged().verdict.estimates, IsEmpty());
}

TEST(Estimates, RegistersAtBothMidnightsGiveTheEnergy) {
  Full f;
  const auto dial = f.dial("cmep:KWHREG");
  // Of the day's 48283 Wh 1509 are not there, which leaves 46774. The registers rose by 47986: 1212 Wh to
  // share as 502 : 503 : 504.
  f.fill(f.channel, f.facts.window.from, f.facts.window.to,
         without(f.load(), at("2026-01-15T16:00:00Z"), at("2026-01-15T16:45:00Z")));
  f.read(dial, "2026-01-15T05:00:00Z", "1000000");
  f.read(dial, "2026-01-16T05:00:00Z", "1047986");
  const auto made = f.judged().verdict.estimates;
  ASSERT_EQ(made.size(), 1U);
  // 1212 x 502 / 1509 = 403.197, x 503 = 404, x 504 = 404.803: floors 403 404 404, one left for the largest
  // rest
  EXPECT_THAT(made[0].mantissas, ElementsAre(403, 404, 405));
  EXPECT_THAT(made[0].inputs, HasSubstr(R"("register_scaled":true)"));
  EXPECT_THAT(made[0].inputs, HasSubstr(R"({"kind":"REGISTER","at":"2026-01-16T05:00:00Z"})"));
}

TEST(Estimates, IntervalsThatHoldMoreThanTheRegistersRaiseTheSumCheck) {
  Full f;
  const auto dial = f.dial("cmep:KWHREG");
  f.fill(f.channel, f.facts.window.from, f.facts.window.to,
         without(f.load(), at("2026-01-15T16:00:00Z"), at("2026-01-15T16:45:00Z")));
  f.read(dial, "2026-01-15T05:00:00Z", "1000000");
  f.read(dial, "2026-01-16T05:00:00Z", "1040000");
  EXPECT_THAT(f.findings("V14"), ElementsAre("V14 2.6.0 1 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)"));
}

// Past days of one value each, in the order of time.
storage::IntervalPage days_of(storage::ChannelId channel, const Period& asked,
                              const std::function<std::int64_t(std::chrono::sys_days utc)>& value) {
  storage::IntervalPage page;
  page.dictionary.qualities[0] = {};
  for (auto day = std::chrono::ceil<days>(asked.from); day + days{1} <= asked.to; day += days{1}) {
    storage::IntervalBlock block;
    block.channel = channel;
    block.first_start = UtcInstant{day} + hours{5};
    block.length = std::chrono::seconds{900};
    block.mantissas.assign(96, value(day));
    block.qualities = {{96, 0}};
    page.blocks.push_back(std::move(block));
  }
  return page;
}

TEST(Estimates, ALongHoleLearnsFromTheLatestDaysOfItsKind) {
  Full f;  // a Thursday; the weekdays before are 14, 13, 12 and 9 January
  std::optional<Period> asked;
  f.facts.history = [&](storage::ChannelId channel, const Period& period) {
    if (!asked) asked = period;  // later ones are about days of estimates
    return days_of(channel, period, [](std::chrono::sys_days day) {
      return static_cast<std::int64_t>(static_cast<unsigned>(std::chrono::year_month_day{day}.day())) * 100;
    });
  };
  f.fill(f.channel, f.facts.window.from, f.facts.window.to,
         without(f.load(), at("2026-01-15T16:00:00Z"), at("2026-01-15T18:15:00Z")));  // nine slots
  const auto made = f.judged().verdict.estimates;
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->to, f.facts.day.from);
  EXPECT_EQ(asked->to - asked->from, days{36});
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].method, "LIKE_DAYS");
  EXPECT_THAT(made[0].mantissas, ElementsAre(1200, 1200, 1200, 1200, 1200, 1200, 1200, 1200, 1200));  // mean
  EXPECT_THAT(made[0].inputs, HasSubstr(R"({"kind":"LIKE_DAY","at":"2026-01-09T05:00:00Z"})"));

  f.rules.holidays = {std::chrono::year{2026} / 1 / 14};  // then 13, 12, 9 and 8: 1050
  EXPECT_THAT(f.judged().verdict.estimates.at(0).mantissas.at(0), 1050);
  f.rules.holidays.push_back(std::chrono::year{2026} / 1 /
                             15);  // today as well: it learns from the 14th alone
  EXPECT_THAT(f.judged().verdict.estimates.at(0).mantissas.at(0), 1400);
}

TEST(Estimates, ADayWithAnOutageIsNoneToLearnFrom) {
  Full f;
  f.facts.history = [](storage::ChannelId channel, const Period& period) {
    return days_of(channel, period, [](std::chrono::sys_days day) {
      return static_cast<std::int64_t>(static_cast<unsigned>(std::chrono::year_month_day{day}.day())) * 100;
    });
  };
  f.fill(f.channel, f.facts.window.from, f.facts.window.to,
         without(f.load(), at("2026-01-15T16:00:00Z"), at("2026-01-15T18:15:00Z")));
  f.event("OUTAGE", "2026-01-14T12:00:00Z");
  f.event("RESTORATION", "2026-01-14T12:01:00Z");
  EXPECT_THAT(f.judged().verdict.estimates.at(0).mantissas.at(0), 1050);
}

TEST(Estimates, WithoutHistoryALongHoleStaysOne) {
  Full f;
  f.fill(f.channel, f.facts.window.from, f.facts.window.to,
         without(f.load(), at("2026-01-15T16:00:00Z"), at("2026-01-15T18:15:00Z")));
  const JudgedDay day = f.judged();
  EXPECT_THAT(day.verdict.estimates, IsEmpty());
  ASSERT_EQ(day.channels.at(0).estimation.unfilled.size(), 1U);
}

TEST(Estimates, HistoryThatCannotBeReadIsTold) {
  Full f;
  f.facts.history = [](storage::ChannelId, const Period&) -> storage::IntervalPage {
    throw std::runtime_error("away");
  };
  f.fill(f.channel, f.facts.window.from, f.facts.window.to,
         without(f.load(), at("2026-01-15T16:00:00Z"), at("2026-01-15T18:15:00Z")));
  EXPECT_THROW(f.judged(), std::runtime_error);
}

TEST(Estimates, TooManyDaysInARowAreTold) {
  for (const auto& [before, told] : {std::pair{2, false}, std::pair{3, true}}) {
    Full f;
    const std::chrono::sys_days today{f.facts.of.date};
    for (int back = 1; back <= before; ++back) f.facts.estimated_days[f.channel].insert(today - days{back});
    f.facts.estimated_days[f.channel].insert(today - days{before + 2});  // not in a row with them
    f.fill(f.channel, f.facts.window.from, f.facts.window.to,
           without(f.load(), at("2026-01-15T16:00:00Z"), at("2026-01-15T16:45:00Z")));
    if (told) {
      // Of the meter, since most of the day was measured.
      EXPECT_THAT(f.findings("V25"), ElementsAre("V25 2.8.0 0 [2026-01-15T05:00:00Z 2026-01-16T05:00:00Z)"));
    } else {
      EXPECT_THAT(f.findings("V25"), IsEmpty());
    }
  }
}

TEST(Estimates, AveragesAreNeverEstimated) {
  Full f;
  const auto volts = f.Facts::channel("ssn:lp:4", "0.2.2.6.0.1.54.0.0.0.0.0.0.0.768.0.29.0", "V");
  f.fill(volts, f.facts.window.from, f.facts.window.to,
         without(f.load(), at("2026-01-15T16:00:00Z"), at("2026-01-15T16:45:00Z")));
  EXPECT_THAT(f.judged().verdict.estimates, IsEmpty());
}

}  // namespace
}  // namespace ami::validation
