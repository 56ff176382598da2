// What is already known about an interval or a register reading, in the few words that the checks ask for.
#pragma once

#include <cstdint>

#include "meter_model/quantity/quality.h"

namespace ami::vee {

enum class Mark : std::uint16_t {
  Overflow = 1,
  Partial = 2,
  Long = 4,
  Skipped = 8,
  TestMode = 16,
  PowerFail = 32,
  ClockForward = 64,
  ClockBackward = 128,
  ClockChanged = 256,  // direction not stated
  Estimated = 512,
  Suspect = 1024,
  Edited = 2048,  // by hand: no measurement either
};

class Marks {
 public:
  constexpr Marks() = default;
  constexpr Marks(Mark mark) : bits_(static_cast<std::uint16_t>(mark)) {}
  constexpr Marks& operator|=(Marks other) {
    bits_ = static_cast<std::uint16_t>(bits_ | other.bits_);
    return *this;
  }
  friend constexpr Marks operator|(Marks a, Marks b) { return a |= b; }
  friend constexpr bool operator==(Marks, Marks) = default;
  [[nodiscard]] constexpr bool any_of(Marks others) const { return (bits_ & others.bits_) != 0; }
  [[nodiscard]] constexpr bool none() const { return bits_ == 0; }

 private:
  std::uint16_t bits_ = 0;
};
constexpr Marks operator|(Mark a, Mark b) {
  return Marks(a) | Marks(b);
}

// Metrology reference 3.3: such a value is no end point of an interpolation and no part of a like day.
inline constexpr Marks kNoAnchor = Mark::Overflow | Mark::Partial | Mark::Long | Mark::TestMode |
                                   Mark::PowerFail | Mark::ClockForward | Mark::ClockBackward |
                                   Mark::ClockChanged | Mark::Estimated | Mark::Edited | Mark::Suspect;

// From the codes of a stored value, whoever gave them: 1.4.2 and 2.4.2 are the same mark.
Marks marks_of(const QualitySet& codes);

}  // namespace ami::vee
