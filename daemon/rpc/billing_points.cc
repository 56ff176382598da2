#include "daemon/rpc/billing_points.h"

#include <algorithm>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/reading_target.h"
#include "meter_model/time/zone.h"

namespace ami::rpc {
namespace {

using Date = std::chrono::year_month_day;

constexpr int kNearestTold = 10;  // each costs a search through the names

// The same day of the month before, or that month's last.
Date month_before(const Date& date) {
  const Date there = date - std::chrono::months{1};
  return there.ok() ? there : there.year() / there.month() / std::chrono::last;
}

// What the request says of time; midnights are cut in each zone once.
class Instants {
 public:
  Instants(const Call& call, const v1::ListBillingReadsRequest& request) : now_(call.now()) {
    if (request.date().empty() == !request.has_time())
      throw StatusError{invalid_field("date", "say either date or time")};
    if (request.has_time()) {
      time_ = instant_from("time", request.time());
      if (*time_ > now_) throw StatusError{invalid_field("time", "must not be in the future")};
    } else {
      date_ = date_from("date", request.date());
      // Somewhere it has begun 14 hours before it does in UTC.
      if (UtcInstant{std::chrono::sys_days{*date_}} - std::chrono::hours{14} > now_)
        throw StatusError{invalid_field("date", "must not be in the future")};
    }
    if (!request.period_start().empty()) {
      since_ = date_from("period_start", request.period_start());
      const UtcInstant end = date_ ? UtcInstant{std::chrono::sys_days{*date_}} : *time_;
      if (UtcInstant{std::chrono::sys_days{*since_}} > end)
        throw StatusError{invalid_field("period_start", "must not be after the date that is billed to")};
    }
  }

  [[nodiscard]] UtcInstant reference() const {
    return date_ ? UtcInstant{std::chrono::sys_days{*date_}} : *time_;
  }
  void put(BillingPoint& point) {
    const auto& zone = zone_of_name(point.zone);
    point.instant = date_ ? zone.civil_day(*date_).start : *time_;
    const Date until = date_ ? *date_ : civil_date(zone, *time_);
    point.since = zone.civil_day(since_ ? *since_ : month_before(until)).start;
    if (point.instant <= now_) return;
    point.missing.set_reason(v1::Missing::NO_READING);
    point.missing.set_detail("that day has not begun there");
  }

 private:
  static Date civil_date(const Zone& zone, UtcInstant at) {
    return Date{std::chrono::floor<std::chrono::days>(zone.civil(at))};
  }
  const Zone& zone_of_name(const std::string& name) {
    const auto known = zones_.find(name);
    if (known != zones_.end()) return known->second;
    const Result<Zone> loaded = Zone::load(name);
    return zones_.emplace(name, loaded ? *loaded : Zone::utc()).first->second;
  }

  const UtcInstant now_;
  std::optional<Date> date_, since_;
  std::optional<UtcInstant> time_;
  std::map<std::string, Zone> zones_;
};

std::vector<storage::UsagePoint> named_points(const Call& call, const storage::Utility& utility,
                                              const v1::ListBillingReadsRequest& request,
                                              const std::vector<ResourceName>& names,
                                              std::vector<BillingPoint>& points) {
  const NamedAssets named = find_named(call, utility, names);
  std::vector<storage::UsagePoint> found;
  int told = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    BillingPoint& point = points.emplace_back();
    point.name = request.names(static_cast<int>(i));
    if (const auto known = named.usage_points.find(names[i].key); known != named.usage_points.end()) {
      point.id = known->second.id;
      found.push_back(known->second);
      continue;
    }
    point.missing.set_reason(v1::Missing::UNKNOWN_ID);
    if (told++ >= kNearestTold) continue;
    const auto answer = call.assets().get_usage_point(utility.id, names[i].key);
    if (!answer.ok() && answer.refusal().kind != storage::Refusal::Kind::NotFound)
      call.fail(answer.refusal(), names[i]);
    if (!answer.ok() && !answer.refusal().nearest.empty())
      point.missing.set_detail("nearest known: " + answer.refusal().nearest);
  }
  return found;
}

}  // namespace

const storage::Installation* BillingPoint::stay_at(UtcInstant at) const {
  const auto found =
      std::ranges::find_if(stays, [&](const storage::Installation& stay) { return stay.valid.contains(at); });
  return found == stays.end() ? nullptr : &*found;
}

BillingPoints billing_points(const Call& call, const v1::ListBillingReadsRequest& request,
                             storage::Utility& utility) {
  if (request.parent().empty() == request.names().empty())
    throw StatusError{invalid_field("parent", "say either parent or names")};
  Instants instants(call, request);
  BillingPoints out;
  std::vector<storage::UsagePoint> found;
  if (request.parent().empty()) {
    const std::vector<ResourceName> names = names_of_one_utility(call, request.names());
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i].kind != ResourceName::Kind::UsagePoint)
        throw StatusError{
            invalid_field("names[" + std::to_string(i) + "]", "must be utilities/{u}/usagePoints/{p}")};
    }
    if (request.page_size() != 0 || !request.page_token().empty())
      throw StatusError{invalid_field("page_size", "names are answered without pages")};
    utility = call.utility_of(names.front().utility);
    found = named_points(call, utility, request, names, out.points);
  } else {
    const Page page = call.page(request);
    utility = call.parent(request.parent());
    auto listed = call.take(call.assets().list_usage_points(utility.id, page.store));
    out.next_token = call.next_token(page, listed.next_token);
    found = std::move(listed.items);
    for (const storage::UsagePoint& usage_point : found) {
      BillingPoint& point = out.points.emplace_back();
      point.name = usage_point_name(utility.key, usage_point.key);
      point.id = usage_point.id;
    }
  }

  std::map<storage::UsagePointId, std::vector<storage::Installation>> stays;
  std::map<storage::UsagePointId, const storage::UsagePoint*> by_id;
  std::vector<storage::UsagePointId> ids;
  for (const storage::UsagePoint& usage_point : found) {
    if (by_id.emplace(usage_point.id, &usage_point).second) ids.push_back(usage_point.id);
  }
  for (storage::Installation& stay : call.take(call.assets().installations_of({}, ids)))
    stays[stay.usage_point].push_back(std::move(stay));
  for (BillingPoint& point : out.points) {
    if (point.id == 0) continue;
    point.zone = zone_of(utility, *by_id.at(point.id), instants.reference());
    point.stays = stays[point.id];
    instants.put(point);
  }
  return out;
}

}  // namespace ami::rpc
