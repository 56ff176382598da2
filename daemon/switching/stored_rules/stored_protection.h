// What protects a customer, out of the stores: zone and feeder of asset data, safety holds, protected lists, and
// the jurisdiction of the rule book. Weather, news of the account and the class of the customer come from
// nowhere yet: they are missing, which the rules know.
#pragma once

#include "daemon/switching/rules/protection.h"
#include "storage/contract/protected_lists.h"
#include "storage/contract/safety_holds.h"
#include "storage/contract/switch_places.h"

namespace ami::daemon::switching {

// Everything handed in outlives it. Thread-safe as the stores are.
class StoredProtection final : public ProtectionSource {
 public:
  StoredProtection(const RuleBook& book, storage::SwitchPlaces& places, storage::SafetyHolds& holds,
                   storage::ProtectedLists& lists)
      : book_(book), places_(places), holds_(holds), lists_(lists) {}

  [[nodiscard]] Protection of(const PolicyInput& input) const override;

 private:
  const RuleBook& book_;
  storage::SwitchPlaces& places_;
  storage::SafetyHolds& holds_;
  storage::ProtectedLists& lists_;
};

}  // namespace ami::daemon::switching
