// SSNExportDocument: the XML export file of Silver Spring Networks UtilityIQ / Itron AMM, bytes to
// observations.
//
// Source: the real export of the Maui Smart Grid project and its public reader; no schema was published. Any
// prefix is fine, the namespace is not; unknown attributes are ignored, unknown elements are counted as
// skipped.
//
// What becomes an observation (meter = MeterData's name by Options, created = the document's CreationTime):
//   RegisterRead      per Register and per value attribute: kind Register, measure "Summation" or
//                     "CumulativeDemand", channel = Number, unit = SummationUOM or DemandUOM, tou = Tier
//                     Number, raw_count = SummationRawValue, time = ReadTime.
//   IntervalReadData  per Channel: kind Interval, measure "Reading", channel "lp:" + Channel, unit = UOM, one
//                     value for each Interval that has the channel, with its own time (EndTime, the
//                     interval's end), so a hole stays a hole. raw_count = RawValue; block_end_values =
//                     BlockEndValue. Cut into blocks (see kMaxBlockIntervals). A change of UOM begins a new
//                     series.
//   Event             code = EventName, time = EventTime, text = trimmed characters, cut at kMaxEventText.
// GatewayCollectedTime, Season and sequence numbers stay in `raw` as information.
//
// A bad record becomes a MalformedRecord and its neighbours live. Reasons:
//   bad_number           Value, RawValue, BlockEndValue, Summation, SummationRawValue or CumulativeDemand is
//   not
//                        a decimal: the whole Reading or Register is withheld
//   missing_time, bad_time            ReadTime, EndTime or EventTime: the RegisterRead, Interval or Event
//   bad_interval_length  IntervalLength is not a whole number of minutes from 1 to 44640: the block
//   missing_channel      a Reading without Channel, a Register without Number
//   unknown_value        a Reading or Register without a value attribute that is known, and with an attribute
//                        that is not: its value may have another name
//   missing_code         an Event without EventName
//   missing_meter        MeterData without the chosen name: each RegisterRead, block and Event in it
//   record_too_long      a RegisterRead, Interval or Event of more than kMaxRecordBytes or kMaxRecordValues
// An absent unit passes as an empty unit: what it means is not the codec's to say.
//
// The document is broken from some byte on, and nothing can be read after it (feed() returns an Error whose
// message begins with the word; complete records before that byte are delivered):
//   empty_file, truncated, not_well_formed, unsupported_encoding (not UTF-8), wrong_namespace, wrong_root,
//   entity_declaration (any DOCTYPE), too_deep, attribute_too_long, token_too_long, tag_too_long.
//
// raw is a small document of its own: the start tags of the ancestors as sent, then the record's bytes as
// sent less what went into a MalformedRecord. Decoding it gives the same observations (offsets apart).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "meter_model/observation/observation.h"
#include "meter_model/result.h"

namespace ami::ssn_export {

inline constexpr std::string_view kNamespace = "urn:com:ssn:schema:export:SSNExportFormat.xsd";

inline constexpr std::size_t kMaxRecordBytes = 992 * 1024;  // so that raw with its ancestors is below 1 MiB
inline constexpr std::size_t kMaxRecordValues = 1024;       // Readings of an Interval, Registers of a read
inline constexpr std::size_t kMaxBlockIntervals = 4096;     // a block ends here, or at kMaxRecordBytes
inline constexpr std::size_t kMaxBlockSeries = 256;         // … or when it has this many series
inline constexpr std::size_t kMaxEventText = 4096;          // bytes, cut at a character
inline constexpr std::size_t kMaxTokenBytes = 256 * 1024;   // one tag, comment or processing instruction
inline constexpr std::size_t kMaxAncestorBytes =
    16 * 1024;  // start tags of a record and its ancestors, together

// Which attribute of MeterData names the meter.
enum class MeterField : std::uint8_t { MeterName, UtilDeviceId, MacId };

struct Options {
  MeterField meter_field = MeterField::MeterName;
  AliasKind meter_kind = AliasKind::Badge;  // what that name is in the utility's books
  std::size_t max_depth = 64;
  std::size_t max_attribute_bytes = 64 * 1024;
};

// Counts since the decoder began.
struct Statistics {
  std::uint64_t meters = 0;
  std::uint64_t register_reads = 0;
  std::uint64_t registers = 0;
  std::uint64_t intervals = 0;
  std::uint64_t readings = 0;
  std::uint64_t events = 0;
  std::uint64_t stated_above_present = 0;  // containers whose Number… is more than they hold (normal: holes)
  std::uint64_t stated_below_present = 0;  // … less than they hold (tolerated: all are read)
  std::uint64_t unreadable_stated = 0;     // … is not a number
  std::uint64_t bad_creation_time = 0;     // documents whose CreationTime was refused: created is absent
};

// Streaming decoder of one document. Memory is bounded whatever the document's size: by the limits above plus
// what the caller leaves in `out`. Not thread-safe; movable.
class Decoder {
 public:
  explicit Decoder(Options options);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  // Reads the next bytes, split anywhere; `last` with the final ones (which may be none). Records that became
  // complete are appended to `out`, which may be another batch at each call. After an Error every further
  // call returns the same Error.
  Outcome feed(std::string_view bytes, bool last, DecodedBatch& out);

  // The word of the Error that feed() returned; "" while there is none.
  [[nodiscard]] const char* fatal_reason() const noexcept;

  [[nodiscard]] std::uint64_t bytes_consumed() const noexcept;  // fed so far

  // A position to commit with what was delivered. head.offset and MalformedRecord::offset are the byte offset
  // of the record (its RegisterRead, Event or Reading; a block's first Interval) and never decrease from one
  // record to the next. All that begins before safe_offset() has been delivered, nothing to come begins
  // before it. To resume: feed a new decoder from byte 0 and discard what has an offset below the committed
  // position. How the bytes are split between calls has no influence on what is delivered.
  [[nodiscard]] std::uint64_t safe_offset() const noexcept;

  [[nodiscard]] const Statistics& statistics() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// A whole document at once.
Outcome decode_document(std::string_view document, const Options& options, DecodedBatch& out);

}  // namespace ami::ssn_export
