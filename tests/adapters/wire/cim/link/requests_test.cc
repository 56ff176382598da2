// Attempts as messages, read back by the codec and compared with golden files.
#include "adapters/wire/cim/link/requests.h"

#include <gtest/gtest.h>

#include "adapters/wire/cim/codec/cim.h"
#include "adapters/wire/cim/codec/encode.h"
#include "tests/adapters/wire/cim/render.h"

namespace ami::cim {
namespace {

using sdk::CommandKind;

const UtcInstant kNow = *parse_instant("2026-03-01T12:00:00Z");

sdk::Attempt attempt(CommandKind kind, std::vector<std::string> meters) {
  sdk::Attempt out;
  out.transaction = "2s-1-t7v0u8";
  out.kind = kind;
  out.meters = std::move(meters);
  out.from = *parse_instant("2026-02-28T05:00:00Z");
  out.to = *parse_instant("2026-03-01T05:00:00Z");
  return out;
}

Message sent(const sdk::Attempt& what, const RequestSettings& settings) {
  const auto request = request_of(what, kNow, settings);
  EXPECT_TRUE(request.ok()) << request.error().message;
  if (!request) return {};
  Options options;
  options.landis_gyr = true;
  auto decoded = decode(encode(*request), options);
  EXPECT_TRUE(decoded.ok());
  return decoded ? std::move(decoded->message) : Message{};
}

TEST(CimRequest, AReadAsksForPresentValuesAndSaysWhereTheAnswerGoes) {
  RequestSettings settings;
  settings.reply_address = "https://gateway.example:8445/cim";
  settings.read_types = {"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"};
  const Message message = sent(attempt(CommandKind::Read, {"M1", "M2"}), settings);
  EXPECT_EQ(message.header.verb, "get");
  EXPECT_EQ(message.header.noun, "MeterReadings");
  EXPECT_EQ(message.header.message_id, "2s-1-t7v0u8");
  EXPECT_EQ(message.header.correlation_id, "2s-1-t7v0u8");
  EXPECT_EQ(message.header.timestamp, "2026-03-01T12:00:00Z");
  EXPECT_EQ(message.header.async_reply_flag, "true");
  EXPECT_EQ(message.header.reply_address, "https://gateway.example:8445/cim");
  ASSERT_EQ(message.request.meters.size(), 2U);
  EXPECT_EQ(message.request.meters[1].id, "M2");
  EXPECT_FALSE(message.request.meters[1].mrid);
  EXPECT_EQ(message.request.reading_types, std::vector<std::string>{"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"});
  EXPECT_EQ(message.request.start_time, "");
  EXPECT_FALSE(message.credentials.has_value());
}

TEST(CimRequest, APingIsARead) {
  const Message message = sent(attempt(CommandKind::Ping, {"M1"}), {});
  EXPECT_EQ(message.header.verb, "get");
  EXPECT_EQ(message.header.noun, "MeterReadings");
  EXPECT_EQ(message.header.async_reply_flag, "false");  // nowhere to reply to
}

TEST(CimRequest, ABackfillNamesItsPeriodInUtc) {
  RequestSettings settings;
  settings.interval_types = {"0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"};
  const Message message = sent(attempt(CommandKind::Backfill, {"M1"}), settings);
  EXPECT_EQ(message.request.start_time, "2026-02-28T05:00:00Z");
  EXPECT_EQ(message.request.end_time, "2026-03-01T05:00:00Z");
  EXPECT_EQ(message.request.reading_types.size(), 1U);
  sdk::Attempt backwards = attempt(CommandKind::Backfill, {"M1"});
  std::swap(backwards.from, backwards.to);
  EXPECT_FALSE(request_of(backwards, kNow, settings).ok());
}

TEST(CimRequest, ASwitchCommandIsOneControlOfOneMeterOnAConnectionOfItsOwn) {
  RequestSettings settings;
  const auto open = attempt(CommandKind::SwitchOpen, {"M1"});
  const Message message = sent(open, settings);
  EXPECT_EQ(message.header.verb, "create");
  EXPECT_EQ(message.header.noun, "EndDeviceControls");
  ASSERT_EQ(message.controls.size(), 1U);
  EXPECT_EQ(message.controls[0].type, "3.31.0.23");
  EXPECT_EQ(message.controls[0].meters.at(0).id, "M1");
  EXPECT_TRUE(call_of(message, open, settings).fresh_connection);
  EXPECT_FALSE(call_of(message, open, settings).safe_to_repeat);
  EXPECT_EQ(sent(attempt(CommandKind::SwitchClose, {"M1"}), settings).controls.at(0).type, "3.31.0.18");
  EXPECT_FALSE(request_of(attempt(CommandKind::SwitchOpen, {"M1", "M2"}), kNow, settings).ok());
  EXPECT_FALSE(call_of(message, attempt(CommandKind::Read, {"M1"}), settings).fresh_connection);
}

TEST(CimRequest, WhatHasNoCodeOrNoRequestIsRefusedInWords) {
  const auto arm = request_of(attempt(CommandKind::SwitchArm, {"M1"}), kNow, {});
  ASSERT_FALSE(arm.ok());
  EXPECT_NE(arm.error().message.find("no control code"), std::string::npos);
  EXPECT_FALSE(request_of(attempt(CommandKind::DemandReset, {"M1"}), kNow, {}).ok());
  EXPECT_FALSE(request_of(attempt(CommandKind::SwitchState, {"M1"}), kNow, {}).ok());
  RequestSettings with_code;
  with_code.codes.arm = "3.31.0.5";
  EXPECT_EQ(sent(attempt(CommandKind::SwitchArm, {"M1"}), with_code).controls.at(0).type, "3.31.0.5");
}

TEST(CimRequest, EachEnvelopeHasItsContentTypeAndAction) {
  RequestSettings settings;
  settings.soap_action = "urn:read";
  const auto read = attempt(CommandKind::Read, {"M1"});
  const auto header = [&](Soap soap, const char* name) -> std::string {
    settings.soap = soap;
    const http::Call call = call_of(request_of(read, kNow, settings).value(), read, settings);
    const std::string* found = call.headers.find(name);
    return found == nullptr ? "-" : *found;
  };
  EXPECT_EQ(header(Soap::V11, "Content-Type"), "text/xml; charset=utf-8");
  EXPECT_EQ(header(Soap::V11, "SOAPAction"), "\"urn:read\"");
  EXPECT_EQ(header(Soap::V12, "Content-Type"), "application/soap+xml; charset=utf-8; action=\"urn:read\"");
  EXPECT_EQ(header(Soap::V12, "SOAPAction"), "-");
  EXPECT_EQ(header(Soap::None, "Content-Type"), "application/xml; charset=utf-8");
  EXPECT_EQ(header(Soap::None, "SOAPAction"), "-");
}

// Written by hand from the public description of Command Center's two ways.
TEST(CimRequest, CredentialsStandWhereCommandCenterWantsThem) {
  RequestSettings settings;
  settings.edition = Edition::CommandCenter;
  settings.credentials = Credentials{"gateway", Secret("open sesame")};
  settings.reply_address = "https://gateway.example:8445/cim";
  settings.revision = "1.5";
  settings.meter_is_mrid = true;
  const std::string folder = test_folder() + "link/golden/";
  const auto text = [&] {
    return encode(request_of(attempt(CommandKind::Read, {"M1"}), kNow, settings).value()) + "\n";
  };
  settings.place = CredentialPlace::Body;
  EXPECT_EQ(text(), read_file(folder + "command_center_1_2_read.xml"));
  settings.place = CredentialPlace::SoapHeader;
  EXPECT_EQ(text(), read_file(folder + "command_center_2_0_read.xml"));
}

TEST(CimRequest, ADisconnectOfTheSecondEditionIsAsPublished) {
  RequestSettings settings;
  settings.soap = Soap::None;
  settings.reply_address = "https://gateway.example:8445/cim";
  EXPECT_EQ(encode(request_of(attempt(CommandKind::SwitchOpen, {"M1"}), kNow, settings).value()) + "\n",
            read_file(test_folder() + "link/golden/disconnect.xml"));
}

}  // namespace
}  // namespace ami::cim
