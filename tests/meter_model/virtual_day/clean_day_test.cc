// A day read from a sound virtual meter passes every check of `full` with no code raised.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "tests/meter_model/virtual_day/day_judge.h"

namespace ami::virtual_day {
namespace {

using virtual_meter::Model;
using virtual_meter::PremisesKind;
using Year = std::chrono::year;

constexpr std::uint64_t kSeed = 20261101;
constexpr int kMeterDays = 320;

std::uint64_t run_seed() {
  const char* set = std::getenv("AMI_VIRTUAL_DAY_SEED");
  return set == nullptr ? kSeed : std::strtoull(set, nullptr, 10);
}

std::vector<JudgedDay> judged(const Script& script, Sites& sites) {
  return judge_days(heard_from(run(script, sites), script), script.date);
}

void expect_clean(const Script& script, Sites& sites) {
  const auto days = judged(script, sites);
  EXPECT_TRUE(checks_of(days).empty()) << describe(script) << '\n' << to_text(days);
}

TEST(CleanDay, AnyHouseholdOrBusinessOfAnySeasonAndZoneRaisesNoCode) {
  const std::uint64_t seed = run_seed();
  std::cout << kMeterDays << " meter-days of seed " << seed << " (AMI_VIRTUAL_DAY_SEED sets another)\n";
  std::mt19937_64 random(seed);
  Sites sites;
  for (int i = 0; i < kMeterDays; ++i) expect_clean(any_script(random), sites);
}

// One of each kind on the days that are hard: 92, 96 and 100 quarter-hours, 94 and 98 in Lord Howe, and both
// solstices.
TEST(CleanDay, TheDaysOfChangingClocksRaiseNoCode) {
  struct Day {
    const char* zone;
    std::chrono::year_month_day date;
    std::int64_t quarters;
  };
  const Day days[] = {
      {"America/Toronto", Year{2026} / 3 / 8, 92},
      {"America/Toronto", Year{2026} / 11 / 1, 100},
      {"America/Toronto", Year{2026} / 1 / 15, 96},
      {"America/Toronto", Year{2026} / 4 / 18, 96},
      {"America/Toronto", Year{2026} / 6 / 21, 96},
      {"America/Toronto", Year{2026} / 10 / 12, 96},
      {"Asia/Kolkata", Year{2026} / 1 / 15, 96},
      {"Asia/Kolkata", Year{2026} / 6 / 21, 96},
      {"Asia/Kathmandu", Year{2026} / 6 / 21, 96},
      {"Australia/Lord_Howe", Year{2026} / 4 / 5, 98},
      {"Australia/Lord_Howe", Year{2026} / 10 / 4, 94},
      {"Australia/Lord_Howe", Year{2026} / 12 / 21, 96},
      {"UTC", Year{2026} / 3 / 29, 96},
      {"UTC", Year{2028} / 2 / 29, 96},
  };
  Sites sites;
  std::uint32_t number = 4000;
  for (const Day& day : days) {
    for (const PremisesKind kind : {PremisesKind::Household, PremisesKind::SmallBusiness}) {
      for (const float solar_kw : {0.F, 8.F}) {
        for (const auto interval : {300, 900, 1800, 3600}) {
          Script script;
          script.zone = day.zone;
          script.date = day.date;
          script.number = ++number;
          script.premises.kind = kind;
          script.premises.annual_kwh = kind == PremisesKind::Household ? 9'000.F : 40'000.F;
          script.premises.solar_kw = solar_kw;
          script.program.interval = seconds{interval};
          script.program.digits = 8;
          script.program.decimals = 3;
          script.program.demand.window = interval == 300 ? minutes{15} : minutes{30};
          const Course course = run(script, sites);
          ASSERT_EQ((course.day.to - course.day.from) / minutes{15}, day.quarters);
          const auto judged = judge_days(heard_from(course, script), script.date);
          EXPECT_TRUE(checks_of(judged).empty()) << describe(script) << '\n' << to_text(judged);
        }
      }
    }
  }
}

// A check that was never asked cannot have passed.
TEST(CleanDay, EveryCheckOfAnAxrWithAllItsRegistersIsJudged) {
  Sites sites;
  Script script;
  script.date = Year{2026} / 3 / 8;
  const auto days = judged(script, sites);
  ASSERT_EQ(days.size(), 2U);
  for (const JudgedDay& day : days) {
    for (const vee::CheckInfo& check : vee::all_checks())
      EXPECT_TRUE(day.passed.contains(std::string(check.id))) << check.id;
    EXPECT_EQ(day.not_judged,
              (std::map<std::string, int>{{"V18", 1}, {"V19", 1}, {"V20", 1}, {"V23", 1}}));  // received
  }
}

TEST(CleanDay, AMeterWithoutRecorderOwesNoInterval) {
  Sites sites;
  for (const char* model : {"FOCUS AX", "FOCUS AX-SD"}) {
    Script script;
    script.date = Year{2026} / 11 / 1;
    script.model = Model::parse(model).value();
    const auto days = judged(script, sites);
    EXPECT_TRUE(checks_of(days).empty()) << to_text(days);
    for (const char* check : {"V01", "V03", "V15", "V16", "V17"})
      EXPECT_TRUE(days.back().passed.contains(check)) << check;
    for (const char* check : {"V06", "V07", "V14"}) EXPECT_FALSE(days.back().passed.contains(check)) << check;
  }
}

// What an operator does is no fault: an open switch, a demand reset.
TEST(CleanDay, ADisconnectAReconnectAndADemandResetRaiseNoCode) {
  Sites sites;
  for (int variant = 0; variant < 24; ++variant) {
    Script script;
    script.date = Year{2026} / 1 / 10 + std::chrono::months{variant % 12};
    script.number = static_cast<std::uint32_t>(100 + variant);
    script.program.decimals = 3;
    script.program.digits = 8;
    script.premises.solar_kw = variant % 2 == 0 ? 7.F : 0.F;
    script.commands = {{minutes{47 + 13 * variant}, Act::Disconnect},
                       {minutes{20 * 60 + variant}, Act::Connect},
                       {minutes{22 * 60 + 3}, Act::DemandReset}};
    if (variant % 3 == 0) script.commands.erase(script.commands.begin() + 1);
    const Course course = run(script, sites);
    ASSERT_EQ(course.events.size(), script.commands.size());
    const auto days = judge_days(heard_from(course, script), script.date);
    EXPECT_TRUE(checks_of(days).empty()) << describe(script) << '\n' << to_text(days);
  }
}

// Twelve panels, a short winter day, no sun at all: zero all day on the received channel only.
TEST(CleanDay, AReceivedChannelMayBeZeroAllDayADeliveredOneNot) {
  Sites sites;
  Script script;
  script.date = Year{2026} / 12 / 21;
  const Course course = run(script, sites);
  Heard heard = heard_from(course, script);
  ASSERT_EQ(heard.channels.size(), 2U);
  for (const HeardValue& value : heard.channels[1].values) ASSERT_EQ(value.value, Decimal{});
  EXPECT_TRUE(checks_of(judge_days(heard, script.date)).empty());
  heard.channels[1].is_received = false;
  EXPECT_TRUE(checks_of(judge_days(heard, script.date)).contains("V20"));
}

}  // namespace
}  // namespace ami::virtual_day
