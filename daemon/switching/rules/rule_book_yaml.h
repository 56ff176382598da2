// Reads a RuleBook from a folder: rules.yaml, sites.yaml (may be missing) and jurisdictions/*.yaml.
#pragma once

#include <string>
#include <vector>

#include "adapters/sdk/settings.h"
#include "daemon/switching/rules/rule_book.h"

namespace ami::daemon::switching {

struct LoadedRuleBook {
  RuleBook book;
  std::vector<sdk::Problem> problems;  // empty = good; each with file and line
};

// All problems are told, not only the first: unknown keys and words with the nearest known one, a class that is
// missing or twice, a rule that would stop what saves a life or the way back, one that would not fail closed
// where it has to, a gate that lacks what its kind needs or has what it does not know, a source that is not
// there, a utility in a jurisdiction that has no file.
LoadedRuleBook load_rule_book(const std::string& folder);

}  // namespace ami::daemon::switching
