// The gridstream module family, as the list of adapters sees it.
#pragma once

#include <memory>
#include <vector>

#include "adapters/sdk/registration.h"

namespace ami::gridstream {

std::vector<std::unique_ptr<sdk::AdapterFamily>> interfaces();

}  // namespace ami::gridstream
