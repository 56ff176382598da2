#include "storage/postgres/stored_quality.h"

#include <algorithm>
#include <stdexcept>

namespace ami::storage {

ValueQuality stored_quality(std::string_view codes, std::string_view flag) {
  ValueQuality out;
  out.vendor_flag = flag;
  while (!codes.empty()) {
    const auto end = std::min(codes.find(' '), codes.size());
    const auto code = QualityCode::parse(codes.substr(0, end));
    if (!code.ok()) throw std::runtime_error("stored quality code: " + code.error().message);
    out.codes.push_back(*code);
    codes.remove_prefix(std::min(end + 1, codes.size()));
  }
  std::sort(out.codes.begin(), out.codes.end());
  return out;
}

}  // namespace ami::storage
