#include "daemon/config/vee_files.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "daemon/config/problem_lines.h"
#include "meter_model/vee/vee_config_yaml.h"

namespace ami::daemon {

LoadedVee load_vee_file(const std::string& path, const vee::VeeConfig& base) {
  LoadedVee out{base, {}};
  std::error_code ignored;
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path, ignored)) {
    out.problems.push_back({path, 0, "cannot be read"});
    return out;
  }
  const std::string yaml{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  auto parsed = vee::parse_vee_config(yaml, path, base);
  if (parsed) {
    out.config = std::move(parsed).value();
  } else {
    add_problem_lines(path, parsed.error().message, out.problems);
  }
  return out;
}

}  // namespace ami::daemon
