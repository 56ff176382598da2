#include "meter_model/virtual_meter/served.h"

#include <cmath>

namespace ami::virtual_meter {

Decimal displayed_kwh(const metrology::RegisterFormat& format, metrology::Energy energy) {
  const metrology::Int128 units = energy.units();
  const metrology::Int128 steps =
      (units < 0 ? -units : units) / format.resolution().units() % format.modulus();
  const auto mantissa = static_cast<std::int64_t>(steps);
  return {units < 0 ? -mantissa : mantissa, -format.decimals};
}

Decimal displayed_kw(double kw, std::int32_t decimals) {
  // A nanowatt above, so that 3.3 kW is not shown as 3.29 for the sake of a binary fraction.
  constexpr double kNanowatt = 1e-12;
  return {static_cast<std::int64_t>(std::floor((kw + kNanowatt) * std::pow(10, decimals))), -decimals};
}

}  // namespace ami::virtual_meter
