// What a virtual meter says, faults included: the only thing that a network should ever see of it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "meter_model/metrology/demand.h"
#include "meter_model/metrology/energy.h"
#include "meter_model/metrology/flags.h"
#include "meter_model/metrology/registers.h"
#include "meter_model/metrology/tou.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/time/instant.h"
#include "meter_model/virtual_meter/service_switch.h"

namespace ami::virtual_meter {

// Secondary energy = pulses times the stated Ke.
struct Interval {
  UtcInstant end{};                   // as stamped by the meter's clock
  std::int32_t delivered_pulses = 0;  // negative only by a fault
  std::int32_t received_pulses = 0;   // always 0 where the programme has no received channel
  metrology::Flags flags;
  friend bool operator==(const Interval&, const Interval&) = default;
};

struct Identity {
  std::string serial;  // ten digits
  std::string module;  // sixteen hexadecimal digits
  std::string model;
  std::string program_id;
  Decimal ke_wh;
  Decimal multiplier;
  friend bool operator==(const Identity&, const Identity&) = default;
};

// As displayed: cut off at the resolution, modulo a whole turn. kWh, secondary.
struct EnergyRegisters {
  Decimal delivered_kwh;
  std::optional<Decimal> received_kwh;  // programme with a received channel
  std::optional<Decimal> net_kwh;       // the same; signed
  std::optional<std::array<Decimal, metrology::TierRegisters::kTiers>> tiers_kwh;  // delivered, A to D
  friend bool operator==(const EnergyRegisters&, const EnergyRegisters&) = default;
};

struct DemandMaximumRead {
  Decimal kw;
  std::optional<UtcInstant> at;  // end of its window by the meter's clock
  metrology::Flags flags;
  friend bool operator==(const DemandMaximumRead&, const DemandMaximumRead&) = default;
};

struct DemandRead {
  DemandMaximumRead maximum, previous;
  Decimal cumulative_kw;
  std::uint32_t resets = 0;
  std::optional<UtcInstant> reset_at;
  friend bool operator==(const DemandRead&, const DemandRead&) = default;
};

struct SwitchRead {
  SwitchState state = SwitchState::Closed;
  bool load_side_voltage = true;  // closed: the grid's
  friend bool operator==(const SwitchRead&, const SwitchRead&) = default;
};

struct Reading {
  UtcInstant clock{};  // the meter's
  Identity identity;
  EnergyRegisters energy;
  DemandRead demand;
  std::optional<SwitchRead> service_switch;  // SD
  bool diagnostic = false;                   // a bit of the self-check is set (V05)
  friend bool operator==(const Reading&, const Reading&) = default;
};

// A kWh register of this format: exactly what it would display, as a number.
Decimal displayed_kwh(const metrology::RegisterFormat& format, metrology::Energy energy);
// kW cut off at `decimals`; not negative.
Decimal displayed_kw(double kw, std::int32_t decimals);

}  // namespace ami::virtual_meter
