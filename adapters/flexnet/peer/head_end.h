// The far side of the flexnet family's messages, simulated: the settings that make the simulated MultiSpeak
// head-end an RNI. A target of its own; the daemon never links it.
#pragma once

#include "adapters/wire/multispeak/peer/head_end.h"

namespace ami::flexnet::peer {

// Version, URL of each role, what is not implemented. Where it listens, who may ask and how it calls back is
// its host's to say. Older RNIs: set version to 3.0.
multispeak::peer::HeadEndSettings head_end();

}  // namespace ami::flexnet::peer
