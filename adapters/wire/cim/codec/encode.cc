#include "adapters/wire/cim/codec/encode.h"

#include <string_view>
#include <utility>

#include "adapters/wire/xml/writer.h"

namespace ami::cim {
namespace {

constexpr const char* kSchemaInstance = "http://www.w3.org/2001/XMLSchema-instance";

// Writes one message. Namespaces are declared where they begin, so no element needs a prefix.
class MessageWriter {
 public:
  explicit MessageWriter(const Message& message) : m_(message), first_(message.edition != Edition::Second) {}

  std::string write();

 private:
  [[nodiscard]] std::string space(const char* noun) const {
    return std::string("http://iec.ch/TC57/") + (first_ ? "2009/" : "2011/") + noun + "#";
  }
  void header();
  void reply();
  void request();
  void payload();
  // The list around items, and around each what its edition puts there.
  template <class List, class Write>
  void items(const char* noun, const char* item, const List& list, Write write);
  void device(const char* name, const Meter& meter);
  void names(const Meter& meter);
  void write(const Control& control);
  void write(const Event& event);
  void write(const MeterReading& reading);
  void write(const Reading& reading, bool in_block);
  void reference(const char* name, const std::string& ref) {
    if (!ref.empty()) w_.open(name).attribute("ref", ref).close();
  }

