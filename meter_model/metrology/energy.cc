#include "meter_model/metrology/energy.h"

#include <cassert>
#include <cmath>
#include <cstdio>

namespace ami::metrology {
namespace {

__extension__ typedef unsigned __int128 Uint128;

constexpr Decimal kLargestWh{1, 18};
constexpr std::uint64_t kTenToThe19 = 10'000'000'000'000'000'000U;
constexpr int kDecimals = 19;

std::string digits_of(Uint128 number) {
  std::string out;
  do {
    out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(number % 10)));
    number /= 10;
  } while (number != 0);
  return out;
}

}  // namespace

Result<std::int64_t> nanowatts(double power_w) {
  const double scaled = power_w * 1e9;
  if (!(std::fabs(scaled) <= static_cast<double>(kMaxPowerNw))) {  // also true for NaN
    char text[160];
    std::snprintf(text, sizeof text,
                  "a power of %g W cannot be counted: wanted a finite number within +-%.4g W", power_w,
                  static_cast<double>(kMaxPowerNw) * 1e-9);
    return permanent(text);
  }
  return std::llrint(scaled);
}

Result<Energy> Energy::from_wh(const Decimal& wh) {
  if (wh > kLargestWh || wh < Decimal{-kLargestWh.mantissa, kLargestWh.exponent}) {
    return permanent("an energy of " + wh.to_string() + " Wh is beyond +-1e18 Wh");
  }
  // 1 Wh = 36 * 10^17 units, so one decimal past the 17th needs a mantissa that 36 or a ten makes whole.
  Int128 units = Int128{wh.mantissa} * 36;
  for (std::int32_t power = wh.exponent + 17; power > 0; --power) units *= 10;
  if (wh.exponent < -17) {
    if (units % 10 != 0) {
      return permanent("an energy of " + wh.to_string() +
                       " Wh is not a whole number of nanowatt-microseconds");
    }
    units /= 10;
  }
  return Energy(units);
}

double Energy::wh() const {
  return static_cast<double>(static_cast<long double>(units_) / static_cast<long double>(kUnitsPerWh));
}

std::string Energy::wh_text() const {
  const Uint128 per_wh = static_cast<Uint128>(kUnitsPerWh);
  const Uint128 magnitude = units_ < 0 ? -static_cast<Uint128>(units_) : static_cast<Uint128>(units_);
  const Uint128 scaled = magnitude % per_wh * kTenToThe19;
  Uint128 decimals = scaled / per_wh;
  // No remainder is exactly half of the last place (it would need one more factor 2 in 10^19), and none
  // carries into the whole part (the last unit below it is 2.8e-19).
  if (scaled % per_wh > per_wh / 2) ++decimals;
  std::string out = (units_ < 0 ? "-" : "") + digits_of(magnitude / per_wh);
  if (decimals == 0) return out;
  std::string fraction = digits_of(decimals);
  fraction.insert(0, static_cast<std::size_t>(kDecimals) - fraction.size(), '0');
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return out + "." + fraction;
}

std::optional<Energy> Energy::plus(Energy other) const {
  Int128 sum = 0;
  if (__builtin_add_overflow(units_, other.units_, &sum)) return std::nullopt;
  return Energy(sum);
}

Energy& Energy::operator+=(Energy other) {
  const bool beyond = __builtin_add_overflow(units_, other.units_, &units_);
  assert(!beyond && "an energy beyond 128 bits");
  static_cast<void>(beyond);
  return *this;
}

Energy& Energy::operator-=(Energy other) {
  const bool beyond = __builtin_sub_overflow(units_, other.units_, &units_);
  assert(!beyond && "an energy beyond 128 bits");
  static_cast<void>(beyond);
  return *this;
}

}  // namespace ami::metrology
