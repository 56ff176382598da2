// Water and gas meters behind the ports of an EMTR-3-FX, by delimited files.
#pragma once

#include <memory>
#include <vector>

#include "adapters/sdk/registration.h"
#include "adapters/wire/delimited/codec/delimited.h"

namespace ami::twacs {

// Key "files". No commands: a port cannot be asked.
std::unique_ptr<sdk::AdapterFamily> port_files();

// How the codec reads for a feed of that interface.
delimited::Options port_options(const sdk::Settings& settings);

}  // namespace ami::twacs
