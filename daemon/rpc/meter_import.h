// AssetService.ImportMeters: a client stream of rows, stored all together or not at all.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "ami/v1/asset_service.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

inline constexpr std::size_t kMaxImportRows = 200'000;

// The reactor owns itself until gRPC is done with it. `response` is gRPC's.
grpc::ServerReadReactor<ami::v1::ImportMetersRequest>* start_meter_import(
    Gate& gate, grpc::CallbackServerContext& context, ami::v1::ImportMetersResponse& response);

}  // namespace ami::rpc
