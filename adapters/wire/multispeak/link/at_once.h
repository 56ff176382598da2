// What the head-end's answer to a request, or its silence, says of each meter of an attempt. Pure.
#pragma once

#include <string>
#include <vector>

#include "adapters/sdk/command.h"
#include "adapters/wire/multispeak/link/head_end.h"
#include "adapters/wire/multispeak/link/orders.h"
#include "adapters/wire/multispeak/link/verdicts.h"

namespace ami::multispeak {

// The same for all meters: why there is no readable answer without a fault. nullopt = there is one.
//   not sent                                    Failed: unreachable, or not_sent where that is our own doing
//   understood and refused (HTTP, SOAP Sender)  Failed: rejected
//   sent, and nobody knows                      Unknown; a Question has Failed: nothing comes of it any more
std::optional<sdk::AttemptAnswer> without_answer(const Heard& heard, Effect effect);

// To a request whose results come later: what was not rejected waits. In the order of `meters`.
std::vector<sdk::AttemptAnswer> accepted_or_rejected(const Heard& heard, const Order& order,
                                                     const std::vector<std::string>& meters);

// GetCDMeterState.
sdk::AttemptAnswer state_told(const Heard& heard);

// GetLatestReading for `meter`, before its readings are stored. With `by_number`, a reading of another meter
// is no answer.
sdk::AttemptAnswer latest_read(const Heard& heard, const std::string& meter, bool by_number,
                               const Vocabulary& vocabulary);

sdk::AttemptAnswer failed_answer(std::string reason, std::string words);

}  // namespace ami::multispeak
