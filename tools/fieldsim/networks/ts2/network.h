// A TS2 power line network behind Command Center: MultiSpeak 3.0 roles MR and CD, and `~` files.
#pragma once

#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim::ts2 {

NetworkKind network();

}  // namespace ami::fieldsim::ts2
