// Quarantine, adapter state, and what a unit needs before its transaction begins.
#include <algorithm>
#include <limits>
#include <map>
#include <stdexcept>

#include "meter_model/failpoint.h"
#include "storage/postgres/ingest_steps.h"
#include "storage/postgres/interval_merge.h"

namespace ami::storage {
namespace {

constexpr UtcInstant kFirst{std::chrono::sys_days{std::chrono::year{1970} / 1 / 1}};
constexpr UtcInstant kEnd{std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};

bool storable(UtcInstant at) {
  return kFirst <= at && at < kEnd;
}

bool times_storable(const IntervalRun& run) {
  constexpr std::chrono::seconds kSpan = std::chrono::duration_cast<std::chrono::seconds>(kEnd - kFirst);
  // The division first: a product of length and count might overflow.
  return storable(run.first_start) && run.length <= kSpan &&
         run.mantissas.size() <= static_cast<std::uint64_t>(kSpan / run.length) &&
         storable(run.first_start + static_cast<std::int64_t>(run.mantissas.size()) * run.length);
}

Quarantined unstorable(const CommitUnit& unit, std::uint32_t channel, UtcInstant at, std::uint64_t offset,
                       const Decimal* value, const char* detail) {
  const ChannelKey& key = unit.batch.channels.at(channel);
  const std::string meter = std::to_string(key.meter);
  return {"value_out_of_range", detail, meter,
          "meter_id=" + meter + " channel=" + key.key +
              " at_us=" + std::to_string(at.time_since_epoch().count()) +
              (value != nullptr
                   ? " value=" + std::to_string(value->mantissa) + "e" + std::to_string(value->exponent)
                   : std::string()),
          offset};
}

Day month_start(UtcInstant at) {
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(at)};
  return Day{day.year() / day.month() / 1};
}

}  // namespace

std::optional<CommitUnit> without_unstorable(const CommitUnit& unit) {
  bool all = true;
  for (const IntervalRun& run : unit.batch.intervals) {
    if (run.length.count() <= 0 || (!run.quality.empty() && run.quality.size() != run.mantissas.size())) {
      throw std::logic_error(
          "an interval run without a length, or with another number of qualities than values");
    }
    all = all && times_storable(run) &&
          std::none_of(run.mantissas.begin(), run.mantissas.end(),
                       [](const auto& m) { return m == SlotRow::kHole; });
  }
  for (const RegisterReading& read : unit.batch.registers) all = all && storable(read.at);
  for (const EventReading& event : unit.batch.events) all = all && storable(event.at);
  if (all) return std::nullopt;

  CommitUnit out = unit;
  NormalisedBatch& batch = out.batch;
  std::erase_if(batch.registers, [&](const RegisterReading& read) {
    if (storable(read.at)) return false;
    batch.quarantined.push_back(unstorable(unit, read.channel, read.at, read.offset, &read.value,
                                           "time outside the years 1970 to 2199"));
    return true;
  });
  std::erase_if(batch.intervals, [&](IntervalRun& run) {
    if (!times_storable(run)) {
      batch.quarantined.push_back(unstorable(unit, run.channel, run.first_start, run.offset, nullptr,
                                             "interval times outside the years 1970 to 2199"));
      return true;
    }
    for (std::size_t i = 0; i < run.mantissas.size(); ++i) {
      if (run.mantissas[i] != SlotRow::kHole) continue;
      const Decimal value{*run.mantissas[i], run.exponent};
      batch.quarantined.push_back(unstorable(unit, run.channel,
                                             run.first_start + static_cast<std::int64_t>(i) * run.length,
                                             run.offset, &value, "this one mantissa is the sign for a hole"));
      run.mantissas[i].reset();
    }
    return false;
  });
  std::erase_if(batch.events, [&](const EventReading& event) {
    if (storable(event.at)) return false;
    batch.quarantined.push_back({"value_out_of_range", "event time outside the years 1970 to 2199",
                                 std::to_string(event.meter),
                                 event.raw_code + " " + event.raw_text +
                                     " at_us=" + std::to_string(event.at.time_since_epoch().count()),
                                 event.offset});
    return true;
  });
  return out;
}

std::set<std::pair<std::string, Day>> months_of(const CommitUnit& unit, Day today) {
  std::set<std::pair<std::string, Day>> out;
  // The server's clock may be a little off ours.
  out.insert({"change", month_start(today - std::chrono::days{1})});
  out.insert({"change", month_start(today + std::chrono::days{1})});
  for (const IntervalRun& run : unit.batch.intervals) {
    const auto count = static_cast<std::int64_t>(run.mantissas.size());
    if (count == 0) continue;
    const char* table = on_grid(run.first_start, run.length) ? "interval_day" : "interval_odd";
    // Months in which an interval begins; of very long intervals not every month is one.
    const auto step = std::max<std::int64_t>(1, std::chrono::days{28} / run.length);
    for (std::int64_t i = 0;; i = std::min(i + step, count - 1)) {
      const Day month = month_start(run.first_start + i * run.length);
      out.insert({table, month});
      out.insert({"interval_revision", month});
      if (i == count - 1) break;
    }
  }
  for (const RegisterReading& read : unit.batch.registers) {
    out.insert({"register_read", month_start(read.at)});
    out.insert({"register_revision", month_start(read.at)});
  }
  for (const EventReading& event : unit.batch.events) out.insert({"event", month_start(event.at)});
  return out;
}

