// CommandService.WatchOperation: an operation whenever it changes, until it has ended.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "ami/v1/command_service.pb.h"
#include "daemon/rpc/command_orders.h"
#include "daemon/rpc/subscriptions.h"

namespace ami::rpc {

// The reactor owns itself until gRPC is done with it. A stream that waits holds no thread; one message is
// held at a time.
grpc::ServerWriteReactor<v1::Operation>* start_operation_watch(Gate& gate, Subscriptions& waits,
                                                               grpc::CallbackServerContext& context,
                                                               const v1::WatchOperationRequest& request);

}  // namespace ami::rpc
