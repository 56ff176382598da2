// Failures that other projects had on the two nights of the year, on the way from a file to readings: civil
// times in a feed, and what they do to days, months and sums. (Civil days in the checks:
// tests/meter_model/vee.)
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "adapters/flexnet/peer/cmep_export.h"
#include "adapters/ssn/peer/export_document.h"
#include "meter_model/vee/day_grid.h"
#include "tests/e2e/virtual_day/feed.h"

namespace ami::virtual_day {
namespace {

using Year = std::chrono::year;
using std::chrono::days;
using std::chrono::year_month_day;

struct Row {
  std::string face;  // "202603080230"; empty = not written
  int wh;
};

std::string record(const std::string& units, minutes length, const std::vector<Row>& rows) {
  char interval[16] = "";
  if (length > minutes{0}) {
    std::snprintf(interval, sizeof interval, "0000%02d%02d", static_cast<int>(length.count() / 60),
                  static_cast<int>(length.count() % 60));
  }
  std::string text = "MEPMD01,19970819,HES01,LDC001,MDM01,M1,,M1,OK,E," + units + ",1.0," + interval + "," +
                     std::to_string(rows.size());
  for (const Row& row : rows) text += "," + row.face + ",R," + Decimal{row.wh, -3}.to_string();
  return text + "\r\n";
}

std::string face(year_month_day date, int minute) {
  char text[32];
  const std::chrono::sys_days day = std::chrono::sys_days{date} + days{minute / 1440};
  const year_month_day shown{day};
  std::snprintf(text, sizeof text, "%04d%02u%02u%02d%02d", static_cast<int>(shown.year()),
                static_cast<unsigned>(shown.month()), static_cast<unsigned>(shown.day()), minute % 1440 / 60,
                minute % 60);
  return text;
}

// Wh by the interval's end.
std::multimap<UtcInstant, std::int64_t> ends(const NormalisedBatch& batch) {
  std::multimap<UtcInstant, std::int64_t> out;
  for (const IntervalRun& run : batch.intervals) {
    for (std::size_t i = 0; i < run.mantissas.size(); ++i) {
      if (!run.mantissas[i]) continue;
      out.emplace(run.first_start + run.length * static_cast<std::int64_t>(i + 1),
                  Decimal{*run.mantissas[i], run.exponent}.mantissa_at(0).value());
    }
  }
  return out;
}
std::vector<std::string> reasons(const NormalisedBatch& batch) {
  std::vector<std::string> out;
  for (const Quarantined& item : batch.quarantined) out.push_back(item.reason);
  return out;
}

const UtcInstant kLater = parse_instant("2027-02-01T00:00:00Z").value();

// home-assistant/core #114721: a monthly cycle that fires at 23:00 makes a thirteenth month of one hour.
TEST(DaylightSavingFeed, HomeAssistant114721DialsOfTwelveMonthsStandAtTwelveMidnights) {
  for (const char* zone : {"America/Toronto", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"}) {
    const Feed feed("flexnet", zone);
    std::vector<Row> rows;
    for (unsigned month = 1; month <= 12; ++month)
      rows.push_back({face(Year{2026} / std::chrono::month{month} / 1, 0), 1000 * static_cast<int>(month)});
    rows.push_back({face(Year{2027} / 1 / 1, 0), 13'000});
    const NormalisedBatch batch = feed.read(record("KWHREG", minutes{0}, rows), kLater);
    ASSERT_EQ(batch.registers.size(), 13U) << zone;
    const Zone rules = Zone::load(zone).value();
    for (unsigned month = 1; month <= 12; ++month) {
      const vee::Span span = vee::civil_month(rules, Year{2026} / std::chrono::month{month});
      EXPECT_EQ(batch.registers[month - 1].at, span.from) << zone << ' ' << month;
      EXPECT_EQ(batch.registers[month].at, span.to) << zone << ' ' << month;
      EXPECT_GE(span.to - span.from, days{27} + hours{23}) << zone << ' ' << month;
    }
  }
}

// home-assistant/core #102984: the repeated hour is counted twice.
TEST(DaylightSavingFeed, HomeAssistant102984BothRepeatedHoursArriveOnceEach) {
  const Feed feed("flexnet", "America/Toronto");
  std::vector<Row> rows;  // 01:00 … 24:00 with 01:00 twice, as local ends of hours
  rows.push_back({face(Year{2026} / 11 / 1, 60), 100});
  for (int hour = 1; hour <= 24; ++hour)
    rows.push_back({face(Year{2026} / 11 / 1, 60 * hour), 100 * (hour + 1)});
  const std::string file = record("KWH", hours{1}, rows);
  const auto once = ends(feed.read(file, kLater));
  ASSERT_EQ(once.size(), 25U);
  UtcInstant end = parse_instant("2026-11-01T05:00:00Z").value();
  std::int64_t wh = 100;
  for (const auto& [at, value] : once) {
    EXPECT_EQ(at, end);
    EXPECT_EQ(value, wh);
    end += hours{1};
    wh += 100;
  }
  // The same file again says nothing new: the same 25 slots with the same values.
  EXPECT_EQ(ends(feed.read(file, kLater)), once);
}

// YeomansIII/ha-dominion-energy #14: an export of 48 half-hours also on the short day; the hour that does not
// exist collides with the one after it, and later days are lost.
TEST(DaylightSavingFeed, Dominion14TheHourThatDoesNotExistCostsNoOther) {
  const Feed feed("flexnet", "America/New_York");
  std::string file;
  for (unsigned date = 7; date <= 10; ++date) {
    std::vector<Row> rows;
    for (int i = 1; i <= 48; ++i)
      rows.push_back(
          {face(Year{2026} / 3 / std::chrono::day{date}, 30 * i), 100 * static_cast<int>(date) + i});
    file += record("KWH", minutes{30}, rows);
  }
  const NormalisedBatch batch = feed.read(file, kLater);
  EXPECT_EQ(reasons(batch), std::vector<std::string>{"nonexistent_local_time"});
  const auto said = ends(batch);
  ASSERT_EQ(said.size(), 4U * 48 - 2);
  // No slot has two values, none is left out: 7 March 00:00 to 11 March 00:00 is 95 hours.
  UtcInstant end = parse_instant("2026-03-07T05:30:00Z").value();
  for (const auto& [at, value] : said) {
    EXPECT_EQ(at, end);
    end += minutes{30};
  }
  EXPECT_EQ(end, parse_instant("2026-03-11T04:30:00Z").value());
  // 02:00 and 02:30 stand for nothing; 03:00 is the end of the half-hour after 01:30.
  EXPECT_EQ(said.find(parse_instant("2026-03-08T06:30:00Z").value())->second, 803);
  EXPECT_EQ(said.find(parse_instant("2026-03-08T07:00:00Z").value())->second, 806);
}

// gridstatus #469: two rows for 02:00, none for the repeated 01:00.
TEST(DaylightSavingFeed, GridStatus469TwoRowsForTwoOClockStandAgainstEachOtherAndNothingIsInvented) {
  const Feed feed("flexnet", "America/Chicago");
  const year_month_day date = Year{2026} / 11 / 1;
  const NormalisedBatch batch = feed.read(record("KWH", hours{1},
                                                 {{face(date, 0), 1},
                                                  {face(date, 60), 2},
                                                  {face(date, 120), 3},
                                                  {face(date, 120), 4},
                                                  {face(date, 180), 5},
                                                  {face(date, 240), 6}}),
                                          kLater);
  // Which of the two hours the one row for 01:00 is, nothing tells.
  EXPECT_EQ(reasons(batch), std::vector<std::string>{"ambiguous_local_time"});
  const auto said = ends(batch);
  const auto values_at = [&](const char* text) {
    const auto [first, last] = said.equal_range(parse_instant(text).value());
    std::vector<std::int64_t> out;
    for (auto it = first; it != last; ++it) out.push_back(it->second);
    std::ranges::sort(out);
    return out;
  };
  EXPECT_EQ(values_at("2026-11-01T05:00:00Z"), (std::vector<std::int64_t>{1}));  // 00:00
  EXPECT_EQ(values_at("2026-11-01T06:00:00Z"), (std::vector<std::int64_t>{}));   // 01:00, first time
  EXPECT_EQ(values_at("2026-11-01T07:00:00Z"), (std::vector<std::int64_t>{}));   // 01:00, second time
  EXPECT_EQ(values_at("2026-11-01T08:00:00Z"), (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(values_at("2026-11-01T09:00:00Z"), (std::vector<std::int64_t>{5}));
  EXPECT_EQ(values_at("2026-11-01T10:00:00Z"), (std::vector<std::int64_t>{6}));
}

// eddie-energy/eddie #960: 25 values on the long day.
TEST(DaylightSavingFeed, Eddie960TwentyFiveValuesFillTheLongDayAndTwentyThreeTheShortOne) {
  const Feed feed("flexnet", "Europe/Vienna");
  const Zone vienna = Zone::load("Europe/Vienna").value();
  for (const auto& [date, count] : {std::pair{Year{2026} / 10 / 25, 25}, std::pair{Year{2026} / 3 / 29, 23},
                                    std::pair{Year{2026} / 10 / 24, 24}}) {
    std::vector<Row> rows{{face(date, 60), 1}};  // the rest follows hour by hour
    for (int i = 2; i <= count; ++i) rows.push_back({"", i});
    const auto said = ends(feed.read(record("KWH", hours{1}, rows), kLater));
    ASSERT_EQ(said.size(), static_cast<std::size_t>(count));
    const vee::Span day = vee::civil_day(vienna, date);
    EXPECT_EQ(said.begin()->first, day.from + hours{1});
    EXPECT_EQ(said.rbegin()->first, day.to);
    EXPECT_EQ(said.rbegin()->second, count);
  }
}

// UtilitechAS/amsreader-firmware #349: the night of the change leaves one hour with the use of two.
TEST(DaylightSavingFeed, AmsReader349AnInflatedHourDoesNotPassTheRegisters) {
  Sites sites;
  Script script;
  script.zone = "America/Toronto";
  script.date = Year{2026} / 11 / 1;
  script.program.interval = hours{1};
  script.program.digits = 8;
  script.program.decimals = 3;
  const Course course = run(script, sites);
  virtual_meter::Collected collected = collected_from(course, script);
  const Feed feed("ssn", "UTC");
  const auto judged = [&] {
    const std::string file =
        ssn::peer::export_document({&collected, 1}, {.zone = course.zone, .created = course.collected_at})
            .value();
    return judge_days(heard_from(feed.read(file, course.collected_at), course, script, {1, 2, 3, 4}),
                      script.date);
  };
  EXPECT_TRUE(checks_of(judged()).empty()) << to_text(judged());
  // The two hours from 01:00 as one.
  const UtcInstant first = parse_instant("2026-11-01T06:00:00Z").value();
  const auto early = std::ranges::find(collected.intervals, first, &virtual_meter::Interval::end);
  ASSERT_NE(early, collected.intervals.end());
  (early + 1)->delivered_pulses += early->delivered_pulses;
  collected.intervals.erase(early);
  const auto found = judged();
  EXPECT_EQ(codes_of(found), (std::set<std::string>{"V07 2.5.259", "V14 2.6.0"})) << to_text(found);
  for (const vee::Finding& finding : found.at(1).findings) {
    const vee::SlotRange hour{finding.check == vee::Check::IntervalSum ? 2U : 1U, 1};
    EXPECT_EQ(finding.slots, hour) << to_text(found);
  }
}

}  // namespace
}  // namespace ami::virtual_day
