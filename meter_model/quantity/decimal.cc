#include "meter_model/quantity/decimal.h"

#include <algorithm>
#include <limits>

#include "meter_model/quantity/quoted.h"

namespace ami {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kSmallestExponent = -18;
constexpr std::int64_t kLargestExponent = 18;
// 10^19 times any int64 still fits 128 bits; a wider gap between exponents needs another argument.
constexpr std::int64_t kWidestGap = 19;

constexpr bool fits(Wide mantissa) {
  return mantissa >= std::numeric_limits<std::int64_t>::min() &&
         mantissa <= std::numeric_limits<std::int64_t>::max();
}

constexpr Wide power_of_ten(std::int64_t power) {
  Wide result = 1;
  for (; power > 0; --power) result *= 10;
  return result;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The same value inside int64 and the exponent's range, moving trailing zeros about where that helps.
std::optional<Decimal> fit(Wide mantissa, std::int64_t exponent) {
  if (mantissa == 0) {
    return Decimal{0, static_cast<std::int32_t>(std::clamp(exponent, kSmallestExponent, kLargestExponent))};
  }
  while ((!fits(mantissa) || exponent < kSmallestExponent) && mantissa % 10 == 0) {
    mantissa /= 10;
    ++exponent;
  }
  while (exponent > kLargestExponent && fits(mantissa) && fits(mantissa * 10)) {
    mantissa *= 10;
    --exponent;
  }
  if (!fits(mantissa) || exponent < kSmallestExponent || exponent > kLargestExponent) return std::nullopt;
  return Decimal{static_cast<std::int64_t>(mantissa), static_cast<std::int32_t>(exponent)};
}

std::optional<Decimal> sum(Wide a, std::int64_t a_exponent, Wide b, std::int64_t b_exponent) {
  if (a_exponent > b_exponent) {
    std::swap(a, b);
    std::swap(a_exponent, b_exponent);
  }
  while (b_exponent - a_exponent > kWidestGap && a % 10 == 0 && a != 0) {
    a /= 10;
    ++a_exponent;
  }
  if (b_exponent - a_exponent <= kWidestGap) {
    return fit(a + b * power_of_ten(b_exponent - a_exponent), a_exponent);
  }
  if (a == 0) return fit(b, b_exponent);
  if (b == 0) return fit(a, a_exponent);
  // |b| is at least 10^20 units of a's last digit, which is not zero: no int64 holds the sum.
  return std::nullopt;
}

// Reads the digits after E or D. False: none, or something else among them. Saturates far outside the range.
bool read_exponent(std::string_view text, std::int64_t& exponent) {
  bool negative = false;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return false;
  constexpr std::int64_t kFarOut = 1'000'000'000;
  exponent = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    exponent = std::min(exponent * 10 + (c - '0'), kFarOut);
  }
  if (negative) exponent = -exponent;
  return true;
}

}  // namespace

Result<Decimal> Decimal::parse(std::string_view text) {
  const auto not_a_number = [&] {
    return permanent("not a decimal number: " + quoted(text) + "; wanted digits[.digits][E[+-]digits]");
  };
  const auto out_of_range = [&] {
    return permanent("number does not fit 64 bits times 10^-18 to 10^18: " + quoted(text));
  };
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest.front() == '+' || rest.front() == '-')) {
    negative = rest.front() == '-';
    rest.remove_prefix(1);
  }
  // Most numbers have few digits and nothing else; 18 of them fit 64 bits for sure.
  constexpr std::size_t kSurelyFits = 18;
  if (!rest.empty() && rest.size() <= kSurelyFits + 1) {
    std::int64_t digits = 0;
    std::size_t point = rest.size(), i = 0;
    for (; i < rest.size(); ++i) {
      const char c = rest[i];
      if (is_digit(c)) {
        digits = digits * 10 + (c - '0');
      } else if (c == '.' && point == rest.size()) {
        point = i;
      } else {
        break;
      }
    }
    const std::size_t count = rest.size() - (point < rest.size() ? 1 : 0);
    if (i == rest.size() && count > 0 && count <= kSurelyFits) {
      const auto decimals = point < rest.size() ? static_cast<std::int32_t>(rest.size() - point - 1) : 0;
      return Decimal{negative ? -digits : digits, -decimals};
    }
  }
  Wide mantissa = 0;
  std::int64_t exponent = 0;
  bool any_digit = false;
  bool after_point = false;
  bool too_big = false;
  while (!rest.empty() && (is_digit(rest.front()) || (rest.front() == '.' && !after_point))) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == '.') {
      after_point = true;
      continue;
    }
    any_digit = true;
    if (after_point) --exponent;
    if (!too_big) mantissa = mantissa * 10 + (c - '0');
    too_big = too_big || !fits(negative ? -mantissa : mantissa);
  }
  if (!any_digit) return not_a_number();
  if (!rest.empty()) {
    const char letter = rest.front();
    if (letter != 'E' && letter != 'e' && letter != 'D' && letter != 'd') return not_a_number();
    std::int64_t written = 0;
    if (!read_exponent(rest.substr(1), written)) return not_a_number();
    exponent += written;
  }
  if (too_big || exponent < kSmallestExponent || exponent > kLargestExponent) return out_of_range();
  return Decimal{static_cast<std::int64_t>(negative ? -mantissa : mantissa),
                 static_cast<std::int32_t>(exponent)};
}

