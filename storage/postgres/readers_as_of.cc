#include "storage/postgres/readers_as_of.h"

#include <algorithm>

#include "storage/postgres/statement_order.h"

namespace ami::storage {
namespace {

// As a literal; PostgreSQL's timestamps and ours both reach from year 1 to 9999.
std::string literal(UtcInstant instant) {
  constexpr UtcInstant kFirst{std::chrono::sys_days{std::chrono::year{1} / 1 / 1}};
  constexpr UtcInstant kLast{std::chrono::sys_days{std::chrono::year{9999} / 12 / 31}};
  std::string out = "'";
  out += to_text(std::clamp(instant, kFirst, kLast));
  return out += "'::timestamptz";
}

struct SlotArrays {
  std::vector<std::int64_t> meters, channels;
  std::vector<UtcInstant> times;
  UtcInstant low = UtcInstant::max(), high = UtcInstant::min();

  void add(MeterId meter, ChannelId channel, UtcInstant at) {
    meters.push_back(meter);
    channels.push_back(channel);
    times.push_back(at);
    low = std::min(low, at);
    high = std::max(high, at);
  }
};

}  // namespace

// Without a time everything that is there is stored; a withdrawal of this very moment counts.
Moment::Moment(Session& session, std::optional<UtcInstant> as_of)
    : session_(session),
      as_of_(as_of),
      stored_by_(as_of ? literal(*as_of) : "'infinity'::timestamptz"),
      withdrawn_by_(as_of ? literal(*as_of) : "clock_timestamp()") {}

void Moment::watch(const std::vector<ChannelId>& channels) {
  if (channels.empty()) return;
  Params params;
  params.array(std::span<const std::int64_t>(channels));
  const std::string sql =
      "SELECT channel_id, source_id FROM withdrawal WHERE channel_id = ANY ($1) AND at <= " + withdrawn_by_;
  const Rows rows = Rows::query(session_.raw(), sql.c_str(), params);
  for (int i = 0; i < rows.size(); ++i) withdrawn_.emplace(rows.i8(i, 0), rows.i8(i, 1));
}

void Moment::learn(const std::set<SourceId>& sources, const std::set<QualityId>& qualities) {
  std::vector<std::int64_t> unknown;
  for (const SourceId id : sources) {
    if (id != 0 && !sources_.contains(id)) unknown.push_back(id);
  }
  if (!unknown.empty()) {
    Params params;
    params.array(std::span<const std::int64_t>(unknown));
    const std::string sql =
        "SELECT source_id, rank_stamp, mapping_version, received_at, (stored_at <= " + stored_by_ +
        ")::int FROM source WHERE source_id = ANY ($1)";
    const Rows rows = Rows::query(session_.raw(), sql.c_str(), params);
    for (int i = 0; i < rows.size(); ++i) {
      sources_[rows.i8(i, 0)] = {{rows.at(i, 1), rows.i4(i, 2)}, rows.at(i, 3), rows.i4(i, 4) != 0};
    }
  }
  qualities_.try_emplace(0);
  std::vector<QualityId> unnamed;
  for (const QualityId id : qualities) {
    if (!qualities_.contains(id)) unnamed.push_back(id);
  }
  for (auto& [id, quality] : load_qualities(session_, unnamed)) qualities_[id] = std::move(quality);
}

bool Moment::counts(ChannelId channel, SourceId source) const {
  return sources_.at(source).stored && !withdrawn_.contains({channel, source});
}

std::string Moment::counts_sql(const std::string& alias) const {
  const std::string withdrawn = "NOT EXISTS (SELECT FROM withdrawal w WHERE w.channel_id = " + alias +
                                ".channel_id AND w.source_id = " + alias +
                                ".source_id AND w.at <= " + withdrawn_by_ + ")";
  if (!as_of_) return withdrawn;
  return "(SELECT s.stored_at <= " + stored_by_ + " FROM source s WHERE s.source_id = " + alias +
         ".source_id) AND " + withdrawn;
}

std::string Moment::latest_time_sql() const {
  return as_of_ ? literal(*as_of_ + std::chrono::days{1}) : "'infinity'::timestamptz";
}

std::strong_ordering Moment::compare_quality(std::int32_t a, std::int32_t b) const {
  return compare(qualities_.at(a), qualities_.at(b));
}

namespace {

// What a revision says of a slot of a row.
struct Revision {
  std::size_t row = 0, slot = 0;
  SlotValue said;
};

std::vector<Revision> load_revisions(Session& session, const std::vector<IntervalRow>& rows,
                                     const std::vector<std::size_t>& which) {
  SlotArrays keys;
  std::vector<UtcInstant> ends;
  std::vector<std::int64_t> lengths;
  UtcInstant high = UtcInstant::min();
  for (const std::size_t n : which) {
    const IntervalRow& row = rows[n];
    keys.add(row.meter, row.channel, row.start);
    ends.push_back(row.start + static_cast<std::int64_t>(row.slots()) * row.length);
    lengths.push_back(row.length.count());
    high = std::max(high, ends.back());
  }
  Params params;
  params.array(std::span<const std::int64_t>(keys.meters));
  params.array(std::span<const std::int64_t>(keys.channels));
  params.array(std::span<const UtcInstant>(keys.times));
  params.array(std::span<const UtcInstant>(ends));
  params.array(std::span<const std::int64_t>(lengths));
  const std::string from = to_text(keys.low), to = to_text(high);
  const std::string sql =
      "SELECT k.n, r.start_at, r.mantissa, r.exponent, r.source_id, r.quality_id FROM unnest($1, $2, $3, $4, "
      "$5)"
      " WITH ORDINALITY AS k (meter_id, channel_id, first, after, length_s, n) CROSS JOIN LATERAL ("
      "SELECT * FROM interval_revision x WHERE x.meter_id = k.meter_id AND x.channel_id = k.channel_id"
      " AND x.start_at >= k.first AND x.start_at < k.after AND x.length_s = k.length_s AND x.start_at >= '" +
      from + "' AND x.start_at < '" + to + "' OFFSET 0) r";
  const Rows found = Rows::query(session.raw(), sql.c_str(), params);
  std::vector<Revision> out;
  out.reserve(static_cast<std::size_t>(found.size()));
  for (int i = 0; i < found.size(); ++i) {
    Revision revision;
    revision.row = which.at(static_cast<std::size_t>(found.i8(i, 0) - 1));
    const IntervalRow& row = rows[revision.row];
    // An off-grid start just after this one's is another row; a day has no start between its slots.
    const auto after = found.at(i, 1) - row.start;
    if (after % row.length != std::chrono::microseconds{0}) continue;
    revision.slot = static_cast<std::size_t>(after / row.length);
    if (!found.null(i, 2)) revision.said.value = Decimal{found.i8(i, 2), found.i2(i, 3)};
    revision.said.source = found.i8(i, 4);
    revision.said.quality = found.i4(i, 5);
    out.push_back(revision);
  }
  return out;
}

}  // namespace

void restate(Session& session, Moment& moment, std::vector<IntervalRow>& rows) {
  std::set<SourceId> sources;
  for (const IntervalRow& row : rows) {
    const auto& runs = row.stored.source_runs;
    for (std::size_t i = 1; i < runs.size(); i += 2) sources.insert(runs[i]);
  }
  moment.learn(sources, {});
  // Where every current statement counts, it is the answer: nothing ranks higher.
  std::vector<std::size_t> changed;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const auto& runs = rows[n].stored.source_runs;
    for (std::size_t i = 1; i < runs.size(); i += 2) {
      if (runs[i] == 0 || moment.counts(rows[n].channel, runs[i])) continue;
      changed.push_back(n);
      break;
    }
  }
  if (changed.empty()) return;

