// Tells whoever started the gateway on port 0 which port it got.
#pragma once

#include <string>

#include "meter_model/result.h"

namespace ami::daemon {

// Written beside and renamed, so that whoever waits for the file never reads half a number. Empty path:
// nothing.
Outcome write_port_file(const std::string& path, int port);

}  // namespace ami::daemon
