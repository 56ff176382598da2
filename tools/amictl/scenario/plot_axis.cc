#include "tools/amictl/scenario/plot_axis.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace ami::amictl {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<seconds, 15> kSteps{seconds(1), seconds(5),  seconds(15), seconds(30), minutes(1),
                                         minutes(5), minutes(15), minutes(30), hours(1),    hours(2),
                                         hours(3),   hours(6),    hours(12),   days(1),     days(7)};

constexpr std::array<const char*, 7> kWeekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string date_text(std::chrono::local_days day) {
  const std::chrono::year_month_day date(day);
  const std::chrono::weekday weekday(day);
  return std::string(kWeekdays[weekday.c_encoding()]) + " " + std::to_string(unsigned(date.day())) + " " +
         kMonths[unsigned(date.month()) - 1];
}

std::string clock_text(microseconds since_midnight, bool with_seconds) {
  const std::chrono::hh_mm_ss<microseconds> clock(since_midnight);
  char text[16];
  const int h = static_cast<int>(clock.hours().count());
  const int m = static_cast<int>(clock.minutes().count());
  const int s = static_cast<int>(clock.seconds().count());
  if (with_seconds) {
    std::snprintf(text, sizeof text, "%02d:%02d:%02d", h, m, s);
  } else {
    std::snprintf(text, sizeof text, "%02d:%02d", h, m);
  }
  return text;
}

// First days of months, every `every` months from January on.
std::vector<TimeTick> month_ticks(UtcInstant from, UtcInstant to, const Zone& zone, unsigned every) {
  std::vector<TimeTick> ticks;
  const std::chrono::year_month_day first(std::chrono::floor<days>(zone.civil(from)));
  std::chrono::year_month month = first.year() / first.month();
  for (;; month += std::chrono::months(1)) {
    if ((unsigned(month.month()) - 1) % every != 0) continue;
    const UtcInstant at = zone.civil_day(month / std::chrono::day(1)).start;
    if (at > to) return ticks;
    if (at < from) continue;
    ticks.push_back(
        {at, "",
         std::string(kMonths[unsigned(month.month()) - 1]) + " " + std::to_string(int(month.year()))});
  }
}

}  // namespace

ValueAxis value_axis(double lo, double hi, int about_ticks) {
  lo = std::min(lo, 0.0);
  hi = std::max(hi, 0.0);
  if (hi - lo <= 0) hi = 1;
  const double rough = (hi - lo) / about_ticks;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  struct Round {
    double factor;
    int decimals;  // more than the power of ten needs
  };
  double step = 0;
  ValueAxis axis;
  for (const Round round : {Round{1, 0}, Round{2, 0}, Round{2.5, 1}, Round{5, 0}, Round{10, -1}}) {
    step = round.factor * power;
    axis.decimals = std::max(0, static_cast<int>(std::lround(-std::log10(power))) + round.decimals);
    if (rough <= step) break;
  }
  const auto first = static_cast<int>(std::floor(lo / step + 1e-9));
  const auto last = static_cast<int>(std::ceil(hi / step - 1e-9));
  axis.lo = first * step;
  axis.hi = last * step;
  for (int i = first; i <= last; ++i) axis.ticks.push_back(i * step);
  return axis;
}

std::string axis_label(double value, int decimals) {
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  std::string digits = text;
  const bool negative = digits.front() == '-' && digits.find_first_of("123456789") != std::string::npos;
  if (digits.front() == '-') digits.erase(0, 1);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  if (point > 4) {
    for (auto at = static_cast<std::ptrdiff_t>(point) - 3; at > 0; at -= 3)
      digits.insert(static_cast<std::size_t>(at), "\u202F");
  }
  return (negative ? "\u2212" : "") + digits;
}

std::vector<TimeTick> time_ticks(UtcInstant from, UtcInstant to, const Zone& zone, std::size_t most) {
  const auto span = to - from;
  const auto found = std::ranges::find_if(
      kSteps, [&](seconds step) { return span / step < static_cast<std::int64_t>(most); });
  if (found == kSteps.end()) {
    for (const unsigned every : {1U, 3U, 12U}) {
      auto ticks = month_ticks(from, to, zone, every);
      if (ticks.size() <= most || every == 12) return ticks;
    }
  }
  const seconds step = *found;
  std::vector<TimeTick> ticks;
  std::chrono::local_days dated{};
  const auto add = [&](UtcInstant at, CivilTime civil) {
    if (at < from || at > to) return;
    const auto day = std::chrono::floor<days>(civil);
    TimeTick tick{at, "", ""};
    if (step < days(1)) tick.time = clock_text(civil - day, step < minutes(1));
    if (ticks.empty() || day != dated) tick.date = date_text(day);
    dated = day;
    ticks.push_back(std::move(tick));
  };
  auto day = std::chrono::floor<days>(zone.civil(from));
  for (;; day += step >= days(1) ? std::chrono::ceil<days>(step) : days(1)) {
    const auto start = zone.civil_day(std::chrono::year_month_day(day)).start;
    if (start > to) break;
    if (step >= days(1)) {
      add(start, day);
      continue;
    }
    // A span of seconds need not walk the whole day.
    const auto civil_from = std::max<CivilTime>(day, zone.civil(from) - hours(3));
    const auto first = std::chrono::ceil<seconds>(civil_from - CivilTime(day));
    for (seconds clock = (first + step - seconds(1)) / step * step; clock < days(1); clock += step) {
      const CivilTime civil = day + clock;
      const Zone::Candidates candidates = zone.resolve(civil);
      if (candidates.count > 0 && candidates.first > to) break;
      if (candidates.count > 0) add(candidates.first, civil);
      if (candidates.count > 1) add(candidates.second, civil);
    }
  }
  std::ranges::sort(ticks, {}, &TimeTick::at);
  return ticks;
}

std::string civil_text(UtcInstant at, const Zone& zone) {
  const CivilTime civil = zone.civil(at);
  const auto day = std::chrono::floor<days>(civil);
  const std::chrono::year_month_day date(day);
  const microseconds clock = civil - day;
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u ", int(date.year()), unsigned(date.month()),
                unsigned(date.day()));
  std::string out = text + clock_text(clock, clock % minutes(1) != microseconds(0));
  if (const auto fraction = clock % seconds(1); fraction != microseconds(0)) {
    std::snprintf(text, sizeof text, ".%06d", static_cast<int>(fraction.count()));
    out += text;
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out;
}

}  // namespace ami::amictl
