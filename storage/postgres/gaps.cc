#include "storage/postgres/gaps.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <pqxx/pqxx>
#include <set>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/gaps_load.h"
#include "storage/postgres/reader_rows.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

using std::chrono::days;
using Date = std::chrono::year_month_day;

constexpr std::size_t kMostDays = 62;
constexpr std::size_t kMostIds = 1000;
constexpr std::array<std::string_view, 4> kStates{"OPEN", "REQUESTED", "CLOSED", "GIVEN_UP"};
constexpr std::array<std::string_view, 3> kReasons{"NOT_RECEIVED", "VENDOR_FLAG", "WITHDRAWN"};

template <class Enum, std::size_t N>
Enum enum_from(std::string_view text, const std::array<std::string_view, N>& names) {
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) throw std::runtime_error("database: unknown word " + std::string(text));
  return static_cast<Enum>(found - names.begin());
}

// Conditions with their parameters, numbered as they come.
class Where {
 public:
  template <class Value>
  void add(const std::string& before, const Value& value, const std::string& after = {}) {
    put(value);
    text_ += " AND " + before + "$" + std::to_string(++count_) + after;
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const Params& params() const { return params_; }

 private:
  void put(std::int64_t value) { params_.i8(value); }
  void put(std::int32_t value) { params_.i4(value); }
  void put(const std::vector<std::string>& values) { params_.texts(values); }
  void put(const std::vector<std::int64_t>& values) { params_.array(values); }
  void put(UtcInstant value) {
    const UtcInstant one[] = {value};
    params_.array(one);
  }
  std::string text_;
  Params params_;
  int count_ = 0;
};

constexpr const char* kGapRows =
    "SELECT g.gap_id, m.key, p.key, c.key, c.reading_type, c.unit, s.feed, g.from_at, g.to_at, g.interval_s, "
    "g.slots,"
    " g.reason, g.state, g.found_at, g.settled_at, CASE WHEN g.note = '' THEN coalesce(r.words, '') ELSE g.note END,"
    " g.given_up_at, g.given_up_by, g.given_up_reason, coalesce(r.tries, 0)"
    " FROM gap g JOIN meter m ON m.meter_id = g.meter_id JOIN channel c ON c.channel_id = g.channel_id"
    " LEFT JOIN collection_series s ON s.series_id = g.series_id LEFT JOIN gap_request r ON r.gap_id = g.gap_id"
    " LEFT JOIN installation i ON i.meter_id = g.meter_id AND i.valid @> g.from_at"
    " LEFT JOIN usage_point p ON p.usage_point_id = i.usage_point_id WHERE true";

std::vector<GapRow> gap_rows(Session& session, const Where& where, std::size_t limit) {
  const std::string sql = kGapRows + where.text() + " ORDER BY g.gap_id LIMIT " + std::to_string(limit);
  const Rows rows = Rows::query(session.raw(), sql.c_str(), where.params());
  const auto text = [&](int row, int column) {
    return rows.null(row, column) ? std::string() : std::string(rows.text(row, column));
  };
  std::vector<GapRow> out;
  for (int i = 0; i < rows.size(); ++i) {
    GapRow gap;
    gap.id = rows.i8(i, 0);
    gap.meter = text(i, 1);
    gap.usage_point = text(i, 2);
    gap.channel = text(i, 3);
    gap.reading_type = text(i, 4);
    gap.unit = text(i, 5);
    gap.feed = text(i, 6);
    gap.from = rows.at(i, 7);
    gap.to = rows.at(i, 8);
    gap.interval = std::chrono::seconds{rows.i4(i, 9)};
    gap.slots = rows.i4(i, 10);
    gap.reason = enum_from<GapReason>(rows.text(i, 11), kReasons);
    gap.state = enum_from<GapState>(rows.text(i, 12), kStates);
    gap.found_at = rows.at(i, 13);
    gap.settled_at = rows.maybe_at(i, 14);
    gap.note = text(i, 15);
    gap.given_up_at = rows.maybe_at(i, 16);
    gap.given_up_by = text(i, 17);
    gap.given_up_reason = text(i, 18);
    gap.tries = rows.i4(i, 19);
    out.push_back(std::move(gap));
  }
  return out;
}

// A civil day in the zone of some series.
struct DayBounds {
  Date date{};
  std::string zone;
  Zone::Day day;
};

std::vector<std::string> zones_in_use(Session& session) {
  const Rows rows =
      Rows::query(session.raw(),
                  "WITH RECURSIVE z AS (SELECT min(zone) AS zone FROM collection_series UNION ALL"
                  " SELECT (SELECT min(s.zone) FROM collection_series s WHERE s.zone > z.zone) FROM z"
                  " WHERE z.zone IS NOT NULL) SELECT zone FROM z WHERE zone IS NOT NULL",
                  {});
  std::vector<std::string> out;
  for (int i = 0; i < rows.size(); ++i) out.emplace_back(rows.text(i, 0));
  return out;
}

// Of the gap g, how many slots begin on day d.
constexpr const char* kLostSlots =
    "CASE WHEN g.interval_s = 0 THEN 1 ELSE greatest(0,"
    " least(ceil((d.high_s - date_part('epoch', g.from_at)) / g.interval_s), g.slots)"
    " - greatest(0, ceil((d.low_s - date_part('epoch', g.from_at)) / g.interval_s))) END";

// How many slots of programme p, wholly inside the installation i and before the next programme, begin on day
// d.
constexpr const char* kExpectedSlots =
    "CASE WHEN p.len = 0 THEN (d.low_s >= greatest(p.f, i.lo) AND d.high_s <= least(p.n, i.hi))::int"
    " ELSE greatest(0, least(ceil((d.high_s - p.f) / p.len), floor((least(p.n, i.hi) - p.f) / p.len))"
    " - ceil((greatest(d.low_s, i.lo, p.f) - p.f) / p.len)) END";

std::vector<CompletenessRow> completeness_rows(Session& session, const CompletenessQuery& query,
                                               const std::vector<DayBounds>& bounds) {
  using By = CompletenessQuery::By;
  std::vector<Day> dates;
  std::vector<std::string> zones;
  std::vector<UtcInstant> low, high;
  for (const DayBounds& one : bounds) {
    dates.push_back(std::chrono::sys_days{one.date});
    zones.push_back(one.zone);
    low.push_back(one.day.start);
    high.push_back(one.day.end);
  }
  Params params;
  params.array(dates);
  params.texts(zones);
  params.array(low);
  params.array(high);
  params.i4(query.utility);
  params.i8(query.meter.value_or(0));
  params.i8(query.usage_point.value_or(0));
  params.texts(query.feeds);
  const std::vector<std::string> feeder{query.feeder.value_or("")};
  params.texts(feeder);
  params.i4(query.feeder ? 1 : 0);

  const bool channels = query.by == By::Channel;
  const bool feeders = query.by == By::Feeder || query.feeder;
  const std::string group = channels                 ? "m.key, s.key, s.series_id"
                            : query.by == By::Feeder ? "coalesce(u.feeder, '')"
                                                     : "s.feed";
  const std::string shown =
      channels
          ? "'', '', m.key, s.key, (SELECT c.reading_type FROM collection_programme p JOIN channel c USING"
            " (channel_id) WHERE p.series_id = s.series_id ORDER BY p.from_at DESC LIMIT 1)"
      : query.by == By::Feeder ? "'', coalesce(u.feeder, ''), '', '', ''"
                               : "s.feed, '', '', '', ''";
  const std::string sql =
      "WITH day AS (SELECT day, zone, low, high, date_part('epoch', low) AS low_s, date_part('epoch', high) "
      "AS high_s"
      "  FROM unnest($1::date[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS d (day, zone, low, "
      "high)),"
      " stay AS (SELECT meter_id, usage_point_id, valid,"
      "  date_part('epoch', coalesce(lower(valid), '-infinity')) AS lo,"
      "  date_part('epoch', coalesce(upper(valid), 'infinity')) AS hi FROM installation"
      "  WHERE $5 IN (0, utility_id) AND $6 IN (0, meter_id) AND $7 IN (0, usage_point_id)),"
      " programme AS (SELECT series_id, interval_s AS len, date_part('epoch', from_at) AS f,"
      "  coalesce(date_part('epoch', lead(from_at) OVER (PARTITION BY series_id ORDER BY from_at)), "
      "'Infinity') AS n"
      "  FROM collection_programme" +
      std::string(
          query.meter || query.usage_point
              ? " WHERE series_id IN (SELECT series_id FROM collection_series s JOIN stay USING (meter_id))"
              : "") +
      "), part AS (SELECT d.day, s.series_id, i.usage_point_id, " + kExpectedSlots +
      " AS expected, 0::float8 AS lost, 0::float8 AS given_up"
      "  FROM day d JOIN collection_series s ON s.zone = d.zone AND $5 IN (0, s.utility_id)"
      "  JOIN programme p ON p.series_id = s.series_id AND p.f < d.high_s AND p.n > d.low_s"
      "  JOIN stay i ON i.meter_id = s.meter_id AND i.lo < d.high_s AND i.hi > d.low_s"
      "  WHERE (cardinality($8) = 0 OR s.feed = ANY ($8))"
      "  UNION ALL SELECT d.day, g.series_id, i.usage_point_id, 0, l.slots,"
      "  CASE WHEN g.state = 'GIVEN_UP' THEN l.slots ELSE 0 END FROM day d"
      "  JOIN collection_series s ON s.zone = d.zone AND $5 IN (0, s.utility_id)"
      "  JOIN gap g ON g.series_id = s.series_id AND g.state <> 'CLOSED' AND g.from_at < d.high AND g.to_at "
      "> d.low"
      "  JOIN stay i ON i.meter_id = g.meter_id AND i.valid @> g.from_at CROSS JOIN LATERAL (SELECT " +
      kLostSlots +
      " AS slots) l),"
      // A sum of both kinds of rows rather than a join of two sums: of those the planner knows no sizes.
      " whole AS (SELECT day, series_id, usage_point_id, sum(expected) AS expected, sum(lost) AS lost,"
      "  sum(given_up) AS given_up FROM part GROUP BY 1, 2, 3 HAVING sum(expected) > 0)"
      " SELECT e.day, " +
      shown +
      ", count(*) FILTER (WHERE s.judged_to >= d.high), count(*) FILTER (WHERE s.judged_to < d.high),"
      " coalesce(sum(e.expected) FILTER (WHERE s.judged_to >= d.high), 0)::bigint,"
      " coalesce(sum(e.lost) FILTER (WHERE s.judged_to >= d.high), 0)::bigint,"
      " coalesce(sum(e.given_up) FILTER (WHERE s.judged_to >= d.high), 0)::bigint"
      " FROM whole e JOIN collection_series s ON s.series_id = e.series_id JOIN day d ON d.day = e.day AND "
      "d.zone = s.zone" +
      (channels ? " JOIN meter m ON m.meter_id = s.meter_id" : "") +
      (feeders ? " LEFT JOIN usage_point_detail u ON u.usage_point_id = e.usage_point_id AND u.valid @> d.low"
               : "") +
      " WHERE $10 = 0 OR " + (feeders ? "coalesce(u.feeder, '')" : "''") + " = $9[1]" + " GROUP BY e.day, " +
      group + " ORDER BY e.day, " + group;
  const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
  std::vector<CompletenessRow> out;
  for (int i = 0; i < rows.size(); ++i) {
    CompletenessRow row;
    row.day = Date{rows.day(i, 0)};
    row.feed = rows.text(i, 1);
    row.feeder = rows.text(i, 2);
    row.meter = rows.text(i, 3);
    row.channel = rows.text(i, 4);
    row.reading_type = rows.text(i, 5);
    row.channels = rows.i8(i, 6);
    row.waiting = rows.i8(i, 7);
    row.expected = rows.i8(i, 8);
    row.missing = rows.i8(i, 9);
    row.given_up = rows.i8(i, 10);
    out.push_back(std::move(row));
  }
  return out;
}

// The rows of `ids`, locked, while the job does not work.
std::vector<GapRow> lock_gaps(pqxx::work& tx, Session& session, UtilityId utility,
                              const std::vector<std::int64_t>& ids) {
  const std::set<std::int64_t> distinct(ids.begin(), ids.end());
  if (ids.empty() || ids.size() > kMostIds) {
    refuse(Refusal::Kind::Invalid, "must hold 1 to 1000 ids", "ids");
  }
  tx.exec("SELECT pg_advisory_xact_lock(7165289, 10)");
  Where where;
  where.add("g.utility_id = ", utility);
  where.add("g.gap_id = ANY (", ids, ")");
  std::vector<GapRow> found = gap_rows(session, where, kMostIds);
  for (const std::int64_t id : distinct) {
    if (std::ranges::find(found, id, &GapRow::id) == found.end()) {
      refuse(Refusal::Kind::NotFound, "gap " + std::to_string(id) + " is not known", "ids");
    }
  }
  for (const GapRow& gap : found) {
    if (gap.state == GapState::Closed) {
      refuse(Refusal::Kind::Collision, "gap " + std::to_string(gap.id) + " is closed: " + gap.note, "ids");
    }
  }
  return found;
}

std::string story_of(const GapRow& gap) {
  return "meters/" + gap.meter + " " + gap.channel + " " + to_text(gap.from) + " to " + to_text(gap.to) +
         ", " + std::to_string(gap.slots) + " missing";
}

std::vector<GapRow> reread(Session& session, const std::vector<std::int64_t>& ids) {
  Where where;
  where.add("g.gap_id = ANY (", ids, ")");
  return gap_rows(session, where, kMostIds);
}

}  // namespace

