// What a virtual meter said, as a head-end tells it in MultiSpeak 3.0, with the same in the ledger's words
// beside it.
//
// posKWh and negKWh are whole by the schema; a register with decimals is told again as a readingValue in kWh.
// kW with its time is the demand maximum. Times are cut to the second. The net register has no place.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/wire/multispeak/codec/reads.h"
#include "meter_model/virtual_meter/collected.h"
#include "tools/fieldsim/ledger.h"

namespace ami::fieldsim {

multispeak::MeterRead told_read(const std::string& meter, const virtual_meter::Reading& reading,
                                Content& content);

// The recorder's intervals, in kWh with a comma between them; a block for each run of consecutive ones. Adds
// to `reads`, which has the profile; nothing where the recorder has none.
multispeak::IntervalReads interval_profile(std::chrono::minutes length, bool received);
void tell_intervals(const virtual_meter::Collected& collected, multispeak::IntervalReads& reads,
                    Content& content);

// An outage or restoration as an outage event. What the meter's own log repeats of the module's last gasp,
// and the module of the meter's restoration, is nothing new: nullopt, as for any other event.
std::optional<multispeak::OutageEvent> told_outage(const std::string& meter,
                                                   const virtual_meter::Event& event, bool last_gasp,
                                                   Content& content);
// Any event but those of power, with its four-part code.
std::optional<multispeak::MeterEvent> told_event(const std::string& meter, const virtual_meter::Event& event,
                                                 Content& content);

}  // namespace ami::fieldsim
