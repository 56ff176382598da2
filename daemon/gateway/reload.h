// What of a changed configuration is applied while running, and what waits for a restart.
#pragma once

#include <string>
#include <vector>

#include "daemon/config/gateway_config.h"

namespace ami::daemon {

// Moves into `running` what can change: utilities, notices, feeds, validation, what utilities know of their
// switches, log, drain_timeout, data_dir.
// Everything else stays as it was; the keys of it that `fresh` would change are returned, in the order of the
// schema.
std::vector<std::string> take_over(GatewayConfig& running, GatewayConfig fresh);

}  // namespace ami::daemon
