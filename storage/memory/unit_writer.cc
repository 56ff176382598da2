#include "storage/memory/unit_writer.h"

#include <algorithm>

#include "storage/memory/storable.h"

namespace ami::storage {
namespace {

template <class Statements>
std::optional<typename Statements::key_type> current(const Statements& said) {
  if (said.empty()) return std::nullopt;
  return said.rbegin()->first;
}

bool same_value(const IntervalSaid& a, const IntervalSaid& b) {
  return a.value == b.value;
}
// Of another period, or another time of the maximum, is another reading.
bool same_value(const RegisterSaid& a, const RegisterSaid& b) {
  return a.value == b.value && a.period_start == b.period_start && a.occurred_at == b.occurred_at;
}

// What became of a slot; nullopt = it says what it said.
template <class Said>
std::optional<MemoryChange::Slot> change_of(int slot, const std::optional<Said>& before, const Said& now) {
  if (before && *before == now) return std::nullopt;
  MemoryChange::Slot out{slot, MemoryChange::kNew, std::nullopt};
  if (!before) return out;
  out.kind = !same_value(*before, now)           ? MemoryChange::kCorrected
             : !(before->quality == now.quality) ? MemoryChange::kQualityChanged
                                                 : MemoryChange::kSuperseded;
  if (out.kind != MemoryChange::kSuperseded) out.old = {before->value, before->quality};
  return out;
}

}  // namespace

UnitWriter::UnitWriter(MemoryTables& tables, const CommitUnit& unit, const EventFacts& facts, UtcInstant now)
    : tables_(tables), unit_(unit), facts_(facts), now_(now), commit_(tables.commits + 1) {}

MemoryChannel UnitWriter::channel(std::uint32_t index) const {
  const ChannelKey& key = unit_.batch.channels[index];
  return {key.meter, key.key, key.reading_type, key.unit};
}

std::string UnitWriter::refusal() const {
  const auto ours = [&](MeterId meter) {
    const auto found = tables_.meters.find(meter);
    return found != tables_.meters.end() && found->second == unit_.utility;
  };
  const auto theirs = [&](MeterId meter) {
    return "utility " + std::to_string(unit_.utility) + " has no meter " + std::to_string(meter);
  };
  for (const ChannelKey& key : unit_.batch.channels) {
    if (!ours(key.meter)) return theirs(key.meter);
  }
  for (const EventReading& event : unit_.batch.events) {
    if (!ours(event.meter)) return theirs(event.meter);
  }
  for (const ClockSign& sign : unit_.batch.clock_signs) {
    if (!ours(sign.meter)) return theirs(sign.meter);
  }
  if (!sources_said().empty() && !tables_.utilities.contains(unit_.utility)) {
    return "there is no utility " + std::to_string(unit_.utility);
  }
  return {};
}

CommitCounts UnitWriter::write() {
  for (std::uint32_t i = 0; i < unit_.batch.channels.size(); ++i) tables_.channels.insert(channel(i));
  write_sources();
  write_intervals();
  write_registers();
  write_events();
  write_quarantine();
  write_clock_signs();
  write_state(tables_, unit_.source.feed, unit_.state);
  tables_.commits = commit_;

  CommitCounts counts;
  counts.registers = unit_.batch.registers.size();
  counts.events = unit_.batch.events.size();
  counts.quarantined = unit_.batch.quarantined.size();
  for (const auto& [key, source] : sources_said()) {
    counts.interval_values += static_cast<std::uint64_t>(source.interval_values);
  }
  return counts;
}

std::map<UnitWriter::SourceOf, MemorySource> UnitWriter::sources_said() const {
  std::map<SourceOf, MemorySource> out;
  const NormalisedBatch& batch = unit_.batch;
  for (const RegisterReading& read : batch.registers) ++out[{read.rank, read.time_source}].registers;
  for (const IntervalRun& run : batch.intervals) {
    auto& values = out[{run.rank, run.time_source}].interval_values;
    for (const auto& mantissa : run.mantissas) values += mantissa ? 1 : 0;
  }
  for (const EventReading& event : batch.events) ++out[source_of(event)].events;
  // Content that says nothing is remembered as read, and quarantine needs to say where it came from.
  const bool something = !batch.quarantined.empty() || !unit_.source.content_sha256.empty();
  if (out.empty() && something) out[{RankStamp{}, TimeSource::Device}];
  return out;
}

void UnitWriter::write_sources() {
  const SourceRef& from = unit_.source;
  for (auto [said, source] : sources_said()) {
    const MemorySourceKey key{unit_.utility,        from.feed,   from.content_sha256, from.offset, said.first,
                              from.mapping_version, said.second, unit_.replay_of};
    source.source_id = static_cast<MemorySourceId>(tables_.sources.size()) + 1;
    source.name = from.name;
    source.cause = unit_.cause;
    source.length = from.length;
    source.received_at = from.received_at;
    source.stored_at = now_;
    const auto [place, fresh] = tables_.sources.try_emplace(key, source);
    if (fresh) tables_.source_keys.push_back(key);
    sources_[said] = place->second.source_id;
  }
}

void UnitWriter::write_intervals() {
  for (const IntervalRun& run : unit_.batch.intervals) {
    for (std::size_t i = 0; i < run.mantissas.size(); ++i) {
      std::optional<Decimal> stated;
      if (run.mantissas[i]) stated = Decimal{*run.mantissas[i], run.exponent};
      IntervalSaid said;
      if (stated) said.value = stated->normalised();
      said.stamp = run.rank;
      said.mapping_version = unit_.source.mapping_version;
      said.quality = unit_.batch.qualities[run.quality.empty() ? 0 : run.quality[i]];
      const UtcInstant start = run.first_start + static_cast<std::int64_t>(i) * run.length;
      write_interval({channel(run.channel), start, run.length.count()}, stated, std::move(said),
                     sources_.at({run.rank, run.time_source}));
    }
  }
  note_interval_changes();
}

void UnitWriter::write_interval(const IntervalKey& key, const std::optional<Decimal>& stated,
                                IntervalSaid said, MemorySourceId source) {
  // A hole without codes and flag says nothing at all.
  if (!said.value && said.quality == ValueQuality{}) return;
  const auto [row, slot] = row_of(key);
  IntervalRowFacts& facts = tables_.interval_rows[row];
  RowBefore& before = before_.try_emplace(row, RowBefore{facts, {}}).first->second;
  IntervalStatements& statements = tables_.intervals[key];
  before.slots.try_emplace(slot, current(statements));
  statements.try_emplace(std::move(said), source);
  if (stated) facts.exponent = std::min(facts.exponent.value_or(stated->exponent), stated->exponent);
}

void UnitWriter::note_interval_changes() {
  for (const auto& [row, before] : before_) {
    std::vector<MemoryChange::Slot> slots;
    for (const auto& [slot, was] : before.slots) {
      const IntervalSaid now = *current(tables_.intervals.at(slot_of(row, slot)));
      if (const auto change = change_of(slot, was, now)) slots.push_back(*change);
    }
    IntervalRowFacts& facts = tables_.interval_rows.at(row);
    const bool other_digits = row.grid && facts.exponent != before.facts.exponent;
    if (slots.empty() && !other_digits) continue;
    ++facts.version;
    if (slots.empty()) continue;  // written in other digits, but it says what it said
    MemoryChange& change =
        add_change(row.grid ? MemoryChange::kDay : MemoryChange::kOdd, row.channel.meter, row.start);
    change.channel = row.channel;
    change.length_s = row.length_s;
    change.version = row.grid ? facts.version : 0;
    change.slots = std::move(slots);
  }
}

void UnitWriter::write_registers() {
  std::map<RegisterKey, std::optional<RegisterSaid>> before;
  for (const RegisterReading& read : unit_.batch.registers) {
    const RegisterKey key{channel(read.channel), read.at};
    RegisterStatements& statements = tables_.registers[key];
    before.try_emplace(key, current(statements));
    statements.try_emplace(
        {read.value, read.rank, unit_.source.mapping_version, unit_.batch.qualities[read.quality],
         read.period_start, read.occurred_at, read.time_source},
        sources_.at({read.rank, read.time_source}));
  }
  for (const auto& [key, was] : before) {
    const auto slot = change_of(0, was, *current(tables_.registers.at(key)));
    if (!slot) continue;
    MemoryChange& change = add_change(MemoryChange::kRegister, key.channel.meter, key.at);
    change.channel = key.channel;
    change.slots = {*slot};
  }
}

void UnitWriter::write_quarantine() {
  for (auto& [key, row] : tables_.quarantine) {
    const auto& ids = unit_.replayed;
    const bool named = std::find(ids.begin(), ids.end(), row.quarantine_id) != ids.end();
    if (named && key.utility == unit_.utility) row.state = MemoryQuarantine::State::Replayed;
  }
  const UtcInstant received = unit_.source.received_at;
  std::set<QuarantineKey> seen;  // the same record twice in a unit is one sighting
  for (const Quarantined& item : unit_.batch.quarantined) {
    const QuarantineKey key{unit_.utility, unit_.source.feed, item.reason, item.raw};
    if (!seen.insert(key).second) continue;
    const auto [place, fresh] = tables_.quarantine.try_emplace(key);
    MemoryQuarantine& row = place->second;
    if (fresh) {
      row = {static_cast<std::int64_t>(tables_.quarantine.size()),
             item.detail,
             item.meter,
             item.offset,
             sources_.begin()->second,
             0,
             received,
             received,
             MemoryQuarantine::State::Open};
    }
    ++row.times_seen;
    row.first_seen = std::min(row.first_seen, received);
    row.last_seen = std::max(row.last_seen, received);
    if (row.state != MemoryQuarantine::State::Rejected) row.state = MemoryQuarantine::State::Open;
  }
}

MemoryChange& UnitWriter::add_change(int entity, MeterId meter, UtcInstant at) {
  MemoryChange& change = tables_.changes.emplace_back();
  change.commit = commit_;
  change.entity = entity;
  change.utility = unit_.utility;
  change.meter = meter;
  change.at = at;
  return change;
}

void write_state(MemoryTables& tables, const std::string& feed, const std::vector<StateRow>& rows) {
  for (const StateRow& row : rows) {
    const std::pair key{printable(feed), row.key};
    if (row.value) {
      tables.state[key] = *row.value;
    } else {
      tables.state.erase(key);
    }
  }
}

}  // namespace ami::storage
