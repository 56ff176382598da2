// Intervals of a commit: group by channel-day, read, merge, write back where nobody else wrote meanwhile.
#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "storage/postgres/day_columns.h"
#include "storage/postgres/ingest_steps.h"
#include "storage/postgres/interval_merge.h"

namespace ami::storage {
namespace {

constexpr std::chrono::seconds kDaySpan{86'400};

struct Key {
  std::int64_t meter = 0, channel = 0;
  UtcInstant start{};  // of the day (grid) or of the interval (odd)
  std::int64_t length_s = 0;
  auto operator<=>(const Key&) const = default;
};
struct KeyHash {
  std::size_t operator()(const Key& key) const noexcept {
    auto mix = static_cast<std::uint64_t>(key.channel) * 0x9E3779B97F4A7C15ULL;
    mix ^= static_cast<std::uint64_t>(key.start.time_since_epoch().count()) + (mix >> 29U);
    mix *= 0xBF58476D1CE4E5B9ULL;
    return static_cast<std::size_t>(mix ^ (mix >> 32U) ^ static_cast<std::uint64_t>(key.length_s));
  }
};

// Part of a run that falls into one row.
struct Piece {
  std::uint32_t run = 0, row = 0;
  std::size_t from = 0, count = 0, slot = 0;
};
struct Row {
  Key key;
  SlotRow slots;
};
struct Rowset {
  bool keeps_digits = true;
  std::vector<Row> rows;
  std::unordered_map<Key, std::uint32_t, KeyHash> index;
  std::vector<Piece> pieces;
  std::vector<std::uint32_t> order;  // of rows, by key: two writers lock in the same order

  std::uint32_t row_for(const Key& key, std::size_t slots) {
    const auto [place, fresh] = index.try_emplace(key, static_cast<std::uint32_t>(rows.size()));
    if (fresh) rows.push_back({key, SlotRow(slots, keeps_digits)});
    return place->second;
  }
  void sort() {
    order.resize(rows.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return rows[a].key < rows[b].key; });
  }
};

void collect(const IngestStep& step, Rowset& grid, Rowset& odd) {
  const auto& runs = step.unit.batch.intervals;
  for (std::uint32_t r = 0; r < runs.size(); ++r) {
    const IntervalRun& run = runs[r];
    if (!step.lane.has(step.unit.batch.channels.at(run.channel).meter)) continue;
    Key key{step.unit.batch.channels.at(run.channel).meter,
            step.ids.channel(run.channel),
            {},
            run.length.count()};
    const std::size_t count = run.mantissas.size();
    for (std::size_t i = 0; i < count;) {
      const UtcInstant start = run.first_start + static_cast<std::int64_t>(i) * run.length;
      if (on_grid(start, run.length)) {
        key.start = std::chrono::floor<std::chrono::days>(start);
        const auto width = static_cast<std::size_t>(kDaySpan / run.length);
        const auto slot = static_cast<std::size_t>((start - key.start) / run.length);
        const std::size_t take = std::min(width - slot, count - i);
        grid.pieces.push_back({r, grid.row_for(key, width), i, take, slot});
        i += take;
      } else {
        key.start = start;
        odd.pieces.push_back({r, odd.row_for(key, 1), i, 1, 0});
        ++i;
      }
    }
  }
  grid.sort();
  odd.sort();
}

struct KeyColumns {
  std::vector<std::int64_t> meters, channels, lengths;
  std::vector<std::int32_t> lengths_s;
  std::vector<UtcInstant> starts;
  std::vector<Day> days;
  std::string first, last;  // bounds for pruning, as SQL literals

