// Time stamps of IEC 61968-9 messages.
#pragma once

#include <cstdint>
#include <string_view>

#include "meter_model/observation/observation.h"
#include "meter_model/time/instant.h"

namespace ami::cim {

enum class StampState : std::uint8_t {
  Absent,  // no element, or an empty one
  Unset,   // stands for no time: a clock or register that was never set
  Bad,
  Good
};
struct Stamp {
  StampState state = StampState::Absent;
  StatedTime time;  // views the text that was read; meaningful when Good
};

// xs:dateTime. Unset: 1970-01-01T00:00:00 with any offset or none, the instant zero written with an offset,
// 0001-01-01T00:00:00.
Stamp read_stamp(std::string_view text);

// The same with its text in `arena`.
StatedTime kept(const StatedTime& time, TextArena& arena);

}  // namespace ami::cim
