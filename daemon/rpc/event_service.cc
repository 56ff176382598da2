#include "daemon/rpc/event_service.h"

#include <map>
#include <set>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/value_messages.h"

namespace ami::rpc {
namespace {

std::map<MeterId, std::string> meter_keys(const Call& call, const std::vector<storage::EventRow>& rows) {
  std::set<MeterId> ids;
  for (const storage::EventRow& row : rows) ids.insert(row.meter);
  std::map<MeterId, std::string> keys;
  if (ids.empty()) return keys;
  for (const storage::Meter& meter : call.take(call.assets().meters_by_id({ids.begin(), ids.end()}))) {
    keys.emplace(meter.id, meter.key);
  }
  return keys;
}

std::vector<storage::UsagePointId> points_in(const std::vector<storage::EventRow>& rows) {
  std::set<storage::UsagePointId> ids;
  for (const storage::EventRow& row : rows) {
    if (row.usage_point) ids.insert(*row.usage_point);
  }
  return {ids.begin(), ids.end()};
}

void list(const Call& call, const v1::ListEventsRequest& request, v1::ListEventsResponse& response) {
  const Page page = call.page(request);
  storage::EventQuery query;
  query.period = period_from(request);
  query.page = page.store;
  query.duplicates_too = request.duplicates();
  if (request.kinds_size() > 50)
    throw StatusError{invalid_field("kinds", "must not hold more than 50 kinds")};
  for (int i = 0; i < request.kinds_size(); ++i) {
    query.kinds.push_back(text_from("kinds[" + std::to_string(i) + "]", request.kinds(i), 64));
  }
  const storage::Utility utility = call.parent(request.parent());
  query.utility = utility.id;
  if (!request.meter().empty()) {
    const ResourceName name = call.resource("meter", request.meter(), ResourceName::Kind::Meter);
    if (name.utility != utility.key)
      throw StatusError{invalid_field("meter", "must be of the parent utility")};
    query.spans.push_back({call.take(call.assets().get_meter(utility.id, name.key), name).id, query.period});
  }
  const storage::PageOf<storage::EventRow> found = call.take(call.readers().events(query));
  const std::map<MeterId, std::string> meters = meter_keys(call, found.items);
  const UsagePointNames points(call, utility, points_in(found.items));
  for (const storage::EventRow& row : found.items) {
    *response.add_events() = event_message(utility, row, meters.at(row.meter), points);
  }
  response.set_next_page_token(call.next_token(page, found.next_token));
}

}  // namespace

grpc::ServerUnaryReactor* EventService::List(grpc::CallbackServerContext* context,
                                             const v1::ListEventsRequest* request,
                                             v1::ListEventsResponse* response) {
  return gate_.unary(context, "/ami.v1.EventService/List",
                     [request, response](const Call& call) { list(call, *request, *response); });
}

}  // namespace ami::rpc
