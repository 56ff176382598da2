// Envelopes, versions, dispatch, headers, faults, HTTP header values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kRead =
    "<changedMeterReads><meterRead><meterNo>M1</meterNo><readingDate>2026-01-01T00:00:00Z</readingDate>"
    "<posKWh>5</posKWh></meterRead></changedMeterReads>";

TEST(MultiSpeakDispatch, AnyPrefixAndBothSoapVersionsAreTheSame) {
  const std::string plain = describe(decoded(soap(operation("ReadingChangedNotification", kRead))));
  EXPECT_EQ(plain, "R|M1|posKWh|posKWh|kWh|-|-|2026-01-01T00:00:00Z|5|whole_kwh|-\nK|0|0\n");
  for (const Soap version : {Soap::V11, Soap::V12}) {
    for (const std::string prefix : {"soap", "soapenv", "S-1"}) {
      const std::string message =
          "<" + prefix + ":Envelope xmlns:" + prefix + "='" + std::string(envelope_namespace(version)) +
          "'><" + prefix + ":Body><x:ReadingChangedNotification xmlns:x='" + kNs30 +
          "'><x:changedMeterReads><x:meterRead><x:meterNo>M1</x:meterNo>"
          "<x:readingDate>2026-01-01T00:00:00Z</x:readingDate><x:posKWh>5</x:posKWh></x:meterRead>"
          "</x:changedMeterReads></x:ReadingChangedNotification></" +
          prefix + ":Body></" + prefix + ":Envelope>";
      EXPECT_EQ(describe(decoded(message)), plain) << message;
    }
  }
}

TEST(MultiSpeakDispatch, TheNamespaceOfTheBodyDecidesWhateverTheHeaderSays) {
  // simple-multispeak says Version="4.0" in 4.1 messages; a broker leaves the other version's header.
  const std::string message = "<s:Envelope xmlns:s='" + std::string(envelope_namespace(Soap::V11)) +
                              "'><s:Header><MultiSpeakMsgHeader xmlns='" + kNs30 +
                              "' Version='4.0' UserID='u'/></s:Header><s:Body>" +
                              operation("PingURL", "", Version::V41) + "</s:Body></s:Envelope>";
  const auto incoming = decode_request(message, {});
  ASSERT_TRUE(incoming.ok()) << incoming.error().message;
  EXPECT_EQ(incoming->version, Version::V41);
  EXPECT_EQ(incoming->operation, Operation::PingUrl);
  EXPECT_EQ(incoming->header->version, "4.0");
  EXPECT_EQ(incoming->header->user_id, "u");
}

TEST(MultiSpeakDispatch, AMessageWithoutAHeaderHasNone) {
  const auto incoming =
      decode_request("<s:Envelope xmlns:s='" + std::string(envelope_namespace(Soap::V12)) + "'><s:Body>" +
                         operation("GetMethods", "") + "</s:Body></s:Envelope>",
                     {});
  ASSERT_TRUE(incoming.ok());
  EXPECT_EQ(incoming->soap, Soap::V12);
  EXPECT_FALSE(incoming->header.has_value());
}

TEST(MultiSpeakDispatch, Version5IsRefusedByNameWithTheVersionsThatAreSpoken) {
  for (const std::string space :
       {"http://www.multispeak.org/V5.0", "http://www.multispeak.org/V5.0/ws/request",
        "http://www.multispeak.org/V5.0/wsdl/MR_Server"}) {
    const std::string message = soap("<PingURL xmlns='" + space + "'/>");
    const auto incoming = decode_request(message, {});
    ASSERT_FALSE(incoming.ok()) << space;
    EXPECT_THAT(incoming.error().message, StartsWith("unsupported_version: MultiSpeak 5"));
    EXPECT_THAT(incoming.error().message, HasSubstr("Version_4.1_Release"));
    const SoapFault fault = fault_for(incoming.error());
    EXPECT_EQ(fault.blame, SoapFault::Blame::Sender);
    EXPECT_THAT(refusal(message), StartsWith("unsupported_version"));
  }
}

