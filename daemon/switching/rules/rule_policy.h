// The rules of config/switching as a Policy. Rules that it tells of:
//   REASON_CLASS     no such class, or the class does not permit the action, the program, or lacks for whom
//   SAFETY_HOLD      a lock-out is in the way
//   PROTECTED_LIST   who must not be cut off; or a list that is missing or stale
//   ORDER_VOID       payment, move-in or a medical flag since the order was made; or no news of the account
//   JURISDICTION     nobody has said which law holds there
//   and each gate of the jurisdiction by its own name: ON_WINTER, VA_DAYS, …
// A check that is told but does not bind the class, the action or the customer says so (binds = false).
#pragma once

#include "daemon/switching/policy.h"
#include "daemon/switching/rules/protection.h"
#include "daemon/switching/rules/rule_book.h"

namespace ami::daemon::switching {

// Pure.
PolicyVerdict judge_rules(const RuleBook& book, const PolicyInput& input, const Protection& protection);

// Book and source outlive it. Thread-safe if the source is. check() blocks as the source does.
class RulePolicy final : public Policy {
 public:
  RulePolicy(const RuleBook& book, const ProtectionSource& source) : book_(book), source_(source) {}
  [[nodiscard]] PolicyVerdict check(const PolicyInput& input) const override {
    return judge_rules(book_, input, source_.of(input));
  }

 private:
  const RuleBook& book_;
  const ProtectionSource& source_;
};

}  // namespace ami::daemon::switching
