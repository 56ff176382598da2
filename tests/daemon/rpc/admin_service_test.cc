#include <gtest/gtest.h>

#include <pqxx/pqxx>

#include "ami/v1/admin_service.grpc.pb.h"
#include "storage/postgres/maintenance.h"
#include "tests/daemon/rpc/services_fixture.h"

namespace ami::rpc::testing {
namespace {

// The server answers callers as a login in ami_reader, and stores as one in ami_ingest.
class AdminServiceTest : public ::testing::Test {
 protected:
  AdminServiceTest()
      : owner(create_filled_database()), fixture(login("rpc_ingest", "BYPASSRLS IN ROLE ami_ingest")) {
    storage::DatabaseOptions options;
    options.conninfo = login("rpc_reader", "IN ROLE ami_reader");
    reader = std::make_unique<storage::Database>(options);
    RpcServer::Config config = fixture.tls_config();
    fixture.server = std::make_unique<RpcServer>(
        std::move(config),
        RpcServer::Dependencies{
            .database = fixture.database,
            .adapter_status = [] { return std::vector<AdapterReport>{}; },
            .replay = [](const ReplayOrder&) { return ReplayReport{}; },
            .log = [this](const CallRecord& record) { fixture.log.write(record); },
            .now = [this] { return fixture.now; },
            .executor = [this](std::function<void()> work) { fixture.workers.post(std::move(work)); },
            .reader = reader.get()});
    const Outcome started = fixture.server->start();
    EXPECT_TRUE(started.ok());
    maui = {"ami://role/reader", "ami://role/audit", "ami://role/admin", "ami://utility/maui"};
    use(maui);
  }

  std::string login(const std::string& name, const std::string& with) const {
    pqxx::connection connection(owner);
    pqxx::work tx(connection);
    if (tx.exec("SELECT FROM pg_roles WHERE rolname = " + tx.quote(name)).empty())
      tx.exec("CREATE ROLE " + name + " LOGIN " + with);
    tx.commit();
    return std::string(owner).replace(owner.find("user=ami"), 8, "user=" + name);
  }
  std::string one(const std::string& query) const {
    pqxx::connection connection(owner);
    pqxx::work tx(connection);
    const auto cell = tx.exec1(query)[0].as<std::string>();
    tx.commit();
    return cell;
  }

  void use(const std::vector<std::string>& uris) {
    std::vector<std::string> sans;
    for (const std::string& uri : uris) sans.push_back("URI:" + uri);
    channel = fixture.channel(sans);
    admin = v1::AdminService::NewStub(channel);
    readings = v1::ReadingService::NewStub(channel);
    ingest = v1::IngestService::NewStub(channel);
  }

  template <class Stub, class Request, class Response>
  static grpc::Status call(const std::unique_ptr<Stub>& stub,
                           grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                           const Request& request, Response& response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{30});
    response.Clear();
    return ((*stub).*method)(&context, request, &response);
  }

  grpc::Status stream(const std::string& name, const std::string& for_whom = {}) {
    v1::StreamIntervalsRequest request;
    request.add_names(name);
    *request.mutable_start() = stamp("2013-04-07T00:00:00Z");
    *request.mutable_end() = stamp("2013-04-09T00:00:00Z");
    request.set_purpose("billing run 7");
    request.set_on_behalf_of(for_whom);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{30});
    const auto reader_of = readings->StreamIntervals(&context, request);
    v1::StreamIntervalsResponse message;
    messages = 0;
    while (reader_of->Read(&message)) ++messages;
    return reader_of->Finish();
  }

  const std::string owner;
  RpcFixture fixture;
  std::unique_ptr<storage::Database> reader;
  std::vector<std::string> maui;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::AdminService::Stub> admin;
  std::unique_ptr<v1::ReadingService::Stub> readings;
  std::unique_ptr<v1::IngestService::Stub> ingest;
  int messages = 0;
};