TEST(MultiSpeakDispatch, WhatIsNoMultiSpeakMessageSaysWhy) {
  const std::string soap11(envelope_namespace(Soap::V11));
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "empty_file"},
      {"hello", "not_well_formed"},
      {"<a/>", "unknown_namespace"},
      {"<Envelope xmlns='urn:other'/>", "not_soap"},
      {"<Fault xmlns='" + soap11 + "'/>", "not_soap"},
      {"<Envelope xmlns='" + soap11 + "'/>", "no_operation"},
      {"<Envelope xmlns='" + soap11 + "'><Body/></Envelope>", "no_operation"},
      {soap("<PingURL xmlns='urn:x'/>"), "unknown_namespace"},
      {soap("<PingURL/>"), "unknown_namespace"},
      {soap(operation("GetPublishMethods", "")), "unknown_operation"},
      {soap(operation("PingURLResponse", "")), "unknown_operation"},
      {"<!DOCTYPE a [<!ENTITY x 'y'>]>" + operation("PingURL", ""), "entity_declaration"},
      {soap(operation("PingURL", "")).substr(0, 200), "truncated"},
  };
  for (const auto& [message, word] : bad) {
    const auto incoming = decode_request(message, {});
    ASSERT_FALSE(incoming.ok()) << message;
    EXPECT_THAT(incoming.error().message, StartsWith(word + ":")) << message;
    EXPECT_THAT(incoming.error().message, Not(HasSubstr(kPassword)));
  }
  EXPECT_THAT(refusal(soap(operation("InitiateConnectDisconnect", ""))), StartsWith("not_a_notification"));
  EXPECT_THAT(refusal(soap(operation("PingURLResponse", ""))), StartsWith("not_a_notification"));
}

TEST(MultiSpeakDispatch, BombsAreRefusedByTheirSize) {
  Options small;
  small.limits.bytes = 1000;
  EXPECT_THAT(refusal(soap(operation("ReadingChangedNotification", std::string(2000, ' '))), small),
              StartsWith("too_large"));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  EXPECT_THAT(refusal(soap("<x xmlns='" + kNs30 + "'>" + deep)), StartsWith("too_deep"));
}

TEST(MultiSpeakNames, EveryOperationIsFoundByItsNameInEachVersion) {
  for (const Operation operation : all_operations()) {
    for (const Version version : {Version::V30, Version::V41}) {
      const auto name = name_of(operation, version);
      if (!name.empty()) {
        EXPECT_EQ(operation_named(name), operation) << name;
      }
    }
  }
  EXPECT_EQ(name_of(Operation::InitiateMeterRead, Version::V30), "InitiateMeterReadByMeterNumber");
  EXPECT_EQ(name_of(Operation::InitiateMeterRead, Version::V41), "InitiateMeterReadingsByMeterID");
  EXPECT_EQ(name_of(Operation::InitiateMeterExchange, Version::V30), "");
  EXPECT_EQ(operation_named(""), std::nullopt);
  EXPECT_EQ(operation_named("pingurl"), std::nullopt);
}

TEST(MultiSpeakHttp, ActionAndContentType) {
  EXPECT_EQ(soap_action(Operation::InitiateConnectDisconnect, Version::V30),
            "\"http://www.multispeak.org/Version_3.0/InitiateConnectDisconnect\"");
  EXPECT_EQ(soap_action(Operation::InitiateMeterRead, Version::V41),
            "\"http://www.multispeak.org/Version_4.1_Release/InitiateMeterReadingsByMeterID\"");
  EXPECT_EQ(content_type(Operation::PingUrl, Version::V30, Soap::V11), "text/xml; charset=utf-8");
  EXPECT_EQ(content_type(Operation::PingUrl, Version::V30, Soap::V12),
            "application/soap+xml; charset=utf-8; action=\"http://www.multispeak.org/Version_3.0/PingURL\"");
  EXPECT_EQ(soap_of_content_type("Application/SOAP+xml;charset=utf-8"), Soap::V12);
  EXPECT_EQ(soap_of_content_type("text/xml"), Soap::V11);
  EXPECT_EQ(soap_of_content_type(""), Soap::V11);
}

TEST(MultiSpeakHeader, BothVersionsKeepWhatTheySayAndIgnoreTheRest) {
  const auto incoming = decode_request(
      "<s:Envelope xmlns:s='" + std::string(envelope_namespace(Soap::V11)) +
          "'><s:Header><MultiSpeakMsgHeader xmlns='" + kNs41 +
          "' MajorVersion='4' MinorVersion='1' Build='6' Branch='x' BuildString='RC' UserID='u' Pwd='p' "
          "AppName='a' AppVersion='1' Company='c' SessionID='s' PreviousSessionID='q' ObjectsRemaining='12' "
          "LastSent='M9' RegistrationID='r' MessageID='m' TimeStamp='2026-01-01T00:00:00Z' "
          "Context='Production' "
          "AuditID='i' AuditPassword='ap' CSUnits='feet' xml:lang='en' Anything='else'/></s:Header><s:Body>" +
          operation("PingURL", "", Version::V41) + "</s:Body></s:Envelope>",
      {});
  ASSERT_TRUE(incoming.ok());
  const MessageHeader& header = *incoming->header;
  EXPECT_EQ(header.version, "4.1.6");
  EXPECT_EQ(header.build_string, "RC");
  EXPECT_EQ(header.app_name, "a");
  EXPECT_EQ(header.previous_session_id, "q");
  EXPECT_EQ(header.objects_remaining, 12);
  EXPECT_EQ(header.last_sent, "M9");
  EXPECT_EQ(header.registration_id, "r");
  EXPECT_EQ(header.context, "Production");
  EXPECT_EQ(header.audit_id, "i");
  EXPECT_EQ(header.audit_password.reveal(), "ap");
}

