// ReadingService.StreamChanges: pages of the change feed, written one message at a time, for as long as the
// caller stays.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "ami/v1/reading_service.pb.h"
#include "daemon/rpc/call.h"
#include "daemon/rpc/subscriptions.h"

namespace ami::rpc {

// The reactor owns itself until gRPC is done with it. At most one page of changes is held, and the next one
// is read when the caller has taken them: a caller that stalls costs a page of memory, no thread, no
// connection and no transaction. A database that goes away is waited for.
grpc::ServerWriteReactor<v1::StreamChangesResponse>* start_change_stream(
    Gate& gate, Subscriptions& subscriptions, grpc::CallbackServerContext& context,
    const v1::StreamChangesRequest& request);

}  // namespace ami::rpc
