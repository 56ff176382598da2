// MultiSpeak 3.0 and 4.1 over SOAP: the surface of this codec. Bytes in, values out; no I/O, no clock.
//
// Sources: the element lists and documentation of the published WSDLs (3.0ac, 4.1.6) and constructed messages
// that are valid against them. A part that no source shows is behind an option or mapping data and says
// "assumed". Dispatch is on the namespace and local name of the SOAP body's first element, whatever the
// prefix, the URL and the header say; unknown attributes and elements are ignored.
//
//   server  decode_request()      who, which operation, credentials, and what to journal
//   server  decode_notification() readings, events and results of a callback; of a journalled message too
//   server  encode_response(), encode_fault_message()
//   client  encode_request(), decode_response(), next_page()
// and for simulated far sides encode_notification() (see notification.h).
//
// Rules of transactions that only the caller can keep: it runs its own timer (the head-end drops an expired
// request without a word) and audits what comes after it; all three read notifications answer a read request;
// repeats are dropped by (head-end, transaction, meter, word), not here; where a notification has no time,
// Options::received_at is it; "Closed" from GetCDMeterState is a default and proves nothing.
//
// What becomes what. `meter` by Options::meter_field; commodity = serviceType where the meter has one; raw is
// a small SOAP message of its own (no header) that decode_notification() reads again.
//   meterRead     posKWh, negKWh: register, measure and channel = the element's name, unit kWh, time
//                 readingDate, flag "whole_kwh" (whole numbers by the schema). kW: measure "kW", occurred_at
//                 = kWDateTime; without that element measure "kW undated". kVAr likewise "kVAr".
//   TOUReading    register, measure "TOUReading", tou = ratePeriod, channel "TOU:1:kWh", "TOU:1:kW".
//   readingValue  register, measure = readingValueType; else the attributes of readingTypeCode ("a=1;b=2");
//                 else readingType; else "readingValue". A measurementPeriod other than Current is added:
//                 "readingValue/Previous". channel = fieldName, readingType, name, readingValueType, type
//                 code or units, whichever comes first, plus "#" and the rate period. time = dateTime or
//                 timeStamp, else readingDate. flag = originatingSystemID, codeCategory and text of
//                 readingStatusCode joined by "/", then codeIndex unless the text ends in it: "Raw/R0".
//   A readingValue of Energy or Negative Energy in kWh at the time of the read replaces posKWh or negKWh when
//   they differ by 1 kWh or less (the whole number stays in raw). When they differ by more, both are
//   delivered, both with the flag "disagrees": the mapping says what that is worth.
//   phase, momentaryOutages, momentaryEvents, sustainedOutages are counted as skipped.
//   intervalData  one interval series a channel of a block: channel "lp:" + idx, measure = fieldName of the
//                 channel or "intervalData", flag = the text behind statusDelimiter, first value's time = end
//                 of the first interval (intervalStart + length); of an intervalStart without offset that is
//                 left to the zone: period_start as stated, and no time. endReading becomes a register,
//                 measure "endReading:" + fieldName, and block_end_values where its date is an interval's end
//                 (without offsets: by the faces). cS stays in raw.
//   formattedBlock each row: columns by position. A column called as in Options names the meter or the time;
//                 one called as another plus "DateTime" gives that one's time; every other is a register,
//                 channel and measure = fieldName, unit = uom or what the name says (posKWh: kWh).
//   CDStateChange a result (word = stateChange); and, with a time, an event with the code "CDStateChange/" +
//                 word, or with an errorString "CDStateChangeFailed/" + word (without the "/" where there is no
//                 word) and the errorString as its text: what the word then means, done or ordered, is not said.
//   CDState       a result (word = RCDState). A state is no event.
//   outageDetectionEvent an event with the code "OD/" + outageEventType; a result (word = outageEventType).
//   eventInstance an event; code = the 4-part code from codeString, from the text or put together from type,
//                 domain, domainPart and index, else the words as they are.
// Everything that answers a transaction, or carries an errorString, gives a ResultObservation too: one an
// object (meter), with errorString as its fault, or the notification's own errorString where the object has
// none. A notification with errorString and no object gives one result without a meter.
//
// Bad records become MalformedRecords and their neighbours live. Reasons:
//   missing_meter   missing_time    bad_time       bad_number     missing_code    missing_state
//   missing_type    bad_interval_length            unknown_profile unknown_channel record_too_long
//   missing_column (a formattedBlock without a meter or time column)  bad_row (fewer columns than its syntax)
//   repeated_channel (an idx that the block had before)  no_values (a read in answer to a request, with
//   neither a value nor an errorString: it gives no result)
// A stamp of 0001-01-01 or 1970-01-01T00:00:00 is a default: no time, counted in placeholder_times.
//
// Errors begin with a word: those of xml::Tree (too_large, truncated, not_well_formed, entity_declaration …),
// those of read_envelope() (not_soap, no_operation, unsupported_version, unknown_namespace),
// unknown_operation, not_a_notification, unexpected_answer, too_large.
//
// Credentials stand in the SOAP header and come out in MessageHeader only, as Secret; neither raw nor journal
// nor any error text has a byte of the header, but for the time at which the message was made.
//
// created of everything = TimeStamp of the header, else Options::received_at: of two statements about one value
// the later message counts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/wire/multispeak/codec/envelope.h"
#include "adapters/wire/multispeak/codec/request.h"
#include "meter_model/observation/observation.h"
#include "meter_model/result.h"

