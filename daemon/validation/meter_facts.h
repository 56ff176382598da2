// Stored events and installations as the facts of a meter's day. Only for the sources of this folder.
#pragma once

#include <memory>
#include <vector>

#include "daemon/validation/day_scene.h"
#include "daemon/validation/interval_lines.h"

namespace ami::validation {

struct MeterFactsOfDay {
  vee::MeterDay meter;  // views `kept`
  std::shared_ptr<JudgedDay::Kept> kept;
};
MeterFactsOfDay meter_facts(const DayScene& scene, const std::vector<IntervalLine>& intervals);

}  // namespace ami::validation
