// Inside the store only: what the database itself says when it does not let an operation leave
// (ami_switch_leaves, storage/schema/0027_switch_limits.sql).
#pragma once

#include <optional>
#include <string>

#include "storage/postgres/refusal.h"

namespace ami::storage {

// Of an error's text: Excluded, rule SAFETY_HOLD, KILL_SWITCH, LIMIT or EMERGENCY_UNREVIEWED, with its facts. nullopt = another error.
std::optional<Refusal> gate_refusal(const std::string& error);

}  // namespace ami::storage