TEST(MultiSpeakHeader, RoundTripsInBothVersions) {
  for (const Version version : {Version::V30, Version::V41}) {
    Sender from = sender(version);
    from.header.app_name = "a<b>&\"c";
    from.header.session_id = "s";
    from.header.objects_remaining = 0;
    from.header.last_sent = "z";
    const auto message = encode_request(Request{}, from);
    ASSERT_TRUE(message.ok()) << message.error().message;
    const auto back = decode_request(*message, {});
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(back->header->app_name, "a<b>&\"c");
    EXPECT_EQ(back->header->password.reveal(), kPassword);
    EXPECT_EQ(back->header->objects_remaining, 0);
    EXPECT_EQ(back->header->last_sent, "z");
    EXPECT_EQ(back->header->version, version == Version::V30 ? "3.0" : "4.1.6");
    EXPECT_EQ(back->header->build_string, version == Version::V30 ? "" : "Release");
  }
}

TEST(MultiSpeakPaging, GoesOnUntilNothingRemains) {
  MessageHeader page;
  EXPECT_EQ(next_page(page, "").value(), std::nullopt);  // nothing said: no more
  page.objects_remaining = 40;
  page.last_sent = "M10";
  EXPECT_EQ(next_page(page, "").value(), "M10");
  page.objects_remaining = 0;
  EXPECT_EQ(next_page(page, "M10").value(), std::nullopt);
}

TEST(MultiSpeakPaging, NeverAsksForTheSamePageForEver) {
  MessageHeader page;
  page.objects_remaining = 40;
  EXPECT_THAT(next_page(page, "").error().message, HasSubstr("LastSent"));
  page.last_sent = "M10";
  EXPECT_FALSE(next_page(page, "M10").ok());
  page.objects_remaining = -1;  // what decoding makes of a count that is no number
  EXPECT_THAT(next_page(page, "").error().message, HasSubstr("not a whole number"));
}

TEST(MultiSpeakPaging, ACountThatIsNoNumberIsNotTheEnd) {
  for (const std::string count : {"-5", "many", "1e3", "", "99999999999999999999"}) {
    const auto response = decode_response(
        "<s:Envelope xmlns:s='" + std::string(envelope_namespace(Soap::V11)) +
            "'><s:Header><MultiSpeakMsgHeader xmlns='" + kNs30 + "' ObjectsRemaining='" + count +
            "' LastSent='M1'/></s:Header><s:Body>" +
            operation("GetReadingsByDateResponse", "<GetReadingsByDateResult/>") + "</s:Body></s:Envelope>",
        Operation::GetReadingsByDate, {});
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response->header->objects_remaining, -1) << count;
    EXPECT_FALSE(next_page(*response->header, "").ok());
  }
}

TEST(MultiSpeakFault, RoundTripsInBothSoapVersions) {
  for (const Soap soap : {Soap::V11, Soap::V12}) {
    for (const auto blame : {SoapFault::Blame::Sender, SoapFault::Blame::Receiver}) {
      SoapFault fault;
      fault.blame = blame;
      fault.reason = "disk & tape are full";
      fault.detail = "try <later>";
      const auto back = decode_response(encode_fault_message(sender(Version::V41, soap), fault),
                                        Operation::InitiateMeterRead, {});
      ASSERT_TRUE(back.ok()) << back.error().message;
      ASSERT_TRUE(back->fault.has_value());
      EXPECT_EQ(back->fault->blame, blame);
      EXPECT_EQ(back->fault->reason, "disk & tape are full");
      EXPECT_EQ(back->fault->detail, "try <later>");
    }
  }
}

TEST(MultiSpeakFault, OfOtherPrograms) {
  const auto response = decode_response(
      "<soap:Envelope xmlns:soap='http://schemas.xmlsoap.org/soap/envelope/'><soap:Body><soap:Fault>"
      "<faultcode>soap:Client.Authentication</faultcode><faultstring>no</faultstring>"
      "<detail><e xmlns='urn:x'>bad user</e><f>7</f></detail></soap:Fault></soap:Body></soap:Envelope>",
      Operation::PingUrl, {});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->fault->code, "Client.Authentication");
  EXPECT_EQ(response->fault->reason, "no");
  EXPECT_EQ(response->fault->detail, "bad user; 7");
}

}  // namespace
}  // namespace ami::multispeak::testing
