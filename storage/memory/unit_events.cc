// Events of a unit, which of them tell one fact, and signs of clocks: all facts of a meter are found anew
// each time, from all of its events, so that nothing can depend on what came first.
#include <algorithm>
#include <cstdlib>
#include <tuple>
#include <vector>

#include "meter_model/normaliser/clock_signs.h"
#include "storage/memory/storable.h"
#include "storage/memory/unit_writer.h"

namespace ami::storage {
namespace {

using Row = std::pair<const EventKey, StoredEvent>;

// Of a fact's events the head is the least: the best clock, then the earliest.
bool heads(const Row* a, const Row* b) {
  const auto order = [](const Row* row) {
    return std::tie(row->second.said.time_source, row->first.at, row->first.vendor, row->first.raw_code,
                    row->first.raw_text);
  };
  return order(a) < order(b);
}

void make_fact(const std::vector<Row*>& told) {
  const Row* head = *std::ranges::min_element(told, heads);
  for (Row* row : told) {
    row->second.duplicate_of = row == head ? 0 : head->second.event_id;
    row->second.duplicates = row == head ? static_cast<int>(told.size()) - 1 : 0;
  }
}

}  // namespace

// An event that is dated by its receipt has a source of that receipt.
UnitWriter::SourceOf UnitWriter::source_of(const EventReading& event) const {
  return {event.time_source == TimeSource::Receipt ? unit_.source.received_at : RankStamp{},
          event.time_source};
}

void UnitWriter::write_events() {
  std::set<MeterId> meters;
  for (const EventReading& event : unit_.batch.events) meters.insert(event.meter);
  std::map<EventKey, StoredEvent> before;
  for (const auto& [key, row] : tables_.events) {
    if (meters.contains(key.meter)) before.emplace(key, row);
  }
  std::set<EventKey> written;
  for (const EventReading& event : unit_.batch.events) {
    const EventKey key{event.meter, event.at, event.vendor, event.raw_code, event.raw_text};
    const EventSaid said{unit_.source.mapping_version, event.kind, event.code, event.time_source};
    const auto [place, fresh] = tables_.events.try_emplace(key);
    StoredEvent& row = place->second;
    if (fresh) row.event_id = static_cast<std::int64_t>(tables_.events.size());
    if (!fresh && (said <=> row.said) <= 0) continue;
    written.insert(key);
    row.said = said;
    row.source = sources_.at(source_of(event));
  }
  if (!facts_.empty()) {
    for (const MeterId meter : meters) find_facts(meter);
  }
  note_event_changes(before, written);
}

void UnitWriter::find_facts(MeterId meter) {
  struct Told {
    EventFact fact;
    Row* row;
  };
  std::map<std::int32_t, std::vector<Told>> subjects;
  for (auto& row : tables_.events) {
    if (row.first.meter != meter) continue;
    row.second.duplicate_of = 0;
    row.second.duplicates = 0;
    if (const EventFact* fact = facts_.of(row.second.said.kind))
      subjects[fact->subject].push_back({*fact, &row});
  }
  for (auto& [subject, told] : subjects) {
    std::ranges::stable_sort(told, {},
                             [](const Told& t) { return std::pair(t.row->first.at, t.fact.state); });
    std::vector<Row*> fact;
    for (std::size_t i = 0; i < told.size(); ++i) {
      const bool again = i > 0 && told[i].fact.state == told[i - 1].fact.state &&
                         told[i].row->first.at - told[i - 1].row->first.at <= told[i].fact.window;
      if (!again && !fact.empty()) make_fact(std::exchange(fact, {}));
      fact.push_back(told[i].row);
    }
    if (!fact.empty()) make_fact(fact);
  }
}

void UnitWriter::note_event_changes(const std::map<EventKey, StoredEvent>& before,
                                    const std::set<EventKey>& written) {
  const auto fact_of = [](const StoredEvent& row) {
    return row.duplicate_of == 0 ? row.event_id : row.duplicate_of;
  };
  std::set<std::int64_t> known_facts;  // of which an event was there before
  std::set<MeterId> meters;
  for (const auto& [key, row] : before) {
    known_facts.insert(fact_of(tables_.events.at(key)));
    meters.insert(key.meter);
  }
  for (const EventKey& key : written) meters.insert(key.meter);
  for (const auto& [key, row] : tables_.events) {
    if (!meters.contains(key.meter)) continue;
    const auto was = before.find(key);
    int kind = 0;
    if (was == before.end()) {
      kind = row.duplicate_of == 0 && !known_facts.contains(row.event_id) ? MemoryChange::kNew
                                                                          : MemoryChange::kCorrected;
    } else if (written.contains(key) || (was->second.duplicate_of == 0) != (row.duplicate_of == 0)) {
      kind = MemoryChange::kCorrected;
    }
    if (kind == 0) continue;
    MemoryChange& change = add_change(MemoryChange::kEvent, key.meter, key.at);
    change.version = row.event_id;
    change.slots = {{0, kind, std::nullopt}};
  }
}

void UnitWriter::write_clock_signs() {
  const UtcInstant received = unit_.source.received_at;
  for (const ClockSign& sign : signs_to_store(unit_.batch, received)) {
    const ClockSignKey key{sign.meter, unit_.source.feed, sign.kind};
    if (sign.kind == ClockSignKind::SteadyOffset && sign.offset.count() == 0) {
      tables_.clock_signs.erase(key);
      continue;
    }
    const auto [place, fresh] = tables_.clock_signs.try_emplace(key);
    MemoryClockSign& row = place->second;
    if (fresh) {
      row = {0, received, received, sign.at, {}, sign.offset, sign.offset, sign.offset};
    }
    const auto largest = std::max(std::chrono::abs(row.least_offset), std::chrono::abs(row.most_offset));
    const auto offset = std::chrono::abs(sign.offset);
    if (offset > largest) row.worst_at = sign.at;
    if (offset == largest) row.worst_at = std::max(row.worst_at, sign.at);
    ++row.times;
    row.first_at = std::min(row.first_at, received);
    if (received >= row.last_at) {
      row.last_at = received;
      row.last_offset = sign.offset;
      row.tolerance = unit_.batch.clock_tolerance;
    }
    row.least_offset = std::min(row.least_offset, sign.offset);
    row.most_offset = std::max(row.most_offset, sign.offset);
  }
}

}  // namespace ami::storage
