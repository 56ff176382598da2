// A server of its own for each test, with certificates, channels, a pool of workers and a log that can be
// read.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/rpc/server.h"
#include "daemon/validation/judge.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "storage/postgres/database.h"
#include "tests/daemon/rpc/test_certificates.h"

namespace ami::rpc::testing {

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Two threads. hold() keeps what is posted from starting until release().
class Workers {
 public:
  Workers();
  ~Workers();
  void post(std::function<void()> work);
  void hold();
  void release();
  void wait_posted(std::size_t count);  // until so much is waiting

 private:
  void run();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool held_ = false, stopping_ = false;
  std::vector<std::thread> threads_;
};

class CallLogBook {
 public:
  void write(const CallRecord& record);
  [[nodiscard]] std::vector<CallRecord> of(CallRecord::Kind kind) const;

 private:
  mutable std::mutex mutex_;
  std::vector<CallRecord> records_;
};

// Server, CA and helpers. `conninfo` may lead nowhere for tests that need no store.
class RpcFixture {
 public:
  explicit RpcFixture(const std::string& conninfo = "host=/nonexistent dbname=none connect_timeout=1");
  ~RpcFixture();

  RpcServer::Config tls_config() const;  // TLS on a free port of 127.0.0.1
  Outcome start(RpcServer::Config config);
  [[nodiscard]] std::string address() const;  // of the TLS port

  [[nodiscard]] std::shared_ptr<grpc::Channel> channel(const PemFiles& client) const;
  [[nodiscard]] std::shared_ptr<grpc::Channel> channel(const std::vector<std::string>& sans) const;
  [[nodiscard]] std::shared_ptr<grpc::Channel> channel_without_certificate() const;

  TempFolder folder;
  TestCa ca;
  PemFiles server_files;
  storage::Database database;
  Workers workers;
  CallLogBook log;
  std::vector<AdapterReport> adapters;
  std::vector<ReplayOrder> replays;
  Result<ReplayReport> replay_answer = ReplayReport{};
  std::map<std::string, std::string> kept;  // content by hash; see kept_contents()
  std::optional<Error> kept_error;          // met after the bytes of a content
  std::vector<storage::RunOrder> runs;      // ordered so far
  UtcInstant now;
  std::shared_ptr<const regime::Regimes> regimes = std::make_shared<const regime::Regimes>();
  std::shared_ptr<const validation::Rules> rules = std::make_shared<const validation::Rules>();
  Commands commands{};  // of an engine that the test runs
  const Switching* switching = nullptr;
  std::unique_ptr<RpcServer> server;

 private:
  KeptContents kept_contents();
};

// Calls a method with a serialized request, whatever its shape; the status only.
grpc::Status call_raw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                      const std::string& request = {});

google::rpc::Status details_of(const grpc::Status& status);
std::string reason_of(const grpc::Status& status);  // ErrorInfo.reason; "" when there is none
template <class Message>
std::optional<Message> detail(const grpc::Status& status) {
  Message message;
  const google::rpc::Status details = details_of(status);
  for (const auto& any : details.details()) {
    if (any.UnpackTo(&message)) return message;
  }
  return std::nullopt;
}

}  // namespace ami::rpc::testing
