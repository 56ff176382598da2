#include "storage/postgres/validation_queue.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "meter_model/vee/findings.h"
#include "storage/postgres/binary_copy.h"

namespace ami::storage {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

constexpr int kChangesAStep = 20'000;  // of a utility
constexpr int kMetersAStep = 200;      // of which all days are queued,
constexpr int kDaysAtOnce = 50'000;    // if there are no more than these
constexpr hours kReach{26};            // what a judgement looks back, and at events also ahead
constexpr days kRegisterReach{40};     // between an estimate and the registers that it was scaled by
constexpr days kLongestRow{62};        // of days with estimates
constexpr std::int16_t kOwn = 64;      // bit of changes that we wrote
constexpr UtcInstant::duration kTick{1};
// Instead of the time of a change: due once the day is over, so that no more is queued before it is judged.
constexpr UtcInstant kAtOnce{};

enum Entity : std::int16_t { IntervalDay = 1, IntervalOdd = 2, Register = 3, Event = 4 };

std::string text_of(UtcInstant at) {
  return "'" + to_text(at) + "'";
}

}  // namespace

void ValidationQueue::restart_where_needed() {
  const Rows state =
      Rows::query(session_.raw(),
                  "SELECT (s.generation <> f.generation OR EXISTS (SELECT FROM validation_cursor c WHERE"
                  " (c.txid, c.change_id) < (f.oldest_txid, f.oldest_change_id) AND c.txid <> '0'))::int"
                  " FROM validation_state s, change_feed f",
                  {});
  if (state.i4(0, 0) == 0) return;
  for (const char* statement :
       {"DELETE FROM validation_cursor",
        "INSERT INTO validation_cursor SELECT utility_id, pg_snapshot_xmin(pg_current_snapshot()), 0 FROM "
        "utility",
        "UPDATE validation_state SET seeded_to = 0, generation = (SELECT generation FROM change_feed)"}) {
    Rows::query(session_.raw(), statement, {});
  }
}

std::size_t ValidationQueue::read_changes(bool& more) {
  Rows::query(session_.raw(),
              "INSERT INTO validation_cursor SELECT utility_id, '0', 0 FROM utility ON CONFLICT DO NOTHING",
              {});
  const Rows utilities =
      Rows::query(session_.raw(), "SELECT utility_id FROM validation_cursor ORDER BY 1", {});
  std::size_t sum = 0;
  for (int i = 0; i < utilities.size(); ++i) {
    const std::size_t count = read_changes_of(utilities.i4(i, 0));
    more |= count == kChangesAStep;
    sum += count;
  }
  return sum;
}

