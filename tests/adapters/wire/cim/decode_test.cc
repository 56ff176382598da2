#include <gtest/gtest.h>

#include "tests/adapters/wire/cim/render.h"

namespace ami::cim {
namespace {

constexpr const char* kKwh = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0";
constexpr const char* kDelta = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0";

std::string message(const std::string& payload) {
  return "<EventMessage xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Header><Verb>created</Verb>"
         "<Noun>MeterReadings</Noun><Timestamp>2026-01-15T06:00:00Z</Timestamp></Header><Payload>" +
         payload + "</Payload></EventMessage>";
}

std::string readings(const std::string& inside,
                     const std::string& meter = "<Meter><Names><name>M1</name></Names></Meter>") {
  return message("<MeterReadings xmlns=\"http://iec.ch/TC57/2011/MeterReadings#\"><MeterReading>" + meter +
                 inside + "</MeterReading></MeterReadings>");
}

std::string reading(const std::string& type, const std::string& inside) {
  return "<Readings>" + inside + "<ReadingType ref=\"" + type + "\"/></Readings>";
}

std::string block(const std::string& type, const std::string& inside) {
  return "<IntervalBlocks>" + inside + "<ReadingType ref=\"" + type + "\"/></IntervalBlocks>";
}

Decoded decoded(const std::string& text, const Options& options = {}) {
  auto result = decode(text, options);
  EXPECT_TRUE(result.ok()) << (result ? "" : result.error().message);
  return result ? std::move(result).value() : Decoded{};
}

const SeriesObservation& series(const Decoded& all, std::size_t index) {
  return std::get<SeriesObservation>(all.batch.observations.at(index));
}

constexpr const char* kAt = "<timeStamp>2026-01-15T00:00:00-05:00</timeStamp>";

TEST(CimReadings, ChannelAndUnitAreTheReadingTypeAndCreatedIsTheHeadersTimestamp) {
  const auto all = decoded(readings(reading(kKwh, std::string(kAt) + "<value>34315.482</value>")));
  ASSERT_EQ(all.batch.observations.size(), 1U);
  const auto& said = series(all, 0);
  EXPECT_EQ(said.kind, SeriesKind::Register);
  EXPECT_EQ(said.channel, kKwh);
  EXPECT_EQ(said.unit, kKwh);
  EXPECT_EQ(said.measure, "Readings");
  EXPECT_EQ(said.created.text, "2026-01-15T06:00:00Z");
  EXPECT_EQ(said.values.at(0).value, "34315.482");
  EXPECT_EQ(said.values[0].time.utc_offset, std::chrono::hours{-5});
}

TEST(CimReadings, TheReadingTypeDecidesWhatIsAnIntervalWhateverElementHoldsIt) {
  const std::string period =
      "<timePeriod><end>2026-01-15T00:15:00Z</end><start>2026-01-15T00:00:00Z</start></timePeriod>";
  const auto all = decoded(readings(reading(kDelta, "<value>1</value>" + period) +
                                    block("0.0.2.9.1.1.12.0.0.0.0.0.0.0.0.3.72.0",
                                          "<IntervalReadings><timeStamp>2026-01-15T00:15:00Z</"
                                          "timeStamp><value>6519.1</value></IntervalReadings>")));
  ASSERT_EQ(all.batch.observations.size(), 2U);
  EXPECT_EQ(series(all, 0).measure, "IntervalBlocks");  // blocks are given out first
  EXPECT_EQ(series(all, 0).kind, SeriesKind::Register);
  EXPECT_EQ(series(all, 1).kind, SeriesKind::Interval);
  EXPECT_EQ(series(all, 1).interval, std::chrono::minutes{15});
  EXPECT_EQ(series(all, 1).values.at(0).time.text, "2026-01-15T00:15:00Z");
}

TEST(CimReadings, WithoutAKnownReadingTypeTheElementDecides) {
  const auto all = decoded(readings(reading("vendor-kwh", std::string(kAt) + "<value>1</value>") +
                                    block("vendor-lp",
                                          "<IntervalReadings><timeStamp>2026-01-15T00:15:00Z</"
                                          "timeStamp><value>2</value></IntervalReadings>")));
  ASSERT_EQ(all.batch.observations.size(), 2U);
  EXPECT_EQ(series(all, 0).kind, SeriesKind::Interval);
  EXPECT_EQ(series(all, 0).interval, std::chrono::seconds{0});  // not stated
  EXPECT_EQ(series(all, 1).kind, SeriesKind::Register);
}

TEST(CimReadings, AnIntervalsTimeIsThePeriodsEndAndTheStampOnlyWithoutOne) {
  const auto all = decoded(readings(block(
      kDelta,
      "<IntervalReadings><timeStamp>2026-01-15T00:00:00Z</timeStamp><value>1</value>"
      "<timePeriod><end>2026-01-15T00:15:00Z</end><start>2026-01-15T00:00:00Z</start></timePeriod></"
      "IntervalReadings>"
      "<IntervalReadings><timeStamp>2026-01-15T00:30:00Z</timeStamp><value>2</value></IntervalReadings>")));
  ASSERT_EQ(all.batch.observations.size(), 1U);
  ASSERT_EQ(series(all, 0).values.size(), 2U);
  EXPECT_EQ(series(all, 0).values[0].time.text, "2026-01-15T00:15:00Z");
  EXPECT_EQ(series(all, 0).values[1].time.text, "2026-01-15T00:30:00Z");
}

TEST(CimReadings, AnIntervalOfAnotherLengthBeginsASeries) {
  const auto one = [](const char* start, const char* end) {
    return std::string("<IntervalReadings><value>1</value><timePeriod><end>") + end + "</end><start>" +
           start + "</start></timePeriod></IntervalReadings>";
  };
  const auto all = decoded(readings(block("0.0.0.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0",
                                          one("2026-01-15T00:00:00Z", "2026-01-15T00:15:00Z") +
                                              one("2026-01-15T00:15:00Z", "2026-01-15T00:45:00Z") +
                                              one("2026-01-15T00:45:00Z", "2026-01-15T01:15:00Z"))));
  ASSERT_EQ(all.batch.observations.size(), 2U);
  EXPECT_EQ(series(all, 0).interval, std::chrono::minutes{15});
  EXPECT_EQ(series(all, 1).interval, std::chrono::minutes{30});
  EXPECT_EQ(series(all, 1).values.size(), 2U);
}

TEST(CimReadings, ADayOfTwentyThreeHoursIsADay) {
  const auto all = decoded(
      readings(block("11.0.4.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0",
                     "<IntervalReadings><value>1</value><timePeriod><end>2026-03-09T00:00:00-04:00</end>"
                     "<start>2026-03-08T00:00:00-05:00</start></timePeriod></IntervalReadings>")));
  ASSERT_EQ(all.batch.observations.size(), 1U);
  EXPECT_EQ(series(all, 0).interval, std::chrono::hours{23});
}

TEST(CimReadings, ARegisterThatWasNeverSetIsNoRead) {
  const auto all =
      decoded(readings(reading(kKwh, "<timeStamp>1970-01-01T00:00:00Z</timeStamp><value>0</value>") +
                       reading(kKwh, "<timeStamp>0001-01-01T00:00:00</timeStamp><value>0</value>") +
                       reading(kKwh, std::string(kAt) + "<value>7</value>")));
  EXPECT_EQ(all.never_set, 2U);
  EXPECT_TRUE(all.batch.malformed.empty());
  ASSERT_EQ(all.batch.observations.size(), 1U);
  EXPECT_EQ(series(all, 0).values.at(0).value, "7");
  EXPECT_EQ(series(all, 0).raw.find("1970"), std::string_view::npos);
}

TEST(CimReadings, AnAbsentValueStaysEmptyAndItsQualitiesAreKept) {
  const auto all = decoded(readings(
      reading(kKwh, std::string(kAt) +
                        "<ReadingQualities><ReadingQualityType ref=\"1.4.0\"/></ReadingQualities>"
                        "<ReadingQualities><ReadingQualityType ref=\"2.5.259\"/></ReadingQualities>")));
  ASSERT_EQ(all.batch.observations.size(), 1U);
  EXPECT_EQ(series(all, 0).values.at(0).value, "");
  EXPECT_EQ(series(all, 0).values[0].flag, "1.4.0 2.5.259");
}

TEST(CimReadings, ReadingTypesMayBeNamedInOtherWays) {
  const std::string value = std::string(kAt) + "<value>1</value>";
  for (const char* type :
       {"<ReadingType><mRID>T</mRID></ReadingType>",
        "<ReadingType><Names><name>T</name></Names></ReadingType>", "<ReadingType>T</ReadingType>"}) {
    const auto all = decoded(readings("<Readings>" + value + type + "</Readings>"));
    ASSERT_EQ(all.batch.observations.size(), 1U) << type;
    EXPECT_EQ(series(all, 0).channel, "T");
  }
}

TEST(CimMeters, WhichNameCountsIsTheSites) {
  const std::string meter =
      "<Meter><mRID>R-1</mRID><Names><name>B-1</name><NameType><name>Badge</name></NameType></Names>"
      "<Names><name>S-1</name><NameType><name>Serial</name></NameType></Names></Meter>";
  const std::string text = readings(reading(kKwh, std::string(kAt) + "<value>1</value>"), meter);
  const auto meter_with = [&](const Options& options) {
    const auto all = decoded(text, options);
    return all.batch.observations.empty() ? std::string("-") : std::string(series(all, 0).meter);
  };
  EXPECT_EQ(meter_with({}), "B-1");
  EXPECT_EQ(meter_with({.name_type = "Serial"}), "S-1");
  EXPECT_EQ(meter_with({.meter_is_mrid = true}), "R-1");
  EXPECT_EQ(meter_with({.name_type = "Other"}), "-");
  const auto all = decoded(text, {.meter_kind = AliasKind::Mac});
  EXPECT_EQ(series(all, 0).meter_kind, AliasKind::Mac);
}

TEST(CimEvents, TakeTheStatusTimeWhenTheCreationStampIsNoTime) {
  const auto all = decoded(message(
      "<EndDeviceEvents xmlns=\"http://iec.ch/TC57/2011/EndDeviceEvents#\"><EndDeviceEvent>"
      "<createdDateTime>1970-01-01T00:00:00Z</createdDateTime><reason>low "
      "line</reason><Assets><mRID>M1</mRID></Assets>"
      "<EndDeviceEventType ref=\"3.26.9.185\"/><status><dateTime>2026-01-15T00:00:00Z</dateTime></status>"
      "</EndDeviceEvent></EndDeviceEvents>"));
  ASSERT_EQ(all.batch.observations.size(), 1U);
  const auto& event = std::get<EventObservation>(all.batch.observations[0]);
  EXPECT_EQ(event.time.text, "2026-01-15T00:00:00Z");
  EXPECT_EQ(event.text, "low line");
}

std::string reply(const std::string& inside, const char* kind = "ResponseMessage") {
  return std::string("<") + kind +
         " xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Header><Verb>reply</"
         "Verb><Noun>EndDeviceControls</Noun>"
         "<Timestamp>2026-01-15T06:00:00Z</Timestamp><CorrelationID>c-7</CorrelationID></Header><Reply>" +
         inside + "</Reply></" + kind + ">";
}

TEST(CimReply, AcceptedIsOneResultWithTheCode) {
  const auto all = decoded(reply("<Result>OK</Result><Error><code>0.0</code></Error>"));
  ASSERT_EQ(all.batch.results.size(), 1U);
  const auto& said = all.batch.results[0];
  EXPECT_EQ(said.transaction, "c-7");
  EXPECT_EQ(said.meter, "");
  EXPECT_EQ(said.word, "OK");
  EXPECT_EQ(said.channel, "0.0");
  EXPECT_EQ(said.fault, "");
  EXPECT_FALSE(said.time.present());
  EXPECT_EQ(said.created.text, "2026-01-15T06:00:00Z");
}

TEST(CimReply, PartialNamesTheMetersThatFailed) {
  const auto all = decoded(
      reply("<Result>PARTIAL</Result><Error><code>0.1</code></Error>"
            "<Error><code>2.4</code><level>FATAL</level><reason>no such meter</reason><ID kind=\"name\" "
            "objectType=\"Meter\">M9</ID></Error>"
            "<Error><code>5.1</code><ID objectType=\"UsagePoint\">U1</ID></Error>"));
  ASSERT_EQ(all.batch.results.size(), 2U);
  EXPECT_EQ(all.batch.results[0].word, "PARTIAL");
  EXPECT_EQ(all.batch.results[1].meter, "M9");
  EXPECT_EQ(all.batch.results[1].word, "2.4");
  EXPECT_EQ(all.batch.results[1].fault, "no such meter");
  EXPECT_EQ(all.batch.results[1].channel, "FATAL");
  ASSERT_EQ(all.message.reply->errors.size(), 3U);
  EXPECT_EQ(all.message.reply->errors[1].id_kind, "name");
  EXPECT_EQ(all.message.reply->errors[2].object_type, "UsagePoint");
}

TEST(CimReply, AFaultMessageIsAReplyOfKindFault) {
  const auto all = decoded(reply(
      "<Result>FAILED</Result><Error><code>6.1</code><reason>expired</reason></Error>", "FaultMessage"));
  EXPECT_EQ(all.message.kind, Kind::Fault);
  ASSERT_EQ(all.batch.results.size(), 1U);
  EXPECT_EQ(all.batch.results[0].fault, "expired");
}

TEST(CimReply, AFaultMessageNeedsNoHeader) {
  const auto all = decoded(
      "<FaultMessage "
      "xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Reply><Result>FAILED</Result></Reply></"
      "FaultMessage>");
  ASSERT_EQ(all.batch.results.size(), 1U);
  EXPECT_EQ(all.batch.results[0].word, "FAILED");
}

TEST(CimSoap, AFaultSaysItsWords) {
  const auto all = decoded(
      "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header/><s:Body><s:Fault>"
      "<faultcode>s:Server</faultcode><faultstring>no room</faultstring></s:Fault></s:Body></s:Envelope>");
  EXPECT_EQ(all.message.kind, Kind::Fault);
  EXPECT_EQ(all.message.fault, "no room");
  ASSERT_EQ(all.batch.results.size(), 1U);
  EXPECT_EQ(all.batch.results[0].measure, "Fault");
  EXPECT_EQ(all.batch.results[0].fault, "no room");
}

TEST(CimRequest, IsReadForASimulatedFarSide) {
  const auto all = decoded(
      "<RequestMessage xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Header><Verb>get</Verb>"
      "<Noun>MeterReadings</Noun><AsyncReplyFlag>true</AsyncReplyFlag><ReplyAddress>http://here/cb</"
      "ReplyAddress>"
      "<MessageID>m</MessageID></Header><Request><StartTime>2026-01-15T00:00:00Z</StartTime>"
      "<EndTime>2026-01-16T00:00:00Z</EndTime><Option><name>limit</name><value>5</value></Option><ID>x</ID>"
      "<GetMeterReadings "
      "xmlns=\"http://iec.ch/TC57/2011/GetMeterReadings#\"><EndDevice><mRID>R-1</mRID></EndDevice>"
      "<EndDevice><Names><name>B-1</name><NameType><name>Badge</name></NameType></Names></EndDevice>"
      "<ReadingType><Names><name>" +
      std::string(kKwh) +
      "</name></Names></ReadingType></GetMeterReadings></Request>"
      "</RequestMessage>");
  const Message& m = all.message;
  EXPECT_EQ(m.kind, Kind::Request);
  EXPECT_EQ(m.header.async_reply_flag, "true");
  EXPECT_EQ(m.header.reply_address, "http://here/cb");
  EXPECT_EQ(m.request.start_time, "2026-01-15T00:00:00Z");
  ASSERT_EQ(m.request.meters.size(), 2U);
  EXPECT_TRUE(m.request.meters[0].mrid);
  EXPECT_EQ(m.request.meters[1].id, "B-1");
  EXPECT_EQ(m.request.meters[1].name_type, "Badge");
  EXPECT_EQ(m.request.reading_types, std::vector<std::string>{kKwh});
  EXPECT_EQ(m.request.options.at(0).first, "limit");
  EXPECT_EQ(m.request.ids, std::vector<std::string>{"x"});
}

TEST(CimEnvelope, KindsOfMessagesNamedAfterTheirOperation) {
  const auto kind = [](const std::string& name, const std::string& verb) {
    return decoded("<t:" + name +
                   " xmlns:t=\"urn:t\" xmlns=\"http://iec.ch/TC57/2011/schema/message\"><t:Header><Verb>" +
                   verb + "</Verb></t:Header></t:" + name + ">")
        .message.kind;
  };
  EXPECT_EQ(kind("CreateEndDeviceControls", "create"), Kind::Request);
  EXPECT_EQ(kind("CreatedEndDeviceEvents", "created"), Kind::Event);
  EXPECT_EQ(kind("ReplyMeterReadings", "reply"), Kind::Response);
  EXPECT_EQ(kind("EndDeviceControlsResponseMessage", "reply"), Kind::Response);
  EXPECT_EQ(kind("EndDeviceControlsFaultMessage", "reply"), Kind::Fault);
}

}  // namespace
}  // namespace ami::cim
