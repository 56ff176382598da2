// From a scenario to the virtual meters of its networks: who lives where, which clock drifts, and who has
// which fault. The same scenario and seed give the same fleet, whatever else runs.
#pragma once

#include <string>
#include <vector>

#include "tools/fieldsim/scenario/scenario.h"
#include "tools/fieldsim/world.h"

namespace ami::fieldsim {

struct Fleet {
  std::vector<WorldPlan> worlds;       // in the order of the scenario's networks
  std::vector<sdk::Problem> problems;  // orders that no meter can carry out, with their lines; empty = good
};

// Names are prefix and eight digits, from 00000000 on within each network; numbers are unique in the whole
// field. Faults are drawn among the meters that can have them and have none of their kind at that time. Meters
// that replace others come last, with the names that follow: who has which fault does not change by them.
Fleet make_fleet(const Scenario& scenario);

}  // namespace ami::fieldsim
