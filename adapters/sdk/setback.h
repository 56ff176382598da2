// What may be said of a command that did not plainly succeed: one table for all interfaces, so that the same
// silence does not mean "free to try again" on one wire and "may have happened" on another.
//
// The rule behind it: a change of a meter is Failed only where it surely was not carried out and will not be.
// Everything else that happens once it may have left is Unknown: an operator who is told FAILED gives the
// order again, and a second demand reset destroys the maximum that is billed.
#pragma once

#include <cstdint>
#include <string>

#include "adapters/sdk/command.h"

namespace ami::sdk {

// What it means when nothing that can be read comes back.
enum class Effect : std::uint8_t {
  Question,    // answered at once or never; nothing has changed
  Commission,  // the meter may have been asked, and its answer may yet come; nothing has changed
  Change,      // may have been carried out
};
// Change of demand resets and orders to the switch, else Commission: which of these are answered at once, the
// interface knows.
Effect effect_of(CommandKind kind);

enum class Setback : std::uint8_t {
  // Of the request:
  NotSent,      // nothing left, on our own account
  Unreachable,  // nothing left: the far side is not to be reached
  Busy,         // it left; the far side says that it took nothing on, and to come back
  Refused,      // it left, was understood and turned down
  BrokeOff,     // the far side broke off, and how far it came it does not say
  Silent,       // it may have left, and no complete answer came
  Unreadable,   // an answer came that nobody can read
  // Of what is reported of the meter:
  NoSuchMeter,
  Declined,      // in words that are known to say that nothing was done
  NotDone,       // in any other words of failure
  MeterSilent,   // the meter did not answer
  Dropped,       // the far side let it expire
  Contradicted,  // another state than was asked for, or two statements that do not go together
};

// State and reason by the table; position, power and time are the caller's to add.
AttemptAnswer after(Effect effect, Setback setback, std::string words);

}  // namespace ami::sdk
