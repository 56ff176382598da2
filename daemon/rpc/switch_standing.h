// What a switch may be told, and what is known of it: verdicts of a dry run, and SwitchService.ReadState.
#pragma once

#include "ami/v1/switch_service.pb.h"
#include "daemon/rpc/call.h"
#include "daemon/rpc/switching.h"

namespace ami::rpc {

void fill(const storage::Utility& utility, const daemon::switching::Evaluation& evaluation,
          v1::SwitchVerdict& message);

void read_state(const Call& call, const v1::ReadSwitchStateRequest& request, v1::SwitchStanding& response);

}  // namespace ami::rpc
