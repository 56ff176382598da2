// Reads a Mapping from YAML text. Every problem is reported with its line; an unknown key names the nearest.
#pragma once

#include <string>
#include <string_view>

#include "meter_model/normaliser/mapping.h"
#include "meter_model/result.h"

namespace ami {

Result<Mapping> parse_mapping(std::string_view yaml, const std::string& name_for_errors);

}  // namespace ami
