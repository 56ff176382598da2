// The slots of a civil day. A meter's clock runs on standard time, so its grid of intervals does not move
// with daylight saving time: only the number of slots in a civil day does (92, 96 or 100 quarter-hours).
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "meter_model/time/zone.h"
#include "meter_model/vee/day_input.h"

namespace ami::vee {

struct DayGrid {
  UtcInstant first_start{};
  std::chrono::seconds length{};
  std::size_t count = 0;
};

// The slots that start inside [day.from, day.to), on the grid phase + k length. length above zero.
DayGrid day_grid(const Span& day, std::chrono::seconds length, std::chrono::seconds phase);

// Phase of a grid that starts at civil midnight of the day that contains `standard`, an instant at which the
// zone keeps the time that the meter's clock keeps. In [0, length). 1800 s for hours in Asia/Kolkata.
std::chrono::seconds civil_phase(const Zone& zone, UtcInstant standard, std::chrono::seconds length);

Span civil_day(const Zone& zone, std::chrono::year_month_day date);
Span civil_month(const Zone& zone, std::chrono::year_month month);  // midnight of the first to the next first

enum class DayClass : std::uint8_t { Weekday, Weekend, Holiday };
DayClass day_class(std::chrono::year_month_day date, std::span<const std::chrono::year_month_day> holidays);

}  // namespace ami::vee
