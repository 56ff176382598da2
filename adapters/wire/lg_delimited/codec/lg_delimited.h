// Command Center (Landis+Gyr) `~` files: bytes in, observations out. No I/O, no clock, no threads.
//
// Source: the column lists that an integrator's public documentation gives for these files. No schema and no
// public sample exist.
//
// EMED01 (registers). The file's first line names the columns; fields are found by those names, in any order,
// and names that are not known are left alone. ID, Meter and DateTime must be there, and at least one value
// column. A later line that names ID and DateTime among its fields, or has "ID" in its ID field, is a new
// header. Each value column of a record becomes an
// observation of its own: kind Register, measure "EMED01", channel and unit = the column's name (the file
// states no units), time = DateTime. The value of Peak is a maximum: its time in PeakDateTime becomes
// occurred_at. An empty field is missing, never zero: it makes no observation.
//
// MEPMD01 (intervals) is read only where Options enables it. Its columns have fixed places and no header.
// What no source states is *assumed*: that the first time is written like EMED01's, and the order of value
// and status. The first time is the start of the first interval; the intervals are consecutive. Measure
// "MEPMD01", channel = unit = Units, constant = CalcConst, flag = the status as sent.
//
// Date-times are MMDDYYYYhhmmssAM or PM without a zone: clock faces, which the feed's zone settles. The first
// instants of the years 1 and 1970 are stamps of clocks that were never set: no time.
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

namespace ami::lg_delimited {

// Stable words. Of MalformedRecord::reason, the record is lost as a whole:
namespace reason {
inline constexpr const char* kLineTooLong = "line_too_long";
inline constexpr const char* kNotAscii = "not_ascii";  // also NUL and other control characters
inline constexpr const char* kUnknownRecordType = "unknown_record_type";
inline constexpr const char* kNotEnabled = "record_type_not_enabled";  // MEPMD01 without Options::intervals
inline constexpr const char* kFieldCount = "field_count_mismatch";     // record against header or count
inline constexpr const char* kCountOutOfRange = "count_out_of_range";
inline constexpr const char* kMissingMeter = "missing_meter";
inline constexpr const char* kMissingTime = "missing_time";  // absent, or a clock that was never set
inline constexpr const char* kUnsupportedInterval = "unsupported_interval";  // not DDHHMM above zero
// the record, or only the values that the detail names (the others are delivered):
inline constexpr const char* kBadTime = "bad_time";
inline constexpr const char* kBadNumber = "bad_number";
// Of the Error of feed(), first word of its message; also a MalformedRecord with the line:
inline constexpr const char* kMissingHeader = "missing_header";
inline constexpr const char* kMissingColumn = "missing_column";
inline constexpr const char* kDuplicateColumn = "duplicate_column";
inline constexpr const char* kLineEndMissing = "line_end_missing";
}  // namespace reason

// Columns of EMED01 that hold values, as documented.
std::vector<std::string> documented_value_columns();

struct Intervals {
  enum class Order : std::uint8_t { ValueThenStatus, StatusThenValue };  // assumed: a site has to confirm it
  Order order = Order::ValueThenStatus;
  std::size_t max_count = 10000;  // values in a record
};

struct Options {
  AliasKind meter_kind = AliasKind::Badge;  // what the Meter column is in the utility's books
  std::vector<std::string> value_columns = documented_value_columns();  // a site may add its own
  std::optional<Intervals> intervals;                                   // MEPMD01; nullopt = not enabled
  std::size_t max_line = 65536;  // bytes without the line end; at most 512 KiB
  std::size_t max_columns = 256;
  std::size_t max_number_chars = 32;
  // A last line without a line end may have lost characters of its last value. True: it is not read and
  // feed() ends with an Error (the file is cut short). False: it is read like any other.
  bool line_end_required = true;
};

struct Counters {
  std::uint64_t lines = 0;  // that are not blank, headers included
  std::uint64_t headers = 0;
  std::uint64_t empty_fields = 0;  // value columns with nothing in them
  std::uint64_t unset_times = 0;   // stamps of clocks that were never set
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
  // point into its arena. Lines end with LF or CRLF; a byte order mark of UTF-8 may stand at the beginning.
  // After an Error every further call returns the same Error; what was delivered before stays good.
  Outcome feed(std::string_view bytes, bool last, DecodedBatch& out);

  // The word of the Error that feed() returned; "" while there is none.
  [[nodiscard]] const char* fatal_reason() const noexcept;
  // All records that begin before it have been delivered. To resume: feed a new decoder from byte 0 (the
  // header is needed) and discard what has an offset below the committed position. How the bytes are split
  // has no influence.
  [[nodiscard]] std::uint64_t safe_offset() const noexcept;
  [[nodiscard]] const Counters& counters() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// All of one text: a small file, or a raw record from quarantine. `raw` of an EMED01 record is its header
// line and its own line, each with LF.
Outcome decode_all(std::string_view text, const Options& options, DecodedBatch& out);

}  // namespace ami::lg_delimited
