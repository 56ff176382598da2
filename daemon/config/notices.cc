#include "daemon/config/notices.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "daemon/config/problem_lines.h"
#include "meter_model/approval/notice_yaml.h"

namespace ami::daemon {
namespace fs = std::filesystem;

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
      add_problem_lines(path, notice.error().message, out.problems);
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
