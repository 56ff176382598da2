// What a message says of readings, events and commands, whichever way it came: posted, as an answer on our
// own connection, or as a dropped file. Pure.
#pragma once

#include <string>
#include <string_view>

#include "adapters/wire/cim/codec/cim.h"
#include "adapters/wire/cim/link/answers.h"
#include "meter_model/result.h"

namespace ami::cim {

// Beside the codec's own "Reply", "Error" and "Fault", for a message with a CorrelationID:
inline constexpr const char* kReadMeasure = "MeterReadings";  // of each meter that has readings in it
inline constexpr const char* kStateMeasure =
    "EndDeviceEvent";  // of each event with a code of the switch: word

// decode() with those results. A Reply of OK or PARTIAL beside results of meters is left out: it says no
// more. A correlation that cannot be ours (beyond 32 of [A-Za-z0-9-]) makes no results of readings and
// events: a far side numbers what it publishes, too. Registers that were never set are counted as skipped.
//   asked  the transaction that the message answers on the same connection; one that names none gets it
Result<Decoded> read_incoming(std::string_view message, const Options& options, const AnswerRules& rules,
                              std::string_view asked = {});

// The same for a journal or a replay: what cannot be read is one malformed record, "unreadable_message".
DecodedBatch read_or_quarantine(std::string_view message, const Options& options, const AnswerRules& rules);

// A message as it may be kept: without SOAP header, and without user, properties and reply address of its own
// header.
struct Opened {
  Message message;  // its envelope alone
  std::string kept;
  bool tells = false;  // there is a Reply or a payload, and it is no order to us
};
Result<Opened> open_message(std::string_view bytes, const xml::TreeLimits& limits);

}  // namespace ami::cim
