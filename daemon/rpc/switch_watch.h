// SwitchService.Watch.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "ami/v1/switch_service.pb.h"
#include "daemon/rpc/call.h"
#include "daemon/rpc/subscriptions.h"

namespace ami::rpc {

// Looks at the book, so that it does not matter which gateway works on the operation. Holds no thread while it
// waits. The reactor owns itself until gRPC is done with it.
grpc::ServerWriteReactor<v1::SwitchUpdate>* start_switch_watch(Gate& gate, Subscriptions& waits,
                                                               grpc::CallbackServerContext& context,
                                                               const v1::WatchSwitchRequest& request);

}  // namespace ami::rpc
