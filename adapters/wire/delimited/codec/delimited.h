// Delimited files of water and gas meters: bytes in, observations out. No I/O, no clock, no threads.
//
// Source: the column names and forms that a public reader of AclaraONE exports shows. Those columns are the
// defaults; a site names its own. That a power line network's ports (EMTR-3-FX) are exported so is *assumed*.
//
// The first line names the columns; fields are found by those names, in any order, and columns that Options
// do not name are never looked at: no account, name or address leaves the decoder, not even in `raw`. Fields
// are parted by one character; a field may stand in quotes, a quote in it is doubled, and no field goes over
// its line.
//
// A record becomes one observation: kind Register, meter = the device's own number (not that of the electric
// meter that it is read through), channel = Options::channel_prefix and the port, measure = "ScaledRead",
// commodity and unit = what the site's table says of its type and port, value = the scaled read as written,
// raw count = the raw read, flag = "" or "inactive". An error word in place of the scaled read is a read that
// failed: no value, flag = that word in capitals. An empty scaled read makes no observation and is never
// zero.
//
// Where raw read and scalar are both written, raw x scalar must be the scaled read, exactly or rounded to its
// last place: else nobody knows which of the three is wrong, and the record is malformed. Likewise where the
// same instant is written as a local time that the zone does not show.
//
// The time is when the network has the value from; a board behind the electric meter may repeat an old one.
// How old a value may be is the feed's to say (FeedRules::stale_after), not the codec's: it has no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/observation/observation.h"
#include "meter_model/result.h"
#include "meter_model/time/zone.h"

namespace ami::delimited {

// Stable words. Of MalformedRecord::reason, one record is lost:
namespace reason {
inline constexpr const char* kLineTooLong = "line_too_long";
inline constexpr const char* kBadQuote = "bad_quote";  // not closed in its line, or followed by text
inline constexpr const char* kNotAscii = "not_ascii";  // in a column that is read
inline constexpr const char* kFieldTooLong = "field_too_long";
inline constexpr const char* kFieldCount = "field_count_mismatch";
inline constexpr const char* kMissingMeter = "missing_meter";
inline constexpr const char* kMissingTime = "missing_time";  // absent, or a clock that was never set
inline constexpr const char* kBadTime = "bad_time";
inline constexpr const char* kBadNumber = "bad_number";
inline constexpr const char* kBadPort = "bad_port";                     // not 1 to 16 letters and digits
inline constexpr const char* kBadFlag = "bad_flag";                     // neither active nor not
inline constexpr const char* kUnknownMeterType = "unknown_meter_type";  // the site's table has no line for it
inline constexpr const char* kScaleMismatch = "scale_mismatch";         // raw x scalar is not the scaled read
inline constexpr const char* kTimeMismatch = "time_mismatch";           // of the zone, local time against UTC
// Of the Error of feed(), first word of its message; also a MalformedRecord with the line:
inline constexpr const char* kMissingColumn = "missing_column";
inline constexpr const char* kDuplicateColumn = "duplicate_column";
inline constexpr const char* kTooManyColumns = "too_many_columns";
inline constexpr const char* kLineEndMissing = "line_end_missing";
}  // namespace reason

// Names in the header line; empty = the file has no such column. device, scaled and time there must be.
struct Columns {
  std::string device = "MeterSN";
  std::string module = "MTUID";  // kept in raw, for people
  std::string port = "Port";
  std::string meter_type = "MeterTypeID";
  std::string unit{};  // where a file states it; what the table says comes first
  std::string scaled = "ScaledRead";
  std::string raw = "RawRead";
  std::string scalar = "Scalar";
  std::string time = "ReadingTime";
  std::string local_time = "LocalTime";
  std::string active = "Active";
};

// What a site knows of the meters of a type, or on a port. The first line that fits counts.
struct MeterKind {
  std::string meter_type, port;  // empty = any
  std::string commodity;         // "water", "gas"
  std::string unit;              // of the scaled read; empty = as the unit column says
};

enum class TimeForm : std::uint8_t {
  YearFirst,   // 2026-01-15 05:00[:00[.000]], also with T, an offset or Z
  MonthFirst,  // 1/15/2026 5:00[:00] [AM|PM]
};

struct Options {
  AliasKind meter_kind = AliasKind::ManufacturerSerial;  // what the device column is in the utility's books
  char delimiter = ',';
  Columns columns;
  std::vector<MeterKind> kinds;  // empty: no table; unit as the unit column says, commodity not said
  std::string channel_prefix = "emtr:";
  TimeForm time_form = TimeForm::YearFirst;
  bool time_is_utc = true;         // of a time without offset; false: the feed's zone settles it
  std::optional<Zone> local_zone;  // of the local time column; nullopt = it is not held against the UTC time
  std::vector<std::string> error_words{"ERROR"};  // any case
  std::size_t max_line = 65536;                   // bytes without the line end; at most 512 KiB
  std::size_t max_columns = 256;
  std::size_t max_field = 256;  // characters of a field that is read
  std::size_t max_number_chars = 32;
  // A last line without a line end may have lost characters of its last value. True: it is not read and
  // feed() ends with an Error (the file is cut short). False: it is read like any other.
  bool line_end_required = true;
};

struct Counters {
  std::uint64_t lines = 0;  // that are not blank, headers included
  std::uint64_t headers = 0;
  std::uint64_t empty_reads = 0;
  std::uint64_t failed_reads = 0;        // an error word in place of the read
  std::uint64_t unchecked_scales = 0;    // raw read or scalar not written
  std::uint64_t unread_local_times = 0;  // not a time: not held against anything
};

// Reads one source in pieces. One thread at a time. Total: any bytes are fine, nothing is thrown but
// std::bad_alloc. Memory: at most one line, beside what stands in `out`.
class Decoder {
 public:
  explicit Decoder(Options options);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  // Reads the next bytes, split anywhere; `last` with the final ones (which may be none). Views in `out`
  // point into its arena. Lines end with LF or CRLF; a byte order mark of UTF-8 may stand at the beginning. A
  // line that names the columns of the device and of the scaled read is a header again. After an Error every
  // further call returns the same Error; what was delivered before stays good.
  Outcome feed(std::string_view bytes, bool last, DecodedBatch& out);

  // The word of the Error that feed() returned; "" while there is none.
  [[nodiscard]] const char* fatal_reason() const noexcept;
  // All records that begin before it have been delivered. To resume: feed a new decoder from byte 0 (the
  // header is needed) and discard what has an offset below the committed position.
  [[nodiscard]] std::uint64_t safe_offset() const noexcept;
  [[nodiscard]] const Counters& counters() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// All of one text: a small file, or a raw record. `raw` of a record is a header of the columns that are read
// and the record's own fields of them, each line with LF. Of a line whose fields cannot be told apart nothing
// is kept.
Outcome decode_all(std::string_view text, const Options& options, DecodedBatch& out);

}  // namespace ami::delimited
