#include "tests/daemon/rpc/rpc_fixture.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

namespace ami::rpc::testing {
namespace {

grpc::ChannelArguments fresh_connection() {
  // Channels to the same address share a connection otherwise, and with it a certificate.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

}  // namespace

TempFolder::TempFolder() {
  std::string pattern = std::filesystem::temp_directory_path() / "ami-rpc-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Workers::Workers() {
  for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { run(); });
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    held_ = false;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  changed_.notify_all();
}

void Workers::hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

void Workers::release() {
  {
    const std::lock_guard lock(mutex_);
    held_ = false;
  }
  changed_.notify_all();
}

void Workers::wait_posted(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return queue_.size() >= count; });
}

void Workers::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return (!queue_.empty() && !held_) || (stopping_ && queue_.empty()); });
    if (queue_.empty()) return;
    std::function<void()> work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

void CallLogBook::write(const CallRecord& record) {
  const std::lock_guard lock(mutex_);
  records_.push_back(record);
}

std::vector<CallRecord> CallLogBook::of(CallRecord::Kind kind) const {
  const std::lock_guard lock(mutex_);
  std::vector<CallRecord> found;
  for (const CallRecord& record : records_) {
    if (record.kind == kind) found.push_back(record);
  }
  return found;
}

RpcFixture::RpcFixture(const std::string& conninfo)
    : ca(folder.path(), "ca"),
      server_files(ca.issue({.name = "server", .sans = {"DNS:localhost", "IP:127.0.0.1"}})),
      database(storage::DatabaseOptions{.conninfo = conninfo, .connections = 4}),
      now(std::chrono::sys_days{std::chrono::year{2013} / 4 / 10}) {}

RpcFixture::~RpcFixture() {
  workers.release();
  server.reset();
}

RpcServer::Config RpcFixture::tls_config() const {
  RpcServer::Config config;
  config.tls_address = "127.0.0.1:0";
  config.tls.certificate_chain = server_files.certificate;
  config.tls.private_key = server_files.key;
  config.tls.client_ca = ca.certificate();
  config.tls.reload = std::chrono::seconds{1};
  return config;
}

Outcome RpcFixture::start(RpcServer::Config config) {
  server = std::make_unique<RpcServer>(
      std::move(config),
      RpcServer::Dependencies{
          .database = database,
          .adapter_status = [this] { return adapters; },
          .replay =
              [this](const ReplayOrder& order) {
                replays.push_back(order);
                return replay_answer;
              },
          .log = [this](const CallRecord& record) { log.write(record); },
          .now = [this] { return now; },
          .executor = [this](std::function<void()> work) { workers.post(std::move(work)); },
          .kept = kept_contents(),
          .regimes = [this] { return regimes; },
          .rules = [this] { return rules; },
          .commands = commands,
          .switching = switching});
  return server->start();
}

KeptContents RpcFixture::kept_contents() {
  KeptContents contents;
  contents.reprocess = [this](const storage::RunOrder& order) {
    runs.push_back(order);
    return storage::ReprocessRuns(database).order(order, {{"feed-1", "settings"}});
  };
  contents.holds = [this](const std::string& sha256) { return kept.contains(sha256); };
  contents.open = [this](const std::string& sha256) -> Result<RawStream> {
    if (!kept.contains(sha256)) return permanent("the content is not kept (any more)");
    return RawStream([this, text = kept.at(sha256), at = std::size_t{0}](
                         char* into, std::size_t size) mutable -> Result<std::size_t> {
      const std::size_t n = text.copy(into, size, at);
      at += n;
      if (n < size && kept_error) return *kept_error;
      return n;
    });
  };
  return contents;
}

std::string RpcFixture::address() const {
  return "127.0.0.1:" + std::to_string(server->port());
}

std::shared_ptr<grpc::Channel> RpcFixture::channel(const PemFiles& client) const {
  return grpc::CreateCustomChannel(address(),
                                   grpc::SslCredentials({read_file(ca.certificate()), read_file(client.key),
                                                         read_file(client.certificate)}),
                                   fresh_connection());
}

std::shared_ptr<grpc::Channel> RpcFixture::channel(const std::vector<std::string>& sans) const {
  static std::atomic<int> count{0};
  return channel(ca.issue({.name = "client" + std::to_string(++count), .sans = sans}));
}

std::shared_ptr<grpc::Channel> RpcFixture::channel_without_certificate() const {
  return grpc::CreateCustomChannel(address(), grpc::SslCredentials({read_file(ca.certificate()), "", ""}),
                                   fresh_connection());
}

grpc::Status call_raw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                      const std::string& request) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{20});
  grpc::CompletionQueue queue;
  const grpc::Slice slice(request);
  const grpc::ByteBuffer bytes(&slice, 1);
  auto call = stub.PrepareCall(&context, method, &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  call->StartCall(nullptr);
  if (wait()) {
    call->WriteLast(bytes, grpc::WriteOptions(), nullptr);
    wait();
    grpc::ByteBuffer answer;
    do {
      call->Read(&answer, nullptr);
    } while (wait());
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  return status;
}

google::rpc::Status details_of(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  return details;
}

std::string reason_of(const grpc::Status& status) {
  const auto info = detail<google::rpc::ErrorInfo>(status);
  return info ? info->reason() : std::string();
}

}  // namespace ami::rpc::testing
