// What we send, and what a simulated far side sends, looks as public examples do.
#include "adapters/wire/cim/codec/encode.h"

#include <gtest/gtest.h>

#include "tests/adapters/wire/cim/render.h"

namespace ami::cim {
namespace {

constexpr const char* kKwh = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0";

TEST(CimEncode, AnOnDemandReadOfTheSecondEdition) {
  Message message = get_scalar_readings({{"M1", false, ""}, {"R2", true, ""}}, {kKwh});
  message.header.timestamp = "2026-01-15T00:00:00Z";
  message.header.source = "GW";
  message.header.async_reply_flag = "true";
  message.header.reply_address = "https://gw/cim";
  message.header.message_id = "m-1";
  message.header.correlation_id = "c-1";
  EXPECT_EQ(encode(message),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
            "<RequestMessage xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Header><Verb>get</Verb>"
            "<Noun>MeterReadings</Noun><Timestamp>2026-01-15T00:00:00Z</Timestamp><Source>GW</Source>"
            "<AsyncReplyFlag>true</AsyncReplyFlag><ReplyAddress>https://gw/cim</ReplyAddress>"
            "<MessageID>m-1</MessageID><CorrelationID>c-1</CorrelationID></Header><Request>"
            "<GetMeterReadings "
            "xmlns=\"http://iec.ch/TC57/2011/GetMeterReadings#\"><EndDevice><Names><name>M1</name>"
            "</Names></EndDevice><EndDevice><mRID>R2</mRID></EndDevice><ReadingType><Names><name>" +
                std::string(kKwh) +
                "</name></Names></ReadingType></GetMeterReadings></Request></RequestMessage>");
}

TEST(CimEncode, AnIntervalReadStatesItsTimesInTheRequest) {
  const auto decoded = decode(
      encode(get_interval_readings({{"M1", false, ""}}, {}, "2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z")),
      {});
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->message.header.verb, "get");
  EXPECT_EQ(decoded->message.request.start_time, "2026-01-15T00:00:00Z");
  EXPECT_EQ(decoded->message.request.end_time, "2026-01-16T00:00:00Z");
  ASSERT_EQ(decoded->message.request.meters.size(), 1U);
  EXPECT_TRUE(decoded->message.request.reading_types.empty());
}

TEST(CimEncode, AControlCarriesTheCodeThatItIsGiven) {
  const std::string text = encode(create_control("3.31.0.23", {{"M1", false, ""}}));
  EXPECT_NE(
      text.find(
          "<EndDeviceControls xmlns=\"http://iec.ch/TC57/2011/EndDeviceControls#\"><EndDeviceControl>"
          "<EndDeviceControlType ref=\"3.31.0.23\"/><EndDevices><Names><name>M1</name></Names></EndDevices>"
          "</EndDeviceControl></EndDeviceControls>"),
      std::string::npos)
      << text;
}

TEST(CimEncode, CommandCentersCredentialsStandWhereEachVersionWantsThem) {
  Message message = get_scalar_readings({{"FA1", true, ""}}, {});
  message.edition = Edition::CommandCenter;
  message.soap = Soap::V11;
  message.credentials = Credentials{"u", Secret("p")};
  const std::string body = encode(message);
  EXPECT_NE(body.find("<User><UserID>u</UserID></User>"), std::string::npos) << body;
  EXPECT_NE(body.find("<Property><Name>Password</Name><Value>p</Value></Property>"), std::string::npos)
      << body;
  EXPECT_EQ(body.find("s:Header"), std::string::npos);
  message.credential_place = CredentialPlace::SoapHeader;
  const std::string header = encode(message);
  EXPECT_NE(
      header.find(
          "<s:Header><h:UserName xmlns:h=\"http://www.landisgyr.com/iec61968/2010/03\">u</h:UserName>"
          "<h:Password xmlns:h=\"http://www.landisgyr.com/iec61968/2010/03\">p</h:Password></s:Header>"),
      std::string::npos)
      << header;
  EXPECT_EQ(header.find("UserID"), std::string::npos);
  message.soap = Soap::None;
  EXPECT_EQ(encode(message).find(">p<"), std::string::npos);
}

TEST(CimEncode, AnEventOfCommandCenterHasTheShapeOfTheRealOne) {
  Message message;
  message.kind = Kind::Request;
  message.soap = Soap::V11;
  message.edition = Edition::CommandCenter;
  message.header.verb = "created";
  message.header.noun = "EndDeviceEvents";
  Event event;
  event.type = "6.20.1.185";
  event.created = event.status_time = "2026-01-15T19:19:12Z";
  event.status_value = "POWER_FAIL";
  event.meter = {"FA1", true, ""};
  message.events = {event};
  EXPECT_NE(
      encode(message).find(
          "<Payload><anyType xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
          "xmlns:q1=\"http://www.landisgyr.com/iec61968/2010/03\" xsi:type=\"q1:ArrayOfEndDeviceEvent\">"
          "<q1:EndDeviceEvent "
          "xmlns=\"http://iec.ch/TC57/2009/EndDeviceEvents#\"><category>6.20.1.185</category>"
          "<createdDateTime>2026-01-15T19:19:12Z</createdDateTime><Assets><mRID>FA1</mRID></Assets>"
          "<status><dateTime>2026-01-15T19:19:12Z</dateTime><value>POWER_FAIL</value></status>"
          "</q1:EndDeviceEvent></anyType></Payload>"),
      std::string::npos)
      << encode(message);
}

TEST(CimEncode, AReplyGoesBackInTheRequestsEnvelopeUnderItsCorrelation) {
  Message request = create_control("3.31.0.18", {{"M1", false, ""}});
  request.soap = Soap::V12;
  request.edition = Edition::First;
  request.credentials = Credentials{"u", Secret("secret")};
  request.header.message_id = "m-4";
  Message reply = reply_to(request, {"OK", {{"0.0", "", "", "", "", "", ""}}});
  EXPECT_FALSE(reply.credentials.has_value());
  const auto decoded = decode(encode(reply), {});
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->message.kind, Kind::Response);
  EXPECT_EQ(decoded->message.soap, Soap::V12);
  EXPECT_EQ(decoded->message.edition, Edition::First);
  EXPECT_EQ(decoded->message.header.noun, "EndDeviceControls");
  EXPECT_EQ(decoded->message.header.correlation_id, "m-4");
  request.header.correlation_id = "c-4";
  EXPECT_EQ(reply_to(request, {}).header.correlation_id, "c-4");
}