Answer<PageOf<GapRow>> Gaps::list(const GapQuery& query) {
  return database_.impl().answer([&](Session& session) {
    const std::size_t size = clamp_page(query.page.size);
    const auto token = parse_token(query.page.token, 1);
    Where where;
    where.add("g.utility_id = ", query.utility);
    where.add("g.gap_id > ", token.empty() ? std::int64_t{0} : token[0]);
    if (query.meter) where.add("g.meter_id = ", *query.meter);
    if (query.usage_point) where.add("i.usage_point_id = ", *query.usage_point);
    if (!query.feeds.empty()) where.add("s.feed = ANY (", query.feeds, ")");
    if (!query.states.empty()) {
      std::vector<std::string> states;
      for (const GapState state : query.states)
        states.emplace_back(kStates.at(static_cast<std::size_t>(state)));
      where.add("g.state = ANY (", states, ")");
    }
    if (query.period.from != UtcInstant::min()) where.add("g.to_at > (", query.period.from, ")[1]");
    if (query.period.to != UtcInstant::max()) where.add("g.from_at < (", query.period.to, ")[1]");
    PageOf<GapRow> page;
    page.items = gap_rows(session, where, size + 1);
    if (page.items.size() > size) {
      page.items.pop_back();
      page.next_token = make_token({page.items.back().id});
    }
    return page;
  });
}

