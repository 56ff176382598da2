// Calls the head-end, takes what it says, and puts questions to it: one TCP connection for all of that.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "adapters/sdk/adapter.h"

namespace ami::millrace {

struct Link {
  std::string address;  // IP address of the head-end
  std::uint16_t port = 0;
  std::chrono::milliseconds retry{};
};

std::unique_ptr<sdk::Adapter> make_adapter(sdk::AdapterInfo info, Link link, sdk::Services services);

}  // namespace ami::millrace
