// What readings show of a meter's clock. Pure; costs a comparison a register and a division an interval run.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "meter_model/normaliser/reading.h"

namespace ami {

// Notes in `batch` what its readings and events, as far as the meter's own clock dates them, show: times
// later than `received_at` by more than `tolerance`, interval ends further than `tolerance` from the grid,
// and events that speak of the clock. That something is older than its receipt shows nothing: files and
// networks are late for any reason. (Values of a time too late to be stored at all were noted by the
// normaliser.)
void note_clock_signs(UtcInstant received_at, std::chrono::seconds tolerance, NormalisedBatch& batch);

// An answer of `meter` to a question that left at `asked_at` and came back at `received_at`: dated in
// between, it is right, as far as can be told. Uses the newest register reading of the meter in `batch`;
// without one: nothing.
void note_answer(MeterId meter, UtcInstant asked_at, UtcInstant received_at, std::chrono::seconds tolerance,
                 NormalisedBatch& batch);

// Signs of one batch that are stored: of a meter and kind the one with the largest offset either way (of
// answers the last), in order of meter and kind, at most kMostSigns of them. Where there are more, a stretch
// of them that the time of receipt chooses: when a whole network is off, each batch tells of some, and in
// time all are told.
inline constexpr std::size_t kMostSigns = 256;
std::vector<ClockSign> signs_to_store(const NormalisedBatch& batch, UtcInstant received_at);

}  // namespace ami
