// The section `meter` of a scenario: which meter, and how it is programmed.
#pragma once

#include <string>
#include <vector>

#include "meter_model/metrology/meter.h"
#include "meter_model/metrology/waveform.h"

namespace YAML {
class Node;
}

namespace ami::amictl {

class YamlProblems;

// Defaults: a FOCUS AXR-SD, form 2S as the form measures; the constants are those that the engine assumes.
struct MeterSection {
  std::string model = "FOCUS AXR-SD";
  metrology::Form form = metrology::Form::TwoS;
  metrology::Mode mode = metrology::Mode::FormFaithful;
  metrology::MeterProgram program;
  std::vector<std::string> remarks;
};

MeterSection read_meter(const YAML::Node& node, YamlProblems& problems);

}  // namespace ami::amictl
