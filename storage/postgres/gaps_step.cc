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
#include "storage/postgres/gaps_write.h"

namespace ami::storage {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

constexpr int kChangesAStep = 20'000;
constexpr int kChannelsAStep = 5'000;  // looked at for their first value
constexpr int kMetersAStep = 500;      // compared over their whole history, if kDaysAStep allows
constexpr days kDaysAStep{10'000};     // of all series together: a transaction takes seconds, not minutes
constexpr days kDaysAtOnce{4'000};     // in memory
constexpr days kLongestStretch{40};    // of one comparison of days that have become due
constexpr days kNear{1};               // two changes of a series that are compared in one go

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
        "c.interval_s, c.kinds,"
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
            "   ELSE at + interval '9 days' END AS high FROM batch WHERE entity <= 3 AND kinds & 64 = 0)"
            " SELECT channel_id, registers, low, high, (SELECT count(*) FROM batch) FROM span"
            " GROUP BY channel_id, registers, low, high"
            " UNION ALL SELECT 0, 0, 'epoch', 'epoch', (SELECT count(*) FROM batch) ORDER BY 1 DESC",
        params);
    const std::int64_t count = rows.i8(rows.size() - 1, 4);
    if (count == 0) return false;
    out_.changes += static_cast<std::size_t>(count);
    std::map<std::int64_t, Touched> touched;
    for (const bool registers : {false, true}) {
      if (registers && !rules_.registers_daily) continue;
      std::vector<std::int64_t> channels, distinct;
      std::vector<UtcInstant> low, high;
      for (int i = 0; i + 1 < rows.size(); ++i) {
        if ((rows.i4(i, 1) != 0) != registers) continue;
        channels.push_back(rows.i8(i, 0));
        low.push_back(rows.at(i, 2));
        high.push_back(rows.at(i, 3));
        if (distinct.empty() || distinct.back() != channels.back()) distinct.push_back(channels.back());
      }
      make_series(distinct, registers);
      Params keys;
      keys.array(channels);
      keys.array(low);
      keys.array(high);
      const Rows found = query(
          sql({"SELECT s.series_id, s.judged_to, k.low, least(k.high, s.judged_to)"
               " FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS k (channel_id, low, high)"
               " JOIN channel c USING (channel_id) CROSS JOIN LATERAL (SELECT * FROM collection_series x"
               " WHERE x.meter_id = c.meter_id AND x.key = c.key AND x.unit = c.unit"
               " AND x.reading_type = ami_series_type(c.reading_type) AND x.judged_to > k.low"
               " AND x.registers = ",
               registers ? "true" : "false", " OFFSET 0) s"}),
          keys);
      for (int i = 0; i < found.size(); ++i) {
        Touched& series = touched[found.i8(i, 0)];
        series.judged_to = found.at(i, 1);
        series.ranges.push_back({found.at(i, 2), found.at(i, 3)});
      }
    }
    compare_ranges(touched);
    return true;
  }

  // Ranges of one series come one after the other: each builds on what the one before left.
  struct Touched {
    UtcInstant judged_to{};
    std::vector<Period> ranges;
  };
  void compare_ranges(std::map<std::int64_t, Touched>& touched) {
    for (auto& [id, series] : touched) {
      std::ranges::sort(series.ranges, {}, &Period::from);
      std::vector<Period> merged;
      for (const Period& range : series.ranges) {
        if (!merged.empty() && range.from <= merged.back().to + kNear) {
          merged.back().to = std::max(merged.back().to, range.to);
        } else {
          merged.push_back(range);
        }
      }
      series.ranges = std::move(merged);
    }
    for (std::size_t round = 0;; ++round) {
      std::vector<SeriesItem> items;
      for (const auto& [id, series] : touched) {
        if (round < series.ranges.size())
          items.push_back(item_of(id, series.judged_to, series.ranges[round]));
      }
      if (items.empty()) return;
      compare(std::move(items));
    }
  }

  static SeriesItem item_of(std::int64_t series, UtcInstant judged_to, const Period& range) {
    SeriesItem item;
    item.series = series;
    item.judged_to = judged_to;
    item.range = range;
    return item;
  }

