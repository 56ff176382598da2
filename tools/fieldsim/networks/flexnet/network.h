// The far side of Sensus FlexNet: an RNI that drops CMEP files with intervals and registers into a folder, answers
// requests in MultiSpeak 4.1, and calls back with events.
#pragma once

#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim::flexnet {

NetworkKind network();

}  // namespace ami::fieldsim::flexnet
