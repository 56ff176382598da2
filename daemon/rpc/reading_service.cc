#include "daemon/rpc/reading_service.h"

#include <set>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/interval_stream.h"
#include "daemon/rpc/reading_target.h"

namespace ami::rpc {
namespace {

v1::RegisterValue register_value(const storage::Utility& utility, const storage::RegisterRow& row,
                                 const storage::Dictionary& names, const std::string& meter_key,
                                 const UsagePointNames& points, bool apply_multiplier) {
  const storage::ChannelInfo& channel = names.channels.at(row.channel);
  const storage::SourceInfo& source = names.sources.at(row.source);
  const Meaning meaning = meaning_of(channel.reading_type);
  v1::RegisterValue value;
  value.set_meter(meter_name(utility.key, meter_key));
  value.set_usage_point(points.name(row.usage_point));
  value.set_channel(channel.key);
  value.set_quantity(meaning.quantity);
  value.set_tou(meaning.tou);
  value.set_reading_type(channel.reading_type);
  value.set_unit(channel.unit);
  *value.mutable_time() = to_proto(row.at);
  if (row.period_start) *value.mutable_period_start() = to_proto(*row.period_start);
  if (row.occurred_at) *value.mutable_occurred_at() = to_proto(*row.occurred_at);
  *value.mutable_received_at() = to_proto(source.received_at);
  *value.mutable_quality() = to_proto(names.qualities.at(row.quality));
  value.set_type_approval(type_approval(utility));
  value.set_verification(v1::VERIFICATION_UNKNOWN);
  value.set_time_source(to_proto(row.time_source));
  value.set_source(source_name(utility.key, row.source));
  value.set_time_zone(points.zone(row.usage_point, row.at));
  if (row.multiplier) value.set_multiplier(row.multiplier->to_string());

  std::optional<Decimal> multiplied;
  if (apply_multiplier && row.multiplier && takes_multiplier(meaning.quantity)) {
    multiplied = row.value.times(*row.multiplier);
  }
  value.set_multiplier_applied(multiplied.has_value());
  value.set_value((multiplied ? *multiplied : row.value).to_string());
  value.set_origin(multiplied ? v1::ORIGIN_PROCESSED : v1::ORIGIN_SOURCE_REGISTER);
  return value;
}

std::vector<storage::UsagePointId> points_in(const std::vector<storage::RegisterRow>& rows) {
  std::set<storage::UsagePointId> ids;
  for (const storage::RegisterRow& row : rows) {
    if (row.usage_point) ids.insert(*row.usage_point);
  }
  return {ids.begin(), ids.end()};
}

// What one name of GetLatest stands for now.
struct LatestTarget {
  std::optional<MeterId> meter;
  std::string meter_key;
  std::optional<storage::UsagePointId> only_at;  // a usage point was asked for: its own readings only
  v1::Missing missing;                           // when there is no meter
};

LatestTarget latest_target(const Call& call, const storage::Utility& utility, const ResourceName& name) {
  LatestTarget target;
  const auto unknown = [&](const storage::Refusal& refusal) {
    if (refusal.kind != storage::Refusal::Kind::NotFound) call.fail(refusal, name);
    target.missing.set_reason(v1::Missing::UNKNOWN_ID);
    if (!refusal.nearest.empty()) target.missing.set_detail("nearest known: " + refusal.nearest);
    return target;
  };
  if (name.kind == ResourceName::Kind::Meter) {
    const storage::Answer<storage::Meter> meter = call.assets().get_meter(utility.id, name.key);
    if (!meter.ok()) return unknown(meter.refusal());
    target.meter = meter->id;
    target.meter_key = meter->key;
    return target;
  }
  const auto installations = call.assets().installations_of_usage_point(utility.id, name.key);
  if (!installations.ok()) return unknown(installations.refusal());
  for (const storage::Installation& installation : *installations) {
    if (!installation.valid.contains(call.now())) continue;
    target.meter = installation.meter;
    target.meter_key = installation.meter_key;
    target.only_at = installation.usage_point;
    return target;
  }
  target.missing.set_reason(v1::Missing::NO_METER);
  return target;
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
  std::vector<LatestTarget> targets;
  std::set<MeterId> ids;
  for (const ResourceName& name : names) {
    targets.push_back(latest_target(call, utility, name));
    if (targets.back().meter) ids.insert(*targets.back().meter);
  }
  storage::RegisterPage page;
  if (!ids.empty()) page = call.take(call.readers().latest({ids.begin(), ids.end()}, filter, by));
  std::map<MeterId, std::vector<const storage::RegisterRow*>> rows;
  for (const storage::RegisterRow& row : page.rows) rows[row.meter].push_back(&row);
  const UsagePointNames points(call, utility, points_in(page.rows));

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
                                            request.apply_multiplier());
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
  const ReadingTarget target = find_target(call, utility, name, period);
  // A page token is good for these spans only: an exchange that was entered in between ends the list.
  std::string spans;
  for (const storage::MeterSpan& span : target.spans) {
    spans += std::to_string(span.meter) + "@" + std::to_string(span.period.from.time_since_epoch().count()) +
             "/" + std::to_string(span.period.to.time_since_epoch().count()) + ";";
  }
  const Page page = call.page(request, spans);
  if (target.spans.empty()) return;
  const storage::RegisterPage found = call.take(call.readers().registers(target.spans, filter, page.store));
  const UsagePointNames points(call, utility, points_in(found.rows));
  for (const storage::RegisterRow& row : found.rows) {
    *response.add_values() = register_value(utility, row, found.dictionary, target.meters.at(row.meter).key,
                                            points, request.apply_multiplier());
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

}  // namespace ami::rpc
