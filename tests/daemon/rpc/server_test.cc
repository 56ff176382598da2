// Doors of the server: TLS, roles, plaintext, bounds, drain. None of these needs a store.
#include "daemon/rpc/server.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <set>

#include "ami/v1/admin_service.grpc.pb.h"
#include "ami/v1/asset_service.grpc.pb.h"
#include "ami/v1/audit_service.grpc.pb.h"
#include "ami/v1/collection_service.grpc.pb.h"
#include "ami/v1/command_service.grpc.pb.h"
#include "ami/v1/event_service.grpc.pb.h"
#include "ami/v1/han_service.grpc.pb.h"
#include "ami/v1/ingest_service.grpc.pb.h"
#include "ami/v1/reading_service.grpc.pb.h"
#include "ami/v1/switch_service.grpc.pb.h"
#include "daemon/rpc/access.h"
#include "tests/daemon/rpc/rpc_fixture.h"

namespace ami::rpc {
namespace {

using testing::call_raw;
using testing::reason_of;
using testing::RpcFixture;

constexpr const char* kStatusMethod = "/ami.v1.IngestService/AdapterStatus";

// Who may call what, written down apart from the table of the server.
const std::map<std::string, std::set<std::string>>& expected_roles() {
  static const std::map<std::string, std::set<std::string>> roles{
      {"/ami.v1.AssetService/Resolve", {"reader", "asset"}},
      {"/ami.v1.AssetService/GetUsagePoint", {"reader", "asset"}},
      {"/ami.v1.AssetService/ListUsagePoints", {"reader", "asset"}},
      {"/ami.v1.AssetService/CreateUsagePoint", {"asset"}},
      {"/ami.v1.AssetService/UpdateUsagePoint", {"asset"}},
      {"/ami.v1.AssetService/GetMeter", {"reader", "asset"}},
      {"/ami.v1.AssetService/ListMeters", {"reader", "asset"}},
      {"/ami.v1.AssetService/CreateMeter", {"asset"}},
      {"/ami.v1.AssetService/UpdateMeter", {"asset"}},
      {"/ami.v1.AssetService/ImportMeters", {"asset"}},
      {"/ami.v1.AssetService/Install", {"asset"}},
      {"/ami.v1.AssetService/Remove", {"asset"}},
      {"/ami.v1.AssetService/Exchange", {"asset"}},
      {"/ami.v1.AssetService/SetVerification", {"asset"}},
      {"/ami.v1.AssetService/ListNonconforming", {"reader", "asset"}},
      {"/ami.v1.ReadingService/GetLatest", {"reader"}},
      {"/ami.v1.ReadingService/ListRegisters", {"reader"}},
      {"/ami.v1.ReadingService/StreamIntervals", {"reader"}},
      {"/ami.v1.ReadingService/StreamChanges", {"reader"}},
      {"/ami.v1.ReadingService/AckCursor", {"reader"}},
      {"/ami.v1.ReadingService/ListChangeSubscribers", {"reader"}},
      {"/ami.v1.ReadingService/ReconcileCounts", {"reader"}},
      {"/ami.v1.ReadingService/GetReadAt", {"reader"}},
      {"/ami.v1.ReadingService/ListBillingReads", {"reader"}},
      {"/ami.v1.ReadingService/Explain", {"reader"}},
      {"/ami.v1.CollectionService/ListGaps", {"reader", "asset"}},
      {"/ami.v1.CollectionService/GetCompleteness", {"reader", "asset"}},
      {"/ami.v1.CollectionService/GiveUp", {"asset"}},
      {"/ami.v1.CollectionService/UndoGiveUp", {"asset"}},
      {"/ami.v1.CollectionService/GetClockHealth", {"reader", "asset"}},
      {"/ami.v1.CollectionService/ListFindings", {"reader", "asset"}},
      {"/ami.v1.CollectionService/Revalidate", {"asset"}},
      {"/ami.v1.CollectionService/RequestBackfill", {"asset"}},
      {"/ami.v1.EventService/List", {"reader"}},
      {"/ami.v1.IngestService/AdapterStatus", {"reader", "asset"}},
      {"/ami.v1.IngestService/ListSources", {"reader", "asset"}},
      {"/ami.v1.IngestService/ListQuarantine", {"reader", "asset"}},
      {"/ami.v1.IngestService/Replay", {"asset"}},
      {"/ami.v1.IngestService/GetRaw", {"reader", "asset"}},
      {"/ami.v1.IngestService/Reprocess", {"asset"}},
      {"/ami.v1.IngestService/GetReprocess", {"asset"}},
      {"/ami.v1.IngestService/ListReprocess", {"asset"}},
      {"/ami.v1.IngestService/CancelReprocess", {"asset"}},
      {"/ami.v1.CommandService/ReadNow", {"command"}},
      {"/ami.v1.CommandService/BatchReadNow", {"command"}},
      {"/ami.v1.CommandService/Ping", {"command"}},
      {"/ami.v1.CommandService/PingBatch", {"command"}},
      {"/ami.v1.CommandService/DemandReset", {"demand-reset"}},
      {"/ami.v1.CommandService/GetOperation", {"reader", "asset", "command", "demand-reset"}},
      {"/ami.v1.CommandService/ListOperations", {"reader", "asset", "command", "demand-reset"}},
      {"/ami.v1.CommandService/ListTargets", {"reader", "asset", "command", "demand-reset"}},
      {"/ami.v1.CommandService/WatchOperation", {"reader", "asset", "command", "demand-reset"}},
      {"/ami.v1.CommandService/CancelOperation", {"asset", "command", "demand-reset"}},
      {"/ami.v1.HanService/ListHanDevices", {"reader", "command"}},
      {"/ami.v1.HanService/AddHanDevice", {"command"}},
      {"/ami.v1.HanService/SendHanText", {"command"}},
      {"/ami.v1.AuditService/StreamAudit", {"audit"}},
      {"/ami.v1.AuditService/ListAudit", {"audit"}},
      {"/ami.v1.AuditService/GetAuditStatus", {"audit"}},
      {"/ami.v1.SwitchService/Evaluate", {"switch"}},
      {"/ami.v1.SwitchService/Submit", {"switch"}},
      {"/ami.v1.SwitchService/Cancel", {"switch"}},
      {"/ami.v1.SwitchService/Get", {"reader", "switch"}},
      {"/ami.v1.SwitchService/List", {"reader", "switch"}},
      {"/ami.v1.SwitchService/Watch", {"reader", "switch"}},
      {"/ami.v1.SwitchService/ReadState", {"reader", "switch"}},
      {"/ami.v1.SwitchService/ResolveByObservation", {"switch"}},
      {"/ami.v1.SwitchService/Reconcile", {"reader", "switch"}},
      {"/ami.v1.SwitchService/SetHold", {"hold-admin"}},
      {"/ami.v1.SwitchService/LiftHold", {"hold-admin"}},
      {"/ami.v1.SwitchService/ListHolds", {"reader", "switch", "hold-admin"}},
      {"/ami.v1.SwitchService/Stop", {"switch", "hold-admin"}},
      {"/ami.v1.SwitchService/Resume", {"switch", "hold-admin"}},
      {"/ami.v1.SwitchService/ListStops", {"reader", "switch", "hold-admin"}},
      {"/ami.v1.SwitchService/GetLimits", {"reader", "switch"}},
      {"/ami.v1.SwitchService/ListEmergencies", {"reader", "switch", "hold-admin"}},
      {"/ami.v1.SwitchService/ReviewEmergency", {"switch", "hold-admin"}},
      {"/ami.v1.AdminService/ListAccess", {"audit"}},
      {"/ami.v1.AdminService/SetLegalHold", {"admin"}},
      {"/ami.v1.AdminService/LiftLegalHold", {"admin"}},
      {"/ami.v1.AdminService/ListLegalHolds", {"audit", "admin"}},
      {"/ami.v1.AdminService/ListRetentionCertificates", {"audit", "admin"}},
      {"/ami.v1.AdminService/ListMaintenance", {"audit", "admin"}},
  };
  return roles;
}

std::set<std::string> methods_of_the_protos() {
  std::set<std::string> methods;
  for (const google::protobuf::FileDescriptor* file :
       {v1::ResolveRequest::descriptor()->file(), v1::GetLatestRequest::descriptor()->file(),
        v1::ListEventsRequest::descriptor()->file(), v1::ReplayRequest::descriptor()->file(),
        v1::GiveUpRequest::descriptor()->file(), v1::ListAccessRequest::descriptor()->file(),
        v1::ReadNowRequest::descriptor()->file(), v1::HanDevice::descriptor()->file(),
        v1::SwitchVerdict::descriptor()->file(), v1::AuditLine::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        methods.insert("/" + file->service(s)->full_name() + "/" + file->service(s)->method(m)->name());
      }
    }
  }
  return methods;
}

TEST(RpcAccess, TableAndProtosNameTheSameMethods) {
  std::set<std::string> table, expected;
  for (const MethodRule& rule : method_rules()) table.emplace(rule.method);
  for (const auto& [method, roles] : expected_roles()) expected.insert(method);
  EXPECT_EQ(table, methods_of_the_protos());
  EXPECT_EQ(expected, methods_of_the_protos());
}

class RpcMatrix : public ::testing::TestWithParam<std::pair<std::string, std::vector<std::string>>> {};

// Every method with every kind of certificate: an empty request is enough, since access is judged first.
TEST_P(RpcMatrix, EveryMethodIsOpenToItsRolesAndToNobodyElse) {
  RpcFixture fixture;
  ASSERT_TRUE(fixture.start(fixture.tls_config()).ok());
  const auto& [name, uris] = GetParam();
  std::set<std::string> roles;
  for (const std::string& uri : uris) {
    if (uri.starts_with("URI:ami://role/")) roles.insert(uri.substr(15));
  }
  const auto channel = fixture.channel(uris);
  for (const auto& [method, allowed] : expected_roles()) {
    const bool may =
        std::ranges::any_of(roles, [&](const std::string& role) { return allowed.contains(role); });
    const grpc::Status status = call_raw(channel, method);
    if (may) {
      EXPECT_NE(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << name << " " << method;
      EXPECT_NE(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << name << " " << method;
      // The one service that is there to say why it is not.
      const bool said = method.starts_with("/ami.v1.HanService/");
      EXPECT_EQ(status.error_code() == grpc::StatusCode::UNIMPLEMENTED, said) << name << " " << method;
      if (said) {
        EXPECT_EQ(reason_of(status), "NO_PUBLISHED_INTERFACE") << method;
      }
      EXPECT_NE(status.error_code(), grpc::StatusCode::INTERNAL) << name << " " << status.error_message();
    } else {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
          << name << " " << method << " " << status.error_message();
      EXPECT_EQ(reason_of(status), "ROLE_NOT_GRANTED") << name << " " << method;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Certificates, RpcMatrix,
    ::testing::Values(std::pair{std::string("reader"),
                                std::vector<std::string>{"URI:ami://role/reader", "URI:ami://utility/*"}},
                      std::pair{std::string("asset"),
                                std::vector<std::string>{"URI:ami://role/asset", "URI:ami://utility/*"}},
                      std::pair{std::string("both"),
                                std::vector<std::string>{"URI:ami://role/reader", "URI:ami://role/asset",
                                                         "URI:ami://utility/maui"}},
                      std::pair{std::string("audit"),
                                std::vector<std::string>{"URI:ami://role/audit", "URI:ami://utility/*"}},
                      std::pair{std::string("admin"),
                                std::vector<std::string>{"URI:ami://role/admin", "URI:ami://utility/*"}},
                      std::pair{std::string("command"),
                                std::vector<std::string>{"URI:ami://role/command", "URI:ami://utility/*"}},
                      std::pair{
                          std::string("demand_reset"),
                          std::vector<std::string>{"URI:ami://role/demand-reset", "URI:ami://utility/*"}},
                      std::pair{std::string("switch_role"),
                                std::vector<std::string>{"URI:ami://role/switch", "URI:ami://utility/*"}},
                      std::pair{std::string("hold_admin"),
                                std::vector<std::string>{"URI:ami://role/hold-admin", "URI:ami://utility/*"}},
                      std::pair{std::string("utility_only"), std::vector<std::string>{"URI:ami://utility/*"}},
                      std::pair{std::string("unknown_role"),
                                std::vector<std::string>{"URI:ami://role/switcher", "URI:ami://utility/*"}}),
    [](const auto& test) { return test.param.first; });

TEST(RpcTls, CertificateWithoutOurUrisIsUnauthenticated) {
  RpcFixture fixture;
  ASSERT_TRUE(fixture.start(fixture.tls_config()).ok());
  // A DNS name, a mail address or a common name that spells a role is not a URI.
  for (const std::vector<std::string>& sans : {std::vector<std::string>{},
                                               {"DNS:reader.ami.example"},
                                               {"URI:https://example.org/role/reader"},
                                               {"DNS:ami\\://role/reader"}}) {
    for (const auto& [method, roles] : expected_roles()) {
      const grpc::Status status = call_raw(fixture.channel(sans), method);
      ASSERT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
      ASSERT_EQ(reason_of(status), "NO_CLIENT_CERTIFICATE");
      if (!sans.empty()) break;  // all methods once, then one each
    }
  }
}

TEST(RpcTls, NoCertificateNeverGetsThroughTheHandshake) {
  RpcFixture fixture;
  ASSERT_TRUE(fixture.start(fixture.tls_config()).ok());
  EXPECT_EQ(call_raw(fixture.channel_without_certificate(), kStatusMethod).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(fixture.log.of(CallRecord::Kind::Refused).empty());
}

TEST(RpcTls, CertificateWithANameOfTheGatewaysOwnIsRefused) {
  RpcFixture fixture;
  ASSERT_TRUE(fixture.start(fixture.tls_config()).ok());
  const std::vector<std::string> sans{"URI:ami://role/reader", "URI:ami://utility/*"};
  for (const char* name : {"ami-gatewayd", "local operator", "demo caller"}) {
    const grpc::Status status =
        call_raw(fixture.channel(fixture.ca.issue({.name = name, .sans = sans})), kStatusMethod);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << name;
    EXPECT_EQ(reason_of(status), "RESERVED_NAME") << name;
  }
  const auto other = fixture.ca.issue({.name = "ami-gatewayd-2", .sans = sans});
  EXPECT_TRUE(call_raw(fixture.channel(other), kStatusMethod).ok());
}

TEST(RpcTls, CertificateOfAnotherCaIsRefused) {
  RpcFixture fixture;
  ASSERT_TRUE(fixture.start(fixture.tls_config()).ok());
  const testing::TestCa other(fixture.folder.path(), "other-ca");
  const testing::PemFiles client =
      other.issue({.name = "stranger", .sans = {"URI:ami://role/reader", "URI:ami://utility/*"}});
  EXPECT_EQ(call_raw(fixture.channel(client), kStatusMethod).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(RpcTls, CertificateOutsideItsDatesIsRefused) {
  RpcFixture fixture;
  ASSERT_TRUE(fixture.start(fixture.tls_config()).ok());
  const std::vector<std::string> sans{"URI:ami://role/reader", "URI:ami://utility/*"};
  const auto expired = fixture.ca.issue({.name = "expired", .sans = sans, .from_s = -7200, .to_s = -3600});
  const auto early = fixture.ca.issue({.name = "early", .sans = sans, .from_s = 3600, .to_s = 7200});
  const auto good = fixture.ca.issue({.name = "good", .sans = sans});
  EXPECT_EQ(call_raw(fixture.channel(expired), kStatusMethod).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(call_raw(fixture.channel(early), kStatusMethod).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(call_raw(fixture.channel(good), kStatusMethod).ok());
}

TEST(RpcTls, PlaintextOnTheTlsPortIsRefused) {
  RpcFixture fixture;
  ASSERT_TRUE(fixture.start(fixture.tls_config()).ok());
  const auto channel = grpc::CreateChannel(fixture.address(), grpc::InsecureChannelCredentials());
  EXPECT_EQ(call_raw(channel, kStatusMethod).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(RpcTls, MetadataNeverGrantsAnything) {
  RpcFixture fixture;
  ASSERT_TRUE(fixture.start(fixture.tls_config()).ok());
  const auto stub = v1::IngestService::NewStub(fixture.channel(std::vector<std::string>{"DNS:x.example"}));
  grpc::ClientContext context;
  context.AddMetadata("peer_uri", "ami://role/reader");
  context.AddMetadata("x-role", "ami://role/reader");
  v1::AdapterStatusResponse response;
  EXPECT_EQ(stub->AdapterStatus(&context, {}, &response).error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST(RpcTls, NewClientCaIsTakenUpWithoutARestart) {
  RpcFixture fixture;
  ASSERT_TRUE(fixture.start(fixture.tls_config()).ok());
  const testing::TestCa next(fixture.folder.path(), "next-ca");
  const auto client =
      next.issue({.name = "renewed", .sans = {"URI:ami://role/reader", "URI:ami://utility/*"}});
  ASSERT_FALSE(call_raw(fixture.channel(client), kStatusMethod).ok());
  const std::string both =
      testing::read_file(fixture.ca.certificate()) + testing::read_file(next.certificate());
  const std::string staged = fixture.folder.path() / "staged.pem";
  std::ofstream(staged) << both;
  std::filesystem::rename(staged, fixture.ca.certificate());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  bool taken_up = false;
  while (!taken_up && std::chrono::steady_clock::now() < deadline) {
    taken_up = call_raw(fixture.channel(client), kStatusMethod).ok();
  }
  EXPECT_TRUE(taken_up);
}

TEST(RpcUtilities, CallerSeesOnlyTheUtilitiesOfItsCertificate) {
  RpcFixture fixture;
  ASSERT_TRUE(fixture.start(fixture.tls_config()).ok());
  const auto channel = fixture.channel(
      std::vector<std::string>{"URI:ami://role/reader", "URI:ami://role/asset", "URI:ami://utility/maui"});
  const auto stub = v1::AssetService::NewStub(channel);
  grpc::ClientContext context;
  v1::GetMeterRequest request;
  request.set_name("utilities/oahu/meters/1");
  v1::Meter meter;
  const grpc::Status status = stub->GetMeter(&context, request, &meter);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(reason_of(status), "UTILITY_NOT_GRANTED");
  ASSERT_EQ(fixture.log.of(CallRecord::Kind::Refused).size(), 1U);
  EXPECT_EQ(fixture.log.of(CallRecord::Kind::Refused)[0].utility, "oahu");

  fixture.adapters.resize(2);
  fixture.adapters[0].feed = "b";
  fixture.adapters[0].utility = "maui";
  fixture.adapters[1].feed = "a";
  fixture.adapters[1].utility = "oahu";
  const auto ingest = v1::IngestService::NewStub(channel);
  grpc::ClientContext second;
  v1::AdapterStatusResponse response;
  ASSERT_TRUE(ingest->AdapterStatus(&second, {}, &response).ok());
  ASSERT_EQ(response.adapters_size(), 1);
  EXPECT_EQ(response.adapters(0).utility(), "utilities/maui");
  EXPECT_FALSE(response.adapters(0).counts_known());  // the store of this test is away
}

TEST(RpcStore, StoreThatIsAwayIsUnavailableWithARetryTime) {
  RpcFixture fixture;
  ASSERT_TRUE(fixture.start(fixture.tls_config()).ok());
  const auto stub = v1::AssetService::NewStub(
      fixture.channel(std::vector<std::string>{"URI:ami://role/reader", "URI:ami://utility/maui"}));
  grpc::ClientContext context;
  v1::GetMeterRequest request;
  request.set_name("utilities/maui/meters/1");
  v1::Meter meter;
  const grpc::Status status = stub->GetMeter(&context, request, &meter);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(reason_of(status), "STORE_UNAVAILABLE");
  const auto retry = testing::detail<google::rpc::RetryInfo>(status);
  ASSERT_TRUE(retry);
  EXPECT_GT(retry->retry_delay().seconds(), 0);
}

TEST(RpcUnixSocket, CallerIsTheLocalOperatorWithEveryRole) {
  RpcFixture fixture;
  RpcServer::Config config;
  config.unix_socket = fixture.folder.path() / "rpc.sock";
  ASSERT_TRUE(fixture.start(config).ok());
  struct stat info {};
  ASSERT_EQ(::stat(config.unix_socket.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660U);
  const auto channel = grpc::CreateChannel("unix:" + config.unix_socket, grpc::InsecureChannelCredentials());
  for (const auto& [method, roles] : expected_roles()) {
    const grpc::Status status = call_raw(channel, method);
    EXPECT_NE(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << method;
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
  }
}

TEST(RpcUnixSocket, SocketThatSomebodyAnswersOnIsLeftAlone) {
  RpcFixture first, second;
  RpcServer::Config config;
  config.unix_socket = first.folder.path() / "rpc.sock";
  ASSERT_TRUE(first.start(config).ok());
  const Outcome again = second.start(config);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().fault, Fault::Transient);
  EXPECT_NE(again.error().message.find("rpc.sock"), std::string::npos);
  const auto channel = grpc::CreateChannel("unix:" + config.unix_socket, grpc::InsecureChannelCredentials());
  EXPECT_TRUE(call_raw(channel, kStatusMethod).ok());
}

TEST(RpcUnixSocket, SocketLeftOverFromACrashIsReplaced) {
  RpcFixture fixture;
  RpcServer::Config config;
  config.unix_socket = fixture.folder.path() / "rpc.sock";
  sockaddr_un left_over{};
  left_over.sun_family = AF_UNIX;
  std::ranges::copy(config.unix_socket, left_over.sun_path);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&left_over), sizeof left_over), 0);
  ::close(socket);
  ASSERT_TRUE(fixture.start(config).ok());
  const auto channel = grpc::CreateChannel("unix:" + config.unix_socket, grpc::InsecureChannelCredentials());
  EXPECT_TRUE(call_raw(channel, kStatusMethod).ok());
}

TEST(RpcDemo, PlaintextTcpNeedsADemoAndLoopback) {
  for (const auto& [demo, address] : {std::pair{false, "127.0.0.1:0"}, std::pair{true, "0.0.0.0:0"},
                                      std::pair{true, "[::]:0"}, std::pair{true, "192.0.2.1:0"}}) {
    RpcFixture fixture;
    RpcServer::Config config;
    config.demo = demo;
    config.demo_address = address;
    const Outcome started = fixture.start(config);
    ASSERT_FALSE(started.ok()) << address;
    EXPECT_EQ(started.error().fault, Fault::Permanent);
    EXPECT_NE(started.error().message.find(address), std::string::npos);
  }
  RpcFixture fixture;
  RpcServer::Config config;
  config.demo = true;
  config.demo_address = "127.0.0.1:0";
  ASSERT_TRUE(fixture.start(config).ok());
  const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(fixture.server->demo_port()),
                                           grpc::InsecureChannelCredentials());
  EXPECT_TRUE(call_raw(channel, kStatusMethod).ok());
}

TEST(RpcStart, MistakesInTheTlsFilesHaveAName) {
  RpcFixture fixture;
  const auto message = [&](const RpcServer::Config& config) {
    const Outcome started = fixture.start(config);
    EXPECT_FALSE(started.ok());
    if (started.ok()) return std::string();
    EXPECT_EQ(started.error().fault, Fault::Permanent);
    return started.error().message;
  };
  RpcServer::Config config = fixture.tls_config();
  config.tls.certificate_chain = fixture.folder.path() / "no-such.pem";
  EXPECT_NE(message(config).find("no-such.pem"), std::string::npos);

  config = fixture.tls_config();
  config.tls.client_ca.clear();
  EXPECT_NE(message(config).find("client_ca"), std::string::npos);

  config = fixture.tls_config();
  config.tls.private_key = fixture.ca.issue({.name = "another", .sans = {}}).key;
  EXPECT_NE(message(config).find("another.key"), std::string::npos);

  config = fixture.tls_config();
  ASSERT_EQ(::chmod(config.tls.private_key.c_str(), 0644), 0);
  EXPECT_NE(message(config).find("others may read"), std::string::npos);
  EXPECT_NE(message(RpcServer::Config{}).find("no address"), std::string::npos);
}

TEST(RpcStart, TakenPortIsTransientAndNamed) {
  RpcFixture first, second;
  ASSERT_TRUE(first.start(first.tls_config()).ok());
  RpcServer::Config config = second.tls_config();
  config.tls_address = first.address();
  const Outcome started = second.start(config);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().fault, Fault::Transient);
  EXPECT_NE(started.error().message.find(first.address()), std::string::npos);
}

class RpcUnderWay : public ::testing::Test {
 protected:
  RpcUnderWay() {
    config.unix_socket = fixture.folder.path() / "rpc.sock";
    fixture.workers.hold();
  }
  std::future<grpc::Status> call() {
    return std::async(std::launch::async, [channel = channel()] { return call_raw(channel, kStatusMethod); });
  }
  std::shared_ptr<grpc::Channel> channel() const {
    return grpc::CreateChannel("unix:" + config.unix_socket, grpc::InsecureChannelCredentials());
  }
  RpcFixture fixture;
  RpcServer::Config config;
};

TEST_F(RpcUnderWay, CallsBeyondTheBoundAreToldWhenToComeBack) {
  config.max_calls = 1;
  ASSERT_TRUE(fixture.start(config).ok());
  std::future<grpc::Status> first = call();
  fixture.workers.wait_posted(1);
  const grpc::Status second = call_raw(channel(), kStatusMethod);
  EXPECT_EQ(second.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(reason_of(second), "TOO_MANY_CALLS");
  EXPECT_TRUE(testing::detail<google::rpc::RetryInfo>(second));
  fixture.workers.release();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(call_raw(channel(), kStatusMethod).ok());  // the place is free again
}

TEST_F(RpcUnderWay, DrainLetsACallEnd) {
  ASSERT_TRUE(fixture.start(config).ok());
  std::future<grpc::Status> first = call();
  fixture.workers.wait_posted(1);
  std::future<void> drained =
      std::async(std::launch::async, [&] { fixture.server->drain(std::chrono::seconds{20}); });
  fixture.workers.release();
  EXPECT_TRUE(first.get().ok());
  drained.get();
  EXPECT_FALSE(call_raw(channel(), kStatusMethod).ok());
}

TEST_F(RpcUnderWay, DrainCancelsWhatOutlastsItsPatience) {
  ASSERT_TRUE(fixture.start(config).ok());
  std::future<grpc::Status> first = call();
  fixture.workers.wait_posted(1);
  std::future<void> drained =
      std::async(std::launch::async, [&] { fixture.server->drain(std::chrono::milliseconds{50}); });
  EXPECT_FALSE(first.get().ok());  // told before the worker was free
  fixture.workers.release();
  drained.get();
}

TEST(RpcStandard, HealthFollowsTheStoreAndReflectionIsOn) {
  RpcFixture fixture;
  RpcServer::Config config;
  config.unix_socket = fixture.folder.path() / "rpc.sock";
  ASSERT_TRUE(fixture.start(config).ok());
  const auto channel = grpc::CreateChannel("unix:" + config.unix_socket, grpc::InsecureChannelCredentials());
  const auto health = [&](const std::string& service) {
    grpc::GenericStub stub(channel);
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    // HealthCheckRequest{service = 1}
    std::string request;
    if (!service.empty()) request = std::string("\x0a") + static_cast<char>(service.size()) + service;
    const grpc::Slice slice(request);
    const grpc::ByteBuffer bytes(&slice, 1);
    auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", bytes, &queue);
    call->StartCall();
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    EXPECT_TRUE(status.ok()) << status.error_message();
    grpc::Slice flat;
    EXPECT_TRUE(answer.DumpToSingleSlice(&flat).ok());
    return std::string(reinterpret_cast<const char*>(flat.begin()), flat.size());
  };
  const std::string serving("\x08\x01", 2), not_serving("\x08\x02", 2);  // HealthCheckResponse.status
  EXPECT_EQ(health(""), serving);
  EXPECT_EQ(health("ami.v1.ReadingService"), serving);
  fixture.server->set_serving(false);
  EXPECT_EQ(health("ami.v1.ReadingService"), not_serving);
  fixture.server->set_serving(true);
  EXPECT_EQ(health(""), serving);
  // ServerReflectionRequest{list_services = "*"}
  EXPECT_TRUE(call_raw(channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                       std::string("\x3a\x01*"))
                  .ok());
}

}  // namespace
}  // namespace ami::rpc
