#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "ami/v1/audit_service.grpc.pb.h"
#include "meter_model/audit/canonical.h"
#include "meter_model/audit/chain.h"
#include "tests/daemon/rpc/rpc_fixture.h"
#include "tests/storage/postgres/switch_seal_scene.h"

namespace ami::rpc::testing {
namespace {

using Sans = std::vector<std::string>;
const Sans kAuditor{"URI:ami://role/audit", "URI:ami://utility/*"};

class AuditServiceTest : public storage::SwitchSealTest {
 protected:
  void SetUp() override {
    SwitchSealTest::SetUp();
    two_operations();
    serve(seals.get());
  }
  void serve(storage::SealStore* store) {
    fixture = std::make_unique<RpcFixture>(conninfo);
    fixture->now = *parse_instant("2026-01-15T12:00:00Z");
    fixture->server = std::make_unique<RpcServer>(
        fixture->tls_config(),
        RpcServer::Dependencies{
            .database = fixture->database,
            .adapter_status = [] { return std::vector<AdapterReport>{}; },
            .replay = [](const ReplayOrder&) { return ReplayReport{}; },
            .log = [this](const CallRecord& record) { fixture->log.write(record); },
            .now = [this] { return fixture->now; },
            .executor = [this](std::function<void()> work) { fixture->workers.post(std::move(work)); },
            .seals = store});
    const Outcome started = fixture->server->start();
    ASSERT_TRUE(started.ok()) << started.error().message;
  }
  std::unique_ptr<v1::AuditService::Stub> as(const Sans& sans) {
    return v1::AuditService::NewStub(fixture->channel(sans));
  }
  static void set_deadline(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{30});
  }
  grpc::Status stream(const Sans& sans, std::int64_t after, std::vector<v1::AuditLine>& lines, v1::AuditStatus& end) {
    v1::StreamAuditRequest request;
    request.set_after_position(after);
    const auto stub = as(sans);
    grpc::ClientContext context;
    set_deadline(context);
    const auto reader = stub->StreamAudit(&context, request);
    v1::StreamAuditResponse message;
    while (reader->Read(&message)) {
      for (const v1::AuditLine& line : message.lines()) lines.push_back(line);
      if (message.has_end()) end = message.end();
    }
    return reader->Finish();
  }
  grpc::Status list(const Sans& sans, const v1::ListAuditRequest& request, v1::ListAuditResponse& answer) {
    const auto stub = as(sans);
    grpc::ClientContext context;
    set_deadline(context);
    return stub->ListAudit(&context, request, &answer);
  }

