#include "daemon/switching/rules/rule_book_yaml.h"

#include <filesystem>
#include <iterator>
#include <set>

#include "daemon/switching/rules/rule_book_reader.h"

namespace ami::daemon::switching {
namespace fs = std::filesystem;
namespace {

// Values are only read out of a file whose keys and words are in order.
std::optional<sdk::Settings> load(const fs::path& file, const sdk::SettingsSchema& schema,
                                  std::vector<sdk::Problem>& problems) {
  auto loaded = sdk::load_settings_file(file.string(), schema);
  if (loaded.problems.empty()) return std::move(loaded.settings);
  problems.insert(problems.end(), std::make_move_iterator(loaded.problems.begin()),
                  std::make_move_iterator(loaded.problems.end()));
  return std::nullopt;
}

}  // namespace

LoadedRuleBook load_rule_book(const std::string& folder) {
  LoadedRuleBook out;
  RuleBookReader reader;
  const fs::path root(folder);
  if (const auto rules = load(root / "rules.yaml", rules_schema(), out.problems))
    reader.rules(*rules, out.book);
  std::set<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root / "jurisdictions", error)) {
    if (entry.path().extension() == ".yaml") files.insert(entry.path());
  }
  std::map<std::string, std::string> file_of;
  for (const fs::path& file : files) {
    const auto settings = load(file, jurisdiction_schema(), out.problems);
    if (!settings) continue;
    Jurisdiction read = reader.jurisdiction(*settings);
    const std::string code = read.code;
    if (const auto [first, fresh] = file_of.emplace(code, file.string()); !fresh) {
      out.problems.push_back(
          {file.string(), settings->line("jurisdiction"), code + " is in " + first->second + " already"});
      continue;
    }
    out.book.jurisdictions.emplace(code, std::move(read));
  }
  if (fs::exists(root / "sites.yaml", error)) {
    if (const auto sites = load(root / "sites.yaml", sites_schema(), out.problems))
      reader.sites(*sites, out.book);
  }
  out.problems.insert(out.problems.end(), std::make_move_iterator(reader.problems.begin()),
                      std::make_move_iterator(reader.problems.end()));
  return out;
}

}  // namespace ami::daemon::switching
