#include "adapters/wire/cim/codec/envelope.h"

#include <string>
#include <string_view>

#include "meter_model/quantity/quoted.h"

namespace ami::cim {
namespace {

std::string string_of(const xml::Element& element) {
  return std::string(element.text());
}

bool same_word(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] - 'A' + 'a') : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

void read_header(const xml::Element& from, Message& message) {
  Header& header = message.header;
  header.verb = string_of(from.child("Verb"));
  header.noun = string_of(from.child("Noun"));
  header.revision = string_of(from.child("Revision"));
  header.context = string_of(from.child("Context"));
  header.timestamp = string_of(from.child("Timestamp"));
  header.source = string_of(from.child("Source"));
  header.async_reply_flag = string_of(from.child("AsyncReplyFlag"));
  header.reply_address = string_of(from.child("ReplyAddress"));
  header.ack_required = string_of(from.child("AckRequired"));
  header.user = string_of(from.child("User").child("UserID"));
  header.organization = string_of(from.child("User").child("Organization"));
  header.message_id = string_of(from.child("MessageID"));
  header.correlation_id = string_of(from.child("CorrelationID"));
  header.comment = string_of(from.child("Comment"));
  for (xml::Element property = from.child("Property"); property; property = property.next_same()) {
    std::string name = string_of(property.child("Name")), value = string_of(property.child("Value"));
    if (same_word(name, "password")) {
      message.credentials = Credentials{header.user, Secret(std::move(value))};
      message.credential_place = CredentialPlace::Body;
    } else {
      header.properties.emplace_back(std::move(name), std::move(value));
    }
  }
  if (message.credentials) header.user.clear();
}

void read_reply(const xml::Element& from, Reply& reply) {
  reply.result = string_of(from.child("Result"));
  for (xml::Element error = from.child("Error"); error; error = error.next_same()) {
    ReplyError said;
    said.code = string_of(error.child("code"));
    said.level = string_of(error.child("level"));
    said.reason = string_of(error.child("reason"));
    said.details = string_of(error.child("details"));
    if (const xml::Element id = error.child("ID")) {
      said.id = string_of(id);
      said.id_kind = std::string(id.attribute("kind"));
      said.object_type = std::string(id.attribute("objectType"));
    } else if (const xml::Element object = error.child("object")) {
      const std::string_view name = object.child("Name").child("name").text();
      said.id = std::string(name.empty() ? object.child("mRID").text() : name);
      said.id_kind = name.empty() ? "mRID" : "name";
      said.object_type = string_of(object.child("objectType"));
    }
    reply.errors.push_back(std::move(said));
  }
}

void read_request(const xml::Element& from, Message& message) {
  Request& request = message.request;
  request.start_time = string_of(from.child("StartTime"));
  request.end_time = string_of(from.child("EndTime"));
  for (xml::Element option = from.child("Option"); option; option = option.next_same()) {
    if (const xml::Element name = option.child("name")) {
      request.options.emplace_back(string_of(name), string_of(option.child("value")));
    } else {
      request.options.emplace_back(std::string{}, string_of(option));
    }
  }
  for (xml::Element id = from.child("ID"); id; id = id.next_same()) request.ids.push_back(string_of(id));
  const xml::Element get = from.child("GetMeterReadings");
  if (get.space() == kLandisGyrSpace) message.edition = Edition::CommandCenter;
  for (xml::Element part = get.first_child(); part; part = part.next()) {
    const std::string_view name = part.name();
    if (name == "EndDevice" || name == "MeterAsset" || name == "Meter") {
      request.meters.push_back(meter_of(part));
    } else if (name == "ReadingType") {
      request.reading_types.emplace_back(type_ref(part));
    }
  }
}

void read_soap_header(const xml::Element& header, Message& message) {
  const xml::Element user = header.child(kLandisGyrSpace, "UserName");
  const xml::Element password = header.child(kLandisGyrSpace, "Password");
  if (!user && !password) return;
  message.credentials = Credentials{string_of(user), Secret(string_of(password))};
  message.credential_place = CredentialPlace::SoapHeader;
}

std::string fault_words(const xml::Element& fault) {
  for (const std::string_view words :
       {fault.child("faultstring").text(), fault.child("Reason").child("Text").text(),
        fault.child("faultcode").text(), fault.child("Code").child("Value").text()}) {
    if (!words.empty()) return std::string(words);
  }
  return "a SOAP Fault without words";
}

Kind kind_of(std::string_view name, std::string_view verb) {
  if (name.ends_with("RequestMessage")) return Kind::Request;
  if (name.ends_with("ResponseMessage")) return Kind::Response;
  if (name.ends_with("EventMessage")) return Kind::Event;
  if (name.ends_with("FaultMessage")) return Kind::Fault;
  if (verb == "reply") return Kind::Response;
  return verb.ends_with("ed") ? Kind::Event : Kind::Request;
}

}  // namespace

