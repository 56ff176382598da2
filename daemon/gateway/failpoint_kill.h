// For tests of crashes: AMI_FAILPOINT=NAME[:N] makes the process end itself with SIGKILL when it passes the
// named point (meter_model/failpoint.h) for the Nth time, the first when N is left out.
#pragma once

#include "daemon/log/log.h"
#include "meter_model/result.h"

namespace ami::daemon {

// Does nothing when the variable is not set; says so in the log, as a warning, when it is. Call once, before
// any other thread runs. Permanent: the variable is not of that form.
Outcome set_failpoint_from_environment(const Log& log);

}  // namespace ami::daemon