  const std::vector<Revision> revisions = load_revisions(session, rows, changed);
  std::set<QualityId> qualities;
  for (const Revision& revision : revisions) {
    sources.insert(revision.said.source);
    qualities.insert(revision.said.quality);
  }
  for (const std::size_t n : changed) {
    const auto& runs = rows[n].stored.quality_runs;
    for (std::size_t i = 1; i < runs.size(); i += 2) qualities.insert(runs[i]);
  }
  moment.learn(sources, qualities);

  // What counted is merged anew, by the merge that ingest uses; its outcome does not depend on the order.
  std::unordered_map<std::size_t, SlotRow> merged;
  for (const std::size_t n : changed) {
    const IntervalRow& row = rows[n];
    SlotRow current(row.slots());
    current.load(row.stored);
    SlotRow& then = merged.try_emplace(n, row.slots()).first->second;
    for (std::size_t slot = 0; slot < row.slots(); ++slot) {
      const SlotValue said = current.current(slot);
      if (said.source != 0 && moment.counts(row.channel, said.source)) then.offer(slot, said, moment);
    }
  }
  for (const Revision& revision : revisions) {
    if (moment.counts(rows[revision.row].channel, revision.said.source))
      merged.at(revision.row).offer(revision.slot, revision.said, moment);
  }
  for (const std::size_t n : changed) rows[n].stored = merged.at(n).to_store();
}

