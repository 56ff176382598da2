// The rules of a folder with the stores that they look into: what a gateway needs of both.
#pragma once

#include <memory>
#include <string>

#include "daemon/switching/rules/rule_policy.h"
#include "daemon/switching/stored_rules/stored_protection.h"
#include "storage/postgres/database.h"
#include "storage/postgres/protected_lists.h"
#include "storage/postgres/safety_holds.h"
#include "storage/postgres/switch_places.h"

namespace ami::daemon::switching {

class StoredRules {
 public:
  // `database` is of a login in role ami_switch, and outlives it.
  StoredRules(RuleBook book, storage::Database& database)
      : book_(std::move(book)), places_(database), holds_(database), lists_(database) {}
  StoredRules(const StoredRules&) = delete;
  StoredRules& operator=(const StoredRules&) = delete;

  // nullptr where `folder` is empty: no rules are asked for. Throws std::runtime_error with every problem, file
  // and line, where the folder is not in order; --check-config tells the same.
  static std::unique_ptr<StoredRules> load(const std::string& folder, storage::Database& database);

  [[nodiscard]] const Policy& policy() const noexcept { return policy_; }
  [[nodiscard]] const RuleBook& book() const noexcept { return book_; }
  [[nodiscard]] storage::SafetyHolds& holds() noexcept { return holds_; }
  [[nodiscard]] storage::ProtectedLists& lists() noexcept { return lists_; }

 private:
  const RuleBook book_;
  storage::PostgresSwitchPlaces places_;
  storage::PostgresSafetyHolds holds_;
  storage::PostgresProtectedLists lists_;
  StoredProtection protection_{book_, places_, holds_, lists_};
  RulePolicy policy_{book_, protection_};
};

}  // namespace ami::daemon::switching
