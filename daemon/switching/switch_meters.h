// Which meters have a service switch that can be operated, by asset data and the notice that binds their utility.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "daemon/regime/regime.h"
#include "storage/postgres/assets.h"

namespace ami::daemon::switching {

// Blocking. NotFound: no such utility.
storage::Answer<std::set<MeterId>> meters_with_switch(storage::Assets& assets,
                                                      const std::shared_ptr<const regime::Regimes>& regimes,
                                                      storage::UtilityId utility, const std::vector<MeterId>& meters,
                                                      UtcInstant now);

}  // namespace ami::daemon::switching