  bool compare_dirty_meters() {
    const Rows rows = query("SELECT dirty_id, meter_id FROM collection_dirty ORDER BY dirty_id LIMIT " +
                            std::to_string(kMetersAStep));
    if (rows.size() == 0) return false;
    std::vector<std::int64_t> meters;
    for (int i = 0; i < rows.size(); ++i) meters.push_back(rows.i8(i, 1));
    Params params;
    params.array(meters);
    query(
        sql({"UPDATE collection_series s SET zone = z.zone FROM (SELECT m.meter_id,", kZoneOfMeter,
             " AS zone FROM unnest($1::bigint[]) AS k (meter_id) JOIN meter m USING (meter_id) JOIN utility u"
             " USING (utility_id)) z WHERE s.meter_id = z.meter_id AND s.zone <> z.zone"}),
        params);
    const Rows found = query(
        sql({"SELECT s.meter_id, s.series_id, s.judged_to, least(s.judged_to, (SELECT min(from_at) FROM"
             " collection_programme p WHERE p.series_id = s.series_id), (SELECT min(from_at) FROM gap g WHERE"
             " g.series_id = s.series_id AND g.state <> 'CLOSED'), (SELECT min(CASE WHEN s.registers THEN",
             kFirstRegister, " ELSE", kFirstInterval,
             " END) FROM channel c WHERE c.meter_id = s.meter_id AND c.key = s.key AND c.unit = s.unit AND"
             " ami_series_type(c.reading_type) = s.reading_type)) FROM collection_series s WHERE s.meter_id "
             "= ANY($1)"}),
        params);
    std::map<std::int64_t, std::vector<SeriesItem>> of_meter;
    for (int i = 0; i < found.size(); ++i) {
      const Period range{found.at(i, 3), found.at(i, 2)};
      if (range.from < range.to) {
        of_meter[found.i8(i, 0)].push_back(item_of(found.i8(i, 1), found.at(i, 2), range));
      }
    }
    // As many meters as a step has room for; one at least.
    std::vector<std::int64_t> done;
    std::vector<SeriesItem> items;
    days budget = kDaysAStep;
    for (int i = 0; i < rows.size() && budget > days{0}; ++i) {
      done.push_back(rows.i8(i, 0));
      const auto node = of_meter.extract(rows.i8(i, 1));  // a meter may be named twice
      if (node.empty()) continue;
      for (const SeriesItem& item : node.mapped()) {
        budget -= span_of(item);
        items.push_back(item);
      }
    }
    Params gone;
    gone.array(done);
    query("DELETE FROM collection_dirty WHERE dirty_id = ANY($1)", gone);
    compare(std::move(items));
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
    days budget = kDaysAStep;
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
      for (int i = 0; i < rows.size() && budget > days{0}; ++i) {
        const UtcInstant from = rows.at(i, 1), to = std::min(due, from + kLongestStretch);
        items.push_back(item_of(rows.i8(i, 0), to, {from, to}));
        budget -= span_of(items.back());
      }
      if (items.size() >= rules_.batch || budget <= days{0}) break;
    }
    if (items.empty()) return false;
    compare(std::move(items));
    return true;
  }

  static days span_of(const SeriesItem& item) {
    return std::chrono::ceil<days>(item.range.to - item.range.from);
  }

  // In portions, each of a series once, that fit into memory. Those that have to be looked at further come
  // last.
  void compare(std::vector<SeriesItem> items) {
    for (std::size_t next = 0; next < items.size();) {
      std::vector<SeriesItem> portion, done;
      days held{0};
      for (; next < items.size() && portion.size() < rules_.batch && held < kDaysAtOnce; ++next) {
        held += span_of(items[next]);
        portion.push_back(std::move(items[next]));
      }
      load_items(session_, portion, zones_);
      std::vector<Judgement> judged;
      for (SeriesItem& item : portion) {
        Judgement one = judge(item.facts, item.range, item.judged_to, zones_.of(item.zone));
        if (one.extend_to) {
          items.push_back(item_of(item.series, item.judged_to, {item.range.from, *one.extend_to}));
          continue;
        }
        done.push_back(std::move(item));
        judged.push_back(std::move(one));
      }
      store(done, judged);
    }
  }

  void store(const std::vector<SeriesItem>& items, const std::vector<Judgement>& judged) {
    out_.judged += items.size();
    GapWrites writes;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const SeriesItem& item = items[i];
      writes.series(item, judged[i]);
      const GapPlan plan =
          reconcile(item.gaps, item.range, judged[i], item.facts.installed, zones_.of(item.zone));
      for (const GapWrite& write : plan.writes) writes.gap(item, write);
      for (const GapClose& close : plan.closes) writes.close(close);
      out_.written += plan.writes.size();
      out_.closed += plan.closes.size();
    }
    writes.apply(session_, now_);
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
