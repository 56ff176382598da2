#include "tools/amictl/calendar.h"

#include <unistd.h>

#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

namespace ami::amictl {
namespace {

struct Sign {
  char glyph;
  const char* colour;  // of ANSI
  const char* meaning;
};
constexpr Sign kSigns[] = {{'+', "32", "complete"},       {'~', "33", "partial"},
                           {'x', "31", "missing"},        {'g', "34", "given up"},
                           {'?', "36", "not judged yet"}, {'.', "2", "nothing expected"}};
const Sign& sign_of(DayState state) {
  return kSigns[static_cast<std::size_t>(state)];
}

std::string painted(const std::string& text, const Sign& sign, bool colour) {
  return colour ? std::string("\033[") + sign.colour + "m" + text + "\033[0m" : text;
}

}  // namespace

DayState state_of(const DayTally& tally) {
  if (tally.expected == 0) return tally.waiting > 0 ? DayState::Waiting : DayState::NotExpected;
  if (tally.missing > tally.given_up) {
    return tally.missing == tally.expected ? DayState::Missing : DayState::Partial;
  }
  if (tally.given_up > 0) return DayState::GivenUp;
  return tally.waiting > 0 ? DayState::Waiting : DayState::Complete;
}

void print_calendar(std::ostream& out, std::chrono::year_month month,
                    const std::map<std::chrono::year_month_day, DayTally>& days, bool colour) {
  const std::chrono::year_month_day first{month / 1};
  const std::chrono::year_month_day last{month / std::chrono::last};
  const auto column = std::chrono::weekday{std::chrono::sys_days{first}}.iso_encoding() - 1;
  out << "Mon  Tue  Wed  Thu  Fri  Sat  Sun\n";
  std::string line(column * 5, ' ');
  for (unsigned day = 1; day <= static_cast<unsigned>(last.day()); ++day) {
    const auto found = days.find(month / static_cast<int>(day));
    const Sign& sign = sign_of(found == days.end() ? DayState::NotExpected : state_of(found->second));
    line += (day < 10 ? " " : "") + std::to_string(day);
    line += painted(std::string(1, sign.glyph), sign, colour);
    const bool sunday = (column + day) % 7 == 0;
    if (sunday || day == static_cast<unsigned>(last.day())) {
      out << line << '\n';
      line.clear();
    } else {
      line += "  ";
    }
  }
  for (const Sign& sign : kSigns) {
    out << (&sign == std::begin(kSigns) ? "" : "  ") << painted(std::string(1, sign.glyph), sign, colour)
        << ' ' << sign.meaning;
  }
  out << '\n';
}

bool colour_wanted() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') && term != nullptr &&
         std::string_view(term) != "dumb";
}

}  // namespace ami::amictl
