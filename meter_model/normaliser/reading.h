// Readings: one model for all vendors. UTC, canonical units, exact. What the store keeps.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/observation/observation.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/quantity/quality.h"
#include "meter_model/time/instant.h"

namespace ami {

using MeterId = std::int64_t;

// A channel is (meter, vendor's channel key, reading type), never a reading type alone.
struct ChannelKey {
  MeterId meter = 0;
  std::string key;           // wire and vendor's key: "cmep:KWH", "ssn:lp:3"
  std::string reading_type;  // 18 parts, canonical scale (multiplier 0)
  std::string unit;          // canonical unit symbol: Wh, W, V, m3, ft3, USgal, …
  bool operator==(const ChannelKey&) const = default;
};

// Quality of one value and the vendor's own flag, kept raw ("R0", "N32"; empty = none).
struct ValueQuality {
  QualitySet codes;
  std::string vendor_flag;
  bool operator==(const ValueQuality&) const = default;
};

// First part of the rank; ties go to the content (validity, then value). Absent stamp = oldest.
using RankStamp = UtcInstant;

struct RegisterReading {
  std::uint32_t channel = 0;  // index into NormalisedBatch::channels
  UtcInstant at{};
  Decimal value;              // canonical unit; the record's constant applied, never an installation's
  std::uint32_t quality = 0;  // index into NormalisedBatch::qualities
  RankStamp rank{};
  std::optional<UtcInstant> period_start;
  std::optional<UtcInstant> occurred_at;
  TimeSource time_source = TimeSource::Device;
  std::uint64_t offset = 0;  // in the source
};

// Consecutive intervals [first_start + i*length, … ) of one channel. A missing value is a hole.
struct IntervalRun {
  std::uint32_t channel = 0;
  UtcInstant first_start{};
  std::chrono::seconds length{0};
  std::int32_t exponent = 0;  // of all mantissas
  std::vector<std::optional<std::int64_t>> mantissas;
  std::vector<std::uint32_t> quality;  // per slot; index into qualities (also for holes)
  RankStamp rank{};
  TimeSource time_source = TimeSource::Device;
  std::uint64_t offset = 0;
};

struct EventReading {
  MeterId meter = 0;
  UtcInstant at{};
  std::string kind;    // name of EventKind: OUTAGE, …, UNMAPPED
  std::string code;    // canonical CIM code; empty when unmapped
  std::string vendor;  // mapping that was used
  std::string raw_code;
  std::string raw_text;
  TimeSource time_source = TimeSource::Device;
  std::uint64_t offset = 0;
};

// What shows that a meter's clock is off. Much does not: a file may be late for any reason, so only these
// tell.
enum class ClockSignKind : std::uint8_t {
  Ahead = 1,         // a time by the meter's own clock is later than our receipt
  SteadyOffset = 2,  // an answer to a question of ours is dated before the question or after the answer came
  OffGrid = 3,       // an interval ends where no interval of its length should
  Said = 4,          // the meter or its module says that the clock was set, is wrong or needs setting
};
struct ClockSign {
  MeterId meter = 0;
  ClockSignKind kind = ClockSignKind::Ahead;
  // Meter's time less ours (the question's, or the receipt); OffGrid: less the nearest end on the grid; Said:
  // 0. Of SteadyOffset 0 = the answer was dated as it should be, which ends what was suspected.
  std::chrono::seconds offset{0};
  UtcInstant at{};  // by the meter
  bool operator==(const ClockSign&) const = default;
};

// A record or value that may not be stored as a reading. Raw bytes are kept; it can be replayed.
struct Quarantined {
  std::string reason;  // stable word: unknown_meter, unknown_unit, bad_number, time_in_future, …
  std::string detail;  // for a person
  std::string meter;   // as sent
  std::string raw;     // self-contained record
  std::uint64_t offset = 0;
};

struct NormalisedBatch {
  std::vector<ChannelKey> channels;
  std::vector<ValueQuality> qualities;  // [0] is "raw, no flag"
  std::vector<RegisterReading> registers;
  std::vector<IntervalRun> intervals;
  std::vector<EventReading> events;
  std::vector<Quarantined> quarantined;
  std::vector<ClockSign> clock_signs;       // see clock_signs.h
  std::chrono::seconds clock_tolerance{0};  // that the signs were judged by
  std::uint64_t unmapped_events = 0;
  std::uint64_t missing_values = 0;  // the sender said that it has none (CMEP flag N): holes, not quarantined
  std::uint64_t snapped_ends = 0;    // interval ends moved on the grid, because the feed's rules ask for it
};

}  // namespace ami
