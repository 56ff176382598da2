// Consecutive slots of one series as IntervalRuns.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "meter_model/normaliser/reading.h"

namespace ami {

struct IntervalSlot {
  std::uint32_t channel = 0;
  UtcInstant start{};
  std::optional<Decimal> value;  // canonical unit; nullopt = the sender says there is none
  std::uint32_t quality = 0;
};

// Slots in time order. A gap ends a run. A slot that is said twice with different content begins a run of its
// own, so that both reach the store; said twice alike it is kept once. All mantissas of a run stand at the
// smallest exponent in it; a value that has no int64 mantissa there begins a run of its own.
std::vector<IntervalRun> make_runs(const std::vector<IntervalSlot>& slots, const IntervalRun& like);

}  // namespace ami
