// Reads a Mapping from YAML text. Every problem is reported with its line; an unknown key names the nearest.
#pragma once

#include <string>
#include <string_view>

#include "meter_model/normaliser/mapping.h"
#include "meter_model/result.h"

namespace ami {

// `version` and `wire` go together; both may be left out of an overlay (mapping.h). One problem a line:
// "name:line: message". Reading type templates must be whole reading types whose unit we can name.
Result<Mapping> parse_mapping(std::string_view yaml, const std::string& name_for_errors);

}  // namespace ami
