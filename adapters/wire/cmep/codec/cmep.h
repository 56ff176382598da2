// CMEP (California Metering Exchange Protocol, text v1.20): bytes in, observations out. No I/O, no clock.
//
// Reads MEPMD01 (intervals and dial readings) and MEPMD02 (time-of-use). MEPAD, MEPBD, MEPLF, MEPEC and MEPRR
// records are counted as skipped, and so are the purposes PROFILE, TEMPLATE and REJECT and records that end
// before any reading (the format allows that after the header).
//
// Times are clock faces without an offset: UTC by the text, local in real feeds; the feed's zone settles it.
// Values are passed on as written, hex turned into decimal digits; an empty value stays empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/observation/observation.h"

namespace ami::cmep {

// Stable words of MalformedRecord::reason.
namespace reason {
// The record is lost as a whole:
inline constexpr const char* kLineTooLong = "line_too_long";
inline constexpr const char* kNotAscii = "not_ascii";  // also NUL and other control characters
inline constexpr const char* kBadQuoting = "bad_quoting";
inline constexpr const char* kUnknownRecordType = "unknown_record_type";
inline constexpr const char* kUnknownPurpose = "unknown_purpose";
inline constexpr const char* kMissingMeter = "missing_meter";
inline constexpr const char* kUnsupportedInterval = "unsupported_interval";  // months, or not MMDDHHMM
inline constexpr const char* kCountMismatch = "count_mismatch";              // count and readings disagree
inline constexpr const char* kCountOutOfRange = "count_out_of_range";
inline constexpr const char* kBadCrc = "bad_crc";  // only where Options::crc_is_right says so
// The record, or only the readings that the detail names (the others are delivered):
inline constexpr const char* kBadTime = "bad_time";
inline constexpr const char* kBadNumber = "bad_number";
inline constexpr const char* kMissingTouLabel = "missing_tou_label";
}  // namespace reason

// Which field holds the meter's id, counted from 1 as the format's text does.
enum class MeterField : std::uint8_t {
  Field4 = 4,  // sender's customer id
  Field5 = 5,  // receiver id
  Field6 = 6,  // receiver's customer id
  Field8 = 8,  // meter id
};

struct Options {
  MeterField meter_field = MeterField::Field8;
  AliasKind meter_kind = AliasKind::Badge;
  std::size_t max_line = 65536;       // bytes without the line end; the text says 2048; at most 1 MiB
  std::size_t max_count = 10000;      // readings in a record; the text says 48 (MEPMD02: 6), feeds write more
  std::size_t max_number_chars = 16;  // the format's limit
  std::vector<std::string> purposes{"", "OK", "RESEND", "SUMMARY", "HISTORY"};  // those that are read

  // A trailing field Hxxxx is *assumed* to be the optional CRC-16. The format's text does not state
  // polynomial or extent, so it is counted and not checked unless a site supplies a check. `covered` is the
  // record up to the CRC field, its comma included. Must not throw.
  std::function<bool(std::string_view covered, std::uint16_t stated)> crc_is_right;
};

struct Counters {
  std::uint64_t records = 0;        // lines that are not blank, over-long ones included
  std::uint64_t crc_unchecked = 0;  // records with a CRC field that nobody checked
};

// Reads one source (a file, a message) in chunks. One thread at a time; memory stays bounded whatever the
// source holds (scratch of at most one line's fields). Total: any bytes are fine, nothing is thrown but
// std::bad_alloc.
class Decoder {
 public:
  explicit Decoder(Options options);

  // Reads the whole lines (CRLF or LF) of `chunk`, on `last_chunk` also an unterminated line, and appends
  // what they say to `out`. Returns the bytes consumed; the caller presents the rest again, in front of what
  // follows. A chunk of max_line + 2 bytes or more always gets on. `chunk_offset`: position of chunk[0] in
  // the source.
  //
  // Views in `out` point into `chunk`: the caller shares the chunk's buffer with out.arena. Text that differs
  // from the bytes (doubled quotes, hex, MEPMD02 channels) is put into the arena. `out` takes about ten times
  // the size of `chunk`.
  //
  // A value that is no number costs only itself: its reading is left out, or kept with an empty value where
  // the next time counts on from it. A bad time also costs the readings that count on from it. A line beyond
  // max_line is one malformed record; the rest of it is skipped, across chunks too.
  std::size_t decode(std::string_view chunk, std::uint64_t chunk_offset, bool last_chunk, DecodedBatch& out);

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  struct Record {  // the line at hand
    std::string_view text;
    std::uint64_t offset;
    std::string_view meter;
    DecodedBatch& out;
  };

  void read_line(Record record);
  void read_mepmd01(Record& record);
  void read_mepmd02(Record& record);
  bool read_head(Record& record, std::size_t units_field, std::size_t constant_field, ObservationHead& head,
                 std::string_view& constant);
  bool settle_crc(Record& record);
  bool settle_count(Record& record, std::size_t header_fields, std::size_t& count);
  void too_long(std::string_view start, std::uint64_t offset, DecodedBatch& out);
  [[nodiscard]] std::string_view field(std::size_t number) const noexcept;  // from 1; "" beyond the end

  Options options_;
  Counters counters_;
  bool skipping_ = false;  // inside an over-long line that was reported
  std::vector<std::string_view> fields_;
};

// All of one buffer: a raw record from quarantine, a small file. The batch keeps the buffer alive.
DecodedBatch decode_all(std::shared_ptr<const std::string> buffer, const Options& options);

}  // namespace ami::cmep
