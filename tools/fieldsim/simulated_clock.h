// Simulated time as an sdk::Clock: it starts where a scenario says and runs `factor` times as fast as the
// machine's.
#pragma once

#include <chrono>

#include "adapters/sdk/adapter.h"

namespace ami::fieldsim {

// Threads: one executor's. Never goes back, and never shows a time that is still to come on the machine's own
// clock: a meter has nothing to say of tomorrow. From there on it keeps pace with the machine.
class SimulatedClock : public sdk::Clock {
 public:
  // factor: above 0. It stands at `start` until run().
  SimulatedClock(UtcInstant start, double factor);

  UtcInstant now() override;
  sdk::Awaitable<bool> wait(std::chrono::milliseconds span) override;

  void run();
  // Never shows more than this until it is moved on; where time waited it goes on from there, without a jump.
  void hold_at(UtcInstant limit);
  [[nodiscard]] double factor() const { return factor_; }
  // A span of the machine's time, as this clock counts it: for what must not go faster, as a pause before a
  // retry.
  [[nodiscard]] std::chrono::milliseconds real(std::chrono::milliseconds span) const;

 private:
  using Steady = std::chrono::steady_clock;
  UtcInstant begun_;  // shown at since_
  Steady::time_point since_{};
  UtcInstant limit_ = UtcInstant::max();
  double factor_;
  bool runs_ = false;
};

}  // namespace ami::fieldsim
