// What a codec said, as one JSON object a line (the decode contract of the command line).
#pragma once

#include <optional>
#include <ostream>
#include <string>

#include "meter_model/normaliser/mapping.h"
#include "meter_model/observation/observation.h"
#include "meter_model/time/zone.h"

namespace ami::amictl {

struct DecodeRules {
  Mapping mapping;
  std::optional<Zone> zone;  // for times without an offset; nullopt: such times are printed as an error
};

// Prints the lines of one batch. Values stand in the vendor's unit: with a mapped unit, times the vendor's
// constant, so that value, unit and reading_type agree; without one, as written. Returns the number of error
// lines.
std::size_t print_json_lines(const DecodedBatch& batch, const DecodeRules& rules, std::ostream& out);

}  // namespace ami::amictl
