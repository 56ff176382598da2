// Time-of-use registers: tiers A to D. The bulk register is authoritative; the tiers only divide it.
#pragma once

#include <array>
#include <cstddef>

#include "meter_model/metrology/energy.h"
#include "meter_model/result.h"

namespace ami::metrology {

class TierRegisters {
 public:
  static constexpr std::size_t kTiers = 4;
  static constexpr char kFirst = 'A';

  // 'A' … 'D'. Returns whether that was a change.
  Result<bool> select(char tier);
  [[nodiscard]] char active() const { return static_cast<char>(kFirst + static_cast<char>(active_)); }

  void add(const EnergyPair& energy) {
    energy_[active_].delivered += energy.delivered;
    energy_[active_].received += energy.received;
  }
  [[nodiscard]] const EnergyPair& tier(std::size_t index) const { return energy_.at(index); }  // 0 = A

  // Whether the tiers sum to what the bulk registers counted in the same time, to the last unit.
  [[nodiscard]] Outcome check(const EnergyPair& bulk) const;

 private:
  std::array<EnergyPair, kTiers> energy_{};
  std::size_t active_ = 0;
};

}  // namespace ami::metrology
