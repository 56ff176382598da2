// CollectionService.GetClockHealth over storage::Clocks.
#pragma once

#include "ami/v1/collection_service.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

void get_clock_health(const Call& call, const v1::GetClockHealthRequest& request,
                      v1::GetClockHealthResponse& response);

}  // namespace ami::rpc
