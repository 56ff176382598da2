// SOAP faults of both SOAP versions.
#pragma once

#include <cstdint>
#include <string>

#include "adapters/wire/multispeak/codec/operation.h"
#include "adapters/wire/xml/tree.h"
#include "adapters/wire/xml/writer.h"
#include "meter_model/result.h"

namespace ami::multispeak {

struct SoapFault {
  // Whose fault: SOAP 1.1 Client or 1.2 Sender; 1.1 Server or 1.2 Receiver. Other codes decode as Receiver.
  enum class Blame : std::uint8_t { Sender, Receiver };
  Blame blame = Blame::Receiver;
  std::string code;    // as written, without prefix; set by decoding only
  std::string reason;  // words for a person
  std::string detail;  // characters of the detail element and of those directly in it
};

// The Fault element of a body; prefix "soap" must be bound to the envelope's namespace.
void encode_fault(const SoapFault& fault, Soap soap, xml::Writer& writer);
SoapFault decode_fault(const xml::Element& fault);

// How to answer a message that was refused with this error: a permanent one is the sender's fault.
SoapFault fault_for(const Error& error);

}  // namespace ami::multispeak
