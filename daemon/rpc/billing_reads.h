// ReadingService.ListBillingReads.
#pragma once

#include "ami/v1/reading_service.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

void list_billing_reads(const Call& call, const v1::ListBillingReadsRequest& request,
                        v1::ListBillingReadsResponse& response);

}  // namespace ami::rpc
