// Writes delimited files: for tests and for simulated feeds. What is put in is written, including what the
// decoder refuses; only what a line cannot hold is refused.
#pragma once

#include <string>
#include <vector>

#include "meter_model/result.h"

namespace ami::delimited {

// The columns of an AclaraONE export, in their order.
std::vector<std::string> documented_columns();

// One line, ended with CRLF: a header or a record. Permanent, with `out` as it was, when a field holds a line
// end or a NUL.
Outcome encode_line(const std::vector<std::string>& fields, char delimiter, std::string& out);

}  // namespace ami::delimited
