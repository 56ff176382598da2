// Whole messages: envelope, operation, then the part that reads it.
#include "adapters/wire/multispeak/codec/gather.h"
#include "adapters/wire/multispeak/codec/multispeak.h"
#include "meter_model/quantity/quoted.h"

namespace ami::multispeak {
namespace {

constexpr std::string_view kResponse = "Response";

Error too_much() {
  return permanent("too_large: the message stands for more than " + std::to_string(kMaxValues) +
                   " values or " + std::to_string(kMaxRawBytes) + " bytes of records: ask for smaller pages");
}

// The children that carry data: intervalData itself, or a list of them.
void decode_interval_part(const xml::Element& part, Gather& gather) {
  if (!part.child("intervalData")) return decode_intervals(part, gather);
  for (xml::Element one = part.child("intervalData"); one; one = one.next_same())
    decode_intervals(one, gather);
}

void decode_blocks_part(const xml::Element& part, Gather& gather) {
  if (!part.child("formattedBlock")) return decode_formatted_block(part, gather);
  for (xml::Element one = part.child("formattedBlock"); one; one = one.next_same())
    decode_formatted_block(one, gather);
}

void decode_notified(Operation operation, Gather& gather) {
  const xml::Element& content = gather.content();
  switch (operation) {
    case Operation::ReadingChanged:
      decode_reads(content.child("changedMeterReads"), gather);
      break;
    case Operation::IntervalData:
      decode_interval_part(content.child("intervalReads"), gather);
      break;
    case Operation::FormattedBlock:
      decode_blocks_part(content.child("changedMeterReads"), gather);
      break;
    case Operation::CdStateChanged:
    case Operation::CdStatesChanged:
      decode_switch_changes(gather);
      break;
    case Operation::CdState:
    case Operation::CdStates:
      decode_switch_states(gather);
      break;
    case Operation::OutageEvents:
      decode_outage_events(content.child("ODEvents"), gather);
      break;
    case Operation::MeterEvents:
      decode_meter_events(content.child("events"), gather);
      break;
    default:
      break;
  }
  gather.failed_as_a_whole();
}

std::string_view without_suffix(std::string_view name, std::string_view suffix) {
  if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  return name;
}

// In the order of the message, wherever in the content a meter is named.
std::string first_meter(const xml::Element& content) {
  for (xml::Element at = content.first_child(); at;) {
    if (at.name() == "meterNo" || at.name() == "meterID") {
      const std::string_view number = at.has_attribute("meterNo") ? at.attribute("meterNo") : at.text();
      if (!number.empty()) return std::string(number);
    }
    if (at.first_child()) {
      at = at.first_child();
      continue;
    }
    while (at && !at.next()) {
      at = at.parent();
      if (at.begin() == content.begin()) return {};
    }
    at = at.next();
  }
  return {};
}

// The readings in a response; `result` is its …Result element.
void decode_answered(Operation operation, const xml::Element& result, Gather& gather) {
  switch (operation) {
    case Operation::GetLatestReading:
      decode_one_read(result, gather);
      break;
    case Operation::GetReadingsByDate:
      decode_reads(result, gather);
      break;
    case Operation::GetReadingsByBillingCycle:
      decode_blocks_part(result, gather);
      break;
    default:
      break;
  }
}

bool carries_readings(Operation operation) {
  return operation == Operation::GetLatestReading || operation == Operation::GetReadingsByDate ||
         operation == Operation::GetReadingsByBillingCycle;
}

// …Result of a response, which is named after the operation in the response's own version.
xml::Element result_of(const xml::Element& response) {
  return response.child(std::string(without_suffix(response.name(), kResponse)) + "Result");
}

}  // namespace

Result<Incoming> decode_request(std::string_view bytes, const Options& options) {
  const auto tree = xml::Tree::parse(bytes, options.limits);
  if (!tree) return tree.error();
  const auto envelope = read_envelope(*tree);
  if (!envelope) return envelope.error();
  const std::string_view name = envelope->content.name();
  const auto operation = envelope->is_fault ? std::nullopt : operation_named(name);
  if (!operation) return permanent("unknown_operation: " + quoted(name, 80) + " is not offered here");
  Incoming incoming;
  incoming.soap = envelope->soap;
  incoming.version = envelope->version;
  incoming.operation = *operation;
  incoming.header = envelope->header;
  incoming.transaction = envelope->content.child("transactionID").text();
  if (is_notification(*operation)) {
    incoming.journal = without_header(bytes, *tree);
    incoming.first_meter = first_meter(envelope->content);
  } else {
    incoming.request = decode_request_content(*operation, envelope->content);
  }
  return incoming;
}

Result<Notification> decode_notification(std::string_view bytes, const Options& options) {
  const auto tree = xml::Tree::parse(bytes, options.limits);
  if (!tree) return tree.error();
  const auto envelope = read_envelope(*tree);
  if (!envelope) return envelope.error();
  const xml::Element& content = envelope->content;
  const bool response = content.name().ends_with(kResponse);
  const auto operation = operation_named(without_suffix(content.name(), kResponse));
  const bool readable = operation && (response ? carries_readings(*operation) : is_notification(*operation));
  if (envelope->is_fault || !readable) {
    return permanent("not_a_notification: " + quoted(content.name(), 80) +
                     " carries neither readings nor events nor results");
  }
  Notification notification;
  notification.version = envelope->version;
  notification.operation = *operation;
  notification.transaction = content.child("transactionID").text();
  Gather gather(bytes, content, options, notification.reports, envelope->created);
  if (response) {
    decode_answered(*operation, result_of(content), gather);
  } else {
    decode_notified(*operation, gather);
  }
  if (gather.overflowed()) return too_much();
  return notification;
}

Result<Response> decode_response(std::string_view bytes, Operation asked, const Options& options) {
  const auto tree = xml::Tree::parse(bytes, options.limits);
  if (!tree) return tree.error();
  const auto envelope = read_envelope(*tree);
  if (!envelope) return envelope.error();
  Response response;
  response.version = envelope->version;
  response.header = envelope->header;
  if (envelope->is_fault) {
    response.fault = decode_fault(envelope->content);
    return response;
  }
  const xml::Element& content = envelope->content;
  // Either version's name is fine: a broker may answer in the other.
  if (!content.name().ends_with(kResponse) ||
      operation_named(without_suffix(content.name(), kResponse)) != asked) {
    return permanent("unexpected_answer: " + quoted(content.name(), 80) + " instead of " +
                     std::string(name_of(asked, envelope->version)) + "Response");
  }
  const xml::Element result = result_of(content);
  decode_content(asked, result, response.content);
  Gather gather(bytes, content, options, response.reports, envelope->created);
  decode_answered(asked, result, gather);
  if (gather.overflowed()) return too_much();
  return response;
}

}  // namespace ami::multispeak
