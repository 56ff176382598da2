#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim {

std::filesystem::path NetworkSetup::path(const std::string& key) const {
  const auto found = own.find(key);
  if (found == own.end() || found->second.empty()) return {};
  return base_dir / found->second;
}

}  // namespace ami::fieldsim
