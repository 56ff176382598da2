// ReadingService.GetReadAt.
#pragma once

#include "ami/v1/reading_service.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

void get_read_at(const Call& call, const v1::GetReadAtRequest& request, v1::GetReadAtResponse& response);

}  // namespace ami::rpc
