#include "storage/contract/safety_holds.h"

#include <algorithm>
#include <array>

namespace ami::storage {
namespace {

constexpr std::array<std::string_view, 4> kScopes{"METER", "USAGE_POINT", "TRANSFORMER", "FEEDER"};
constexpr std::array<std::string_view, 3> kEffects{"NO_OPEN", "NO_CLOSE", "NO_COMMAND"};

template <class Enum, std::size_t N>
std::optional<Enum> find(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) return std::nullopt;
  return static_cast<Enum>(at - names.begin());
}

}  // namespace

std::string_view name_of(HoldScope scope) {
  return kScopes.at(static_cast<std::size_t>(scope));
}
std::string_view name_of(HoldEffect effect) {
  return kEffects.at(static_cast<std::size_t>(effect));
}
std::optional<HoldScope> hold_scope_from(std::string_view name) {
  return find<HoldScope>(kScopes, name);
}
std::optional<HoldEffect> hold_effect_from(std::string_view name) {
  return find<HoldEffect>(kEffects, name);
}

bool stops(HoldEffect effect, SwitchAction action) {
  switch (effect) {
    case HoldEffect::NoOpen:
      return action == SwitchAction::Open;
    case HoldEffect::NoClose:
      return action != SwitchAction::Open;
    case HoldEffect::NoCommand:
      return true;
  }
  return true;
}

}  // namespace ami::storage
