// IEC 61968-9 over the envelope of IEC 61968-100: bytes to a message and observations. No I/O, no clock.
//
// One message at a time, bare or in a SOAP 1.1 or 1.2 envelope, of bounded size; prefixes mean nothing, local
// names and namespaces do. Envelopes of 2011 and 2008; payloads MeterReadings, EndDeviceEvents and
// EndDeviceControls of 2011 (second edition) and 2009 (first); the Landis+Gyr namespace by option.
//
// What becomes an observation (created = Header/Timestamp; meter = by Options):
//   Readings         per element one value; channel = unit = the ReadingType's ref, measure "Readings"
//   IntervalBlocks   per block one series for each interval length; measure "IntervalBlocks"; a value's time
//                    is timePeriod/end, else timeStamp, taken for the interval's end (assumed)
//     Whether a value is an interval's or a register's is said by the reading type; where that is not one of
//     18 parts, by the element. The length is timePeriod's, else the reading type's measuringPeriod.
//     ReadingQualities are the flag: their refs, parted by one blank. A value that is not there stays empty.
//   EndDeviceEvent   code = EndDeviceEventType's ref, else category; text = status/value, else reason;
//                    time = createdDateTime, else status/dateTime
//   Reply            one result with the Result as word (measure "Reply") and the first Error's code as
//   channel
//                    and reason as fault; then for each Error with an ID of a meter one result with the code
//                    as word, the level as channel, the reason as fault (measure "Error"). transaction =
//                    CorrelationID. A SOAP Fault: one result, measure "Fault", its words as fault.
//
// 1970-01-01T00:00:00, the instant zero and 0001-01-01T00:00:00 are no time. A reading with such a stamp is a
// register that was never set: it is not a read, is counted (Decoded::never_set) and nothing else. A reading
// with no stamp at all is malformed.
//
// Credentials (message.h) are in Message::credentials alone. raw is made of the message's body without its
// User and Password elements: it is the enclosing start tags, the header's other elements and the record as
// sent; no SOAP header is ever copied. Errors and details quote no header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/wire/cim/codec/message.h"
#include "adapters/wire/xml/tree.h"
#include "meter_model/observation/observation.h"
#include "meter_model/result.h"

namespace ami::cim {

// Stable words of MalformedRecord::reason.
namespace reason {
inline constexpr const char* kWrongNamespace = "wrong_namespace";  // of a MeterReading, event or control
inline constexpr const char* kCompressed = "compressed_payload";
inline constexpr const char* kMissingMeter = "missing_meter";
inline constexpr const char* kMissingReadingType = "missing_reading_type";
inline constexpr const char* kMissingTime = "missing_time";
inline constexpr const char* kBadTime = "bad_time";
inline constexpr const char* kBadNumber = "bad_number";
inline constexpr const char* kIntervalMismatch = "interval_mismatch";  // timePeriod against reading type
inline constexpr const char* kPending = "pending_calculation";         // values of a block still to be scaled
inline constexpr const char* kMissingCode = "missing_code";            // an event without type and category
inline constexpr const char* kRecordTooLong = "record_too_long";
}  // namespace reason

inline constexpr std::size_t kMaxRecordBytes = 512 * 1024;  // of one Readings, IntervalReadings or event
inline constexpr std::size_t kMaxFrameBytes = 16 * 1024;  // enclosing start tags and header, kept in each raw
inline constexpr std::size_t kMaxRawBytes = 256 * 1024 * 1024;  // of all records of a message
inline constexpr std::size_t kMaxBlockReadings = 2048;          // a series ends here and another begins

struct Options {
  AliasKind meter_kind = AliasKind::Badge;  // what the chosen name is in the utility's books
  // Which of a meter's names: the first Names/name (of this NameType, when one is given), else mRID when no
  // type is given. `meter_is_mrid`: mRID only.
  bool meter_is_mrid = false;
  std::string name_type{};
  bool landis_gyr = false;  // also items in the namespace of Command Center
  xml::TreeLimits limits{};
};

struct Decoded {
  Message message;  // without events and readings
  DecodedBatch batch;
  std::uint64_t never_set = 0;  // readings with a stamp that is no time
};

// An Error's message begins with a word: those of xml::Tree::parse, or
//   not_a_message    no envelope of 61968-100 and no SOAP Fault
//   wrong_namespace  an envelope of another namespace
//   header_too_long  start tags and header exceed kMaxFrameBytes
//   too_many_records the copies of all records exceed kMaxRawBytes
Result<Decoded> decode(std::string_view message, const Options& options);

// xs:dateTime, or the clock face in US style that one real message has (10/11/2017 7:19:12 PM).
Result<StatedTime> read_request_time(std::string_view text);

}  // namespace ami::cim
