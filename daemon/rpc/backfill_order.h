// CollectionService.RequestBackfill as it is understood.
#pragma once

#include "ami/v1/collection_service.pb.h"
#include "daemon/rpc/command_orders.h"

namespace ami::rpc {

// Throws StatusError: wrong fields, a utility that the caller may not see, no meter or too many.
OperationOrder backfill_order(const Call& call, const v1::RequestBackfillRequest& request);

}  // namespace ami::rpc
