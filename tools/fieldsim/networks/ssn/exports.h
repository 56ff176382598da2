// What of a network's meters stands in one SSNExportDocument, as bytes and as ledger lines.
#pragma once

#include <string>
#include <vector>

#include "meter_model/time/zone.h"
#include "meter_model/virtual_meter/collected.h"
#include "tools/fieldsim/ledger.h"

namespace ami::fieldsim::ssn {

struct Export {
  std::string bytes;
  Content content;
  std::string left_out;  // why a meter is not in it; empty = all are
};

// Meters that no document can carry are left out. Their times are cut to milliseconds, as the format writes them.
Export make_export(const std::string& network, std::vector<virtual_meter::Collected> meters, const Zone& zone,
                   const std::string& document_id, UtcInstant created);

}  // namespace ami::fieldsim::ssn
