#include "adapters/wire/delimited/codec/fields.h"

#include <algorithm>
#include <cstdio>

namespace ami::delimited {
namespace {

using namespace std::chrono;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// Reads a text from the left.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  bool skip(char wanted) {
    if (text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }
  void skip_blanks() {
    while (!text_.empty() && is_blank(text_.front())) text_.remove_prefix(1);
  }
  // `least` to `most` digits.
  std::optional<unsigned> number(std::size_t least, std::size_t most) {
    unsigned value = 0;
    std::size_t digits = 0;
    while (digits < most && digits < text_.size() && is_digit(text_[digits]))
      value = value * 10 + static_cast<unsigned>(text_[digits++] - '0');
    if (digits < least) return std::nullopt;
    text_.remove_prefix(digits);
    return value;
  }
  std::string_view rest() const { return text_; }

 private:
  std::string_view text_;
};

// 2026-01-15 05:00[:00[.000]][Z|+hh:mm]: xs:dateTime, but for a blank in the middle and seconds left out.
std::optional<StatedTime> year_first(std::string_view text) {
  constexpr std::size_t kDate = 10, kMinute = 16;
  if (text.size() < kMinute || text.size() > 40 || (text[kDate] != ' ' && text[kDate] != 'T'))
    return std::nullopt;
  std::string standard(text);
  standard[kDate] = 'T';
  if (text.size() == kMinute || text[kMinute] != ':') standard.insert(kMinute, ":00");
  const Result<StatedTime> parsed = parse_stated_time(standard);
  if (!parsed) return std::nullopt;
  return StatedTime{text, parsed->civil, parsed->utc_offset};
}

// 1/15/2026 5:00[:00[.000]] [AM|PM]
std::optional<StatedTime> month_first(std::string_view text) {
  Cursor at(text);
  const auto month_of_year = at.number(1, 2);
  if (!month_of_year || !at.skip('/')) return std::nullopt;
  const auto day_of_month = at.number(1, 2);
  if (!day_of_month || !at.skip('/')) return std::nullopt;
  const auto of_year = at.number(4, 4);
  if (!of_year || !at.skip(' ')) return std::nullopt;
  at.skip_blanks();
  auto hour = at.number(1, 2);
  if (!hour || !at.skip(':')) return std::nullopt;
  const auto minute = at.number(2, 2);
  std::optional<unsigned> second = 0U;
  microseconds fraction{0};
  if (at.skip(':')) {
    second = at.number(2, 2);
    if (second && at.skip('.')) {
      const std::size_t before = at.rest().size();
      const auto digits = at.number(1, 6);
      if (!digits) return std::nullopt;
      std::int64_t value = *digits;
      for (std::size_t i = before - at.rest().size(); i < 6; ++i) value *= 10;
      fraction = microseconds{value};
    }
  }
  if (!minute || !second || *minute > 59 || *second > 59) return std::nullopt;
  at.skip_blanks();
  if (at.done()) {
    if (*hour > 23) return std::nullopt;
  } else {
    const std::string_view half = at.rest();
    if (half.size() != 2 || upper(half[1]) != 'M' || *hour < 1 || *hour > 12) return std::nullopt;
    if (upper(half[0]) != 'A' && upper(half[0]) != 'P') return std::nullopt;
    hour = *hour % 12 + (upper(half[0]) == 'P' ? 12 : 0);
  }
  const year_month_day date{year{static_cast<int>(*of_year)}, month{*month_of_year}, day{*day_of_month}};
  if (!date.ok() || date.year() < year{1}) return std::nullopt;
  return StatedTime{text, local_days{date} + hours{*hour} + minutes{*minute} + seconds{*second} + fraction,
                    std::nullopt};
}

}  // namespace

std::string& Fields::next() {
  if (count_ == fields_.size()) fields_.emplace_back();
  std::string& field = fields_[count_++];
  field.clear();
  return field;
}

bool Fields::split(std::string_view line, char delimiter) {
  count_ = 0;
  for (;;) {
    // A blank may be the delimiter itself.
    while (!line.empty() && is_blank(line.front()) && line.front() != delimiter) line.remove_prefix(1);
    std::string& field = next();
    if (line.starts_with('"')) {
      line.remove_prefix(1);
      for (;;) {
        const std::size_t quote = line.find('"');
        if (quote == std::string_view::npos) return false;
        field.append(line.substr(0, quote));
        line.remove_prefix(quote + 1);
        if (!line.starts_with('"')) break;
        field += '"';
        line.remove_prefix(1);
      }
      while (!line.empty() && is_blank(line.front()) && line.front() != delimiter) line.remove_prefix(1);
      if (line.empty()) return true;
      if (line.front() != delimiter) return false;
      line.remove_prefix(1);
      continue;
    }
    const std::size_t end = line.find(delimiter);
    std::string_view plain = line.substr(0, end);
    while (!plain.empty() && is_blank(plain.back())) plain.remove_suffix(1);
    field = plain;
    if (end == std::string_view::npos) return true;
    line.remove_prefix(end + 1);
  }
}

void put_field(std::string_view field, char delimiter, std::string& line) {
  const bool plain = field.find(delimiter) == std::string_view::npos &&
                     field.find('"') == std::string_view::npos &&
                     (field.empty() || (!is_blank(field.front()) && !is_blank(field.back())));
  if (plain) {
    line.append(field);
    return;
  }
  line += '"';
  for (const char c : field) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

std::optional<Decimal> parse_number(std::string_view text, std::size_t longest) {
  if (text.size() > longest) return std::nullopt;
  std::string_view digits = text;
  if (!digits.empty() && (digits.front() == '+' || digits.front() == '-')) digits.remove_prefix(1);
  const std::size_t point = digits.find('.');
  const auto good = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), is_digit);
  };
  // Scalars are written as ".01" too.
  const bool written = point == std::string_view::npos
                           ? good(digits)
                           : (point == 0 || good(digits.substr(0, point))) && good(digits.substr(point + 1));
  if (!written) return std::nullopt;
  const Result<Decimal> number = Decimal::parse(text);
  if (!number) return std::nullopt;
  return *number;
}

std::optional<StatedTime> parse_time(std::string_view text, TimeForm form) {
  return form == TimeForm::YearFirst ? year_first(text) : month_first(text);
}

bool is_unset(const StatedTime& time) {
  return time.civil == CivilTime{local_days{year{1} / 1 / 1}} ||
         time.civil == CivilTime{local_days{year{1970} / 1 / 1}};
}

std::string time_text(CivilTime time) {
  const auto midnight = floor<days>(time);
  const year_month_day date{midnight};
  const hh_mm_ss clock{floor<milliseconds>(time - midnight)};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d.%03d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

}  // namespace ami::delimited
