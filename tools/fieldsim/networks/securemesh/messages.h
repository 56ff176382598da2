// What meters said, as CIM messages and as ledger lines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/wire/cim/codec/message.h"
#include "meter_model/virtual_meter/collected.h"
#include "tools/fieldsim/ledger.h"

namespace ami::fieldsim::securemesh {

// Adds to `content` what stands in the reading. An Error: no message can carry it, and nothing was added.
Result<cim::MeterReading> state(const virtual_meter::Collected& collected, Content& content);
// The events that have a code.
std::vector<cim::Event> events_of(const virtual_meter::Collected& collected, Content& content);

// A message that nobody asked for; `id` is its own. Plain XML for a file, SOAP 1.1 to be posted.
std::string published(const std::string& id, UtcInstant now, cim::Soap soap, std::vector<cim::MeterReading> readings,
                      std::vector<cim::Event> events);

}  // namespace ami::fieldsim::securemesh
