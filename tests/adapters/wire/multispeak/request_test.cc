// What we ask of a head-end: written, read back, and refused before it is sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/adapters/wire/multispeak/every_message.h"
#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak::testing {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

std::string why_not(const Request& request, Version version = Version::V30) {
  const auto sound = check(request, version);
  EXPECT_EQ(encode_request(request, sender(version)).ok(), sound.ok());
  return sound ? "sound" : sound.error().message;
}

TEST(MultiSpeakRequest, EveryOneRoundTripsInEveryVersionAndSoap) {
  for (const Version version : {Version::V30, Version::V41}) {
    for (const Soap soap : {Soap::V11, Soap::V12}) {
      for (const Request& request : every_request(version)) {
        const auto message = encode_request(request, sender(version, soap));
        ASSERT_TRUE(message.ok()) << message.error().message;
        const auto back = decode_request(*message, {});
        ASSERT_TRUE(back.ok()) << *message << back.error().message;
        EXPECT_EQ(back->operation, request.operation);
        EXPECT_EQ(back->version, version);
        EXPECT_EQ(back->soap, soap);
        EXPECT_EQ(back->transaction, request.transaction);
        const Request& read = *back->request;
        ASSERT_EQ(read.meters.size(), request.meters.size()) << *message;
        for (std::size_t i = 0; i < read.meters.size(); ++i)
          EXPECT_EQ(read.meters[i].number, request.meters[i].number);
        EXPECT_EQ(read.orders, request.orders) << *message;
        EXPECT_EQ(read.records, request.records) << *message;
        ASSERT_EQ(read.changes.size(), request.changes.size());
        for (std::size_t i = 0; i < read.changes.size(); ++i) {
          EXPECT_EQ(read.changes[i].removed.meter.number, request.changes[i].removed.meter.number);
          EXPECT_EQ(read.changes[i].installed.meter.number, request.changes[i].installed.meter.number);
        }
        EXPECT_EQ(read.response_url, request.response_url);
        EXPECT_EQ(read.expiry, request.expiry) << *message;
        EXPECT_EQ(read.start, request.start);
        EXPECT_EQ(read.end, request.end);
        EXPECT_EQ(read.request_date, request.request_date);
        EXPECT_EQ(read.billing_cycle, request.billing_cycle);
        EXPECT_EQ(read.billing_date, request.billing_date);
        EXPECT_EQ(read.block_template, request.block_template);
        EXPECT_EQ(read.kwh_look_back_days, request.kwh_look_back_days);
        EXPECT_EQ(read.kw_look_back_days, request.kw_look_back_days);
        EXPECT_EQ(read.kw_look_forward_days, request.kw_look_forward_days);
        EXPECT_EQ(read.field_names, request.field_names);
        EXPECT_EQ(read.last_received, request.last_received);
      }
    }
  }
}

TEST(MultiSpeakRequest, ASwitchOrderWithoutALoadActionIsNotSent) {
  // A demo head-end answered this with "Meter not Connected/Disconnected." and no more.
  Request request = request_for(Operation::InitiateConnectDisconnect, Version::V30);
  request.orders[0].load_action.clear();
  EXPECT_THAT(why_not(request), HasSubstr("meter \"M1\" has no loadActionCode"));
  request.orders[0].load_action = "connect";
  EXPECT_THAT(why_not(request), HasSubstr("loadActionCode \"connect\""));
  request.orders[0].load_action = "Opened";  // 4.1 has this word, 3.0 does not
  EXPECT_THAT(why_not(request, Version::V30), HasSubstr("is not one of MultiSpeak 3.0's"));
  EXPECT_EQ(why_not(request, Version::V41), "sound");
  request.orders[0].meter.number.clear();
  EXPECT_THAT(why_not(request), HasSubstr("without a meter number"));
  request.orders.clear();
  EXPECT_THAT(why_not(request), HasSubstr("no switch order"));
}

TEST(MultiSpeakRequest, WhatCannotBeAnsweredIsNotSent) {
  Request request = request_for(Operation::InitiateMeterRead, Version::V30);
  EXPECT_EQ(why_not(request), "sound");
  Request broken = request;
  broken.transaction.clear();
  EXPECT_THAT(why_not(broken), HasSubstr("transactionID is missing"));
  broken = request;
  broken.response_url.clear();
  EXPECT_THAT(why_not(broken), HasSubstr("responseURL is missing"));
  broken = request;
  broken.expiry.reset();
  EXPECT_THAT(why_not(broken), HasSubstr("expiry"));
  broken.expiry = 0s;
  EXPECT_THAT(why_not(broken), HasSubstr("expiry"));
  broken = request;
  broken.meters.clear();
  EXPECT_THAT(why_not(broken), HasSubstr("names no meter"));
  broken.meters.push_back({});
  EXPECT_THAT(why_not(broken), HasSubstr("has no number"));
}

