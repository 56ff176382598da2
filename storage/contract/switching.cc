#include "storage/contract/switching.h"

#include <algorithm>
#include <array>

namespace ami::storage {
namespace {

constexpr std::array<std::string_view, 3> kActions{"OPEN", "CLOSE", "ARM"};
constexpr std::array<std::string_view, kSwitchStates> kStates{
    "REQUESTED", "POLICY_CHECKED", "AUTHORISED",      "QUEUED",         "SENT",     "ACKNOWLEDGED",
    "VERIFYING", "VERIFIED_OPEN",  "VERIFIED_CLOSED", "VERIFIED_ARMED", "REJECTED", "CANCELLED",
    "EXPIRED",   "FAILED",         "UNCERTAIN",       "CONTRADICTED"};

template <class Enum, std::size_t N>
std::optional<Enum> find(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) return std::nullopt;
  return static_cast<Enum>(at - names.begin());
}

}  // namespace

std::string_view name_of(SwitchAction action) {
  return kActions.at(static_cast<std::size_t>(action));
}
std::string_view name_of(SwitchState state) {
  return kStates.at(static_cast<std::size_t>(state));
}
std::optional<SwitchAction> switch_action_from(std::string_view name) {
  return find<SwitchAction>(kActions, name);
}
std::optional<SwitchState> switch_state_from(std::string_view name) {
  return find<SwitchState>(kStates, name);
}

bool unresolved(const SwitchOperation& operation) {
  return operation.state == SwitchState::Uncertain || operation.state == SwitchState::Contradicted;
}

}  // namespace ami::storage
