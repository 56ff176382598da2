#include "adapters/sdk/setback.h"

#include <utility>

namespace ami::sdk {
namespace {

struct Row {
  const char* reason;
  AttemptState question, commission, change;
  const char* reason_of_change = nullptr;  // where it is another
};

Row row_of(Setback setback) {
  constexpr AttemptState kFailed = AttemptState::Failed, kUnknown = AttemptState::Unknown;
  switch (setback) {
    case Setback::NotSent:
      return {"not_sent", kFailed, kFailed, kFailed};
    case Setback::Unreachable:
      return {"unreachable", kFailed, kFailed, kFailed};
    case Setback::Busy:
      // "unreachable" is brought again by itself. What changes a meter is not.
      return {"unreachable", kFailed, kFailed, kFailed, "rejected"};
    case Setback::Refused:
      return {"rejected", kFailed, kFailed, kFailed};
    case Setback::BrokeOff:
      return {"failed", kFailed, kUnknown, kUnknown};
    case Setback::Silent:
      return {"no_answer", kFailed, kUnknown, kUnknown};
    case Setback::Unreadable:
      return {"unreadable_answer", kFailed, kUnknown, kUnknown};
    case Setback::NoSuchMeter:
      return {"no_such_meter", kFailed, kFailed, kFailed};
    case Setback::Declined:
      return {"failed", kFailed, kFailed, kFailed};
    case Setback::NotDone:
      return {"failed", kFailed, kFailed, kUnknown};
    case Setback::MeterSilent:
      return {"no_answer", kFailed, kFailed, kUnknown};
    case Setback::Dropped:
      return {"expired", kFailed, kFailed, kUnknown};
    case Setback::Contradicted:
      return {"failed", kUnknown, kUnknown, kUnknown};
  }
  return {"unreadable_answer", kUnknown, kUnknown, kUnknown};
}

}  // namespace

Effect effect_of(CommandKind kind) {
  switch (kind) {
    case CommandKind::DemandReset:
    case CommandKind::SwitchOpen:
    case CommandKind::SwitchClose:
    case CommandKind::SwitchArm:
      return Effect::Change;
    case CommandKind::Read:
    case CommandKind::Ping:
    case CommandKind::Backfill:
    case CommandKind::SwitchState:
      break;
  }
  return Effect::Commission;
}

AttemptAnswer after(Effect effect, Setback setback, std::string words) {
  const Row row = row_of(setback);
  AttemptAnswer answer;
  answer.state = effect == Effect::Question     ? row.question
                 : effect == Effect::Commission ? row.commission
                                                : row.change;
  answer.reason =
      effect == Effect::Change && row.reason_of_change != nullptr ? row.reason_of_change : row.reason;
  answer.words = std::move(words);
  return answer;
}

}  // namespace ami::sdk
