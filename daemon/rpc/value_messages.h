// One stored value as the message that every service shows it as.
#pragma once

#include <string>

#include "ami/v1/event_service.pb.h"
#include "ami/v1/reading_service.pb.h"
#include "daemon/regime/standings.h"
#include "daemon/rpc/convert.h"

namespace ami::rpc {

v1::Approval approval_message(const regime::Judged& judged);

// Puts type approval and verification into a message that has these three fields.
template <class Message>
void tell_standing(const regime::Standing& standing, Message& message) {
  message.set_type_approval(to_proto(standing.judged->status));
  message.set_verification(to_proto(standing.verification));
  if (standing.judged->status != approval::TypeApproval::NoRegime)
    *message.mutable_approval() = approval_message(*standing.judged);
}

v1::RegisterValue register_value(const storage::Utility& utility, const storage::RegisterRow& row,
                                 const storage::Dictionary& names, const std::string& meter_key,
                                 const UsagePointNames& points, bool apply_multiplier,
                                 regime::Standings& standings);

v1::Event event_message(const storage::Utility& utility, const storage::EventRow& row,
                        const std::string& meter_key, const UsagePointNames& points);

}  // namespace ami::rpc