Answer<std::vector<CompletenessRow>> Gaps::completeness(const CompletenessQuery& query) {
  return database_.impl().answer([&](Session& session) {
    if (query.days.empty() || query.days.size() > kMostDays) {
      refuse(Refusal::Kind::Invalid, "must be 1 to 62 days", "days");
    }
    Zones zones;
    std::vector<DayBounds> bounds;
    for (const std::string& zone : zones_in_use(session)) {
      for (const Date& day : query.days) bounds.push_back({day, zone, zones.of(zone).civil_day(day)});
    }
    return completeness_rows(session, query, bounds);
  });
}

Answer<std::vector<CollectionFigures>> Gaps::figures(const CollectionRules& rules, UtcInstant now) {
  return database_.impl().answer([&](Session& session) {
    std::map<std::string, CollectionFigures> feeds;
    Zones zones;
    std::vector<DayBounds> bounds;
    for (const std::string& name : zones_in_use(session)) {
      const Zone& zone = zones.of(name);
      const Date date{std::chrono::floor<days>(zone.civil(now - rules.grace)) - days{1}};
      bounds.push_back({date, name, zone.civil_day(date)});
    }
    for (const CompletenessRow& row : completeness_rows(session, {}, bounds)) {
      CollectionFigures& feed = feeds[row.feed];
      feed.day = std::max(feed.day.value_or(row.day), row.day);
      feed.day_expected += row.expected;
      feed.day_received += row.received();
    }
    const Rows open =
        Rows::query(session.raw(),
                    "SELECT s.feed, count(*), sum(g.slots)::bigint FROM gap g JOIN collection_series s"
                    " USING (series_id) WHERE g.state IN ('OPEN', 'REQUESTED') AND g.state <> 'CLOSED'"
                    " GROUP BY s.feed",
                    {});
    for (int i = 0; i < open.size(); ++i) {
      CollectionFigures& feed = feeds[std::string(open.text(i, 0))];
      feed.open_gaps = open.i8(i, 1);
      feed.missing = open.i8(i, 2);
    }
    std::vector<CollectionFigures> out;
    for (auto& [name, feed] : feeds) {
      feed.feed = name;
      out.push_back(feed);
    }
    return out;
  });
}

