// Cuts the stored blocks of intervals into the channels of a civil day. Only for the sources of this folder.
#pragma once

#include <vector>

#include "daemon/validation/day_scene.h"
#include "meter_model/vee/estimation.h"

namespace ami::validation {

// One channel in one length over the window: whole slots on one grid, and what does not fit it.
struct IntervalLine {
  ChannelId channel = 0;
  std::chrono::seconds length{0};
  UtcInstant first_start{};  // of the window's first slot
  std::int32_t exponent = 0;
  std::vector<std::int64_t> values;   // kHole where there is none
  std::vector<vee::Marks> marks;      // empty: no value has one
  std::vector<vee::OddInterval> odd;  // of the window, ascending start
  // The day's slots: those that the meter should have recorded, and those that it did.
  vee::Span day;
  std::size_t first = 0, count = 0;
  // Of every civil day that the window reaches into. Only where estimates are wanted, and the day or the one
  // before has a hole.
  std::vector<vee::DaySlots> days;
  bool fits = true;  // false: its values have no common exponent in 64 bits, so there are none here
};

// By channel, length. Channels that are not of the day are left out.
std::vector<IntervalLine> interval_lines(const DayScene& scene);

}  // namespace ami::validation
