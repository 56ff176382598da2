// What callers ask of operations, as it is understood, and how they are told that it cannot be.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "ami/v1/command_service.pb.h"
#include "daemon/commands/request.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

namespace cmd = daemon::commands;

// Which readings an answer holds, and why they are read.
struct OperationView {
  bool readings = false;  // that came with the answers of reads
  bool latest = false;    // the newest that are stored, where there are none of these
  std::string purpose, on_behalf_of;
};

struct OperationOrder {
  storage::Utility utility{};
  std::optional<cmd::Request> submit{};  // else it is about `operation`
  storage::OperationId operation = 0;
  std::string cancelled_by{};  // not empty: cancel it
  bool later_answers = false;
  std::chrono::milliseconds wait{0};  // for its end
  OperationView view{};
};

// Each throws StatusError: wrong fields, a utility that the caller may not see.
OperationOrder order_of(const Call& call, const v1::ReadNowRequest& request);
OperationOrder order_of(const Call& call, const v1::BatchReadNowRequest& request);
OperationOrder order_of(const Call& call, const v1::PingRequest& request);
OperationOrder order_of(const Call& call, const v1::PingBatchRequest& request);
OperationOrder order_of(const Call& call, const v1::DemandResetRequest& request);
OperationOrder order_of(const Call& call, const v1::GetOperationRequest& request);
OperationOrder order_of(const Call& call, const v1::CancelOperationRequest& request);
OperationOrder order_of(const Call& call, const v1::WatchOperationRequest& request);
OperationOrder order_of(const Call& call, const v1::ListTargetsRequest& request);

// The parts of a request that every service asks for alike.
std::string request_id_from(const std::string& text);
std::string name_of_caller(const Call& call);  // one without a common name is told apart by what it grants

storage::OperationKind kind_from(v1::Operation::Kind kind);  // INVALID_ARGUMENT for one that is none

// What the engine refused. `stopping`: the gateway does.
[[noreturn]] void refuse(const Call& call, const cmd::Refused& refused, const OperationOrder& order,
                         bool stopping);
grpc::Status gateway_stopping();
grpc::Status too_many_followers();

// OPERATION_NOT_FOUND where there is none of that number in the utility.
storage::Operation take_operation(const Call& call, const storage::Utility& utility,
                                  storage::OperationId operation);

}  // namespace ami::rpc
