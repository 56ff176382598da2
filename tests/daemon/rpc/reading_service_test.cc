#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/daemon/rpc/services_fixture.h"

namespace ami::rpc {
namespace {

using testing::reason_of;
using testing::stamp;
using testing::text_of;
using Stub = v1::ReadingService::Stub;

class ReadingServiceTest : public testing::ServicesTest {
 protected:
  ReadingServiceTest() : ServicesTest(testing::create_filled_database()) {}

  grpc::Status latest(const v1::GetLatestRequest& request) {
    return call(readings, &Stub::GetLatest, request, latest_response);
  }
  static v1::GetLatestRequest latest_of(const std::vector<std::string>& names) {
    v1::GetLatestRequest request;
    for (const std::string& name : names) request.add_names("utilities/maui/" + name);
    return request;
  }
  grpc::Status registers(const v1::ListRegistersRequest& request) {
    return call(readings, &Stub::ListRegisters, request, list_response);
  }
  static v1::StreamIntervalsRequest stream_of(const std::vector<std::string>& names,
                                              const std::string& start = "2013-04-07T00:00:00Z",
                                              const std::string& end = "2013-04-09T00:00:00Z") {
    v1::StreamIntervalsRequest request;
    for (const std::string& name : names) request.add_names("utilities/maui/" + name);
    *request.mutable_start() = stamp(start);
    *request.mutable_end() = stamp(end);
    request.set_purpose("test of the stream");
    return request;
  }
  grpc::Status stream(const v1::StreamIntervalsRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{30});
    messages.clear();
    const auto reader = readings->StreamIntervals(&context, request);
    v1::StreamIntervalsResponse message;
    while (reader->Read(&message)) messages.push_back(message);
    return reader->Finish();
  }
  // "channel start value" of each slot, values as mantissa e exponent, "-" for a hole.
  std::vector<std::string> slots() const {
    std::map<std::uint32_t, std::string> channels;
    std::vector<std::string> lines;
    for (const v1::StreamIntervalsResponse& message : messages) {
      for (const auto& entry : message.dictionary().channels()) channels[entry.number()] = entry.channel();
      if (!message.has_block()) continue;
      const v1::Block& block = message.block();
      for (int i = 0; i < block.mantissas_size(); ++i) {
        google::protobuf::Timestamp start = block.first_start();
        start.set_seconds(start.seconds() + std::int64_t{block.length_s()} * i);
        const auto byte = static_cast<std::size_t>(i / 8);
        const bool hole = byte < block.missing().size() &&
                          ((static_cast<unsigned char>(block.missing()[byte]) >> (i % 8)) & 1) != 0;
        lines.push_back(channels.at(block.channel()) + " " + text_of(start) + " " +
                        (hole ? std::string("-")
                              : std::to_string(block.mantissas(i)) + "e" + std::to_string(block.exponent())));
      }
    }
    return lines;
  }