  KeyColumns(const Rowset& set) {
    UtcInstant low = UtcInstant::max(), high = UtcInstant::min();
    for (const std::uint32_t i : set.order) {
      const Key& key = set.rows[i].key;
      meters.push_back(key.meter);
      channels.push_back(key.channel);
      lengths.push_back(key.length_s);
      lengths_s.push_back(static_cast<std::int32_t>(std::min<std::int64_t>(key.length_s, 86'400)));
      starts.push_back(key.start);
      days.push_back(std::chrono::floor<std::chrono::days>(key.start));
      low = std::min(low, key.start);
      high = std::max(high, key.start);
    }
    first = "'" + to_text(low) + "'";
    last = "'" + to_text(high) + "'";
  }
};

// Rows are looked up key by key: a subquery that locks is never joined the other way round. The statistics
// know nothing yet of a day that has just begun, and a plan that believes them walks through the whole month
// for it.
void load_grid(const IngestStep& step, IdBook& ids, Rowset& set) {
  const KeyColumns keys(set);
  Params params;
  params.array(keys.meters);
  params.array(keys.channels);
  params.array(keys.days);
  params.array(keys.lengths_s);
  const std::string sql =
      "SELECT k.n, d.version, d.exponent, d.values, d.wide, d.exponents, " AMI_SOURCE_RUNS
      ", " AMI_QUALITY_RUNS
      " FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS k (meter_id, channel_id, day, interval_s, n)"
      " CROSS JOIN LATERAL (SELECT * FROM interval_day x WHERE x.meter_id = k.meter_id"
      " AND x.channel_id = k.channel_id AND x.day = k.day AND x.interval_s = k.interval_s AND x.day "
      "BETWEEN " +
      keys.first.substr(0, 11) + "' AND " + keys.last.substr(0, 11) + "' FOR UPDATE) d";
  const Rows rows = Rows::query(step.connection, sql.c_str(), params);
  std::vector<SlotRow::Stored> stored(static_cast<std::size_t>(rows.size()));
  std::vector<std::int64_t> sources;
  std::vector<std::int32_t> qualities;
  for (int i = 0; i < rows.size(); ++i) {
    SlotRow::Stored& row = stored[static_cast<std::size_t>(i)];
    row.version = rows.i8(i, 1);
    if (!rows.null(i, 2)) row.exponent = rows.i2(i, 2);
    if (!rows.null(i, 3)) rows.array(i, 3, row.values);
    if (!rows.null(i, 4)) rows.array(i, 4, row.wide);
    if (!rows.null(i, 5)) rows.array(i, 5, row.exponents);
    rows.array(i, 6, row.source_runs);
    if (!rows.null(i, 7)) rows.array(i, 7, row.quality_runs);
    for (std::size_t k = 1; k < row.source_runs.size(); k += 2) sources.push_back(row.source_runs[k]);
    for (std::size_t k = 1; k < row.quality_runs.size(); k += 2) qualities.push_back(row.quality_runs[k]);
    set.rows[set.order.at(static_cast<std::size_t>(rows.i8(i, 0) - 1))].slots.load(row);
  }
  ids.learn(sources, qualities);
}

void load_odd(const IngestStep& step, IdBook& ids, Rowset& set) {
  const KeyColumns keys(set);
  Params params;
  params.array(keys.meters);
  params.array(keys.channels);
  params.array(keys.starts);
  params.array(keys.lengths);
  const std::string sql =
      "SELECT k.n, d.version, d.mantissa, d.exponent, d.source_id, d.quality_id"
      " FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS k (meter_id, channel_id, start_at, length_s, n)"
      " CROSS JOIN LATERAL (SELECT * FROM interval_odd x WHERE x.meter_id = k.meter_id"
      " AND x.channel_id = k.channel_id AND x.start_at = k.start_at AND x.length_s = k.length_s"
      " AND x.start_at BETWEEN " +
      keys.first + " AND " + keys.last + " FOR UPDATE) d";
  const Rows rows = Rows::query(step.connection, sql.c_str(), params);
  std::vector<std::int64_t> sources;
  std::vector<std::int32_t> qualities;
  for (int i = 0; i < rows.size(); ++i) {
    SlotRow::Stored row;
    row.version = rows.i8(i, 1);
    row.wide = {rows.null(i, 2) ? SlotRow::kHole : rows.i8(i, 2)};
    if (!rows.null(i, 3)) row.exponent = rows.i2(i, 3);
    row.source_runs = {1, rows.i8(i, 4)};
    row.quality_runs = {1, rows.i4(i, 5)};
    sources.push_back(row.source_runs[1]);
    qualities.push_back(row.quality_runs[1]);
    set.rows[set.order.at(static_cast<std::size_t>(rows.i8(i, 0) - 1))].slots.load(row);
  }
  ids.learn(sources, qualities);
}

void merge(const IngestStep& step, Rowset& set, CopyRows& revisions) {
  for (const Piece& piece : set.pieces) {
    const IntervalRun& run = step.unit.batch.intervals[piece.run];
    Row& row = set.rows[piece.row];
    SlotValue said;
    said.source = step.ids.source({run.rank, run.time_source});
    for (std::size_t i = 0; i < piece.count; ++i) {
      const auto& mantissa = run.mantissas[piece.from + i];
      said.value.reset();
      if (mantissa) said.value = Decimal{*mantissa, run.exponent};
      said.quality = run.quality.empty() ? 0 : step.ids.quality(run.quality[piece.from + i]);
      if (mantissa) ++step.counts.interval_values;
      const auto loser = row.slots.offer(piece.slot + i, said, step.ids);
      if (!loser) continue;
      const Rank& rank = step.ids.rank_of(loser->source);
      revisions.begin_row(11);
      revisions.i8(row.key.meter);
      revisions.i8(row.key.channel);
      revisions.at(row.key.start + static_cast<std::int64_t>(piece.slot + i) * run.length);
      revisions.i8(row.key.length_s);
      revisions.at(rank.stamp);
      revisions.i4(rank.mapping_version);
      if (loser->value) {
        const Decimal plain = loser->value->normalised();
        revisions.i8(plain.mantissa);
        revisions.i2(static_cast<std::int16_t>(plain.exponent));
      } else {
        revisions.null();
        revisions.null();
      }
      revisions.i4(loser->quality);
      revisions.i4(step.unit.utility);
      revisions.i8(loser->source);
    }
  }
}

#define AMI_DAY_COLUMNS                                                                            \
  "meter_id, channel_id, version, day, interval_s, utility_id, exponent, values, wide, exponents," \
  " source_runs, quality_runs, source_id, quality_id"
#define AMI_ODD_COLUMNS                                                                           \
  "meter_id, channel_id, start_at, length_s, utility_id, version, source_id, mantissa, exponent," \
  " quality_id"

bool store_grid(const IngestStep& step, const Rowset& set, CopyRows& changes) {
  Writes writes;
  for (const std::uint32_t i : set.order) {
    const auto& [key, slots] = set.rows[i];
    if (!slots.changed()) continue;
    const SlotRow::Stored row = slots.to_store();
    CopyRows& out = slots.base_version() == 0 ? writes.fresh : writes.grown;
    out.begin_row(14);
    out.i8(key.meter);
    out.i8(key.channel);
    out.i8(row.version);
    out.day(std::chrono::floor<std::chrono::days>(key.start));
    out.i4(static_cast<std::int32_t>(key.length_s));
    out.i4(step.unit.utility);
    row.exponent ? out.i2(*row.exponent) : out.null();
    row.wide.empty() ? out.array(row.values) : out.null();
    row.wide.empty() ? out.null() : out.array(row.wide);
    row.exponents.empty() ? out.null() : out.array(row.exponents);
    const bool one_source = row.source_runs.size() == 2, one_quality = row.quality_runs.size() == 2;
    one_source ? out.null() : out.array(row.source_runs);
    row.quality_runs.empty() || one_quality ? out.null() : out.array(row.quality_runs);
    one_source ? out.i8(row.source_runs[1]) : out.null();
    one_quality ? out.i4(row.quality_runs[1]) : out.null();
    put_change(changes, step,
               {Entity::IntervalDay, key.meter, key.channel, std::chrono::floor<std::chrono::days>(key.start),
                key.length_s, row.version, std::nullopt},
               slots.changes(step.ids));
  }
  // An upsert looks each row up by its key: there is no join that a plan could turn round, as in load_grid().
  return writes.send(
      step, "interval_day", " (" AMI_DAY_COLUMNS ")",
      "WITH written AS ("
      " INSERT INTO interval_day AS d (" AMI_DAY_COLUMNS ") SELECT " AMI_DAY_COLUMNS
      " FROM stage_interval_day"
      " ON CONFLICT (meter_id, channel_id, day, interval_s) DO UPDATE SET version = excluded.version,"
      "  exponent = excluded.exponent, values = excluded.values, wide = excluded.wide,"
      "  exponents = excluded.exponents, source_runs = excluded.source_runs,"
      "  quality_runs = excluded.quality_runs, source_id = excluded.source_id, quality_id = "
      "excluded.quality_id"
      "  WHERE d.version = excluded.version - 1 RETURNING 1) SELECT count(*) FROM written");
}

bool store_odd(const IngestStep& step, const Rowset& set, CopyRows& changes) {
  Writes writes;
  for (const std::uint32_t i : set.order) {
    const auto& [key, slots] = set.rows[i];
    if (!slots.changed()) continue;
    const SlotValue now = slots.current(0);
    CopyRows& out = slots.base_version() == 0 ? writes.fresh : writes.grown;
    out.begin_row(10);
    out.i8(key.meter);
    out.i8(key.channel);
    out.at(key.start);
    out.i8(key.length_s);
    out.i4(step.unit.utility);
    out.i8(slots.base_version() + 1);
    out.i8(now.source);
    if (now.value) {
      const Decimal plain = now.value->normalised();  // as in revisions: no other slot wants its digits
      out.i8(plain.mantissa);
      out.i2(static_cast<std::int16_t>(plain.exponent));
    } else {
      out.null();
      out.null();
    }
    out.i4(now.quality);
    SlotChanges what = slots.changes(step.ids);
    what.slots.clear();
    put_change(changes, step,
               {Entity::IntervalOdd, key.meter, key.channel, std::chrono::floor<std::chrono::days>(key.start),
                key.length_s, 0, key.start},
               what);
  }
  return writes.send(
      step, "interval_odd", " (" AMI_ODD_COLUMNS ")",
      "WITH written AS ("
      " INSERT INTO interval_odd AS d (" AMI_ODD_COLUMNS ") SELECT " AMI_ODD_COLUMNS
      " FROM stage_interval_odd"
      " ON CONFLICT (meter_id, channel_id, start_at, length_s) DO UPDATE SET version = excluded.version,"
      "  source_id = excluded.source_id, mantissa = excluded.mantissa, exponent = excluded.exponent,"
      "  quality_id = excluded.quality_id"
      "  WHERE d.version = excluded.version - 1 RETURNING 1) SELECT count(*) FROM written");
}

}  // namespace

bool write_intervals(const IngestStep& step, IdBook& ids) {
  if (step.unit.batch.intervals.empty()) return true;
  Rowset grid, odd;
  odd.keeps_digits = false;
  collect(step, grid, odd);
  CopyRows revisions, changes;
  if (!grid.rows.empty()) {
    load_grid(step, ids, grid);
    merge(step, grid, revisions);
    if (!store_grid(step, grid, changes)) return false;
  }
  if (!odd.rows.empty()) {
    load_odd(step, ids, odd);
    merge(step, odd, revisions);
    if (!store_odd(step, odd, changes)) return false;
  }
  if (revisions.rows() > 0) {
    const std::string columns =
        "meter_id, channel_id, start_at, length_s, rank_stamp, mapping_version, mantissa, exponent, "
        "quality_id,"
        " utility_id, source_id";
    if (step.staged != nullptr) *step.staged = true;
    revisions.send(step.connection, "stage_interval_revision (" + columns + ")");
    Rows::query(step.connection,
                ("INSERT INTO interval_revision (" + columns + ") SELECT " + columns +
                 " FROM stage_interval_revision ON CONFLICT DO NOTHING")
                    .c_str(),
                {});
  }
  send_changes(step, changes);
  return true;
}

}  // namespace ami::storage