  std::unique_ptr<RpcFixture> fixture;
};

TEST_F(AuditServiceTest, StreamsSealsThenWhatIsNotSealedThenTheEnd) {
  ASSERT_EQ(seals->seal(7)->sealed, 7U);
  std::vector<v1::AuditLine> lines;
  v1::AuditStatus end;
  const grpc::Status status = stream(kAuditor, 0, lines, end);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(lines.size(), 12U);
  const auto stored = chain();
  audit::Sha256 hasher;
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(lines[i].position(), static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(lines[i].format(), 1);
    EXPECT_EQ(lines[i].canonical(), stored[i].canonical);
    EXPECT_EQ(audit::bytes_of(hasher.of(lines[i].canonical())), lines[i].row_sha256());
    EXPECT_EQ(audit::bytes_of(stored[i].chain), lines[i].chain_sha256());
    EXPECT_EQ(lines[i].seal_time().seconds() * 1'000'000 + lines[i].seal_time().nanos() / 1000,
              stored[i].sealed_at.time_since_epoch().count());
  }
  for (std::size_t i = 7; i < 12; ++i) {
    EXPECT_EQ(lines[i].position(), 0);
    EXPECT_TRUE(audit::parse_canonical(lines[i].canonical()).has_value());
    EXPECT_TRUE(lines[i].row_sha256().empty());
  }
  EXPECT_EQ(end.position(), 7);
  EXPECT_EQ(end.chain_sha256(), audit::bytes_of(stored[6].chain));
  EXPECT_EQ(end.unsealed(), 5);
  EXPECT_TRUE(end.has_oldest_unsealed_time());
  EXPECT_EQ(end.database(), one("SELECT current_database()"));
  EXPECT_EQ(end.cluster(), one("SELECT system_identifier FROM pg_control_system()"));

  lines.clear();
  ASSERT_TRUE(stream(kAuditor, 5, lines, end).ok());
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(lines[0].position(), 6);
}

TEST_F(AuditServiceTest, SealWithoutItsLineIsSentAsSuch) {
  seal_all();
  tamper("DELETE FROM switch_audit WHERE audit_id = (SELECT audit_id FROM switch_seal WHERE position = 4)");
  std::vector<v1::AuditLine> lines;
  v1::AuditStatus end;
  ASSERT_TRUE(stream(kAuditor, 0, lines, end).ok());
  ASSERT_EQ(lines.size(), 12U);
  EXPECT_TRUE(lines[3].canonical().empty());
  EXPECT_EQ(lines[3].row_sha256().size(), 32U);
}

TEST_F(AuditServiceTest, ChainIsForThoseWhoMaySeeEveryUtility) {
  std::vector<v1::AuditLine> lines;
  v1::AuditStatus end;
  const grpc::Status refused = stream({"URI:ami://role/audit", "URI:ami://utility/north"}, 0, lines, end);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(reason_of(refused), "UTILITY_NOT_GRANTED");
  EXPECT_TRUE(lines.empty());
  EXPECT_EQ(stream({"URI:ami://role/switch", "URI:ami://utility/*"}, 0, lines, end).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(stream(kAuditor, -1, lines, end).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AuditServiceTest, ListGoesBackPageByPageAndStaysInItsUtility) {
  seal_all();
  const Sans north_only{"URI:ami://role/audit", "URI:ami://utility/north"};
  v1::ListAuditRequest request;
  request.set_parent("utilities/north");
  request.set_page_size(5);
  std::vector<std::int64_t> ids;
  for (int page = 0; page < 5; ++page) {
    v1::ListAuditResponse answer;
    const grpc::Status status = list(north_only, request, answer);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const v1::AuditLine& line : answer.lines()) ids.push_back(line.audit_id());
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  EXPECT_EQ(ids.size(), 12U);
  EXPECT_TRUE(std::ranges::is_sorted(ids, std::greater{}));

  request.Clear();
  request.set_parent("utilities/north");
  request.set_meter("utilities/north/meters/M-r2");
  v1::ListAuditResponse answer;
  ASSERT_TRUE(list(north_only, request, answer).ok());
  EXPECT_EQ(answer.lines_size(), 6);
  request.set_meter("utilities/south/meters/M-r2");
  EXPECT_EQ(list(kAuditor, request, answer).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.Clear();
  EXPECT_EQ(list(kAuditor, request, answer).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "no parent";
  request.set_parent("utilities/south");
  EXPECT_EQ(list(north_only, request, answer).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  ASSERT_TRUE(list(kAuditor, request, answer).ok());
  EXPECT_EQ(answer.lines_size(), 0);
  request.set_switch_operation(-1);
  EXPECT_EQ(list(kAuditor, request, answer).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AuditServiceTest, GatewayThatSwitchesNothingSaysSo) {
  serve(nullptr);
  std::vector<v1::AuditLine> lines;
  v1::AuditStatus end;
  const grpc::Status status = stream(kAuditor, 0, lines, end);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(reason_of(status), "NO_SWITCHING");
}

TEST_F(AuditServiceTest, DatabaseThatIsAwayIsUnavailable) {
  storage::Database away({.conninfo = "host=/nonexistent dbname=none connect_timeout=1"});
  storage::PostgresSeals gone(away);
  serve(&gone);
  std::vector<v1::AuditLine> lines;
  v1::AuditStatus end;
  EXPECT_EQ(stream(kAuditor, 0, lines, end).error_code(), grpc::StatusCode::UNAVAILABLE);
  fixture.reset();  // its server before the store
}

}  // namespace
}  // namespace ami::rpc::testing