RegisterRow register_of(const Rows& rows, int i, int c) {
  RegisterRow row;
  row.channel = rows.i8(i, c);
  row.meter = rows.i8(i, c + 1);
  row.at = rows.at(i, c + 2);
  row.value = {rows.i8(i, c + 3), rows.i2(i, c + 4)};
  row.quality = rows.i4(i, c + 5);
  row.source = rows.i8(i, c + 6);
  row.time_source = static_cast<TimeSource>(rows.i2(i, c + 7));
  row.period_start = rows.maybe_at(i, c + 8);
  row.occurred_at = rows.maybe_at(i, c + 9);
  if (!rows.null(i, c + 10)) {
    row.usage_point = rows.i8(i, c + 10);
    row.multiplier = Decimal{rows.i8(i, c + 11), rows.i2(i, c + 12)};
  }
  return row;
}

std::vector<std::optional<RegisterRow>> registers_at(Session& session, Moment& moment,
                                                     const std::vector<RegisterSlot>& slots) {
  std::vector<std::optional<RegisterRow>> out(slots.size());
  if (slots.empty()) return out;
  SlotArrays keys;
  for (const RegisterSlot& slot : slots) keys.add(slot.meter, slot.channel, slot.at);
  Params params;
  params.array(std::span<const std::int64_t>(keys.meters));
  params.array(std::span<const std::int64_t>(keys.channels));
  params.array(std::span<const UtcInstant>(keys.times));
  const std::string low = to_text(keys.low), high = to_text(keys.high);
  std::string sql = "SELECT k.n, ";
  sql += kRegisterColumns;
  sql += " FROM unnest($1, $2, $3) WITH ORDINALITY AS k (meter_id, channel_id, at, n) CROSS JOIN LATERAL (";
  for (const char* table : {"register_read", "register_revision"}) {
    if (!sql.ends_with('(')) sql += " UNION ALL ";
    sql +=
        "SELECT x.channel_id, x.meter_id, x.at, x.mantissa, x.exponent, x.quality_id, x.source_id, "
        "x.time_source,"
        " x.period_start, x.occurred_at FROM ";
    sql += table;
    sql +=
        " x WHERE x.meter_id = k.meter_id AND x.channel_id = k.channel_id AND x.at = k.at AND x.at BETWEEN '";
    sql += low;
    sql += "' AND '";
    sql += high;
    sql += "'";
  }
  sql += " OFFSET 0) r LEFT JOIN installation i ON i.meter_id = r.meter_id AND i.valid @> r.at";
  const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
  std::vector<std::pair<std::size_t, RegisterRow>> statements;
  std::set<SourceId> sources;
  std::set<QualityId> qualities;
  for (int i = 0; i < rows.size(); ++i) {
    statements.emplace_back(static_cast<std::size_t>(rows.i8(i, 0) - 1), register_of(rows, i, 1));
    sources.insert(statements.back().second.source);
    qualities.insert(statements.back().second.quality);
  }
  moment.learn(sources, qualities);
  const auto statement = [](const RegisterRow& row) {
    return RegisterStatement{row.value,        row.source,      row.quality,
                             row.period_start, row.occurred_at, static_cast<std::int16_t>(row.time_source)};
  };
  for (auto& [n, row] : statements) {
    if (!moment.counts(row.channel, row.source)) continue;
    std::optional<RegisterRow>& best = out.at(n);
    if (!best || compare(statement(row), statement(*best), moment) > 0) best = std::move(row);
  }
  return out;
}

