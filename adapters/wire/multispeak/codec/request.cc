#include "adapters/wire/multispeak/codec/request.h"

#include <algorithm>
#include <array>
#include <span>

#include "adapters/wire/multispeak/codec/request_fields.h"
#include "meter_model/quantity/quoted.h"
#include "meter_model/time/instant.h"

namespace ami::multispeak {
namespace {

constexpr std::array<std::string_view, 12> kLoadActions30 = {
    "Connect", "Disconnect", "InitiatePowerLimitation",
    "Open",    "Closed",     "Armed",
    "Unknown", "Arm",        "Enable",
    "Disable", "Enabled",    "Disabled"};
constexpr std::array<std::string_view, 3> kLoadActionsMore41 = {"CancelPowerLimitation", "Opened", "Close"};

std::string not_sent(const Request& request, Version version, const std::string& why) {
  return std::string(name_of(request.operation, version)) + " is not sent: " + why;
}

bool known_action(std::string_view word, Version version) {
  return !word.empty() && (std::ranges::find(kLoadActions30, word) != kLoadActions30.end() ||
                           (version == Version::V41 &&
                            std::ranges::find(kLoadActionsMore41, word) != kLoadActionsMore41.end()));
}

std::string bad_order(const SwitchOrder& order, Version version) {
  if (order.meter.number.empty()) return "a switch order without a meter number";
  if (order.load_action.empty())
    return "the switch order for meter " + quoted(order.meter.number) + " has no loadActionCode";
  if (known_action(order.load_action, version)) return {};
  return "loadActionCode " + quoted(order.load_action) + " of the switch order for meter " +
         quoted(order.meter.number) + " is not one of MultiSpeak " + std::string(name_of(version)) +
         "'s, such as Connect, Disconnect, Arm";
}

std::string bad_date(std::string_view field, const std::string& text) {
  if (parse_stated_time(text)) return {};
  return std::string(field) + " " + quoted(text) + " is not a date-time (2026-01-15T12:00:00Z)";
}

// What is wrong with one field, in words; "" = nothing.
std::string problem_of(Field field, const Request& request, Version version) {
  switch (field) {
    case Field::MeterNo:
    case Field::MeterId:
    case Field::MeterNos:
    case Field::MeterIds:
    case Field::MeterIdentifiers:
    case Field::States:
      if (request.meters.empty()) return "it names no meter";
      for (const MeterId& meter : request.meters) {
        if (meter.number.empty()) return "one of its meters has no number";
      }
      return {};
    case Field::CdEvents:
      if (request.orders.empty()) return "it has no switch order";
      for (const SwitchOrder& order : request.orders) {
        if (auto why = bad_order(order, version); !why.empty()) return why;
      }
      return {};
    case Field::AddedMeters:
    case Field::RemovedMeters:
    case Field::RetiredMeters:
      if (request.records.empty()) return "it names no meter";
      for (const MeterRecord& record : request.records) {
        if (record.meter.number.empty()) return "one of its meters has no number";
      }
      return {};
    case Field::MeterChangeout:
      return request.changes.empty() ? "it names no exchange" : "";
    case Field::ResponseUrl:
      return request.response_url.empty() ? "the responseURL is missing: the answer would go nowhere" : "";
    case Field::TransactionId:
      return request.transaction.empty() ? "the transactionID is missing: the answer could not be matched"
                                         : "";
    case Field::ExpirationTime:
    case Field::ExpTime:
      return request.expiry && request.expiry->count() > 0 ? "" : "the expiry must be above zero";
    case Field::StartDate:
      return bad_date("startDate", request.start);
    case Field::EndDate:
      return bad_date("endDate", request.end);
    case Field::RequestDate:
      return bad_date("requestDate", request.request_date);
    case Field::BillingDate:
      return bad_date("billingDate", request.billing_date);
    default:
      return {};
  }
}

}  // namespace

Outcome check(const Request& request, Version version) {
  if (is_notification(request.operation))
    return permanent(std::string(name_of(request.operation, version)) + " is not a request");
  if (name_of(request.operation, version).empty()) {
    return permanent("MultiSpeak " + std::string(name_of(version)) + " has no " +
                     std::string(name_of(request.operation, Version::V41)));
  }
  const std::span<const Field> fields = fields_of(request.operation, version);
  for (const Field field : fields) {
    if (const auto why = problem_of(field, request, version); !why.empty())
      return permanent(not_sent(request, version, why));
  }
  const bool one_meter = std::ranges::any_of(
      fields, [](Field field) { return field == Field::MeterNo || field == Field::MeterId; });
  if (one_meter && request.meters.size() > 1)
    return permanent(not_sent(request, version, "it asks for one meter, not several"));
  return Done{};
}

Result<std::string> encode_request(const Request& request, const Sender& sender,
                                   std::chrono::seconds expiry_unit) {
  if (auto sound = check(request, sender.version); !sound) return sound.error();
  xml::Writer writer = begin_message(sender);
  writer.open(name_of(request.operation, sender.version)).attribute("xmlns", namespace_of(sender.version));
  for (const Field field : fields_of(request.operation, sender.version))
    encode_field(field, request, sender.version, expiry_unit, writer);
  return writer.take();
}

Request decode_request_content(Operation operation, const xml::Element& content,
                               std::chrono::seconds expiry_unit) {
  Request request;
  request.operation = operation;
  // Fields of either version are looked for: the same words mean the same in both.
  for (const Version version : {Version::V30, Version::V41}) {
    for (const Field field : fields_of(operation, version))
      decode_field(field, content, expiry_unit, request);
  }
  return request;
}

}  // namespace ami::multispeak
