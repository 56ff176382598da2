#include "daemon/config/problem_lines.h"

#include <charconv>
#include <sstream>
#include <string_view>

namespace ami::daemon {

void add_problem_lines(const std::string& path, const std::string& text,
                       std::vector<sdk::Problem>& problems) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    sdk::Problem problem{path, 0, line};
    if (line.starts_with(path + ":")) {
      const std::string_view rest = std::string_view(line).substr(path.size() + 1);
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), problem.line);
      const auto used = static_cast<std::size_t>(end - rest.data());
      problem.message =
          error == std::errc{} && rest.substr(used).starts_with(": ") ? rest.substr(used + 2) : rest;
    }
    problems.push_back(std::move(problem));
  }
}

}  // namespace ami::daemon
