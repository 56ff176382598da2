// The fields of a request as they are written.
#include "adapters/wire/multispeak/codec/request_fields.h"

#include "meter_model/quantity/decimal.h"

namespace ami::multispeak {
namespace {

using F = Field;

void encode_order(const SwitchOrder& order, Version version, xml::Writer& writer) {
  writer.open("connectDisconnectEvent");
  if (!order.object_id.empty()) writer.attribute("objectID", order.object_id);
  if (version == Version::V30) {
    writer.leaf_unless_empty("servLoc", order.service_location)
        .leaf("loadActionCode", order.load_action)
        .leaf_unless_empty("reasonCode", order.reason);
    encode(order.meter, version, writer);
  } else {
    encode(order.meter, version, writer);
    writer.leaf("loadActionCode", order.load_action).leaf_unless_empty("CDReasonCode", order.reason);
  }
  writer.close();
}

void encode_changes(const Request& request, Version version, xml::Writer& writer) {
  writer.open("meterChangeout");
  for (const MeterChange& change : request.changes) {
    writer.open("meterExchange");
    writer.open("outMeterRead");
    encode_read_content(change.removed, version, writer);
    writer.close().open("inMeterRead");
    encode_read_content(change.installed, version, writer);
    writer.close().close();
  }
  writer.close();
}

void encode_meters(const Request& request, Field field, Version version, xml::Writer& writer) {
  writer.open(list_name(field));
  for (const MeterId& meter : request.meters) {
    if (field == F::MeterNos) {
      writer.leaf("string", meter.number);
    } else if (field == F::MeterIds) {
      encode(meter, version, writer);
    } else {
      writer.open(field == F::States ? "CDState" : "meterIdentifier");
      encode(meter, version, writer);
      if (field == F::MeterIdentifiers) writer.leaf_unless_empty("serviceType", meter.service_type);
      writer.close();
    }
  }
  writer.close();
}

}  // namespace

void encode_meter_records(const std::vector<MeterRecord>& records, Version version, xml::Writer& writer) {
  if (version == Version::V41) writer.open("electricMeters");
  for (const MeterRecord& record : records) {
    writer.open(version == Version::V30 ? "meter" : "electricMeter")
        .attribute("objectID", record.meter.number);
    encode(record.meter, version, writer);
    writer.leaf_unless_empty("serialNumber", record.serial_number)
        .leaf_unless_empty("transponderID", record.transponder_id)
        .close();
  }
  if (version == Version::V41) writer.close();
}

std::string expiry_text(std::chrono::seconds expiry, std::chrono::seconds unit) {
  const std::int64_t thousandths = (expiry.count() * 1000 + unit.count() - 1) / unit.count();
  return Decimal{thousandths, -3}.normalised().to_string();
}

void encode_field(Field field, const Request& request, Version version, std::chrono::seconds expiry_unit,
                  xml::Writer& writer) {
  for (const TextField& text : kTextFields) {
    if (text.field != field) continue;
    if (text.always || !(request.*text.text).empty()) writer.leaf(text.name, request.*text.text);
    return;
  }
  for (const DaysField& days : kDaysFields) {
    if (days.field != field) continue;
    writer.leaf(days.name, std::to_string(request.*days.days));
    return;
  }
  switch (field) {
    case F::MeterNo:
    case F::MeterId:
      return encode(request.meters.front(), version, writer);
    case F::MeterNos:
    case F::MeterIds:
    case F::MeterIdentifiers:
    case F::States:
      return encode_meters(request, field, version, writer);
    case F::CdEvents:
      writer.open("cdEvents");
      for (const SwitchOrder& order : request.orders) encode_order(order, version, writer);
      writer.close();
      return;
    case F::AddedMeters:
    case F::RemovedMeters:
    case F::RetiredMeters:
      writer.open(list_name(field));
      encode_meter_records(request.records, version, writer);
      writer.close();
      return;
    case F::MeterChangeout:
      return encode_changes(request, version, writer);
    case F::ExpirationTime:
      writer.leaf("expirationTime", expiry_text(*request.expiry, expiry_unit));
      return;
    case F::ExpTime: {
      const bool minutes = request.expiry->count() % 60 == 0;
      const std::chrono::seconds unit{minutes ? 60 : 1};
      writer.open("expTime").attribute("units", minutes ? "Minutes" : "Seconds");
      writer.text(expiry_text(*request.expiry, unit)).close();
      return;
    }
    case F::FieldNames:
      if (request.field_names.empty()) return;
      writer.open("fieldName");
      for (const std::string& name : request.field_names) writer.leaf("string", name);
      writer.close();
      return;
    default:
      return;
  }
}

}  // namespace ami::multispeak