std::map<SourceKey, SourceCounts> sources_of(const CommitUnit& unit) {
  std::map<SourceKey, SourceCounts> out;
  for (const RegisterReading& read : unit.batch.registers) ++out[{read.rank, read.time_source}].registers;
  for (const IntervalRun& run : unit.batch.intervals) {
    out[{run.rank, run.time_source}].interval_values += std::count_if(
        run.mantissas.begin(), run.mantissas.end(), [](const auto& m) { return m.has_value(); });
  }
  for (const EventReading& event : unit.batch.events) ++out[source_key_of(event, unit.source)].events;
  if (out.empty() && (!unit.batch.quarantined.empty() || !unit.source.content_sha256.empty())) out[{}];
  return out;
}

bool Writes::send(const IngestStep& step, const std::string& table, const std::string& columns,
                  const std::string& update) {
  failpoint("ingest.before_copy");
  if (fresh.rows() > 0) fresh.send(step.connection, table + columns);
  if (grown.rows() == 0) return true;
  if (step.staged != nullptr) *step.staged = true;
  grown.send(step.connection, "stage_" + table + columns);
  return Rows::repeated(step.connection, update.c_str(), {}).i8(0, 0) == static_cast<std::int64_t>(grown.rows());
}

void put_change(CopyRows& out, const IngestStep& step, const Change& change, const SlotChanges& what) {
  if (what.kinds == 0) return;
  out.begin_row(11);
  out.i4(step.unit.utility);
  out.i8(change.meter);
  out.i8(change.channel);
  out.day(change.day);
  out.i4(static_cast<std::int32_t>(
      std::min<std::int64_t>(change.interval_s, std::numeric_limits<std::int32_t>::max())));
  out.i8(change.version);
  out.i2(static_cast<std::int16_t>(change.entity));
  out.at(change.at);
  out.i2(what.kinds);
  what.slots.empty() ? out.null() : out.array(what.slots);
  what.old.empty() ? out.null() : out.array(what.old);
}

void send_changes(const IngestStep& step, CopyRows& changes) {
  if (changes.rows() == 0) return;
  changes.send(
      step.connection,
      "change (utility_id, meter_id, channel_id, day, interval_s, version, entity, at, kinds, slots, old)");
}

void write_quarantine(const IngestStep& step) {
  if (!step.unit.replayed.empty()) {
    Params params;
    params.array(step.unit.replayed);
    params.i4(step.unit.utility);
    Rows::repeated(step.connection,
                "UPDATE quarantine SET state = 'REPLAYED' WHERE quarantine_id = ANY ($1) AND utility_id = $2",
                params);
  }
  const auto& items = step.unit.batch.quarantined;
  if (items.empty()) return;
  std::vector<std::string> reasons, details, meters, raws;
  std::vector<std::int64_t> offsets;
  for (const Quarantined& item : items) {
    reasons.push_back(clean_text(item.reason));
    details.push_back(clean_text(item.detail));
    meters.push_back(clean_text(item.meter));
    raws.push_back(item.raw);
    offsets.push_back(static_cast<std::int64_t>(item.offset));
  }
  const std::string feed[] = {clean_text(step.unit.source.feed)};
  const UtcInstant received[] = {step.unit.source.received_at};
  Params params;
  params.texts(reasons);
  params.texts(details);
  params.texts(meters);
  params.blobs(raws);
  params.array(offsets);
  params.texts(feed);
  params.array(received);
  params.i4(step.unit.utility);
  params.i8(step.ids.any_source());
  // The same record for the same reason is one row, however often it is sent. A person's REJECTED stays.
  Rows::repeated(
      step.connection,
      "INSERT INTO quarantine AS q (utility_id, feed, reason, detail, meter, raw, byte_offset, source_id,"
      "  first_seen, last_seen)"
      " SELECT DISTINCT ON (k.reason, sha256(k.raw)) $8, $6[1], k.reason, k.detail, k.meter, k.raw,"
      "  k.byte_offset, $9, $7[1], $7[1]"
      " FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS k (reason, detail, meter, raw, byte_offset, n)"
      " ORDER BY k.reason, sha256(k.raw), k.n"
      " ON CONFLICT ON CONSTRAINT quarantine_once DO UPDATE SET times_seen = q.times_seen + 1,"
      "  first_seen = least(q.first_seen, excluded.first_seen),"
      "  last_seen = greatest(q.last_seen, excluded.last_seen),"
      "  state = CASE q.state WHEN 'REJECTED' THEN 'REJECTED' ELSE 'OPEN' END",
      params);
  step.counts.quarantined += items.size();
}

void write_state(pg_conn* connection, const std::string& feed, const std::vector<StateRow>& rows) {
  if (rows.empty()) return;
  std::map<std::string, std::optional<std::string>> last;  // the last word on a key counts
  for (const StateRow& row : rows) last[row.key] = row.value;
  std::vector<std::string> kept, values, gone;
  for (auto& [key, value] : last) {
    if (value) {
      kept.push_back(key);
      values.push_back(*value);
    } else {
      gone.push_back(key);
    }
  }
  const std::string name[] = {clean_text(feed)};
  if (!gone.empty()) {
    Params params;
    params.texts(name);
    params.blobs(gone);
    Rows::repeated(connection, "DELETE FROM adapter_state WHERE feed = $1[1] AND key = ANY ($2)", params);
  }
  if (!kept.empty()) {
    Params params;
    params.texts(name);
    params.blobs(kept);
    params.blobs(values);
    Rows::repeated(connection,
                "INSERT INTO adapter_state (feed, key, value) SELECT $1[1], k.* FROM unnest($2, $3) AS k"
                " ON CONFLICT (feed, key) DO UPDATE SET value = excluded.value",
                params);
  }
}

}  // namespace ami::storage