std::size_t ValidationQueue::read_changes_of(std::int32_t utility) {
  Params params;
  params.i4(utility);
  const Rows rows = Rows::query(
      session_.raw(),
      ("WITH batch AS MATERIALIZED (SELECT c.* FROM change c"
       " WHERE c.utility_id = $1 AND c.txid < pg_snapshot_xmin(pg_current_snapshot()) AND (c.txid, "
       "c.change_id) >"
       "  ((SELECT txid FROM validation_cursor WHERE utility_id = $1),"
       "   (SELECT change_id FROM validation_cursor WHERE utility_id = $1))"
       " AND c.change_id > (SELECT foreign_until FROM change_feed)"
       " ORDER BY c.txid, c.change_id LIMIT " +
       std::to_string(kChangesAStep) +
       "), moved AS (UPDATE validation_cursor k SET txid = b.txid, change_id = b.change_id FROM"
       " (SELECT txid, change_id FROM batch UNION ALL SELECT pg_snapshot_xmin(pg_current_snapshot()), 0"
       "  WHERE NOT EXISTS (SELECT FROM batch) ORDER BY 1 DESC, 2 DESC LIMIT 1) b"
       " WHERE k.utility_id = $1 AND (k.txid, k.change_id) < (b.txid, b.change_id))"
       " SELECT meter_id, channel_id, entity, interval_s, version, day, at, slots, changed_at, kinds FROM "
       "batch"
       " ORDER BY txid, change_id")
          .c_str(),
      params);
  std::set<MeterId> meters;
  std::vector<JudgedVersions::Key> keys;
  const auto own = [&](int i) { return (rows.i2(i, 9) & kOwn) != 0; };
  for (int i = 0; i < rows.size(); ++i) {
    if (own(i)) continue;
    meters.insert(rows.i8(i, 0));
    if (rows.i2(i, 2) == IntervalDay)
      keys.push_back(JudgedVersions::key_of(rows.i8(i, 0), rows.i8(i, 1), rows.i4(i, 3), rows.day(i, 5)));
  }
  if (meters.empty()) return static_cast<std::size_t>(rows.size());
  civil_.learn(meters);
  judged_.load(keys);

  Dates dates;
  Changes registers, changes;
  std::vector<std::int16_t> slots;
  std::vector<std::pair<std::int64_t, std::int64_t>> spans;  // minutes of the day that changed
  for (int i = 0; i < rows.size(); ++i) {
    if (own(i)) continue;
    const MeterId meter = rows.i8(i, 0);
    const UtcInstant changed_at = std::min(rows.at(i, 8), now_);
    const Day day = rows.day(i, 5);
    const UtcInstant at = rows.maybe_at(i, 6).value_or(UtcInstant{day});
    const bool whole_day = rows.null(i, 6);
    const seconds length{rows.i4(i, 3)};
    switch (rows.i2(i, 2)) {
      case IntervalDay: {
        spans.clear();
        if (!rows.null(i, 7)) rows.array(i, 7, slots);
        for (std::size_t k = 0; !rows.null(i, 7) && k + 2 < slots.size(); k += 3) {
          const UtcInstant begin = UtcInstant{day} + slots[k] * length, end = begin + slots[k + 1] * length;
          touch(dates, meter, begin, end + kReach, changed_at);
          changes[meter].emplace_back(begin, changed_at);
          spans.emplace_back(slots[k] * length.count() / 60, (slots[k] + slots[k + 1]) * length.count() / 60);
        }
        if (spans.empty()) {
          touch(dates, meter, UtcInstant{day}, UtcInstant{day} + days{1} + kReach, changed_at);
          changes[meter].emplace_back(UtcInstant{day}, changed_at);
          break;
        }
        const auto key = JudgedVersions::key_of(meter, rows.i8(i, 1), rows.i4(i, 3), day);
        JudgedParts parts = judged_.of(key, day);
        parts.grown(static_cast<std::int32_t>(rows.i8(i, 4)), spans);
        judged_.change(key, utility, day, parts);
        break;
      }
      case IntervalOdd:
        touch(dates, meter, at, at + (whole_day ? days{1} : days{0}) + length + kReach, changed_at);
        changes[meter].emplace_back(at, changed_at);
        break;
      case Register:
        // One at midnight also ends the day before.
        touch(dates, meter, at - kTick, at + (whole_day ? days{1} : days{0}) + kReach, changed_at);
        registers[meter].emplace_back(at, changed_at);
        changes[meter].emplace_back(at, changed_at);
        break;
      default:
        touch(dates, meter, at - kReach, at + (whole_day ? days{1} : days{0}) + kReach, changed_at);
    }
  }
  touch_estimates(dates, registers);
  touch_dependent(dates, changes);
  put(dates, false);
  return static_cast<std::size_t>(rows.size());
}

void ValidationQueue::touch(Dates& dates, MeterId meter, UtcInstant from, UtcInstant to,
                            UtcInstant changed_at) const {
  for (const Day date : civil_.dates(meter, from, to)) {
    UtcInstant& last = dates.try_emplace({meter, date}, changed_at).first->second;
    last = std::max(last, changed_at);
  }
}

