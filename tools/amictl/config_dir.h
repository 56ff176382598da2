// Where the data that a site may correct stand.
#pragma once

#include <filesystem>
#include <string>

namespace ami::amictl {

// AMI_CONFIG_DIR, or config/ beside a build tree when it has `folder`, or where the package puts it.
std::filesystem::path config_dir(const std::string& folder);

}  // namespace ami::amictl
