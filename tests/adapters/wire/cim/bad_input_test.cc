#include <gtest/gtest.h>

#include "tests/adapters/wire/cim/render.h"

namespace ami::cim {
namespace {

const std::string kHead =
    "<EventMessage "
    "xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Header><Verb>created</Verb></Header><Payload>";
const std::string kTail = "</Payload></EventMessage>";
const std::string kReadings = "<MeterReadings xmlns=\"http://iec.ch/TC57/2011/MeterReadings#\">";
const std::string kGood =
    "<MeterReading><Meter><mRID>good</mRID></Meter><Readings><timeStamp>2026-01-15T00:00:00Z</timeStamp>"
    "<value>1</value><ReadingType ref=\"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0\"/></Readings></MeterReading>";
const std::string kMeter = "<Meter><mRID>M</mRID></Meter>";

std::string at(const std::string& rest) {
  return "<timeStamp>2026-01-15T00:00:00Z</timeStamp>" + rest +
         "<ReadingType ref=\"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0\"/>";
}
std::string interval(const std::string& inside) {
  return kMeter + "<IntervalBlocks><IntervalReadings>" + inside +
         "</IntervalReadings><ReadingType ref=\"0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0\"/></IntervalBlocks>";
}
std::string period(const std::string& start, const std::string& end) {
  return "<value>1</value><timePeriod><end>" + end + "</end><start>" + start + "</start></timePeriod>";
}

struct Case {
  const char* name;
  std::string record;  // inside a MeterReading
  const char* reason;
};

class CimBadReading : public testing::TestWithParam<Case> {};

TEST_P(CimBadReading, CostsItselfAndNotItsNeighbours) {
  const auto decoded = decode(kHead + kReadings + kGood + "<MeterReading>" + GetParam().record +
                                  "</MeterReading>" + kGood + "</MeterReadings>" + kTail,
                              {});
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  ASSERT_EQ(decoded->batch.malformed.size(), 1U);
  EXPECT_STREQ(decoded->batch.malformed[0].reason, GetParam().reason);
  EXPECT_FALSE(decoded->batch.malformed[0].detail.empty());
  EXPECT_EQ(decoded->batch.observations.size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(
    Readings, CimBadReading,
    testing::Values(
        Case{"NoMeter", "<Readings>" + at("<value>1</value>") + "</Readings>", "missing_meter"},
        Case{"EmptyMeter", "<Meter><mRID> </mRID></Meter><Readings>" + at("<value>1</value>") + "</Readings>",
             "missing_meter"},
        Case{"NoTime", kMeter + "<Readings><value>1</value><ReadingType ref=\"x\"/></Readings>",
             "missing_time"},
        Case{"BadTime",
             kMeter +
                 "<Readings><timeStamp>now</timeStamp><value>1</value><ReadingType ref=\"x\"/></Readings>",
             "bad_time"},
        Case{"NoType",
             kMeter + "<Readings><timeStamp>2026-01-15T00:00:00Z</timeStamp><value>1</value></Readings>",
             "missing_reading_type"},
        Case{"NotANumber", kMeter + "<Readings>" + at("<value>NaN</value>") + "</Readings>", "bad_number"},
        Case{"Infinite", kMeter + "<Readings>" + at("<value>-INF</value>") + "</Readings>", "bad_number"},
        Case{"Comma", kMeter + "<Readings>" + at("<value>1,5</value>") + "</Readings>", "bad_number"},
        Case{"TooManyDigits",
             kMeter + "<Readings>" + at("<value>12345678901234567890123</value>") + "</Readings>",
             "bad_number"},
        Case{"HourForAQuarter", interval(period("2026-01-15T00:00:00Z", "2026-01-15T01:00:00Z")),
             "interval_mismatch"},
        Case{"PeriodBackwards", interval(period("2026-01-15T00:15:00Z", "2026-01-15T00:00:00Z")), "bad_time"},
        Case{"PeriodOfNothing", interval(period("2026-01-15T00:15:00Z", "2026-01-15T00:15:00Z")), "bad_time"},
        Case{"OneOffsetOnly", interval(period("2026-01-15T00:00:00", "2026-01-15T00:15:00Z")), "bad_time"},
        Case{"PartOfASecond", interval(period("2026-01-15T00:00:00Z", "2026-01-15T00:15:00.5Z")), "bad_time"},
        Case{"BadPeriodStart", interval(period("then", "2026-01-15T00:15:00Z")), "bad_time"},
        Case{"IntervalWithoutTime", interval("<value>1</value>"), "missing_time"},
        Case{"BlockWithoutType",
             kMeter + "<IntervalBlocks><IntervalReadings><timeStamp>2026-01-15T00:00:00Z</timeStamp></"
                      "IntervalReadings>"
                      "</IntervalBlocks>",
             "missing_reading_type"},
        Case{"StillToScale",
             kMeter + "<IntervalBlocks><IntervalReadings><timeStamp>2026-01-15T00:00:00Z</timeStamp></"
                      "IntervalReadings>"
                      "<Pending><scalarNumerator>10</scalarNumerator></Pending><ReadingType "
                      "ref=\"x\"/></IntervalBlocks>",
             "pending_calculation"},
        Case{"LongReading",
             kMeter + "<Readings>" +
                 at("<value>1</value><comment>" + std::string(600'000, 'x') + "</comment>") + "</Readings>",
             "record_too_long"},
        Case{"LongMeter",
             "<Meter><mRID>M</mRID><x>" + std::string(20'000, 'x') + "</x></Meter><Readings>" +
                 at("<value>1</value>") + "</Readings>",
             "record_too_long"}),
    [](const auto& one) { return one.param.name; });

TEST(CimBadItems, OfForeignNamespacesAreRefusedAndNeighboursLive) {
  const auto decoded =
      decode(kHead + kReadings + kGood + "<MeterReading xmlns=\"urn:other\"/></MeterReadings>" +
                 "<EndDeviceEvent xmlns=\"http://www.landisgyr.com/iec61968/2010/03\"/>" + kTail,
             {});
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->batch.malformed.size(), 2U);
  for (const auto& bad : decoded->batch.malformed) EXPECT_STREQ(bad.reason, "wrong_namespace");
  EXPECT_EQ(decoded->batch.observations.size(), 1U);
}

struct Broken {
  const char* name;
  std::string text;
  const char* word;
};

class CimBrokenMessage : public testing::TestWithParam<Broken> {};

TEST_P(CimBrokenMessage, IsAClearError) {
  const auto decoded = decode(GetParam().text, {});
  ASSERT_FALSE(decoded.ok());
  EXPECT_TRUE(decoded.error().message.starts_with(std::string(GetParam().word) + ": "))
      << decoded.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Messages, CimBrokenMessage,
    testing::Values(
        Broken{"Empty", "", "empty_file"}, Broken{"Cut", kHead, "truncated"},
        Broken{"NotXml", "EMED01~1", "not_well_formed"},
        Broken{"Bomb", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "entity_declaration"},
        Broken{"OtherXml", "<a><b/></a>", "not_a_message"},
        Broken{"EmptySoapBody",
               "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body/></s:Envelope>",
               "not_a_message"},
        Broken{"NoSoapBody", "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"/>",
               "not_a_message"},
        Broken{"OtherEnvelope",
               "<m:EventMessage xmlns:m=\"urn:m\"><m:Header><m:Verb>get</m:Verb></m:Header></m:EventMessage>",
               "wrong_namespace"},
        Broken{"DeepWrapping", "<a><b><c><d><EventMessage><Header/></EventMessage></d></c></b></a>",
               "not_a_message"},
        Broken{"LongTag",
               "<EventMessage xmlns=\"http://iec.ch/TC57/2011/schema/message\" x=\"" +
                   std::string(20'000, 'x') + "\"><Header><Verb>created</Verb></Header></EventMessage>",
               "header_too_long"},
        Broken{"LongHeader",
               "<EventMessage "
               "xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Header><Verb>created</Verb><Source>" +
                   std::string(20'000, 'x') + "</Source></Header></EventMessage>",
               "header_too_long"}),
    [](const auto& one) { return one.param.name; });

TEST(CimLimits, AMessageBeyondTheLimitsIsRefused) {
  Options options;
  options.limits.bytes = 100;
  const auto decoded = decode(kHead + kTail, options);
  ASSERT_FALSE(decoded.ok());
  EXPECT_TRUE(decoded.error().message.starts_with("too_large: "));
}

TEST(CimLimits, CopiesOfManySmallRecordsInALongFrameAreBounded) {
  // 15 kB of start tag, copied for each of 30,000 events of a few bytes: 450 MB, were it not refused.
  std::string text = "<EventMessage xmlns=\"http://iec.ch/TC57/2011/schema/message\" x=\"" +
                     std::string(15'000, 'x') + "\"><Header><Verb>created</Verb></Header><Payload>";
  for (int i = 0; i < 30'000; ++i) text += "<EndDeviceEvent/>";
  const auto decoded = decode(text + kTail, {});
  ASSERT_FALSE(decoded.ok());
  EXPECT_TRUE(decoded.error().message.starts_with("too_many_records: ")) << decoded.error().message;
}

}  // namespace
}  // namespace ami::cim
