#include "daemon/switching/rules/reason_class.h"

#include <algorithm>

namespace ami::daemon::switching {
namespace {

constexpr std::array<std::string_view, kReasonClasses> kNames{"EMERGENCY_SAFETY", "NON_PAYMENT",
                                                              "VACANT_MOVE_OUT",  "CUSTOMER_REQUEST",
                                                              "THEFT",            "TEST",
                                                              "RESTORE_WRONGFUL", "RECONNECT"};

}  // namespace

std::string_view name_of(ReasonClass reason) {
  return kNames.at(static_cast<std::size_t>(reason));
}

std::optional<ReasonClass> reason_class_from(std::string_view name) {
  const auto at = std::ranges::find(kNames, name);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<ReasonClass>(at - kNames.begin());
}

}  // namespace ami::daemon::switching
