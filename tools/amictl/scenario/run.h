// Runs a scenario through the reference meter.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "meter_model/metrology/demand.h"
#include "meter_model/metrology/meter.h"
#include "meter_model/result.h"
#include "tools/amictl/scenario/scenario.h"

namespace ami::amictl {

// A stretch of the run without an event in it.
struct Stretch {
  std::size_t segment = 0;  // index
  Elapsed from{};           // since the start of the run
  Elapsed into{};           // since the start of its segment
  Elapsed length{};
  Elapsed clock_ahead{};  // the meter's clock less true time, where the stretch starts
  bool rests = false;     // dark, or in a test mode that does not bill
};

struct ClosedMaximum {
  Elapsed reset_at{};
  metrology::DemandMaximum maximum;  // never without a time
};

struct ScenarioRun {
  explicit ScenarioRun(metrology::ReferenceMeter started) : meter(std::move(started)) {}

  metrology::ReferenceMeter meter;  // at the end of the run
  std::vector<Stretch> stretches;
  std::vector<ClosedMaximum> closed_maxima;  // by demand resets
  std::set<char> tiers;                      // that were active at some time
  std::vector<std::string> findings;         // the scenario's remarks, and what came to light on the way
};

// What the interval that still runs at the end has counted. Its record does not exist yet.
metrology::EnergyPair unclosed_interval(const ScenarioRun& run);

// Closed form: a year costs no more than its interval records. Error: only what parse_scenario() would have
// refused.
Result<ScenarioRun> run_scenario(const Scenario& scenario);

}  // namespace ami::amictl
