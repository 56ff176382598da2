// A meter as the engine of switching must know it: where it is, what is in it, whose it is and how it can be
// reached, at one moment. Blocking, thread-safe.
#pragma once

#include <string>

#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"
#include "storage/postgres/meter_ways.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

struct SwitchedMeter {
  MeterId id = 0;
  Utility utility;
  std::string usage_point;  // key of where it is installed then; empty = nowhere
  Fitted fitted;            // its firmware is empty as long as it was not known then
  MeterWays ways;  // key, meter, names and module; the rest only where it was asked for
};

class SwitchedMeters {
 public:
  explicit SwitchedMeters(Database& database) : database_(database), ways_(database) {}
  // NotFound: the utility has no meter of that key. One question; `deliveries` asks which feeds values came from,
  // too, which takes several.
  Answer<SwitchedMeter> at(UtilityId utility, const std::string& key, UtcInstant when, bool deliveries);

 private:
  Database& database_;
  Ways ways_;
};

}  // namespace ami::storage
