// The service switch of an SD meter as a table (behaviour: metrology reference 5.1 and 5.3 rule 7).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "meter_model/virtual_meter/event.h"

namespace ami::virtual_meter {

// Armed is not closed. Energised = open with voltage on the load side, from a generator of the customer's.
// Pending = open, and a close that load-side voltage blocked is latent: the switch closes by itself when the
// voltage goes.
enum class SwitchState : std::uint8_t { Closed, Open, OpenEnergised, OpenPending, Armed, ArmedEnergised };

enum class SwitchInput : std::uint8_t {
  Disconnect,  // commands
  Connect,
  Arm,     // ready for the customer's button
  Cancel,  // disarms, and forgets a latent close (assumed)
  Button,  // the customer's
  VoltageAppears,
  VoltageGoes,  // on the load side
  ArmTimeout,
};

enum class SwitchAnswer : std::uint8_t {
  Done,
  AlreadyThere,  // nothing to do; no event
  Refused,
};

struct SwitchStep {
  SwitchState next;
  SwitchAnswer answer;
  std::optional<EventKind> event;
};

// Total: every input has an answer in every state. While closed the load side is the grid's, so voltage there
// says nothing.
SwitchStep step(SwitchState state, SwitchInput input);

std::string_view name_of(SwitchState state);  // "OPEN_PENDING"
constexpr bool is_open(SwitchState state) {
  return state != SwitchState::Closed;
}
constexpr bool is_armed(SwitchState state) {
  return state == SwitchState::Armed || state == SwitchState::ArmedEnergised;
}
// Load-side voltage while open.
constexpr bool is_energised(SwitchState state) {
  return state == SwitchState::OpenEnergised || state == SwitchState::OpenPending ||
         state == SwitchState::ArmedEnergised;
}

}  // namespace ami::virtual_meter
