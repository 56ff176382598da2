#include "meter_model/vee/exact.h"

#include <algorithm>
#include <limits>

namespace ami::vee {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
Wide floor_quotient(Wide a, Wide b) {
  const Wide quotient = a / b;
  return a % b < 0 ? quotient - 1 : quotient;
}

}  // namespace

std::int64_t floor_mantissa(const Decimal& value, std::int64_t divisor, std::int32_t exponent) {
  constexpr Wide kFarOut = Wide{1} << 123;  // over 3.6e9, the largest divisor in use, still beyond int64
  Wide scaled = value.mantissa;
  int up = value.exponent - exponent;
  for (; up > 0 && scaled < kFarOut && scaled > -kFarOut; --up) scaled *= 10;
  if (up > 0) return scaled > 0 ? kMost : kLeast;
  Wide result = floor_quotient(scaled, divisor);
  for (; up < 0 && result != 0 && result != -1; ++up) result = floor_quotient(result, 10);
  return static_cast<std::int64_t>(std::clamp(result, Wide{kLeast}, Wide{kMost}));
}

std::optional<Decimal> decimal_of(Wide mantissa, std::int32_t exponent) {
  if (mantissa > kMost || mantissa < kLeast) return std::nullopt;
  return Decimal{static_cast<std::int64_t>(mantissa), exponent};
}

std::optional<Decimal> magnitude(const std::optional<Decimal>& value) {
  if (!value || value->mantissa >= 0) return value;
  return Decimal{}.minus(*value);
}

std::optional<Decimal> difference(const std::optional<Decimal>& a, const std::optional<Decimal>& b) {
  return a && b ? a->minus(*b) : std::nullopt;
}

std::optional<Decimal> sum(const std::optional<Decimal>& a, const std::optional<Decimal>& b) {
  return a && b ? a->plus(*b) : std::nullopt;
}

std::optional<Decimal> product(const std::optional<Decimal>& a, const std::optional<Decimal>& b) {
  return a && b ? a->times(*b) : std::nullopt;
}

Decimal step_of(const std::optional<Decimal>& resolution, const Decimal& first, const Decimal& second) {
  return resolution ? *resolution : Decimal{1, std::max(first.exponent, second.exponent)};
}

}  // namespace ami::vee
