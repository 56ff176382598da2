// ReadingService.StreamIntervals: pages of the store, written one message at a time.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "ami/v1/reading_service.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

// The reactor owns itself until gRPC is done with it. At most one page of messages is held; the next one is
// read when the caller has taken them, so a slow caller costs a page of memory and no thread.
grpc::ServerWriteReactor<v1::StreamIntervalsResponse>* start_interval_stream(
    Gate& gate, grpc::CallbackServerContext& context, const v1::StreamIntervalsRequest& request);

}  // namespace ami::rpc
