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

using Installations = std::vector<const storage::Installation*>;

// Where meters were: what all targets of a request share.
struct Stays {
  std::vector<storage::Installation> all;  // by time
  std::map<MeterId, Installations> of_meter;
  std::map<storage::UsagePointId, Installations> of_usage_point;
  std::map<MeterId, storage::Meter> meters;
  std::map<storage::UsagePointId, storage::UsagePoint> usage_points;
};

Stays find_stays(const Call& call, const storage::Utility& utility, const NamedAssets& named) {
  Stays stays;
  storage::Assets assets = call.assets();
  std::vector<MeterId> meters;
  std::vector<storage::UsagePointId> points;
  for (const auto& [key, meter] : named.meters) {
    meters.push_back(meter.id);
    stays.meters.emplace(meter.id, meter);
  }
  for (const auto& [key, point] : named.usage_points) {
    points.push_back(point.id);
    stays.usage_points.emplace(point.id, point);
  }
  stays.all = call.take(assets.installations_of(meters, points));
  std::set<std::string> other_meters, other_points;  // of one utility, as every installation is
  for (const storage::Installation& installation : stays.all) {
    stays.of_meter[installation.meter].push_back(&installation);
    stays.of_usage_point[installation.usage_point].push_back(&installation);
    if (!stays.meters.contains(installation.meter)) other_meters.insert(installation.meter_key);
    if (!stays.usage_points.contains(installation.usage_point))
      other_points.insert(installation.usage_point_key);
  }
  for (storage::Meter& meter :
       call.take(assets.meters_by_key(utility.id, {other_meters.begin(), other_meters.end()})))
    stays.meters.emplace(meter.id, std::move(meter));
  for (storage::UsagePoint& point :
       call.take(assets.usage_points_by_key(utility.id, {other_points.begin(), other_points.end()})))
    stays.usage_points.emplace(point.id, std::move(point));
  return stays;
}

template <class Map, class Key>
Installations installations_in(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? Installations() : found->second;
}

ReadingTarget target_of(const Call& call, const storage::Utility& utility, const ResourceName& name,
                        const storage::Period& period, const NamedAssets& named, const Stays& stays) {
  ReadingTarget target;
  Installations installations;
  if (name.kind == ResourceName::Kind::Meter) {
    target.name = meter_name(name.utility, name.key);
    const auto known = named.meters.find(name.key);
    // The store says what is wrong with a name, and what is like it.
    const storage::Meter meter = known == named.meters.end()
                                     ? call.take(call.assets().get_meter(utility.id, name.key), name)
                                     : known->second;
    installations = installations_in(stays.of_meter, meter.id);
    target.spans.push_back({meter.id, period});
    target.meters[meter.id] = {meter.key, meter.details, {}};
  } else {
    target.name = usage_point_name(name.utility, name.key);
    const auto known = named.usage_points.find(name.key);
    const storage::UsagePoint point =
        known == named.usage_points.end()
            ? call.take(call.assets().get_usage_point(utility.id, name.key), name)
            : known->second;
    for (const storage::Installation* installation : installations_in(stays.of_usage_point, point.id)) {
      const storage::Period stay = overlap(installation->valid, period);
      if (empty(stay)) continue;
      installations.push_back(installation);
      target.spans.push_back({installation->meter, stay});
      if (const auto meter = stays.meters.find(installation->meter); meter != stays.meters.end())
        target.meters[meter->first] = {meter->second.key, meter->second.details, {}};
    }
  }
  for (const storage::Installation* installation : installations) {
    if (empty(overlap(installation->valid, period))) continue;
    const auto point = stays.usage_points.find(installation->usage_point);
    target.meters[installation->meter].placements.push_back(
        {installation->valid, usage_point_name(utility.key, installation->usage_point_key),
         installation->usage_point_key,
         point == stays.usage_points.end() ? utility.zone
                                           : zone_of(utility, point->second, installation->valid.from),
         installation->multiplier, std::to_string(installation->id)});
  }
  return target;
}

}  // namespace

NamedAssets find_named(const Call& call, const storage::Utility& utility,
                       const std::vector<ResourceName>& names) {
  std::set<std::string> meters, points;
  for (const ResourceName& name : names) {
    (name.kind == ResourceName::Kind::Meter ? meters : points).insert(name.key);
  }
  NamedAssets named;
  for (storage::Meter& meter :
       call.take(call.assets().meters_by_key(utility.id, {meters.begin(), meters.end()})))
    named.meters.emplace(meter.key, std::move(meter));
  for (storage::UsagePoint& point :
       call.take(call.assets().usage_points_by_key(utility.id, {points.begin(), points.end()})))
    named.usage_points.emplace(point.key, std::move(point));
  return named;
}

std::vector<ReadingTarget> find_targets(const Call& call, const storage::Utility& utility,
                                        const std::vector<ResourceName>& names,
                                        const storage::Period& period) {
  const NamedAssets named = find_named(call, utility, names);
  const Stays stays = find_stays(call, utility, named);
  std::vector<ReadingTarget> targets;
  for (const ResourceName& name : names) {
    targets.push_back(target_of(call, utility, name, period, named, stays));
  }
  return targets;
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
  const approval::Provenance recorder = regime::recorder_of(model);
  if (recorder == approval::Provenance::MeterRecorder) return v1::ORIGIN_METER_RECORDER;
  if (recorder == approval::Provenance::ModuleRecorder) return v1::ORIGIN_MODULE_RECORDER;
  return v1::ORIGIN_UNSPECIFIED;
}

regime::Standings standings_of(const Call& call, const storage::Utility& utility,
                               const std::vector<MeterId>& meters) {
  regime::Standings standings(call.regime_of(utility));
  standings.add(call.take(call.assets().facts_of(meters)));
  return standings;
}

}  // namespace ami::rpc
