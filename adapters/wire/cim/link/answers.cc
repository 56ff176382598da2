#include "adapters/wire/cim/link/answers.h"

#include <algorithm>
#include <utility>

#include "adapters/sdk/setback.h"
#include "adapters/wire/cim/link/incoming.h"
#include "adapters/wire/cim/link/requests.h"
#include "adapters/wire/http/setback.h"

namespace ami::cim {
namespace {

using sdk::AttemptAnswer;
using sdk::AttemptState;
using sdk::CommandKind;
using sdk::Setback;
using sdk::SwitchPosition;

constexpr std::size_t kLongestWords = 200;  // of each part

bool holds(const std::vector<std::string>& codes, std::string_view code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

AttemptAnswer answer(AttemptState state, std::string reason, std::string words) {
  AttemptAnswer out;
  out.state = state;
  out.reason = std::move(reason);
  out.words = std::move(words);
  return out;
}
AttemptAnswer says_nothing(std::string words) {
  return answer(AttemptState::Unknown, "unreadable_answer", std::move(words));
}

// "2.4: no such meter": printable, of bounded length.
std::string words_of(std::string_view code, std::string_view text) {
  std::string out;
  for (const std::string_view part : {code, text}) {
    if (part.empty()) continue;
    if (!out.empty()) out += ": ";
    std::size_t end = std::min(part.size(), kLongestWords);
    // Not in the middle of a character.
    while (end < part.size() && end > 0 && (static_cast<unsigned char>(part[end]) & 0xC0U) == 0x80U) --end;
    for (const char c : part.substr(0, end))
      out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  }
  return out;
}

// What an error of that code says of a request that was taken.
Setback setback_of(std::string_view code, const AnswerRules& rules) {
  return holds(rules.no_such_meter, code) ? Setback::NoSuchMeter
         : holds(rules.refused, code)     ? Setback::Declined
         : holds(rules.expired, code)     ? Setback::Dropped
         : holds(rules.no_answer, code)   ? Setback::MeterSilent
                                          : Setback::NotDone;
}

AttemptAnswer error_verdict(CommandKind kind, const ResultObservation& result, const AnswerRules& rules) {
  std::string words = words_of(result.word, result.fault);
  // Levels of IEC 61968-100: INFORM, WARNING, FATAL, CATASTROPHIC (assumed).
  if (result.channel == "INFORM" || result.channel == "WARNING") return says_nothing(std::move(words));
  AttemptAnswer out = after(effect_of(kind), setback_of(result.word, rules), std::move(words));
  // Whether the meter answers was asked: that it does not is an answer.
  if (kind == CommandKind::Ping && out.reason == "no_answer") {
    out = answer(AttemptState::Succeeded, {}, out.words);
    out.power = sdk::PowerState::NoAnswer;
  }
  return out;
}

AttemptAnswer state_verdict(CommandKind kind, const ResultObservation& result, const AnswerRules& rules) {
  AttemptAnswer out;
  if (result.time.present() && result.time.utc_offset)
    out.at = UtcInstant((result.time.civil - *result.time.utc_offset).time_since_epoch());
  out.words = words_of(result.word, {});
  if (!moves_switch(kind) || !rules.is_of_switch(result.word)) {
    out.reason = "unreadable_answer";
    return out;
  }
  out.position = holds(rules.opened, result.word)   ? SwitchPosition::Open
                 : holds(rules.closed, result.word) ? SwitchPosition::Closed
                 : holds(rules.armed, result.word)  ? SwitchPosition::Armed
                                                    : SwitchPosition::Unknown;
  const SwitchPosition wanted = kind == CommandKind::SwitchOpen    ? SwitchPosition::Open
                                : kind == CommandKind::SwitchClose ? SwitchPosition::Closed
                                                                   : SwitchPosition::Armed;
  if (out.position == SwitchPosition::Armed)
    out.words += ": not closed, the customer has to press the button";
  if (out.position == wanted) {
    out.state = AttemptState::Succeeded;
    return out;
  }
  const bool not_moved = out.position == SwitchPosition::Unknown;
  const AttemptAnswer said =
      after(effect_of(kind), not_moved ? Setback::Declined : Setback::Contradicted, {});
  out.state = said.state;
  out.reason = said.reason;
  return out;
}

}  // namespace

bool AnswerRules::is_of_switch(std::string_view code) const {
  return holds(opened, code) || holds(closed, code) || holds(armed, code) || holds(not_moved, code);
}

AttemptAnswer verdict_of(CommandKind kind, const ResultObservation& result, const AnswerRules& rules) {
  if (result.measure == kReadMeasure) {
    if (kind != CommandKind::Read && kind != CommandKind::Ping && kind != CommandKind::Backfill)
      return says_nothing("readings came, which do not say what became of it");
    AttemptAnswer out = answer(AttemptState::Succeeded, {}, {});
    if (kind == CommandKind::Ping) out.power = sdk::PowerState::Powered;
    return out;
  }
  if (result.measure == kStateMeasure) return state_verdict(kind, result, rules);
  if (result.measure == "Error") return error_verdict(kind, result, rules);
  if (result.measure == "Reply" && result.word == "FAILED") {
    const std::string words = words_of(result.channel, result.fault);
    // A switch may have been on its way before the reply: not even that it failed is sure.
    if (moves_switch(kind))
      return after(effect_of(kind), setback_of(result.channel, rules), words.empty() ? "FAILED" : words);
    return answer(AttemptState::Failed, "rejected", words.empty() ? "FAILED" : words);
  }
  return says_nothing(words_of(result.word, result.fault));
}

std::vector<AttemptAnswer> alike(const sdk::Attempt& attempt, AttemptState state, std::string reason,
                                 std::string words) {
  return std::vector<AttemptAnswer>(attempt.meters.size(),
                                    answer(state, std::move(reason), std::move(words)));
}

std::vector<AttemptAnswer> answers_to(const sdk::Attempt& attempt,
                                      const std::vector<ResultObservation>& results,
                                      const AnswerRules& rules) {
  bool of_meters = false;
  std::vector<AttemptAnswer> answers = alike(attempt, AttemptState::Waiting, {}, {});
  for (const ResultObservation& result : results) {
    if (result.measure == "Fault") {
      // A fault does not say whether the far side had begun. Of a read that is all the same.
      const bool moves = moves_switch(attempt.kind);
      return alike(attempt, moves ? AttemptState::Unknown : AttemptState::Failed,
                   moves ? "failed" : "rejected", words_of({}, result.fault));
    }
    if (result.measure != "Reply") {
      of_meters = true;
      continue;
    }
    if (result.word == "FAILED") {
      const std::string words = words_of(result.channel, result.fault);
      answers = alike(attempt, AttemptState::Failed, "rejected", words.empty() ? "FAILED" : words);
    } else if (result.word != "OK" && result.word != "PARTIAL") {
      answers =
          alike(attempt, AttemptState::Unknown, "unreadable_answer", words_of(result.word, result.fault));
    }
  }
  if (results.empty() || (!of_meters && results.front().measure != "Reply"))
    return alike(attempt, AttemptState::Unknown, "unreadable_answer", "the answer holds no reply");
  std::string stray;  // words of an error that names somebody else
  for (const ResultObservation& result : results) {
    if (result.meter.empty()) continue;
    AttemptAnswer said = verdict_of(attempt.kind, result, rules);
    if (said.reason == "unreadable_answer") continue;  // says nothing: what the Reply said stands
    const bool error = result.measure == "Error";
    // With the answer to the request itself, an error of no other meaning turns it down.
    if (error && said.reason == "failed")
      said = after(effect_of(attempt.kind), Setback::Refused, std::move(said.words));
    auto found = std::find(attempt.meters.begin(), attempt.meters.end(), result.meter);
    if (error && found == attempt.meters.end() && attempt.meters.size() == 1) found = attempt.meters.begin();
    if (found != attempt.meters.end()) {
      answers[static_cast<std::size_t>(found - attempt.meters.begin())] = std::move(said);
    } else if (error) {
      stray = said.words;
    }
  }
  for (AttemptAnswer& one : answers) {
    if (stray.empty() || one.state != AttemptState::Waiting) continue;
    one = answer(AttemptState::Unknown, "rejected",
                 "one was refused by another name than was asked for: " + stray);
  }
  return answers;
}

std::vector<AttemptAnswer> answers_to(const sdk::Attempt& attempt, const http::Failure& failure) {
  const AttemptAnswer one = after(effect_of(attempt.kind), http::setback_of(failure), failure.error.message);
  return std::vector<AttemptAnswer>(attempt.meters.size(), one);
}

}  // namespace ami::cim