// A gap may go on over midnight, and so may the registers around one: what is said of it rests on values of
// the next day as well. And a day with too many days of estimates before it rests on each of them.
void ValidationQueue::touch_dependent(Dates& dates, const Changes& changes) {
  if (changes.empty()) return;
  std::vector<std::int64_t> meters;
  std::vector<Day> low, high;
  for (const auto& [meter, of_meter] : changes) {
    const auto [first, last] = std::ranges::minmax(of_meter);
    meters.push_back(meter);
    low.push_back(std::chrono::floor<days>(first.first) - days{3});
    high.push_back(std::chrono::floor<days>(last.first) + kLongestRow);
  }
  Params params;
  params.array(meters);
  params.array(std::span<const Day>(low));
  params.array(std::span<const Day>(high));
  const Rows rows = Rows::query(
      session_.raw(),
      ("SELECT k.meter_id, d.date, d.of_row FROM unnest($1::bigint[], $2::date[], $3::date[])"
       " AS k (meter_id, low, high) CROSS JOIN LATERAL (SELECT e.date, 0 AS of_row FROM estimate e WHERE"
       " e.meter_id = k.meter_id AND e.superseded_at IS NULL AND e.date BETWEEN k.low AND k.high"
       " UNION SELECT f.date, (f.channel_id = 0)::int FROM finding f WHERE f.meter_id = k.meter_id AND"
       " f.gone_at IS NULL AND f.date BETWEEN k.low AND k.high AND (f.channel_id <> 0 AND f.quality = '" +
       vee::code::kKnownMissing.to_string() + "' OR f.channel_id = 0 AND f.quality = '" +
       vee::code::kEstimated.to_string() + "')) d")
          .c_str(),
      params);
  if (rows.size() == 0) return;
  std::set<std::pair<MeterId, Day>> with_holes;
  std::map<MeterId, std::set<Day>> after_a_row;
  for (int i = 0; i < rows.size(); ++i) {
    if (rows.i4(i, 2) == 0) {
      with_holes.emplace(rows.i8(i, 0), rows.day(i, 1));
    } else {
      after_a_row[rows.i8(i, 0)].insert(rows.day(i, 1));
    }
  }
  const auto bring = [&](MeterId meter, Day date, UtcInstant changed_at) {
    UtcInstant& last = dates.try_emplace({meter, date}, changed_at).first->second;
    last = std::max(last, changed_at);
  };
  for (const auto& [meter, of_meter] : changes) {
    for (const auto& [begin, changed_at] : of_meter) {
      for (const Day date : civil_.dates(meter, begin - kReach, begin)) {
        if (with_holes.contains({meter, date})) bring(meter, date, changed_at);
      }
      const auto rests_on_it = after_a_row.find(meter);
      if (rests_on_it == after_a_row.end()) continue;
      for (const Day date : rests_on_it->second) {
        if (UtcInstant{date} > begin && UtcInstant{date} <= begin + kLongestRow)
          bring(meter, date, changed_at);
      }
    }
  }
}

// A register may scale what was estimated before or after it.
void ValidationQueue::touch_estimates(
    Dates& dates, const std::map<MeterId, std::vector<std::pair<UtcInstant, UtcInstant>>>& registers) {
  if (registers.empty()) return;
  std::vector<std::int64_t> meters;
  std::vector<Day> low, high;
  for (const auto& [meter, reads] : registers) {
    const auto [first, last] = std::ranges::minmax(reads);
    meters.push_back(meter);
    low.push_back(std::chrono::floor<days>(first.first) - kRegisterReach);
    high.push_back(std::chrono::floor<days>(last.first) + kRegisterReach);
  }
  Params params;
  params.array(meters);
  params.array(std::span<const Day>(low));
  params.array(std::span<const Day>(high));
  const Rows rows =
      Rows::query(session_.raw(),
                  "SELECT DISTINCT e.meter_id, e.date FROM unnest($1::bigint[], $2::date[], $3::date[])"
                  " AS k (meter_id, low, high) JOIN estimate e ON e.meter_id = k.meter_id"
                  " AND e.superseded_at IS NULL AND e.date BETWEEN k.low AND k.high",
                  params);
  for (int i = 0; i < rows.size(); ++i) {
    const MeterId meter = rows.i8(i, 0);
    const Day date = rows.day(i, 1);
    for (const auto& [at, changed_at] : registers.at(meter)) {
      if (at < UtcInstant{date} - kRegisterReach || at > UtcInstant{date} + kRegisterReach + days{1})
        continue;
      UtcInstant& last = dates.try_emplace({meter, date}, changed_at).first->second;
      last = std::max(last, changed_at);
    }
  }
}

UtcInstant ValidationQueue::due_at(MeterId meter, Day date, UtcInstant changed_at) const {
  return std::max(civil_.day(meter, date).end, changed_at) + rules_.settle;
}

