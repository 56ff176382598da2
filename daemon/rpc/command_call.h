// A unary call about an operation: asks the engine, waits for the end if that is wanted, and answers with the
// operation.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <string_view>

#include "ami/v1/command_service.pb.h"
#include "daemon/rpc/command_orders.h"
#include "daemon/rpc/subscriptions.h"

namespace ami::rpc {

// The reactor owns itself until gRPC is done with it. A call that waits holds no thread; when `waits` has no
// place for it, or the engine has none, it answers at once with the operation as it stands. What was asked
// for stays asked for, whatever becomes of the call.
grpc::ServerUnaryReactor* start_command_call(Gate& gate, Subscriptions& waits,
                                             grpc::CallbackServerContext& context, std::string_view method,
                                             std::function<OperationOrder(const Call&)> read,
                                             v1::Operation& response);

}  // namespace ami::rpc
