// Civil days of 92, 96 and 100 quarter-hours, zones of 30 and 45 minutes, and failures that other projects
// had on the two nights of the year.
#include <gtest/gtest.h>

#include "meter_model/vee/estimation.h"
#include "tests/meter_model/vee/scene.h"

namespace ami::vee {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::year_month_day;
using Year = std::chrono::year;

Zone zone(const char* name) {
  return Zone::load(name).value();
}

std::size_t slots_of(const char* name, year_month_day date, seconds length) {
  const Zone rules = zone(name);
  // 1 January is standard time in the north, 1 July in the south.
  const Span day = civil_day(rules, date);
  const auto phase = civil_phase(rules, civil_day(rules, Year{2026} / 1 / 1).from + hours{12}, length);
  return day_grid(day, length, phase).count;
}

Case day_of(const char* name, year_month_day date, seconds length, std::size_t count,
            std::int64_t each = 500) {
  Case c(count, each);
  const Span day = civil_day(zone(name), date);
  c.day.day = day;
  c.day.first_start = day.from;
  c.day.length = c.day.programme.interval = length;
  c.meter.as_of = day.to;
  return c;
}

TEST(DayGrid, CivilDaysOfTorontoAndRegina) {
  EXPECT_EQ(slots_of("America/Toronto", Year{2026} / 3 / 8, seconds{900}), 92U);
  EXPECT_EQ(slots_of("America/Toronto", Year{2026} / 3 / 9, seconds{900}), 96U);
  EXPECT_EQ(slots_of("America/Toronto", Year{2026} / 11 / 1, seconds{900}), 100U);
  EXPECT_EQ(slots_of("America/Regina", Year{2026} / 3 / 8, seconds{900}), 96U);
  EXPECT_EQ(slots_of("America/Regina", Year{2026} / 11 / 1, seconds{900}), 96U);
  EXPECT_EQ(civil_day(zone("America/Toronto"), Year{2026} / 3 / 8).from, at("2026-03-08T05:00:00Z"));
  EXPECT_EQ(civil_day(zone("America/Toronto"), Year{2026} / 11 / 1).from, at("2026-11-01T04:00:00Z"));
}

TEST(DayGrid, ZonesOfThirtyAndFortyFiveMinutes) {
  const auto phase = [](const char* name, seconds length) {
    return civil_phase(zone(name), at("2026-01-15T12:00:00Z"), length);
  };
  EXPECT_EQ(phase("America/Toronto", hours{1}), seconds{0});
  EXPECT_EQ(phase("Asia/Kolkata", hours{1}), seconds{1800});      // UTC+5:30: midnight is 18:30Z
  EXPECT_EQ(phase("America/St_Johns", hours{1}), seconds{1800});  // UTC-3:30: midnight is 03:30Z
  EXPECT_EQ(phase("Asia/Kathmandu", hours{1}), seconds{900});     // UTC+5:45: midnight is 18:15Z
  EXPECT_EQ(phase("Asia/Kathmandu", seconds{900}), seconds{0});
  EXPECT_EQ(slots_of("Asia/Kolkata", Year{2026} / 3 / 8, hours{1}), 24U);
  EXPECT_EQ(slots_of("Asia/Kathmandu", Year{2026} / 3 / 8, seconds{900}), 96U);
  EXPECT_EQ(slots_of("America/St_Johns", Year{2026} / 3 / 8, seconds{1800}), 46U);
  EXPECT_EQ(slots_of("America/St_Johns", Year{2026} / 11 / 1, seconds{1800}), 50U);
  // Lord Howe moves by half an hour: 47 and 49 half-hours.
  EXPECT_EQ(slots_of("Australia/Lord_Howe", Year{2026} / 10 / 4, seconds{1800}), 47U);
  EXPECT_EQ(slots_of("Australia/Lord_Howe", Year{2026} / 4 / 5, seconds{1800}), 49U);
}

// A grid of hours that starts at 18:30Z does not accept hours that end on the full hour of UTC.
TEST(DayGrid, HoursOffTheZonesGridAreReported) {
  Case c = day_of("Asia/Kolkata", Year{2026} / 3 / 8, hours{1}, 24);
  c.day.programme.grid_phase = seconds{1800};
  EXPECT_EQ(c.codes(Check::IntervalSize), "");
  c.day.first_start += minutes{30};
  EXPECT_EQ(c.codes(Check::IntervalSize), "2.4.2");
}

TEST(DayGrid, EverySlotOfAYearBelongsToExactlyOneDay) {
  for (const char* name : {"America/Toronto", "Australia/Lord_Howe", "Asia/Kathmandu"}) {
    const Zone rules = zone(name);
    UtcInstant next = day_grid(civil_day(rules, Year{2026} / 1 / 1), hours{1}, seconds{0}).first_start;
    for (std::chrono::sys_days date = Year{2026} / 1 / 1; date < std::chrono::sys_days{Year{2027} / 1 / 1};
         date += std::chrono::days{1}) {
      const DayGrid grid = day_grid(civil_day(rules, date), hours{1}, seconds{0});
      ASSERT_EQ(grid.first_start, next) << name;
      next = grid.first_start + grid.length * static_cast<std::int64_t>(grid.count);
    }
  }
}

// home-assistant/core #114721: a monthly cycle that fires at 23:00 makes a thirteenth month of one hour.
TEST(DaylightSavingFailure, HomeAssistant114721YearHasTwelveMonthsThatMeetAtMidnight) {
  const Zone toronto = zone("America/Toronto");
  UtcInstant next = civil_day(toronto, Year{2026} / 1 / 1).from;
  std::size_t quarter_hours = 0;
  for (unsigned month = 1; month <= 12; ++month) {
    const Span span = civil_month(toronto, Year{2026} / std::chrono::month{month});
    ASSERT_EQ(span.from, next);
    EXPECT_EQ(toronto.civil(span.from), std::chrono::floor<std::chrono::days>(toronto.civil(span.from)));
    quarter_hours += day_grid(span, seconds{900}, seconds{0}).count;
    next = span.to;
  }
  EXPECT_EQ(next, civil_day(toronto, Year{2027} / 1 / 1).from);
  EXPECT_EQ(quarter_hours, 365U * 96);  // the hour of March comes back in November
}

// home-assistant/core #102984: the repeated hour is counted twice.
TEST(DaylightSavingFailure, HomeAssistant102984RepeatedHourIsCountedOnce) {
  Case c = day_of("America/Toronto", Year{2026} / 11 / 1, seconds{900}, 100, 1000);
  for (auto& value : c.values) value = 1000;
  c.registers = {{c.day.day.from, number("0"), {}}, {c.day.day.to, number("100000"), {}}};
  EXPECT_EQ(c.verdict(Check::IntervalSum), "PASSED");
  EXPECT_EQ(c.figure_of(Check::IntervalSize, "by"), "");
  c.registers[1].value = number("104000");  // with the hour twice
  EXPECT_EQ(c.codes(Check::IntervalSum), "2.6.0");
}

// YeomansIII/ha-dominion-energy #14: an export of 48 half-hours on the short day; the hour that does not
// exist collides with the one after it, and later days are lost.
TEST(DaylightSavingFailure, Dominion14FortyEightHalfHoursOnTheShortDayCostNoOtherDay) {
  Case export_of_48 = day_of("America/New_York", Year{2026} / 3 / 8, seconds{1800}, 48);
  EXPECT_EQ(export_of_48.codes(Check::IntervalSize), "2.4.3");
  EXPECT_EQ(export_of_48.figure_of(Check::IntervalSize, "bound"), "46");
  EXPECT_EQ(day_of("America/New_York", Year{2026} / 3 / 8, seconds{1800}, 46).codes(Check::IntervalSize), "");
  EXPECT_EQ(day_of("America/New_York", Year{2026} / 3 / 9, seconds{1800}, 48).codes(Check::IntervalSize), "");
  const CivilTime two = std::chrono::local_days{Year{2026} / 3 / 8} + hours{2};
  EXPECT_EQ(zone("America/New_York").resolve(two).count, 0);
}

// gridstatus #469: two rows for 02:00, none for the repeated 01:00.
TEST(DaylightSavingFailure, GridStatus469TwoRowsForTwoOClockAndNoneForTheRepeatedHour) {
  Case c = day_of("America/Chicago", Year{2026} / 11 / 1, hours{1}, 25);
  c.values[2] = kHole;                    // 01:00 the second time
  c.others = {{3, number("777"), true}};  // 02:00 the second time
  EXPECT_EQ(c.codes(Check::Continuity), "2.5.259 2.5.258");
  EXPECT_EQ(c.slots(Check::Continuity), (std::vector<SlotRange>{{2, 1}, {3, 1}}));
}

// eddie-energy/eddie #960: 25 values on the long day.
TEST(DaylightSavingFailure, Eddie960TwentyFiveHoursAreTheLongDaysCount) {
  EXPECT_EQ(day_of("Europe/Vienna", Year{2026} / 10 / 25, hours{1}, 25).codes(Check::IntervalSize), "");
  EXPECT_EQ(day_of("Europe/Vienna", Year{2026} / 10 / 25, hours{1}, 24).codes(Check::IntervalSize), "2.4.2");
  EXPECT_EQ(day_of("Europe/Vienna", Year{2026} / 10 / 24, hours{1}, 25).codes(Check::IntervalSize), "2.4.3");
}

// UtilitechAS/amsreader-firmware #349: the night of the change leaves one hour with the use of two or more.
TEST(DaylightSavingFailure, AmsReader349InflatedHourDoesNotPassTheRegisters) {
  Case c = day_of("Europe/Oslo", Year{2022} / 10 / 30, hours{1}, 25, 2000);
  c.meter.installed_from.reset();
  for (auto& value : c.values) value = 2000;
  std::int64_t dial = 1'000'000;
  for (std::size_t i = 0; i <= 25; ++i, dial += 2000)
    c.registers.push_back({c.day.start_of(i), {dial, 0}, {}});
  EXPECT_EQ(c.codes(Check::IntervalSum), "");
  c.values[3] = 26'000;
  EXPECT_EQ(c.slots(Check::IntervalSum), (std::vector<SlotRange>{{3, 1}}));
  EXPECT_EQ(c.slots(Check::Spike), (std::vector<SlotRange>{{3, 1}}));
}

TEST(LikeDays, BothRepeatedHoursTakeTheOneOrdinaryHourAndAShortDayHasNoneToGive) {
  Case c = day_of("America/Toronto", Year{2026} / 11 / 1, seconds{900}, 100);
  for (std::size_t i = 0; i < 16; ++i) c.values[i] = kHole;  // 00:00 to 03:00, with 01:00 twice
  c.day.values = c.values;
  std::vector<std::int64_t> usual(96);
  for (std::size_t i = 0; i < 96; ++i) usual[i] = static_cast<std::int64_t>(i / 4) * 100;  // 100 x hour
  const Zone toronto = zone("America/Toronto");
  const std::vector<LikeDay> like{{.date = Year{2026} / 10 / 25,
                                   .day_class = DayClass::Weekend,
                                   .first_start = civil_day(toronto, Year{2026} / 10 / 25).from,
                                   .values = usual,
                                   .marks = {}}};
  const auto made = estimate({.day = c.day,
                              .meter = c.meter,
                              .zone = toronto,
                              .date = Year{2026} / 11 / 1,
                              .day_class = DayClass::Weekend,
                              .like_days = like},
                             c.config);
  ASSERT_EQ(made.estimates.size(), 1U);
  EXPECT_EQ(made.estimates[0].values, (std::vector<std::int64_t>{0, 0, 0, 0, 100, 100, 100, 100, 100, 100,
                                                                 100, 100, 200, 200, 200, 200}));
  // The other way round: 02:00 is wanted, and the short Sunday of March has none.
  Case later(96);
  later.day.day = civil_day(toronto, Year{2026} / 3 / 15);
  later.day.first_start = later.day.day.from;
  later.meter.as_of = later.day.day.to;
  for (std::size_t i = 4; i < 16; ++i) later.values[i] = kHole;
  later.day.values = later.values;
  std::vector<std::int64_t> shorter(92, 300);
  const std::vector<LikeDay> march{{.date = Year{2026} / 3 / 8,
                                    .day_class = DayClass::Weekend,
                                    .first_start = civil_day(toronto, Year{2026} / 3 / 8).from,
                                    .values = shorter,
                                    .marks = {}}};
  const auto none = estimate({.day = later.day,
                              .meter = later.meter,
                              .zone = toronto,
                              .date = Year{2026} / 3 / 15,
                              .day_class = DayClass::Weekend,
                              .like_days = march},
                             later.config);
  EXPECT_TRUE(none.estimates.empty());
  EXPECT_EQ(none.unfilled.size(), 1U);
}

}  // namespace
}  // namespace ami::vee
