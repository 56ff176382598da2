#include "adapters/sdk/command.h"

#include "adapters/sdk/adapter.h"
#include "adapters/sdk/registration.h"

namespace ami::sdk {

std::string_view name_of(CommandKind kind) {
  switch (kind) {
    case CommandKind::Read:
      return "read";
    case CommandKind::Ping:
      return "ping";
    case CommandKind::DemandReset:
      return "demand_reset";
    case CommandKind::Backfill:
      return "backfill";
    case CommandKind::SwitchState:
      return "switch_state";
    case CommandKind::SwitchOpen:
      return "switch_open";
    case CommandKind::SwitchClose:
      return "switch_close";
    case CommandKind::SwitchArm:
      return "switch_arm";
  }
  return "unknown";
}

std::string_view name_of(AttemptState state) {
  switch (state) {
    case AttemptState::Waiting:
      return "WAITING";
    case AttemptState::Succeeded:
      return "SUCCEEDED";
    case AttemptState::Failed:
      return "FAILED";
    case AttemptState::Unknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

std::string_view name_of(SwitchPosition position) {
  switch (position) {
    case SwitchPosition::Unknown:
      return "UNKNOWN";
    case SwitchPosition::Open:
      return "OPEN";
    case SwitchPosition::Armed:
      return "ARMED";
    case SwitchPosition::Closed:
      return "CLOSED";
  }
  return "UNKNOWN";
}

std::string_view name_of(PowerState state) {
  switch (state) {
    case PowerState::Unknown:
      return "UNKNOWN";
    case PowerState::Powered:
      return "POWERED";
    case PowerState::NoAnswer:
      return "NO_ANSWER";
  }
  return "UNKNOWN";
}

Awaitable<std::vector<AttemptAnswer>> Adapter::attempt(Attempt attempt) {
  AttemptAnswer refusal;
  refusal.state = AttemptState::Failed;
  refusal.reason = "not_stated";
  refusal.words = "the interface states no " + std::string(name_of(attempt.kind));
  co_return std::vector<AttemptAnswer>(attempt.meters.size(), refusal);
}

AttemptAnswer AdapterFamily::verdict(const Settings&, CommandKind, const ResultObservation& result) const {
  AttemptAnswer unread;
  unread.reason = "unreadable_answer";
  unread.words = std::string(result.fault.empty() ? result.word : result.fault);
  return unread;
}

}  // namespace ami::sdk
