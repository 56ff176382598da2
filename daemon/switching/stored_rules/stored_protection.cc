#include "daemon/switching/stored_rules/stored_protection.h"

namespace ami::daemon::switching {

Protection StoredProtection::of(const PolicyInput& input) const {
  const SwitchAsked& asked = input.asked;
  // Where the meter is; where that differs from the order, the order is refused anyway.
  const std::string& point = input.house.usage_point.empty() ? asked.usage_point : input.house.usage_point;
  Protection out;
  storage::HoldPlaces places{asked.meter, point, "", ""};
  if (const auto place = places_.of(asked.utility, point, input.now); place.ok()) {
    out.zone = place->zone;
    places.feeder = place->feeder;
    places.transformer = place->transformer;
    const auto law = book_.jurisdiction_of.find(place->utility);
    if (law != book_.jurisdiction_of.end()) out.jurisdiction = law->second;
  }
  if (auto holds = holds_.at(asked.utility, places); holds.ok()) out.holds = std::move(holds).value();
  if (auto lists = lists_.marks(asked.utility, point); lists.ok()) out.lists = std::move(lists).value();
  return out;
}

}  // namespace ami::daemon::switching
