// SwitchService.Reconcile: what the daily comparison of switches found.
#pragma once

#include "ami/v1/switch_service.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

void reconcile(const Call& call, const v1::ReconcileSwitchesRequest& request,
               v1::ReconcileSwitchesResponse& response);

}  // namespace ami::rpc
