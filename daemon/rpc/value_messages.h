// One stored value as the message that every service shows it as.
#pragma once

#include <string>

#include "ami/v1/event_service.pb.h"
#include "ami/v1/reading_service.pb.h"
#include "daemon/rpc/convert.h"

namespace ami::rpc {

v1::RegisterValue register_value(const storage::Utility& utility, const storage::RegisterRow& row,
                                 const storage::Dictionary& names, const std::string& meter_key,
                                 const UsagePointNames& points, bool apply_multiplier);

v1::Event event_message(const storage::Utility& utility, const storage::EventRow& row,
                        const std::string& meter_key, const UsagePointNames& points);

}  // namespace ami::rpc
