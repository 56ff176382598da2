// What of a network's meters stands in one CMEP file, as bytes and as ledger lines.
#pragma once

#include <string>
#include <vector>

#include "meter_model/time/zone.h"
#include "meter_model/virtual_meter/collected.h"
#include "tools/fieldsim/ledger.h"

namespace ami::fieldsim::flexnet {

struct CmepFile {
  std::string bytes;
  Content content;
  std::string left_out;  // why a meter is not in it; empty = all are
};

// Intervals, dials and tiers; the format has no place for more. Times are cut to whole minutes, as it writes them. A
// meter that no record can carry is left out.
CmepFile make_cmep(const std::string& network, std::vector<virtual_meter::Collected> meters, const Zone& zone,
                   UtcInstant created);

}  // namespace ami::fieldsim::flexnet
