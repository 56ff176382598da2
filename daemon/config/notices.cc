#include "daemon/config/notices.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>

#include "meter_model/approval/notice_yaml.h"

namespace ami::daemon {
namespace fs = std::filesystem;
namespace {

// Each line is "path:line: message".
void add_problems(const std::string& path, const std::string& text, std::vector<sdk::Problem>& problems) {
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

}  // namespace

LoadedNotices load_notices(const std::string& folder) {
  LoadedNotices out;
  std::set<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".yaml") files.insert(entry.path());
  }
  std::map<std::string, std::string> file_of;  // notice -> file
  for (const fs::path& file : files) {
    const std::string path = file.string();
    std::ifstream in(file, std::ios::binary);
    const std::string yaml{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in) {
      out.problems.push_back({path, 0, "cannot be read"});
      continue;
    }
    auto notice = approval::parse_notice(yaml, path);
    if (!notice.ok()) {
      add_problems(path, notice.error().message, out.problems);
      continue;
    }
    const std::string name = notice->name;
    if (const auto [first, fresh] = file_of.emplace(name, path); !fresh) {
      out.problems.push_back({path, 0, "notice: " + name + " is in " + first->second + " already"});
      continue;
    }
    out.notices.emplace(name, std::move(notice).value());
  }
  return out;
}

}  // namespace ami::daemon