namespace {

// For each channel the slot with the newest time of which something counted.
std::vector<RegisterSlot> newest_slots(Session& session, const Moment& moment, const SlotArrays& channels) {
  Params params;
  params.array(std::span<const std::int64_t>(channels.meters));
  params.array(std::span<const std::int64_t>(channels.channels));
  const std::string latest = moment.latest_time_sql(), counts = moment.counts_sql("x");
  const auto newest_in = [&](const std::string& table) {
    return "(SELECT x.at FROM " + table +
           " x WHERE x.meter_id = k.meter_id AND x.channel_id = k.channel_id AND x.at <= " + latest +
           " AND " + counts + " ORDER BY x.at DESC LIMIT 1)";
  };
  const std::string read = newest_in("register_read"), revised = newest_in("register_revision");
  const std::string sql = "SELECT meter_id, channel_id, at FROM (SELECT k.*, greatest(" + read + ", " +
                          revised +
                          ") AS at FROM unnest($1, $2) WITH ORDINALITY AS k (meter_id, channel_id, n)) f"
                          " WHERE at IS NOT NULL ORDER BY n";
  const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
  std::vector<RegisterSlot> out;
  for (int i = 0; i < rows.size(); ++i) out.push_back({rows.i8(i, 0), rows.i8(i, 1), rows.at(i, 2)});
  return out;
}

// Slots among which the one that arrived last must be: the current statement that counts and arrived last,
// and every slot whose current statement does not count while another does.
std::vector<RegisterSlot> arrived_slots(Session& session, const Moment& moment, const SlotArrays& channels) {
  Params params;
  params.array(std::span<const std::int64_t>(channels.meters));
  params.array(std::span<const std::int64_t>(channels.channels));
  const std::string latest = moment.latest_time_sql();
  const std::string said_counts = moment.counts_sql("x"), current_counts = moment.counts_sql("c");
  const std::string of_channel =
      " x.meter_id = k.meter_id AND x.channel_id = k.channel_id AND x.at <= " + latest + " AND " +
      said_counts;
  const std::string sql =
      "WITH k AS MATERIALIZED (SELECT * FROM unnest($1, $2) AS k (meter_id, channel_id))"
      " SELECT k.meter_id, k.channel_id, f.at FROM k CROSS JOIN LATERAL (SELECT x.at FROM register_read x"
      " JOIN source USING (source_id) WHERE" +
      of_channel +
      " ORDER BY received_at DESC, x.at DESC LIMIT 1) f"
      " UNION SELECT k.meter_id, k.channel_id, f.at FROM k CROSS JOIN LATERAL (SELECT x.at FROM"
      " register_revision x WHERE" +
      of_channel +
      " AND NOT EXISTS (SELECT FROM register_read c WHERE c.meter_id = x.meter_id AND"
      " c.channel_id = x.channel_id AND c.at = x.at AND " +
      current_counts + ") OFFSET 0) f";
  const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
  std::vector<RegisterSlot> out;
  for (int i = 0; i < rows.size(); ++i) out.push_back({rows.i8(i, 0), rows.i8(i, 1), rows.at(i, 2)});
  return out;
}

}  // namespace

std::vector<RegisterRow> latest_at(Session& session, Moment& moment,
                                   const std::vector<RegisterSlot>& channels, LatestBy by) {
  constexpr std::size_t kAtOnce = 50;  // bounds what is held of the history of slots by receipt
  std::vector<RegisterRow> out;
  const std::size_t step = by == LatestBy::DeviceTime ? channels.size() : kAtOnce;
  for (std::size_t from = 0; from < channels.size(); from += step) {
    SlotArrays keys;
    for (std::size_t i = from; i < std::min(from + step, channels.size()); ++i)
      keys.add(channels[i].meter, channels[i].channel, {});
    const auto slots = by == LatestBy::DeviceTime ? newest_slots(session, moment, keys)
                                                  : arrived_slots(session, moment, keys);
    std::map<ChannelId, RegisterRow> best;
    for (auto& row : registers_at(session, moment, slots)) {
      if (!row) continue;
      const auto [known, fresh] = best.try_emplace(row->channel, *row);
      if (!fresh && std::pair(moment.received_at(row->source), row->at) >
                        std::pair(moment.received_at(known->second.source), known->second.at)) {
        known->second = std::move(*row);
      }
    }
    for (const ChannelId channel : keys.channels) {
      if (const auto found = best.find(channel); found != best.end()) out.push_back(std::move(found->second));
    }
  }
  return out;
}

}  // namespace ami::storage
