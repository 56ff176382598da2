// The interface of families whose head-end, Command Center, exports `~` files into a folder.
#pragma once

#include <memory>
#include <string>

#include "adapters/sdk/registration.h"

namespace ami::lg_delimited {

struct FilesProfile {
  std::string family;  // "gridstream"
  std::string title;   // of the settings' reference page
  std::string claim;   // AdapterInfo::interface: the honest claim
};

// Key "files": registers of EMED01; intervals of MEPMD01 only where a feed says in which order value and
// status stand. No commands.
std::unique_ptr<sdk::AdapterFamily> files_interface_of(FilesProfile profile);

}  // namespace ami::lg_delimited
