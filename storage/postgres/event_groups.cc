#include "storage/postgres/event_groups.h"

#include <algorithm>
#include <string>

#include "storage/postgres/binary_copy.h"

namespace ami::storage {
namespace {

// Meters share that many locks: a burst of events of a whole network must not fill the server's table of
// locks.
constexpr std::uint64_t kStripes = 64;

// near: rows that may be linked to a touched place, with the span of the fact that each is in so far. So
// `stretch` begins and ends at borders of facts, and no row outside of it can be linked to one inside.
constexpr const char* kRegroup =
    "WITH rule AS MATERIALIZED ("
    " SELECT r.subject, max(r.window_s) * interval '1 second' AS span, array_agg(r.kind ORDER BY r.n) AS "
    "kinds,"
    "  array_agg(r.state ORDER BY r.n) AS states"
    " FROM unnest($4, $5, $6, $7) WITH ORDINALITY AS r (kind, subject, state, window_s, n) GROUP BY "
    "r.subject),"
    " touched AS MATERIALIZED ("
    " SELECT k.meter_id, k.subject, min(k.at) AS lo, max(k.at) AS hi, min(k.at) - r.span AS near_lo,"
    "  max(k.at) + r.span AS near_hi, r.kinds"
    " FROM unnest($1, $2, $3) AS k (meter_id, subject, at) JOIN rule r ON r.subject = k.subject"
    " GROUP BY k.meter_id, k.subject, r.span, r.kinds),"
    " stretch AS MATERIALIZED ("
    " SELECT t.meter_id, t.subject, least(t.lo, min(coalesce(h.first_at, e.first_at, e.at))) AS lo,"
    "  greatest(t.hi, max(coalesce(h.last_at, e.last_at, e.at))) AS hi"
    " FROM touched t JOIN event e ON e.meter_id = t.meter_id AND e.at >= t.near_lo AND e.at <= t.near_hi"
    "  AND e.kind = ANY (t.kinds)"
    " LEFT JOIN event h ON h.meter_id = e.meter_id AND h.at = e.duplicate_of_at AND h.event_id = "
    "e.duplicate_of"
    " GROUP BY t.meter_id, t.subject, t.lo, t.hi),"
    " said AS ("
    " SELECT e.meter_id, e.at, e.event_id, e.time_source, e.vendor, e.raw_code, e.raw_text, s.subject, "
    "r.span,"
    "  r.states[array_position(r.kinds, e.kind)] AS state, e.duplicate_of, e.duplicate_of_at, e.duplicates,"
    "  e.first_at, e.last_at"
    " FROM stretch s JOIN rule r ON r.subject = s.subject"
    " JOIN event e ON e.meter_id = s.meter_id AND e.at >= s.lo AND e.at <= s.hi AND e.kind = ANY (r.kinds)),"
    " linked AS ("
    " SELECT *, CASE WHEN lag(state) OVER w = state AND at <= lag(at) OVER w + span THEN 0 ELSE 1 END AS "
    "begins"
    " FROM said WINDOW w AS (PARTITION BY meter_id, subject ORDER BY at, state, event_id)),"
    " numbered AS ("
    " SELECT *, sum(begins) OVER (PARTITION BY meter_id, subject ORDER BY at, state, event_id) AS fact FROM "
    "linked),"
    " headed AS ("
    " SELECT *, first_value(event_id) OVER h AS head, first_value(at) OVER h AS head_at,"
    "  (count(*) OVER g)::int - 1 AS others, min(at) OVER g AS lo, max(at) OVER g AS hi FROM numbered"
    " WINDOW g AS (PARTITION BY meter_id, subject, fact), h AS (PARTITION BY meter_id, subject, fact"
    "  ORDER BY time_source, at, vendor COLLATE \"C\", raw_code COLLATE \"C\", raw_text COLLATE \"C\")),"
    " wanted AS MATERIALIZED ("
    " SELECT meter_id, at, event_id, head, others, event_id <> head AS duplicate,"
    "  CASE WHEN event_id <> head THEN head END AS to_id, CASE WHEN event_id <> head THEN head_at END AS "
    "to_at,"
    "  CASE WHEN event_id = head THEN others ELSE 0 END AS n,"
    "  CASE WHEN event_id = head AND others > 0 THEN lo END AS lo,"
    "  CASE WHEN event_id = head AND others > 0 THEN hi END AS hi,"
    "  duplicate_of, duplicate_of_at, duplicates, first_at, last_at FROM headed),"
    " changed AS ("
    " UPDATE event e SET duplicate_of = w.to_id, duplicate_of_at = w.to_at, duplicates = w.n, first_at = "
    "w.lo,"
    "  last_at = w.hi"
    " FROM (SELECT * FROM wanted WHERE (to_id, to_at, n, lo, hi) IS DISTINCT FROM"
    "  (duplicate_of, duplicate_of_at, duplicates, first_at, last_at)) w"
    " WHERE e.meter_id = w.meter_id AND e.at = w.at AND e.event_id = w.event_id)"
    " SELECT meter_id, at, event_id, head, (duplicate <> (duplicate_of IS NOT NULL))::int FROM wanted"
    " WHERE others > 0 OR duplicate <> (duplicate_of IS NOT NULL)";

}  // namespace

void lock_event_meters(pg_conn* connection, std::vector<MeterId> meters) {
  std::vector<std::int32_t> stripes;
  for (const MeterId meter : meters) {
    // The high bits that lanes are told apart by: lanes of one unit rarely share a lock.
    const auto hash = (static_cast<std::uint64_t>(meter) * 0x9E3779B97F4A7C15ULL) >> 32U;
    stripes.push_back(static_cast<std::int32_t>(hash % kStripes));
  }
  // In one order everywhere, so that two never wait for each other.
  std::ranges::sort(stripes);
  stripes.erase(std::ranges::unique(stripes).begin(), stripes.end());
  Params params;
  params.array(stripes);
  Rows::repeated(connection, "SELECT pg_advisory_xact_lock(7165290, s) FROM unnest($1) AS s", params);
}

std::vector<GroupedEvent> regroup_events(pg_conn* connection, const EventFacts& facts,
                                         std::span<const TouchedFact> touched) {
  if (touched.empty()) return {};
  std::vector<std::int64_t> meters, windows;
  std::vector<std::int32_t> subjects, fact_subjects, states;
  std::vector<UtcInstant> times;
  std::vector<std::string> kinds;
  for (const TouchedFact& place : touched) {
    meters.push_back(place.meter);
    subjects.push_back(place.subject);
    times.push_back(place.at);
  }
  for (const auto& [kind, fact] : facts.kinds()) {
    kinds.push_back(kind);
    fact_subjects.push_back(fact.subject);
    states.push_back(fact.state);
    windows.push_back(fact.window.count());
  }
  Params params;
  params.array(meters);
  params.array(subjects);
  params.array(times);
  params.texts(kinds);
  params.array(fact_subjects);
  params.array(states);
  params.array(windows);
  const Rows rows = Rows::repeated(connection, kRegroup, params);
  std::vector<GroupedEvent> out;
  out.reserve(static_cast<std::size_t>(rows.size()));
  for (int i = 0; i < rows.size(); ++i) {
    out.push_back({rows.i8(i, 0), rows.at(i, 1), rows.i8(i, 2), rows.i8(i, 3), rows.i4(i, 4) != 0});
  }
  return out;
}

void forget_groups(pg_conn* connection, std::span<const MeterId> meters, std::span<const UtcInstant> times,
                   std::span<const std::int64_t> event_ids) {
  if (meters.empty()) return;
  Params params;
  params.array(meters);
  params.array(times);
  params.array(event_ids);
  Rows::repeated(
      connection,
      "UPDATE event e SET duplicate_of = NULL, duplicate_of_at = NULL, duplicates = 0, first_at = NULL,"
      " last_at = NULL FROM unnest($1, $2, $3) AS k (meter_id, at, event_id)"
      " WHERE e.meter_id = k.meter_id AND e.at = k.at AND e.event_id = k.event_id",
      params);
}

}  // namespace ami::storage
