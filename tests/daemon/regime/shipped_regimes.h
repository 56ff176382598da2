// The notices that are shipped, as a gateway that has loaded them hands them on.
#pragma once

#include <memory>

#include "daemon/regime/regime.h"

namespace ami::regime::testing {

std::shared_ptr<Regimes> shipped_regimes();
UtcInstant at(const char* text);  // "2013-04-08T00:00:00Z"

// A FOCUS AXR-SD, form 2S, 1.5 elements, 3 wires, class 200, firmware 5.33, since ever.
storage::MeterDetail axr_sd();
storage::FittedModule module(const char* name, const storage::Period& valid = {}, bool breaks_seal = false);
storage::SealRecord seal(int year, unsigned month, unsigned day, int due_year);

}  // namespace ami::regime::testing
