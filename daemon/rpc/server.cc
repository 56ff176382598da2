#include "daemon/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/rpc/admin_service.h"
#include "daemon/rpc/asset_service.h"
#include "daemon/rpc/audit_service.h"
#include "daemon/rpc/call.h"
#include "daemon/rpc/collection_service.h"
#include "daemon/rpc/command_service.h"
#include "daemon/rpc/event_service.h"
#include "daemon/rpc/han_service.h"
#include "daemon/rpc/ingest_service.h"
#include "daemon/rpc/reading_service.h"
#include "daemon/rpc/switch_service.h"
#include "daemon/rpc/tls_files.h"

namespace ami::rpc {
namespace {

constexpr int kMaxMessageBytes = 8 << 20;
constexpr mode_t kSocketMode = 0660;

std::shared_ptr<grpc::ServerCredentials> tls_credentials(const TlsFiles& files) {
  namespace tls = grpc::experimental;
  const auto every = static_cast<unsigned int>(std::max<std::int64_t>(files.reload.count(), 1));
  tls::TlsServerCredentialsOptions options(std::make_shared<tls::FileWatcherCertificateProvider>(
      files.private_key, files.certificate_chain, files.client_ca, every));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return tls::TlsServerCredentials(options);
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address.starts_with("[::1]:") || address.starts_with("localhost:");
}

// gRPC replaces whatever socket it finds; one that somebody still answers on must stay.
Outcome check_unix_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return permanent(path + ": too long for a Unix socket");
  std::ranges::copy(path, address.sun_path);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return transient(path + ": " + std::strerror(errno));
  const bool answered = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  if (answered) return transient(path + ": another program listens on it");
  return Done{};
}

}  // namespace

struct RpcServer::Impl {
  Impl(Config configuration, Dependencies given)
      : config(std::move(configuration)),
        backend{given.database,
                given.reader != nullptr ? *given.reader : given.database,
                std::move(given.adapter_status),
                std::move(given.replay),
                std::move(given.log),
                std::move(given.now),
                std::move(given.executor),
                PageTokens(),
                std::move(given.kept),
                std::move(given.regimes),
                std::move(given.rules),
                std::move(given.commands),
                given.switching},
        gate(backend, {!config.unix_socket.empty(), config.demo && !config.demo_address.empty()},
             config.max_calls),
        subscriptions(config.changes),
        // Calls that wait must leave room for others: each holds a place of the gate.
        waits({.streams_per_caller = std::max<std::size_t>(config.max_calls / 4, 1)},
              std::max<std::size_t>(config.max_calls / 2, 1)),
        assets(gate),
        readings(gate, subscriptions),
        events(gate),
        ingest(gate),
        collection(gate, waits),
        admin(gate),
        commands(gate, waits),
        han(gate),
        switches(gate, waits),
        audits(gate, given.seals) {}

  Outcome check() const {
    if (config.tls_address.empty() && config.unix_socket.empty() && config.demo_address.empty()) {
      return permanent("the gRPC server has no address to listen on");
    }
    if (!config.demo_address.empty() && !(config.demo && is_loopback(config.demo_address))) {
      return permanent(config.demo_address + ": plaintext is only for a demo, and only on loopback");
    }
    if (!config.tls_address.empty()) {
      if (Outcome files = check_tls_files(config.tls); !files.ok()) return files;
    }
    if (!config.unix_socket.empty()) return check_unix_socket(config.unix_socket);
    return Done{};
  }

  Outcome start() {
    if (Outcome checked = check(); !checked.ok()) return checked;
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a second gateway on the port is an error
    std::string addresses;
    const auto listen = [&](const std::string& address, const auto& credentials, int* bound) {
      if (address.empty()) return;
      builder.AddListeningPort(address, credentials, bound);
      addresses += (addresses.empty() ? "" : ", ") + address;
    };
    if (!config.tls_address.empty()) listen(config.tls_address, tls_credentials(config.tls), &port);
    if (!config.unix_socket.empty())
      listen("unix:" + config.unix_socket, grpc::InsecureServerCredentials(), nullptr);
    listen(config.demo_address, grpc::InsecureServerCredentials(), &demo_port);
    for (grpc::Service* service :
         {static_cast<grpc::Service*>(&assets), static_cast<grpc::Service*>(&readings),
          static_cast<grpc::Service*>(&events), static_cast<grpc::Service*>(&ingest),
          static_cast<grpc::Service*>(&collection), static_cast<grpc::Service*>(&admin),
          static_cast<grpc::Service*>(&commands), static_cast<grpc::Service*>(&han),
          static_cast<grpc::Service*>(&switches), static_cast<grpc::Service*>(&audits)}) {
      builder.RegisterService(service);
    }
    server = builder.BuildAndStart();
    if (server == nullptr) return transient("gRPC cannot listen on " + addresses + ": is an address in use?");
    if (!config.unix_socket.empty() && ::chmod(config.unix_socket.c_str(), kSocketMode) != 0) {
      return permanent(config.unix_socket + ": " + std::strerror(errno));
    }
    set_serving(true);
    return Done{};
  }

  void set_serving(bool serving) const {
    if (server == nullptr) return;
    grpc::HealthCheckServiceInterface* health = server->GetHealthCheckService();
    health->SetServingStatus(serving);
    for (const char* name : {"ami.v1.AssetService", "ami.v1.ReadingService", "ami.v1.EventService",
                             "ami.v1.IngestService", "ami.v1.CollectionService", "ami.v1.AdminService",
                             "ami.v1.CommandService", "ami.v1.HanService", "ami.v1.SwitchService",
                             "ami.v1.AuditService"}) {
      health->SetServingStatus(name, serving);
    }
  }

  void drain(std::chrono::milliseconds patience) {
    if (server == nullptr) return;
    set_serving(false);
    subscriptions.stop();
    waits.stop();
    server->Shutdown(std::chrono::system_clock::now() + patience);
    gate.wait_idle();
    server.reset();
  }

  const Config config;
  Backend backend;
  Gate gate;
  Subscriptions subscriptions, waits;
  AssetService assets;
  ReadingService readings;
  EventService events;
  IngestService ingest;
  CollectionService collection;
  AdminService admin;
  CommandService commands;
  HanService han;
  SwitchService switches;
  AuditService audits;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
  int demo_port = 0;
};

RpcServer::RpcServer(Config config, Dependencies dependencies)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(dependencies))) {}

RpcServer::~RpcServer() {
  drain(std::chrono::milliseconds{0});
}

Outcome RpcServer::start() {
  return impl_->start();
}
int RpcServer::port() const {
  return impl_->port;
}
int RpcServer::demo_port() const {
  return impl_->demo_port;
}
std::size_t RpcServer::change_streams() const {
  return impl_->subscriptions.size();
}
void RpcServer::set_serving(bool serving) {
  impl_->set_serving(serving);
}
void RpcServer::drain(std::chrono::milliseconds patience) {
  impl_->drain(patience);
}

}  // namespace ami::rpc
