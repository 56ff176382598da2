// What the checks and the estimation said, in the words of the store. Only for the sources of this folder.
#pragma once

#include <vector>

#include "daemon/validation/day_scene.h"

namespace ami::validation {

// Of the whole meter: no value carries its code.
storage::DayFinding meter_finding(const Period& day, const vee::Finding& finding);
// Of the later of the two readings that it is about.
storage::DayFinding register_finding(ChannelId channel, const vee::Finding& finding);
// Of the intervals that it is about; one that overlaps others is told of both. `demand`: the maximum demand
// register, for a finding about that alone.
std::vector<storage::DayFinding> interval_findings(const JudgedChannel& channel, const Period& day,
                                                   const vee::Finding& finding, ChannelId demand);

std::vector<storage::DayEstimate> stored_estimates(const JudgedChannel& channel);

// In an order of their own, each once.
void settle(storage::DayVerdict& verdict);

}  // namespace ami::validation