Answer<std::vector<GapRow>> Gaps::give_up(UtilityId utility, const std::vector<std::int64_t>& ids,
                                          const std::string& reason, const std::string& actor,
                                          UtcInstant now) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    for (const GapRow& gap : lock_gaps(tx, session, utility, ids)) {
      if (gap.state == GapState::GivenUp) {
        if (gap.given_up_by == actor && gap.given_up_reason == reason) continue;
        refuse(Refusal::Kind::Collision,
               "gap " + std::to_string(gap.id) + " was given up by " + gap.given_up_by + ": " +
                   gap.given_up_reason,
               "ids");
      }
      tx.exec_params0(
          "UPDATE gap SET state = 'GIVEN_UP', given_up_by = $2, given_up_at = $3, given_up_reason = $4"
          " WHERE gap_id = $1",
          gap.id, actor, to_text(now), reason);
      audit(tx, actor, utility, "give_up_gap", "gaps/" + std::to_string(gap.id),
            story_of(gap) + ": " + reason);
    }
    auto out = reread(session, ids);
    tx.commit();
    return out;
  });
}

Answer<std::vector<GapRow>> Gaps::undo_give_up(UtilityId utility, const std::vector<std::int64_t>& ids,
                                               const std::string& actor) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    for (const GapRow& gap : lock_gaps(tx, session, utility, ids)) {
      if (gap.state != GapState::GivenUp) continue;
      tx.exec_params0(
          "UPDATE gap SET state = 'OPEN', given_up_by = NULL, given_up_at = NULL, given_up_reason = NULL"
          " WHERE gap_id = $1",
          gap.id);
      tx.exec_params0("DELETE FROM gap_request WHERE gap_id = $1", gap.id);
      audit(tx, actor, utility, "undo_give_up_gap", "gaps/" + std::to_string(gap.id),
            story_of(gap) + "; was given up by " + gap.given_up_by + ": " + gap.given_up_reason);
    }
    auto out = reread(session, ids);
    tx.commit();
    return out;
  });
}

}  // namespace ami::storage
