// The repeated autumn hour, Toronto 1 November 2026: 01:00 to 02:00 runs twice, first at UTC-4 (05:00Z), then
// UTC-5.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <string>
#include <vector>

#include "meter_model/time/zone.h"

namespace ami {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

// "01:15" is a face of 1 November; "" a time that was not written; anything longer stands as it is.
// Answers "05:15Z", "problem", or with the date where it is another day.
Texts resolved(const Texts& faces, std::chrono::seconds step, const char* zone_name = "America/Toronto",
               const std::string& day = "2026-11-01") {
  std::deque<std::string> keep;
  std::vector<StatedTime> times;
  for (const std::string& face : faces) {
    if (face.empty()) {
      times.emplace_back();
      continue;
    }
    keep.push_back(
        face.size() > 5 && face[4] == '-' ? face : day + "T" + face.substr(0, 5) + ":00" + face.substr(5));
    const auto parsed = parse_stated_time(keep.back());
    EXPECT_TRUE(parsed.ok()) << keep.back();
    times.push_back(*parsed);
  }
  Texts out;
  for (const ResolvedTime& time : resolve_series(times, *Zone::load(zone_name), step)) {
    EXPECT_EQ(time.instant.has_value(), time.problem == nullptr);
    if (!time.instant) {
      out.emplace_back(time.problem);
      continue;
    }
    const std::string text = to_text(*time.instant);
    out.push_back(text.starts_with(day) ? text.substr(11, 5) + "Z" : text);
  }
  EXPECT_EQ(out.size(), faces.size());
  return out;
}

const Texts kTwiceByQuarter = {"00:45", "01:00", "01:15", "01:30", "01:45", "01:00",
                               "01:15", "01:30", "01:45", "02:00", "02:15"};
const Texts kTwiceByQuarterUtc = {"04:45Z", "05:00Z", "05:15Z", "05:30Z", "05:45Z", "06:00Z",
                                  "06:15Z", "06:30Z", "06:45Z", "07:00Z", "07:15Z"};

Texts backwards(Texts texts) {
  std::reverse(texts.begin(), texts.end());
  return texts;
}

TEST(ResolveSeries, RepeatedHourByOrderOfAppearanceQuarterHourly) {
  EXPECT_EQ(resolved(kTwiceByQuarter, 15min), kTwiceByQuarterUtc);
}

TEST(ResolveSeries, RepeatedHourByOrderOfAppearanceHourly) {
  EXPECT_EQ(resolved({"00:00", "01:00", "01:00", "02:00"}, 1h),
            (Texts{"04:00Z", "05:00Z", "06:00Z", "07:00Z"}));
}

TEST(ResolveSeries, RepeatedHalfHourOfLordHowe) {
  EXPECT_EQ(resolved({"01:15", "01:30", "01:45", "01:30", "01:45", "02:00"}, 15min, "Australia/Lord_Howe",
                     "2026-04-05"),
            (Texts{"2026-04-04T14:15:00Z", "2026-04-04T14:30:00Z", "2026-04-04T14:45:00Z",
                   "2026-04-04T15:00:00Z", "2026-04-04T15:15:00Z", "2026-04-04T15:30:00Z"}));
}

TEST(ResolveSeries, WholeAutumnDayHasOneHundredDistinctQuarterHours) {
  const Zone toronto = *Zone::load("America/Toronto");
  std::deque<std::string> keep;
  std::vector<StatedTime> times;
  const UtcInstant start = *parse_instant("2026-11-01T04:00:00Z");
  for (int i = 1; i <= 100; ++i) {
    // The face of an instant: UTC-4 until 06:00Z, UTC-5 from then on.
    const UtcInstant end = start + i * 15min;
    keep.push_back(to_text(end - (end < start + 2h ? 4h : 5h)));
    keep.back().pop_back();
    times.push_back(*parse_stated_time(keep.back()));
  }
  const auto out = resolve_series(times, toronto, 15min);
  for (int i = 1; i <= 100; ++i) {
    const auto& time = out[static_cast<std::size_t>(i - 1)];
    ASSERT_TRUE(time.instant) << i << " " << time.problem;
    EXPECT_EQ(*time.instant, start + i * 15min) << i;
  }
}

TEST(ResolveSeries, DescendingSeriesIsReadBackwards) {
  EXPECT_EQ(resolved(backwards(kTwiceByQuarter), 15min), backwards(kTwiceByQuarterUtc));
  EXPECT_EQ(resolved({"02:00", "01:00", "01:00", "00:00"}, 1h),
            (Texts{"07:00Z", "06:00Z", "05:00Z", "04:00Z"}));
  EXPECT_EQ(resolved(backwards(kTwiceByQuarter), 0s), backwards(kTwiceByQuarterUtc));
}

TEST(ResolveSeries, RepeatedFacesSettleWithoutAKnownStep) {
  EXPECT_EQ(resolved(kTwiceByQuarter, 0s), kTwiceByQuarterUtc);
  EXPECT_EQ(resolved({"01:30", "01:30"}, 0s), (Texts{"05:30Z", "06:30Z"}));
}

TEST(ResolveSeries, SingleAmbiguousFaceStaysAmbiguous) {
  for (const auto step : {0s, 900s, 3600s}) {
    EXPECT_EQ(resolved({"01:30"}, step), (Texts{"ambiguous_local_time"}));
  }
  EXPECT_EQ(resolved({"00:30", "01:30", "02:30"}, 0s), (Texts{"04:30Z", "ambiguous_local_time", "07:30Z"}));
}

TEST(ResolveSeries, SeriesThatEndsInTheRepeatedHourContinuesFromTheFront) {
  EXPECT_EQ(resolved({"00:30", "00:45", "01:00", "01:15"}, 15min),
            (Texts{"04:30Z", "04:45Z", "05:00Z", "05:15Z"}));
}

TEST(ResolveSeries, SeriesThatBeginsInTheRepeatedHourIsReadFromItsEnd) {
  EXPECT_EQ(resolved({"01:30", "01:45", "02:00"}, 15min), (Texts{"06:30Z", "06:45Z", "07:00Z"}));
}

TEST(ResolveSeries, HoursThatASenderLeavesOutAreNotGuessed) {
  // One of the two hours is missing and both ends fit: nobody can say which hour it was.
  EXPECT_EQ(resolved({"00:00", "01:00", "02:00"}, 1h), (Texts{"04:00Z", "ambiguous_local_time", "07:00Z"}));
  const Texts once = resolved({"00:45", "01:00", "01:15", "01:30", "01:45", "02:00"}, 15min);
  EXPECT_EQ(once.front(), "04:45Z");
  EXPECT_EQ(std::count(once.begin(), once.end(), "ambiguous_local_time"), 4);
  EXPECT_EQ(once.back(), "07:00Z");
}

TEST(ResolveSeries, HolesInBothPassesStillSettleTheRest) {
  // First 01:00 and second 01:45 are missing.
  EXPECT_EQ(resolved({"00:45", "01:15", "01:30", "01:45", "01:00", "01:15", "01:30", "02:00"}, 15min),
            (Texts{"04:45Z", "05:15Z", "05:30Z", "05:45Z", "06:00Z", "06:15Z", "06:30Z", "07:00Z"}));
}

TEST(ResolveSeries, FaceThatAppearsThreeTimesIsAmbiguous) {
  EXPECT_EQ(resolved({"01:30", "01:30", "01:30"}, 0s), Texts(3, "ambiguous_local_time"));
}

TEST(ResolveSeries, SkippedSpringHourDoesNotExist) {
  EXPECT_EQ(resolved({"01:45", "02:00", "02:30", "03:00"}, 15min, "America/Toronto", "2026-03-08"),
            (Texts{"06:45Z", "nonexistent_local_time", "nonexistent_local_time", "07:00Z"}));
}

TEST(ResolveSeries, WrittenOffsetSettlesAnything) {
  EXPECT_EQ(resolved({"01:30-05:00"}, 0s), (Texts{"06:30Z"}));
  EXPECT_EQ(resolved({"01:30Z"}, 0s), (Texts{"01:30Z"}));
  EXPECT_EQ(resolved({"02:30-05:00"}, 0s, "America/Toronto", "2026-03-08"), (Texts{"07:30Z"}));
  // … and carries its neighbours with it.
  EXPECT_EQ(resolved({"01:15", "01:30-05:00", "01:45"}, 15min), (Texts{"06:15Z", "06:30Z", "06:45Z"}));
}

TEST(ResolveSeries, UnwrittenTimesFollowTheOneBeforeThem) {
  EXPECT_EQ(resolved({"00:45", "", "", ""}, 15min), (Texts{"04:45Z", "05:00Z", "05:15Z", "05:30Z"}));
  EXPECT_EQ(resolved({"00:45", "", "01:15"}, 15min), (Texts{"04:45Z", "05:00Z", "05:15Z"}));
  EXPECT_EQ(resolved({"01:30", "", "02:00"}, 15min), (Texts{"06:30Z", "06:45Z", "07:00Z"}));
  EXPECT_EQ(resolved({"01:30", "", ""}, 15min), Texts(3, "ambiguous_local_time"));
  EXPECT_EQ(resolved({"", "00:45"}, 15min), (Texts{"no_time", "04:45Z"}));
  EXPECT_EQ(resolved({"00:45", ""}, 0s), (Texts{"04:45Z", "no_time"}));
}

TEST(ResolveSeries, ZonesWithoutClockChangesNeverHesitate) {
  EXPECT_EQ(resolved({"01:00", "01:30"}, 30min, "America/Regina"), (Texts{"07:00Z", "07:30Z"}));
  EXPECT_EQ(resolved({"12:00"}, 0s, "Asia/Kathmandu"), (Texts{"06:15Z"}));
}

TEST(ResolveSeries, NothingGivesNothing) {
  EXPECT_TRUE(resolved({}, 15min).empty());
}

}  // namespace
}  // namespace ami
