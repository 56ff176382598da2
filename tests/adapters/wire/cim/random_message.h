// Messages drawn at random, and what should be read of them.
#pragma once

#include <cstdint>
#include <string>

#include "adapters/wire/cim/codec/message.h"

namespace ami::cim {

struct RandomMessage {
  Message message;
  std::string expected;  // in the form of render.h
};
RandomMessage draw_message(std::uint64_t seed);

}  // namespace ami::cim
