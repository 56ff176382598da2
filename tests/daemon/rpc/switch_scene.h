// SwitchService over a real engine with a book in memory and a far side that does what it is told; asset data
// are in a database of their own. Utility "maui", meter "M7" at usage point "UP-7". Clocks stand until moved.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ami/v1/switch_service.grpc.pb.h"
#include "daemon/rpc/switching.h"
#include "tests/daemon/rpc/services_fixture.h"
#include "tests/daemon/switching/scene.h"

namespace ami::rpc::testing {

// What a comparison found; the test says what.
class FakeFindings final : public storage::SwitchFindings {
 public:
  using Finding = storage::SwitchFinding;
  storage::Answer<std::vector<Finding>> record(std::int32_t, UtcInstant, const std::vector<Finding>&,
                                               const std::vector<Agreed>&) override {
    return std::vector<Finding>{};
  }
  storage::Answer<storage::SwitchComparison> finished(const storage::SwitchComparison& done) override {
    return done;
  }
  storage::Answer<std::optional<storage::SwitchComparison>> last(std::int32_t utility) override;
  storage::Answer<std::vector<Finding>> list(const storage::SwitchFindingQuery& query) override;

  std::vector<Finding> findings;  // newest first
  std::optional<storage::SwitchComparison> comparison;
};

// Where events say that the switch is; the test says what.
class FakeWatch final : public storage::SwitchWatch {
 public:
  storage::Answer<std::vector<storage::WatchedSwitch>> watched(UtcInstant) override {
    return std::vector<storage::WatchedSwitch>{};
  }
  storage::Answer<std::vector<storage::ToldPosition>> positions(MeterId, UtcInstant, UtcInstant) override {
    return std::vector<storage::ToldPosition>{};
  }
  storage::Answer<std::vector<storage::SwitchMeter>> meters(std::int32_t, MeterId, std::size_t) override {
    return std::vector<storage::SwitchMeter>{};
  }
  storage::Answer<std::map<MeterId, storage::SwitchOperation>> last_asked(
      const std::vector<MeterId>&) override {
    return std::map<MeterId, storage::SwitchOperation>{};
  }
  storage::Answer<std::map<MeterId, storage::ToldPosition>> newest_told(const std::vector<MeterId>& meters,
                                                                        UtcInstant) override {
    std::map<MeterId, storage::ToldPosition> out;
    if (told) out.emplace(meters.at(0), *told);
    return out;
  }
  std::optional<storage::ToldPosition> told;
};

class SwitchScene : public daemon::switching::SwitchingTest {
 protected:
  SwitchScene();
  ~SwitchScene() override;

  // Another server, with the engine as it is by now; without a switching engine, or without comparisons.
  void serve(bool switching = true, bool compares = true);

  using Stub = v1::SwitchService::Stub;
  // A stub of a caller with these roles, of maui; empty = the local operator.
  [[nodiscard]] std::unique_ptr<Stub> caller(const std::vector<std::string>& roles,
                                             const std::string& name = "cis",
                                             const std::string& utility = "maui") const;

  template <class Request, class Response>
  static grpc::Status call(Stub& used,
                           grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                           const Request& request, Response& response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{60});
    response.Clear();
    return (used.*method)(&context, request, &response);
  }
  // By the local operator; the call must be answered well.
  template <class Response, class Request>
  Response must(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                const Request& request) {
    Response response;
    const grpc::Status status = call(*local, method, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  template <class Response, class Request>
  grpc::Status refused(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                       const Request& request) {
    Response response;
    const grpc::Status status = call(*local, method, request, response);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(response.ByteSizeLong(), 0U);
    return status;
  }
  static v1::SubmitSwitchRequest asks(const std::string& id, v1::SwitchOperation::Action action =
                                                                 v1::SwitchOperation::OPEN);
  v1::SwitchOperation submit_rpc(const v1::SubmitSwitchRequest& request) {
    return must(&Stub::Submit, request);
  }
  v1::SwitchOperation shown(const std::string& name);
  static daemon::switching::SwitchId id_of(const std::string& name);
  static std::string field_of(const grpc::Status& status);
  static std::map<std::string, std::string> facts_of(const grpc::Status& status);

  // Messages of a whole watch; `seen` is called with each.
  grpc::Status watch(const v1::WatchSwitchRequest& request,
                     const std::function<void(const v1::SwitchUpdate&)>& seen);

  const std::string conninfo;
  storage::UtilityId maui = 0;
  FakeFindings found;
  FakeWatch events;
  storage::SafetyHolds* holds = nullptr;
  storage::SwitchStops* stops = nullptr;
  storage::SwitchLimits* limits = nullptr;
  storage::SwitchReviews* reviews = nullptr;
  std::size_t max_calls = 256;
  Workers switching_threads;
  std::unique_ptr<RpcFixture> fixture;
  std::unique_ptr<Stub> local;

 private:
  std::unique_ptr<Switching> switching_;
};

}  // namespace ami::rpc::testing
