// The clock of a running gateway.
#pragma once

#include <optional>

#include "adapters/sdk/adapter.h"
#include "daemon/host/simulated_time.h"

namespace ami::daemon {

// now() is the system's UTC; waits run on the monotonic clock, so setting the system clock does not stretch
// them. In a demonstration now() may be simulated; waits never are.
class SteadyClock final : public sdk::Clock {
 public:
  explicit SteadyClock(std::optional<SimulatedTime> simulated = std::nullopt) : simulated_(simulated) {}
  UtcInstant now() override;
  sdk::Awaitable<bool> wait(std::chrono::milliseconds span) override;

 private:
  const std::optional<SimulatedTime> simulated_;
};

}  // namespace ami::daemon
