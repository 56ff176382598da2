// A made-up family that is asked and is pushed to, for tests of the whole way: its far side connects over TCP (port in
// `port_file`), one at a time, the newest counts. The gateway writes "ASK KIND TRANSACTION METER"; the far side writes
// "SAY KEY RECORD;RECORD…" at any time and is told "ok ID" once that is durable, "busy REASON" or "no REASON". A record
// is "METER VALUE TIME" (kWh), or "RESULT TRANSACTION METER WORD" with done, powered, silent or failed as word; of
// line_switch_family(), the same with a service switch, also opened, closed or armed, and behind it the device's time.
#pragma once

#include <memory>

#include "adapters/sdk/registration.h"

namespace ami::daemon::testing {

std::unique_ptr<sdk::AdapterFamily> line_command_family();
std::unique_ptr<sdk::AdapterFamily> line_switch_family();  // "line_switch"

}  // namespace ami::daemon::testing
