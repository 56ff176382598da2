// What a network has collected from one virtual meter: what the simulated side of each wire format writes.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "meter_model/quantity/decimal.h"
#include "meter_model/virtual_meter/event.h"
#include "meter_model/virtual_meter/served.h"

namespace ami::virtual_meter {

struct Collected {
  std::string meter;                  // the name that the network knows it by
  std::chrono::minutes interval{15};  // of the recorder
  Decimal ke_wh{12, -1};              // energy of a pulse by which the network scales
  bool received_channel = true;
  std::vector<Interval> intervals{};  // as served, in order
  std::vector<Reading> readings{};    // at the clock that each states, ascending
  std::vector<Event> events{};
};

// A record's energy in kWh, exact. Errors: it does not fit 64 bits.
inline Result<Decimal> kwh_of(const Collected& collected, std::int32_t pulses) {
  constexpr std::int32_t kKilo = 3;
  const auto wh = collected.ke_wh.times({pulses, 0});
  const auto kwh = wh ? wh->shifted(-kKilo) : std::nullopt;
  if (!kwh) {
    return permanent(std::to_string(pulses) + " pulses of " + collected.ke_wh.to_string() +
                     " Wh do not fit a number");
  }
  return *kwh;
}

}  // namespace ami::virtual_meter