namespace ami::multispeak {

inline constexpr std::size_t kMaxRecordBytes = 960 * 1024;      // of one object as sent
inline constexpr std::size_t kMaxContextBytes = 16 * 1024;      // what raw needs around it
inline constexpr std::size_t kMaxRawBytes = 256 * 1024 * 1024;  // of all raws of a message
inline constexpr std::size_t kMaxValues = 2'000'000;  // interval values of a message; a register weighs four
inline constexpr std::size_t kMaxText = 4096;         // of a fault or an event, cut at a character

// Which of an object's ids names the meter in the utility's books. An object without the chosen one falls
// back to no other, but for the objectID in the result of a failed read.
enum class MeterField : std::uint8_t { MeterNo, DeviceId, ObjectId };

struct Options {
  // Of meterRead and meterReading; elsewhere it is meterNo or meterID.
  MeterField meter_field = MeterField::MeterNo;
  AliasKind meter_kind = AliasKind::Badge;
  // Of an outage event that names a device and no meter.
  AliasKind device_kind = AliasKind::Module;
  // Assumed: a bare intervalLength (3.0) counts minutes.
  std::chrono::seconds interval_length_unit{60};
  // Assumed where intervalData names no delimiter.
  std::string interval_delimiter = ",";
  // Assumed column names of formattedBlock.
  std::vector<std::string> block_meter_fields{"meterNo", "meterID", "meterNumber"};
  std::vector<std::string> block_time_fields{"readingDate", "dateTime", "timeStamp"};
  // Position of the first column; assumed where not given: 0 when the syntax has a position 0, else 1.
  std::optional<std::int64_t> block_first_position;
  // Time of receipt: what a switch or outage notification without a time gets, as TimeSource::Receipt; and what
  // a message without a TimeStamp was created at.
  std::optional<UtcInstant> received_at;
  xml::TreeLimits limits;
};

// Readings, events and results of one message.
struct Reports {
  DecodedBatch batch;
  std::uint64_t placeholder_times = 0;
};

// What came in on the callback server (or, for a simulated head-end, from its client).
struct Incoming {
  Soap soap = Soap::V11;
  Version version = Version::V30;
  Operation operation = Operation::PingUrl;
  std::optional<MessageHeader> header;
  std::string transaction;  // empty = unsolicited
  // Notifications: the first meter that is named; empty = none is.
  std::string first_meter;
  // Notifications: the message without its header. decode_notification() reads it like the whole message.
  std::string journal;
  std::optional<Request> request;  // everything else
};
Result<Incoming> decode_request(std::string_view bytes, const Options& options);

struct Notification {
  Version version = Version::V30;
  Operation operation = Operation::ReadingChanged;
  std::string transaction;
  Reports reports;
};
// A whole message, one without header, a raw of this codec, or a response that carries readings.
Result<Notification> decode_notification(std::string_view bytes, const Options& options);

// One object that was turned down at once. No rejection means accepted and nothing more: the result comes by
// a notification. A meter may be accepted and another of the same request rejected.
struct Rejection {
  std::string object_id;  // the meter, as a rule
  std::string error;      // errorString
  std::string noun_type;
  std::string event_time;  // as written
  std::string text;        // 4.1
};

// What a response carries, as the operation has it.
struct ResponseContent {
  std::vector<Rejection> rejections;
  std::vector<std::string> methods;
  std::vector<MeterRecord> meters;
  std::string switch_state;  // GetCDMeterState
  // To write; decode_response() gives reports instead.
  std::vector<MeterRead> reads;
  std::vector<BlockOfRows> blocks;
};
std::string encode_response(Operation operation, const ResponseContent& content, const Sender& sender);

struct Response {
  std::optional<SoapFault> fault;  // then there is nothing else
  Version version = Version::V30;  // may differ from the request's: brokers answer so
  std::optional<MessageHeader> header;
  ResponseContent content;
  Reports reports;
};
Result<Response> decode_response(std::string_view bytes, Operation asked, const Options& options);

}  // namespace ami::multispeak
