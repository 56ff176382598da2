#include "storage/contract/switch_limits.h"

#include <algorithm>
#include <array>

namespace ami::storage {
namespace {

constexpr std::array<std::string_view, 4> kScopes{"ALL", "PERSON", "FEEDER", "TRANSFORMER"};
constexpr std::array<std::string_view, 2> kStops{"OPENS", "ALL"};

}  // namespace

std::string_view name_of(LimitScope scope) {
  return kScopes.at(static_cast<std::size_t>(scope));
}
std::optional<LimitScope> limit_scope_from(std::string_view name) {
  const auto at = std::ranges::find(kScopes, name);
  if (at == kScopes.end()) return std::nullopt;
  return static_cast<LimitScope>(at - kScopes.begin());
}
std::string_view name_of(StopScope scope) {
  return kStops.at(static_cast<std::size_t>(scope));
}
std::optional<StopScope> stop_scope_from(std::string_view name) {
  const auto at = std::ranges::find(kStops, name);
  if (at == kStops.end()) return std::nullopt;
  return static_cast<StopScope>(at - kStops.begin());
}

std::string counted_person(const SwitchAsked& asked) {
  return asked.automatic && !asked.on_behalf_of.empty() ? asked.on_behalf_of : asked.caller;
}

}  // namespace ami::storage
