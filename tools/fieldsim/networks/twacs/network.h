// A TWACS network: MultiSpeak 3.0 roles MR and OD for the electric meters, and delimited files with what the
// boards know of the water and gas meters on their ports.
#pragma once

#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim::twacs {

NetworkKind network();

}  // namespace ami::fieldsim::twacs
