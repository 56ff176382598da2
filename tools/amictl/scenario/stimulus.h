// What a segment of a scenario makes the meter's element see: voltages and currents, or a power.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/metrology/load.h"
#include "meter_model/metrology/power_quantities.h"
#include "meter_model/metrology/sampled.h"
#include "meter_model/metrology/waveform.h"

namespace ami::amictl {

class YamlFields;
class YamlProblems;

// How the meter sees voltages and currents.
struct MeterView {
  metrology::Form form = metrology::Form::TwoS;
  metrology::Mode mode = metrology::Mode::FormFaithful;
  std::optional<metrology::Sampling> sampling;  // nullopt: exact phasors
};

struct Stimulus {
  metrology::Load load;                   // constant: mean power over whole cycles, as the meter sees it
  metrology::PowerQuantities quantities;  // as the meter sees them
  double true_power_w = 0;                // what really flows
  std::vector<std::string> remarks;
};

// `voltage` and `current` of a segment; nullopt = problems were added.
std::optional<Stimulus> read_waveform(YamlFields& segment, const MeterView& view, YamlProblems& problems);

// `power_w` of a segment: a number, {sine_amplitude, period_s} or {ramp_from, ramp_to}.
std::optional<metrology::Load> read_power(YamlFields& segment, std::chrono::microseconds duration,
                                          YamlProblems& problems);

}  // namespace ami::amictl
