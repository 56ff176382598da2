// A made-up family that is pushed to, for tests of the whole way: a sender connects over TCP and writes lines
// "KEY METER VALUE TIME"; each is answered with "ok ID" once it is durable, "busy REASON" when it should be
// sent again later, or "no REASON".
#pragma once

#include <memory>

#include "adapters/sdk/registration.h"

namespace ami::daemon::testing {

std::unique_ptr<sdk::AdapterFamily> line_push_family();

}  // namespace ami::daemon::testing