std::string_view type_ref(const xml::Element& type) {
  for (const std::string_view said : {type.attribute("ref"), type.child("mRID").text(),
                                      type.child("Names").child("name").text(), type.text()}) {
    if (!said.empty()) return said;
  }
  return {};
}

std::string_view meter_id(const xml::Element& holder, const Options& options) {
  if (!options.meter_is_mrid) {
    for (xml::Element names = holder.child("Names"); names; names = names.next_same()) {
      const std::string_view name = names.child("name").text();
      const std::string_view type = names.child("NameType").child("name").text();
      if (!name.empty() && (options.name_type.empty() || type == options.name_type)) return name;
    }
    if (!options.name_type.empty()) return {};
  }
  return holder.child("mRID").text();
}

xml::Element device_of(const xml::Element& item) {
  for (const std::string_view name : kDeviceHolders) {
    if (const xml::Element holder = item.child(name)) return holder;
  }
  return {};
}

Meter meter_of(const xml::Element& holder) {
  const xml::Element names = holder.child("Names");
  if (const std::string_view name = names.child("name").text(); !name.empty())
    return {std::string(name), false, string_of(names.child("NameType").child("name"))};
  return {string_of(holder.child("mRID")), true, {}};
}

Result<Envelope> open_envelope(const xml::Element& root, Message& message) {
  Envelope envelope;
  xml::Element at = root;
  if (root.name() == "Envelope" && (root.space() == kSoap11Space || root.space() == kSoap12Space)) {
    message.soap = root.space() == kSoap11Space ? Soap::V11 : Soap::V12;
    read_soap_header(root.child(root.space(), "Header"), message);
    const xml::Element body = root.child(root.space(), "Body");
    if (const xml::Element fault = body.child(root.space(), "Fault")) {
      message.kind = Kind::Fault;
      message.fault = fault_words(fault);
      envelope.message = body;
      envelope.soap_fault = fault;
      return envelope;
    }
    at = body.first_child();
  }
  // Some services wrap the message in elements of their own.
  constexpr int kMostWrappers = 3;
  for (int i = 0; i < kMostWrappers && at && !at.child("Header") && !at.child("Reply"); ++i)
    at = at.first_child();
  envelope.message = at;
  envelope.header = at.child("Header");
  envelope.reply = at.child("Reply");
  envelope.request = at.child("Request");
  envelope.payload = at.child("Payload");
  const xml::Element part = envelope.header ? envelope.header : envelope.reply;
  if (!part)
    return permanent("not_a_message: " + quoted(root.name()) + " holds no message with a Header or a Reply");
  const std::string_view space = part.first_child() ? part.first_child().space() : part.space();
  if (space == kMessageSpace2011) {
    message.edition = Edition::Second;
  } else if (space == kMessageSpace2008 || space == "http://iec.ch/TC57/2008/schema/message") {
    message.edition = Edition::First;
  } else {
    return permanent("wrong_namespace: the envelope is of " + quoted(space, 80) + ", not of " +
                     kMessageSpace2011 + " or " + kMessageSpace2008);
  }
  read_header(envelope.header, message);
  message.kind = kind_of(at.name(), message.header.verb);
  if (envelope.reply) read_reply(envelope.reply, message.reply.emplace());
  read_request(envelope.request, message);
  return envelope;
}

}  // namespace ami::cim
