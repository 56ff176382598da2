// What a virtual meter said, as bodies of millrace lines and as lines of the ledger.
#pragma once

#include <string>
#include <vector>

#include "meter_model/virtual_meter/collected.h"
#include "tools/fieldsim/ledger.h"

namespace ami::fieldsim::millrace {

// Times are cut to the second, which is what a line states. Tiers, demand and every event but those of power have no line.
std::vector<std::string> lines_of(virtual_meter::Collected collected, Content& content);
// A dial, delivered only: the answer to a question.
std::string dial_of(const std::string& meter, const virtual_meter::Reading& reading, Content& content);

}  // namespace ami::fieldsim::millrace