TEST_F(AdminServiceTest, AccessToIntervalsIsOnRecordWithWhoWhyWhoseAndHowMuch) {
  ASSERT_TRUE(stream("utilities/maui/usagePoints/up1", "settlement").ok());
  EXPECT_GT(messages, 1);
  v1::ListAccessRequest request;
  request.set_parent("utilities/maui");
  request.set_usage_point("utilities/maui/usagePoints/up1");
  v1::ListAccessResponse response;
  // The number of values follows when the stream has ended, by a worker.
  do {
    ASSERT_TRUE(call(admin, &v1::AdminService::Stub::ListAccess, request, response).ok());
    ASSERT_EQ(response.access_size(), 1);
  } while (!response.access(0).rows_known());
  const v1::Access& access = response.access(0);
  EXPECT_EQ(access.caller().substr(0, 6), "client");
  EXPECT_EQ(access.certificate(), "ami://role/reader ami://role/audit ami://role/admin ami://utility/maui");
  EXPECT_EQ(access.on_behalf_of(), "settlement");
  EXPECT_EQ(access.purpose(), "billing run 7");
  EXPECT_EQ(access.rpc(), "/ami.v1.ReadingService/StreamIntervals");
  EXPECT_EQ(access.meter(), "m1");
  EXPECT_EQ(text_of(access.start()), "2013-04-07T00:00:00Z");
  EXPECT_EQ(text_of(access.end()), "2013-04-09T00:00:00Z");
  // ssn:lp:1 has seven values and a hole, ssn:lp:2 two.
  EXPECT_EQ(access.rows(), 9U);

  request.set_usage_point("utilities/maui/usagePoints/up2");
  ASSERT_TRUE(call(admin, &v1::AdminService::Stub::ListAccess, request, response).ok());
  EXPECT_EQ(response.access_size(), 0);
  request.set_usage_point("utilities/oahu/usagePoints/up1");
  EXPECT_EQ(reason_of(call(admin, &v1::AdminService::Stub::ListAccess, request, response)), "INVALID_FIELD");
  request.clear_usage_point();
  request.set_parent("utilities/oahu");
  EXPECT_EQ(reason_of(call(admin, &v1::AdminService::Stub::ListAccess, request, response)),
            "UTILITY_NOT_GRANTED");
}

TEST_F(AdminServiceTest, RawRecordsOfTheQuarantineAreOnRecordToo) {
  v1::ListQuarantineRequest list;
  list.set_parent("utilities/maui");
  list.set_include_raw(true);
  list.set_purpose("find the unit");
  v1::ListQuarantineResponse items;
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::ListQuarantine, list, items).ok());
  EXPECT_EQ(one("SELECT rpc || ' ' || meter || ' ' || rows || ' ' || purpose FROM access_log"),
            "/ami.v1.IngestService/ListQuarantine 10042 1 find the unit");
}