  const Message& m_;
  const bool first_;  // names of the first edition
  xml::Writer w_;
};

std::string MessageWriter::write() {
  const char* soap = m_.soap == Soap::V11 ? kSoap11Space : kSoap12Space;
  if (m_.soap != Soap::None) {
    w_.open("s:Envelope").attribute("xmlns:s", soap);
    if (m_.credentials && m_.credential_place == CredentialPlace::SoapHeader) {
      w_.open("s:Header");
      w_.open("h:UserName").attribute("xmlns:h", kLandisGyrSpace).text(m_.credentials->user).close();
      w_.open("h:Password")
          .attribute("xmlns:h", kLandisGyrSpace)
          .text(m_.credentials->password.reveal())
          .close();
      w_.close();
    }
    w_.open("s:Body");
    if (m_.kind == Kind::Fault && !m_.reply) {
      w_.open("s:Fault");
      if (m_.soap == Soap::V11) {
        w_.leaf("faultcode", "s:Server").leaf("faultstring", m_.fault);
      } else {
        w_.open("s:Code").leaf("s:Value", "s:Receiver").close();
        w_.open("s:Reason").open("s:Text").attribute("xml:lang", "en").text(m_.fault).close().close();
      }
      return w_.take();
    }
  }
  constexpr const char* kNames[] = {"RequestMessage", "ResponseMessage", "EventMessage", "FaultMessage"};
  w_.open(kNames[static_cast<std::size_t>(m_.kind)])
      .attribute("xmlns", first_ ? kMessageSpace2008 : kMessageSpace2011);
  header();
  request();
  reply();
  payload();
  return w_.take();
}

void MessageWriter::header() {
  const Header& h = m_.header;
  const bool secret = m_.credentials && m_.credential_place == CredentialPlace::Body;
  w_.open("Header");
  w_.leaf_unless_empty("Verb", h.verb).leaf_unless_empty("Noun", h.noun);
  w_.leaf_unless_empty("Revision", h.revision).leaf_unless_empty("Context", h.context);
  w_.leaf_unless_empty("Timestamp", h.timestamp).leaf_unless_empty("Source", h.source);
  w_.leaf_unless_empty("AsyncReplyFlag", h.async_reply_flag);
  w_.leaf_unless_empty("ReplyAddress", h.reply_address).leaf_unless_empty("AckRequired", h.ack_required);
  if (secret || !h.user.empty() || !h.organization.empty()) {
    w_.open("User").leaf_unless_empty("UserID", secret ? m_.credentials->user : h.user);
    w_.leaf_unless_empty("Organization", h.organization).close();
  }
  w_.leaf_unless_empty("MessageID", h.message_id).leaf_unless_empty("CorrelationID", h.correlation_id);
  w_.leaf_unless_empty("Comment", h.comment);
  for (const auto& [name, value] : h.properties)
    w_.open("Property").leaf("Name", name).leaf("Value", value).close();
  if (secret)
    w_.open("Property").leaf("Name", "Password").leaf("Value", m_.credentials->password.reveal()).close();
  w_.close();
}

void MessageWriter::reply() {
  if (!m_.reply) return;
  w_.open("Reply").leaf_unless_empty("Result", m_.reply->result);
  for (const ReplyError& error : m_.reply->errors) {
    w_.open("Error").leaf_unless_empty("code", error.code).leaf_unless_empty("level", error.level);
    w_.leaf_unless_empty("reason", error.reason).leaf_unless_empty("details", error.details);
    if (!error.id.empty()) {
      w_.open("ID");
      if (!error.id_kind.empty()) w_.attribute("kind", error.id_kind);
      if (!error.object_type.empty()) w_.attribute("objectType", error.object_type);
      w_.text(error.id).close();
    }
    w_.close();
  }
  w_.close();
}

void MessageWriter::names(const Meter& meter) {
  if (meter.mrid) {
    w_.leaf("mRID", meter.id);
    return;
  }
  w_.open("Names").leaf("name", meter.id);
  if (!meter.name_type.empty()) w_.open("NameType").leaf("name", meter.name_type).close();
  w_.close();
}

void MessageWriter::device(const char* name, const Meter& meter) {
  w_.open(name);
  names(meter);
  w_.close();
}

void MessageWriter::request() {
  const Request& r = m_.request;
  if (r.empty()) return;
  w_.open("Request");
  w_.leaf_unless_empty("StartTime", r.start_time).leaf_unless_empty("EndTime", r.end_time);
  for (const auto& [name, value] : r.options) {
    if (name.empty()) {
      w_.leaf("Option", value);
    } else {
      w_.open("Option").leaf("name", name).leaf("value", value).close();
    }
  }
  for (const std::string& id : r.ids) w_.leaf("ID", id);
  if (!r.meters.empty() || !r.reading_types.empty()) {
    const bool vendor = m_.edition == Edition::CommandCenter;  // assumed
    w_.open("GetMeterReadings").attribute("xmlns", vendor ? kLandisGyrSpace : space("GetMeterReadings"));
    for (const Meter& meter : r.meters) device(first_ ? "MeterAsset" : "EndDevice", meter);
    for (const std::string& type : r.reading_types) {
      if (first_) {
        reference("ReadingType", type);
      } else {
        w_.open("ReadingType").open("Names").leaf("name", type).close().close();
      }
    }
    w_.close();
  }
  w_.close();
}

template <class List, class Write>
void MessageWriter::items(const char* noun, const char* item, const List& list, Write write) {
  if (list.empty()) return;
  if (m_.edition != Edition::CommandCenter) {
    w_.open(noun).attribute("xmlns", space(noun));
    for (const auto& one : list) {
      w_.open(item);
      write(one);
      w_.close();
    }
  } else {
    w_.open("anyType").attribute("xmlns:xsi", kSchemaInstance).attribute("xmlns:q1", kLandisGyrSpace);
    w_.attribute("xsi:type", std::string("q1:ArrayOf") + item);
    for (const auto& one : list) {
      // The item's element is the vendor's, what is in it the standard's.
      w_.open(std::string("q1:") + item).attribute("xmlns", space(noun));
      write(one);
      w_.close();
    }
  }
  w_.close();
}

void MessageWriter::payload() {
  if (m_.meter_readings.empty() && m_.controls.empty() && m_.events.empty()) return;
  w_.open("Payload");
  const auto one = [this](const auto& item) { write(item); };
  items("MeterReadings", "MeterReading", m_.meter_readings, one);
  items("EndDeviceControls", "EndDeviceControl", m_.controls, one);
  items("EndDeviceEvents", "EndDeviceEvent", m_.events, one);
  w_.close();
}

void MessageWriter::write(const Control& control) {
  w_.leaf_unless_empty("mRID", control.mrid).leaf_unless_empty("reason", control.reason);
  if (first_) {
    w_.leaf_unless_empty("type", control.type);  // assumed
  } else {
    reference("EndDeviceControlType", control.type);
  }
  for (const Meter& meter : control.meters) device(first_ ? "EndDevice" : "EndDevices", meter);
  if (!control.start.empty())
    w_.open("primaryDeviceTiming").open("interval").leaf("start", control.start).close().close();
}

void MessageWriter::write(const Event& event) {
  w_.leaf_unless_empty("mRID", event.mrid);
  if (first_) w_.leaf_unless_empty("category", event.type);
  w_.leaf_unless_empty("createdDateTime", event.created).leaf_unless_empty("reason", event.reason);
  w_.leaf_unless_empty("severity", event.severity);
  if (!event.meter.id.empty()) device("Assets", event.meter);
  if (!first_) reference("EndDeviceEventType", event.type);
  if (!event.status_time.empty() || !event.status_value.empty()) {
    w_.open("status").leaf_unless_empty("dateTime", event.status_time);
    w_.leaf_unless_empty("value", event.status_value).close();
  }
}

void MessageWriter::write(const Reading& reading, bool in_block) {
  w_.leaf_unless_empty("reportedDateTime", reading.reported);
  w_.leaf_unless_empty("timeStamp", reading.time_stamp);
  if (reading.value) w_.leaf("value", *reading.value);
  for (const std::string& quality : reading.qualities) {
    w_.open("ReadingQualities");
    if (first_) {
      w_.leaf("quality", quality);
    } else {
      reference("ReadingQualityType", quality);
    }
    w_.close();
  }
  if (!in_block) reference("ReadingType", reading.type);
  if (!reading.period_start.empty() || !reading.period_end.empty()) {
    w_.open("timePeriod").leaf_unless_empty("end", reading.period_end);
    w_.leaf_unless_empty("start", reading.period_start).close();
  }
}

void MessageWriter::write(const MeterReading& reading) {
  for (const IntervalBlock& block : reading.blocks) {
    w_.open("IntervalBlocks");
    for (const Reading& one : block.readings) {
      w_.open("IntervalReadings");
      write(one, true);
      w_.close();
    }
    reference("ReadingType", block.type);
    w_.close();
  }
  if (!reading.meter.id.empty()) device(first_ ? "MeterAsset" : "Meter", reading.meter);
  for (const Reading& one : reading.readings) {
    w_.open("Readings");
    write(one, false);
    w_.close();
  }
}

}  // namespace

std::string encode(const Message& message) {
  return MessageWriter(message).write();
}

Message get_scalar_readings(std::vector<Meter> meters, std::vector<std::string> reading_types) {
  Message message;
  message.header.verb = "get";
  message.header.noun = "MeterReadings";
  message.request.meters = std::move(meters);
  message.request.reading_types = std::move(reading_types);
  return message;
}

Message get_interval_readings(std::vector<Meter> meters, std::vector<std::string> reading_types,
                              std::string start, std::string end) {
  Message message = get_scalar_readings(std::move(meters), std::move(reading_types));
  message.request.start_time = std::move(start);
  message.request.end_time = std::move(end);
  return message;
}

Message create_control(std::string type, std::vector<Meter> meters) {
  Message message;
  message.header.verb = "create";
  message.header.noun = "EndDeviceControls";
  Control control;
  control.type = std::move(type);
  control.meters = std::move(meters);
  message.controls.push_back(std::move(control));
  return message;
}

Message reply_to(const Message& request, Reply reply) {
  Message message;
  message.kind = Kind::Response;
  message.soap = request.soap;
  message.edition = request.edition;
  message.header.verb = "reply";
  message.header.noun = request.header.noun;
  message.header.correlation_id =
      request.header.correlation_id.empty() ? request.header.message_id : request.header.correlation_id;
  message.reply = std::move(reply);
  return message;
}

}  // namespace ami::cim
