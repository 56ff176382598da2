// The one schema of gateway.yaml: parser, defaults, checks and docs come from it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/sdk/registration.h"
#include "adapters/sdk/settings.h"

namespace ami::daemon {

using Families = std::vector<std::unique_ptr<sdk::AdapterFamily>>;

const sdk::SettingsSchema& gateway_schema();

// Reference of gateway.yaml and of each family's feed file, as Markdown.
std::string config_reference(const Families& families);

}  // namespace ami::daemon
