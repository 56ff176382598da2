#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/wire/cmep/codec/cmep.h"
#include "tests/adapters/wire/cmep/feed.h"
#include "tests/adapters/wire/cmep/render.h"

namespace ami::cmep {
namespace {

using testing::HasSubstr;

const std::string kHead = "MEPMD01,19970819,S,SC,R,RC,202603011200,";
const std::string kGood = kHead + "GOOD,OK,E,KWH,1,00000015,2,202603010015,R,1,,R,2\r\n";

std::string interval_record(const std::string& readings) {
  return kHead + "M1,OK,E,KWH,1,00000015," + readings + "\r\n";
}

const SeriesObservation& series(const DecodedBatch& batch, std::size_t index) {
  return std::get<SeriesObservation>(batch.observations.at(index));
}

std::vector<std::string_view> values_of(const SeriesObservation& observation) {
  std::vector<std::string_view> values;
  for (const auto& value : observation.values) values.push_back(value.value);
  return values;
}

struct BadRecord {
  const char* name;
  std::string record;  // without line end
  const char* reason;
  const char* detail;  // part of it
  const char* meter;
};

void PrintTo(const BadRecord& bad, std::ostream* out) {
  *out << bad.name;
}

class CmepBadRecord : public testing::TestWithParam<BadRecord> {};

TEST_P(CmepBadRecord, IsReportedOnceAndCostsNoNeighbour) {
  const BadRecord& bad = GetParam();
  const auto batch = feed(kGood + bad.record + "\r\n" + kGood);
  ASSERT_EQ(batch.observations.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(series(batch, i).meter, "GOOD");
    EXPECT_EQ(values_of(series(batch, i)), (std::vector<std::string_view>{"1", "2"}));
  }
  EXPECT_EQ(series(batch, 0).offset, 0U);
  EXPECT_EQ(series(batch, 1).offset, kGood.size() + bad.record.size() + 2);
  ASSERT_EQ(batch.malformed.size(), 1U);
  const auto& malformed = batch.malformed.front();
  EXPECT_STREQ(malformed.reason, bad.reason);
  EXPECT_THAT(malformed.detail, HasSubstr(bad.detail));
  EXPECT_EQ(malformed.meter, bad.meter);
  EXPECT_EQ(malformed.offset, kGood.size());
  EXPECT_EQ(malformed.raw, bad.record);
  EXPECT_EQ(batch.skipped, 0U);
}

using namespace std::string_literals;
const std::string kOne = ",OK,E,KWH,1,00000015,1,202603010015,R,1";
const std::string kTou = "MEPMD02,19970819,S,SC,R,RC,202603011200,M1,OK,E,KWHREG,W,1,";

INSTANTIATE_TEST_SUITE_P(
    EveryReason, CmepBadRecord,
    testing::Values(
        BadRecord{"nul", kHead + "M\0"s + kOne, "not_ascii", "byte 41 of the record is 0", ""},
        BadRecord{"invalid_utf8", kHead + "M\xff" + kOne, "not_ascii", "is 255", ""},
        BadRecord{"valid_utf8", kHead + "caf\xc3\xa9" + kOne, "not_ascii", "is 195", ""},
        BadRecord{"delete", kHead + "M\x7f" + kOne, "not_ascii", "is 127", ""},
        BadRecord{"lone_carriage_return", kHead + "M1\r" + kOne, "not_ascii", "is 13", ""},
        BadRecord{"open_quote", kHead + "\"M1" + kOne, "bad_quoting", "byte 40", ""},
        BadRecord{"text_behind_quote", kHead + "\"M1\"x" + kOne, "bad_quoting", "byte 44", ""},
        BadRecord{"unknown_type", "MEPXX01,1", "unknown_record_type", "\"MEPXX01\"", ""},
        BadRecord{"lower_case_type", "mepmd01" + kHead.substr(7) + "M1" + kOne, "unknown_record_type",
                  "mepmd01", ""},
        BadRecord{"only_commas", ",,,", "unknown_record_type", "field 1", ""},
        BadRecord{"unknown_purpose", kHead + "M1,NEWS,E,KWH,1,00000015,0", "unknown_purpose", "\"NEWS\"",
                  "M1"},
        BadRecord{"no_meter", kHead + kOne, "missing_meter", "field 8", ""},
        BadRecord{"cut_before_the_meter", "MEPMD01,19970819", "missing_meter", "field 8", ""},
        BadRecord{"created", "MEPMD01,1,S,SC,R,RC,202613011200,M1" + kOne, "bad_time", "field 7 (created)",
                  "M1"},
        BadRecord{"constant", kHead + "M1,OK,E,KWH,one,00000015,1,202603010015,R,1", "bad_number",
                  "field 12 (constant) \"one\"", "M1"},
        BadRecord{"months", kHead + "M1,OK,E,KWH,1,01000000,1,202603010015,R,1", "unsupported_interval",
                  "\"01000000\"", "M1"},
        BadRecord{"interval_form", kHead + "M1,OK,E,KWH,1,15,1,202603010015,R,1", "unsupported_interval",
                  "field 13", "M1"},
        BadRecord{"count_form", kHead + "M1,OK,E,KWH,1,00000015,one,202603010015,R,1", "bad_number",
                  "field 14 (count)", "M1"},
        BadRecord{"count_too_high", kHead + "M1,OK,E,KWH,1,00000015,3,202603010015,R,1,,R,2",
                  "count_mismatch", "announces 3 readings of 3 fields, the record has 6 fields", "M1"},
        BadRecord{"count_too_low", kHead + "M1,OK,E,KWH,1,00000015,1,202603010015,R,1,,R,2", "count_mismatch",
                  "has 6 fields", "M1"},
        BadRecord{"half_a_reading", kHead + "M1,OK,E,KWH,1,00000015,2,202603010015,R,1,,R", "count_mismatch",
                  "has 5 fields", "M1"},
        BadRecord{"count_without_readings", kHead + "M1,OK,E,KWH,1,00000015,4294967295", "count_mismatch",
                  "has 0 fields", "M1"},
        BadRecord{"readings_without_count", kHead + "M1,OK,E,KWH,1,00000015,,202603010015,R,1",
                  "count_mismatch", "announces 0", "M1"},
        BadRecord{"trailing_comma", kHead + "M1" + kOne + ",", "count_mismatch", "has 4 fields", "M1"},
        BadRecord{"date_zero", kHead + "M1,OK,E,KWH,1,00000015,1,000000000000,R,1", "bad_time",
                  "reading 1: \"000000000000\"", "M1"},
        BadRecord{"no_first_time", kHead + "M1,OK,E,KWH,1,00000015,1,,R,1", "bad_time", "reading 1", "M1"},
        BadRecord{"all_values_bad", kHead + "M1,OK,E,KWH,1,00000015,3,202603010015,R,a,,R,b,,R,c",
                  "bad_number", "3 readings, 1, 2, 3: \"a\" is no number", "M1"},
        BadRecord{"tou_end", kTou + "202602010500,,1,TOTAL,,1", "bad_time", "field 15 (end)", "M1"},
        BadRecord{"tou_start", kTou + "2026,202603010500,1,TOTAL,,1", "bad_time", "field 14 (start)", "M1"},
        BadRecord{"tou_order", kTou + "202603010500,202602010500,1,TOTAL,,1", "bad_time", "before the start",
                  "M1"},
        BadRecord{"tou_label", kTou + "202602010500,202603010500,1,,,77", "missing_tou_label", "\"77\"",
                  "M1"},
        BadRecord{"tou_value", kTou + "202602010500,202603010500,1,TOTAL,,x", "bad_number", "reading 1",
                  "M1"},
        BadRecord{"tou_count", kTou + "202602010500,202603010500,2,TOTAL,,1", "count_mismatch", "field 16",
                  "M1"}),
    [](const auto& bad) { return std::string{bad.param.name}; });

TEST(CmepSlots, ABadNumberCostsOnlyItsReading) {
  const auto batch = feed(interval_record("3,202603010015,R,1,202603010030,R,x,202603010045,R,3"));
  ASSERT_EQ(batch.observations.size(), 1U);
  EXPECT_EQ(values_of(series(batch, 0)), (std::vector<std::string_view>{"1", "3"}));
  EXPECT_EQ(series(batch, 0).values[1].time.text, "202603010045");
  ASSERT_EQ(batch.malformed.size(), 1U);
  EXPECT_EQ(batch.malformed[0].detail, "reading 2: \"x\" is no number");
}

// The third reading stands two intervals after the first only while the second holds its place.
TEST(CmepSlots, ABadNumberKeepsItsPlaceWhereTheNextTimeCountsOn) {
  const auto batch = feed(interval_record("3,202603010015,R,1,,R0,x,,R,3"));
  ASSERT_EQ(batch.observations.size(), 1U);
  EXPECT_EQ(values_of(series(batch, 0)), (std::vector<std::string_view>{"1", "", "3"}));
  EXPECT_EQ(series(batch, 0).values[1].flag, "R0");
  EXPECT_EQ(batch.malformed.size(), 1U);
}

TEST(CmepSlots, ABadTimeCostsThoseThatCountOnFromItAndNoOthers) {
  const auto batch = feed(interval_record("4,202603010015,R,1,202602300030,R,2,,R,3,202603010100,R,4"));
  ASSERT_EQ(batch.observations.size(), 1U);
  EXPECT_EQ(values_of(series(batch, 0)), (std::vector<std::string_view>{"1", "4"}));
  ASSERT_EQ(batch.malformed.size(), 1U);
  EXPECT_STREQ(batch.malformed[0].reason, "bad_time");
  EXPECT_THAT(batch.malformed[0].detail, HasSubstr("2 readings, 2, 3: \"202602300030\""));
}

TEST(CmepSlots, AnEmptyTimeNeedsAnInterval) {
  const auto batch = feed(kHead + "M1,OK,E,KWHREG,1,,2,202603010015,R,1,,R,2\n");
  ASSERT_EQ(batch.observations.size(), 1U);
  EXPECT_EQ(values_of(series(batch, 0)), (std::vector<std::string_view>{"1"}));
  ASSERT_EQ(batch.malformed.size(), 1U);
  EXPECT_STREQ(batch.malformed[0].reason, "bad_time");
}

TEST(CmepSlots, AnEmptyValueStaysEmptyWhateverTheFlag) {
  const auto batch = feed(interval_record("3,202603010015,,,,N32,,,R0,"));
  EXPECT_EQ(values_of(series(batch, 0)), (std::vector<std::string_view>{"", "", ""}));
  EXPECT_EQ(series(batch, 0).values[1].flag, "N32");
  EXPECT_FALSE(series(batch, 0).values[1].time.present());
  EXPECT_TRUE(batch.malformed.empty());
}

TEST(CmepSlots, ManyFaultsAreOneRecordThatListsTheFirst) {
  std::string readings = "20";
  for (int i = 0; i < 20; ++i) readings += ",202603010015,R,x";
  const auto batch = feed(interval_record(readings));
  ASSERT_EQ(batch.malformed.size(), 1U);
  EXPECT_EQ(batch.malformed[0].detail, "20 readings, 1, 2, 3, 4, 5, 6, 7, 8, …: \"x\" is no number");
  EXPECT_TRUE(batch.observations.empty());
}

TEST(CmepKind, RegUnitsAndSummariesWithoutIntervalAreDialReadings) {
  const auto kind = [](const std::string& purpose, const std::string& units, const std::string& interval) {
    const auto batch =
        feed(kHead + "M1," + purpose + ",E," + units + ",1," + interval + ",1,202603010015,R,1\n");
    return series(batch, 0).kind;
  };
  EXPECT_EQ(kind("OK", "KWHREG", "00000100"), SeriesKind::Register);
  EXPECT_EQ(kind("OK", "SKWHREG", ""), SeriesKind::Register);
  EXPECT_EQ(kind("SUMMARY", "KW", ""), SeriesKind::Register);
  EXPECT_EQ(kind("SUMMARY", "KWH", "00000100"), SeriesKind::Interval);
  EXPECT_EQ(kind("OK", "KWH", "00000100"), SeriesKind::Interval);
  EXPECT_EQ(kind("", "REGKWH", ""), SeriesKind::Interval);
}

TEST(CmepHead, TheMetersFieldIsThatOfTheFeed) {
  const std::string record = "MEPMD01,1,three,four,five,six,,eight,OK,E,KWH,1,00000015,1,202603010015,R,1\n";
  const std::pair<MeterField, const char*> fields[] = {{MeterField::Field4, "four"},
                                                       {MeterField::Field5, "five"},
                                                       {MeterField::Field6, "six"},
                                                       {MeterField::Field8, "eight"}};
  for (const auto& [meter_field, id] : fields) {
    Options options;
    options.meter_field = meter_field;
    options.meter_kind = AliasKind::Module;
    const auto batch = feed(record, options);
    EXPECT_EQ(series(batch, 0).meter, id);
    EXPECT_EQ(series(batch, 0).meter_kind, AliasKind::Module);
    EXPECT_FALSE(series(batch, 0).created.present());
  }
}

TEST(CmepHead, RawIsTheRecordWithoutLineEndAndReadsTheSameAgain) {
  const std::string source = "\r\n" + kGood + kTou + "202602010500,202603010500,2,ON-PEAK,,1,TOTAL,,HFF\n" +
                             interval_record("3,202603010015,R,1,,R,x,,R,3");
  const auto batch = feed(source);
  ASSERT_EQ(batch.observations.size(), 4U);
  EXPECT_EQ(series(batch, 0).raw, kGood.substr(0, kGood.size() - 2));
  for (const auto& observation : batch.observations) {
    const auto& before = std::get<SeriesObservation>(observation);
    EXPECT_EQ(source.substr(before.offset, before.raw.size()), before.raw);
    const auto again = decode_all(std::make_shared<const std::string>(before.raw), {});
    bool found = false;
    for (std::size_t i = 0; i < again.observations.size(); ++i) {
      found = found || (series(again, i).channel == before.channel &&
                        values_of(series(again, i)) == values_of(before));
    }
    EXPECT_TRUE(found) << before.raw;
  }
}

TEST(CmepHead, TextPointsIntoTheChunk) {
  const std::string source = kGood;
  DecodedBatch batch;
  Decoder decoder({});
  ASSERT_EQ(decoder.decode(source, 1000, true, batch), source.size());
  const auto inside = [&source](std::string_view text) {
    return text.data() >= source.data() && text.data() + text.size() <= source.data() + source.size();
  };
  const auto& only = series(batch, 0);
  EXPECT_EQ(only.offset, 1000U);
  EXPECT_TRUE(inside(only.meter) && inside(only.unit) && inside(only.raw) && inside(only.created.text));
  for (const auto& value : only.values) EXPECT_TRUE(inside(value.value) && inside(value.flag));
}

TEST(CmepQuoting, EdgeBlanksAndCommasAndQuotesAreKept) {
  const auto meter = [](const std::string& field) {
    return std::string{series(feed(kHead + field + kOne + "\n"), 0).meter};
  };
  EXPECT_EQ(meter(" \t M 1\t "), "M 1");
  EXPECT_EQ(meter(" \" M,1 \" "), " M,1 ");
  EXPECT_EQ(meter("\"say \"\"hi\"\"\""), "say \"hi\"");
  EXPECT_EQ(meter("\"\"\"\""), "\"");
  EXPECT_EQ(meter("6\" pipe"), "6\" pipe");
}

TEST(CmepCrcField, IsAcceptedAndCountedAsUnchecked) {
  const std::string source = kHead + "M1" + kOne + ",H1A2B\n" + kTou +
                             "202602010500,202603010500,1,TOTAL,,5,HFFFF\n" + kHead +
                             "M1,OK,E,KWH,1,H1234\n" + kGood;
  DecodedBatch batch;
  Decoder decoder({});
  decoder.decode(source, 0, true, batch);
  EXPECT_EQ(batch.observations.size(), 3U);
  EXPECT_EQ(batch.skipped, 1U);
  EXPECT_TRUE(batch.malformed.empty());
  EXPECT_EQ(decoder.counters().crc_unchecked, 3U);
  EXPECT_EQ(decoder.counters().records, 4U);
}

TEST(CmepCrcField, IsNotSeenInAHexValue) {
  const auto batch = feed(kHead + "M1,OK,E,KWH,1,00000015,1,202603010015,R,H0010\n");
  EXPECT_EQ(values_of(series(batch, 0)), (std::vector<std::string_view>{"16"}));
}

TEST(CmepCrcField, IsCheckedWhereASiteSuppliesTheCheck) {
  std::vector<std::string> covered;
  Options options;
  options.crc_is_right = [&covered](std::string_view text, std::uint16_t stated) {
    covered.emplace_back(text);
    return stated == 0x1a2b;
  };
  DecodedBatch batch;
  Decoder decoder(options);
  const std::string right = kHead + "M1" + kOne;
  decoder.decode(right + ",H1A2B\n" + kHead + "M2" + kOne + ",H0000\n" + kGood, 0, true, batch);
  EXPECT_EQ(batch.observations.size(), 2U);
  ASSERT_EQ(batch.malformed.size(), 1U);
  EXPECT_STREQ(batch.malformed[0].reason, "bad_crc");
  EXPECT_EQ(covered.size(), 2U);
  EXPECT_EQ(covered[0], right + ",");
  EXPECT_EQ(decoder.counters().crc_unchecked, 0U);
}

TEST(CmepSkipped, CountsWhatIsWellFormedAndNotRead) {
  std::string source;
  for (const char* type :
       {"MEPAD01", "MEPAD02", "MEPBD01", "MEPBD02", "MEPBD03", "MEPLF01", "MEPEC01", "MEPRR01"}) {
    source += std::string{type} + ",whatever\r\n";
  }
  for (const char* purpose : {"TEMPLATE", "PROFILE", "REJECT"}) {
    source += kHead + "," + purpose + ",E,KWH,x,y,z\r\n";
  }
  source += kHead + "M1\r\n";                        // cut off behind the header
  source += kHead + "M1,OK,E,KWH,1,00000015,0\r\n";  // no readings
  source += kTou + "202602010500,202603010500\r\n";
  const auto batch = feed(source);
  EXPECT_EQ(batch.skipped, 14U);
  EXPECT_TRUE(batch.observations.empty());
  EXPECT_TRUE(batch.malformed.empty());
}

TEST(CmepOptions, ASiteMayAddPurposesAndTightenLimits) {
  Options options;
  options.purposes.emplace_back("NEWS");
  options.max_count = 2;
  const auto batch = feed(kHead + "M1,NEWS,E,KWH,1,00000015,2,202603010015,R,1,,R,2\n" +
                              interval_record("3,202603010015,R,1,,R,2,,R,3"),
                          options);
  EXPECT_EQ(batch.observations.size(), 1U);
  ASSERT_EQ(batch.malformed.size(), 1U);
  EXPECT_STREQ(batch.malformed[0].reason, "count_out_of_range");
}

TEST(CmepCount, MoreThanTheTextsFortyEightIsRead) {
  std::string readings = "500,202603010015,R,1";
  for (int i = 1; i < 500; ++i) readings += ",,R,1";
  const auto batch = feed(interval_record(readings));
  EXPECT_EQ(series(batch, 0).values.size(), 500U);
}

TEST(CmepLines, EmptyInputAndBlankLinesSayNothing) {
  for (const char* source : {"", "\n", "\r\n\r\n", "  \t \r\n", "\n\n\n "}) {
    const auto batch = feed(source);
    EXPECT_EQ(render(batch), "K|0\n");
  }
}

TEST(CmepLines, AnUnterminatedLineWaitsUntilTheSourceEnds) {
  const std::string source = kGood + kGood.substr(0, kGood.size() - 2);
  DecodedBatch batch;
  Decoder decoder({});
  EXPECT_EQ(decoder.decode(source, 0, false, batch), kGood.size());
  EXPECT_EQ(batch.observations.size(), 1U);
  EXPECT_EQ(decoder.decode(std::string_view{source}.substr(kGood.size()), kGood.size(), true, batch),
            kGood.size() - 2);
  EXPECT_EQ(batch.observations.size(), 2U);
}

TEST(CmepLines, TheLimitCountsTheRecordWithoutItsLineEnd) {
  Options options;
  options.max_line = kGood.size() - 2;
  const std::string longer = kHead + "GOODX" + kGood.substr(kHead.size() + 4);
  for (const char* end : {"\r\n", "\n", ""}) {
    const auto fits = feed(kGood.substr(0, kGood.size() - 2) + end, options);
    EXPECT_EQ(fits.observations.size(), 1U);
    EXPECT_TRUE(fits.malformed.empty());
    const auto over = feed(longer.substr(0, longer.size() - 2) + end, options);
    EXPECT_TRUE(over.observations.empty());
    ASSERT_EQ(over.malformed.size(), 1U);
    EXPECT_STREQ(over.malformed[0].reason, "line_too_long");
  }
}

TEST(CmepLines, AnOverLongLineIsOneRecordAndItsNeighboursLive) {
  const auto batch = feed(kGood + std::string(70000, 'x') + "\r\n" + kGood);
  EXPECT_EQ(batch.observations.size(), 2U);
  ASSERT_EQ(batch.malformed.size(), 1U);
  EXPECT_STREQ(batch.malformed[0].reason, "line_too_long");
  EXPECT_EQ(batch.malformed[0].raw, std::string(1024, 'x'));
  EXPECT_EQ(batch.malformed[0].offset, kGood.size());
  EXPECT_THAT(batch.malformed[0].detail, HasSubstr("offset " + std::to_string(kGood.size())));
  EXPECT_THAT(batch.malformed[0].detail, HasSubstr("65536 bytes"));
}

}  // namespace
}  // namespace ami::cmep
