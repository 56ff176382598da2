#include "adapters/wire/multispeak/codec/envelope.h"

#include "meter_model/quantity/quoted.h"
#include "meter_model/time/instant.h"

namespace ami::multispeak {
namespace {

constexpr std::string_view kHeaderName = "MultiSpeakMsgHeader";
constexpr std::string_view kCreated = "created";  // in a header of ours
constexpr std::string_view kCreatedSpace = "urn:ami-gateway";

std::optional<Soap> soap_of(std::string_view space) {
  for (const Soap soap : {Soap::V11, Soap::V12}) {
    if (space == envelope_namespace(soap)) return soap;
  }
  return std::nullopt;
}

}  // namespace

Result<Envelope> read_envelope(const xml::Tree& tree) {
  Envelope envelope;
  const xml::Element root = tree.root();
  envelope.content = root;
  if (const auto soap = soap_of(root.space())) {
    if (root.name() != "Envelope") return permanent("not_soap: the root is " + quoted(root.name()));
    envelope.soap = *soap;
    envelope.content = root.child(root.space(), "Body").first_child();
    // The header may be in the other version's namespace: a broker between two versions leaves it so.
    for (xml::Element one = root.child(root.space(), "Header").first_child(); one; one = one.next()) {
      if (one.name() == kHeaderName) {
        envelope.header = decode_header(one);
        envelope.created = envelope.header->time_stamp;
      } else if (one.name() == kCreated && one.space() == kCreatedSpace) {
        envelope.created = one.text();
      }
    }
    if (!parse_stated_time(envelope.created)) envelope.created.clear();
  } else if (root.name() == "Envelope") {
    return permanent("not_soap: the envelope's namespace " + quoted(root.space(), 80) +
                     " is neither SOAP 1.1 nor 1.2");
  }
  if (!envelope.content) return permanent("no_operation: the SOAP body is empty");
  if (soap_of(envelope.content.space()) && envelope.content.name() == "Fault") {
    envelope.is_fault = true;
    return envelope;
  }
  const std::string_view space = envelope.content.space();
  if (is_version_5(space)) {
    return permanent("unsupported_version: MultiSpeak 5 is not spoken here, send 3.0 (" +
                     std::string(namespace_of(Version::V30)) + ") or 4.1 (" +
                     std::string(namespace_of(Version::V41)) + ")");
  }
  const auto version = version_of_namespace(space);
  if (!version) {
    return permanent("unknown_namespace: " + quoted(space, 80) + " is not MultiSpeak's 3.0 (" +
                     std::string(namespace_of(Version::V30)) + ") or 4.1 (" +
                     std::string(namespace_of(Version::V41)) + ")");
  }
  envelope.version = *version;
  return envelope;
}

std::string_view start_tag(std::string_view message, const xml::Element& element) noexcept {
  const std::string_view text = message.substr(static_cast<std::size_t>(element.begin()));
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return text.substr(0, i + 1);
    }
  }
  return text;
}

std::string end_tag(std::string_view start_tag) {
  const auto name_end = start_tag.find_first_of(" \t\r\n/>", 1);
  return "</" + std::string(start_tag.substr(1, name_end - 1)) + ">";
}

std::string without_header(std::string_view message, const xml::Tree& tree) {
  const xml::Element root = tree.root();
  const auto slice = [&](const xml::Element& element) {
    return message.substr(static_cast<std::size_t>(element.begin()),
                          static_cast<std::size_t>(element.end() - element.begin()));
  };
  if (!soap_of(root.space())) return std::string(slice(root));
  const std::string_view tag = start_tag(message, root);
  std::string kept(tag);
  const auto envelope = read_envelope(tree);
  if (envelope) kept += created_header(tag, envelope->created);
  kept += slice(root.child(root.space(), "Body"));
  return kept + end_tag(tag);
}

std::string created_header(std::string_view envelope_tag, std::string_view created) {
  if (created.empty()) return {};
  const std::string_view name = envelope_tag.substr(1, envelope_tag.find_first_of(" \t\r\n/>", 1) - 1);
  const auto colon = name.find(':');
  const std::string header =
      (colon == std::string_view::npos ? std::string() : std::string(name.substr(0, colon + 1))) + "Header";
  std::string text = "<" + header + "><created xmlns=\"" + std::string(kCreatedSpace) + "\">";
  xml::append_escaped(created, text);
  return text + "</created></" + header + ">";
}

xml::Writer begin_message(const Sender& sender) {
  xml::Writer writer;
  writer.open("soap:Envelope").attribute("xmlns:soap", envelope_namespace(sender.soap));
  writer.open("soap:Header");
  encode_header(sender.header, sender.version, writer);
  writer.close();
  writer.open("soap:Body");
  return writer;
}

std::string encode_fault_message(const Sender& sender, const SoapFault& fault) {
  xml::Writer writer = begin_message(sender);
  encode_fault(fault, sender.soap, writer);
  return writer.take();
}

}  // namespace ami::multispeak
