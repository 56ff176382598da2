// ReadingService.ReconcileCounts: what the readers answer for one day, counted and added up.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "ami/v1/reading_service.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

grpc::ServerWriteReactor<v1::ReconcileCountsResponse>* start_reconcile(
    Gate& gate, grpc::CallbackServerContext& context, const v1::ReconcileCountsRequest& request);

}  // namespace ami::rpc
