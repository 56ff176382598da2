// Puts a vendor's stated times on the UTC line, or says why that cannot be done.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "meter_model/observation/observation.h"
#include "meter_model/time/zone.h"

namespace ami {

struct TimeBounds {
  UtcInstant not_before{};
  UtcInstant not_after{};
};

struct PlacedTime {
  std::optional<UtcInstant> at;  // without a value when `problem` is set
  const char* problem = nullptr;
};

// One time that stands alone.
PlacedTime place_time(const StatedTime& time, const std::optional<Zone>& zone, const TimeBounds& bounds);

// The times of a series, element by element; an absent one is the previous plus `interval`. `start`: where
// the first is absent, the start of its interval; its end is `interval` of elapsed time later, whatever the
// clock showed meanwhile.
std::vector<PlacedTime> place_series(const std::vector<SeriesValue>& values, std::chrono::seconds interval,
                                     const std::optional<Zone>& zone, const TimeBounds& bounds,
                                     const StatedTime& start = {});

}  // namespace ami
