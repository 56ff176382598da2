#include "daemon/rpc/clock_health.h"

#include <map>
#include <set>

#include "daemon/rpc/convert.h"
#include "storage/postgres/clocks.h"

namespace ami::rpc {
namespace {

ClockSignKind kind_from(int kind) {
  if (kind < v1::ClockSign::AHEAD || kind > v1::ClockSign::CLOCK_EVENT)
    throw StatusError{invalid_field("kinds", "must be AHEAD, STEADY_OFFSET, OFF_GRID or CLOCK_EVENT")};
  return static_cast<ClockSignKind>(kind);
}

bool steady(const storage::ClockSignRow& row) {
  return row.kind != ClockSignKind::SteadyOffset || (row.times >= storage::Clocks::kSteadyTimes &&
                                                     row.most_offset - row.least_offset <= 2 * row.tolerance);
}

void fill(const storage::Utility& utility, const storage::ClockSignRow& row, const std::string& meter,
          v1::ClockSign& sign) {
  sign.set_meter(meter_name(utility.key, meter));
  sign.set_feed(row.feed);
  sign.set_kind(static_cast<v1::ClockSign::Kind>(row.kind));
  sign.set_times(row.times);
  *sign.mutable_first_time() = to_proto(row.first_at);
  *sign.mutable_last_time() = to_proto(row.last_at);
  sign.set_last_offset_s(row.last_offset.count());
  sign.set_least_offset_s(row.least_offset.count());
  sign.set_most_offset_s(row.most_offset.count());
  *sign.mutable_worst_time() = to_proto(row.worst_at);
  sign.set_tolerance_s(static_cast<std::int32_t>(row.tolerance.count()));
  sign.set_steady(steady(row));
}

}  // namespace

void get_clock_health(const Call& call, const v1::GetClockHealthRequest& request,
                      v1::GetClockHealthResponse& response) {
  const Page page = call.page(request);
  storage::ClockQuery query;
  query.page = page.store;
  query.feed = text_from("feed", request.feed());
  query.unsteady_too = request.unsteady();
  std::set<ClockSignKind> kinds;
  for (const int kind : request.kinds()) kinds.insert(kind_from(kind));
  query.kinds.assign(kinds.begin(), kinds.end());
  const storage::Utility utility = call.parent(request.parent());
  query.utility = utility.id;
  if (!request.meter().empty()) {
    const ResourceName name = call.resource("meter", request.meter(), ResourceName::Kind::Meter);
    if (name.utility != utility.key)
      throw StatusError{invalid_field("meter", "must be of the parent utility")};
    query.meter = call.take(call.assets().get_meter(utility.id, name.key), name).id;
  }
  const auto found = call.take(storage::Clocks(call.scoped()).signs(query));
  std::set<MeterId> ids;
  for (const storage::ClockSignRow& row : found.items) ids.insert(row.meter);
  std::map<MeterId, std::string> meters;
  if (!ids.empty()) {
    for (const storage::Meter& meter : call.take(call.assets().meters_by_id({ids.begin(), ids.end()})))
      meters.emplace(meter.id, meter.key);
  }
  for (const storage::ClockSignRow& row : found.items)
    fill(utility, row, meters.at(row.meter), *response.add_signs());
  response.set_next_page_token(call.next_token(page, found.next_token));
}

}  // namespace ami::rpc
