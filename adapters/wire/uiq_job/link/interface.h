// UtilityIQ's jobs as one interface (key "jobs") of a module family.
#pragma once

#include <memory>
#include <string>

#include "adapters/sdk/registration.h"

namespace ami::uiq_job {

struct Profile {
  std::string family;  // "ssn"
  std::string title;   // of the settings' reference page
  std::string claim;   // AdapterInfo::interface: the honest claim
};

// plan() reads the site template that the settings of a feed name, and keeps it for what else is asked of
// that feed file: without a plan before, a feed has no commands and its adapter does not start.
std::unique_ptr<sdk::AdapterFamily> interface_of(Profile profile);

}  // namespace ami::uiq_job
