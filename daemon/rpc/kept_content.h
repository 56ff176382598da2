// IngestService: content as it arrived, and runs that read it again.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "ami/v1/ingest_service.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

// Purpose and access are checked, and the access is logged, before the first byte is read.
grpc::ServerWriteReactor<v1::GetRawResponse>* start_raw_stream(Gate& gate,
                                                               grpc::CallbackServerContext& context,
                                                               const v1::GetRawRequest& request);

void reprocess(const Call& call, const v1::ReprocessRequest& request, v1::ReprocessRun& response);
void get_reprocess(const Call& call, const v1::GetReprocessRequest& request, v1::ReprocessRun& response);
void list_reprocess(const Call& call, const v1::ListReprocessRequest& request,
                    v1::ListReprocessResponse& response);
void cancel_reprocess(const Call& call, const v1::CancelReprocessRequest& request,
                      v1::ReprocessRun& response);

}  // namespace ami::rpc
