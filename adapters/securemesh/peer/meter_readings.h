// The far side of the securemesh family, simulated: what virtual meters said, as the one public feed of this
// vendor writes it in CIM. A target of its own; the daemon never links it.
//
// Shaped like that feed: monthly spellings of the reading types (13.0.0.1.… kWh, 13.0.0.9.… by
// tier, 13.8.0.6.… W), and a stamp of 1970 on a register that was never set. Intervals and received energy
// are assumed to be written alike.
#pragma once

#include <string>

#include "adapters/wire/cim/codec/message.h"
#include "meter_model/result.h"
#include "meter_model/virtual_meter/collected.h"

namespace ami::securemesh::peer {

// The registers of the last reading and all intervals. Errors: an interval that has no code (5, 15, 30 and 60
// minutes have one), or numbers that do not fit.
Result<cim::MeterReading> meter_readings(const virtual_meter::Collected& collected);

}  // namespace ami::securemesh::peer
