#include <gtest/gtest.h>

#include "tests/adapters/wire/lg_delimited/render.h"

namespace ami::lg_delimited {
namespace {

constexpr const char* kHeader = "ID~Meter~DateTime~kWh~KWhRecv\n";
constexpr const char* kGood = "EMED01~good~01152026120000AM~1~2\n";

struct Case {
  const char* name;
  std::string line;
  const char* reason;
  const char* detail;  // a part of it
};

class LgDelimitedBadRecord : public testing::TestWithParam<Case> {};

TEST_P(LgDelimitedBadRecord, CostsItselfAndNotItsNeighbours) {
  const auto fed = feed(std::string(kHeader) + kGood + GetParam().line + "\n" + kGood);
  EXPECT_EQ(fed.error, "");
  ASSERT_EQ(fed.batch.malformed.size(), 1U);
  EXPECT_STREQ(fed.batch.malformed[0].reason, GetParam().reason);
  EXPECT_NE(fed.batch.malformed[0].detail.find(GetParam().detail), std::string::npos)
      << fed.batch.malformed[0].detail;
  EXPECT_EQ(fed.batch.malformed[0].offset, 63U);  // header of 30 bytes, a good record of 33
  std::size_t good = 0;
  for (const auto& one : fed.batch.observations) good += std::get<SeriesObservation>(one).meter == "good";
  EXPECT_EQ(good, 4U);
}

INSTANTIATE_TEST_SUITE_P(
    Records, LgDelimitedBadRecord,
    testing::Values(
        Case{"Type", "EMED02~M~01152026120000AM~1~2", "unknown_record_type", "EMED02"},
        Case{"NoMeter", "EMED01~ ~01152026120000AM~1~2", "missing_meter", "Meter"},
        Case{"TooFewFields", "EMED01~M~01152026120000AM~1", "field_count_mismatch", "4 fields, its header 5"},
        Case{"TooManyFields", "EMED01~M~01152026120000AM~1~2~3", "field_count_mismatch", "6 fields"},
        Case{"NoTime", "EMED01~M~~1~2", "missing_time", "DateTime"},
        Case{"ClockNeverSet", "EMED01~M~01011970120000AM~1~2", "missing_time", "never set"},
        Case{"TwentyFourHours", "EMED01~M~01152026000000AM~1~2", "bad_time", "01152026000000AM"},
        Case{"DayFirst", "EMED01~M~15012026120000AM~1~2", "bad_time", "MMDDYYYYhhmmss"},
        Case{"IsoTime", "EMED01~M~2026-01-15T00:00:00~1~2", "bad_time", "2026-01-15"},
        Case{"Comma", "EMED01~M~01152026120000AM~1,5~2", "bad_number", "kWh \"1,5\""},
        Case{"Exponent", "EMED01~M~01152026120000AM~1e3~2", "bad_number", "1e3"},
        Case{"LonePoint", "EMED01~M~01152026120000AM~1.~2", "bad_number", "1."},
        Case{"BothBad", "EMED01~M~01152026120000AM~x~y", "bad_number", "kWh \"x\", KWhRecv \"y\""},
        Case{"LongNumber", "EMED01~M~01152026120000AM~" + std::string(33, '1') + "~2", "bad_number", "kWh"},
        Case{"ControlCharacter", "EMED01~M\x01~01152026120000AM~1~2", "not_ascii", "ASCII"},
        Case{"BeyondAscii", "EMED01~M\xC3\xA9~01152026120000AM~1~2", "not_ascii", "ASCII"},
        Case{"IntervalsOff", "MEPMD01~1~~~~M~OK~E~KWH~1~000015~1~01152026120000AM~1~",
             "record_type_not_enabled", "enables"}),
    [](const auto& one) { return one.param.name; });

TEST(LgDelimitedBadRecord, ABadPeakTimeCostsThePeakOnly) {
  const auto fed =
      feed("ID~Meter~DateTime~kWh~Peak~PeakDateTime\nEMED01~M~01152026120000AM~1~2.5~01152026250000PM\n");
  ASSERT_EQ(fed.batch.observations.size(), 1U);
  EXPECT_EQ(std::get<SeriesObservation>(fed.batch.observations[0]).channel, "kWh");
  ASSERT_EQ(fed.batch.malformed.size(), 1U);
  EXPECT_STREQ(fed.batch.malformed[0].reason, "bad_time");
}

struct Broken {
  const char* name;
  std::string text;
  const char* reason;
  const char* message;
};

class LgDelimitedBrokenFile : public testing::TestWithParam<Broken> {};

TEST_P(LgDelimitedBrokenFile, EndsWithAClearError) {
  for (const std::size_t piece : {0U, 1U, 7U}) {
    const auto fed = feed(GetParam().text, {}, piece);
    EXPECT_EQ(fed.reason, GetParam().reason);
    EXPECT_TRUE(fed.error.starts_with(std::string(GetParam().reason) + ": ")) << fed.error;
    EXPECT_NE(fed.error.find(GetParam().message), std::string::npos) << fed.error;
    ASSERT_FALSE(fed.batch.malformed.empty());
    EXPECT_STREQ(fed.batch.malformed.back().reason, GetParam().reason);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, LgDelimitedBrokenFile,
    testing::Values(Broken{"NoHeader", kGood, "missing_header", "the first line must name the columns"},
                    Broken{"NoTimeColumn", "ID~Meter~Datetime~kWh\n", "missing_column",
                           "no column DateTime; nearest is \"Datetime\""},
                    Broken{"NoMeterColumn", "ID~MeterNo~DateTime~kWh\n", "missing_column",
                           "no column Meter; nearest is \"MeterNo\""},
                    Broken{"NoValueColumn", "ID~Meter~DateTime~KWH\n", "missing_column",
                           "no column of values"},
                    Broken{"ColumnTwice", "ID~Meter~kWh~DateTime~kWh\n", "duplicate_column", "\"kWh\" twice"},
                    Broken{"IdTwice", "ID~ID~Meter~kWh~DateTime\n", "duplicate_column", "\"ID\" twice"},
                    Broken{"LaterHeaderBad", std::string(kHeader) + kGood + "ID~Meter~kWh\n",
                           "missing_column", "byte 63"},
                    Broken{"CutShort", std::string(kHeader) + "EMED01~M~01152026120000AM~1~2",
                           "line_end_missing", "cut short"},
                    Broken{"TooManyColumns", "ID~Meter~DateTime~kWh" + std::string(300, '~') + "\n",
                           "missing_header", "at most 256"}),
    [](const auto& one) { return one.param.name; });

TEST(LgDelimitedBrokenFile, WhatCameBeforeStaysAndNothingFollows) {
  DecodedBatch out;
  Decoder decoder({});
  EXPECT_FALSE(decoder.feed(std::string(kHeader) + kGood + "ID~Meter~kWh\n" + kGood, false, out).ok());
  EXPECT_EQ(out.observations.size(), 2U);
  EXPECT_EQ(decoder.safe_offset(), 63U);
  EXPECT_FALSE(decoder.feed(kGood, true, out).ok());
  EXPECT_EQ(out.observations.size(), 2U);
}

TEST(LgDelimitedBrokenFile, AMissingLineEndIsAllowedWhereTheSiteSaysSo) {
  Options options;
  options.line_end_required = false;
  const auto fed = feed(std::string(kHeader) + "EMED01~M~01152026120000AM~1~2", options);
  EXPECT_EQ(fed.error, "");
  EXPECT_EQ(fed.batch.observations.size(), 2U);
}

TEST(LgDelimitedBrokenFile, AnEmptyFileAndAHeaderAloneSayNothing) {
  for (const char* text : {"", "\n \r\n\t\n", kHeader}) {
    const auto fed = feed(text);
    EXPECT_EQ(fed.error, "");
    EXPECT_TRUE(fed.batch.observations.empty());
    EXPECT_TRUE(fed.batch.malformed.empty());
  }
}

TEST(LgDelimitedIntervalsBad, CountAndPairsMustAgreeWithinTheLimit) {
  Options options;
  options.intervals = Intervals{.max_count = 2};
  const auto reason_of = [&](const std::string& tail) {
    const auto fed = feed("MEPMD01~1~P~~~M~OK~E~KWH~1~" + tail + "\n", options);
    EXPECT_TRUE(fed.batch.observations.empty()) << tail;
    return fed.batch.malformed.empty() ? std::string("none") : std::string(fed.batch.malformed[0].reason);
  };
  EXPECT_EQ(reason_of("000015~2~01152026120000AM~1~R~2"), "field_count_mismatch");
  EXPECT_EQ(reason_of("000015~1~01152026120000AM~1~R~2~R"), "field_count_mismatch");
  EXPECT_EQ(reason_of("000015~3~01152026120000AM~1~~2~~3~"), "count_out_of_range");
  EXPECT_EQ(reason_of("000015~0~01152026120000AM"), "count_out_of_range");
  EXPECT_EQ(reason_of("000015~-1~01152026120000AM~1~"), "bad_number");
  EXPECT_EQ(reason_of("000015~9999999999~01152026120000AM~1~"), "bad_number");
  EXPECT_EQ(reason_of("000000~1~01152026120000AM~1~"), "unsupported_interval");
  EXPECT_EQ(reason_of("00000015~1~01152026120000AM~1~"), "unsupported_interval");
  EXPECT_EQ(reason_of("000015~1~~1~"), "missing_time");
  EXPECT_EQ(reason_of("000015~1~01011970120000AM~1~"), "missing_time");
  EXPECT_EQ(reason_of("000015~1~20260115~1~"), "bad_time");
  EXPECT_EQ(reason_of("000015"), "bad_number");
  EXPECT_EQ(reason_of(""), "unsupported_interval");
}

}  // namespace
}  // namespace ami::lg_delimited
