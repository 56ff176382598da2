// What a format states of what was collected, as lines of the ledger.
#pragma once

#include <chrono>
#include <string_view>

#include "meter_model/virtual_meter/collected.h"
#include "tools/fieldsim/ledger.h"

namespace ami::fieldsim {

// Cuts every time to what the format can state (whole minutes, milliseconds), so that the file and the ledger say the
// same. resolution: above zero.
void cut_times(virtual_meter::Collected& collected, std::chrono::microseconds resolution);

// Delivered, received and the tiers of a reading, in Wh. Registers that it does not have are left out.
void add_energy(Content& content, std::string_view meter, const virtual_meter::Reading& reading);

// kWh or kW as Wh or W; exact.
Decimal thousand(const Decimal& kilo);

}  // namespace ami::fieldsim
