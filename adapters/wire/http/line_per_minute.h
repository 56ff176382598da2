// A sender that is wrong once is wrong a thousand times, and its log lines must not drown the others.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "meter_model/time/instant.h"

namespace ami::http {

// Lets one line a minute through for each address, and tells how many it held back before. Bounded: when too
// many addresses are at it, further ones share one line. One thread at a time.
class LinePerMinute {
 public:
  // nullopt: not now. Else the lines of this address that were held back since the last one.
  std::optional<std::uint64_t> admit(const std::string& address, UtcInstant now);

 private:
  struct Seen {
    UtcInstant said{};
    std::uint64_t held = 0;
  };
  std::map<std::string, Seen> seen_;
};

}  // namespace ami::http
