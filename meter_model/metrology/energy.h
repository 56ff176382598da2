// Energy as an exact integer, and power as it enters the engine: no sum of energies ever rounds.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "meter_model/quantity/decimal.h"
#include "meter_model/result.h"

namespace ami::metrology {

__extension__ typedef __int128 Int128;

// The largest power that the engine takes, in nanowatts, either direction: 2^62 nW, about 4.6 GW.
constexpr std::int64_t kMaxPowerNw = std::int64_t{1} << 62;

// Watts to whole nanowatts, ties to even: the one place where a power that was computed becomes a number that
// is counted. Error: not finite, or beyond kMaxPowerNw.
Result<std::int64_t> nanowatts(double power_w);

// Signed energy in nanowatt-microseconds (1e-15 J): an int64 power in nW times an int64 time in us is exact.
// 1 Wh = 3.6e18 units; the range is about +-4.7e19 Wh.
class Energy {
 public:
  constexpr Energy() = default;
  static constexpr Energy of(Int128 nanowatt_microseconds) { return Energy(nanowatt_microseconds); }
  static constexpr Energy of(std::int64_t power_nw, std::chrono::microseconds time) {
    return Energy(Int128{power_nw} * time.count());
  }
  static constexpr Energy watthours(std::int64_t wh) { return Energy(Int128{wh} * kUnitsPerWh); }

  // Error: wh is finer than one unit can tell, or beyond +-1e18 Wh (no register of any meter shows as much).
  static Result<Energy> from_wh(const Decimal& wh);

  [[nodiscard]] constexpr Int128 units() const { return units_; }
  [[nodiscard]] double wh() const;  // nearest double, within one unit in its last place

  // Decimal watt-hours, at most 19 decimals, no trailing zeros. Exact wherever the value is a finite decimal;
  // otherwise (thirds and ninths of a unit exist: 3.6e18 has the factor 9) rounded to 19 decimals, which
  // still is finer than a unit, so that two energies never share a text.
  [[nodiscard]] std::string wh_text() const;

  // nullopt = beyond 128 bits.
  [[nodiscard]] std::optional<Energy> plus(Energy other) const;

  // For sums that the limits above keep in range. Out of range stops the program: a wrong number must not
  // travel.
  Energy& operator+=(Energy other);
  Energy& operator-=(Energy other);
  friend Energy operator+(Energy a, Energy b) { return a += b; }
  friend Energy operator-(Energy a, Energy b) { return a -= b; }
  constexpr Energy operator-() const { return Energy(-units_); }
  friend constexpr auto operator<=>(Energy, Energy) = default;

  static constexpr Int128 kUnitsPerWh = Int128{3'600'000'000'000'000'000};

 private:
  constexpr explicit Energy(Int128 units) : units_(units) {}
  Int128 units_ = 0;
};

// Energy by direction as a bi-directional meter keeps it (S-E-05): delivered = grid to load, received = load
// to grid. Each is at least zero. Net is derived, never accumulated (notice AE-1641: net = delivered -
// received).
struct EnergyPair {
  Energy delivered;
  Energy received;

  [[nodiscard]] Energy net() const { return delivered - received; }
  EnergyPair& operator+=(const EnergyPair& other) {
    delivered += other.delivered;
    received += other.received;
    return *this;
  }
  friend EnergyPair operator+(EnergyPair a, const EnergyPair& b) { return a += b; }
  friend bool operator==(const EnergyPair&, const EnergyPair&) = default;
};

}  // namespace ami::metrology
