// A virtual meter lives through a civil day, two days before it included, and a head-end that makes no
// mistake takes down what it says: intervals, its own register reads on the hour and at civil midnight,
// events.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "meter_model/time/zone.h"
#include "meter_model/vee/day_input.h"
#include "meter_model/virtual_meter/virtual_meter.h"

namespace ami::virtual_day {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Making a site walks through 70 years of its zone.
class Sites {
 public:
  const virtual_meter::Site& at(const std::string& zone, std::uint64_t weather);

 private:
  std::map<std::pair<std::string, std::uint64_t>, virtual_meter::Site> sites_;
};

enum class Act : std::uint8_t { Disconnect, Connect, DemandReset };
struct Command {
  minutes after{};  // the day's first midnight
  Act act{};
};
struct Injected {
  virtual_meter::FaultKind kind{};
  minutes from{}, to{};  // after the day's first midnight
  Decimal amount{};
  std::uint32_t other = 0;
};

struct Script {
  std::string zone = "America/Toronto";
  std::uint64_t weather = 1;
  std::chrono::year_month_day date{};
  metrology::MeterProgram program{};
  std::int32_t demand_decimals = 2;
  bool tiers = true;
  bool received_channel = true;
  virtual_meter::Model model{true, true};
  virtual_meter::Premises premises{};
  std::uint32_t number = 1;
  std::int32_t initial_delivered_kwh = 12000, initial_received_kwh = 300;
  std::int32_t drift_ppb = 0;
  std::vector<Injected> faults{};
  std::vector<Command> commands{};
};
std::string describe(const Script& script);  // enough to repeat it

// A sound meter of any season, zone, form and programme that the notice knows.
Script any_script(std::mt19937_64& random);
std::uint64_t below(std::mt19937_64& random, std::uint64_t bound);  // the same on every machine

struct Snapshot {
  UtcInstant at{};  // true time
  virtual_meter::Reading reading;
};

struct Course {
  Zone zone = Zone::utc();
  vee::Span day{};            // the civil day in question
  UtcInstant installed{};     // midnight two civil days earlier
  UtcInstant collected_at{};  // five minutes after the day's end
  seconds grid_phase{};
  virtual_meter::Reading as_configured{};  // what the meter said when it was installed
  std::vector<virtual_meter::Interval> intervals{};
  std::vector<virtual_meter::Event> events{};
  std::vector<Snapshot> snapshots{};            // not while the power is out
  std::optional<UtcInstant> demand_reset_at{};  // what the head-end believes
  // Average daily use, delivered, of 30 days until the day and of the same 30 days a year (365 days) before.
  Decimal adu_last_period_wh{}, adu_last_year_wh{};
  bool generates = false;  // energy was received in one of the two
};
Course run(const Script& script, Sites& sites);

}  // namespace ami::virtual_day
