#include "adapters/wire/multispeak/link/verdicts.h"

#include <algorithm>
#include <cctype>

#include "adapters/sdk/setback.h"

namespace ami::multispeak {
namespace {

using sdk::AttemptAnswer;
using sdk::AttemptState;
using sdk::CommandKind;
using sdk::PowerState;
using sdk::Setback;
using sdk::SwitchPosition;

struct PositionWord {
  std::string_view word;
  SwitchPosition position;
};
// loadActionCode and RCDState; in a report each is what has come about.
constexpr PositionWord kPositions[] = {
    {"Disconnect", SwitchPosition::Open}, {"Open", SwitchPosition::Open},
    {"Opened", SwitchPosition::Open},     {"Connect", SwitchPosition::Closed},
    {"Close", SwitchPosition::Closed},    {"Closed", SwitchPosition::Closed},
    {"Arm", SwitchPosition::Armed},       {"Armed", SwitchPosition::Armed},
};
// Words of a state report that are none of these three, and are to be had in answer to a question.
constexpr std::string_view kOtherStates[] = {"Unknown", "InTransition", "Enabled", "Disabled",
                                             "PowerLimitation"};

struct PowerWord {
  std::string_view word;
  PowerState power;
  std::string_view says;  // added to the word
};
constexpr PowerWord kPowers[] = {
    {"PowerOn", PowerState::Powered, ""},
    {"Restoration", PowerState::Powered, ""},
    {"Instantaneous", PowerState::Powered, ": a moment without power, which is over"},
    {"Outage", PowerState::NoAnswer, ": no power"},
    {"PowerOff", PowerState::NoAnswer, ": no power"},
    {"NoResponse", PowerState::NoAnswer, ": the meter did not answer, which is no outage yet"},
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

AttemptAnswer answer(AttemptState state, std::string reason, std::string words) {
  AttemptAnswer out;
  out.state = state;
  out.reason = std::move(reason);
  out.words = std::move(words);
  return out;
}

bool says(std::string_view fault, const std::vector<std::string>& words_for_it) {
  const std::string said = lower(fault);
  return std::ranges::any_of(words_for_it, [&](const std::string& words) {
    return !words.empty() && said.find(lower(words)) != std::string::npos;
  });
}

AttemptAnswer failed(CommandKind kind, const ResultObservation& result, const Vocabulary& vocabulary) {
  // "Request rejected: no answer" leaves it open: so the doubtful word counts more.
  const Setback setback = says_no_answer(result.fault, vocabulary) ? Setback::MeterSilent
                          : says(result.fault, vocabulary.refusal) ? Setback::Declined
                                                                   : Setback::NotDone;
  return after(effect_of(kind), setback, as_words(result.fault));
}

AttemptAnswer inconclusive(std::string words) {
  return answer(AttemptState::Unknown, "unreadable_answer", std::move(words));
}

AttemptAnswer on_read(const ResultObservation& result, const Vocabulary& vocabulary) {
  if (!result.fault.empty()) return failed(CommandKind::Read, result, vocabulary);
  return answer(AttemptState::Succeeded, "", "");
}

// An outage report without its word is none.
bool is_read(const ResultObservation& result) {
  return result.measure == "ReadingChangedNotification" || result.measure == "IntervalDataNotification" ||
         result.measure == "FormattedBlockNotification";
}

AttemptAnswer on_ping(const ResultObservation& result, const Vocabulary& vocabulary) {
  if (!result.fault.empty()) {
    AttemptAnswer out = failed(CommandKind::Ping, result, vocabulary);
    // Whether the meter answers was asked: that it does not is an answer.
    if (out.reason == "no_answer") {
      out = answer(AttemptState::Succeeded, "", out.words);
      out.power = PowerState::NoAnswer;
    }
    return out;
  }
  if (result.word.empty() && is_read(result)) {  // it came back, so there is power
    AttemptAnswer out = answer(AttemptState::Succeeded, "", "");
    out.power = PowerState::Powered;
    return out;
  }
  const auto known = std::ranges::find(kPowers, result.word, &PowerWord::word);
  if (known == std::end(kPowers)) return inconclusive(as_words(result.word));
  AttemptAnswer out = answer(AttemptState::Succeeded, "", as_words(result.word) + std::string(known->says));
  out.power = known->power;
  return out;
}

bool is_change(const ResultObservation& result) {
  return result.measure.starts_with("CDStateChanged") || result.measure.starts_with("CDStatesChanged");
}

// What a report says of the switch; words say why when it says nothing.
struct Report {
  std::optional<SwitchPosition> position;
  std::string words;
};
Report report_of(const ResultObservation& result) {
  Report report{position_of(result.word), as_words(result.word)};
  if (!is_change(result) && report.position == SwitchPosition::Closed && !result.time.present()) {
    report.position = SwitchPosition::Unknown;
    report.words += ": a state without a time may be the head-end's default, and proves nothing";
  }
  if (report.position == SwitchPosition::Armed)
    report.words += ": not closed, the customer has to press the button";
  return report;
}

AttemptAnswer on_state(const ResultObservation& result, const Vocabulary& vocabulary) {
  if (!result.fault.empty()) return failed(CommandKind::SwitchState, result, vocabulary);
  const Report report = report_of(result);
  const bool other = std::ranges::find(kOtherStates, result.word) != std::end(kOtherStates);
  if (!report.position && !other) return inconclusive(report.words);
  AttemptAnswer out = answer(AttemptState::Succeeded, "", report.words);
  out.position = report.position.value_or(SwitchPosition::Unknown);
  return out;
}

AttemptAnswer on_order(CommandKind kind, SwitchPosition wanted, const ResultObservation& result,
                       const Vocabulary& vocabulary) {
  if (!result.fault.empty()) return failed(kind, result, vocabulary);
  const Report report = report_of(result);
  const SwitchPosition position = report.position.value_or(SwitchPosition::Unknown);
  if (position == SwitchPosition::Unknown) return inconclusive(report.words);
  AttemptAnswer out = position == wanted ? answer(AttemptState::Succeeded, "", report.words)
                                         : after(effect_of(kind), Setback::Contradicted, report.words);
  out.position = position;
  return out;
}

AttemptAnswer on_reset(const ResultObservation& result, const Vocabulary& vocabulary) {
  if (!result.fault.empty()) return failed(CommandKind::DemandReset, result, vocabulary);
  const bool event = result.measure == "MeterEventNotification";
  if (event && std::ranges::find(vocabulary.demand_reset, result.word) != vocabulary.demand_reset.end())
    return answer(AttemptState::Succeeded, "", as_words(result.word));
  return answer(AttemptState::Waiting, "", as_words(result.word));
}

}  // namespace

AttemptAnswer verdict_on(CommandKind kind, const ResultObservation& result, const Vocabulary& vocabulary) {
  AttemptAnswer out;
  switch (kind) {
    case CommandKind::Read:
    case CommandKind::Backfill:
      out = on_read(result, vocabulary);
      break;
    case CommandKind::Ping:
      out = on_ping(result, vocabulary);
      break;
    case CommandKind::DemandReset:
      out = on_reset(result, vocabulary);
      break;
    case CommandKind::SwitchState:
      out = on_state(result, vocabulary);
      break;
    case CommandKind::SwitchOpen:
      out = on_order(kind, SwitchPosition::Open, result, vocabulary);
      break;
    case CommandKind::SwitchClose:
      out = on_order(kind, SwitchPosition::Closed, result, vocabulary);
      break;
    case CommandKind::SwitchArm:
      out = on_order(kind, SwitchPosition::Armed, result, vocabulary);
      break;
  }
  out.at = instant_of(result.time);
  return out;
}

AttemptAnswer verdict_on_state(std::string_view word) {
  ResultObservation said;
  said.measure = "GetCDMeterState";
  said.word = word;
  if (word.empty()) return answer(AttemptState::Failed, "failed", "the head-end names no state");
  return on_state(said, {});
}

std::optional<SwitchPosition> position_of(std::string_view word) {
  const auto known = std::ranges::find(kPositions, word, &PositionWord::word);
  if (known == std::end(kPositions)) return std::nullopt;
  return known->position;
}

bool says_no_answer(std::string_view fault, const Vocabulary& vocabulary) {
  return says(fault, vocabulary.no_answer);
}

std::string as_words(std::string_view text) {
  std::size_t end = std::min<std::size_t>(text.size(), 500);
  // Not in the middle of a character.
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  std::string out(text.substr(0, end));
  std::ranges::replace_if(
      out, [](unsigned char c) { return c < ' ' || c == 0x7F; }, '?');
  return out;
}

std::optional<UtcInstant> instant_of(const StatedTime& time) {
  if (!time.present() || !time.utc_offset) return std::nullopt;
  return UtcInstant{time.civil.time_since_epoch()} - *time.utc_offset;
}

}  // namespace ami::multispeak
