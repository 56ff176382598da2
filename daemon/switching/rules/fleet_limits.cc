#include "daemon/switching/rules/fleet_limits.h"

#include <algorithm>

namespace ami::daemon::switching {
namespace {

using storage::LimitScope;
constexpr std::chrono::seconds kHour{3600}, kDay{86400};
constexpr std::int64_t kThreshold_w = 300'000'000;

}  // namespace

std::vector<storage::LimitChange> fleet_limits(std::int32_t utility, std::int64_t fleet) {
  // Beyond that nothing grows, and nothing overflows.
  const std::int64_t meters = std::clamp<std::int64_t>(fleet, 1, 1'000'000'000);
  const std::int64_t day = std::clamp<std::int64_t>(meters * 2 / 1000, 5, 200);
  const std::int64_t hour = std::clamp<std::int64_t>(day * 3 / 10, 2, 60);
  const std::int64_t person = std::clamp<std::int64_t>(day / 10, 2, 20);
  const std::int64_t place = std::clamp<std::int64_t>(hour / 2, 1, 5);
  // The way back is ten times as wide, twenty times a day.
  const std::pair<storage::LimitKey, std::int64_t> limits[] = {
      {{true, "*", LimitScope::All, kHour}, hour},
      {{true, "*", LimitScope::All, kDay}, day},
      {{true, "*", LimitScope::Person, kDay}, person},
      {{true, "*", LimitScope::Feeder, kHour}, place},
      {{true, "*", LimitScope::Transformer, kHour}, place},
      {{true, "EMERGENCY_SAFETY", LimitScope::All, kHour}, std::clamp<std::int64_t>(hour / 3, 2, 20)},
      {{true, "EMERGENCY_SAFETY", LimitScope::All, kDay}, std::clamp<std::int64_t>(day * 3 / 10, 5, 60)},
      {{true, "EMERGENCY_SAFETY", LimitScope::Person, kHour}, std::clamp<std::int64_t>(hour / 6, 2, 10)},
      {{false, "*", LimitScope::All, kHour}, hour * 10},
      {{false, "*", LimitScope::All, kDay}, day * 20},
      {{false, "*", LimitScope::Feeder, kHour}, std::clamp<std::int64_t>(hour, 10, 60)},
      {{false, "*", LimitScope::Transformer, kHour}, std::clamp<std::int64_t>(hour / 3, 5, 20)},
  };
  std::vector<storage::LimitChange> out;
  for (const auto& [key, ceiling] : limits) {
    storage::LimitChange change;
    change.utility = utility;
    change.key = key;
    change.ceiling = ceiling;
    out.push_back(std::move(change));
  }
  return out;
}

std::optional<std::int64_t> meters_of_300_mw(std::int64_t fleet, std::int64_t load_w) {
  if (load_w <= 0) return std::nullopt;
  const std::int64_t meters = (kThreshold_w + load_w - 1) / load_w;
  return meters <= fleet ? std::optional(meters) : std::nullopt;
}

}  // namespace ami::daemon::switching
