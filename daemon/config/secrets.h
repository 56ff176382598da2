// Secrets stand in files of their own, or in systemd credentials; never in the configuration.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "meter_model/result.h"

namespace ami::daemon {

// Replaces ${CREDENTIALS_DIRECTORY}; any other ${…} and an unset variable are errors.
Result<std::string> expand_credentials(std::string_view text);

// What is wrong with a file that must be there: missing, unreadable, empty, and for a secret: open to others.
std::optional<std::string> file_problem(const std::string& path, bool secret);

// What is wrong with a libpq string as far as secrets go: a password in it.
std::optional<std::string> conninfo_problem(std::string_view conninfo);

}  // namespace ami::daemon
