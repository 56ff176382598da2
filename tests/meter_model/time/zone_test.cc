// Expected instants come from Python's zoneinfo or from the metrology reference (vector T24).
#include "meter_model/time/zone.h"

#include <gtest/gtest.h>

#include <string>

namespace ami {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

Zone zone(std::string_view name) {
  auto loaded = Zone::load(name);
  EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message);
  return loaded.ok() ? *loaded : Zone::utc();
}

CivilTime face(std::string_view text) {
  return parse_stated_time(text)->civil;
}

struct DayCase {
  const char* zone;
  year_month_day date;
  const char* start;
  const char* end;
  int quarter_hours;
};

class CivilDay : public ::testing::TestWithParam<DayCase> {};

TEST_P(CivilDay, RunsFromMidnightToMidnight) {
  const DayCase& expected = GetParam();
  const Zone::Day day = zone(expected.zone).civil_day(expected.date);
  EXPECT_EQ(to_text(day.start), expected.start) << expected.zone;
  EXPECT_EQ(to_text(day.end), expected.end) << expected.zone;
  EXPECT_EQ((day.end - day.start) / 15min, expected.quarter_hours) << expected.zone;
}

INSTANTIATE_TEST_SUITE_P(
    Zones, CivilDay,
    ::testing::Values(
        DayCase{"America/Toronto", 2026y / 3 / 8, "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", 92},
        DayCase{"America/Toronto", 2026y / 11 / 1, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", 100},
        DayCase{"America/Toronto", 2026y / 7 / 1, "2026-07-01T04:00:00Z", "2026-07-02T04:00:00Z", 96},
        DayCase{"America/Toronto", 2060y / 3 / 14, "2060-03-14T05:00:00Z", "2060-03-15T04:00:00Z", 92},
        DayCase{"America/Regina", 2026y / 3 / 8, "2026-03-08T06:00:00Z", "2026-03-09T06:00:00Z", 96},
        DayCase{"America/Regina", 2026y / 11 / 1, "2026-11-01T06:00:00Z", "2026-11-02T06:00:00Z", 96},
        DayCase{"America/St_Johns", 2026y / 3 / 8, "2026-03-08T03:30:00Z", "2026-03-09T02:30:00Z", 92},
        DayCase{"Australia/Lord_Howe", 2026y / 4 / 5, "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z", 98},
        DayCase{"Australia/Lord_Howe", 2026y / 10 / 4, "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z", 94},
        DayCase{"Asia/Kathmandu", 2026y / 6 / 1, "2026-05-31T18:15:00Z", "2026-06-01T18:15:00Z", 96},
        DayCase{"Antarctica/McMurdo", 2026y / 4 / 5, "2026-04-04T11:00:00Z", "2026-04-05T12:00:00Z", 100},
        DayCase{"UTC", 2024y / 2 / 28, "2024-02-28T00:00:00Z", "2024-02-29T00:00:00Z", 96}));

TEST(CivilDayOddities, BeginsAtTheJumpWhereMidnightIsSkipped) {
  // Sao Paulo, 4 November 2018: 00:00 became 01:00.
  const Zone::Day day = zone("America/Sao_Paulo").civil_day(2018y / 11 / 4);
  EXPECT_EQ(to_text(day.start), "2018-11-04T03:00:00Z");
  EXPECT_EQ(to_text(day.end), "2018-11-05T02:00:00Z");
}

TEST(CivilDayOddities, BeginsAtTheEarlierMidnightWhereItRepeats) {
  // Havana, 3 November 2024: 01:00 became 00:00.
  const Zone::Day day = zone("America/Havana").civil_day(2024y / 11 / 3);
  EXPECT_EQ(to_text(day.start), "2024-11-03T04:00:00Z");
  EXPECT_EQ(day.end - day.start, 25h);
}

TEST(CivilDayOddities, IsEmptyWhereTheCalendarLeftItOut) {
  const Zone::Day day = zone("Pacific/Apia").civil_day(2011y / 12 / 30);
  EXPECT_EQ(to_text(day.start), "2011-12-30T10:00:00Z");
  EXPECT_EQ(day.end, day.start);
}

TEST(ZoneResolve, GivesOneInstantForAnOrdinaryFace) {
  const auto found = zone("Asia/Kathmandu").resolve(face("2026-06-01T12:00:00.25"));
  EXPECT_EQ(found.count, 1);
  EXPECT_EQ(to_text(found.first), "2026-06-01T06:15:00.250Z");
}

TEST(ZoneResolve, GivesBothInstantsOfTheRepeatedHourEarlierFirst) {
  const auto toronto = zone("America/Toronto").resolve(face("2026-11-01T01:30:00"));
  EXPECT_EQ(toronto.count, 2);
  EXPECT_EQ(to_text(toronto.first), "2026-11-01T05:30:00Z");
  EXPECT_EQ(to_text(toronto.second), "2026-11-01T06:30:00Z");
  const auto lord_howe = zone("Australia/Lord_Howe").resolve(face("2026-04-05T01:45:00"));
  EXPECT_EQ(lord_howe.count, 2);
  EXPECT_EQ(to_text(lord_howe.first), "2026-04-04T14:45:00Z");
  EXPECT_EQ(to_text(lord_howe.second), "2026-04-04T15:15:00Z");
}

TEST(ZoneResolve, RepeatedHourIncludesItsStartAndNotItsEnd) {
  const Zone toronto = zone("America/Toronto");
  EXPECT_EQ(toronto.resolve(face("2026-11-01T00:59:59.999999")).count, 1);
  EXPECT_EQ(toronto.resolve(face("2026-11-01T01:00:00")).count, 2);
  EXPECT_EQ(toronto.resolve(face("2026-11-01T01:59:59.999999")).count, 2);
  EXPECT_EQ(toronto.resolve(face("2026-11-01T02:00:00")).count, 1);
}

TEST(ZoneResolve, GivesNothingForTheSkippedHour) {
  EXPECT_EQ(zone("America/Toronto").resolve(face("2026-03-08T01:59:59")).count, 1);
  EXPECT_EQ(zone("America/Toronto").resolve(face("2026-03-08T02:00:00")).count, 0);
  EXPECT_EQ(zone("America/Toronto").resolve(face("2026-03-08T02:30:00")).count, 0);
  EXPECT_EQ(zone("America/Toronto").resolve(face("2026-03-08T03:00:00")).count, 1);
  EXPECT_EQ(zone("Australia/Lord_Howe").resolve(face("2026-10-04T02:15:00")).count, 0);
  EXPECT_EQ(zone("Australia/Lord_Howe").resolve(face("2026-10-04T02:30:00")).count, 1);
}

TEST(ZoneCivil, IsTheInverseOfResolveOnEveryQuarterHourOfAYear) {
  for (const char* name : {"America/Toronto", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"}) {
    const Zone z = zone(name);
    for (UtcInstant t{sys_days{2026y / 1 / 1}}; t < sys_days{2027y / 1 / 1}; t += 15min) {
      const auto back = z.resolve(z.civil(t));
      ASSERT_TRUE(back.count >= 1 && (back.first == t || back.second == t)) << name << " " << to_text(t);
    }
  }
}

TEST(ZoneCivil, KeepsTheFractionBeforeTheEpochToo) {
  const UtcInstant t = *parse_instant("1969-12-31T23:59:59.750Z");
  EXPECT_EQ(Zone::utc().civil(t), face("1969-12-31T23:59:59.75"));
  EXPECT_EQ(Zone::utc().resolve(Zone::utc().civil(t)).first, t);
}

TEST(ZoneLoad, KnowsItsName) {
  EXPECT_EQ(zone("America/Toronto").name(), "America/Toronto");
  EXPECT_EQ(zone("Etc/GMT+5").name(), "Etc/GMT+5");
  EXPECT_EQ(Zone::utc().name(), "UTC");
}

TEST(ZoneLoad, RefusesWhatIsNotAZoneOfTheDatabase) {
  for (const std::string name : {"", "Ontario", "America/Torontoo", "america/toronto", "localtime",
                                 "/etc/localtime", "../../etc/passwd", "America/../UTC",
                                 "EST5EDT,M3.2.0,M11.1.0", "America/Toronto ", "-05:00", "Fixed/UTC"}) {
    const auto loaded = Zone::load(name);
    ASSERT_FALSE(loaded.ok()) << name;
    EXPECT_EQ(loaded.error().fault, Fault::Permanent);
    EXPECT_NE(loaded.error().message.find("unknown time zone \"" + name + "\""), std::string::npos)
        << loaded.error().message;
  }
  EXPECT_FALSE(Zone::load(std::string_view("UTC\0", 4)).ok());
  EXPECT_FALSE(Zone::load(std::string(5000, 'A')).ok());
}

}  // namespace
}  // namespace ami
