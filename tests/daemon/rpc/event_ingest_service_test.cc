#include <gtest/gtest.h>

#include "tests/daemon/rpc/services_fixture.h"

namespace ami::rpc {
namespace {

using testing::reason_of;
using testing::stamp;
using testing::text_of;

class EventIngestServiceTest : public testing::ServicesTest {
 protected:
  EventIngestServiceTest() : ServicesTest(testing::create_filled_database()) {}
};

TEST_F(EventIngestServiceTest, EventsAreListedWithOurKindAndTheVendorsWords) {
  v1::ListEventsRequest request;
  request.set_parent("utilities/maui");
  v1::ListEventsResponse response;
  ASSERT_TRUE(call(events, &v1::EventService::Stub::List, request, response).ok());
  ASSERT_EQ(response.events_size(), 2);
  const v1::Event& outage = response.events(0);
  EXPECT_EQ(outage.kind(), "OUTAGE");
  EXPECT_EQ(outage.code(), "3.26.0.47");
  EXPECT_EQ(text_of(outage.time()), "2013-04-08T01:02:03Z");
  EXPECT_EQ(outage.meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(outage.usage_point(), "utilities/maui/usagePoints/up1");
  EXPECT_EQ(outage.vendor(), "ssn");
  EXPECT_EQ(outage.vendor_code(), "OUT");
  EXPECT_EQ(outage.vendor_text(), "as sent");
  EXPECT_EQ(response.events(1).kind(), "UNMAPPED");
  EXPECT_EQ(response.events(1).code(), "");
  EXPECT_EQ(response.events(1).vendor_code(), "WHAT");
}

TEST_F(EventIngestServiceTest, EventsAreFilteredByMeterKindAndTime) {
  const auto count = [&](const v1::ListEventsRequest& request) {
    v1::ListEventsResponse response;
    const grpc::Status status = call(events, &v1::EventService::Stub::List, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.events_size();
  };
  v1::ListEventsRequest request;
  request.set_parent("utilities/maui");
  request.add_kinds("OUTAGE");
  EXPECT_EQ(count(request), 1);
  request.set_meter("utilities/maui/meters/dry");
  EXPECT_EQ(count(request), 0);
  request.set_meter("utilities/maui/meters/m1");
  EXPECT_EQ(count(request), 1);
  *request.mutable_start() = stamp("2013-04-08T01:02:04Z");
  EXPECT_EQ(count(request), 0);
  request.clear_kinds();
  EXPECT_EQ(count(request), 1);
  request.set_parent("utilities/oahu");
  request.clear_meter();
  EXPECT_EQ(count(request), 0);
}

TEST_F(EventIngestServiceTest, EventsOfAnUnknownOrForeignMeterAreRefused) {
  v1::ListEventsRequest request;
  request.set_parent("utilities/maui");
  request.set_meter("utilities/maui/meters/nobody");
  v1::ListEventsResponse response;
  EXPECT_EQ(reason_of(call(events, &v1::EventService::Stub::List, request, response)), "METER_NOT_FOUND");
  request.set_meter("utilities/oahu/meters/m1");
  EXPECT_EQ(field_of(call(events, &v1::EventService::Stub::List, request, response)), "meter");
  request.clear_meter();
  for (int i = 0; i < 51; ++i) request.add_kinds("OUTAGE");
  EXPECT_EQ(field_of(call(events, &v1::EventService::Stub::List, request, response)), "kinds");
  request.clear_kinds();
  request.clear_parent();
  EXPECT_EQ(field_of(call(events, &v1::EventService::Stub::List, request, response)), "parent");
}

TEST_F(EventIngestServiceTest, SourcesTellFileHashAndMapping) {
  v1::ListSourcesRequest request;
  request.set_parent("utilities/maui");
  v1::ListSourcesResponse response;
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::ListSources, request, response).ok());
  ASSERT_EQ(response.sources_size(), 1);
  EXPECT_EQ(response.sources(0).file(), "file-a.xml");
  EXPECT_EQ(response.sources(0).feed(), "feed-1");
  EXPECT_EQ(response.sources(0).content_sha256(), std::string(64, 'a'));
  EXPECT_EQ(response.sources(0).mapping_version(), 3);
  request.set_feed("another");
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::ListSources, request, response).ok());
  EXPECT_EQ(response.sources_size(), 0);
}

