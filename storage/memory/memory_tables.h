// What the in-memory store holds: the tables of storage/schema as maps, with every statement kept in order of
// rank. The highest of a slot is current, the others are its revisions; nothing else needs to be decided.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "meter_model/normaliser/reading.h"

namespace ami::storage {

using MemorySourceId = std::int64_t;

struct MemoryChannel {
  MeterId meter = 0;
  std::string key, reading_type, unit;
  auto operator<=>(const MemoryChannel&) const = default;
};

// Rank, ascending: a hole, then a value; creation stamp; mapping; value; quality (codes, then flag).
struct IntervalSaid {
  std::optional<Decimal> value;  // without trailing zeros; nullopt = a hole that the vendor flagged
  RankStamp stamp{};
  int mapping_version = 0;
  ValueQuality quality;
};
std::strong_ordering operator<=>(const IntervalSaid& a, const IntervalSaid& b);
inline bool operator==(const IntervalSaid& a, const IntervalSaid& b) {
  return (a <=> b) == 0;
}

struct IntervalKey {
  MemoryChannel channel;
  UtcInstant start{};
  std::int64_t length_s = 0;
  auto operator<=>(const IntervalKey&) const = default;
};
// With the source that said it first. A slot that exists has at least one.
using IntervalStatements = std::map<IntervalSaid, MemorySourceId>;

// A row of interval_day (start = midnight UTC) or, off the grid, of interval_odd.
struct IntervalRow {
  MemoryChannel channel;
  UtcInstant start{};
  std::int64_t length_s = 0;
  bool grid = true;
  auto operator<=>(const IntervalRow&) const = default;
};
struct IntervalRowFacts {
  std::int64_t version = 0;
  std::optional<int> exponent;  // of a day, the smallest that was ever stated; nullopt = no value yet
};

// The row that an interval belongs to, and its slot there: on the grid from 60 s to a day, dividing the day.
std::pair<IntervalRow, int> row_of(const IntervalKey& key);
IntervalKey slot_of(const IntervalRow& row, int slot);

struct RegisterKey {
  MemoryChannel channel;
  UtcInstant at{};
  auto operator<=>(const RegisterKey&) const = default;
};
// Rank, ascending: creation stamp; mapping; value; quality; more digits; the rest makes the order total.
struct RegisterSaid {
  Decimal value;  // as stated: 1.50 is not 1.5
  RankStamp stamp{};
  int mapping_version = 0;
  ValueQuality quality;
  std::optional<UtcInstant> period_start, occurred_at;
  TimeSource time_source = TimeSource::Device;
};
std::strong_ordering operator<=>(const RegisterSaid& a, const RegisterSaid& b);
inline bool operator==(const RegisterSaid& a, const RegisterSaid& b) {
  return (a <=> b) == 0;
}
using RegisterStatements = std::map<RegisterSaid, MemorySourceId>;

struct EventKey {
  MeterId meter = 0;
  UtcInstant at{};
  std::string vendor, raw_code, raw_text;
  auto operator<=>(const EventKey&) const = default;
};
// The newest mapping's reading of an event counts.
struct EventSaid {
  int mapping_version = 0;
  std::string kind, code;
  TimeSource time_source = TimeSource::Device;  // the device's own clock ranks highest
};
std::strong_ordering operator<=>(const EventSaid& a, const EventSaid& b);
struct StoredEvent {
  EventSaid said;
  std::int64_t event_id = 0;
  MemorySourceId source = 0;
  std::int64_t duplicate_of = 0;  // event_id of the head of its fact; 0 = it is the head, or alone
  int duplicates = 0;             // of a head: so many others
};

struct QuarantineKey {
  std::int32_t utility = 0;
  std::string feed, reason, raw;
  auto operator<=>(const QuarantineKey&) const = default;
};
struct MemoryQuarantine {
  std::int64_t quarantine_id = 0;
  std::string detail, meter;  // as first seen
  std::uint64_t offset = 0;
  MemorySourceId source = 0;
  std::int64_t times_seen = 0;
  UtcInstant first_seen{}, last_seen{};
  enum class State { Open, Replayed, Rejected } state = State::Open;
};

struct MemorySourceKey {
  std::int32_t utility = 0;
  std::string feed, content_sha256;
  std::uint64_t offset = 0;
  RankStamp stamp{};
  int mapping_version = 0;
  TimeSource time_source = TimeSource::Device;
  std::int64_t replay = 0;
  auto operator<=>(const MemorySourceKey&) const = default;
};
struct MemorySource {
  MemorySourceId source_id = 0;
  std::string name, cause;
  std::uint64_t length = 0;
  UtcInstant received_at{}, stored_at{};
  std::int64_t registers = 0, interval_values = 0, events = 0;
};

// See storage/schema/0005_changes.sql.
struct MemoryChange {
  static constexpr int kNew = 1, kCorrected = 2, kQualityChanged = 4, kSuperseded = 8;
  static constexpr int kDay = 1, kOdd = 2, kRegister = 3, kEvent = 4;
  struct Slot {
    int slot = 0;
    int kind = 0;
    std::optional<std::pair<std::optional<Decimal>, ValueQuality>> old;  // where corrected or quality changed
  };
  std::int64_t commit = 0;  // same for all changes of one unit
  int entity = 0;
  std::int32_t utility = 0;
  MeterId meter = 0;
  std::optional<MemoryChannel> channel;  // nullopt for an event
  UtcInstant at{};                       // midnight of a day; else of the interval, register or event
  std::int64_t length_s = 0;
  std::int64_t version = 0;
  std::vector<Slot> slots;  // of a day; one, with slot 0, otherwise
};

struct ClockSignKey {
  MeterId meter = 0;
  std::string feed;
  ClockSignKind kind = ClockSignKind::Ahead;
  auto operator<=>(const ClockSignKey&) const = default;
};
struct MemoryClockSign {
  std::int64_t times = 0;
  UtcInstant first_at{}, last_at{}, worst_at{};
  std::chrono::seconds tolerance{0}, last_offset{0}, least_offset{0}, most_offset{0};
};

struct MemoryTables {
  std::int64_t directory_version = 1;
  std::set<std::int32_t> utilities;
  std::map<MeterId, std::int32_t> meters;  // with their utility

  std::set<MemoryChannel> channels;
  std::map<IntervalRow, IntervalRowFacts> interval_rows;
  std::map<IntervalKey, IntervalStatements> intervals;
  std::map<RegisterKey, RegisterStatements> registers;
  std::map<EventKey, StoredEvent> events;
  std::map<ClockSignKey, MemoryClockSign> clock_signs;
  std::map<QuarantineKey, MemoryQuarantine> quarantine;
  std::map<std::pair<std::string, std::string>, std::string> state;  // (feed, key)
  std::map<MemorySourceKey, MemorySource> sources;
  std::vector<MemorySourceKey> source_keys;  // by source_id - 1
  std::vector<MemoryChange> changes;
  std::int64_t commits = 0;

  // Nullptr where nothing had been said by then.
  [[nodiscard]] const IntervalSaid* interval_as_of(const IntervalKey& key, UtcInstant then) const;
  [[nodiscard]] const RegisterSaid* register_as_of(const RegisterKey& key, UtcInstant then) const;
  // Throws std::out_of_range when there is no such source.
  [[nodiscard]] const std::pair<const MemorySourceKey, MemorySource>& source(MemorySourceId id) const;
};

}  // namespace ami::storage
