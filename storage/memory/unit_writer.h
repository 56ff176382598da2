// One unit of work on the tables in memory: checked first, then written, so that it is stored whole or not.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "meter_model/quantity/event_facts.h"
#include "storage/ingest.h"
#include "storage/memory/memory_tables.h"

namespace ami::storage {

class UnitWriter {
 public:
  // `unit` as storable() returned it. All must outlive the writer; the caller holds the lock.
  UnitWriter(MemoryTables& tables, const CommitUnit& unit, const EventFacts& facts, UtcInstant now);

  // Why the unit may not be stored: it names what its utility does not have. Empty = it may.
  [[nodiscard]] std::string refusal() const;
  CommitCounts write();

 private:
  using SourceOf = std::pair<RankStamp, TimeSource>;
  struct RowBefore {
    IntervalRowFacts facts;
    std::map<int, std::optional<IntervalSaid>> slots;  // those that this unit speaks of
  };

  [[nodiscard]] std::map<SourceOf, MemorySource> sources_said() const;
  [[nodiscard]] MemoryChannel channel(std::uint32_t index) const;
  [[nodiscard]] SourceOf source_of(const EventReading& event) const;
  void write_sources();
  void write_intervals();
  void write_interval(const IntervalKey& key, const std::optional<Decimal>& stated, IntervalSaid said,
                      MemorySourceId source);
  void note_interval_changes();
  void write_registers();
  void write_events();
  void find_facts(MeterId meter);
  void note_event_changes(const std::map<EventKey, StoredEvent>& before, const std::set<EventKey>& written);
  void write_clock_signs();
  void write_quarantine();
  MemoryChange& add_change(int entity, MeterId meter, UtcInstant at);

  MemoryTables& tables_;
  const CommitUnit& unit_;
  const EventFacts& facts_;
  UtcInstant now_;
  std::int64_t commit_;
  std::map<SourceOf, MemorySourceId> sources_;
  std::map<IntervalRow, RowBefore> before_;
};

// The last word on a key counts.
void write_state(MemoryTables& tables, const std::string& feed, const std::vector<StateRow>& rows);

}  // namespace ami::storage
