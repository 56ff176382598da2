// The envelope of IEC 61968-100, and SOAP's around it.
#pragma once

#include <string_view>

#include "adapters/wire/cim/codec/cim.h"
#include "adapters/wire/cim/codec/message.h"
#include "adapters/wire/xml/tree.h"
#include "meter_model/result.h"

namespace ami::cim {

// The parts of an envelope; those that are not there are empty.
struct Envelope {
  xml::Element message;  // of a SOAP Fault: the Body
  xml::Element header, reply, request, payload, soap_fault;
};

// Fills in all of `message` but its controls.
Result<Envelope> open_envelope(const xml::Element& root, Message& message);

// A meter's names below `holder` (Meter, MeterAsset, EndDevice, …), as Options say. Empty: not there.
std::string_view meter_id(const xml::Element& holder, const Options& options);
// The same for a Message: whichever name is there first.
Meter meter_of(const xml::Element& holder);

// Where a record names its device, in the words of both editions.
inline constexpr std::string_view kDeviceHolders[] = {"Meter", "MeterAsset", "EndDevice", "EndDevices",
                                                      "Assets"};
xml::Element device_of(const xml::Element& item);  // the first of them

// The code of an element that refers to a type: its ref, else its mRID, Names/name or text.
std::string_view type_ref(const xml::Element& type);

}  // namespace ami::cim
