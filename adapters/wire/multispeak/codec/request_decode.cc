// The fields of a request as they are read.
#include "adapters/wire/multispeak/codec/request_fields.h"

#include <charconv>

#include "meter_model/quantity/decimal.h"

namespace ami::multispeak {
namespace {

using F = Field;

constexpr std::string_view kMeterElements[] = {"meter", "electricMeter", "gasMeter", "waterMeter",
                                               "propaneMeter"};

bool is_meter(std::string_view name) {
  for (const std::string_view known : kMeterElements) {
    if (known == name) return true;
  }
  return false;
}

void decode_meters(const xml::Element& list, Request& request) {
  if (!request.meters.empty()) return;
  for (xml::Element one = list.first_child(); one; one = one.next()) {
    MeterId meter;
    if (one.name() == "string") {
      meter.number = one.text();
    } else if (one.name() == "meterID") {
      meter.number = one.has_attribute("meterNo") ? one.attribute("meterNo") : one.text();
      meter.object_id = one.attribute("objectID");
      meter.utility = one.attribute("utility");
      if (one.has_attribute("serviceType")) meter.service_type = one.attribute("serviceType");
    } else {
      meter = decode_meter_id(one);
      if (const auto service = one.child("serviceType").text(); !service.empty())
        meter.service_type = service;
    }
    request.meters.push_back(std::move(meter));
  }
}

MeterRead decode_read_identity(const xml::Element& element) {
  MeterRead read;
  read.meter = decode_meter_id(element);
  read.object_id = element.attribute("objectID");
  read.device_id = element.child("deviceID").text();
  read.reading_date = element.child("readingDate").text();
  read.pos_kwh = element.child("posKWh").text();
  return read;
}

void decode_changes(const xml::Element& list, Request& request) {
  if (!request.changes.empty()) return;
  for (xml::Element one = list.child("meterExchange"); one; one = one.next_same()) {
    request.changes.push_back(
        {decode_read_identity(one.child("outMeterRead")), decode_read_identity(one.child("inMeterRead"))});
  }
}

void decode_orders(const xml::Element& list, Request& request) {
  if (!request.orders.empty()) return;
  for (xml::Element one = list.child("connectDisconnectEvent"); one; one = one.next_same()) {
    SwitchOrder order;
    order.object_id = one.attribute("objectID");
    order.service_location = one.child("servLoc").text();
    order.load_action = one.child("loadActionCode").text();
    order.reason =
        one.child("CDReasonCode") ? one.child("CDReasonCode").text() : one.child("reasonCode").text();
    order.meter = decode_meter_id(one);
    request.orders.push_back(std::move(order));
  }
}

// Whole seconds, rounded up; nullopt: no number above zero, or out of range.
std::optional<std::chrono::seconds> expiry_of(std::string_view text, std::chrono::milliseconds unit) {
  const auto number = Decimal::parse(text);
  const auto product = number ? number->times(Decimal{unit.count(), -3}) : std::nullopt;
  if (!product || product->mantissa <= 0 || *product > Decimal{std::int64_t{366} * 86400, 0})
    return std::nullopt;
  const Decimal whole = product->normalised();
  std::int64_t seconds = whole.mantissa;
  for (std::int32_t e = whole.exponent; e > 0; --e) seconds *= 10;
  for (std::int32_t e = whole.exponent; e < 0; ++e) seconds = seconds / 10 + (seconds % 10 != 0 ? 1 : 0);
  return std::chrono::seconds{seconds};
}

}  // namespace

std::vector<MeterRecord> decode_meter_records(const xml::Element& list) {
  std::vector<MeterRecord> meters;
  // 4.1 groups meters by service, one list within the other; 3.0 has one flat list.
  for (xml::Element at = list.first_child(); at;) {
    if (is_meter(at.name())) {
      MeterRecord record{decode_meter_id(at), std::string(at.child("serialNumber").text()),
                         std::string(at.child("transponderID").text())};
      if (record.meter.number.empty()) record.meter.number = at.attribute("objectID");
      meters.push_back(std::move(record));
    } else if (at.first_child()) {
      at = at.first_child();
      continue;
    }
    while (at && !at.next()) {
      at = at.parent();
      if (at.begin() == list.begin()) return meters;
    }
    at = at.next();
  }
  return meters;
}

MeterId decode_meter_id(const xml::Element& owner) {
  MeterId meter;
  const xml::Element id = owner.child("meterID");
  meter.number = owner.child("meterNo").text();
  if (meter.number.empty()) meter.number = id.attribute("meterNo");
  if (meter.number.empty()) meter.number = id.text();
  meter.object_id = id.attribute("objectID");
  meter.utility = id.attribute("utility");
  if (id.has_attribute("serviceType")) meter.service_type = id.attribute("serviceType");
  return meter;
}

void decode_field(Field field, const xml::Element& content, std::chrono::seconds expiry_unit,
                  Request& request) {
  for (const TextField& text : kTextFields) {
    if (text.field == field) request.*text.text = content.child(text.name).text();
  }
  for (const DaysField& days : kDaysFields) {
    if (days.field != field) continue;
    const std::string_view text = content.child(days.name).text();
    std::from_chars(text.data(), text.data() + text.size(), request.*days.days);
  }
  switch (field) {
    case F::MeterNo:
    case F::MeterId:
      if (request.meters.empty()) {
        if (MeterId meter = decode_meter_id(content); !meter.number.empty())
          request.meters.push_back(std::move(meter));
      }
      return;
    case F::MeterNos:
    case F::MeterIds:
    case F::MeterIdentifiers:
    case F::States:
      return decode_meters(content.child(list_name(field)), request);
    case F::CdEvents:
      return decode_orders(content.child("cdEvents"), request);
    case F::AddedMeters:
    case F::RemovedMeters:
    case F::RetiredMeters:
      if (request.records.empty()) request.records = decode_meter_records(content.child(list_name(field)));
      return;
    case F::MeterChangeout:
      return decode_changes(content.child("meterChangeout"), request);
    case F::ExpirationTime:
      if (!request.expiry) request.expiry = expiry_of(content.child("expirationTime").text(), expiry_unit);
      return;
    case F::ExpTime: {
      const xml::Element time = content.child("expTime");
      const std::string_view word = time.attribute("units");
      const auto unit =
          word.empty() ? std::optional<std::chrono::milliseconds>(expiry_unit) : unit_length(word);
      if (!request.expiry && unit) request.expiry = expiry_of(time.text(), *unit);
      return;
    }
    case F::FieldNames:
      if (!request.field_names.empty()) return;
      for (xml::Element one = content.child("fieldName").child("string"); one; one = one.next_same())
        request.field_names.emplace_back(one.text());
      return;
    default:
      return;
  }
}

}  // namespace ami::multispeak
