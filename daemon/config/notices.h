// The notices of type approval that a gateway has: one file each.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "adapters/sdk/settings.h"
#include "meter_model/approval/notice.h"

namespace ami::daemon {

using Notices = std::map<std::string, approval::Notice, std::less<>>;  // by name: "AE-1641"

struct LoadedNotices {
  Notices notices;
  std::vector<sdk::Problem> problems;  // with file and line
};

// Every *.yaml of a folder, in order of name. A folder that is not there has none.
LoadedNotices load_notices(const std::string& folder);

}  // namespace ami::daemon
