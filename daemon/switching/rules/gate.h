// Is a gate of a jurisdiction closed? Pure: the gate, what is known of the place, the time.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "daemon/switching/rules/protection.h"
#include "daemon/switching/rules/rule_book.h"

namespace ami::daemon::switching {

// News that claim to be from later than this ahead of the gateway's clock count as missing.
inline constexpr std::chrono::minutes kFutureSlack{5};

struct GateVerdict {
  enum class End : std::uint8_t {
    Open,
    Closed,
    Missing,  // what it takes to tell is not there, or too old
  };
  End end = End::Open;
  std::string words;                         // why, when not Open
  std::map<std::string, std::string> facts;  // what it looked at
  std::string would_change;                  // when not Open
};

// Who is bound is not asked here. Calendar days are those of protection.zone; without one: Missing.
GateVerdict judge_gate(const Gate& gate, const Protection& protection, UtcInstant now);

}  // namespace ami::daemon::switching
