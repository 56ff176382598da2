// Axes of a picture: round numbers for values, civil time of a zone for time.
#pragma once

#include <string>
#include <vector>

#include "meter_model/time/zone.h"

namespace ami::amictl {

// Maps values lo..hi to pixels from..to (either may be the larger).
struct Scale {
  double lo = 0, hi = 1, from = 0, to = 1;
  [[nodiscard]] double operator()(double value) const {
    return from + (value - lo) / (hi - lo) * (to - from);
  }
};

// A range that begins and ends on a round number and holds lo, hi and zero, with its ticks. Never empty.
struct ValueAxis {
  double lo = 0, hi = 1;
  std::vector<double> ticks;
  int decimals = 0;  // that every tick's label needs
};
ValueAxis value_axis(double lo, double hi, int about_ticks);

// 1234.5 -> "1 234.5" with a no-break thin space; "-0" never.
std::string axis_label(double value, int decimals);

struct TimeTick {
  UtcInstant at{};
  std::string time;  // "06:00", "06:00:30"; empty where ticks are days apart
  std::string date;  // "Sun 8 Mar", on the first tick of each day (and the first of all); else empty
};
// Ticks on round civil times, at most `most`. Skipped hours have none, repeated hours have two.
std::vector<TimeTick> time_ticks(UtcInstant from, UtcInstant to, const Zone& zone, std::size_t most);

// "2026-03-08 00:15", with seconds (and a fraction) only where there are some.
std::string civil_text(UtcInstant at, const Zone& zone);

}  // namespace ami::amictl
