// Registers of a commit: the highest rank is current, each other distinct reading is a revision.
#include <algorithm>

#include "storage/postgres/ingest_steps.h"
#include "storage/postgres/statement_order.h"

namespace ami::storage {
namespace {

using Reading = RegisterStatement;
struct Key {
  std::int64_t meter = 0, channel = 0;
  UtcInstant at{};
  auto operator<=>(const Key&) const = default;
};
struct Slot {
  Key key;
  std::vector<Reading> said;
  std::optional<Reading> current, before;  // before: as stored
  std::int64_t version = 0;
  bool changed = false;
};

std::vector<Slot> collect(const IngestStep& step) {
  std::vector<std::pair<Key, Reading>> all;
  all.reserve(step.unit.batch.registers.size());
  for (const RegisterReading& read : step.unit.batch.registers) {
    if (!step.lane.has(step.unit.batch.channels.at(read.channel).meter)) continue;
    all.push_back(
        {{step.unit.batch.channels.at(read.channel).meter, step.ids.channel(read.channel), read.at},
         {read.value, step.ids.source({read.rank, read.time_source}), step.ids.quality(read.quality),
          read.period_start, read.occurred_at, static_cast<std::int16_t>(read.time_source)}});
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Slot> slots;
  for (auto& [key, reading] : all) {
    if (slots.empty() || slots.back().key != key) slots.push_back({key, {}, {}, {}, 0, false});
    slots.back().said.push_back(reading);
  }
  return slots;
}

void load(const IngestStep& step, IdBook& ids, std::vector<Slot>& slots) {
  std::vector<std::int64_t> meters, channels;
  std::vector<UtcInstant> times;
  UtcInstant low = UtcInstant::max(), high = UtcInstant::min();
  for (const Slot& slot : slots) {
    meters.push_back(slot.key.meter);
    channels.push_back(slot.key.channel);
    times.push_back(slot.key.at);
    low = std::min(low, slot.key.at);
    high = std::max(high, slot.key.at);
  }
  Params params;
  params.array(meters);
  params.array(channels);
  params.array(times);
  const std::string sql =
      "SELECT k.n, r.version, r.mantissa, r.exponent, r.source_id, r.quality_id, r.period_start, "
      "r.occurred_at,"
      " r.time_source FROM unnest($1, $2, $3) WITH ORDINALITY AS k (meter_id, channel_id, at, n)"
      " CROSS JOIN LATERAL (SELECT * FROM register_read x WHERE x.meter_id = k.meter_id"
      " AND x.channel_id = k.channel_id AND x.at = k.at AND x.at BETWEEN '" +
      to_text(low) + "' AND '" + to_text(high) + "' FOR UPDATE) r";  // as load_grid()
  const Rows rows = Rows::query(step.connection, sql.c_str(), params);
  std::vector<std::int64_t> sources;
  std::vector<std::int32_t> qualities;
  for (int i = 0; i < rows.size(); ++i) {
    Slot& slot = slots.at(static_cast<std::size_t>(rows.i8(i, 0) - 1));
    slot.version = rows.i8(i, 1);
    slot.current = Reading{{rows.i8(i, 2), rows.i2(i, 3)},
                           rows.i8(i, 4),
                           rows.i4(i, 5),
                           rows.maybe_at(i, 6),
                           rows.maybe_at(i, 7),
                           rows.i2(i, 8)};
    slot.before = slot.current;
    sources.push_back(slot.current->source);
    qualities.push_back(slot.current->quality);
  }
  ids.learn(sources, qualities);
}

void put_content(CopyRows& out, const Reading& reading) {
  out.i8(reading.value.mantissa);
  out.i2(static_cast<std::int16_t>(reading.value.exponent));
  out.i4(reading.quality);
  out.at(reading.period_start);
  out.at(reading.occurred_at);
  out.i2(reading.time_source);
}

void merge(const IngestStep& step, std::vector<Slot>& slots, CopyRows& revisions) {
  for (Slot& slot : slots) {
    for (const Reading& said : slot.said) {
      ++step.counts.registers;
      if (!slot.current) {
        slot.current = said;
        slot.changed = true;
        continue;
      }
      const auto order = compare(said, *slot.current, step.ids);
      if (order == 0) continue;
      Reading loser = said;
      if (order > 0) {
        std::swap(loser, *slot.current);
        slot.changed = true;
      }
      const Rank& rank = step.ids.rank_of(loser.source);
      revisions.begin_row(13);
      revisions.i8(slot.key.meter);
      revisions.i8(slot.key.channel);
      revisions.at(slot.key.at);
      revisions.at(rank.stamp);
      revisions.i4(rank.mapping_version);
      put_content(revisions, loser);
      revisions.i4(step.unit.utility);
      revisions.i8(loser.source);
    }
  }
}

SlotChanges changes_of(const Slot& slot, const IdBook& ids) {
  SlotChanges out;
  const Reading& now = *slot.current;
  if (!slot.before) {
    out.kinds = kNew;
    return out;
  }
  const Reading& was = *slot.before;
  const bool same_value = (was.value <=> now.value) == 0 && was.period_start == now.period_start &&
                          was.occurred_at == now.occurred_at;
  const bool same_quality = was.quality == now.quality || ids.compare_quality(was.quality, now.quality) == 0;
  out.kinds = !same_value ? kCorrected : !same_quality ? kQualityChanged : kSuperseded;
  if (out.kinds != kSuperseded) out.old = {was.value.mantissa, was.value.exponent, was.quality};
  return out;
}

#define AMI_REGISTER_COLUMNS                                                                      \
  "meter_id, channel_id, at, version, mantissa, exponent, quality_id, period_start, occurred_at," \
  " time_source, utility_id, source_id"

bool store(const IngestStep& step, const std::vector<Slot>& slots, CopyRows& changes) {
  Writes writes;
  for (const Slot& slot : slots) {
    if (!slot.changed) continue;
    CopyRows& out = slot.version == 0 ? writes.fresh : writes.grown;
    out.begin_row(12);
    out.i8(slot.key.meter);
    out.i8(slot.key.channel);
    out.at(slot.key.at);
    out.i8(slot.version + 1);
    put_content(out, *slot.current);
    out.i4(step.unit.utility);
    out.i8(slot.current->source);
    put_change(changes, step,
               {Entity::Register, slot.key.meter, slot.key.channel,
                std::chrono::floor<std::chrono::days>(slot.key.at), 0, 0, slot.key.at},
               changes_of(slot, step.ids));
  }
  // As for intervals: an upsert looks each row up by its key.
  return writes.send(
      step, "register_read", " (" AMI_REGISTER_COLUMNS ")",
      "WITH written AS ("
      " INSERT INTO register_read AS r (" AMI_REGISTER_COLUMNS ") SELECT " AMI_REGISTER_COLUMNS
      " FROM stage_register_read ON CONFLICT (meter_id, channel_id, at) DO UPDATE SET"
      "  version = excluded.version, mantissa = excluded.mantissa, exponent = excluded.exponent,"
      "  quality_id = excluded.quality_id, period_start = excluded.period_start,"
      "  occurred_at = excluded.occurred_at, time_source = excluded.time_source,"
      "  source_id = excluded.source_id"
      "  WHERE r.version = excluded.version - 1 RETURNING 1) SELECT count(*) FROM written");
}

}  // namespace

bool write_registers(const IngestStep& step, IdBook& ids) {
  if (step.unit.batch.registers.empty()) return true;
  auto slots = collect(step);
  if (slots.empty()) return true;
  load(step, ids, slots);
  CopyRows revisions, changes;
  merge(step, slots, revisions);
  if (!store(step, slots, changes)) return false;
  if (revisions.rows() > 0) {
    const std::string columns =
        "meter_id, channel_id, at, rank_stamp, mapping_version, mantissa, exponent, quality_id, period_start,"
        " occurred_at, time_source, utility_id, source_id";
    if (step.staged != nullptr) *step.staged = true;
    revisions.send(step.connection, "stage_register_revision (" + columns + ")");
    Rows::repeated(step.connection,
                ("INSERT INTO register_revision (" + columns + ") SELECT " + columns +
                 " FROM stage_register_revision ON CONFLICT DO NOTHING")
                    .c_str(),
                {});
  }
  send_changes(step, changes);
  return true;
}

}  // namespace ami::storage