void ValidationQueue::put(const Dates& dates, bool keep_known) {
  if (dates.empty()) return;
  std::vector<std::int64_t> meters;
  std::vector<std::int32_t> utilities;
  std::vector<Day> labels;
  std::vector<UtcInstant> due;
  for (const auto& [key, changed_at] : dates) {
    meters.push_back(key.first);
    utilities.push_back(civil_.of(key.first).utility);
    labels.push_back(key.second);
    due.push_back(due_at(key.first, key.second, changed_at));
  }
  Params params;
  params.array(meters);
  params.array(std::span<const Day>(labels));
  params.array(utilities);
  params.array(std::span<const UtcInstant>(due));
  Rows::query(
      session_.raw(),
      (std::string("INSERT INTO validation_due AS q (meter_id, date, utility_id, due_at)"
                   " SELECT * FROM unnest($1::bigint[], $2::date[], $3::int[], $4::timestamptz[])"
                   " ON CONFLICT (meter_id, date) DO ") +
       (keep_known
            ? "NOTHING"
            : "UPDATE SET due_at = excluded.due_at WHERE NOT q.ordered AND q.due_at <> excluded.due_at"))
          .c_str(),
      params);
}

ValidationQueue::Dates ValidationQueue::stored_days(std::vector<MeterId>& meters) {
  Params params;
  params.array(meters);
  // A day of UTC stands for the moments on it; a finding and an estimate name their civil day.
  const Rows rows = Rows::query(
      session_.raw(),
      ("SELECT k.meter_id, d.day, d.civil FROM unnest($1::bigint[]) WITH ORDINALITY AS k (meter_id, n) CROSS "
       "JOIN"
       " LATERAL (SELECT i.day, 0 AS civil FROM channel c JOIN interval_day i ON i.meter_id = c.meter_id"
       "  AND i.channel_id = c.channel_id WHERE c.meter_id = k.meter_id"
       " UNION SELECT (i.start_at AT TIME ZONE 'UTC')::date, 0 FROM channel c JOIN interval_odd i ON"
       "  i.meter_id = c.meter_id AND i.channel_id = c.channel_id WHERE c.meter_id = k.meter_id"
       " UNION SELECT (r.at AT TIME ZONE 'UTC')::date, 0 FROM channel c JOIN register_read r ON"
       "  r.meter_id = c.meter_id AND r.channel_id = c.channel_id WHERE c.meter_id = k.meter_id"
       " UNION SELECT (e.at AT TIME ZONE 'UTC')::date, 0 FROM event e WHERE e.meter_id = k.meter_id"
       " UNION SELECT f.date, 1 FROM any_finding f WHERE f.meter_id = k.meter_id AND f.gone_at IS NULL"
       " UNION SELECT e.date, 1 FROM estimate e WHERE e.meter_id = k.meter_id AND e.superseded_at IS NULL) d"
       " ORDER BY k.n LIMIT " +
       std::to_string(kDaysAtOnce))
          .c_str(),
      params);
  int size = rows.size();
  if (size == kDaysAtOnce && rows.i8(size - 1, 0) != meters.front()) {
    const MeterId cut_off = rows.i8(size - 1, 0);  // the others another time
    while (rows.i8(size - 1, 0) == cut_off) --size;
    meters.erase(std::ranges::find(meters, cut_off), meters.end());
  } else if (size == kDaysAtOnce) {
    meters.resize(1);
  }
  civil_.learn({meters.begin(), meters.end()});
  Dates out;
  for (int i = 0; i < size; ++i) {
    const MeterId meter = rows.i8(i, 0);
    const Day day = rows.day(i, 1);
    if (rows.i4(i, 2) != 0) {
      out.try_emplace({meter, day}, kAtOnce);
    } else {
      touch(out, meter, UtcInstant{day} - kTick, UtcInstant{day} + days{1} + kReach, kAtOnce);
    }
  }
  return out;
}

bool ValidationQueue::take_dirty_meters() {
  const Rows rows = Rows::query(
      session_.raw(),
      ("SELECT dirty_id, meter_id FROM validation_dirty WHERE due_at <= greatest(" + text_of(now_) +
       "::timestamptz, clock_timestamp()) ORDER BY dirty_id LIMIT " + std::to_string(kMetersAStep))
          .c_str(),
      {});
  if (rows.size() == 0) return false;
  std::vector<MeterId> meters;
  for (int i = 0; i < rows.size(); ++i) {
    if (std::ranges::find(meters, rows.i8(i, 1)) == meters.end()) meters.push_back(rows.i8(i, 1));
  }
  put(stored_days(meters), true);  // what waits is still being delivered: not judged half
  std::vector<std::int64_t> done;  // by number: a mark that came meanwhile stays
  for (int i = 0; i < rows.size(); ++i) {
    if (std::ranges::find(meters, rows.i8(i, 1)) != meters.end()) done.push_back(rows.i8(i, 0));
  }
  Params params;
  params.array(done);
  Rows::query(session_.raw(), "DELETE FROM validation_dirty WHERE dirty_id = ANY ($1)", params);
  return true;
}

