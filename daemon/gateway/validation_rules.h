// The configuration as validation wants it.
#pragma once

#include <memory>

#include "daemon/config/gateway_config.h"
#include "daemon/validation/judge.h"

namespace ami::daemon {

std::shared_ptr<const validation::Rules> validation_rules_of(const GatewayConfig& config);

}  // namespace ami::daemon
