// SOAP envelope around a MultiSpeak message: what is in it, and how to write one.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/wire/multispeak/codec/fault.h"
#include "adapters/wire/multispeak/codec/header.h"
#include "adapters/wire/multispeak/codec/operation.h"
#include "adapters/wire/xml/tree.h"
#include "adapters/wire/xml/writer.h"
#include "meter_model/result.h"

namespace ami::multispeak {

// Who says it and how: version, SOAP version and header of a message that is written.
struct Sender {
  Version version = Version::V30;
  Soap soap = Soap::V11;
  MessageHeader header;
};

// A message that was read. `content` is an element of `tree`.
struct Envelope {
  Soap soap = Soap::V11;
  Version version = Version::V30;  // by the namespace of the content; a fault has none
  std::optional<MessageHeader> header;
  xml::Element content;  // first element of the body
  bool is_fault = false;
  // When the message was made: TimeStamp of the header, or what without_header() kept of it. Empty: not said, or
  // no date-time.
  std::string created;
};

// Reads the envelope of a parsed message. A message without an envelope, as this codec keeps it, is the
// content itself. Permanent errors begin with a word: not_soap, no_operation, unsupported_version (MultiSpeak
// 5), unknown_namespace.
Result<Envelope> read_envelope(const xml::Tree& tree);

// The message again without its SOAP header, so without credentials, for a journal: start tag of the envelope
// as sent, a header of ours with the time at which the message was made, if it says that, body as sent. `tree` is
// that of `message`.
std::string without_header(std::string_view message, const xml::Tree& tree);

// That header of ours, with the prefix of the envelope's start tag. Empty when `created` is.
std::string created_header(std::string_view envelope_tag, std::string_view created);

// Begins a message: declaration, envelope with the prefix "soap", header, open body.
xml::Writer begin_message(const Sender& sender);
std::string encode_fault_message(const Sender& sender, const SoapFault& fault);

// Text of an element's start tag in the message that it came from.
std::string_view start_tag(std::string_view message, const xml::Element& element) noexcept;
// </name> for that start tag, with the prefix as sent.
std::string end_tag(std::string_view start_tag);

}  // namespace ami::multispeak
