// The parts of one commit. Each works inside the transaction that ingest.cc began.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "meter_model/quantity/event_facts.h"
#include "storage/ingest.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/id_cache.h"
#include "storage/postgres/interval_merge.h"

namespace ami::storage {

// The part of a unit that one transaction writes: the meters whose hash falls to it.
struct Lane {
  std::uint32_t number = 0, of = 1;
  [[nodiscard]] bool has(std::int64_t meter) const noexcept {
    return of == 1 || ((static_cast<std::uint64_t>(meter) * 0x9E3779B97F4A7C15ULL) >> 32U) % of == number;
  }
};

struct IngestStep {
  pg_conn* connection;
  const CommitUnit& unit;
  const IdBook& ids;
  CommitCounts& counts;
  Lane lane{};
  const EventFacts* facts = nullptr;  // of write_events
  bool* staged = nullptr;             // set when rows were put into a staging table
};

// Values that no table can hold (outside years 1970 to 2199, or our sign for a hole) are put aside before
// anything is written: they go to quarantine, their neighbours are stored.
// nullopt: all of it can be stored. Throws std::logic_error for a unit that contradicts itself.
std::optional<CommitUnit> without_unstorable(const CommitUnit& unit);

// Partitions that the unit needs: (table, first day of the month).
std::set<std::pair<std::string, Day>> months_of(const CommitUnit& unit, Day today);
std::map<SourceKey, SourceCounts> sources_of(const CommitUnit& unit);
SourceKey source_key_of(const EventReading& event, const SourceRef& from);

// false: another transaction changed a row that was read; roll back and begin anew.
[[nodiscard]] bool write_intervals(const IngestStep& step, IdBook& ids);
[[nodiscard]] bool write_registers(const IngestStep& step, IdBook& ids);

// Rows that were not there go straight into the table: should another writer have been quicker, the unique
// key says so and the commit begins anew. Rows that were there are staged and written where nobody else did.
struct Writes {
  CopyRows fresh, grown;
  // `update` counts what it wrote. false: another writer was quicker.
  [[nodiscard]] bool send(const IngestStep& step, const std::string& table, const std::string& columns,
                          const std::string& update);
};

// A row of the table `change`.
enum class Entity : std::int16_t { IntervalDay = 1, IntervalOdd = 2, Register = 3, Event = 4 };
struct Change {
  Entity entity = Entity::IntervalDay;
  std::int64_t meter = 0, channel = 0;
  Day day{};
  std::int64_t interval_s = 0, version = 0;
  std::optional<UtcInstant> at;
};
void put_change(CopyRows& out, const IngestStep& step, const Change& change, const SlotChanges& what);
void send_changes(const IngestStep& step, CopyRows& changes);

// Throws when an event names a meter of another utility; channels are checked when they are resolved.
void check_event_meters(pg_conn* connection, const CommitUnit& unit);
// Events, which of them tell one fact (event_groups.h), and their changes.
void write_events(const IngestStep& step);
void write_clock_signs(const IngestStep& step);  // of all lanes
void write_quarantine(const IngestStep& step);
void write_state(pg_conn* connection, const std::string& feed, const std::vector<StateRow>& rows);

// Temporary tables that COPY fills; made once per connection.
inline constexpr const char* kStageTables =
    "CREATE TEMP TABLE IF NOT EXISTS stage_interval_day (LIKE interval_day) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE IF NOT EXISTS stage_interval_odd (LIKE interval_odd) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE IF NOT EXISTS stage_interval_revision (LIKE interval_revision) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE IF NOT EXISTS stage_register_read (LIKE register_read) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE IF NOT EXISTS stage_register_revision (LIKE register_revision) ON COMMIT DELETE ROWS";
// Between two units of one transaction.
inline constexpr const char* kEmptyStage =
    "DELETE FROM stage_interval_day; DELETE FROM stage_interval_odd; DELETE FROM stage_interval_revision;"
    "DELETE FROM stage_register_read; DELETE FROM stage_register_revision";

}  // namespace ami::storage
