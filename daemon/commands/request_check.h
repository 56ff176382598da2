// What is wrong with a request by itself, and what it asks of the store. Pure.
#pragma once

#include <optional>

#include "daemon/commands/request.h"

namespace ami::daemon::commands {

std::optional<Refused> check(const Request& request, UtcInstant now);  // nullopt: nothing
storage::NewOperation asked_of(const Request& request, const Rules& rules, UtcInstant now);

}  // namespace ami::daemon::commands
