// Comparisons of exact numbers for the checks: nothing here rounds in a way that could change an answer.
#pragma once

#include <cstdint>
#include <optional>

#include "meter_model/quantity/decimal.h"

namespace ami::vee {

__extension__ typedef __int128 Wide;

// The largest mantissa m with m x 10^exponent <= value / divisor; saturates at the ends of int64. divisor 1
// to 3.6e9.
std::int64_t floor_mantissa(const Decimal& value, std::int64_t divisor, std::int32_t exponent);

// nullopt = does not fit 64 bits.
std::optional<Decimal> decimal_of(Wide mantissa, std::int32_t exponent);

std::optional<Decimal> magnitude(const std::optional<Decimal>& value);
std::optional<Decimal> difference(const std::optional<Decimal>& a, const std::optional<Decimal>& b);
std::optional<Decimal> sum(const std::optional<Decimal>& a, const std::optional<Decimal>& b);
std::optional<Decimal> product(const std::optional<Decimal>& a, const std::optional<Decimal>& b);

// One step of a register as it is read: its resolution when known, else the last place of both readings.
Decimal step_of(const std::optional<Decimal>& resolution, const Decimal& first, const Decimal& second);

}  // namespace ami::vee
