// "host:port" with a numeric host, as listeners are configured.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "meter_model/result.h"

namespace ami::daemon {

struct ListenAddress {
  std::string host;  // numeric, without brackets
  std::uint16_t port = 0;
  bool loopback = false;
};

// "127.0.0.1:9464", "[::1]:0", "localhost:9464" (= 127.0.0.1). Names are refused: what a name stands for may
// change, and a listener must not.
Result<ListenAddress> parse_address(std::string_view text);

}  // namespace ami::daemon
