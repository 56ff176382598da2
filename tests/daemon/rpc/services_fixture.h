// A server on a database of its own, called over its Unix socket.
#pragma once

#include <google/protobuf/util/time_util.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "ami/v1/asset_service.grpc.pb.h"
#include "ami/v1/event_service.grpc.pb.h"
#include "ami/v1/ingest_service.grpc.pb.h"
#include "ami/v1/reading_service.grpc.pb.h"
#include "tests/daemon/rpc/rpc_fixture.h"
#include "tests/daemon/rpc/store_data.h"

namespace ami::rpc::testing {

inline google::protobuf::Timestamp stamp(const std::string& text) {
  google::protobuf::Timestamp timestamp;
  EXPECT_TRUE(google::protobuf::util::TimeUtil::FromString(text, &timestamp)) << text;
  return timestamp;
}

inline std::string text_of(const google::protobuf::Timestamp& timestamp) {
  return google::protobuf::util::TimeUtil::ToString(timestamp);
}

class ServicesTest : public ::testing::Test {
 protected:
  explicit ServicesTest(const std::string& conninfo, const ChangeFeedOptions& changes = {})
      : fixture(conninfo) {
    RpcServer::Config config;
    config.changes = changes;
    config.unix_socket = fixture.folder.path() / "rpc.sock";
    const Outcome started = fixture.start(config);
    EXPECT_TRUE(started.ok());
    channel = grpc::CreateChannel("unix:" + config.unix_socket, grpc::InsecureChannelCredentials());
    assets = v1::AssetService::NewStub(channel);
    readings = v1::ReadingService::NewStub(channel);
    events = v1::EventService::NewStub(channel);
    ingest = v1::IngestService::NewStub(channel);
  }

  // One unary call: stub, method, request; the answer is left in `response`.
  template <class Stub, class Request, class Response>
  static grpc::Status call(const std::unique_ptr<Stub>& stub,
                           grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                           const Request& request, Response& response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{30});
    response.Clear();
    return ((*stub).*method)(&context, request, &response);
  }

  static std::string field_of(const grpc::Status& status) {
    const auto bad = detail<google::rpc::BadRequest>(status);
    return bad && bad->field_violations_size() > 0 ? bad->field_violations(0).field() : std::string();
  }

  RpcFixture fixture;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::AssetService::Stub> assets;
  std::unique_ptr<v1::ReadingService::Stub> readings;
  std::unique_ptr<v1::EventService::Stub> events;
  std::unique_ptr<v1::IngestService::Stub> ingest;
};

}  // namespace ami::rpc::testing
