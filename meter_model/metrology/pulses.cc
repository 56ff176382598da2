#include "meter_model/metrology/pulses.h"

namespace ami::metrology {
namespace {

constexpr int kPartBits = 32;
constexpr double kPart = 4294967296.0;  // 2^32

}  // namespace

Quantiser::Quantiser(Energy per_pulse)
    : per_pulse_(per_pulse), pulses_per_part_(kPart / static_cast<double>(per_pulse.units())) {}

Result<Quantiser> Quantiser::create(Energy per_pulse) {
  constexpr Energy kLeast = Energy::of(Energy::kUnitsPerWh / 1'000'000);
  if (per_pulse < kLeast) {
    return permanent("the energy of a pulse is " + per_pulse.wh_text() + " Wh; it must be at least " +
                     kLeast.wh_text() + " Wh");
  }
  return Quantiser(per_pulse);
}

std::uint64_t Quantiser::add(Energy energy) {
  carry_ += energy;
  if (carry_ < per_pulse_) return 0;
  const Int128 unit = per_pulse_.units();
  Int128 rest = carry_.units();
  Int128 completed = 0;
  // A 128-bit division would take most of the time of an interval. A pulse is many parts, so a quotient of
  // doubles that is far from 2^53 is within one of the true one, and the remainder, in integers, tells which.
  constexpr Int128 kSmall = Int128{1} << (62 + kPartBits);
  constexpr double kGuessIsWithinOne = 1e12;
  const double guess =
      rest < kSmall ? static_cast<double>(static_cast<std::int64_t>(rest >> kPartBits)) * pulses_per_part_
                    : kGuessIsWithinOne;
  if (guess < kGuessIsWithinOne) {
    completed = static_cast<std::int64_t>(guess);
    rest -= completed * unit;
    if (rest < 0) {
      rest += unit;
      --completed;
    } else if (rest >= unit) {
      rest -= unit;
      ++completed;
    }
  } else {
    completed = rest / unit;
    rest %= unit;
  }
  carry_ = Energy::of(rest);
  pulses_ += static_cast<std::uint64_t>(completed);
  return static_cast<std::uint64_t>(completed);
}

Energy Quantiser::total() const {
  return Energy::of(per_pulse_.units() * static_cast<Int128>(pulses_)) + carry_;
}

}  // namespace ami::metrology
