// Files of thresholds, profiles and programmes of validation: one for all, and overlays of feeds.
#pragma once

#include <string>
#include <vector>

#include "adapters/sdk/settings.h"
#include "meter_model/vee/vee_config.h"

namespace ami::daemon {

struct LoadedVee {
  vee::VeeConfig config;
  std::vector<sdk::Problem> problems;  // with file and line; then `config` is `base`
};

// What `path` says, laid over `base`.
LoadedVee load_vee_file(const std::string& path, const vee::VeeConfig& base);

}  // namespace ami::daemon
