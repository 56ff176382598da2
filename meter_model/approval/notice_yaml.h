// Reads a Notice from YAML text; what the keys mean: docs/approval.md. A second certificate is a second text.
#pragma once

#include <string>
#include <string_view>

#include "meter_model/approval/notice.h"
#include "meter_model/result.h"

namespace ami::approval {

// One problem a line: "name:line: message". An unknown key names the nearest known one. Every fact cites a
// clause that is in the text, a revision that is in its table and questions that are asked in it; names and
// aliases are each given once; revisions stand in order of number and date.
Result<Notice> parse_notice(std::string_view yaml, const std::string& name_for_errors);

}  // namespace ami::approval
