// Many meters at a time, each with where it was when.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/rpc/reading_target.h"

namespace ami::rpc {

using Fleet = std::map<MeterId, TargetMeter>;  // placements are all that are known, by time

Fleet load_fleet(const Call& call, const storage::Utility& utility, std::vector<storage::Meter> meters);
Fleet load_fleet(const Call& call, const storage::Utility& utility, const std::vector<MeterId>& meters);

// Writes the access log of a stream: each usage point (or meter outside one) before its values go out. Names
// are remembered up to a bound; a stream that goes on for weeks repeats some.
class AccessNotes {
 public:
  AccessNotes(std::string utility, std::string purpose, std::string on_behalf_of)
      : utility_(std::move(utility)), purpose_(std::move(purpose)), on_behalf_of_(std::move(on_behalf_of)) {}
  void note(const Call& call, const std::string& usage_point_key, const std::string& meter_key);

 private:
  const std::string utility_, purpose_, on_behalf_of_;
  std::set<std::pair<std::string, std::string>> noted_;
};

}  // namespace ami::rpc
