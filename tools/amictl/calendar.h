// A month as a calendar: one cell a day, with a sign for how complete the day is.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <ostream>

namespace ami::amictl {

// Sum over the channels that are shown.
struct DayTally {
  std::int64_t expected = 0, missing = 0, given_up = 0;  // values; missing holds given_up too
  std::int64_t waiting = 0;                              // channels whose day is not judged yet
};

enum class DayState { Complete, Partial, Missing, GivenUp, Waiting, NotExpected };
DayState state_of(const DayTally& tally);

// Weeks begin on Monday. Days that are not in `days` have nothing expected. `colour`: with ANSI escapes.
void print_calendar(std::ostream& out, std::chrono::year_month month,
                    const std::map<std::chrono::year_month_day, DayTally>& days, bool colour);

// Whether standard output is a terminal that takes colours (NO_COLOR and TERM=dumb say no).
bool colour_wanted();

}  // namespace ami::amictl
