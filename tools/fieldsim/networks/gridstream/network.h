// A Gridstream RF Mesh network behind Command Center: MultiSpeak 3.0 roles MR and CD, and `~` files.
#pragma once

#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim::gridstream {

NetworkKind network();

}  // namespace ami::fieldsim::gridstream
