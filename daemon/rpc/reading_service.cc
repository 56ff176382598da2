#include "daemon/rpc/reading_service.h"

#include <set>

#include "daemon/rpc/billing_reads.h"
#include "daemon/rpc/change_cursors.h"
#include "daemon/rpc/change_stream.h"
#include "daemon/rpc/convert.h"
#include "daemon/rpc/explain.h"
#include "daemon/rpc/interval_stream.h"
#include "daemon/rpc/read_at_call.h"
#include "daemon/rpc/reading_target.h"
#include "daemon/rpc/reconcile.h"
#include "daemon/rpc/value_messages.h"

namespace ami::rpc {
namespace {

std::vector<storage::UsagePointId> points_in(const std::vector<storage::RegisterRow>& rows) {
  std::set<storage::UsagePointId> ids;
  for (const storage::RegisterRow& row : rows) {
    if (row.usage_point) ids.insert(*row.usage_point);
  }
  return {ids.begin(), ids.end()};
}

std::vector<MeterId> meters_in(const std::vector<storage::RegisterRow>& rows) {
  std::set<MeterId> ids;
  for (const storage::RegisterRow& row : rows) ids.insert(row.meter);
  return {ids.begin(), ids.end()};
}

// What one name of GetLatest stands for at the moment asked about.
struct LatestTarget {
  std::optional<MeterId> meter;
  std::string meter_key;
  std::optional<storage::UsagePointId> only_at;  // a usage point was asked for: its own readings only
  v1::Missing missing;                           // when there is no meter
};

constexpr int kNearestTold = 10;  // each costs a search through the names

std::vector<LatestTarget> latest_targets(const Call& call, const storage::Utility& utility,
                                         const std::vector<ResourceName>& names, UtcInstant when) {
  const NamedAssets named = find_named(call, utility, names);
  std::vector<storage::UsagePointId> points;
  for (const auto& [key, point] : named.usage_points) points.push_back(point.id);
  std::map<storage::UsagePointId, storage::Installation> there;
  for (storage::Installation& stay : call.take(call.assets().installations_of({}, points))) {
    if (stay.valid.contains(when)) there.emplace(stay.usage_point, std::move(stay));
  }
  std::vector<LatestTarget> targets;
  int told = 0;
  const auto unknown = [&](const ResourceName& name, const auto& answer) {
    if (answer.ok()) return;  // it was created just now
    if (answer.refusal().kind != storage::Refusal::Kind::NotFound) call.fail(answer.refusal(), name);
    if (!answer.refusal().nearest.empty())
      targets.back().missing.set_detail("nearest known: " + answer.refusal().nearest);
  };
  for (const ResourceName& name : names) {
    LatestTarget& target = targets.emplace_back();
    if (name.kind == ResourceName::Kind::Meter) {
      if (const auto meter = named.meters.find(name.key); meter != named.meters.end()) {
        target.meter = meter->second.id;
        target.meter_key = name.key;
        continue;
      }
    } else if (const auto point = named.usage_points.find(name.key); point != named.usage_points.end()) {
      const auto stay = there.find(point->second.id);
      if (stay == there.end()) {
        target.missing.set_reason(v1::Missing::NO_METER);
      } else {
        target.meter = stay->second.meter;
        target.meter_key = stay->second.meter_key;
        target.only_at = point->second.id;
      }
      continue;
    }
    target.missing.set_reason(v1::Missing::UNKNOWN_ID);
    if (told++ >= kNearestTold) continue;
    if (name.kind == ResourceName::Kind::Meter) {
      unknown(name, call.assets().get_meter(utility.id, name.key));
    } else {
      unknown(name, call.assets().get_usage_point(utility.id, name.key));
    }
  }
  return targets;
}

void get_latest(const Call& call, const v1::GetLatestRequest& request, v1::GetLatestResponse& response) {
  const std::vector<ResourceName> names = names_of_one_utility(call, request.names());
  const storage::ChannelFilter filter = filter_from(request.quantities());
  const storage::Utility utility = call.utility_of(names.front().utility);
  const storage::LatestBy by = request.newest_by() == v1::RECEIPT_TIME ? storage::LatestBy::ReceiptTime
                                                                       : storage::LatestBy::DeviceTime;
  if (!v1::TimeBasis_IsValid(request.newest_by())) {
    throw StatusError{invalid_field("newest_by", "must be DEVICE_TIME or RECEIPT_TIME")};
  }
  const std::optional<UtcInstant> as_of = as_of_from(call, request);
  const storage::Layer layer = layer_from(request.layer());
  const std::vector<LatestTarget> targets = latest_targets(call, utility, names, as_of.value_or(call.now()));
  std::set<MeterId> ids;
  for (const LatestTarget& target : targets) {
    if (target.meter) ids.insert(*target.meter);
  }
  storage::RegisterPage page;
  if (!ids.empty())
    page = call.take(call.readers().latest({ids.begin(), ids.end()}, filter, by, as_of, layer));
  std::map<MeterId, std::vector<const storage::RegisterRow*>> rows;
  for (const storage::RegisterRow& row : page.rows) rows[row.meter].push_back(&row);
  const UsagePointNames points(call, utility, points_in(page.rows));
  regime::Standings standings = standings_of(call, utility, meters_in(page.rows));

  for (std::size_t i = 0; i < names.size(); ++i) {
    v1::Latest& latest = *response.add_latest();
    latest.set_name(request.names(static_cast<int>(i)));
    const LatestTarget& target = targets[i];
    if (!target.meter) {
      *latest.mutable_missing() = target.missing;
      continue;
    }
    for (const storage::RegisterRow* row : rows[*target.meter]) {
      if (target.only_at && row->usage_point != target.only_at) continue;
      *latest.add_values() = register_value(utility, *row, page.dictionary, target.meter_key, points,
                                            request.apply_multiplier(), standings);
    }
    if (latest.values().empty()) latest.mutable_missing()->set_reason(v1::Missing::NO_READING);
  }
}

void list_registers(const Call& call, const v1::ListRegistersRequest& request,
                    v1::ListRegistersResponse& response) {
  const ResourceName name = call.resource("name", request.name());
  const storage::Period period = period_from(request);
  const storage::ChannelFilter filter = filter_from(request.quantities());
  const storage::Utility utility = call.utility_of(name.utility);
  const std::optional<UtcInstant> as_of = as_of_from(call, request);
  const storage::Layer layer = layer_from(request.layer());
  const ReadingTarget target = find_targets(call, utility, {name}, period).front();
  // A page token is good for these spans only: an exchange that was entered in between ends the list.
  std::string spans;
  for (const storage::MeterSpan& span : target.spans) {
    spans += std::to_string(span.meter) + "@" + std::to_string(span.period.from.time_since_epoch().count()) +
             "/" + std::to_string(span.period.to.time_since_epoch().count()) + ";";
  }
  const Page page = call.page(request, spans);
  if (target.spans.empty()) return;
  const storage::RegisterPage found =
      call.take(call.readers().registers(target.spans, filter, page.store, as_of, layer));
  const UsagePointNames points(call, utility, points_in(found.rows));
  regime::Standings standings = standings_of(call, utility, meters_in(found.rows));
  for (const storage::RegisterRow& row : found.rows) {
    *response.add_values() = register_value(utility, row, found.dictionary, target.meters.at(row.meter).key,
                                            points, request.apply_multiplier(), standings);
  }
  response.set_next_page_token(call.next_token(page, found.next_token));
}

}  // namespace

grpc::ServerUnaryReactor* ReadingService::GetLatest(Context* context, const v1::GetLatestRequest* request,
                                                    v1::GetLatestResponse* response) {
  return gate_.unary(context, "/ami.v1.ReadingService/GetLatest",
                     [request, response](const Call& call) { get_latest(call, *request, *response); });
}

grpc::ServerUnaryReactor* ReadingService::ListRegisters(Context* context,
                                                        const v1::ListRegistersRequest* request,
                                                        v1::ListRegistersResponse* response) {
  return gate_.unary(context, "/ami.v1.ReadingService/ListRegisters",
                     [request, response](const Call& call) { list_registers(call, *request, *response); });
}

grpc::ServerWriteReactor<v1::StreamIntervalsResponse>* ReadingService::StreamIntervals(
    Context* context, const v1::StreamIntervalsRequest* request) {
  return start_interval_stream(gate_, *context, *request);
}

grpc::ServerWriteReactor<v1::StreamChangesResponse>* ReadingService::StreamChanges(
    Context* context, const v1::StreamChangesRequest* request) {
  return start_change_stream(gate_, subscriptions_, *context, *request);
}

grpc::ServerUnaryReactor* ReadingService::AckCursor(Context* context, const v1::AckCursorRequest* request,
                                                    v1::AckCursorResponse* response) {
  return gate_.unary(context, "/ami.v1.ReadingService/AckCursor",
                     [request, response](const Call& call) { ack_cursor(call, *request, *response); });
}

grpc::ServerUnaryReactor* ReadingService::ListChangeSubscribers(
    Context* context, const v1::ListChangeSubscribersRequest* request,
    v1::ListChangeSubscribersResponse* response) {
  return gate_.unary(
      context, "/ami.v1.ReadingService/ListChangeSubscribers",
      [request, response](const Call& call) { list_change_subscribers(call, *request, *response); });
}

grpc::ServerUnaryReactor* ReadingService::GetReadAt(Context* context, const v1::GetReadAtRequest* request,
                                                    v1::GetReadAtResponse* response) {
  return gate_.unary(context, "/ami.v1.ReadingService/GetReadAt",
                     [request, response](const Call& call) { get_read_at(call, *request, *response); });
}

grpc::ServerUnaryReactor* ReadingService::ListBillingReads(Context* context,
                                                           const v1::ListBillingReadsRequest* request,
                                                           v1::ListBillingReadsResponse* response) {
  return gate_.unary(
      context, "/ami.v1.ReadingService/ListBillingReads",
      [request, response](const Call& call) { list_billing_reads(call, *request, *response); });
}

grpc::ServerUnaryReactor* ReadingService::Explain(Context* context, const v1::ExplainRequest* request,
                                                  v1::ExplainResponse* response) {
  return gate_.unary(context, "/ami.v1.ReadingService/Explain",
                     [request, response](const Call& call) { explain(call, *request, *response); });
}

grpc::ServerWriteReactor<v1::ReconcileCountsResponse>* ReadingService::ReconcileCounts(
    Context* context, const v1::ReconcileCountsRequest* request) {
  return start_reconcile(gate_, *context, *request);
}

}  // namespace ami::rpc
