// The job: what has to be compared now, in pieces of one transaction each.
//
// Nothing is missed. A commit that we do not see while we compare has a transaction number that the feed's
// cursor has not passed, so its changes are read by a later step. Changes after judged_to are not read here
// at all: the days they belong to are compared when their grace has passed.
#include <algorithm>
#include <map>
#include <pqxx/pqxx>
#include <tuple>

#include "meter_model/failpoint.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/gaps.h"
#include "storage/postgres/gaps_load.h"

namespace ami::storage {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

constexpr int kChangesAStep = 20'000;
constexpr int kChannelsAStep = 5'000;  // looked at for their first value
constexpr int kMetersAStep = 500;      // compared over their whole history
constexpr days kLongestStretch{40};    // of one comparison of a day that has become due

// Before a day is judged, with the rules of the zone: the end of the last civil day whose grace has passed.
UtcInstant horizon(const Zone& zone, const CollectionRules& rules, UtcInstant now) {
  const auto date = std::chrono::floor<days>(zone.civil(now - rules.grace));
  return zone.civil_day(std::chrono::year_month_day{date}).start;
}

constexpr const char* kZoneOfMeter =
    " coalesce((SELECT nullif(d.zone, '') FROM installation i JOIN usage_point_detail d USING "
    "(usage_point_id)"
    "  WHERE i.meter_id = m.meter_id ORDER BY upper(i.valid) DESC NULLS FIRST, upper(d.valid) DESC NULLS "
    "FIRST"
    "  LIMIT 1), u.zone)";

// The day on which values of channel c begin.
constexpr const char* kFirstInterval =
    " least((SELECT min(day)::timestamp AT TIME ZONE 'UTC' FROM interval_day d WHERE d.meter_id = c.meter_id "
    "AND"
    "   d.channel_id = c.channel_id),"
    "  (SELECT date_trunc('day', min(start_at)) FROM interval_odd d WHERE d.meter_id = c.meter_id AND"
    "   d.channel_id = c.channel_id))";
constexpr const char* kFirstRegister =
    " (SELECT date_trunc('day', min(at)) - interval '1 day' FROM register_read d WHERE d.meter_id = "
    "c.meter_id AND"
    "  d.channel_id = c.channel_id)";

std::string sql(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

class Step {
 public:
  Step(pqxx::work& tx, Session& session, const CollectionRules& rules, UtcInstant now)
      : tx_(tx), session_(session), rules_(rules), now_(now) {}

  GapStep run() {
    if (!tx_.exec1("SELECT pg_try_advisory_xact_lock(7165289, 10)")[0].as<bool>()) {
      out_.busy = true;
      return out_;
    }
    // Keys lead to few rows each; statistics of young partitions would say otherwise.
    tx_.exec(
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
        "SET LOCAL enable_bitmapscan = off");
    restart_where_needed();
    const bool worked = seed() || read_changes() || compare_dirty_meters() || compare_due_days();
    out_.more = worked;
    return out_;
  }

 private:
  Rows query(const std::string& statement, const Params& params = {}) {
    return Rows::query(session_.raw(), statement.c_str(), params);
  }

  // After a restore, after changes that were dropped unread, or under another rule for registers, what is
  // stored here no longer says how far we are.
  void restart_where_needed() {
    const auto state = tx_.exec1(
        "SELECT s.register_expected, s.generation <> f.generation OR EXISTS (SELECT FROM collection_cursor c"
        " WHERE (c.txid, c.change_id) < (f.oldest_txid, f.oldest_change_id) AND c.txid <> '0')"
        " FROM collection_state s, change_feed f");
    if (state[1].as<bool>()) {
      tx_.exec(
          "DELETE FROM collection_cursor;"
          "INSERT INTO collection_cursor SELECT utility_id, pg_snapshot_xmin(pg_current_snapshot()), 0 FROM "
          "utility;"
          "INSERT INTO collection_dirty (meter_id) SELECT DISTINCT meter_id FROM collection_series;"
          "UPDATE collection_state SET seeded_to = 0, generation = (SELECT generation FROM change_feed)");
    }
    if (state[0].as<bool>() == rules_.registers_daily) return;
    tx_.exec_params0(
        "UPDATE gap g SET state = 'CLOSED', settled_at = $1, note = 'registers are no longer expected' FROM"
        " collection_series s WHERE s.series_id = g.series_id AND s.registers AND g.state <> 'CLOSED'",
        to_text(now_));
    tx_.exec("DELETE FROM collection_series WHERE registers");
    tx_.exec_params0("UPDATE collection_state SET register_expected = $1, seeded_to = 0",
                     rules_.registers_daily);
  }

  // Series of channels that had values before the cursor was made.
  bool seed() {
    const auto state = tx_.exec1("SELECT seeded_to FROM collection_state");
    if (state[0].is_null()) return false;
    Params params;
    params.i8(state[0].as<std::int64_t>());
    const Rows rows =
        query("SELECT channel_id FROM channel WHERE channel_id > $1 ORDER BY channel_id LIMIT " +
                  std::to_string(kChannelsAStep),
              params);
    std::vector<std::int64_t> channels;
    for (int i = 0; i < rows.size(); ++i) channels.push_back(rows.i8(i, 0));
    make_series(channels, false);
    if (rules_.registers_daily) make_series(channels, true);
    if (channels.empty()) {
      tx_.exec("UPDATE collection_state SET seeded_to = NULL");
    } else {
      tx_.exec_params0("UPDATE collection_state SET seeded_to = $1", channels.back());
    }
    return true;
  }

  void make_series(const std::vector<std::int64_t>& channels, bool registers) {
    if (channels.empty()) return;
    Params params;
    params.array(channels);
    const char* kind = registers ? "true" : "false";
    query(
        sql({"INSERT INTO collection_series (utility_id, meter_id, key, reading_type, unit, registers, zone,"
             " judged_to) SELECT DISTINCT ON (c.meter_id, c.key, ami_series_type(c.reading_type), c.unit)"
             " c.utility_id, c.meter_id, c.key, ami_series_type(c.reading_type), c.unit, ",
             kind, ",", kZoneOfMeter,
             ", f.at FROM unnest($1::bigint[]) AS k (channel_id) JOIN channel c USING (channel_id)"
             " JOIN meter m USING (meter_id) JOIN utility u ON u.utility_id = m.utility_id"
             " CROSS JOIN LATERAL (SELECT",
             registers ? kFirstRegister : kFirstInterval,
             " AS at) f WHERE f.at IS NOT NULL AND NOT EXISTS (SELECT FROM collection_series s WHERE"
             " s.meter_id = c.meter_id AND s.key = c.key AND s.reading_type = ami_series_type(c.reading_type)"
             " AND s.unit = c.unit AND s.registers = ",
             kind,
             ") ORDER BY c.meter_id, c.key, ami_series_type(c.reading_type), c.unit, f.at ON CONFLICT DO "
             "NOTHING"}),
        params);
  }

  bool read_changes() {
    tx_.exec("INSERT INTO collection_cursor SELECT utility_id, '0', 0 FROM utility ON CONFLICT DO NOTHING");
    std::vector<std::int32_t> utilities;
    for (const auto& row : tx_.exec("SELECT utility_id FROM collection_cursor ORDER BY 1")) {
      utilities.push_back(row[0].as<std::int32_t>());
    }
    bool any = false;
    for (const std::int32_t utility : utilities) any |= read_changes_of(utility);
    return any;
  }

  // Widened to all slots and neighbours that the change can touch.
  bool read_changes_of(std::int32_t utility) {
    Params params;
    params.i4(utility);
    const Rows rows = query(
        "WITH batch AS MATERIALIZED (SELECT c.txid, c.change_id, c.meter_id, c.channel_id, c.entity, "
        "c.interval_s,"
        "  coalesce(c.at, c.day::timestamp AT TIME ZONE 'UTC') AS at FROM change c"
        "  WHERE c.utility_id = $1 AND c.txid < pg_snapshot_xmin(pg_current_snapshot()) AND (c.txid, "
        "c.change_id) >"
        "   ((SELECT txid FROM collection_cursor WHERE utility_id = $1),"
        "    (SELECT change_id FROM collection_cursor WHERE utility_id = $1))"
        "  AND c.change_id > (SELECT foreign_until FROM change_feed)"
        "  ORDER BY c.txid, c.change_id LIMIT " +
            std::to_string(kChangesAStep) +
            "), moved AS (UPDATE collection_cursor k SET txid = b.txid, change_id = b.change_id FROM"
            "  (SELECT txid, change_id FROM batch UNION ALL SELECT pg_snapshot_xmin(pg_current_snapshot()), 0"
            "   WHERE NOT EXISTS (SELECT FROM batch) ORDER BY 1 DESC, 2 DESC LIMIT 1) b"
            "  WHERE k.utility_id = $1 AND (k.txid, k.change_id) < (b.txid, b.change_id)),"
            " span AS (SELECT channel_id, (entity = 3)::int AS registers,"
            "  CASE entity WHEN 1 THEN at WHEN 2 THEN at - interval_s * interval '1 s' ELSE at - interval "
            "'26 h' END"
            "   AS low,"
            "  CASE entity WHEN 1 THEN at + interval '1 day' WHEN 2 THEN at + 2 * interval_s * interval '1 s'"
            "   ELSE at + interval '9 days' END AS high FROM batch WHERE entity <= 3)"
            " SELECT channel_id, registers, min(low), max(high), (SELECT count(*) FROM batch) FROM span"
            " GROUP BY channel_id, registers"
            " UNION ALL SELECT 0, 0, 'epoch', 'epoch', (SELECT count(*) FROM batch) ORDER BY 1 DESC",
        params);
    const std::int64_t count = rows.i8(rows.size() - 1, 4);
    if (count == 0) return false;
    out_.changes += static_cast<std::size_t>(count);
    std::vector<std::int64_t> channels[2];
    std::vector<UtcInstant> low[2], high[2];
    for (int i = 0; i + 1 < rows.size(); ++i) {
      const auto kind = static_cast<std::size_t>(rows.i4(i, 1));
      if (kind == 1 && !rules_.registers_daily) continue;
      channels[kind].push_back(rows.i8(i, 0));
      low[kind].push_back(rows.at(i, 2));
      high[kind].push_back(rows.at(i, 3));
    }
    std::map<std::int64_t, SeriesItem> touched;
    for (const std::size_t kind : {0U, 1U}) {
      make_series(channels[kind], kind == 1);
      Params keys;
      keys.array(channels[kind]);
      keys.array(low[kind]);
      keys.array(high[kind]);
      const Rows found = query(
          sql({"SELECT s.series_id, s.judged_to, k.low, least(k.high, s.judged_to)"
               " FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS k (channel_id, low, high)"
               " JOIN channel c USING (channel_id) JOIN collection_series s ON s.meter_id = c.meter_id"
               " AND s.key = c.key AND s.reading_type = ami_series_type(c.reading_type) AND s.unit = c.unit"
               " AND s.registers = ",
               kind == 1 ? "true" : "false", " WHERE k.low < s.judged_to"}),
          keys);
      for (int i = 0; i < found.size(); ++i) {
        SeriesItem item;
        item.series = found.i8(i, 0);
        item.judged_to = found.at(i, 1);
        item.range = {found.at(i, 2), found.at(i, 3)};
        const auto [place, fresh] = touched.emplace(item.series, item);
        if (fresh) continue;
        place->second.range.from = std::min(place->second.range.from, item.range.from);
        place->second.range.to = std::max(place->second.range.to, item.range.to);
      }
    }
    std::vector<SeriesItem> items;
    for (auto& [id, item] : touched) items.push_back(std::move(item));
    compare_in_batches(std::move(items));
    return true;
  }

  bool compare_dirty_meters() {
    const Rows rows = query(
        "WITH taken AS (DELETE FROM collection_dirty WHERE dirty_id IN (SELECT dirty_id FROM collection_dirty"
        " ORDER BY dirty_id LIMIT " +
        std::to_string(kMetersAStep) +
        ") RETURNING meter_id) SELECT DISTINCT meter_id FROM taken ORDER BY 1");
    if (rows.size() == 0) return false;
    std::vector<std::int64_t> meters;
    for (int i = 0; i < rows.size(); ++i) meters.push_back(rows.i8(i, 0));
    Params params;
    params.array(meters);
    query(
        sql({"UPDATE collection_series s SET zone = z.zone FROM (SELECT m.meter_id,", kZoneOfMeter,
             " AS zone FROM unnest($1::bigint[]) AS k (meter_id) JOIN meter m USING (meter_id) JOIN utility u"
             " USING (utility_id)) z WHERE s.meter_id = z.meter_id AND s.zone <> z.zone"}),
        params);
    const Rows found = query(
        sql({"SELECT s.series_id, s.judged_to, least(s.judged_to, (SELECT min(from_at) FROM "
             "collection_programme p"
             " WHERE p.series_id = s.series_id), (SELECT min(from_at) FROM gap g WHERE g.series_id = "
             "s.series_id AND"
             " g.state <> 'CLOSED'), (SELECT min(CASE WHEN s.registers THEN",
             kFirstRegister, " ELSE", kFirstInterval,
             " END) FROM channel c WHERE c.meter_id = s.meter_id AND c.key = s.key AND c.unit = s.unit AND"
             " ami_series_type(c.reading_type) = s.reading_type)) FROM collection_series s WHERE s.meter_id "
             "= ANY($1)"}),
        params);
    std::vector<SeriesItem> items;
    for (int i = 0; i < found.size(); ++i) {
      SeriesItem item;
      item.series = found.i8(i, 0);
      item.judged_to = found.at(i, 1);
      item.range = {found.at(i, 2), found.at(i, 1)};
      if (item.range.from < item.range.to) items.push_back(std::move(item));
    }
    compare_in_batches(std::move(items));
    return true;
  }

  bool compare_due_days() {
    std::vector<std::string> zones;
    for (const auto& row : tx_.exec(
             "WITH RECURSIVE z AS (SELECT min(zone) AS zone FROM collection_series UNION ALL SELECT (SELECT"
             " min(s.zone) FROM collection_series s WHERE s.zone > z.zone) FROM z WHERE z.zone IS NOT NULL)"
             " SELECT zone FROM z WHERE zone IS NOT NULL")) {
      zones.emplace_back(row[0].c_str());
    }
    std::vector<SeriesItem> items;
    for (const std::string& name : zones) {
      const UtcInstant due = horizon(zones_.of(name), rules_, now_);
      const std::string names[] = {name};
      const UtcInstant dues[] = {due};
      Params params;
      params.texts(names);
      params.array(dues);
      const Rows rows = query(
          "SELECT series_id, judged_to FROM collection_series WHERE zone = $1[1] AND NOT registers AND "
          "judged_to"
          " < $2[1] UNION ALL SELECT series_id, judged_to FROM collection_series WHERE zone = $1[1] AND"
          " registers AND judged_to < $2[1] LIMIT " +
              std::to_string(rules_.batch - items.size()),
          params);
      for (int i = 0; i < rows.size(); ++i) {
        SeriesItem item;
        item.series = rows.i8(i, 0);
        const UtcInstant from = rows.at(i, 1);
        item.judged_to = due - from > kLongestStretch ? from + kLongestStretch : due;
        item.range = {from, item.judged_to};
        items.push_back(std::move(item));
      }
      if (items.size() >= rules_.batch) break;
    }
    if (items.empty()) return false;
    compare(std::move(items));
    return true;
  }

  void compare_in_batches(std::vector<SeriesItem> items) {
    for (std::size_t from = 0; from < items.size(); from += rules_.batch) {
      const std::size_t to = std::min(items.size(), from + rules_.batch);
      compare({std::make_move_iterator(items.begin() + static_cast<std::ptrdiff_t>(from)),
               std::make_move_iterator(items.begin() + static_cast<std::ptrdiff_t>(to))});
    }
  }

  void compare(std::vector<SeriesItem> items) {
    while (!items.empty()) {
      load_items(session_, items, zones_);
      std::vector<SeriesItem> again, done;
      std::vector<Judgement> judged;
      for (SeriesItem& item : items) {
        Judgement one = judge(item.facts, item.range, item.judged_to, zones_.of(item.zone));
        if (one.extend_to) {
          item.range.to = *one.extend_to;
          again.push_back(std::move(item));
          continue;
        }
        done.push_back(std::move(item));
        judged.push_back(std::move(one));
      }
      store(done, judged);
      items = std::move(again);
    }
  }

  void store(const std::vector<SeriesItem>& items, const std::vector<Judgement>& judged) {
    out_.judged += items.size();
    Writes writes;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const SeriesItem& item = items[i];
      writes.series.push_back(item.series);
      writes.judged_to.push_back(item.judged_to);
      writes.feeds.push_back(item.feed);
      if (judged[i].programmes != item.facts.programmes) writes.programmes(item.series, judged[i].programmes);
      const GapPlan plan =
          reconcile(item.gaps, item.range, judged[i], item.facts.installed, zones_.of(item.zone));
      for (const GapWrite& write : plan.writes) writes.gap(item, write);
      for (const GapClose& close : plan.closes) {
        writes.closed.push_back(close.id);
        writes.notes.emplace_back(close.merged_into != 0 ? "part of gap " + std::to_string(close.merged_into)
                                  : close.filled         ? "filled"
                                                         : "no longer expected");
      }
    }
    out_.written += writes.gap_ids.size();
    out_.closed += writes.closed.size();
    write(writes);
  }

  struct Writes {
    std::vector<std::int64_t> series;
    std::vector<UtcInstant> judged_to;
    std::vector<std::string> feeds;

    std::vector<std::int64_t> replaced, programme_series, programme_channels;
    std::vector<UtcInstant> programme_from;
    std::vector<std::int32_t> programme_intervals;

    std::vector<std::int64_t> gap_ids, copies, gap_series, gap_meters, gap_channels;
    std::vector<std::int32_t> utilities, intervals, slots;
    std::vector<UtcInstant> from, to;
    std::vector<std::string> reasons;
    std::vector<std::int64_t> closed;
    std::vector<std::string> notes;

    void programmes(std::int64_t id, const std::vector<Programme>& all) {
      replaced.push_back(id);
      for (const Programme& one : all) {
        programme_series.push_back(id);
        programme_from.push_back(one.from);
        programme_channels.push_back(one.channel);
        programme_intervals.push_back(one.interval_s);
      }
    }
    void gap(const SeriesItem& item, const GapWrite& write) {
      gap_ids.push_back(write.id);
      copies.push_back(write.copy_of);
      gap_series.push_back(item.series);
      gap_meters.push_back(item.meter);
      utilities.push_back(item.utility);
      gap_channels.push_back(write.run.channel);
      intervals.push_back(write.run.interval_s);
      slots.push_back(write.run.slots);
      from.push_back(write.run.from);
      to.push_back(write.run.to);
      reasons.emplace_back(write.run.reason == GapReason::VendorFlag  ? "VENDOR_FLAG"
                           : write.run.reason == GapReason::Withdrawn ? "WITHDRAWN"
                                                                      : "NOT_RECEIVED");
    }
  };

  void write(const Writes& w) {
    if (!w.series.empty()) {
      Params params;
      params.array(w.series);
      params.array(w.judged_to);
      params.texts(w.feeds);
      query(
          "UPDATE collection_series s SET judged_to = k.judged_to, feed = k.feed"
          " FROM unnest($1::bigint[], $2::timestamptz[], $3::text[]) AS k (series_id, judged_to, feed)"
          " WHERE s.series_id = k.series_id AND (s.judged_to <> k.judged_to OR s.feed <> k.feed)",
          params);
    }
    if (!w.replaced.empty()) {
      Params gone;
      gone.array(w.replaced);
      query("DELETE FROM collection_programme WHERE series_id = ANY($1)", gone);
      Params params;
      params.array(w.programme_series);
      params.array(w.programme_from);
      params.array(w.programme_channels);
      params.array(w.programme_intervals);
      query(
          "INSERT INTO collection_programme (series_id, from_at, channel_id, interval_s)"
          " SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::int[])",
          params);
    }
    if (!w.gap_ids.empty()) write_gaps(w);
    if (!w.closed.empty()) {
      const UtcInstant now[] = {now_};
      Params params;
      params.array(w.closed);
      params.texts(w.notes);
      params.array(now);
      query(
          "UPDATE gap g SET state = 'CLOSED', settled_at = $3[1], note = k.note ||"
          " CASE WHEN g.state = 'GIVEN_UP' THEN ', after it was given up' ELSE '' END"
          " FROM unnest($1::bigint[], $2::text[]) AS k (gap_id, note) WHERE g.gap_id = k.gap_id",
          params);
    }
  }

  void write_gaps(const Writes& w) {
    const UtcInstant now[] = {now_};
    Params params;
    params.array(w.gap_ids);
    params.array(w.copies);
    params.array(w.gap_series);
    params.array(w.gap_meters);
    params.array(w.gap_channels);
    params.array(w.utilities);
    params.array(w.intervals);
    params.array(w.slots);
    params.array(w.from);
    params.array(w.to);
    params.texts(w.reasons);
    params.array(now);
    query(
        "WITH k AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[],"
        "  $5::bigint[], $6::int[], $7::int[], $8::int[], $9::timestamptz[], $10::timestamptz[], $11::text[])"
        "  AS k (gap_id, copy_of, series_id, meter_id, channel_id, utility_id, interval_s, slots, from_at, "
        "to_at, reason)),"
        " changed AS (UPDATE gap g SET channel_id = k.channel_id, from_at = k.from_at, to_at = k.to_at,"
        "  interval_s = k.interval_s, slots = k.slots, reason = k.reason FROM k WHERE g.gap_id = k.gap_id)"
        " INSERT INTO gap (utility_id, meter_id, series_id, channel_id, from_at, to_at, interval_s, slots, "
        "reason,"
        "  state, found_at, given_up_by, given_up_at, given_up_reason)"
        " SELECT k.utility_id, k.meter_id, k.series_id, k.channel_id, k.from_at, k.to_at, k.interval_s, "
        "k.slots,"
        "  k.reason, coalesce(o.state, 'OPEN'), coalesce(o.found_at, $12[1]), o.given_up_by, o.given_up_at,"
        "  o.given_up_reason FROM k LEFT JOIN gap o ON o.gap_id = k.copy_of WHERE k.gap_id = 0",
        params);
  }

  pqxx::work& tx_;
  Session& session_;
  const CollectionRules& rules_;
  const UtcInstant now_;
  Zones zones_;
  GapStep out_;
};

}  // namespace

Result<GapStep> Gaps::step(const CollectionRules& rules, UtcInstant now) {
  return database_.impl().run([&](Session& session) {
    pqxx::work tx(session);
    const GapStep done = Step(tx, session, rules, now).run();
    failpoint("gaps.before_commit");
    tx.commit();
    return done;
  });
}

}  // namespace ami::storage