TEST(CimEncode, SoapFaultsReadBack) {
  for (const Soap soap : {Soap::V11, Soap::V12}) {
    Message message;
    message.kind = Kind::Fault;
    message.soap = soap;
    message.fault = "no <room> & no time";
    const auto decoded = decode(encode(message), {});
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_EQ(decoded->message.fault, "no <room> & no time");
    EXPECT_EQ(decoded->message.soap, soap);
  }
}

TEST(CimEncode, WhatTheDecoderRefusesIsWrittenAllTheSame) {
  Message message;
  message.kind = Kind::Event;
  message.header.verb = "created";
  message.meter_readings.push_back({{"", false, ""}, {{kKwh, "many", "never", "", "", "", {}}}, {}});
  message.events.push_back({});
  const std::string text = encode(message);
  EXPECT_NE(text.find("<value>many</value>"), std::string::npos);
  const auto decoded = decode(text, {});
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->batch.malformed.size(), 2U);
}

TEST(CimEncode, CharactersThatXmlCannotCarryAreReplaced) {
  Message message;
  message.header.verb = "created";
  message.events.push_back(
      {"", "3.1.1.1", "2026-01-15T00:00:00Z", "", "", "", std::string("a\x01") + "b", {"M", true, ""}});
  const auto decoded = decode(encode(message), {});
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(std::get<EventObservation>(decoded->batch.observations.at(0)).text,
            "a\xEF\xBF\xBD"
            "b");
}

}  // namespace
}  // namespace ami::cim
