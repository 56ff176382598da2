// The millrace module family, as the list of adapters sees it.
#pragma once

#include <memory>
#include <vector>

#include "adapters/sdk/registration.h"

namespace ami::millrace {

std::vector<std::unique_ptr<sdk::AdapterFamily>> interfaces();

}  // namespace ami::millrace
