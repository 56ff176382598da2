// What responses carry besides readings, and how they are written.
#include "adapters/wire/multispeak/codec/gather.h"
#include "adapters/wire/multispeak/codec/multispeak.h"

namespace ami::multispeak {
namespace {

Rejection rejection_of(const xml::Element& error) {
  return {std::string(error.attribute("objectID")), std::string(error.attribute("errorString")),
          std::string(error.attribute("nounType")), std::string(error.attribute("eventTime")),
          std::string(error.text())};
}

void encode_rejections(const std::vector<Rejection>& rejections, Version version, xml::Writer& writer) {
  for (const Rejection& rejection : rejections) {
    writer.open("errorObject");
    const auto put = [&](std::string_view name, std::string_view text) {
      if (!text.empty()) writer.attribute(name, text);
    };
    put("objectID", rejection.object_id);
    put("errorString", rejection.error);
    put("nounType", rejection.noun_type);
    put("eventTime", rejection.event_time);
    if (version == Version::V41 && !rejection.text.empty()) writer.text(rejection.text);
    writer.close();
  }
}

void encode_result(Operation operation, const ResponseContent& content, Version version,
                   xml::Writer& writer) {
  switch (operation) {
    case Operation::GetMethods:
      for (const std::string& method : content.methods) writer.leaf("string", method);
      break;
    case Operation::GetAmrSupportedMeters:
      encode_meter_records(content.meters, version, writer);
      break;
    case Operation::GetCdMeterState:
      // 3.0 has the word itself, 4.1 a CDState.
      if (version == Version::V30) {
        writer.text(content.switch_state);
      } else {
        writer.leaf("RCDState", content.switch_state);
      }
      break;
    case Operation::GetLatestReading:
      if (!content.reads.empty()) encode_read_content(content.reads.front(), version, writer);
      break;
    case Operation::GetReadingsByDate:
      for (const MeterRead& read : content.reads) encode(read, version, writer);
      break;
    case Operation::GetReadingsByBillingCycle:
      for (const BlockOfRows& block : content.blocks) {
        writer.open("formattedBlock");
        encode(block, version, writer);
        writer.close();
      }
      break;
    default:
      encode_rejections(content.rejections, version, writer);
  }
}

}  // namespace

void decode_content(Operation operation, const xml::Element& result, ResponseContent& content) {
  switch (operation) {
    case Operation::GetMethods:
      for (xml::Element one = result.child("string"); one; one = one.next_same())
        content.methods.emplace_back(one.text());
      break;
    case Operation::GetAmrSupportedMeters:
      content.meters = decode_meter_records(result);
      break;
    case Operation::GetCdMeterState:
      content.switch_state = result.child("RCDState") ? result.child("RCDState").text() : result.text();
      break;
    default:
      for (xml::Element error = result.child("errorObject"); error; error = error.next_same())
        content.rejections.push_back(rejection_of(error));
  }
}

std::string encode_response(Operation operation, const ResponseContent& content, const Sender& sender) {
  const std::string name(name_of(operation, sender.version));
  xml::Writer writer = begin_message(sender);
  writer.open(name + "Response").attribute("xmlns", namespace_of(sender.version));
  if (!has_empty_response(operation)) {
    writer.open(name + "Result");
    encode_result(operation, content, sender.version, writer);
  }
  return writer.take();
}

}  // namespace ami::multispeak
