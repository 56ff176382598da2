// The flexnet module family, as the list of adapters sees it.
#pragma once

#include <memory>

#include "adapters/sdk/registration.h"

namespace ami::flexnet {

std::unique_ptr<sdk::AdapterFamily> family();

}  // namespace ami::flexnet