TEST_F(EventIngestServiceTest, RawRecordsOfTheQuarantineNeedAPurposeAndAreLogged) {
  v1::ListQuarantineRequest request;
  request.set_parent("utilities/maui");
  v1::ListQuarantineResponse response;
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::ListQuarantine, request, response).ok());
  ASSERT_EQ(response.items_size(), 1);
  EXPECT_EQ(response.items(0).reason(), "unknown_unit");
  EXPECT_EQ(response.items(0).detail(), "unit XYZ is not in the map");
  EXPECT_EQ(response.items(0).meter(), "10042");
  EXPECT_EQ(response.items(0).offset(), 77U);
  EXPECT_EQ(response.items(0).state(), v1::QuarantineItem::OPEN);
  EXPECT_EQ(response.items(0).file(), "file-a.xml");
  EXPECT_EQ(response.items(0).raw(), "");
  EXPECT_TRUE(fixture.log.of(CallRecord::Kind::Access).empty());

  request.set_include_raw(true);
  EXPECT_EQ(reason_of(call(ingest, &v1::IngestService::Stub::ListQuarantine, request, response)),
            "PURPOSE_REQUIRED");
  request.set_purpose("find the unit");
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::ListQuarantine, request, response).ok());
  EXPECT_EQ(response.items(0).raw(), "MEPMD01,...,XYZ");
  ASSERT_EQ(fixture.log.of(CallRecord::Kind::Access).size(), 1U);
  EXPECT_EQ(fixture.log.of(CallRecord::Kind::Access)[0].purpose, "find the unit");

  request.set_reason("bad_number");
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::ListQuarantine, request, response).ok());
  EXPECT_EQ(response.items_size(), 0);
  request.clear_reason();
  request.set_state(v1::QuarantineItem::REPLAYED);
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::ListQuarantine, request, response).ok());
  EXPECT_EQ(response.items_size(), 0);
}

TEST_F(EventIngestServiceTest, ReplayIsHandedOnWithItsUtility) {
  fixture.replay_answer = ReplayReport{5, 3, 2};
  v1::ReplayRequest request;
  request.set_parent("utilities/maui");
  request.add_ids(11);
  request.add_ids(12);
  request.set_reason("unknown_unit");
  v1::ReplayResponse response;
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::Replay, request, response).ok());
  EXPECT_EQ(response.replayed(), 5U);
  EXPECT_EQ(response.settled(), 3U);
  EXPECT_EQ(response.still_quarantined(), 2U);
  ASSERT_EQ(fixture.replays.size(), 1U);
  EXPECT_EQ(fixture.replays[0].ids, (std::vector<std::int64_t>{11, 12}));
  EXPECT_EQ(fixture.replays[0].reason, "unknown_unit");
  EXPECT_NE(fixture.replays[0].utility, 0);

  fixture.replay_answer = transient("the host is stopping");
  EXPECT_EQ(call(ingest, &v1::IngestService::Stub::Replay, request, response).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  fixture.replay_answer = permanent("secret internals");
  const grpc::Status defect = call(ingest, &v1::IngestService::Stub::Replay, request, response);
  EXPECT_EQ(defect.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(defect.error_message().find("secret"), std::string::npos);
  ASSERT_EQ(fixture.log.of(CallRecord::Kind::Defect).size(), 1U);
  EXPECT_EQ(fixture.log.of(CallRecord::Kind::Defect)[0].message, "secret internals");
}

TEST_F(EventIngestServiceTest, AdapterStatusAddsWhatIsStored) {
  fixture.adapters.resize(2);
  fixture.adapters[0].feed = "feed-2";
  fixture.adapters[0].utility = "oahu";
  fixture.adapters[0].state = AdapterReport::State::Failed;
  fixture.adapters[0].reason = "folder is gone";
  fixture.adapters[1].feed = "feed-1";
  fixture.adapters[1].utility = "maui";
  fixture.adapters[1].family = "ssn";
  fixture.adapters[1].state = AdapterReport::State::Healthy;
  fixture.adapters[1].records = 9;
  fixture.adapters[1].facts = {{"head-end", "14 methods"}, {"breaker", "closed"}};
  fixture.adapters[1].capabilities = {"registers", "ping"};
  v1::AdapterStatusResponse response;
  ASSERT_TRUE(
      call(ingest, &v1::IngestService::Stub::AdapterStatus, v1::AdapterStatusRequest(), response).ok());
  ASSERT_EQ(response.adapters_size(), 2);
  const v1::Adapter& first = response.adapters(0);
  EXPECT_EQ(first.feed(), "feed-1");
  EXPECT_EQ(first.state(), v1::Adapter::HEALTHY);
  EXPECT_EQ(first.records(), 9U);
  EXPECT_TRUE(first.counts_known());
  EXPECT_EQ(first.quarantine_open(), 1U);
  EXPECT_GT(first.stored_registers(), 0U);
  ASSERT_EQ(first.facts_size(), 2);
  EXPECT_EQ(first.facts(1).name() + "=" + first.facts(1).value(), "breaker=closed");
  ASSERT_EQ(first.capabilities_size(), 2);
  EXPECT_EQ(first.capabilities(1), "ping");
  EXPECT_EQ(response.adapters(1).state(), v1::Adapter::FAILED);
  EXPECT_EQ(response.adapters(1).reason(), "folder is gone");
}

}  // namespace
}  // namespace ami::rpc
