#include "daemon/rpc/reading_target.h"

#include <algorithm>
#include <set>

#include "daemon/rpc/convert.h"

namespace ami::rpc {
namespace {

storage::Period overlap(const storage::Period& a, const storage::Period& b) {
  return {std::max(a.from, b.from), std::min(a.to, b.to)};
}

bool empty(const storage::Period& period) {
  return period.from >= period.to;
}

std::map<storage::UsagePointId, storage::UsagePoint> points_of(
    const Call& call, const std::vector<storage::Installation>& installations) {
  std::set<storage::UsagePointId> ids;
  for (const storage::Installation& installation : installations) ids.insert(installation.usage_point);
  std::map<storage::UsagePointId, storage::UsagePoint> points;
  if (ids.empty()) return points;
  for (storage::UsagePoint& point : call.take(call.assets().usage_points_by_id({ids.begin(), ids.end()}))) {
    points.emplace(point.id, std::move(point));
  }
  return points;
}

}  // namespace

ReadingTarget find_target(const Call& call, const storage::Utility& utility, const ResourceName& name,
                          const storage::Period& period) {
  ReadingTarget target;
  storage::Assets assets = call.assets();
  std::vector<storage::Installation> installations;
  if (name.kind == ResourceName::Kind::Meter) {
    target.name = meter_name(name.utility, name.key);
    const storage::Meter meter = call.take(assets.get_meter(utility.id, name.key), name);
    installations = call.take(assets.installations_of_meter(utility.id, name.key), name);
    target.spans.push_back({meter.id, period});
    target.meters[meter.id] = {meter.key, meter.details, {}};
  } else {
    target.name = usage_point_name(name.utility, name.key);
    installations = call.take(assets.installations_of_usage_point(utility.id, name.key), name);
    std::erase_if(installations, [&](const auto& i) { return empty(overlap(i.valid, period)); });
    std::ranges::sort(installations, {}, [](const auto& i) { return i.valid.from; });
    std::set<MeterId> ids;
    for (const storage::Installation& installation : installations) {
      target.spans.push_back({installation.meter, overlap(installation.valid, period)});
      ids.insert(installation.meter);
    }
    if (!ids.empty()) {
      for (const storage::Meter& meter : call.take(assets.meters_by_id({ids.begin(), ids.end()}))) {
        target.meters[meter.id] = {meter.key, meter.details, {}};
      }
    }
  }
  const auto points = points_of(call, installations);
  for (const storage::Installation& installation : installations) {
    if (empty(overlap(installation.valid, period))) continue;
    const auto point = points.find(installation.usage_point);
    target.meters[installation.meter].placements.push_back(
        {installation.valid, usage_point_name(utility.key, installation.usage_point_key),
         installation.usage_point_key,
         point == points.end() ? utility.zone : zone_of(utility, point->second, installation.valid.from),
         installation.multiplier, std::to_string(installation.id)});
  }
  for (auto& [id, meter] : target.meters) {
    std::ranges::sort(meter.placements, {}, [](const Placement& p) { return p.period.from; });
  }
  return target;
}

std::vector<ResourceName> names_of_one_utility(const Call& call,
                                               const google::protobuf::RepeatedPtrField<std::string>& names) {
  if (names.empty() || names.size() > 1000)
    throw StatusError{invalid_field("names", "must hold 1 to 1000 names")};
  std::vector<ResourceName> parsed;
  for (int i = 0; i < names.size(); ++i) {
    const std::string field = "names[" + std::to_string(i) + "]";
    parsed.push_back(call.resource(field, names[i]));
    if (parsed.back().utility != parsed.front().utility) {
      throw StatusError{invalid_field(field, "must be of the same utility as the first")};
    }
  }
  return parsed;
}

v1::Origin interval_origin(std::string_view model) {
  constexpr std::string_view kMaker = "FOCUS ";
  if (model.starts_with(kMaker)) model.remove_prefix(kMaker.size());
  const std::string_view designation = model.substr(0, model.find('-'));
  if (designation == "AXR") return v1::ORIGIN_METER_RECORDER;
  if (designation == "AX") return v1::ORIGIN_MODULE_RECORDER;
  return v1::ORIGIN_UNSPECIFIED;
}

}  // namespace ami::rpc
