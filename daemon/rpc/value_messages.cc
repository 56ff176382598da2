#include "daemon/rpc/value_messages.h"

namespace ami::rpc {

v1::Approval approval_message(const regime::Judged& judged) {
  v1::Approval message;
  message.set_notice(judged.notice);
  message.set_revision(judged.revision);
  message.set_clause(judged.clause);
  message.set_reason(judged.reason);
  message.set_nonconforming(judged.nonconforming);
  if (judged.tou_assignment) message.set_tou_assignment(to_proto(*judged.tou_assignment));
  return message;
}

v1::RegisterValue register_value(const storage::Utility& utility, const storage::RegisterRow& row,
                                 const storage::Dictionary& names, const std::string& meter_key,
                                 const UsagePointNames& points, bool apply_multiplier,
                                 regime::Standings& standings) {
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
  tell_standing(standings.at(row.meter, channel.reading_type,
                             multiplied ? regime::Formed::Computed : regime::Formed::Register, row.at),
                value);
  return value;
}

v1::Event event_message(const storage::Utility& utility, const storage::EventRow& row,
                        const std::string& meter_key, const UsagePointNames& points) {
  v1::Event event;
  event.set_name(event_name(utility.key, row.id));
  event.set_meter(meter_name(utility.key, meter_key));
  *event.mutable_time() = to_proto(row.at);
  event.set_kind(row.kind);
  event.set_code(row.code);
  event.set_vendor(row.vendor);
  event.set_vendor_code(row.raw_code);
  event.set_vendor_text(row.raw_text);
  event.set_time_source(to_proto(row.time_source));
  event.set_source(source_name(utility.key, row.source));
  event.set_usage_point(points.name(row.usage_point));
  *event.mutable_received_at() = to_proto(row.received_at);
  if (row.duplicate_of != 0) event.set_duplicate_of(event_name(utility.key, row.duplicate_of));
  event.set_duplicates(row.duplicates);
  return event;
}

}  // namespace ami::rpc
