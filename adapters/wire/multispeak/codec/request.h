// Requests: what a client asks of a head-end, written and read.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/wire/multispeak/codec/envelope.h"
#include "adapters/wire/multispeak/codec/reads.h"
#include "meter_model/result.h"

namespace ami::multispeak {

// connectDisconnectEvent. What a word asks for is the sender's to know: Connect, Disconnect, Arm, …
struct SwitchOrder {
  std::string object_id;
  std::string service_location;  // 3.0
  std::string load_action;       // loadActionCode; never empty when sent
  std::string reason;            // 3.0 reasonCode, 4.1 CDReasonCode
  MeterId meter;
  bool operator==(const SwitchOrder&) const = default;
};

// A meter in the head-end's books. Serial and transponder id are read and written for 3.0 as public notes
// show them; their place in the element is assumed.
struct MeterRecord {
  MeterId meter;
  std::string serial_number, transponder_id;
  bool operator==(const MeterRecord&) const = default;
};

// The reads that close one meter and open the other. Decoding keeps who, when and posKWh of each; nothing
// here may rest on it: utilities tell exchanges in their own way.
struct MeterChange {
  MeterRead removed, installed;
};

// Which fields an operation has, and in which order they are written, is a table: fields_of() in request.cc.
struct Request {
  Operation operation = Operation::PingUrl;
  std::vector<MeterId> meters;  // of all that name meters; the first one where only one is asked for
  std::vector<SwitchOrder> orders;
  std::vector<MeterRecord> records;
  std::vector<MeterChange> changes;

  // The answer comes later, to this URL, with this id. After `expiry` the head-end drops the request without
  // a word: whoever asks runs a timer of its own.
  std::string response_url, transaction;
  std::optional<std::chrono::seconds> expiry;

  std::string start, end;    // xs:dateTime as written
  std::string request_date;  // xs:dateTime
  std::string billing_cycle, billing_date, block_template;
  std::int32_t kwh_look_back_days = 0, kw_look_back_days = 0, kw_look_forward_days = 0;
  std::vector<std::string> field_names;
  std::string last_received;  // "" = the first page
};

// 3.0 writes the expiry as a bare number. That it counts minutes is assumed (the schema does not say).
inline constexpr std::chrono::seconds kAssumedExpiryUnit{60};

// What would keep a head-end from understanding the request, in words that name the field: no meter, a switch
// order without or with an unknown loadActionCode, no transaction id or response URL where the answer comes
// later, a date that is none, an operation or a field that the version does not have. A demo service answered
// a missing loadActionCode with "Meter not Connected/Disconnected.": hence before sending.
Outcome check(const Request& request, Version version);

// The whole message. Permanent: what check() says.
Result<std::string> encode_request(const Request& request, const Sender& sender,
                                   std::chrono::seconds expiry_unit = kAssumedExpiryUnit);

// Lenient: absent fields stay empty, unreadable numbers 0, an unreadable expiry is none.
Request decode_request_content(Operation operation, const xml::Element& content,
                               std::chrono::seconds expiry_unit = kAssumedExpiryUnit);

MeterId decode_meter_id(const xml::Element& owner);  // of its meterNo or meterID children

// The meters of a list of either version: 3.0 meter; 4.1 electricMeters/electricMeter and so on by service.
// 4.1 is written as electric meters; that the life-cycle messages of 4.1 have such a list is assumed.
std::vector<MeterRecord> decode_meter_records(const xml::Element& list);
void encode_meter_records(const std::vector<MeterRecord>& records, Version version, xml::Writer& writer);

}  // namespace ami::multispeak
