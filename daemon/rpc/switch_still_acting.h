// What a hold or a stop comes too late for: commands that left before it, and that the far side may still act on.
#pragma once

#include "ami/v1/switch_service.pb.h"
#include "daemon/rpc/call.h"
#include "storage/contract/safety_holds.h"
#include "storage/contract/switch_limits.h"

namespace ami::rpc {

// Asked after the hold or stop is in force: whatever is not listed then cannot leave any more. A book that cannot be
// read is told (known = false), for the hold or stop is in force all the same.
void fill_still_acting(const Call& call, const storage::Utility& utility, const storage::HoldRequest& hold,
                       v1::StillActing& message);
void fill_still_acting(const Call& call, const storage::Utility& utility, storage::StopScope stop,
                       v1::StillActing& message);

}  // namespace ami::rpc
