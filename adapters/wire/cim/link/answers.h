// What a head-end's answers mean for a command. Pure; the codes are data of the feed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/sdk/command.h"
#include "adapters/wire/http/answer.h"
#include "meter_model/observation/observation.h"

namespace ami::cim {

// Codes as sent. None is from the bought standard: all assumed.
struct AnswerRules {
  // Of Error/code. `refused`: nothing was done, and nothing will be.
  std::vector<std::string> no_such_meter, expired, no_answer, refused{};
  // Of EndDeviceEventType: where the switch stands after it moved, and that it did not move.
  std::vector<std::string> opened, closed, armed, not_moved;

  [[nodiscard]] bool is_of_switch(std::string_view code) const;
};

// What a result that came later says (sdk::AdapterFamily::verdict):
//   MeterReadings   Read, Ping and Backfill succeeded; the meter of a Ping has power
//   EndDeviceEvent  where the switch stands: Succeeded where that is what was asked for; Failed where it did
//                   not move; else Unknown, for head-ends tell how it stood, or Armed, before what was asked
//                   for. Armed is not closed
//   Error           Failed: "no_such_meter", "expired", "no_answer" by code, else "failed"; with level INFORM
//                   or WARNING it says nothing. A Ping that is told "no_answer" Succeeded: so much was asked
//   Reply           FAILED: Failed "rejected", so it is about all meters of the request (docs/commands.md);
//                   of a switch, which goes alone, the same as an Error of its code. OK and PARTIAL say
//                   nothing: also a request that was only taken is OK
// Of a switch, an Error is Failed only by a code of no_such_meter or refused, else Unknown: it may have
// moved.
// What says nothing is Unknown "unreadable_answer" with its words.
sdk::AttemptAnswer verdict_of(sdk::CommandKind kind, const ResultObservation& result,
                              const AnswerRules& rules);

// The answers of an attempt to the message that came on its own connection: `results` of read_incoming().
//   OK          each meter Waiting, Succeeded where its readings are there, Failed where an Error names it
//   PARTIAL     the same
//   FAILED      each meter Failed "rejected" (or as its own Error says)
//   SOAP Fault  Failed "rejected"; Unknown "failed" for a switch: the far side may have begun
//   without a Reply and without results of meters: Unknown "unreadable_answer"
// An Error that names no meter of the attempt is the meter's where there is but one; of several, each of
// which nothing else is said is Unknown.
std::vector<sdk::AttemptAnswer> answers_to(const sdk::Attempt& attempt,
                                           const std::vector<ResultObservation>& results,
                                           const AnswerRules& rules);

// All meters of an attempt alike.
std::vector<sdk::AttemptAnswer> alike(const sdk::Attempt& attempt, sdk::AttemptState state,
                                      std::string reason, std::string words);

// The answers to a failure that carries no message.
std::vector<sdk::AttemptAnswer> answers_to(const sdk::Attempt& attempt, const http::Failure& failure);

}  // namespace ami::cim
