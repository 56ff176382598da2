#include "daemon/rpc/asset_messages.h"

#include "daemon/rpc/convert.h"
#include "meter_model/quantity/reading_type.h"

namespace ami::rpc {

v1::Installation to_proto(const storage::Utility& utility, const storage::Installation& installation) {
  v1::Installation message;
  message.set_meter(meter_name(utility.key, installation.meter_key));
  message.set_usage_point(usage_point_name(utility.key, installation.usage_point_key));
  if (installation.valid.from != UtcInstant::min())
    *message.mutable_start() = to_proto(installation.valid.from);
  if (installation.valid.to != UtcInstant::max()) *message.mutable_end() = to_proto(installation.valid.to);
  message.set_multiplier(installation.multiplier.to_string());
  const auto copy = [](const std::vector<storage::DialRead>& reads, auto* target) {
    for (const storage::DialRead& read : reads) {
      v1::DialRead* dial = target->Add();
      dial->set_reading_type(read.reading_type);
      dial->set_value(read.value.to_string());
    }
  };
  copy(installation.start_reads, message.mutable_start_reads());
  copy(installation.end_reads, message.mutable_end_reads());
  message.set_order_id(installation.order_id);
  return message;
}

v1::Meter to_proto(const storage::Utility& utility, const storage::Meter& meter, UtcInstant at) {
  v1::Meter message;
  message.set_name(meter_name(utility.key, meter.key));
  if (!meter.details.empty()) {
    const storage::MeterDetail& detail = detail_at(meter.details, at);
    message.set_model(detail.model);
    message.set_form(detail.form);
    message.set_elements(detail.elements);
    message.set_wires(detail.wires.value_or(0));
    message.set_meter_class(detail.class_a);
    message.set_firmware(detail.firmware);
    message.set_firmware_source(detail.firmware_source);
    if (detail.firmware_at) *message.mutable_firmware_at() = to_proto(*detail.firmware_at);
    if (detail.valid.from != UtcInstant::min()) *message.mutable_valid_from() = to_proto(detail.valid.from);
  }
  for (const storage::Alias& alias : meter.aliases) {
    v1::Alias* one = message.add_aliases();
    one->set_kind(to_proto(alias.kind));
    one->set_value(alias.value);
    one->set_feed(alias.feed);
    if (alias.valid.from != UtcInstant::min()) *one->mutable_valid_from() = to_proto(alias.valid.from);
    if (alias.valid.to != UtcInstant::max()) *one->mutable_valid_to() = to_proto(alias.valid.to);
  }
  return message;
}

v1::UsagePoint to_proto(const storage::Utility& utility, const storage::UsagePoint& point, UtcInstant at) {
  v1::UsagePoint message;
  message.set_name(usage_point_name(utility.key, point.key));
  message.set_time_zone(zone_of(utility, point, at));
  if (point.details.empty()) return message;
  const storage::UsagePointDetail& detail = detail_at(point.details, at);
  message.set_commodity(detail.commodity);
  message.set_feeder(detail.feeder);
  message.set_substation(detail.substation);
  message.set_collector(detail.collector);
  message.set_transformer(detail.transformer);
  if (detail.valid.from != UtcInstant::min()) *message.mutable_valid_from() = to_proto(detail.valid.from);
  return message;
}

storage::MeterDetail meter_detail_from(const v1::Meter& meter) {
  storage::MeterDetail detail;
  detail.model = text_from("meter.model", meter.model());
  detail.form = text_from("meter.form", meter.form());
  detail.elements = text_from("meter.elements", meter.elements());
  if (meter.wires() < 0 || meter.wires() > 9)
    throw StatusError{invalid_field("meter.wires", "must be 0 to 9")};
  if (meter.wires() != 0) detail.wires = meter.wires();
  detail.class_a = text_from("meter.meter_class", meter.meter_class());
  detail.firmware = text_from("meter.firmware", meter.firmware());
  detail.firmware_source = text_from("meter.firmware_source", meter.firmware_source());
  if (meter.has_firmware_at()) detail.firmware_at = instant_from("meter.firmware_at", meter.firmware_at());
  if (meter.has_valid_from()) detail.valid.from = instant_from("meter.valid_from", meter.valid_from());
  return detail;
}

storage::UsagePointDetail usage_point_detail_from(const v1::UsagePoint& point) {
  storage::UsagePointDetail detail;
  detail.zone = zone_from("usage_point.time_zone", point.time_zone());
  detail.commodity = text_from("usage_point.commodity", point.commodity());
  detail.feeder = text_from("usage_point.feeder", point.feeder());
  detail.transformer = text_from("usage_point.transformer", point.transformer());
  detail.substation = text_from("usage_point.substation", point.substation());
  detail.collector = text_from("usage_point.collector", point.collector());
  if (point.has_valid_from()) detail.valid.from = instant_from("usage_point.valid_from", point.valid_from());
  return detail;
}

storage::Alias alias_from(const std::string& field, const v1::Alias& alias) {
  storage::Alias result;
  result.kind = alias_kind_from_proto(field + ".kind", alias.kind());
  result.value = text_from(field + ".value", alias.value());
  if (result.value.empty()) throw StatusError{invalid_field(field + ".value", "must not be empty")};
  result.feed = text_from(field + ".feed", alias.feed());
  if (alias.has_valid_from()) result.valid.from = instant_from(field + ".valid_from", alias.valid_from());
  if (alias.has_valid_to()) result.valid.to = instant_from(field + ".valid_to", alias.valid_to());
  if (result.valid.from >= result.valid.to) {
    throw StatusError{invalid_field(field + ".valid_to", "must be after valid_from")};
  }
  return result;
}

std::vector<storage::DialRead> dial_reads_from(
    const std::string& field, const google::protobuf::RepeatedPtrField<v1::DialRead>& reads) {
  if (reads.size() > 100) throw StatusError{invalid_field(field, "must not hold more than 100 reads")};
  std::vector<storage::DialRead> result;
  for (int i = 0; i < reads.size(); ++i) {
    const std::string path = field + "[" + std::to_string(i) + "]";
    const Result<ReadingType> type = ReadingType::parse(reads[i].reading_type());
    if (!type) throw StatusError{invalid_field(path + ".reading_type", type.error().message)};
    result.push_back({type->to_string(), decimal_from(path + ".value", reads[i].value())});
  }
  return result;
}

void overwrite(const google::protobuf::RepeatedPtrField<std::string>& fields,
               const storage::MeterDetail& from, storage::MeterDetail& onto) {
  for (const std::string& field : fields) {
    if (field == "model") {
      onto.model = from.model;
    } else if (field == "form") {
      onto.form = from.form;
    } else if (field == "elements") {
      onto.elements = from.elements;
    } else if (field == "wires") {
      onto.wires = from.wires;
    } else if (field == "meter_class") {
      onto.class_a = from.class_a;
    } else if (field == "firmware") {
      // What a firmware is and how it is known belong together.
      onto.firmware = from.firmware;
      onto.firmware_source = from.firmware_source;
      onto.firmware_at = from.firmware_at;
    } else {
      throw StatusError{invalid_field("update_fields",
                                      "\"" + text_from("update_fields", field, 64) +
                                          "\" is none of model, form, elements, wires, meter_class, firmware,"
                                          " module_type, board, han")};
    }
  }
}

void overwrite(const google::protobuf::RepeatedPtrField<std::string>& fields,
               const storage::UsagePointDetail& from, storage::UsagePointDetail& onto) {
  for (const std::string& field : fields) {
    if (field == "time_zone") {
      onto.zone = from.zone;
    } else if (field == "commodity") {
      onto.commodity = from.commodity;
    } else if (field == "feeder") {
      onto.feeder = from.feeder;
    } else if (field == "transformer") {
      onto.transformer = from.transformer;
    } else if (field == "substation") {
      onto.substation = from.substation;
    } else if (field == "collector") {
      onto.collector = from.collector;
    } else {
      throw StatusError{
          invalid_field("update_fields", "\"" + text_from("update_fields", field, 64) +
                                             "\" is none of time_zone, commodity, feeder, transformer,"
                                             " substation, collector")};
    }
  }
}

}  // namespace ami::rpc
