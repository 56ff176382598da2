// Validation: the checks over one meter's day and over one channel's day. Pure and deterministic; any thread.
#pragma once

#include "meter_model/vee/check.h"
#include "meter_model/vee/day_input.h"
#include "meter_model/vee/report.h"
#include "meter_model/vee/vee_config.h"

namespace ami::vee {

// V01 to V05, V13 (the reverse flag), V15, V16 and V26: once a meter and day.
void check_meter_day(const MeterDay& meter, const VeeConfig& config, const CheckSet& checks, Report& report);

// V06 to V14 and V17 to V25: once a channel and day, with the facts of its meter. The input must hold
// together: marks none or one a slot, length above zero, registers and odd intervals ascending; else V06
// fails and nothing more is said.
void check_channel_day(const ChannelDay& day, const MeterDay& meter, const VeeConfig& config,
                       const CheckSet& checks, Report& report);

}  // namespace ami::vee
