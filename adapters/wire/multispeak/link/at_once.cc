#include "adapters/wire/multispeak/link/at_once.h"

#include <algorithm>
#include <array>

#include "adapters/wire/http/setback.h"

namespace ami::multispeak {
namespace {

using sdk::AttemptAnswer;
using sdk::AttemptState;

AttemptAnswer unknown_answer(std::string reason, std::string words) {
  AttemptAnswer answer;
  answer.reason = std::move(reason);
  answer.words = std::move(words);
  return answer;
}

// Codes that say that the message was not looked at, besides those that blame the sender.
bool was_not_processed(const SoapFault& fault) {
  constexpr std::array<std::string_view, 3> kUnread = {"VersionMismatch", "MustUnderstand",
                                                       "DataEncodingUnknown"};
  return fault.blame == SoapFault::Blame::Sender || std::ranges::find(kUnread, fault.code) != kUnread.end();
}

AttemptAnswer on_fault(const SoapFault& fault, Effect effect) {
  const std::string words = as_words(fault.reason + (fault.detail.empty() ? "" : ": " + fault.detail));
  // Else the head-end broke off, and before or behind which step it does not say.
  return after(effect, was_not_processed(fault) ? sdk::Setback::Refused : sdk::Setback::BrokeOff, words);
}

std::string words_of(const Rejection& rejection) {
  std::string words = rejection.error.empty() ? rejection.text : rejection.error;
  if (words.empty()) words = "rejected without words";
  return as_words(words);
}

}  // namespace

AttemptAnswer failed_answer(std::string reason, std::string words) {
  AttemptAnswer answer;
  answer.state = AttemptState::Failed;
  answer.reason = std::move(reason);
  answer.words = std::move(words);
  return answer;
}

std::optional<AttemptAnswer> without_answer(const Heard& heard, Effect effect) {
  if (heard.failure)
    return after(effect, http::setback_of(*heard.failure), as_words(heard.failure->error.message));
  if (!heard.response) return after(effect, sdk::Setback::Unreadable, as_words(heard.unreadable));
  if (heard.response->fault) return on_fault(*heard.response->fault, effect);
  return std::nullopt;
}

std::vector<AttemptAnswer> accepted_or_rejected(const Heard& heard, const Order& order,
                                                const std::vector<std::string>& meters) {
  if (const auto none = without_answer(heard, order.effect))
    return std::vector<AttemptAnswer>(meters.size(), *none);
  AttemptAnswer waiting;
  waiting.state = AttemptState::Waiting;
  std::vector<AttemptAnswer> answers(meters.size(), waiting);
  std::string whole, stray;  // words of rejections that name nobody, or somebody else
  for (const Rejection& rejection : heard.response->content.rejections) {
    const auto at = std::ranges::find(meters, rejection.object_id);
    if (at != meters.end()) {
      answers[static_cast<std::size_t>(at - meters.begin())] = failed_answer("rejected", words_of(rejection));
    } else if (rejection.object_id.empty() || meters.size() == 1) {
      whole = words_of(rejection);
    } else {
      stray = words_of(rejection);
    }
  }
  for (AttemptAnswer& answer : answers) {
    if (answer.state != AttemptState::Waiting) continue;
    if (!whole.empty()) {
      answer = failed_answer("rejected", whole);
    } else if (!stray.empty()) {
      answer = unknown_answer("rejected", "one was rejected by another name than was asked for: " + stray);
    }
  }
  return answers;
}

AttemptAnswer state_told(const Heard& heard) {
  if (const auto none = without_answer(heard, Effect::Question)) return *none;
  return verdict_on_state(heard.response->content.switch_state);
}

AttemptAnswer latest_read(const Heard& heard, const std::string& meter, bool by_number,
                          const Vocabulary& vocabulary) {
  if (const auto none = without_answer(heard, Effect::Question)) return *none;
  const DecodedBatch& batch = heard.response->reports.batch;
  for (const ResultObservation& result : batch.results) {
    if (!result.fault.empty()) return verdict_on(sdk::CommandKind::Read, result, vocabulary);
  }
  if (batch.observations.empty()) {
    if (batch.malformed.empty()) return failed_answer("failed", "the head-end has no reading of it");
    return failed_answer("unreadable_answer", as_words(batch.malformed.front().detail));
  }
  AttemptAnswer answer;
  answer.state = AttemptState::Succeeded;
  for (const Observation& said : batch.observations) {
    const auto* series = std::get_if<SeriesObservation>(&said);
    if (series == nullptr) continue;
    if (by_number && series->meter != meter)
      return failed_answer("unreadable_answer",
                           "it answered about another meter: " + as_words(series->meter));
    for (const SeriesValue& value : series->values) {
      const auto at = instant_of(value.time);
      if (at && (!answer.at || *answer.at < *at)) answer.at = at;
    }
  }
  return answer;
}

}  // namespace ami::multispeak
