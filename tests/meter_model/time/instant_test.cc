#include "meter_model/time/instant.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace ami {
namespace {

using namespace std::chrono_literals;

std::string round_trip(std::string_view text) {
  const auto instant = parse_instant(text);
  return instant.ok() ? to_text(*instant) : instant.error().message;
}

TEST(InstantText, HasAFractionOnlyWhereThereIsOne) {
  EXPECT_EQ(to_text(UtcInstant{}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_text(UtcInstant{1768453200s + 900s}), "2026-01-15T05:15:00Z");  // date -u -d @1768454100
  EXPECT_EQ(to_text(UtcInstant{1365436808241ms}), "2013-04-08T16:00:08.241Z");
  EXPECT_EQ(to_text(UtcInstant{1us}), "1970-01-01T00:00:00.000001Z");
  EXPECT_EQ(to_text(UtcInstant{-1us}), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(to_text(UtcInstant{-62135596800s}), "0001-01-01T00:00:00Z");
}

TEST(InstantParse, AppliesTheWrittenOffset) {
  EXPECT_EQ(round_trip("2026-01-15T05:15:00Z"), "2026-01-15T05:15:00Z");
  EXPECT_EQ(round_trip("2026-01-15T00:15:00-05:00"), "2026-01-15T05:15:00Z");
  EXPECT_EQ(round_trip("2026-01-15T11:00:00+05:45"), "2026-01-15T05:15:00Z");
  EXPECT_EQ(round_trip("2026-01-15T05:15:00-00:00"), "2026-01-15T05:15:00Z");
  EXPECT_EQ(round_trip("2026-01-01T00:00:00+14:00"), "2025-12-31T10:00:00Z");
  EXPECT_EQ(round_trip("2026-01-15t05:15:00z"), "2026-01-15T05:15:00Z");
}

TEST(InstantParse, CutsFractionsAtAMicrosecond) {
  EXPECT_EQ(round_trip("2026-01-15T05:15:00.5Z"), "2026-01-15T05:15:00.500Z");
  EXPECT_EQ(round_trip("2026-01-15T05:15:00.000Z"), "2026-01-15T05:15:00Z");
  EXPECT_EQ(round_trip("2026-01-15T05:15:00.1234567Z"), "2026-01-15T05:15:00.123456Z");
  EXPECT_EQ(round_trip("2026-01-15T05:15:59.999999999999999999999999Z"), "2026-01-15T05:15:59.999999Z");
}

TEST(InstantParse, TakesTwentyFourHoursAsTheNextMidnight) {
  EXPECT_EQ(round_trip("2026-02-28T24:00:00Z"), "2026-03-01T00:00:00Z");
  EXPECT_EQ(round_trip("2024-02-28T24:00:00Z"), "2024-02-29T00:00:00Z");
  EXPECT_EQ(round_trip("2026-12-31T24:00:00-05:00"), "2027-01-01T05:00:00Z");
  for (const char* text : {"2026-02-28T24:00:01Z", "2026-02-28T24:15:00Z", "2026-02-28T24:00:00.000001Z",
                           "9999-12-31T24:00:00Z"}) {
    EXPECT_FALSE(parse_instant(text).ok()) << text;
  }
}

TEST(InstantParse, KnowsLeapYears) {
  EXPECT_TRUE(parse_instant("2024-02-29T00:00:00Z").ok());
  EXPECT_TRUE(parse_instant("2000-02-29T00:00:00Z").ok());
  for (const char* text : {"2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2100-02-29T00:00:00Z"}) {
    const auto instant = parse_instant(text);
    ASSERT_FALSE(instant.ok()) << text;
    EXPECT_NE(instant.error().message.find("no such date"), std::string::npos) << instant.error().message;
  }
}

TEST(InstantParse, RefusesTimesThatDoNotExist) {
  for (const char* text :
       {"2026-00-10T00:00:00Z", "2026-13-10T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
        "2026-04-31T00:00:00Z", "0000-01-01T00:00:00Z", "2026-01-15T25:00:00Z", "2026-01-15T05:60:00Z",
        "2026-01-15T05:00:60Z", "2026-01-15T05:00:61Z", "2026-01-15T05:00:00+14:01",
        "2026-01-15T05:00:00-15:00", "2026-01-15T05:00:00+05:60"}) {
    const auto instant = parse_instant(text);
    ASSERT_FALSE(instant.ok()) << text;
    EXPECT_EQ(instant.error().fault, Fault::Permanent);
    EXPECT_EQ(instant.error().message.find("not a date-time"), std::string::npos) << instant.error().message;
  }
}

TEST(InstantParse, RefusesOtherSpellings) {
  for (const std::string text : {"",
                                 " ",
                                 "2026",
                                 "2026-01-15",
                                 "20260115T051500Z",
                                 "2026-1-15T05:15:00Z",
                                 "2026-01-15 05:15:00Z",
                                 "2026-01-15T05:15Z",
                                 "2026-01-15T5:15:00Z",
                                 "2026-01-15T05:15:00.Z",
                                 "2026-01-15T05:15:00,5Z",
                                 "2026-01-15T05:15:00ZZ",
                                 "2026-01-15T05:15:00 Z",
                                 "2026-01-15T05:15:00+0500",
                                 "2026-01-15T05:15:00+05",
                                 "2026-01-15T05:15:00EST",
                                 "-2026-01-15T05:15:00Z",
                                 "+2026-01-15T05:15:00Z",
                                 "12026-01-15T05:15:00Z",
                                 "2026-01-15T05:15:00Z ",
                                 " 2026-01-15T05:15:00Z",
                                 "15/01/2026 05:15",
                                 "2026-01-15T-5:15:00Z"}) {
    const auto instant = parse_instant(text);
    ASSERT_FALSE(instant.ok()) << text;
    EXPECT_NE(instant.error().message.find("not a date-time"), std::string::npos) << instant.error().message;
  }
  EXPECT_FALSE(parse_instant(std::string_view("2026-01-15T05:15:00Z\0", 21)).ok());
}

TEST(InstantParse, RefusesABareTimeBecauseItNeedsAZone) {
  const auto instant = parse_instant("2026-01-15T05:15:00");
  ASSERT_FALSE(instant.ok());
  EXPECT_NE(instant.error().message.find("neither Z nor an offset"), std::string::npos)
      << instant.error().message;
}

TEST(InstantParse, EveryTruncationOfATimeIsRefused) {
  const std::string whole = "2026-01-15T05:15:00.241-05:00";
  ASSERT_TRUE(parse_instant(whole).ok());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(parse_instant(whole.substr(0, length)).ok()) << whole.substr(0, length);
  }
}

TEST(InstantProperty, PrintingAndParsingGivesTheInstantBack) {
  std::mt19937_64 random(20261101);
  constexpr std::int64_t kFirst = -62135596800;  // 0001-01-01
  constexpr std::int64_t kSpan = 315537897600;   // to 9999-12-31T23:59:59
  for (int i = 0; i < 5000; ++i) {
    const auto whole = std::chrono::seconds{kFirst + static_cast<std::int64_t>(random() % kSpan)};
    const auto fraction = std::chrono::microseconds{i % 3 == 0 ? 0 : random() % 1'000'000};
    const UtcInstant instant{whole + fraction};
    const auto back = parse_instant(to_text(instant));
    ASSERT_TRUE(back.ok()) << to_text(instant);
    EXPECT_EQ(*back, instant) << to_text(instant);
  }
}

TEST(StatedTimeParse, KeepsFaceAndOffsetApart) {
  const std::string text = "2026-07-01T00:15:00-04:00";
  const auto stated = parse_stated_time(text);
  ASSERT_TRUE(stated.ok());
  EXPECT_EQ(stated->civil, CivilTime{std::chrono::local_days{std::chrono::year{2026} / 7 / 1} + 15min});
  EXPECT_EQ(stated->utc_offset, -4h);
  EXPECT_EQ(stated->text.data(), text.data());
  EXPECT_TRUE(stated->present());
  const auto bare = parse_stated_time("2026-07-01T00:15:00");
  ASSERT_TRUE(bare.ok());
  EXPECT_FALSE(bare->utc_offset);
  EXPECT_FALSE(StatedTime{}.present());
}

}  // namespace
}  // namespace ami
