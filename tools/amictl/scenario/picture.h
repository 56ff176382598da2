// What the picture of a run shows, drawn from the run.
#pragma once

#include "tools/amictl/scenario/plot_svg.h"
#include "tools/amictl/scenario/run.h"

namespace ami::amictl {

Picture picture_of(const Scenario& scenario, const ScenarioRun& run);

}  // namespace ami::amictl
