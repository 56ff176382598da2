// Reads a VeeConfig from YAML text. Every problem is reported with its line; an unknown key names the
// nearest.
#pragma once

#include <string>
#include <string_view>

#include "meter_model/result.h"
#include "meter_model/vee/vee_config.h"

namespace ami::vee {

// What the text leaves out stays as in `base`; a profile of a known name replaces that profile, programmes
// come before those of `base`. One problem a line: "name:line: message".
Result<VeeConfig> parse_vee_config(std::string_view yaml, const std::string& name_for_errors,
                                   const VeeConfig& base = default_vee_config());

}  // namespace ami::vee
