// Where a usage point is, as the rules of switching must know it. storage/postgres/switch_places.h
#pragma once

#include <cstdint>
#include <string>

#include "meter_model/time/instant.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

struct SwitchPlace {
  std::string utility;              // key
  std::string zone;                 // IANA: of the usage point, else of the utility
  std::string feeder, transformer;  // empty = not known
};

class SwitchPlaces {
 public:
  virtual ~SwitchPlaces() = default;
  // Blocks. NotFound: no such utility. A usage point that there is none of has a zone and nothing more.
  virtual Answer<SwitchPlace> of(std::int32_t utility, const std::string& usage_point, UtcInstant when) = 0;
};

}  // namespace ami::storage
