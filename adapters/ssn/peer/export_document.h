// The far side of the ssn family, simulated: what virtual meters said, as a UtilityIQ export writes it. A
// target of its own; the daemon never links it.
//
// Shaped like the published sample: kWh with a point and at least four decimals, an offset with every time,
// each interval with its pulses as RawValue, a register beside the interval that ends where it was read.
// Registers stand as displayed, since their last place is their resolution. Numbers of tier registers beyond
// those of the sample (3010 …), and event names, are assumed: of both, public material shows one only.
#pragma once

#include <span>
#include <string>

#include "meter_model/result.h"
#include "meter_model/time/instant.h"
#include "meter_model/time/zone.h"
#include "meter_model/virtual_meter/collected.h"

namespace ami::ssn::peer {

struct ExportSettings {
  Zone zone = Zone::utc();  // whose offset every time carries
  UtcInstant created{};
  std::string document_id = "virtual-1";
};

// The MAC id of its module as an export writes it: the last eight bytes of the module's id. Empty: nothing that
// was collected says the id.
std::string mac_of(const virtual_meter::Collected& collected);

// One document. Errors: an interval that is not whole minutes or above a month, a name that is empty, a Ke
// that is not above zero, or numbers that do not fit.
Result<std::string> export_document(std::span<const virtual_meter::Collected> meters,
                                    const ExportSettings& settings);

}  // namespace ami::ssn::peer
