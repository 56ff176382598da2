// A made-up family that calls its far side for each command, for tests that kill it in between. The far side
// listens on `far_port`: a connection whose first line is "RESULTS" is where it says later what became of
// things, as lines "TRANSACTION METER WORD [TIME]", with done, opened or closed for what is done; on any other
// its first line is a command, "KIND TRANSACTION METER…", which it answers with "waiting" or "done".
//
// Failpoint test.command_left: right after the bytes of a command were handed to the socket.
#pragma once

#include <memory>

#include "adapters/sdk/registration.h"

namespace ami::daemon::testing {

std::unique_ptr<sdk::AdapterFamily> line_order_family();

}  // namespace ami::daemon::testing
