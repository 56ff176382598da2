// Problems that a parser tells as text, one a line: "path:line: message".
#pragma once

#include <string>
#include <vector>

#include "adapters/sdk/settings.h"

namespace ami::daemon {

// Appends one problem a line. A line that names no line of `path` belongs to the whole file.
void add_problem_lines(const std::string& path, const std::string& text, std::vector<sdk::Problem>& problems);

}  // namespace ami::daemon
