// What many virtual meters have in common, and what one of them is.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/metrology/meter.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/result.h"
#include "meter_model/virtual_meter/fault.h"
#include "meter_model/virtual_meter/premises.h"
#include "meter_model/virtual_meter/site.h"
#include "meter_model/virtual_meter/tou_schedule.h"

namespace ami::virtual_meter {

struct Plan;
using SharedPlan = std::shared_ptr<const Plan>;

// Immutable once made; shared by any number of meters and threads.
struct Plan {
  Site site;
  // traces_demand is turned off: nobody drains a trace here.
  metrology::MeterProgram program{};
  std::int32_t demand_decimals = 2;  // of kW as served, cut off; 0 … 4 (assumed)
  TouSchedule tou{};
  std::string program_id = "AX-01";
  Decimal multiplier{1, 0};  // as stated to the reader; registers stay secondary (metrology reference 2.3)
  bool received_channel = true;  // a one-way programme reports REVERSE_ENERGY instead of received energy
  bool module_reports = false;   // the module repeats what the meter reports of power and switch (5.1)
  std::chrono::seconds arm_timeout{1800};  // rounded up to a second; assumed; 1 s … 7 days

  // Errors of the programme and of the ranges above.
  static Result<SharedPlan> create(Plan plan);
};

// The four names of notice AE-1641.
struct Model {
  bool recorder : 1 = false;    // R: internal pulse recorder
  bool disconnect : 1 = false;  // SD: service switch

  static Result<Model> parse(std::string_view name);  // "FOCUS AXR-SD"
  [[nodiscard]] std::string_view name() const;
};

struct MeterSetup {
  std::uint32_t number = 0;  // unique on its site; all that is random about it follows from it
  Model model{true, true};
  Premises premises{};
  UtcInstant start{};                      // on a second
  std::int32_t initial_delivered_kwh = 0;  // what the registers hold at the start; not negative
  std::int32_t initial_received_kwh = 0;
  std::int32_t drift_ppb = 0;  // clock fast is positive; at most 1000000 (1000 ppm) either way
  std::vector<Fault> faults{};

  // Errors: which value or which fault is impossible, and what would be possible.
  [[nodiscard]] Outcome check(const Plan& plan) const;
};

}  // namespace ami::virtual_meter
