// CollectionService.RequestBackfill over a real engine and store.
#include <pqxx/pqxx>

#include "ami/v1/collection_service.grpc.pb.h"
#include "tests/daemon/rpc/command_scene.h"

namespace ami::rpc {
namespace {

using testing::detail;
using testing::reason_of;
using testing::stamp;

class RequestBackfillTest : public testing::CommandScene {
 protected:
  RequestBackfillTest() { feed.can.backfill = true; }

  void begin() {
    start();
    collection = collection_of({});
  }
  std::unique_ptr<v1::CollectionService::Stub> collection_of(const std::vector<std::string>& roles) const {
    if (roles.empty()) {
      const std::string socket = fixture->folder.path() / "rpc.sock";
      return v1::CollectionService::NewStub(
          grpc::CreateChannel("unix:" + socket, grpc::InsecureChannelCredentials()));
    }
    std::vector<std::string> sans{"URI:ami://utility/maui"};
    for (const std::string& role : roles) sans.push_back("URI:ami://role/" + role);
    return v1::CollectionService::NewStub(fixture->channel(fixture->ca.issue({.name = "mdm", .sans = sans})));
  }
  static v1::RequestBackfillRequest of(const std::string& id, const std::vector<std::string>& meters = {}) {
    v1::RequestBackfillRequest out;
    out.set_parent("utilities/maui");
    for (const std::string& meter : meters) out.add_meters("utilities/maui/meters/" + meter);
    *out.mutable_start() = stamp("2024-03-08T10:00:00Z");
    *out.mutable_end() = stamp("2024-03-09T10:00:00Z");
    out.set_request_id(id);
    return out;
  }
  grpc::Status call(const v1::RequestBackfillRequest& request, v1::Operation& operation,
                    v1::CollectionService::Stub* stub = nullptr) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{60});
    operation.Clear();
    return (stub != nullptr ? stub : collection.get())->RequestBackfill(&context, request, &operation);
  }
  std::string refused(const v1::RequestBackfillRequest& request) {
    v1::Operation operation;
    const grpc::Status status = call(request, operation);
    EXPECT_FALSE(status.ok());
    const auto bad = detail<google::rpc::BadRequest>(status);
    return bad && bad->field_violations_size() > 0 ? bad->field_violations(0).field() : reason_of(status);
  }
  // A series of the meter whose values came from `feed`, and a gap of it on 8 March, 96 slots.
  void add_gap(const std::string& meter, const std::string& of_feed, const std::string& state = "OPEN") {
    pqxx::connection connection(conninfo);
    pqxx::work tx(connection);
    tx.exec("WITH m AS (SELECT meter_id, utility_id FROM meter WHERE key = '" + meter +
            "'), c AS (INSERT INTO channel (utility_id, meter_id, key, reading_type, unit) SELECT "
            "utility_id, meter_id,"
            " 'lp', '0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0', 'Wh' FROM m RETURNING channel_id, meter_id, "
            "utility_id),"
            " s AS (INSERT INTO collection_series (utility_id, meter_id, key, reading_type, unit, registers, "
            "feed, zone,"
            "  judged_to) SELECT utility_id, meter_id, 'lp', '0.0.*.4', 'Wh', false, '" +
            of_feed +
            "', 'Pacific/Honolulu', '2024-03-20' FROM c RETURNING series_id)"
            " INSERT INTO gap (utility_id, meter_id, series_id, channel_id, from_at, to_at, interval_s, "
            "slots, reason,"
            "  found_at, state, settled_at) SELECT c.utility_id, c.meter_id, s.series_id, c.channel_id,"
            "  '2024-03-08T10:00:00Z', '2024-03-09T10:00:00Z', 900, 96, 'NOT_RECEIVED', '2024-03-11', '" +
            state + "', CASE WHEN '" + state + "' = 'CLOSED' THEN now() END FROM c, s");
    tx.commit();
  }
  static std::string meters_of(const v1::Operation& operation) {
    std::string out;
    for (const v1::Target& target : operation.targets())
      out += target.meter().substr(target.meter().rfind('/') + 1) + " ";
    return out;
  }
  std::unique_ptr<v1::CollectionService::Stub> collection;
};

TEST_F(RequestBackfillTest, IsAnOperationOfItsPeriodAndTheSameAgainIsTheSame) {
  begin();
  auto request = of("b1", {"m1", "m2", "m1"});
  request.set_order_id("WO-9");
  v1::Operation operation;
  const grpc::Status status = call(request, operation);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(operation.kind(), v1::Operation::BACKFILL);
  EXPECT_EQ(meters_of(operation), "m1 m2 ");
  EXPECT_EQ(operation.order_id(), "WO-9");
  const auto asked = radio->wait_for(2);
  EXPECT_EQ(asked[0].kind, sdk::CommandKind::Backfill);
  say_done(2);
  const v1::Operation done = get(operation.name());
  EXPECT_TRUE(done.done());
  EXPECT_EQ(done.counts().succeeded(), 2);
  v1::Operation again;
  ASSERT_TRUE(call(request, again).ok());
  EXPECT_EQ(again.name(), operation.name());
  EXPECT_TRUE(again.repeated());
  *request.mutable_end() = stamp("2024-03-10T10:00:00Z");
  EXPECT_EQ(refused(request), "REQUEST_ID_REUSED");
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "1");
}

