// Why a switch is operated. Each rule of config/switching names the classes that it binds.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

namespace ami::daemon::switching {

enum class ReasonClass : std::uint8_t {
  EmergencySafety,  // fire, flood, a wire that is down: somebody's life
  NonPayment,
  VacantMoveOut,
  CustomerRequest,
  Theft,
  Test,
  RestoreWrongful,  // it should not have been opened
  Reconnect,
};
inline constexpr std::size_t kReasonClasses = 8;

using ReasonClasses = std::set<ReasonClass>;

std::string_view name_of(ReasonClass reason);  // "EMERGENCY_SAFETY"
std::optional<ReasonClass> reason_class_from(std::string_view name);

// Never stopped by a moratorium, weather, a list or data that are missing: what saves a life, and the way back.
constexpr bool free_of_protection(ReasonClass reason) noexcept {
  return reason == ReasonClass::EmergencySafety || reason == ReasonClass::RestoreWrongful ||
         reason == ReasonClass::Reconnect;
}
// Where what protects a customer is missing or stale, these are refused, whatever the data say.
constexpr bool always_fails_closed(ReasonClass reason) noexcept {
  return reason == ReasonClass::NonPayment || reason == ReasonClass::VacantMoveOut;
}

}  // namespace ami::daemon::switching
