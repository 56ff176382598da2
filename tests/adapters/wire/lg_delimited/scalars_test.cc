#include "adapters/wire/lg_delimited/codec/scalars.h"

#include <gtest/gtest.h>

#include <random>

namespace ami::lg_delimited {
namespace {

using namespace std::chrono;

CivilTime face(int y, unsigned m, unsigned d, int h, int min, int s) {
  return local_days{year{y} / month{m} / day{d}} + hours{h} + minutes{min} + seconds{s};
}

TEST(LgDelimitedTime, TwelveIsMidnightInTheMorningAndNoonInTheAfternoon) {
  EXPECT_EQ(parse_time("01152026120000AM"), face(2026, 1, 15, 0, 0, 0));
  EXPECT_EQ(parse_time("01152026120000PM"), face(2026, 1, 15, 12, 0, 0));
  EXPECT_EQ(parse_time("01152026115959PM"), face(2026, 1, 15, 23, 59, 59));
  EXPECT_EQ(parse_time("01152026010203am"), face(2026, 1, 15, 1, 2, 3));
  EXPECT_EQ(parse_time("02292024120000AM"), face(2024, 2, 29, 0, 0, 0));
}

TEST(LgDelimitedTime, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "01152026120000", "01152026120000XM", "01152026120000AX", "01152026000000AM", "01152026130000PM",
        "01152026126000AM", "01152026120060AM", "02292026120000AM", "00152026120000AM", "01002026120000AM",
        "01150000120000AM", "0115202612000AM", "011520261200000AM", " 1152026120000AM", "01152026 20000AM"})
    EXPECT_FALSE(parse_time(text).has_value()) << text;
}

TEST(LgDelimitedTime, TextOfATimeReadsBackAsIt) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    const CivilTime time =
        face(1, 1, 1, 0, 0, 0) + seconds{static_cast<std::int64_t>(random() % 315537811200U)};
    const auto text = time_text(time);
    ASSERT_TRUE(text.has_value());
    ASSERT_EQ(parse_time(*text), time) << *text;
  }
  EXPECT_EQ(time_text(face(2026, 7, 4, 0, 5, 9)), "07042026120509AM");
  EXPECT_EQ(time_text(face(2026, 7, 4, 13, 5, 9)), "07042026010509PM");
  EXPECT_FALSE(time_text(face(2026, 7, 4, 0, 0, 0) + milliseconds{1}).has_value());
  EXPECT_FALSE(time_text(face(10000, 1, 1, 0, 0, 0)).has_value());
}

TEST(LgDelimitedTime, ClocksThatWereNeverSetAreTold) {
  EXPECT_TRUE(is_unset(face(1970, 1, 1, 0, 0, 0)));
  EXPECT_TRUE(is_unset(face(1, 1, 1, 0, 0, 0)));
  EXPECT_FALSE(is_unset(face(1970, 1, 1, 0, 0, 1)));
}

TEST(LgDelimitedInterval, IsDaysHoursMinutes) {
  EXPECT_EQ(parse_interval("000015"), minutes{15});
  EXPECT_EQ(parse_interval("000100"), hours{1});
  EXPECT_EQ(parse_interval("010000"), days{1});
  for (const char* text : {"", "15", "00000015", "00001x", "000000", "-00015"})
    EXPECT_FALSE(parse_interval(text).has_value()) << text;
}

TEST(LgDelimitedNumber, IsPlainDecimal) {
  for (const char* text : {"0", "7", "+7.5", "-0.250", "34315.482"}) EXPECT_TRUE(is_number(text)) << text;
  for (const char* text : {"", "+", ".5", "5.", "1,5", "1e3", "0x10", "1.2.3", " 1", "--1", "NaN"})
    EXPECT_FALSE(is_number(text)) << text;
}

TEST(LgDelimitedFields, AreTrimmedAndAsManyAsTildesPlusOne) {
  std::vector<std::string_view> fields;
  split_fields(" a ~~b c\t~", fields);
  EXPECT_EQ(fields, (std::vector<std::string_view>{"a", "", "b c", ""}));
  split_fields("", fields);
  EXPECT_EQ(fields, (std::vector<std::string_view>{""}));
}

}  // namespace
}  // namespace ami::lg_delimited
