#include "meter_model/metrology/tou.h"

#include "meter_model/quantity/quoted.h"

namespace ami::metrology {

Result<bool> TierRegisters::select(char tier) {
  const auto index = static_cast<std::size_t>(static_cast<unsigned char>(tier)) - kFirst;
  if (index >= kTiers) {
    return permanent("no tier " + quoted(std::string_view(&tier, 1)) + "; there are A, B, C and D");
  }
  const bool changed = index != active_;
  active_ = index;
  return changed;
}

Outcome TierRegisters::check(const EnergyPair& bulk) const {
  EnergyPair sum;
  for (const EnergyPair& tier : energy_) sum += tier;
  if (sum == bulk) return Done{};
  return permanent("the tiers sum to " + sum.delivered.wh_text() + " Wh delivered and " +
                   sum.received.wh_text() + " Wh received; the bulk registers counted " +
                   bulk.delivered.wh_text() + " and " + bulk.received.wh_text());
}

}  // namespace ami::metrology
