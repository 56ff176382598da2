// Exponential (thermal) demand: tau dD/dt = P - D, solved in closed form, never stepped.
#pragma once

#include <chrono>

#include "meter_model/metrology/load.h"

namespace ami::metrology {

enum class DemandQuantity { Delivered, Received, Net };

class ExponentialDemand {
 public:
  struct Peak {
    double w = 0;
    std::chrono::microseconds after{};  // since the start of the step
  };

  ExponentialDemand() = default;
  explicit ExponentialDemand(std::chrono::microseconds t90);  // 90 % of a step after this; above zero

  [[nodiscard]] double w() const { return demand_w_; }

  // Follows the load from `from` (since its start) for `time`; power below starting_power_w counts as none.
  // Returns the greatest value on the way, the one at the start included, the earliest where there are
  // equals. It is the maximum of the continuous curve, also inside a ramp or a sine: its value is exact but
  // for the rounding of doubles (relative 1e-14), its time to the microsecond.
  Peak follow(const Load& load, std::chrono::microseconds from, std::chrono::microseconds time,
              DemandQuantity quantity, double starting_power_w);
  void decay(std::chrono::microseconds time);  // as without load

 private:
  double tau_s_ = 1;
  double demand_w_ = 0;
};

}  // namespace ami::metrology
