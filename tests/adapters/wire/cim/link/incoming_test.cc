// What is read of a message, and what of it is kept.
#include "adapters/wire/cim/link/incoming.h"

#include <gtest/gtest.h>

#include "adapters/wire/cim/codec/encode.h"
#include "tests/adapters/wire/cim/link/link_scene.h"
#include "tests/adapters/wire/cim/render.h"

namespace ami::cim {
namespace {

AnswerRules switch_rules() {
  AnswerRules rules;
  rules.opened = {"3.31.0.68"};
  return rules;
}

std::string results_of(const std::string& message, std::string_view asked = {}) {
  const auto decoded = read_incoming(message, with_landis_gyr(), switch_rules(), asked);
  if (!decoded) return decoded.error().message;
  std::string out;
  for (const auto& r : decoded->batch.results) {
    out += std::string(r.measure) + "|" + std::string(r.transaction) + "|" + std::string(r.meter) + "|" +
           std::string(r.word) + "\n";
  }
  return out;
}

TEST(CimIncoming, ReadingsWithACorrelationAreAResultOfEachMeter) {
  EXPECT_EQ(results_of(readings_message("2s-1-t7v0u8")), "MeterReadings|2s-1-t7v0u8|M1|\n");
}

TEST(CimIncoming, AReplyBesideResultsOfMetersSaysNoMoreAndAloneItStays) {
  Message message;
  message.kind = Kind::Response;
  message.header.verb = "reply";
  message.header.noun = "MeterReadings";
  message.header.correlation_id = "t-1";
  message.reply = Reply{"OK", {}};
  EXPECT_EQ(results_of(encode(message)), "Reply|t-1||OK\n");
  ReplyError error;
  error.code = "2.4";
  error.level = "FATAL";
  error.id = "M2";
  message.reply = Reply{"PARTIAL", {error}};
  EXPECT_EQ(results_of(encode(message)), "Error|t-1|M2|2.4\n");
  message.reply = Reply{"FAILED", {error}};  // of the others, too
  EXPECT_EQ(results_of(encode(message)), "Reply|t-1||FAILED\nError|t-1|M2|2.4\n");
}

// What is kept is put together from the pieces between what is cut out: in the order of the message.
TEST(CimIncoming, ASoapHeaderBehindTheBodyLeavesNoCredentialEither) {
  const std::string message =
      "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>"
      "<ResponseMessage xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Header><Verb>reply</Verb>"
      "<Noun>MeterReadings</Noun><User><UserID>secret-1</UserID></User><CorrelationID>t-1</CorrelationID>"
      "</Header>"
      "<Reply><Result>OK</Result></Reply></ResponseMessage></e:Body>"
      "<e:Header><Password>secret-2</Password></e:Header></e:Envelope>";
  const auto opened = open_message(message, {});
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened->kept,
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>"
            "<ResponseMessage xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Header><Verb>reply</Verb>"
            "<Noun>MeterReadings</Noun><CorrelationID>t-1</CorrelationID></Header>"
            "<Reply><Result>OK</Result></Reply></ResponseMessage></e:Body></e:Envelope>");
}

TEST(CimIncoming, OnlyEventsOfTheSwitchAreResults) {
  Message message;
  message.kind = Kind::Event;
  message.header.verb = "created";
  message.header.noun = "EndDeviceEvents";
  message.header.correlation_id = "t-1";
  for (const char* type : {"3.26.9.185", "3.31.0.68"}) {
    Event event;
    event.type = type;
    event.meter = {"M1", false, ""};
    event.created = "2026-03-01T12:00:00Z";
    message.events.push_back(event);
  }
  EXPECT_EQ(results_of(encode(message)), "EndDeviceEvent|t-1|M1|3.31.0.68\n");
  message.header.correlation_id = "";
  EXPECT_EQ(results_of(encode(message)), "");  // nobody asked
  EXPECT_EQ(results_of(encode(message), "t-2"), "EndDeviceEvent|t-2|M1|3.31.0.68\n");
}

TEST(CimIncoming, ACorrelationThatCannotBeOursMakesNoResultOfReadings) {
  EXPECT_EQ(results_of(readings_message("cdd3c641-3929-486f-b331-539e6b7adf94")),
            "Reply|cdd3c641-3929-486f-b331-539e6b7adf94||OK\n");
  EXPECT_EQ(results_of(readings_message("a b")), "Reply|a b||OK\n");
}

TEST(CimIncoming, RegistersThatWereNeverSetAreCountedAndNoReading) {
  std::string message = readings_message("t-1");
  message.replace(message.find("2026-03-01T06:00:00-05:00"), 25, "1970-01-01T00:00:00Z");
  const auto decoded = read_incoming(message, {}, {});
  ASSERT_TRUE(decoded.ok());
  EXPECT_TRUE(decoded->batch.observations.empty());
  EXPECT_EQ(decoded->never_set, 1U);
  EXPECT_EQ(decoded->batch.skipped, 1U);
  ASSERT_EQ(decoded->batch.results.size(), 1U);
  EXPECT_EQ(decoded->batch.results[0].measure, "Reply");  // no reading: nothing that ends a read
}

TEST(CimIncoming, WhatCannotBeReadIsOneMalformedRecordWithItsBytes) {
  const DecodedBatch batch = read_or_quarantine("<nonsense", {}, {});
  ASSERT_EQ(batch.malformed.size(), 1U);
  EXPECT_STREQ(batch.malformed[0].reason, "unreadable_message");
  EXPECT_EQ(batch.malformed[0].raw, "<nonsense");
  EXPECT_NE(batch.malformed[0].detail.find("truncated"), std::string::npos);
}

// Secrets of each place, and of a place that no vendor describes.
std::string with_secrets(Soap soap, CredentialPlace place) {
  Message message;
  message.kind = Kind::Response;
  message.soap = soap;
  message.edition = Edition::CommandCenter;
  message.header.verb = "reply";
  message.header.noun = "MeterReadings";
  message.header.correlation_id = "t-1";
  message.header.reply_address = "https://user:reply-secret@elsewhere/";
  message.header.properties.emplace_back("Token", "property-secret");
  message.credentials = Credentials{"user-secret", Secret("password-secret")};
  message.credential_place = place;
  MeterReading reading;
  reading.meter = {"M1", true, ""};
  Reading one;
  one.type = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0";
  one.value = "1";
  one.time_stamp = "2026-03-01T12:00:00Z";
  reading.readings.push_back(one);
  message.meter_readings.push_back(reading);
  return encode(message);
}

TEST(CimKept, AMessageIsKeptWithoutWhatIsSecretAndReadsTheSame) {
  struct Case {
    Soap soap;
    CredentialPlace place;
  };
  for (const Case& one :
       {Case{Soap::None, CredentialPlace::Body}, Case{Soap::V11, CredentialPlace::Body},
        Case{Soap::V11, CredentialPlace::SoapHeader}, Case{Soap::V12, CredentialPlace::SoapHeader}}) {
    const std::string message = with_secrets(one.soap, one.place);
    ASSERT_NE(message.find("password-secret"), std::string::npos);
    const auto opened = open_message(message, {});
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    EXPECT_TRUE(opened->tells);
    EXPECT_EQ(opened->kept.find("secret"), std::string::npos) << opened->kept;
    ASSERT_TRUE(opened->message.credentials.has_value());
    EXPECT_EQ(opened->message.credentials->password.reveal(), "password-secret");
    const auto before = decode(message, with_landis_gyr()), after = decode(opened->kept, with_landis_gyr());
    ASSERT_TRUE(before.ok() && after.ok());
    ASSERT_EQ(after->batch.observations.size(), 1U);
    EXPECT_FALSE(after->message.credentials.has_value());
    EXPECT_EQ(after->message.header.correlation_id, "t-1");
    std::string was = render(*before), is = render(*after);  // the same but for "credentials: yes"
    EXPECT_EQ(is.substr(is.find('\n')), was.substr(was.find('\n')));
  }
}

TEST(CimKept, ASecondHeaderAndWrappersHideNothing) {
  const std::string message =
      "<Push><ResponseMessage xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Header><Verb>reply</Verb>"
      "<Property><Name>a</Name><Value>secret</Value></Property></Header>"
      "<Header><User><UserID>secret</UserID></User></Header><Reply><Result>OK</Result></Reply>"
      "</ResponseMessage></Push>";
  const auto opened = open_message(message, {});
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened->kept.find("secret"), std::string::npos) << opened->kept;
  EXPECT_TRUE(decode(opened->kept, {}).ok());
}

TEST(CimKept, RequestsAndOrdersTellNothing) {
  EXPECT_FALSE(open_message(encode(get_scalar_readings({{"M1", false, ""}}, {})), {})->tells);
  EXPECT_FALSE(open_message(encode(create_control("3.31.0.23", {{"M1", false, ""}})), {})->tells);
  EXPECT_TRUE(open_message(readings_message(""), {})->tells);
  EXPECT_FALSE(
      open_message("<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault>"
                   "<faultstring>x</faultstring></s:Fault></s:Body></s:Envelope>",
                   {})
          ->tells);
}

TEST(CimKept, EveryPrefixOfAMessageIsAClearError) {
  const std::string message = with_secrets(Soap::V11, CredentialPlace::Body);
  for (std::size_t cut = 0; cut < message.size(); ++cut) {
    const auto opened = open_message(message.substr(0, cut), {});
    ASSERT_FALSE(opened.ok()) << cut;
    ASSERT_EQ(opened.error().message.find("secret"), std::string::npos) << opened.error().message;
  }
}

}  // namespace
}  // namespace ami::cim
