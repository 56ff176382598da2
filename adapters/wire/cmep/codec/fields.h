// Splits one CMEP record into fields.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "meter_model/observation/observation.h"

namespace ami::cmep {

struct SplitOutcome {
  enum class Status { Ok, NotAscii, BadQuoting };
  Status status = Status::Ok;
  std::size_t at = 0;  // byte of the line that is at fault
};

// Comma-separated; blanks (space, tab) around a field are trimmed, those inside quotes are kept; a doubled
// quote inside quotes stands for one and puts the field into `arena`. A quote inside an unquoted field is a
// character like any other. `fields` is emptied first. The line has no line end.
SplitOutcome split_fields(std::string_view line, TextArena& arena, std::vector<std::string_view>& fields);

}  // namespace ami::cmep
