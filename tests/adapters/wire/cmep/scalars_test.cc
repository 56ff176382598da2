#include "adapters/wire/cmep/codec/scalars.h"

#include <gtest/gtest.h>

namespace ami::cmep {
namespace {

using namespace std::chrono;

TEST(CmepTime, IsTheClockFaceToTheMinute) {
  EXPECT_EQ(parse_time("202601150515"), CivilTime{local_days{2026y / 1 / 15} + 5h + 15min});
  EXPECT_EQ(parse_time("000101010000"), CivilTime{local_days{year{1} / 1 / 1}});
  EXPECT_EQ(parse_time("999912312359"), CivilTime{local_days{9999y / 12 / 31} + 23h + 59min});
}

TEST(CmepTime, Hour24IsTheMidnightThatEndsTheDay) {
  EXPECT_EQ(parse_time("202602282400"), CivilTime{local_days{2026y / 3 / 1}});
  EXPECT_EQ(parse_time("202412312400"), CivilTime{local_days{2025y / 1 / 1}});
  EXPECT_FALSE(parse_time("202602282401"));
  EXPECT_FALSE(parse_time("999912312400"));  // year 10000
}

TEST(CmepTime, DaysAreCheckedAgainstTheCalendar) {
  EXPECT_TRUE(parse_time("202402290000"));
  for (const char* text : {"202602290000", "202602300000", "202613010000", "202600010000", "202601000000",
                           "202601320000", "000000000000", "000001010000", "202601012500", "202601012460"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(CmepTime, OtherFormsAreRefused) {
  for (const char* text : {"", "20260115", "2026011505150", "20260115051500", "2026-01-15T0", "20260115051x",
                           "+02601150515", "H26011505150"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(CmepInterval, AddsDaysHoursAndMinutes) {
  EXPECT_EQ(parse_interval("00000015"), 900s);
  EXPECT_EQ(parse_interval("00000100"), 3600s);
  EXPECT_EQ(parse_interval("00010000"), 86400s);
  EXPECT_EQ(parse_interval("00010230"), 95400s);  // 26 h 30 min
  EXPECT_EQ(parse_interval("00000060"), 3600s);   // unusual, and unambiguous
}

TEST(CmepInterval, EmptyAndZeroAreNotStated) {
  EXPECT_EQ(parse_interval(""), 0s);
  EXPECT_EQ(parse_interval("00000000"), 0s);
}

TEST(CmepInterval, MonthsAndOtherFormsAreRefused) {
  for (const char* text : {"01000000", "10000015", "15", "0000015", "000000015", "0000001x", "-0000015"}) {
    EXPECT_FALSE(parse_interval(text)) << text;
  }
}

TEST(CmepNumber, DecimalTextIsPassedOnAsWritten) {
  TextArena arena;
  for (const char* text : {"0", "007", "-1", "+3", "0.250", "1.", ".5", "-.5", "1.2E3", "1.2D3", "1e-3",
                           "1d+3", "1234567890123456"}) {
    EXPECT_EQ(read_number(text, 16, arena), text);
  }
}

TEST(CmepNumber, HexBecomesDecimal) {
  TextArena arena;
  EXPECT_EQ(read_number("H8B", 16, arena), "139");
  EXPECT_EQ(read_number("H0", 16, arena), "0");
  EXPECT_EQ(read_number("Hff", 16, arena), "255");
  EXPECT_EQ(read_number("HFFFFFFFFFFFFFFF", 16, arena), "1152921504606846975");  // 2^60 - 1
  EXPECT_EQ(read_number("H7FFFFFFFFFFFFFFF", 17, arena), "9223372036854775807");
  EXPECT_FALSE(read_number("H8000000000000000", 17, arena));  // beyond what a decimal holds
}

TEST(CmepNumber, OtherTextIsRefused) {
  TextArena arena;
  for (const char* text :
       {"",    "-", "+",   ".",   "-.",  "1.2.3", "1E", "1E+",  "E5",  "1E2.5", "--1", "1 2",
        "abc", "H", "H-1", "H+1", "-H1", "HG",    "h1", "0x1F", "nan", "inf",   "1,5", "12345678901234567"}) {
    EXPECT_FALSE(read_number(text, 16, arena)) << text;
  }
}

TEST(CmepNumber, TheLengthLimitIsTheCallers) {
  TextArena arena;
  EXPECT_EQ(read_number("12345678901234567", 17, arena), "12345678901234567");
  EXPECT_FALSE(read_number("123", 2, arena));
}

TEST(CmepCount, IsWholeAndBounded) {
  EXPECT_EQ(parse_count(""), 0U);
  EXPECT_EQ(parse_count("48"), 48U);
  EXPECT_EQ(parse_count("H30"), 48U);
  EXPECT_EQ(parse_count("9999999999999999"), 9999999999999999U);
  for (const char* text : {"10000000000000000", "-1", "+1", "1.0", "H", "x", "1 "}) {
    EXPECT_FALSE(parse_count(text)) << text;
  }
}

TEST(CmepCrc, IsHAndFourHexDigits) {
  EXPECT_EQ(parse_crc("H1A2b"), 0x1a2b);
  for (const char* text : {"", "H123", "H12345", "11234", "H12G4", "H-123", "h1234"}) {
    EXPECT_FALSE(parse_crc(text)) << text;
  }
}

}  // namespace
}  // namespace ami::cmep
