// Callbacks as a head-end posts them: for simulated far sides and tests. Written as told, including what the
// decoder refuses.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/wire/multispeak/codec/envelope.h"
#include "adapters/wire/multispeak/codec/reads.h"

namespace ami::multispeak {

// The parts that the operation has are used; the single CD notifications take the first state.
struct NotificationContent {
  Operation operation = Operation::ReadingChanged;
  std::string transaction;
  std::string error;  // errorString of the notification: interval and block data, 3.0 CDStateChanged
  std::vector<MeterRead> reads;
  std::optional<IntervalReads> intervals;
  std::optional<BlockOfRows> block;
  std::vector<SwitchState> states;
  std::vector<OutageEvent> outages;
  std::vector<MeterEvent> events;
};
std::string encode_notification(const NotificationContent& content, const Sender& sender);

}  // namespace ami::multispeak
