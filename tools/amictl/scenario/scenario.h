// A metrology scenario: one meter, what its element sees over time, and what is done to it meanwhile.
// Schema, defaults and an example: docs/metrology.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "meter_model/metrology/load.h"
#include "meter_model/metrology/meter.h"
#include "meter_model/metrology/power_quantities.h"
#include "meter_model/metrology/sampled.h"
#include "meter_model/metrology/waveform.h"
#include "meter_model/result.h"
#include "meter_model/time/zone.h"
#include "tools/amictl/scenario/elapsed.h"

namespace ami::amictl {

struct Segment {
  Elapsed duration{};  // above zero
  bool outage = false;
  metrology::Load load;  // zero in an outage
  // Of a segment given as voltages and currents: as the meter sees them (form, mode, sampling) ...
  std::optional<metrology::PowerQuantities> quantities;
  double true_power_w = 0;  // ... and the physical power of the same
};

struct DemandReset {};
struct ClockSet {
  Elapsed by{};  // positive = forward
};
struct TierSelect {
  char tier = 'A';
};
struct TestMode {
  bool active = false;
};

struct Event {
  Elapsed at{};  // since the start of the run; never inside an outage
  std::variant<DemandReset, ClockSet, TierSelect, TestMode> what;
};

struct Scenario {
  std::string title;
  std::string model;  // FOCUS AX, FOCUS AX-SD, FOCUS AXR or FOCUS AXR-SD
  metrology::Form form = metrology::Form::TwoS;
  metrology::Mode mode = metrology::Mode::FormFaithful;
  metrology::MeterProgram program;
  metrology::InitialState initial;
  Zone zone = Zone::utc();
  std::optional<metrology::Sampling> sampling;  // nullopt: exact phasors
  std::vector<Segment> segments;                // at least one
  std::vector<Event> events;                    // in the order in which they happen
  std::vector<std::string> remarks;             // what is allowed but worth a word

  [[nodiscard]] Elapsed length() const;
};

// A scenario that passed can be run. The error has one line for each problem: "name:line: message".
Result<Scenario> parse_scenario(std::string_view yaml, const std::string& name_for_errors);

}  // namespace ami::amictl
