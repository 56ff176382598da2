// By which feeds a meter can be reached: what asset data and stored values say. Blocking, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

struct MeterWays {
  std::string key;
  MeterId meter = 0;                  // 0 = the utility has none of that name; all else is empty then
  std::string nearest;                // of an unknown one, when it was the only one asked for
  std::vector<Alias> names;           // valid then
  std::vector<std::string> delivers;  // feeds that values came from in the last 35 days, the newest first
  std::string module;                 // fitted then, as Fitted::module.key
  std::string feeder;                 // of the usage point where it is; empty = not known
  std::string substation{}, collector{};  // likewise
};

class Ways {
 public:
  explicit Ways(Database& database) : database_(database) {}
  // One for each key, in their order.
  Answer<std::vector<MeterWays>> of(UtilityId utility, const std::vector<std::string>& keys, UtcInstant at);

 private:
  Database& database_;
};

}  // namespace ami::storage