  v1::GetLatestResponse latest_response;
  v1::ListRegistersResponse list_response;
  std::vector<v1::StreamIntervalsResponse> messages;
};

TEST_F(ReadingServiceTest, LatestCarriesValueUnitQualityAndWhereItComesFrom) {
  const grpc::Status status = latest(latest_of({"meters/m1"}));
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(latest_response.latest_size(), 1);
  ASSERT_EQ(latest_response.latest(0).values_size(), 2);
  const auto& values = latest_response.latest(0).values();
  const auto energy = std::ranges::find(values, std::string("ssn:reg:1"), &v1::RegisterValue::channel);
  ASSERT_NE(energy, values.end());
  EXPECT_EQ(energy->value(), "12400.000");
  EXPECT_EQ(energy->unit(), "Wh");
  EXPECT_EQ(energy->quantity(), v1::ENERGY_DELIVERED);
  EXPECT_EQ(energy->reading_type(), testing::kBulkEnergy);
  EXPECT_EQ(energy->meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(energy->usage_point(), "utilities/maui/usagePoints/up1");
  EXPECT_EQ(energy->time_zone(), "Pacific/Honolulu");
  EXPECT_EQ(text_of(energy->time()), "2013-04-09T00:00:00Z");
  EXPECT_EQ(text_of(energy->received_at()), "2013-04-09T14:00:00Z");
  ASSERT_EQ(energy->quality().codes_size(), 1);
  EXPECT_EQ(energy->quality().codes(0), "2.5.258");
  EXPECT_EQ(energy->quality().green_button(), 10);
  EXPECT_EQ(energy->quality().vendor_flag(), "R0");
  EXPECT_EQ(energy->type_approval(), v1::TYPE_APPROVAL_NO_REGIME);
  EXPECT_EQ(energy->verification(), v1::VERIFICATION_UNKNOWN);
  EXPECT_EQ(energy->origin(), v1::ORIGIN_SOURCE_REGISTER);
  EXPECT_EQ(energy->time_source(), v1::TIME_SOURCE_DEVICE);
  EXPECT_TRUE(energy->source().starts_with("utilities/maui/sources/"));
  EXPECT_EQ(energy->multiplier(), "1");
  EXPECT_FALSE(energy->multiplier_applied());
}

TEST_F(ReadingServiceTest, UtilityUnderANoticeHasAnUnknownApproval) {
  v1::GetLatestRequest request;
  request.add_names("utilities/oahu/meters/m1");
  ASSERT_TRUE(latest(request).ok());
  ASSERT_EQ(latest_response.latest(0).values_size(), 1);
  EXPECT_EQ(latest_response.latest(0).values(0).value(), "1");  // not the value of maui's meter of that name
  EXPECT_EQ(latest_response.latest(0).values(0).type_approval(), v1::TYPE_APPROVAL_UNKNOWN);
}

TEST_F(ReadingServiceTest, LatestKeepsTheOrderAskedAndSaysWhyAValueIsMissing) {
  ASSERT_TRUE(
      latest(latest_of({"meters/dry", "meters/m1x", "usagePoints/up1", "meters/m1", "meters/dry"})).ok());
  ASSERT_EQ(latest_response.latest_size(), 5);
  EXPECT_EQ(latest_response.latest(0).missing().reason(), v1::Missing::NO_READING);
  EXPECT_EQ(latest_response.latest(1).missing().reason(), v1::Missing::UNKNOWN_ID);
  EXPECT_NE(latest_response.latest(1).missing().detail().find("m1"), std::string::npos);
  EXPECT_EQ(latest_response.latest(2).name(), "utilities/maui/usagePoints/up1");
  EXPECT_EQ(latest_response.latest(2).values_size(), 2);
  EXPECT_EQ(latest_response.latest(3).values_size(), 2);
  EXPECT_EQ(latest_response.latest(4).missing().reason(), v1::Missing::NO_READING);
}

TEST_F(ReadingServiceTest, QuantitiesChooseTheChannels) {
  v1::GetLatestRequest request = latest_of({"meters/m1"});
  request.add_quantities(v1::VOLTAGE);
  ASSERT_TRUE(latest(request).ok());
  ASSERT_EQ(latest_response.latest(0).values_size(), 1);
  EXPECT_EQ(latest_response.latest(0).values(0).value(), "240.5");
  EXPECT_EQ(latest_response.latest(0).values(0).unit(), "V");
}

TEST_F(ReadingServiceTest, MultiplierIsBesideTheValueAndAppliedOnlyWhenAsked) {
  v1::GetLatestRequest request = latest_of({"usagePoints/up2"});
  ASSERT_TRUE(latest(request).ok());
  ASSERT_EQ(latest_response.latest(0).values_size(), 1);
  EXPECT_EQ(latest_response.latest(0).values(0).value(), "100.5");
  EXPECT_EQ(latest_response.latest(0).values(0).multiplier(), "40");
  request.set_apply_multiplier(true);
  ASSERT_TRUE(latest(request).ok());
  EXPECT_EQ(latest_response.latest(0).values(0).value(), "4020.0");
  EXPECT_TRUE(latest_response.latest(0).values(0).multiplier_applied());
  EXPECT_EQ(latest_response.latest(0).values(0).origin(), v1::ORIGIN_PROCESSED);
}

TEST_F(ReadingServiceTest, LatestRefusesTooManyOrMixedNames) {
  EXPECT_EQ(field_of(latest({})), "names");
  v1::GetLatestRequest many;
  for (int i = 0; i < 1001; ++i) many.add_names("utilities/maui/meters/m1");
  EXPECT_EQ(field_of(latest(many)), "names");
  many.mutable_names()->DeleteSubrange(1000, 1);
  EXPECT_TRUE(latest(many).ok());
  EXPECT_EQ(latest_response.latest_size(), 1000);
  v1::GetLatestRequest mixed = latest_of({"meters/m1"});
  mixed.add_names("utilities/oahu/meters/m1");
  EXPECT_EQ(field_of(latest(mixed)), "names[1]");
  mixed.set_names(1, "m1");
  EXPECT_EQ(field_of(latest(mixed)), "names[1]");
  v1::GetLatestRequest odd = latest_of({"meters/m1"});
  odd.set_newest_by(static_cast<v1::TimeBasis>(7));
  EXPECT_EQ(field_of(latest(odd)), "newest_by");
}

TEST_F(ReadingServiceTest, RegistersOfAPeriodComeInPages) {
  v1::ListRegistersRequest request;
  request.set_name("utilities/maui/meters/m1");
  request.set_page_size(1);
  std::vector<std::string> seen;
  do {
    const grpc::Status status = registers(request);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const auto& value : list_response.values()) {
      seen.push_back(value.channel() + " " + text_of(value.time()) + " " + value.value());
    }
    request.set_page_token(list_response.next_page_token());
    ASSERT_LT(seen.size(), 9U);
  } while (!list_response.next_page_token().empty());
  EXPECT_EQ(seen, (std::vector<std::string>{"ssn:reg:1 2013-04-08T00:00:00Z 12345.678",
                                            "ssn:reg:1 2013-04-09T00:00:00Z 12400.000",
                                            "ssn:v 2013-04-08T00:00:00Z 240.5"}));
}

TEST_F(ReadingServiceTest, PeriodOfRegistersIncludesItsStartAndNotItsEnd) {
  v1::ListRegistersRequest request;
  request.set_name("utilities/maui/usagePoints/up1");
  request.add_quantities(v1::ENERGY_DELIVERED);
  *request.mutable_start() = stamp("2013-04-08T00:00:00Z");
  *request.mutable_end() = stamp("2013-04-09T00:00:00Z");
  ASSERT_TRUE(registers(request).ok());
  ASSERT_EQ(list_response.values_size(), 1);
  EXPECT_EQ(list_response.values(0).value(), "12345.678");
  *request.mutable_end() = request.start();
  EXPECT_EQ(field_of(registers(request)), "end");
  request.set_name("utilities/maui/usagePoints/up3");
  request.clear_end();
  EXPECT_EQ(reason_of(registers(request)), "USAGE_POINT_NOT_FOUND");
}

TEST_F(ReadingServiceTest, StreamGivesEverySlotOfBothChannelsExactly) {
  const grpc::Status status = stream(stream_of({"meters/m1"}));
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_FALSE(messages.empty());
  EXPECT_TRUE(messages[0].has_dictionary());
  std::vector<std::string> holes_cut;  // a store may keep holes at the ends of a day or not
  for (const std::string& line : slots()) {
    if (!line.ends_with(" -") || line.find("23:15") != std::string::npos) holes_cut.push_back(line);
  }
  EXPECT_EQ(holes_cut,
            (std::vector<std::string>{
                "ssn:lp:1 2013-04-07T23:00:00Z 1815e-2", "ssn:lp:1 2013-04-07T23:15:00Z -",
                "ssn:lp:1 2013-04-07T23:30:00Z 0e-2", "ssn:lp:1 2013-04-07T23:45:00Z 420e-2",
                "ssn:lp:1 2013-04-08T00:00:00Z 500e-2", "ssn:lp:1 2013-04-08T00:15:00Z 600e-2",
                "ssn:lp:1 2013-04-08T00:30:00Z 700e-2", "ssn:lp:1 2013-04-08T00:45:00Z 900719925474099300e-2",
                "ssn:lp:2 2013-04-08T00:00:00Z -1e0", "ssn:lp:2 2013-04-08T00:15:00Z 2e0"}));
  const auto& entry = messages[0].dictionary().channels(0);
  EXPECT_EQ(entry.unit(), "Wh");
  EXPECT_EQ(entry.usage_point(), "utilities/maui/usagePoints/up1");
  EXPECT_EQ(entry.time_zone(), "Pacific/Honolulu");
  EXPECT_EQ(entry.origin(), v1::ORIGIN_MODULE_RECORDER);  // AX-SD has no recorder of its own
  EXPECT_EQ(entry.reading_type(), testing::kIntervalEnergy);
}

TEST_F(ReadingServiceTest, EverySlotWithAValueHasASource) {
  ASSERT_TRUE(stream(stream_of({"usagePoints/up1"})).ok());
  std::map<std::uint32_t, std::string> sources;
  int blocks = 0;
  for (const auto& message : messages) {
    for (const auto& source : message.dictionary().sources()) sources[source.number()] = source.source();
    if (!message.has_block()) continue;
    ++blocks;
    std::vector<bool> covered(static_cast<std::size_t>(message.block().mantissas_size()), false);
    for (const auto& run : message.block().sources()) {
      EXPECT_TRUE(sources.at(run.number()).starts_with("utilities/maui/sources/"));
      for (std::uint32_t i = 0; i < run.count(); ++i) covered.at(run.first() + i) = true;
    }
    for (std::size_t i = 0; i < covered.size(); ++i) {
      const auto missing = message.block().missing();
      const bool hole =
          i / 8 < missing.size() && ((static_cast<unsigned char>(missing[i / 8]) >> (i % 8)) & 1) != 0;
      EXPECT_TRUE(hole || covered[i]) << i;
    }
  }
  EXPECT_GT(blocks, 0);
}

TEST_F(ReadingServiceTest, PeriodOfTheStreamCutsBlocks) {
  ASSERT_TRUE(stream(stream_of({"meters/m1"}, "2013-04-08T00:15:00Z", "2013-04-08T00:45:00Z")).ok());
  EXPECT_EQ(slots(), (std::vector<std::string>{"ssn:lp:1 2013-04-08T00:15:00Z 600e-2",
                                               "ssn:lp:1 2013-04-08T00:30:00Z 700e-2",
                                               "ssn:lp:2 2013-04-08T00:15:00Z 2e0"}));
}

TEST_F(ReadingServiceTest, StreamOfSeveralNamesFollowsTheirOrder) {
  ASSERT_TRUE(stream(stream_of({"meters/dry", "usagePoints/up1", "meters/m1"})).ok());
  std::vector<std::string> names;
  std::map<std::uint32_t, std::string> channels;
  for (const auto& message : messages) {
    for (const auto& entry : message.dictionary().channels()) channels[entry.number()] = entry.name();
    if (!message.has_block()) continue;
    const std::string name = channels.at(message.block().channel());
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"utilities/maui/usagePoints/up1", "utilities/maui/meters/m1"}));
}