TEST_F(AdminServiceTest, WithoutTheLogThereAreNoData) {
  ASSERT_TRUE(stream("utilities/maui/meters/m1").ok());
  one("SELECT 1 FROM (SELECT set_config('x.y', '1', true)) k");
  pqxx::connection connection(owner);
  {
    pqxx::work tx(connection);
    tx.exec("REVOKE INSERT ON access_log FROM ami_ingest");
    tx.commit();
  }
  const grpc::Status refused = stream("utilities/maui/meters/m1");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(messages, 0) << "not one message may leave";
  v1::ListQuarantineRequest list;
  list.set_parent("utilities/maui");
  list.set_include_raw(true);
  list.set_purpose("find the unit");
  v1::ListQuarantineResponse items;
  EXPECT_EQ(call(ingest, &v1::IngestService::Stub::ListQuarantine, list, items).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(items.items_size(), 0);
  {
    pqxx::work tx(connection);
    tx.exec("GRANT INSERT ON access_log TO ami_ingest");
    tx.commit();
  }
  EXPECT_TRUE(stream("utilities/maui/meters/m1").ok()) << "restores by itself";
}

// The daemon's own check comes first, so the database is asked here as a defect would ask it.
TEST_F(AdminServiceTest, DatabaseItselfCutsWhatACallerSeesToItsUtilities) {
  storage::Database view(*reader, {"maui"});
  const auto maui_id = std::stoi(one("SELECT utility_id FROM utility WHERE key = 'maui'"));
  const auto oahu_id = std::stoi(one("SELECT utility_id FROM utility WHERE key = 'oahu'"));
  storage::Assets assets(fixture.database, view);
  EXPECT_TRUE(assets.get_meter(maui_id, "m1").ok());
  EXPECT_FALSE(assets.get_meter(oahu_id, "m1").ok());
  use({"ami://role/reader", "ami://utility/oahu"});
  v1::GetLatestRequest request;
  request.add_names("utilities/oahu/meters/m1");
  v1::GetLatestResponse response;
  ASSERT_TRUE(call(readings, &v1::ReadingService::Stub::GetLatest, request, response).ok());
  EXPECT_EQ(response.latest(0).values_size(), 1);
}

TEST_F(AdminServiceTest, HoldsAreSetListedAndLifted) {
  v1::SetLegalHoldRequest set;
  set.set_parent("utilities/maui");
  set.set_subject("utilities/maui/usagePoints/up1");
  *set.mutable_start() = stamp("2013-01-01T00:00:00Z");
  set.set_holder("Superior Court 17-4432");
  set.set_reason("disputed bills");
  v1::LegalHold hold;
  ASSERT_TRUE(call(admin, &v1::AdminService::Stub::SetLegalHold, set, hold).ok());
  EXPECT_EQ(hold.name().rfind("utilities/maui/legalHolds/", 0), 0U);
  EXPECT_EQ(hold.subject(), set.subject());
  EXPECT_FALSE(hold.has_end());
  EXPECT_EQ(hold.set_by().substr(0, 6), "client");

  v1::ListLegalHoldsRequest list;
  list.set_parent("utilities/maui");
  v1::ListLegalHoldsResponse holds;
  ASSERT_TRUE(call(admin, &v1::AdminService::Stub::ListLegalHolds, list, holds).ok());
  ASSERT_EQ(holds.holds_size(), 1);

  v1::LiftLegalHoldRequest lift;
  lift.set_name(hold.name());
  lift.set_reason("judgment of 2014-02-03");
  ASSERT_TRUE(call(admin, &v1::AdminService::Stub::LiftLegalHold, lift, hold).ok());
  EXPECT_EQ(hold.lift_reason(), "judgment of 2014-02-03");
  EXPECT_EQ(reason_of(call(admin, &v1::AdminService::Stub::LiftLegalHold, lift, hold)), "INVALID_FIELD");
  ASSERT_TRUE(call(admin, &v1::AdminService::Stub::ListLegalHolds, list, holds).ok());
  EXPECT_EQ(holds.holds_size(), 0);
  list.set_include_lifted(true);
  ASSERT_TRUE(call(admin, &v1::AdminService::Stub::ListLegalHolds, list, holds).ok());
  EXPECT_EQ(holds.holds_size(), 1);

  // Bad input.
  set.set_holder("x");
  EXPECT_EQ(reason_of(call(admin, &v1::AdminService::Stub::SetLegalHold, set, hold)), "INVALID_FIELD");
  set.set_holder("court");
  set.set_subject("utilities/maui/meters/nobody");
  EXPECT_EQ(reason_of(call(admin, &v1::AdminService::Stub::SetLegalHold, set, hold)), "METER_NOT_FOUND");
  set.set_subject("utilities/oahu/meters/m1");
  EXPECT_EQ(reason_of(call(admin, &v1::AdminService::Stub::SetLegalHold, set, hold)), "INVALID_FIELD");
  set.set_subject("nonsense");
  EXPECT_EQ(reason_of(call(admin, &v1::AdminService::Stub::SetLegalHold, set, hold)), "INVALID_FIELD");
  for (const char* name :
       {"", "utilities/maui/legalHolds/", "utilities/maui/legalHolds/x", "utilities/maui/legalHolds/-1",
        "utilities//legalHolds/1", "legalHolds/1", "utilities/maui/legalHolds/1/2"}) {
    lift.set_name(name);
    EXPECT_EQ(reason_of(call(admin, &v1::AdminService::Stub::LiftLegalHold, lift, hold)), "INVALID_FIELD")
        << name;
  }
  lift.set_name("utilities/maui/legalHolds/999");
  EXPECT_EQ(reason_of(call(admin, &v1::AdminService::Stub::LiftLegalHold, lift, hold)),
            "LEGAL_HOLD_NOT_FOUND");
}

TEST_F(AdminServiceTest, MaintenanceAndItsCertificatesCanBeSeen) {
  storage::Database patient({.conninfo = login("rpc_ingest", ""), .answer_timeout = {}});
  storage::MaintenancePlan plan;
  plan.retention.general = {{"intervals", 12}};
  const auto done = storage::Maintenance(patient).run(plan, at("2026-01-15T03:00:00Z"), [] { return true; });
  ASSERT_TRUE(done.ok()) << done.error().message;

  v1::ListRetentionCertificatesRequest list;
  list.set_parent("utilities/maui");
  list.set_class_("intervals");
  v1::ListRetentionCertificatesResponse certificates;
  ASSERT_TRUE(call(admin, &v1::AdminService::Stub::ListRetentionCertificates, list, certificates).ok());
  ASSERT_EQ(certificates.certificates_size(), 1);
  EXPECT_EQ(certificates.certificates(0).month(), "2013-04");
  EXPECT_EQ(certificates.certificates(0).rows(), 3U) << "two days of lp:1 (23:00 to 01:00), one of lp:2";
  EXPECT_EQ(certificates.certificates(0).sha256().size(), 64U);

  v1::ListMaintenanceRequest of_all;
  v1::ListMaintenanceResponse entries;
  EXPECT_EQ(reason_of(call(admin, &v1::AdminService::Stub::ListMaintenance, of_all, entries)),
            "UTILITY_NOT_GRANTED");
  use({"ami://role/admin", "ami://utility/*"});
  ASSERT_TRUE(call(admin, &v1::AdminService::Stub::ListMaintenance, of_all, entries).ok());
  int dropped = 0, rewritten = 0;
  for (const v1::MaintenanceEntry& entry : entries.entries()) {
    dropped += entry.task() == "drop month";
    rewritten += entry.task() == "rewrite month" && entry.has_bytes_after();
  }
  EXPECT_EQ(dropped, 2) << "interval_day and interval_revision of April 2013";
  EXPECT_EQ(rewritten, 1) << "register_read of April 2013";
}

TEST_F(AdminServiceTest, RolesAreKeptApart) {
  v1::ListAccessRequest access;
  access.set_parent("utilities/maui");
  v1::ListAccessResponse rows;
  v1::SetLegalHoldRequest set;
  v1::LegalHold hold;
  use({"ami://role/reader", "ami://role/asset", "ami://role/admin", "ami://utility/maui"});
  EXPECT_EQ(reason_of(call(admin, &v1::AdminService::Stub::ListAccess, access, rows)), "ROLE_NOT_GRANTED");
  use({"ami://role/reader", "ami://role/asset", "ami://role/audit", "ami://utility/maui"});
  EXPECT_TRUE(call(admin, &v1::AdminService::Stub::ListAccess, access, rows).ok());
  EXPECT_EQ(reason_of(call(admin, &v1::AdminService::Stub::SetLegalHold, set, hold)), "ROLE_NOT_GRANTED");
}

}  // namespace
}  // namespace ami::rpc::testing
