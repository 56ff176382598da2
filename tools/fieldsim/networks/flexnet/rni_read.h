// A read on demand as an RNI tells it in MultiSpeak 4.1.
#pragma once

#include <string>

#include "adapters/wire/multispeak/codec/reads.h"
#include "meter_model/virtual_meter/served.h"
#include "tools/fieldsim/ledger.h"

namespace ami::fieldsim::flexnet {

// The delivered register in a field called kWh, to the second. What other fields of an RNI mean only a site knows.
multispeak::MeterRead rni_read(const std::string& meter, const virtual_meter::Reading& reading, Content& content);

}  // namespace ami::fieldsim::flexnet
