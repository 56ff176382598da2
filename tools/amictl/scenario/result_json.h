// A run as JSON: the command line's contract (docs/metrology.md has every key).
#pragma once

#include <ostream>

#include "tools/amictl/scenario/run.h"

namespace ami::amictl {

// One object, keys in a stable order, an interval or a demand point a line. Numbers read back as the very
// doubles that they were; exact quantities are decimal strings.
void print_result(const Scenario& scenario, const ScenarioRun& run, std::ostream& out);

}  // namespace ami::amictl
