// Tells whether configuration files changed between two loads.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace ami::daemon {

// Hex digest over paths and contents of all *.yaml and *.yml files below `folder`, but for `except` (absolute
// paths of files and folders). At most 2000 files of at most 16 MiB count; a folder that cannot be read has a
// digest of its own.
std::string digest_of_folder(const std::string& folder, const std::set<std::string>& except);

std::string digest_of_file(const std::string& path);  // "" when it cannot be read
// The same of a feed file, less the line that says how its values are judged (`vee:`).
std::string digest_of_feed_file(const std::string& path);
std::string digest_of_text(std::string_view text);    // SHA-256, hex

}  // namespace ami::daemon
