// The readings that came with the answers of an operation.
#pragma once

#include <vector>

#include "ami/v1/command_service.pb.h"
#include "daemon/rpc/command_orders.h"
#include "daemon/rpc/fleet.h"

namespace ami::rpc {

inline constexpr std::size_t kTargetsWithReadings = 200;  // of one call of the next, at most

// Puts what `view` asks for into the messages of these targets, one each in the same order, and notes each
// meter whose readings are told. A read's readings are the register values that its feed brought from the
// moment that it left until it ended: the store does not keep which message answered which request.
void add_readings(const Call& call, const storage::Utility& utility,
                  const std::vector<storage::OperationTarget>& targets, const OperationView& view,
                  AccessNotes& notes, google::protobuf::RepeatedPtrField<v1::Target>& messages);

}  // namespace ami::rpc
