// Events of a Gridstream network as Command Center publishes them in CIM: EndDeviceEvents of the first edition in the
// vendor's namespace, over SOAP 1.1, as the one public message shows.
#pragma once

#include <memory>

#include "tools/fieldsim/multispeak/side.h"

namespace ami::fieldsim::gridstream {

// An outage has the code and the word of that message (6.20.1.185, POWER_FAIL); every other event has its code of the
// second edition and its name, which is assumed. What the meter's own log repeats of its module's last gasp, and the
// module of the meter's restoration, is not told again.
// Errors: `url` is none.
Result<std::unique_ptr<EventWay>> cim_events(const std::string& network, const std::string& url, Surroundings around);

}  // namespace ami::fieldsim::gridstream
