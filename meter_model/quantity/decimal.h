// Exact decimals: int64 mantissa times a power of ten. Energy never passes through a double.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "meter_model/result.h"

namespace ami {

struct Decimal {
  std::int64_t mantissa = 0;
  std::int32_t exponent = 0;  // value = mantissa * 10^exponent; -18 … 18

  // [+-]digits[.digits][(E|e|D|d)[+-]digits], blanks around not allowed. "1." and ".5" are accepted (CMEP
  // senders write them). Trailing zeros are kept: "0.250" is 250e-3. Out of int64 or exponent range, empty,
  // hex, inf, nan: Permanent error that quotes the text (at most 40 characters).
  static Result<Decimal> parse(std::string_view text);

  // Plain notation, all digits: 250e-3 -> "0.250", 5e3 -> "5000".
  [[nodiscard]] std::string to_string() const;

  // Mantissa at another exponent; nullopt when that would round or overflow.
  [[nodiscard]] std::optional<std::int64_t> mantissa_at(std::int32_t wanted_exponent) const noexcept;
  [[nodiscard]] std::optional<Decimal> times(const Decimal& other) const noexcept;  // nullopt = overflow
  [[nodiscard]] std::optional<Decimal> plus(const Decimal& other) const noexcept;
  [[nodiscard]] std::optional<Decimal> minus(const Decimal& other) const noexcept;
  // times 10^power, exact: only the exponent moves (nullopt when it leaves its range).
  [[nodiscard]] std::optional<Decimal> shifted(std::int32_t power) const noexcept;
  // Same value with no trailing zeros in the mantissa; zero becomes 0e0.
  [[nodiscard]] Decimal normalised() const noexcept;
};

// By value: 250e-3 == 25e-2. Total order, exact for all inputs.
std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) noexcept;
bool operator==(const Decimal& a, const Decimal& b) noexcept;

}  // namespace ami
