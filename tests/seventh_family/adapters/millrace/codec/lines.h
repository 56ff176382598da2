// The line protocol of Millrace, a vendor that does not exist: bytes in, observations out. No I/O, no clock,
// no threads.
//
//   a line  = body "*" CRC LF        CRC: four hex digits in capitals, CRC-16/CCITT-FALSE over the body
//   REG|meter|register|time|value            a dial reading in kWh
//   INT|meter|register|time|seconds|v;v;v    consecutive intervals in kWh; `time` is the end of the first
//   EVT|meter|code|time|text                 an event
//   RES|transaction|meter|word               what became of a command: done, no_answer, refused
//   ASK|transaction|READ|meter               a command, from us to the head-end
// Times are RFC 3339 with an offset. An empty value is missing. Each line to us is answered, in order, by a
// line of one word: ACK (kept for good), NAK (damaged: send it again), BUSY (not now: send it again later).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "meter_model/observation/observation.h"

namespace ami::millrace {

inline constexpr std::size_t kLongestLine = 16 << 10;  // with its line end
inline constexpr std::string_view kAck = "ACK\n", kNak = "NAK\n", kBusy = "BUSY\n";

// Stable words of MalformedRecord::reason; each costs one line.
namespace reason {
inline constexpr const char* kLineTooLong = "line_too_long";
inline constexpr const char* kLineEndMissing = "line_end_missing";
inline constexpr const char* kBadChecksum = "bad_checksum";
inline constexpr const char* kUnknownKind = "unknown_kind";
inline constexpr const char* kFieldCount = "field_count_mismatch";
inline constexpr const char* kMissingMeter = "missing_meter";
inline constexpr const char* kBadTime = "bad_time";  // also without an offset
inline constexpr const char* kBadNumber = "bad_number";
inline constexpr const char* kBadLength = "bad_length";
}  // namespace reason

std::string seal(std::string_view body);  // the line of it
// The body of one whole line; nullopt = damaged.
std::optional<std::string_view> unseal(std::string_view line);

// Reads any number of lines. `raw` of a record is its line.
void decode(std::string_view bytes, DecodedBatch& out);
// The meter that a line speaks of; "" where it cannot be trusted to say so.
std::string_view meter_of(std::string_view line);

struct Ask {
  std::string transaction, meter;
};
std::string encode(const Ask& ask);
std::optional<Ask> parse_ask(std::string_view line);  // for a simulated far side

}  // namespace ami::millrace