TEST_F(ReadingServiceTest, ReadingIntervalsNeedsAPurposeAndIsLoggedByUsagePoint) {
  v1::StreamIntervalsRequest request = stream_of({"meters/m1", "usagePoints/up2", "meters/dry"});
  request.clear_purpose();
  EXPECT_EQ(reason_of(stream(request)), "PURPOSE_REQUIRED");
  EXPECT_TRUE(messages.empty());
  EXPECT_TRUE(fixture.log.of(CallRecord::Kind::Access).empty());

  request.set_purpose("billing run 7");
  ASSERT_TRUE(stream(request).ok());
  const std::vector<CallRecord> log = fixture.log.of(CallRecord::Kind::Access);
  ASSERT_EQ(log.size(), 3U);
  EXPECT_EQ(log[0].usage_point, "up1");
  EXPECT_EQ(log[0].meter, "m1");
  EXPECT_EQ(log[0].utility, "maui");
  EXPECT_EQ(log[0].purpose, "billing run 7");
  EXPECT_EQ(log[0].caller, "local operator");
  EXPECT_EQ(log[0].rpc, "/ami.v1.ReadingService/StreamIntervals");
  EXPECT_EQ(log[1].usage_point, "up2");
  EXPECT_EQ(log[2].usage_point, "");
  EXPECT_EQ(log[2].meter, "dry");
}

