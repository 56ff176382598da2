// The name of an attempt, which the far side sends back with its answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "meter_model/time/instant.h"
#include "storage/postgres/operations.h"

namespace ami::daemon::commands {

// "operation-attempt-second", each in base 36: at most 13 + 6 + 8 characters and two dashes. The second keeps
// it unique when a database is set back and gives out numbers again. attempt >= 1.
std::string transaction_id(storage::OperationId operation, int attempt, UtcInstant now);

// The `now` of a transaction, in whole seconds: before its first byte left. nullopt: the name is none of
// ours.
std::optional<UtcInstant> asked_at(std::string_view transaction);

}  // namespace ami::daemon::commands
