#include "daemon/rpc/fleet.h"

#include "daemon/rpc/convert.h"
#include "storage/postgres/changes.h"

namespace ami::rpc {

Fleet load_fleet(const Call& call, const storage::Utility& utility, std::vector<storage::Meter> meters) {
  Fleet fleet;
  std::vector<MeterId> ids;
  for (storage::Meter& meter : meters) {
    ids.push_back(meter.id);
    fleet[meter.id] = {std::move(meter.key), std::move(meter.details), {}};
  }
  if (ids.empty()) return fleet;
  const auto stays = call.take(storage::Changes(call.scoped()).stays(ids));
  std::set<storage::UsagePointId> points;
  for (const storage::MeterStay& stay : stays) points.insert(stay.usage_point);
  if (points.empty()) return fleet;
  std::map<storage::UsagePointId, storage::UsagePoint> found;
  for (storage::UsagePoint& point :
       call.take(call.assets().usage_points_by_id({points.begin(), points.end()}))) {
    found.emplace(point.id, std::move(point));
  }
  for (const storage::MeterStay& stay : stays) {
    const storage::UsagePoint& point = found.at(stay.usage_point);
    fleet[stay.meter].placements.push_back({stay.period, usage_point_name(utility.key, point.key), point.key,
                                            zone_of(utility, point, stay.period.from), stay.multiplier,
                                            std::to_string(stay.installation)});
  }
  return fleet;
}

Fleet load_fleet(const Call& call, const storage::Utility& utility, const std::vector<MeterId>& meters) {
  if (meters.empty()) return {};
  return load_fleet(call, utility, call.take(call.assets().meters_by_id(meters)));
}

void AccessNotes::note(const Call& call, const std::string& usage_point_key, const std::string& meter_key) {
  constexpr std::size_t kMostRemembered = 50'000;
  if (noted_.size() >= kMostRemembered) noted_.clear();
  if (!noted_.emplace(usage_point_key, meter_key).second) return;
  call.log({.kind = CallRecord::Kind::Access,
            .utility = utility_,
            .usage_point = usage_point_key,
            .meter = meter_key,
            .purpose = purpose_,
            .on_behalf_of = on_behalf_of_});
}

}  // namespace ami::rpc
