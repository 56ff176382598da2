// The clock of a running gateway.
#pragma once

#include "adapters/sdk/adapter.h"

namespace ami::daemon {

// now() is the system's UTC; waits run on the monotonic clock, so setting the system clock does not stretch
// them.
class SteadyClock final : public sdk::Clock {
 public:
  UtcInstant now() override;
  sdk::Awaitable<bool> wait(std::chrono::milliseconds span) override;
};

}  // namespace ami::daemon
