#include "tools/amictl/config_dir.h"

#include <cstdlib>
#include <system_error>

namespace ami::amictl {

namespace fs = std::filesystem;

fs::path config_dir(const std::string& folder) {
  if (const char* set = std::getenv("AMI_CONFIG_DIR")) return set;
  std::error_code ignored;
  const fs::path beside = fs::read_symlink("/proc/self/exe", ignored).parent_path() / "../../config";
  return fs::exists(beside / folder) ? beside : fs::path("/etc/ami-gateway");
}

}  // namespace ami::amictl
