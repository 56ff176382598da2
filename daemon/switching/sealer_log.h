// The alerts of a sealer as lines of the log.
#pragma once

#include <functional>
#include <string>

#include "daemon/log/log.h"
#include "daemon/switching/sealer.h"

namespace ami::daemon::switching {

// `log` outlives what is returned.
std::function<void(SealAlert, const std::string& words)> seal_alerts_to(const Log& log);

}  // namespace ami::daemon::switching
