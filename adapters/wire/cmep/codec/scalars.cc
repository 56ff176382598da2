#include "adapters/wire/cmep/codec/scalars.h"

#include <charconv>
#include <limits>
#include <string>

namespace ami::cmep {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool all_digits(std::string_view text) {
  for (const char c : text) {
    if (!is_digit(c)) return false;
  }
  return true;
}

unsigned digits(std::string_view text, std::size_t at, std::size_t count) {
  unsigned value = 0;
  for (std::size_t i = at; i < at + count; ++i) value = value * 10 + static_cast<unsigned>(text[i] - '0');
  return value;
}

bool is_decimal(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  if (at != end && (*at == '+' || *at == '-')) ++at;
  const char* const first = at;
  while (at != end && is_digit(*at)) ++at;
  auto mantissa_digits = at - first;
  if (at != end && *at == '.') {
    const char* const fraction = ++at;
    while (at != end && is_digit(*at)) ++at;
    mantissa_digits += at - fraction;
  }
  if (mantissa_digits == 0) return false;
  if (at == end) return true;
  if (*at != 'E' && *at != 'e' && *at != 'D' && *at != 'd') return false;
  ++at;
  if (at != end && (*at == '+' || *at == '-')) ++at;
  return at != end && all_digits({at, static_cast<std::size_t>(end - at)});
}

// The whole of `text` in the given base, no sign.
template <class T>
std::optional<T> whole(std::string_view text, int base) {
  T value{};
  if (text.empty() || text.front() == '-') return std::nullopt;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

}  // namespace

std::optional<CivilTime> parse_time(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 12 || !all_digits(text)) return std::nullopt;
  const year_month_day date{year{static_cast<int>(digits(text, 0, 4))}, month{digits(text, 4, 2)},
                            day{digits(text, 6, 2)}};
  const unsigned hour = digits(text, 8, 2);
  const unsigned minute = digits(text, 10, 2);
  const bool end_of_day = hour == 24 && minute == 0;
  if (!date.ok() || date.year() < year{1} || (hour > 23 && !end_of_day) || minute > 59) return std::nullopt;
  const CivilTime time = local_days{date} + hours{hour} + minutes{minute};
  if (time >= local_days{year{10000} / 1 / 1}) return std::nullopt;
  return time;
}

std::optional<std::chrono::seconds> parse_interval(std::string_view text) {
  using namespace std::chrono;
  if (text.empty()) return seconds{0};
  if (text.size() != 8 || !all_digits(text) || digits(text, 0, 2) != 0) return std::nullopt;
  return days{digits(text, 2, 2)} + hours{digits(text, 4, 2)} + minutes{digits(text, 6, 2)};
}

std::optional<std::string_view> read_number(std::string_view text, std::size_t max_chars, TextArena& arena) {
  if (text.size() > max_chars) return std::nullopt;
  if (!text.empty() && text.front() == 'H') {
    const auto value = whole<std::int64_t>(text.substr(1), 16);
    if (!value) return std::nullopt;
    return arena.keep(std::to_string(*value));
  }
  if (!is_decimal(text)) return std::nullopt;
  return text;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  if (text.empty()) return 0;
  if (text.size() > 16) return std::nullopt;  // so that three times the count cannot overflow
  const bool hex = text.front() == 'H';
  return whole<std::uint64_t>(hex ? text.substr(1) : text, hex ? 16 : 10);
}

std::optional<std::uint16_t> parse_crc(std::string_view text) {
  if (text.size() != 5 || text.front() != 'H') return std::nullopt;
  return whole<std::uint16_t>(text.substr(1), 16);
}

}  // namespace ami::cmep
