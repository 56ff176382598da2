// What a head-end's words say of a command. Pure.
//
// The same word means one thing in a request and another in a report: Connect is an order, and in a
// CDStateChangedNotification what has come about. Armed is not closed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sdk/command.h"
#include "meter_model/observation/observation.h"

namespace ami::multispeak {

// Words of this head-end that no standard has. Assumed.
struct Vocabulary {
  std::vector<std::string> no_answer;     // in a fault: the meter did not answer; any case
  std::vector<std::string> demand_reset;  // code of a meter event
  std::vector<std::string> refusal{};     // in a fault: nothing was done and nothing will be; any case
};

// A fault ends a demand reset or a switch order as Failed only where its words are known to say that nothing
// was done: "timed out" may be said of a meter that was reset. So is a position other than the wanted one no
// end: head-ends report Armed, or how it stood before, ahead of what was asked for.
sdk::AttemptAnswer verdict_on(sdk::CommandKind kind, const ResultObservation& result,
                              const Vocabulary& vocabulary);

// What GetCDMeterState told at once: Closed is its default and proves nothing.
sdk::AttemptAnswer verdict_on_state(std::string_view word);

// Of a report, whichever of the synonyms it uses; nullopt = no position of a switch.
std::optional<sdk::SwitchPosition> position_of(std::string_view word);

// The fault says that the meter did not answer.
bool says_no_answer(std::string_view fault, const Vocabulary& vocabulary);

// Text from outside for an answer's words: at most 500 bytes, no control characters.
std::string as_words(std::string_view text);

// With its own offset only: a bare time needs a zone, and words of an answer are not worth guessing one.
std::optional<UtcInstant> instant_of(const StatedTime& time);

}  // namespace ami::multispeak
