// Observation: what a vendor said, before we touch it. In the vendor's units, with the raw code and time.
// Adapters build these; they never scale, guess or drop. The normaliser turns them into readings.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "meter_model/time/instant.h"

namespace ami {

// Which clock a time comes from.
enum class TimeSource : std::uint8_t { Device, Collector, Receipt };

// Which of a device's names a vendor uses (column device_alias.kind).
enum class AliasKind : std::uint8_t { Badge, ManufacturerSerial, Module, VendorControl, Mac, Cis };

// Where a record came from and whose it is. All views live in the batch's buffers or arena.
struct ObservationHead {
  std::string_view meter;  // the id as sent
  AliasKind meter_kind = AliasKind::Badge;
  std::string_view channel;    // vendor's channel key: "KWH", "1010", "lp:3"; unique within meter and wire
  std::string_view measure;    // vendor's element for the kind of value: "MEPMD01", "Summation", "Reading"
  std::string_view unit;       // vendor's unit text: "KWHREG", "kWh(rec)"
  std::string_view commodity;  // vendor's commodity letter; empty = not said
  std::string_view tou;        // vendor's tier or label; empty = not said
  std::string_view raw;        // a self-contained copy of the record that the same codec can read again
  std::uint64_t offset = 0;    // byte offset of the record in its source
  StatedTime created;          // vendor's creation stamp, the first part of the rank; may be absent
  TimeSource time_source = TimeSource::Device;
};

// One value of a series, as written.
struct SeriesValue {
  std::string_view value;      // empty = the vendor wrote none: missing, never zero
  std::string_view flag;       // vendor's quality flag with its suffix, e.g. "R0", "N32"
  StatedTime time;             // absent = previous time + interval (intervals: the interval's END)
  std::string_view raw_count;  // unscaled counts where the vendor also sends them; never scaled by guess
};

enum class SeriesKind : std::uint8_t { Register, Interval };

// Dial readings, or consecutive interval quantities, of one channel.
struct SeriesObservation : ObservationHead {
  SeriesKind kind = SeriesKind::Register;
  std::chrono::seconds interval{0};  // interval length; 0 = not stated
  std::string_view constant;         // multiplier as written; empty = 1
  std::vector<SeriesValue> values;
  StatedTime period_start;  // registers over a closed period (TOU summary); may be absent
  StatedTime occurred_at;   // time of a maximum; may be absent
  // Registers that bracket the block, where the vendor sends them (SSN BlockEndValue): (value index, text).
  std::vector<std::pair<std::uint32_t, std::string_view>> block_end_values;
};

struct EventObservation : ObservationHead {
  std::string_view code;  // vendor's event name or code
  std::string_view text;  // vendor's words
  StatedTime time;
};

// What a far side said became of something that it was asked to do. What it means is not the codec's to say: the
// same word means one thing in a request and another in a report.
struct ResultObservation : ObservationHead {
  std::string_view transaction;  // our id of the request, as sent back; empty = none
  std::string_view word;         // vendor's word for an outcome or a state: "Opened", "NoResponse"; may be empty
  std::string_view fault;        // vendor's words for a failure; empty = none said
  StatedTime time;               // of what happened; absent = not said
};

// A record that could not be read. `reason` is a stable word for counting, `detail` is for a person.
struct MalformedRecord {
  std::uint64_t offset = 0;
  std::string_view raw;     // self-contained where possible; cut at 1 MiB (detail says so)
  std::string_view meter;   // if it could be made out
  const char* reason = "";  // e.g. "bad_number", "count_mismatch", "line_too_long"
  std::string detail;
};

using Observation = std::variant<SeriesObservation, EventObservation>;

// Owns the bytes that views point into. Strings put in stay where they are until the arena dies.
class TextArena {
 public:
  std::string_view keep(std::string_view text);  // copies
  std::string_view adopt(std::string&& text);    // takes over
  std::string_view share(
      std::shared_ptr<const std::string> buffer);  // keeps a buffer alive; returns all of it

 private:
  std::deque<std::string> strings_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::vector<std::shared_ptr<const std::string>> shared_;
  std::size_t free_ = 0;
  char* next_ = nullptr;
};

// What a codec yields for one stretch of input. Movable, not copyable; views stay valid after a move.
struct DecodedBatch {
  DecodedBatch() = default;
  DecodedBatch(DecodedBatch&&) = default;
  DecodedBatch& operator=(DecodedBatch&&) = default;

  std::unique_ptr<TextArena> arena = std::make_unique<TextArena>();
  std::vector<Observation> observations;
  std::vector<ResultObservation> results;  // of commands
  std::vector<MalformedRecord> malformed;
  std::uint64_t skipped = 0;  // well-formed records of types that v1 counts but does not read
  std::string_view text(std::string_view s) { return arena->keep(s); }
};

std::string_view name_of(TimeSource source);  // "DEVICE" …
std::string_view name_of(AliasKind kind);     // "BADGE" …
std::optional<AliasKind> alias_kind_from(std::string_view name);

}  // namespace ami
