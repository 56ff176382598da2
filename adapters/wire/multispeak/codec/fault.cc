#include "adapters/wire/multispeak/codec/fault.h"

namespace ami::multispeak {

void encode_fault(const SoapFault& fault, Soap soap, xml::Writer& writer) {
  const bool sender = fault.blame == SoapFault::Blame::Sender;
  writer.open("soap:Fault");
  if (soap == Soap::V11) {
    writer.leaf("faultcode", sender ? "soap:Client" : "soap:Server").leaf("faultstring", fault.reason);
    if (!fault.detail.empty()) writer.open("detail").text(fault.detail).close();
  } else {
    writer.open("soap:Code").leaf("soap:Value", sender ? "soap:Sender" : "soap:Receiver").close();
    writer.open("soap:Reason").open("soap:Text").attribute("xml:lang", "en").text(fault.reason).close();
    writer.close();
    if (!fault.detail.empty()) writer.open("soap:Detail").text(fault.detail).close();
  }
  writer.close();
}

SoapFault decode_fault(const xml::Element& element) {
  const bool v12 = static_cast<bool>(element.child("Code"));
  const std::string_view code =
      v12 ? element.child("Code").child("Value").text() : element.child("faultcode").text();
  const auto colon = code.rfind(':');
  SoapFault fault;
  fault.code = colon == std::string_view::npos ? code : code.substr(colon + 1);
  fault.blame = fault.code == "Client" || fault.code == "Sender" ? SoapFault::Blame::Sender
                                                                 : SoapFault::Blame::Receiver;
  fault.reason = v12 ? element.child("Reason").child("Text").text() : element.child("faultstring").text();
  const xml::Element detail = element.child(v12 ? "Detail" : "detail");
  fault.detail = detail.text();
  for (xml::Element part = detail.first_child(); part; part = part.next()) {
    if (part.text().empty()) continue;
    if (!fault.detail.empty()) fault.detail += "; ";
    fault.detail += part.text();
  }
  return fault;
}

SoapFault fault_for(const Error& error) {
  SoapFault fault;
  fault.blame = error.fault == Fault::Permanent ? SoapFault::Blame::Sender : SoapFault::Blame::Receiver;
  fault.reason = error.message;
  return fault;
}

}  // namespace ami::multispeak
