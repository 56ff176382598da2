#include "daemon/switching/stored_rules/stored_rules.h"

#include <stdexcept>

#include "daemon/switching/rules/rule_book_yaml.h"

namespace ami::daemon::switching {

std::unique_ptr<StoredRules> StoredRules::load(const std::string& folder, storage::Database& database) {
  if (folder.empty()) return nullptr;
  LoadedRuleBook loaded = load_rule_book(folder);
  if (!loaded.problems.empty()) throw std::runtime_error("rules of switching: " + sdk::to_text(loaded.problems));
  return std::make_unique<StoredRules>(std::move(loaded.book), database);
}

}  // namespace ami::daemon::switching