TEST(MultiSpeakRequest, ImpossibleOnesSayWhatIsWrong) {
  Request request;
  request.operation = Operation::InitiateMeterExchange;
  EXPECT_THAT(why_not(request, Version::V30), HasSubstr("MultiSpeak 3.0 has no InitiateMeterExchange"));
  request.operation = Operation::ReadingChanged;
  EXPECT_THAT(why_not(request), HasSubstr("is not a request"));
  request.operation = Operation::GetReadingsByDate;
  request.start = "yesterday";
  EXPECT_THAT(why_not(request), HasSubstr("startDate \"yesterday\" is not a date-time"));
  request = {};
  request.operation = Operation::GetLatestReading;
  request.meters = {{"M1"}, {"M2"}};
  EXPECT_THAT(why_not(request), HasSubstr("one meter, not several"));
}

TEST(MultiSpeakRequest, TheExpiryIsNeverShortened) {
  const auto written = [](std::chrono::seconds expiry, Version version, std::chrono::seconds unit) {
    Request request = request_for(Operation::InitiateMeterRead, version);
    request.expiry = expiry;
    const auto message = encode_request(request, sender(version), unit);
    const auto from = message->find(version == Version::V30 ? "<expirationTime" : "<expTime");
    return message->substr(from, message->find("</", from) - from);
  };
  EXPECT_EQ(written(15min, Version::V30, 60s), "<expirationTime>15");
  EXPECT_EQ(written(90s, Version::V30, 60s), "<expirationTime>1.5");
  EXPECT_EQ(written(100s, Version::V30, 60s), "<expirationTime>1.667");  // 1.6666… rounded up
  EXPECT_EQ(written(6h, Version::V30, 3600s), "<expirationTime>6");
  EXPECT_EQ(written(15min, Version::V41, 60s), "<expTime units=\"Minutes\">15");
  EXPECT_EQ(written(100s, Version::V41, 60s), "<expTime units=\"Seconds\">100");
}

TEST(MultiSpeakRequest, ExpiriesOfOtherPrograms) {
  const auto read = [](const std::string& element) {
    const auto incoming = decode_request(
        soap(operation("InitiateMeterReadByMeterNumber", "<transactionID>t</transactionID>" + element)), {});
    return incoming.value().request->expiry;
  };
  EXPECT_EQ(read("<expirationTime>1.5E1</expirationTime>"), 15min);
  EXPECT_EQ(read("<expirationTime>0.01</expirationTime>"), 1s);  // 0.6 s rounded up
  EXPECT_EQ(read("<expTime units='Hours'>2</expTime>"), 2h);
  EXPECT_EQ(read("<expTime units='Milliseconds'>1500</expTime>"), 2s);
  EXPECT_EQ(read("<expTime>3</expTime>"), 3min);
  for (const char* none :
       {"<expTime units='Months'>2</expTime>", "<expirationTime>soon</expirationTime>",
        "<expirationTime>-1</expirationTime>", "<expirationTime>0</expirationTime>",
        "<expirationTime>INF</expirationTime>", "<expirationTime>1E18</expirationTime>", ""})
    EXPECT_EQ(read(none), std::nullopt) << none;
}

TEST(MultiSpeakRequest, MetersAreFoundWhereverSendersPutTheNumber) {
  for (const char* id : {"<meterID meterNo='M1'>M1</meterID>", "<meterID>M1</meterID>",
                         "<meterID meterNo='M1'/>", "<meterID meterNo='M1'>other</meterID>"}) {
    const auto incoming =
        decode_request(soap(operation("InitiateMeterReadingsByMeterID",
                                      "<meterIDs>" + std::string(id) + "</meterIDs>", Version::V41)),
                       {});
    ASSERT_TRUE(incoming.ok());
    ASSERT_EQ(incoming->request->meters.size(), 1U);
    EXPECT_EQ(incoming->request->meters[0].number, "M1") << id;
  }
}

}  // namespace
}  // namespace ami::multispeak::testing