TEST_F(ReadingServiceTest, StreamRefusesBadRequestsBeforeTheFirstMessage) {
  v1::StreamIntervalsRequest request = stream_of({"meters/m1", "meters/nobody"});
  EXPECT_EQ(reason_of(stream(request)), "METER_NOT_FOUND");
  EXPECT_TRUE(messages.empty());
  request = stream_of({"meters/m1"});
  request.clear_start();
  EXPECT_EQ(field_of(stream(request)), "start");
  request = stream_of({"meters/m1"});
  request.clear_end();
  EXPECT_EQ(field_of(stream(request)), "end");
  EXPECT_EQ(field_of(stream(stream_of({"meters/m1"}, "2013-04-09T00:00:00Z", "2013-04-08T00:00:00Z"))),
            "end");
  EXPECT_EQ(field_of(stream(stream_of({"meters/m1"}, "2010-01-01T00:00:00Z", "2014-01-01T00:00:00Z"))),
            "end");
  EXPECT_EQ(field_of(stream(stream_of({}))), "names");
}

TEST_F(ReadingServiceTest, CallerThatStopsReadingEndsTheStream) {
  grpc::ClientContext context;
  const auto reader = readings->StreamIntervals(&context, stream_of({"meters/m1"}));
  v1::StreamIntervalsResponse message;
  ASSERT_TRUE(reader->Read(&message));
  context.TryCancel();
  while (reader->Read(&message)) {
  }
  reader->Finish();
  fixture.server->drain(std::chrono::seconds{20});  // hangs if the call were still held
  SUCCEED();
}

}  // namespace
}  // namespace ami::rpc
