#include "adapters/wire/delimited/codec/fields.h"

#include <gtest/gtest.h>

#include <random>

namespace ami::delimited {
namespace {

std::string split(std::string_view line, char delimiter = ',') {
  Fields fields;
  if (!fields.split(line, delimiter)) return "bad";
  std::string out;
  for (std::size_t i = 0; i < fields.count(); ++i) out += "[" + fields[i] + "]";
  return out;
}

TEST(DelimitedFields, ArePartedCutAndUnquoted) {
  EXPECT_EQ(split(""), "[]");
  EXPECT_EQ(split("a"), "[a]");
  EXPECT_EQ(split("a,,b,"), "[a][][b][]");
  EXPECT_EQ(split(" a b ,\tc"), "[a b][c]");
  EXPECT_EQ(split("\"a,b\",\" c \""), "[a,b][ c ]");
  EXPECT_EQ(split("\"say \"\"so\"\"\",x"), "[say \"so\"][x]");
  EXPECT_EQ(split("\"\",\"\"\"\""), "[][\"]");
  EXPECT_EQ(split("5/8\" D,x"), "[5/8\" D][x]");  // a quote inside a plain field is a character
  EXPECT_EQ(split("\"a\" ,b"), "[a][b]");
  EXPECT_EQ(split("a\t\tb", '\t'), "[a][][b]");
  EXPECT_EQ(split("\"a\"\tb", '\t'), "[a][b]");
}

TEST(DelimitedFields, AQuoteThatDoesNotCloseOrIsFollowedByTextIsBad) {
  for (const char* line : {"\"a", "\"", "a,\"b", "\"a\"b", "\"a\" b,c", "\"\"\""})
    EXPECT_EQ(split(line), "bad") << line;
}

TEST(DelimitedFields, WhatIsWrittenIsReadAgain) {
  std::mt19937_64 random(20260115);
  static constexpr std::string_view kBytes = "ab,;\t|~\"\" 0.-";
  for (int round = 0; round < 5'000; ++round) {
    const char delimiter = ",;\t|~"[random() % 5];
    std::vector<std::string> fields(1 + random() % 5);
    std::string line;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      for (auto n = random() % 6; n > 0; --n) fields[i] += kBytes[random() % kBytes.size()];
      if (i > 0) line += delimiter;
      put_field(fields[i], delimiter, line);
    }
    Fields again;
    ASSERT_TRUE(again.split(line, delimiter)) << line;
    ASSERT_EQ(again.count(), fields.size()) << line;
    for (std::size_t i = 0; i < fields.size(); ++i) ASSERT_EQ(again[i], fields[i]) << line;
  }
}

TEST(DelimitedNumber, HasSignDigitsAndPoint) {
  for (const char* good : {"0", "-1", "+1.50", "023497.071", ".01", "9223372036854775807"})
    EXPECT_TRUE(parse_number(good, 32)) << good;
  for (const char* bad :
       {"", "-", ".", "1.", "1e3", "1,5", "0x1", " 1", "--1", "9223372036854775808", "nan", "1 000"})
    EXPECT_FALSE(parse_number(bad, 32)) << bad;
  EXPECT_FALSE(parse_number("12345", 4));
  EXPECT_EQ(*parse_number("-.5", 32), (Decimal{-5, -1}));
}

std::string time(std::string_view text, TimeForm form) {
  const auto parsed = parse_time(text, form);
  if (!parsed) return "bad";
  return time_text(parsed->civil) +
         (parsed->utc_offset ? "/" + std::to_string(parsed->utc_offset->count()) : "");
}

TEST(DelimitedTime, YearFirst) {
  const auto at = [](std::string_view text) { return time(text, TimeForm::YearFirst); };
  EXPECT_EQ(at("2026-01-15 17:00:00.000"), "2026-01-15 17:00:00.000");
  EXPECT_EQ(at("2026-01-15T17:00:30"), "2026-01-15 17:00:30.000");
  EXPECT_EQ(at("2026-01-15 17:00"), "2026-01-15 17:00:00.000");
  EXPECT_EQ(at("2026-01-15 17:00Z"), "2026-01-15 17:00:00.000/0");
  EXPECT_EQ(at("2026-01-15T17:00:00.25-05:00"), "2026-01-15 17:00:00.250/-18000");
  for (const char* bad :
       {"", "2026-01-15", "2026-02-30 17:00", "2026-01-15 25:00", "2026-01-15 17:60", "15/01/2026 17:00",
        "2026-1-15 17:00:00", "2026-01-15x17:00", "2026-01-15 17:00:00 x", "0000-01-15 17:00"})
    EXPECT_EQ(at(bad), "bad") << bad;
}

TEST(DelimitedTime, MonthFirst) {
  const auto at = [](std::string_view text) { return time(text, TimeForm::MonthFirst); };
  EXPECT_EQ(at("1/5/2026 0:07"), "2026-01-05 00:07:00.000");
  EXPECT_EQ(at("01/05/2026 23:59:58.5"), "2026-01-05 23:59:58.500");
  EXPECT_EQ(at("1/5/2026 12:00 AM"), "2026-01-05 00:00:00.000");
  EXPECT_EQ(at("1/5/2026 12:00:01pm"), "2026-01-05 12:00:01.000");
  EXPECT_EQ(at("1/5/2026  1:00 pm"), "2026-01-05 13:00:00.000");
  for (const char* bad :
       {"", "1/5/26 1:00", "13/5/2026 1:00", "2/30/2026 1:00", "1/5/2026", "1/5/2026 24:00",
        "1/5/2026 13:00 PM", "1/5/2026 0:00 AM", "1/5/2026 1:60", "1/5/2026 1:00 XM",
        "1/5/2026 1:00:", "1/5/2026 1:00:00.", "1/5/2026 1:00:00.1234567", "2026-01-05 01:00"})
    EXPECT_EQ(at(bad), "bad") << bad;
}

TEST(DelimitedTime, FirstInstantsOfYearOneAnd1970AreClocksThatWereNeverSet) {
  for (const char* text : {"1970-01-01 00:00:00.000", "0001-01-01 00:00"})
    EXPECT_TRUE(is_unset(*parse_time(text, TimeForm::YearFirst))) << text;
  EXPECT_FALSE(is_unset(*parse_time("1970-01-01 00:00:01", TimeForm::YearFirst)));
}

}  // namespace
}  // namespace ami::delimited
