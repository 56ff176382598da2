// What a household or a small business draws from the grid and gives back to it.
#pragma once

#include <cstdint>

#include "meter_model/result.h"
#include "meter_model/virtual_meter/site.h"

namespace ami::virtual_meter {

enum class PremisesKind : std::uint8_t { Household, SmallBusiness };

struct Premises {
  PremisesKind kind = PremisesKind::Household;
  bool generates_alone = false;  // its inverter runs without the grid: voltage behind an open switch
  float annual_kwh = 7000;       // without heating and cooling; 500 … 150000
  float solar_kw = 0;            // rated; 0 … 30
  float heating_w_per_k = 0;     // electric, below 16 degrees C; 0 … 600
  float cooling_w_per_k = 60;    // above 21 degrees C; 0 … 600

  [[nodiscard]] Outcome check() const;
};

struct Flow {
  double load_w = 0;        // 60 … 44000
  double generation_w = 0;  // not negative
  [[nodiscard]] double net_w() const { return load_w - generation_w; }
};

// Over one quarter of an hour. premises: passed check(). Consecutive quarters differ by a sixth of what
// always runs, a large appliance runs for three hours, and a shop's weekend is well above half of its week:
// an honest day is neither frozen (V21) nor a spike (V18), nor far from usual (V19).
Flow flow(const Premises& premises, std::uint64_t seed, std::uint64_t number, std::int64_t quarter,
          const Sky& sky);

}  // namespace ami::virtual_meter
