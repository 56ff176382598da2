// The one quantiser of the engine: energy in, whole pulses out, the rest carried exactly.
#pragma once

#include <cstdint>

#include "meter_model/metrology/energy.h"
#include "meter_model/result.h"

namespace ami::metrology {

// One direction's accumulator (metrology reference 2.5). Both the count and the total can only grow.
class Quantiser {
 public:
  Quantiser() = default;
  // Energy of a pulse: at least a microwatt-hour.
  static Result<Quantiser> create(Energy per_pulse);

  // Adds energy, which is not negative, and returns the pulses that it completed.
  std::uint64_t add(Energy energy);

  [[nodiscard]] std::uint64_t pulses() const { return pulses_; }
  [[nodiscard]] Energy carry() const { return carry_; }  // 0 <= carry < energy of a pulse
  [[nodiscard]] Energy total() const;                    // pulses and carry, exact

 private:
  explicit Quantiser(Energy per_pulse);

  Energy per_pulse_;
  Energy carry_;
  double pulses_per_part_ = 0;  // of 2^32 units; only for a first guess, corrected in integers
  std::uint64_t pulses_ = 0;
};

}  // namespace ami::metrology
