// Time that runs faster than the machine's, for a demonstration beside a simulated field. Never at a site.
#pragma once

#include <string>

#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::daemon {

// It was `start` when the machine's clock showed `began`, and has run `factor` times as fast since.
struct SimulatedTime {
  UtcInstant start{}, began{};
  double factor = 1;  // 1 to 100,000
  // Never later than `machine`, the machine's clock: nothing is of tomorrow. From there on it keeps pace.
  [[nodiscard]] UtcInstant at(UtcInstant machine) const;
};

// "2026-10-25T01:00:00Z,360,2026-11-24T01:30:00Z": start, factor, began. Errors: in words.
Result<SimulatedTime> parse_simulated_time(const std::string& text);

}  // namespace ami::daemon