TEST_F(RequestBackfillTest, MetersOfAFeedOrWithOpenGapsAreFoundByTheGateway) {
  add_gap("m1", "radio");
  add_gap("m2", "files");
  add_gap("m3", "radio", "CLOSED");
  begin();
  v1::Operation operation;
  auto request = of("b1");
  request.set_feed("radio");
  ASSERT_TRUE(call(request, operation).ok());
  EXPECT_EQ(meters_of(operation), "m1 m3 ");
  request = of("b2");
  request.set_open_gaps_only(true);
  ASSERT_TRUE(call(request, operation).ok());
  EXPECT_EQ(meters_of(operation), "m1 m2 ");
  request = of("b3", {"m2", "m3"});
  request.set_open_gaps_only(true);
  ASSERT_TRUE(call(request, operation).ok());
  EXPECT_EQ(meters_of(operation), "m2 ");
  request = of("b4");
  request.set_open_gaps_only(true);
  *request.mutable_start() = stamp("2024-03-09T10:00:00Z");
  *request.mutable_end() = stamp("2024-03-10T10:00:00Z");
  EXPECT_EQ(refused(request), "NO_METERS") << "the gap ends where this begins";
}

TEST_F(RequestBackfillTest, SameChoiceAgainIsTheSameWhateverHasHappenedToTheGaps) {
  add_gap("m1", "radio");
  add_gap("m2", "radio");
  begin();
  auto request = of("b1");
  request.set_open_gaps_only(true);
  v1::Operation operation, again;
  ASSERT_TRUE(call(request, operation).ok());
  pqxx::connection connection(conninfo);
  for (const char* const filled : {"m1", "m2"}) {
    pqxx::work tx(connection);
    tx.exec(std::string(
                "UPDATE gap SET state = 'CLOSED', settled_at = now() WHERE meter_id = (SELECT meter_id FROM"
                " meter WHERE key = '") +
            filled + "')");
    tx.commit();
    const grpc::Status status = call(request, again);
    ASSERT_TRUE(status.ok()) << filled << ": " << status.error_message();
    EXPECT_EQ(again.name(), operation.name());
    EXPECT_TRUE(again.repeated());
  }
  request.set_feed("radio");
  EXPECT_EQ(refused(request), "REQUEST_ID_REUSED");
  EXPECT_EQ(refused(of("b1", {"m1", "m2"})), "REQUEST_ID_REUSED")
      << "meters that were named are another request";
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "1");
}

TEST_F(RequestBackfillTest, BadRequestsSayWhichField) {
  begin();
  EXPECT_EQ(refused(of("b1")), "meters");
  EXPECT_EQ(refused(of("", {"m1"})), "request_id");
  auto request = of("b1", {"m1"});
  request.clear_start();
  EXPECT_EQ(refused(request), "start");
  request = of("b1", {"m1"});
  request.clear_end();
  EXPECT_EQ(refused(request), "end");
  *request.mutable_end() = request.start();
  EXPECT_EQ(refused(request), "end");
  *request.mutable_end() = stamp("2025-04-12T10:00:01Z");  // 400 days and a second
  EXPECT_EQ(refused(request), "end");
  request = of("b1", {"m1"});
  request.add_meters("utilities/oahu/meters/m2");
  EXPECT_EQ(refused(request), "meters[1]");
  request = of("b1", {"nobody"});
  EXPECT_EQ(refused(request), "METER_NOT_FOUND");
  request = of("b1", {"m1"});
  request.set_purpose("x");
  EXPECT_NE(refused(request), "");
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "0");
}

TEST_F(RequestBackfillTest, InterfaceThatGivesNoRecordedValuesIsRefused) {
  feed.can.backfill = false;
  begin();
  EXPECT_EQ(refused(of("b1", {"m1"})), "NOT_STATED");
}

TEST_F(RequestBackfillTest, TakesTheAssetRole) {
  begin();
  v1::Operation operation;
  const auto command = collection_of({"command"}), asset = collection_of({"asset"});
  EXPECT_EQ(call(of("b1", {"m1"}), operation, command.get()).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(call(of("b1", {"m1"}), operation, asset.get()).ok());
}

}  // namespace
}  // namespace ami::rpc
