// Operations and their targets as messages.
#pragma once

#include <optional>

#include "ami/v1/command_service.pb.h"
#include "daemon/rpc/command_orders.h"
#include "daemon/rpc/fleet.h"

namespace ami::rpc {

inline constexpr std::size_t kTargetsInOperation = 100;  // more are not in the message of an operation

void fill(const storage::Utility& utility, const storage::Operation& operation, v1::Operation& message);
void fill(const storage::Utility& utility, const storage::OperationTarget& target, v1::Target& message);

// `operation` as take_operation() gave it, with its targets as they stand in the store. Accesses are noted in
// `notes`, once each as long as it lives.
void tell_operation(const Call& call, const OperationOrder& order, const storage::Operation& operation,
                    const std::optional<cmd::Place>& place, AccessNotes& notes, v1::Operation& message);

}  // namespace ami::rpc
