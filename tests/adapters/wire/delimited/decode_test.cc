// What becomes of the columns.
#include <gtest/gtest.h>

#include "tests/adapters/wire/delimited/render.h"

namespace ami::delimited {
namespace {

const std::string kHeader =
    "AccountNumber,MeterSN,MTUID,Port,AccountType,Address1,City,State,Zip,RawRead,ScaledRead,ReadingTime,"
    "LocalTime,"
    "Active,Scalar,MeterTypeID,Vendor,Model,Description,ReadInterval\r\n";
const std::string kRecord =
    "4711,W100,88001,1,RESIDENTIAL,12 MADE UP LN,TOWN,ON,K0K 0K0,23497071,023497.071,2026-01-15 17:00:00.000,"
    "2026-01-15 12:00:00.000,1,0.001,2212,MAKER,M1,\"Meter 5/8\"\" D, 0.001CuFt\",60\r\n";

const SeriesObservation& only(const DecodedBatch& batch) {
  EXPECT_EQ(batch.observations.size(), 1U);
  return std::get<SeriesObservation>(batch.observations.at(0));
}

TEST(DelimitedDecoder, ARecordIsARegisterOfTheDeviceOnItsPort) {
  const Fed fed = feed(kHeader + kRecord, site());
  EXPECT_EQ(fed.error, "");
  EXPECT_TRUE(fed.batch.malformed.empty());
  const SeriesObservation& said = only(fed.batch);
  EXPECT_EQ(said.kind, SeriesKind::Register);
  EXPECT_EQ(said.meter, "W100");
  EXPECT_EQ(said.meter_kind, AliasKind::ManufacturerSerial);
  EXPECT_EQ(said.channel, "emtr:1");
  EXPECT_EQ(said.measure, "ScaledRead");
  EXPECT_EQ(said.commodity, "water");
  EXPECT_EQ(said.unit, "ft3");
  EXPECT_EQ(said.time_source, TimeSource::Collector);
  EXPECT_EQ(said.offset, kHeader.size());
  ASSERT_EQ(said.values.size(), 1U);
  EXPECT_EQ(said.values[0].value, "023497.071");
  EXPECT_EQ(said.values[0].raw_count, "23497071");
  EXPECT_EQ(said.values[0].flag, "");
  EXPECT_EQ(said.values[0].time.text, "2026-01-15 17:00:00.000");
  EXPECT_EQ(said.values[0].time.utc_offset, std::chrono::seconds{0});
}

TEST(DelimitedDecoder, NothingOfAnAccountOrAddressLeavesIt) {
  const Fed fed = feed(kHeader + kRecord + "1,\"2\n" + "a,b,12 MADE UP LN\n", site());
  EXPECT_EQ(fed.batch.malformed.size(), 2U);
  const std::string all = render_all(fed);
  for (const char* secret : {"4711", "MADE UP", "TOWN", "K0K", "RESIDENTIAL"})
    EXPECT_EQ(all.find(secret), std::string::npos) << secret;
}

TEST(DelimitedDecoder, RawIsReadAgainAsTheSame) {
  const Fed fed = feed(kHeader + kRecord, site());
  const std::string raw(only(fed.batch).raw);
  EXPECT_EQ(
      raw,
      "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n"
      "W100,88001,1,2212,023497.071,23497071,0.001,2026-01-15 17:00:00.000,2026-01-15 12:00:00.000,1\n");
  DecodedBatch again;
  ASSERT_TRUE(decode_all(raw, site(), again).ok());
  EXPECT_EQ(only(again).raw, raw);
  EXPECT_EQ(only(again).values.at(0).value, "023497.071");
}

TEST(DelimitedDecoder, ColumnsMayStandInAnyOrderAndBeCalledOtherwise) {
  Options options;
  options.delimiter = ';';
  options.columns = {.device = "Serial",
                     .module = "",
                     .port = "Input",
                     .meter_type = "",
                     .unit = "Unit",
                     .scaled = "Index",
                     .raw = "",
                     .scalar = "",
                     .time = "At",
                     .local_time = "",
                     .active = ""};
  options.channel_prefix = "port:";
  const Fed fed =
      feed("At;Index;Unit;Serial;Note;Input\n2026-01-15T12:00:00-05:00; 12.5 ;m3;G7;x;B2\n", options);
  EXPECT_EQ(fed.error, "");
  const SeriesObservation& said = only(fed.batch);
  EXPECT_EQ(said.meter, "G7");
  EXPECT_EQ(said.channel, "port:B2");
  EXPECT_EQ(said.unit, "m3");
  EXPECT_EQ(said.commodity, "");
  EXPECT_EQ(said.values.at(0).value, "12.5");
  EXPECT_EQ(said.values.at(0).time.utc_offset, std::chrono::hours{-5});
}

TEST(DelimitedDecoder, TheFirstLineOfTheTableThatFitsSaysCommodityAndUnit) {
  Options options = site();
  options.kinds.push_back({"", "3", "gas", "ccf"});
  const std::string head =
      "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n";
  const Fed fed = feed(head +
                           "A,1,2,7,1,,,2026-01-15 17:00,,\n"     // gas of the table's second line
                           "B,1,3,2212,1,,,2026-01-15 17:00,,\n"  // the type comes first
                           "C,1,3,999,1,,,2026-01-15 17:00,,\n"   // by its port
                           "D,1,1,7,1,,,2026-01-15 17:00,,\n",    // type 7 is known on port 2 only
                       options);
  EXPECT_EQ(render(fed.batch),
            "V|86|A|emtr:2|m3|gas|2026-01-15 17:00:00.000+0||1|\n"
            "V|117|B|emtr:3|ft3|water|2026-01-15 17:00:00.000+0||1|\n"
            "V|151|C|emtr:3|ccf|gas|2026-01-15 17:00:00.000+0||1|\n"
            "M|184|D|unknown_meter_type\n");
  EXPECT_EQ(fed.batch.malformed.at(0).detail, "the table of meters has no line for type \"7\" on port \"1\"");
  EXPECT_EQ(fed.counters.unchecked_scales, 3U);
}

TEST(DelimitedDecoder, AnErrorInPlaceOfTheReadIsNoValueAndAnEmptyReadIsNoObservation) {
  const std::string head =
      "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n";
  const Fed fed = feed(
      head + "A,1,1,2212,Error,5,0.001,2026-01-15 17:00,,1\nB,1,1,2212,,,,2026-01-15 17:00,,1\n", site());
  const SeriesObservation& said = only(fed.batch);
  EXPECT_EQ(said.meter, "A");
  EXPECT_EQ(said.values.at(0).value, "");
  EXPECT_EQ(said.values.at(0).raw_count, "");  // counts of a read that failed are not a value either
  EXPECT_EQ(said.values.at(0).flag, "ERROR");
  EXPECT_EQ(fed.counters.failed_reads, 1U);
  EXPECT_EQ(fed.counters.empty_reads, 1U);
  EXPECT_TRUE(fed.batch.malformed.empty());
}

TEST(DelimitedDecoder, WhetherAMeterIsInServiceIsAFlag) {
  const std::string head =
      "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n";
  for (const auto& [word, flag] : {std::pair<const char*, const char*>{"1", ""},
                                   {"TRUE", ""},
                                   {"", ""},
                                   {"0", "inactive"},
                                   {"No", "inactive"},
                                   {"Inactive", "inactive"}}) {
    const Fed fed = feed(head + "A,1,1,2212,3,,,2026-01-15 17:00,," + word + "\n", site());
    EXPECT_EQ(only(fed.batch).values.at(0).flag, flag) << word;
  }
  const Fed fed = feed(head + "A,1,1,2212,3,,,2026-01-15 17:00,,maybe\n", site());
  ASSERT_EQ(fed.batch.malformed.size(), 1U);
  EXPECT_STREQ(fed.batch.malformed[0].reason, "bad_flag");
}

TEST(DelimitedDecoder, ScaledIsRawTimesScalarExactlyOrRoundedToItsLastPlace) {
  const std::string head =
      "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n";
  const auto reason = [&](const std::string& scaled, const std::string& raw,
                          const std::string& scalar) -> std::string {
    const Fed fed =
        feed(head + "A,1,1,2212," + scaled + "," + raw + "," + scalar + ",2026-01-15 17:00,,1\n", site());
    return fed.batch.malformed.empty() ? "" : fed.batch.malformed[0].reason;
  };
  EXPECT_EQ(reason("12.345", "12345", "0.001"), "");
  EXPECT_EQ(reason("12.35", "12345", ".001"), "");   // half up
  EXPECT_EQ(reason("12.34", "12345", "0.001"), "");  // half down
  EXPECT_EQ(reason("12.36", "12345", "0.001"), "scale_mismatch");
  EXPECT_EQ(reason("12345", "12345", "0.001"), "scale_mismatch");  // not scaled at all
  EXPECT_EQ(reason("1.2345", "12345", "0.001"), "scale_mismatch");
  EXPECT_EQ(reason("0", "9223372036854775807", "9223372036854775807"), "scale_mismatch");
  EXPECT_EQ(reason("12.345", "twelve", "0.001"), "bad_number");
  EXPECT_EQ(reason("12.345", "12345", "one"), "bad_number");
  EXPECT_EQ(reason("12,345", "12345", "0.001"), "field_count_mismatch");
  EXPECT_EQ(reason("\"12,345\"", "12345", "0.001"), "bad_number");
  EXPECT_EQ(reason("12.345", "", "0.001"), "");
}

TEST(DelimitedDecoder, LocalTimeMustBeTheZonesFaceOfTheUtcTime) {
  const std::string head =
      "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n";
  const auto fed = [&](const std::string& utc, const std::string& local) {
    return feed(head + "A,1,1,2212,3,,," + utc + "," + local + ",1\n", site());
  };
  // Toronto: UTC-5 in January, UTC-4 in July.
  EXPECT_TRUE(fed("2026-01-15 17:00:30", "2026-01-15 12:00").batch.malformed.empty());
  EXPECT_TRUE(fed("2026-07-15 16:00", "2026-07-15 12:00").batch.malformed.empty());
  // Both hours of the autumn night show the same face, and both are right.
  EXPECT_TRUE(fed("2026-11-01 05:30", "2026-11-01 01:30").batch.malformed.empty());
  EXPECT_TRUE(fed("2026-11-01 06:30", "2026-11-01 01:30").batch.malformed.empty());
  const Fed wrong = fed("2026-07-15 17:00", "2026-07-15 12:00");
  ASSERT_EQ(wrong.batch.malformed.size(), 1U);
  EXPECT_STREQ(wrong.batch.malformed[0].reason, "time_mismatch");
  EXPECT_EQ(wrong.batch.malformed[0].detail,
            "column ReadingTime \"2026-07-15 17:00\" is 2026-07-15 13:00:00 in America/Toronto, column "
            "LocalTime says "
            "\"2026-07-15 12:00\"");
  const Fed odd = fed("2026-07-15 16:00", "noon");
  EXPECT_EQ(odd.batch.observations.size(), 1U);
  EXPECT_EQ(odd.counters.unread_local_times, 1U);
}

TEST(DelimitedDecoder, LocalTimesArePassedOnWithoutAnOffset) {
  Options options = site();
  options.time_is_utc = false;
  options.time_form = TimeForm::MonthFirst;
  const std::string head =
      "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n";
  const Fed fed = feed(head + "A,1,1,2212,3,,,1/5/2026 12:07 AM,,1\n", options);
  EXPECT_EQ(render(fed.batch), "V|86|A|emtr:1|ft3|water|2026-01-05 00:07:00.000||3|\n");
}

TEST(DelimitedDecoder, AHeaderMayComeAgain) {
  const std::string one = "MeterSN,Port,ScaledRead,ReadingTime\nA,1,3,2026-01-15 17:00\n";
  const std::string two = "ReadingTime,ScaledRead,MeterSN,Port\n2026-01-15 18:00,4,A,1\n";
  Options options;
  options.columns = {.module = "", .meter_type = "", .raw = "", .scalar = "", .local_time = "", .active = ""};
  const Fed fed = feed(one + two, options);
  EXPECT_EQ(fed.counters.headers, 2U);
  EXPECT_EQ(render(fed.batch),
            "V|36|A|emtr:1|||2026-01-15 17:00:00.000+0||3|\nV|95|A|emtr:1|||2026-01-15 18:00:00.000+0||4|\n");
}

}  // namespace
}  // namespace ami::delimited
