#include "storage/contract/switch_findings.h"

#include <array>

namespace ami::storage {
namespace {

constexpr std::array<std::string_view, 3> kKinds{"POSITION", "ENERGY_WHILE_OPEN", "NOT_ASKED"};

}  // namespace

std::string_view name_of(SwitchFindingKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind));
}

std::optional<SwitchFindingKind> switch_finding_kind_from(std::string_view name) {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i] == name) return static_cast<SwitchFindingKind>(i);
  }
  return std::nullopt;
}

}  // namespace ami::storage
