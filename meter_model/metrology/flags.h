// What may have happened to an interval, as the recorder's status bits and the demand's causes say it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "meter_model/quantity/quality.h"

namespace ami::metrology {

enum class Flag : std::uint16_t {
  Partial = 1,        // measured for less than its programmed length
  Long = 2,           // measured for more than that: the clock was set back inside it
  Skipped = 4,        // ends of the grid were jumped over just before it
  Overflow = 8,       // pulses were lost: the channel was full
  ClockForward = 16,  // the clock was set inside it, or set to where it starts off the grid
  ClockBackward = 32,
  PowerFail = 64,  // the meter was dark for some of it
  TestMode = 128,
  TierChange = 256,
};

// A small set of them.
class Flags {
 public:
  constexpr Flags() = default;
  constexpr Flags(Flag flag) : bits_(static_cast<std::uint16_t>(flag)) {}

  constexpr Flags& operator|=(Flags other) {
    bits_ = static_cast<std::uint16_t>(bits_ | other.bits_);
    return *this;
  }
  friend constexpr Flags operator|(Flags a, Flags b) { return a |= b; }
  friend constexpr Flags operator&(Flags a, Flags b) {
    a.bits_ = static_cast<std::uint16_t>(a.bits_ & b.bits_);
    return a;
  }
  friend constexpr bool operator==(Flags, Flags) = default;
  [[nodiscard]] constexpr bool has(Flag flag) const {
    return (bits_ & static_cast<std::uint16_t>(flag)) != 0;
  }
  [[nodiscard]] constexpr bool none() const { return bits_ == 0; }

 private:
  std::uint16_t bits_ = 0;
};
constexpr Flags operator|(Flag a, Flag b) {
  return Flags(a) | Flags(b);
}

// Bulletin E-34: clock set, power event, mode change and tier change can shorten a running demand interval.
inline constexpr Flags kE34Causes =
    Flags(Flag::ClockForward) | Flag::ClockBackward | Flag::PowerFail | Flag::TestMode | Flag::TierChange;

struct FlagInfo {
  Flag flag;
  std::string_view name;            // "PARTIAL"
  std::optional<QualityCode> code;  // 1.4.2; none for TIER_CHANGE
};
// All of them, in the order of their bits (names and codes: metrology reference 2.9 and 4.3).
std::span<const FlagInfo> all_flags();

std::vector<std::string_view> names(Flags flags);  // in that order
QualitySet quality(Flags flags);

}  // namespace ami::metrology