std::string Decimal::to_string() const {
  if (mantissa == 0 && exponent > 0) return "0";
  // The negative side is the wider one, so digits are taken from there.
  std::string digits = std::to_string(mantissa);
  const bool negative = digits.front() == '-';
  if (negative) digits.erase(0, 1);
  if (exponent >= 0) {
    digits.append(static_cast<std::size_t>(exponent), '0');
  } else {
    const auto decimals = static_cast<std::size_t>(-static_cast<std::int64_t>(exponent));
    if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
    digits.insert(digits.size() - decimals, ".");
  }
  return negative ? "-" + digits : digits;
}

std::optional<std::int64_t> Decimal::mantissa_at(std::int32_t wanted_exponent) const noexcept {
  if (mantissa == 0) return 0;
  if (exponent == wanted_exponent) return mantissa;
  const std::int64_t up = std::int64_t{exponent} - wanted_exponent;
  if (up > kWidestGap || up < -kWidestGap)
    return std::nullopt;  // beyond what any int64 other than 0 survives
  if (up >= 0) {
    const Wide wide = mantissa * power_of_ten(up);
    if (!fits(wide)) return std::nullopt;
    return static_cast<std::int64_t>(wide);
  }
  const Wide divisor = power_of_ten(-up);
  if (mantissa % divisor != 0) return std::nullopt;
  return static_cast<std::int64_t>(mantissa / divisor);
}

std::optional<Decimal> Decimal::times(const Decimal& other) const noexcept {
  return fit(Wide{mantissa} * other.mantissa, std::int64_t{exponent} + other.exponent);
}

std::optional<Decimal> Decimal::plus(const Decimal& other) const noexcept {
  return sum(mantissa, exponent, other.mantissa, other.exponent);
}

std::optional<Decimal> Decimal::minus(const Decimal& other) const noexcept {
  return sum(mantissa, exponent, -Wide{other.mantissa}, other.exponent);
}

std::optional<Decimal> Decimal::shifted(std::int32_t power) const noexcept {
  const std::int64_t moved = std::int64_t{exponent} + power;
  if (moved < kSmallestExponent || moved > kLargestExponent) return std::nullopt;
  return Decimal{mantissa, static_cast<std::int32_t>(moved)};
}

Decimal Decimal::normalised() const noexcept {
  if (mantissa == 0) return {};
  Decimal out = *this;
  while (out.mantissa % 10 == 0 && out.exponent < kLargestExponent) {
    out.mantissa /= 10;
    ++out.exponent;
  }
  return out;
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) noexcept {
  if (a.exponent == b.exponent) return a.mantissa <=> b.mantissa;
  const auto sign = [](std::int64_t m) { return (m > 0) - (m < 0); };
  if (sign(a.mantissa) != sign(b.mantissa)) return sign(a.mantissa) <=> sign(b.mantissa);
  if (a.mantissa == 0) return std::strong_ordering::equal;
  const std::int64_t gap = std::int64_t{a.exponent} - b.exponent;
  // Same sign from here on; past the widest gap the larger exponent has the larger magnitude.
  if (gap > kWidestGap) return sign(a.mantissa) <=> 0;
  if (gap < -kWidestGap) return 0 <=> sign(a.mantissa);
  const Wide left = gap > 0 ? a.mantissa * power_of_ten(gap) : Wide{a.mantissa};
  const Wide right = gap < 0 ? b.mantissa * power_of_ten(-gap) : Wide{b.mantissa};
  return left < right ? std::strong_ordering::less
                      : (left > right ? std::strong_ordering::greater : std::strong_ordering::equal);
}

bool operator==(const Decimal& a, const Decimal& b) noexcept {
  return (a <=> b) == 0;
}

}  // namespace ami
