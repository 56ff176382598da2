// ReadingService.Explain.
#pragma once

#include "ami/v1/explain.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

void explain(const Call& call, const v1::ExplainRequest& request, v1::ExplainResponse& response);

}  // namespace ami::rpc
