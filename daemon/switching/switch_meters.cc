#include "daemon/switching/switch_meters.h"

#include <algorithm>

namespace ami::daemon::switching {

storage::Answer<std::set<MeterId>> meters_with_switch(storage::Assets& assets,
                                                      const std::shared_ptr<const regime::Regimes>& regimes,
                                                      storage::UtilityId utility, const std::vector<MeterId>& meters,
                                                      UtcInstant now) {
  const auto utilities = assets.list_utilities();
  if (!utilities.ok()) return utilities.refusal();
  const auto found = std::ranges::find(utilities.value(), utility, &storage::Utility::id);
  if (found == utilities->end()) {
    storage::Refusal none;
    none.kind = storage::Refusal::Kind::NotFound;
    none.message = "there is no utility " + std::to_string(utility);
    none.field = "utility";
    return none;
  }
  const auto facts = assets.facts_of(meters);
  if (!facts.ok()) return facts.refusal();
  const regime::Regime regime(regimes, *found);
  std::set<MeterId> out;
  for (const auto& [meter, of_meter] : facts.value()) {
    if (regime::switch_verdict(regime, of_meter, now).allowed) out.insert(meter);
  }
  return out;
}

}  // namespace ami::daemon::switching
