// The adapter of a MultiSpeak interface: a client of the head-end's URLs, and a server for what it calls
// back.
#pragma once

#include <memory>

#include "adapters/sdk/adapter.h"
#include "adapters/sdk/settings.h"
#include "adapters/wire/multispeak/link/profile.h"

namespace ami::multispeak {

std::unique_ptr<sdk::Adapter> make_adapter(sdk::AdapterInfo info, Profile profile, sdk::Settings settings,
                                           sdk::Services services);

}  // namespace ami::multispeak
