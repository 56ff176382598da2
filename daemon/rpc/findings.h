// CollectionService.ListFindings and Revalidate.
#pragma once

#include "ami/v1/collection_service.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

void list_findings(const Call& call, const v1::ListFindingsRequest& request,
                   v1::ListFindingsResponse& response);
void revalidate(const Call& call, const v1::RevalidateRequest& request, v1::RevalidateResponse& response);

}  // namespace ami::rpc
