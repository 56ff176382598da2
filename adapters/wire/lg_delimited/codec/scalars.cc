#include "adapters/wire/lg_delimited/codec/scalars.h"

#include <algorithm>
#include <cstdio>

namespace ami::lg_delimited {
namespace {

using namespace std::chrono;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

unsigned digits(std::string_view text, std::size_t at, std::size_t count) {
  unsigned value = 0;
  for (std::size_t i = at; i < at + count; ++i) value = value * 10 + static_cast<unsigned>(text[i] - '0');
  return value;
}

// No letter of the format is met otherwise than in plain ASCII.
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

std::optional<CivilTime> parse_time(std::string_view text) {
  if (text.size() != 16 || !all_digits(text.substr(0, 14)) || upper(text[15]) != 'M') return std::nullopt;
  const char half = upper(text[14]);
  if (half != 'A' && half != 'P') return std::nullopt;
  const year_month_day date{year{static_cast<int>(digits(text, 4, 4))}, month{digits(text, 0, 2)},
                            day{digits(text, 2, 2)}};
  const unsigned hour = digits(text, 8, 2);
  const unsigned minute = digits(text, 10, 2);
  const unsigned second = digits(text, 12, 2);
  if (!date.ok() || date.year() < year{1} || hour < 1 || hour > 12 || minute > 59 || second > 59)
    return std::nullopt;
  const unsigned of_day = hour % 12 + (half == 'P' ? 12 : 0);
  return local_days{date} + hours{of_day} + minutes{minute} + seconds{second};
}

std::optional<std::string> time_text(CivilTime time) {
  const auto whole = floor<seconds>(time);
  const auto midnight = floor<days>(time);
  const year_month_day date{midnight};
  const int y = static_cast<int>(date.year());
  if (whole != time || y < 1 || y > 9999) return std::nullopt;
  const hh_mm_ss clock{whole - midnight};
  const auto hour = static_cast<unsigned>(clock.hours().count());
  char text[64];
  std::snprintf(text, sizeof text, "%02u%02u%04d%02u%02u%02u%s", static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), y, hour % 12 == 0 ? 12 : hour % 12,
                static_cast<unsigned>(clock.minutes().count()),
                static_cast<unsigned>(clock.seconds().count()), hour < 12 ? "AM" : "PM");
  return text;
}

bool is_unset(CivilTime time) {
  return time == CivilTime{local_days{year{1} / 1 / 1}} || time == CivilTime{local_days{year{1970} / 1 / 1}};
}

std::optional<seconds> parse_interval(std::string_view text) {
  if (text.size() != 6 || !all_digits(text)) return std::nullopt;
  const seconds length = days{digits(text, 0, 2)} + hours{digits(text, 2, 2)} + minutes{digits(text, 4, 2)};
  if (length <= seconds{0}) return std::nullopt;
  return length;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  if (!all_digits(text) || text.size() > 9) return std::nullopt;
  return digits(text, 0, text.size());
}

bool is_number(std::string_view text) {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return all_digits(text);
  return all_digits(text.substr(0, point)) && all_digits(text.substr(point + 1));
}

void split_fields(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  for (;;) {
    const std::size_t tilde = line.find('~');
    std::string_view field = line.substr(0, tilde);
    while (!field.empty() && is_blank(field.front())) field.remove_prefix(1);
    while (!field.empty() && is_blank(field.back())) field.remove_suffix(1);
    fields.push_back(field);
    if (tilde == std::string_view::npos) return;
    line.remove_prefix(tilde + 1);
  }
}

}  // namespace ami::lg_delimited
