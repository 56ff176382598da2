// Command Center's side of `~` files, simulated: what virtual meters said, as an EMED01 file has it. A target
// of its own; the daemon never links it.
//
// One record a reading: kWh, KWhRecv, Peak with its time, TouA to TouD, all in the clock faces of the
// export's zone. What a meter's programme lacks stays empty, as does what a virtual meter does not say (Dmd,
// TouE, Volts, PF, PrevKWh).
#pragma once

#include <span>
#include <string>

#include "meter_model/result.h"
#include "meter_model/time/zone.h"
#include "meter_model/virtual_meter/collected.h"

namespace ami::lg_delimited::peer {

struct ExportSettings {
  Zone zone = Zone::utc();  // the format writes no offset
  std::string premise = "P0000001", provisioned = "Y";
};

// A header and the records, each line with CRLF. Errors: an empty name, or text or a time that the format
// cannot carry.
Result<std::string> export_registers(std::span<const virtual_meter::Collected> meters,
                                     const ExportSettings& settings);

}  // namespace ami::lg_delimited::peer