bool ValidationQueue::seed() {
  const Rows state = Rows::query(session_.raw(), "SELECT seeded_to FROM validation_state", {});
  if (state.null(0, 0)) return false;
  Params from;
  from.i8(state.i8(0, 0));
  const Rows rows = Rows::query(session_.raw(),
                                ("SELECT meter_id FROM meter WHERE meter_id > $1 ORDER BY meter_id LIMIT " +
                                 std::to_string(kMetersAStep))
                                    .c_str(),
                                from);
  if (rows.size() == 0) {
    Rows::query(session_.raw(), "UPDATE validation_state SET seeded_to = NULL", {});
    return false;
  }
  std::vector<MeterId> meters;
  for (int i = 0; i < rows.size(); ++i) meters.push_back(rows.i8(i, 0));
  put(stored_days(meters), true);
  Params to;
  to.i8(meters.back());
  Rows::query(session_.raw(), "UPDATE validation_state SET seeded_to = $1", to);
  return true;
}

std::vector<MeterDate> ValidationQueue::due() {
  const Rows rows =
      Rows::query(session_.raw(),
                  ("SELECT utility_id, meter_id, date, ordered::int FROM validation_due WHERE due_at <= " +
                   text_of(now_) + " ORDER BY due_at, meter_id, date LIMIT " +
                   std::to_string(std::clamp<std::size_t>(rules_.batch, 1, 10'000)))
                      .c_str(),
                  {});
  std::vector<MeterDate> out;
  for (int i = 0; i < rows.size(); ++i) {
    out.push_back({rows.i4(i, 0), rows.i8(i, 1), std::chrono::year_month_day{rows.day(i, 2)}});
    if (rows.i4(i, 3) != 0) ordered_.emplace(rows.i8(i, 1), rows.day(i, 2));
  }
  // One day of a meter after the other, so that each sees what the one before left.
  std::ranges::sort(out, {}, [](const MeterDate& of) { return std::pair(of.meter, Day{of.date}); });
  return out;
}

void ValidationQueue::settle(const std::vector<MeterDate>& judged,
                             const std::vector<std::optional<UtcInstant>>& again_at) {
  std::vector<std::int64_t> gone, later;
  std::vector<Day> gone_dates, later_dates;
  std::vector<UtcInstant> when;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    if (!again_at[i]) {
      gone.push_back(judged[i].meter);
      gone_dates.emplace_back(judged[i].date);
      continue;
    }
    later.push_back(judged[i].meter);
    later_dates.emplace_back(judged[i].date);
    when.push_back(std::max(*again_at[i], now_ + seconds{1}));  // never the same step for ever
  }
  if (!gone.empty()) {
    Params params;
    params.array(gone);
    params.array(std::span<const Day>(gone_dates));
    Rows::query(session_.raw(),
                "DELETE FROM validation_due q USING unnest($1::bigint[], $2::date[]) AS k (meter_id, date)"
                " WHERE q.meter_id = k.meter_id AND q.date = k.date",
                params);
  }
  if (!later.empty()) {
    Params params;
    params.array(later);
    params.array(std::span<const Day>(later_dates));
    params.array(std::span<const UtcInstant>(when));
    Rows::query(session_.raw(),
                "UPDATE validation_due q SET due_at = k.due_at, ordered = false FROM unnest($1::bigint[], "
                "$2::date[], "
                "$3::timestamptz[])"
                " AS k (meter_id, date, due_at) WHERE q.meter_id = k.meter_id AND q.date = k.date",
                params);
  }
}

void ValidationQueue::add(const std::set<std::pair<MeterId, Day>>& dates) {
  Dates out;
  for (const auto& key : dates) out.try_emplace(key, kAtOnce);
  put(out, true);
}

}  // namespace ami::storage
