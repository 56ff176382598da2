// The far side of the gridstream family's messages, simulated: the settings that make the simulated
// MultiSpeak head-end this vendor's. A target of its own; the daemon never links it.
#pragma once

#include "adapters/wire/multispeak/peer/head_end.h"

namespace ami::gridstream::peer {

// Version, URL of each role, what is not implemented, how long an answer takes. Where it listens, who may ask
// and how it calls back is its host's to say.
multispeak::peer::HeadEndSettings head_end();

}  // namespace ami::gridstream::peer
