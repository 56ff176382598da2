// Writes messages of IEC 61968-9, ours and those of a simulated far side. What is put in is written,
// including what the decoder refuses. Namespaces, element names and envelope by Message::edition, ::soap.
#pragma once

#include <string>

#include "adapters/wire/cim/codec/message.h"

namespace ami::cim {

// The whole message. Characters that XML cannot carry become U+FFFD. Credentials are written when they are
// there, also into Soap::None with CredentialPlace::SoapHeader: then not at all, there is no place for them.
std::string encode(const Message& message);

// A request for the present values of `reading_types` of meters ("" list = the far side's choice).
Message get_scalar_readings(std::vector<Meter> meters, std::vector<std::string> reading_types);
// A request for recorded intervals in [start, end), xs:dateTime texts.
Message get_interval_readings(std::vector<Meter> meters, std::vector<std::string> reading_types,
                              std::string start, std::string end);
Message create_control(std::string type, std::vector<Meter> meters);
// The answer to `request`: kind Response, verb reply, same envelope, noun and correlation (the request's
// CorrelationID, else its MessageID); no credentials.
Message reply_to(const Message& request, Reply reply);

}  // namespace ami::cim
