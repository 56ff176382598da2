#include "storage/postgres/backfills.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/gaps_load.h"
#include "storage/postgres/operation_rows.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

constexpr std::chrono::minutes kRelief{5};  // of a gateway that claimed and did not ask
constexpr std::size_t kMostMeters = 1000;   // of one operation

// Gaps change only while the job that compares does not work.
void keep_gaps(pqxx::work& tx) {
  tx.exec("SELECT pg_advisory_xact_lock(7165289, 10)");
}

Params gaps_at(const std::vector<std::int64_t>& gaps, UtcInstant at) {
  const UtcInstant times[] = {at};
  Params params;
  params.array(std::span<const std::int64_t>(gaps));
  params.array(std::span<const UtcInstant>(times));
  return params;
}

Period days_of(const Zone& zone, const Period& period) {
  const auto date = [&](UtcInstant at) {
    return std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(zone.civil(at))};
  };
  return {zone.civil_day(date(period.from)).start,
          zone.civil_day(date(period.to - std::chrono::microseconds{1})).end};
}

std::string next_request_id(Session& session) {
  const Rows rows = Rows::query(session.raw(), "SELECT nextval('gap_request_id_seq')", {});
  return "gaps " + std::to_string(rows.i8(0, 0));
}

// Gaps of one operation, and its meters in the order of their keys.
void write_claim(Session& session, const GapClaim& claim, const std::vector<std::int64_t>& gaps,
                 UtcInstant now) {
  const std::string texts[] = {claim.feed, claim.request_id};
  const UtcInstant times[] = {now, claim.period.from, claim.period.to};
  Params params;
  params.array(std::span<const std::int64_t>(gaps));
  params.texts(texts);
  params.array(std::span<const UtcInstant>(times));
  params.i4(claim.utility);
  Rows::query(session.raw(),
              "INSERT INTO gap_request (gap_id, utility_id, feed, asked, next_at, from_at, to_at, request_id,"
              "  claimed_at)"
              " SELECT k, $4, $2[1], 1, $3[1], $3[2], $3[3], $2[2], $3[1] FROM unnest($1::bigint[]) k"
              " ON CONFLICT (gap_id) DO UPDATE SET feed = excluded.feed, asked = gap_request.asked + 1,"
              "  from_at = excluded.from_at, to_at = excluded.to_at, request_id = excluded.request_id,"
              "  claimed_at = excluded.claimed_at, operation_id = NULL, number = NULL",
              params);
  Params which;
  which.array(std::span<const std::int64_t>(gaps));
  Rows::query(session.raw(), "UPDATE gap SET state = 'REQUESTED' WHERE gap_id = ANY ($1) AND state = 'OPEN'",
              which);
}

}  // namespace

Answer<std::vector<std::string>> Backfills::meters(const MeterChoice& choice, std::size_t most) {
  return database_.impl().answer([&](Session& session) {
    std::vector<std::string> keys;
    for (const std::string& key : choice.keys) keys.push_back(clean_text(key));
    const std::string feed[] = {clean_text(choice.feed)};
    const UtcInstant times[] = {choice.period.from, choice.period.to};
    Params params;
    params.i4(choice.utility);
    params.texts(keys);
    params.texts(feed);
    params.i4(choice.open_gaps_only ? 1 : 0);
    params.array(std::span<const UtcInstant>(times));
    params.i8(static_cast<std::int64_t>(most));
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT m.key FROM meter m WHERE m.utility_id = $1 AND (cardinality($2) = 0 OR m.key = ANY ($2))"
        " AND ($3[1] = '' OR EXISTS (SELECT FROM collection_series s WHERE s.meter_id = m.meter_id AND "
        "s.feed = $3[1]))"
        " AND ($4 = 0 OR EXISTS (SELECT FROM gap g WHERE g.meter_id = m.meter_id AND g.state IN ('OPEN', "
        "'REQUESTED')"
        "  AND g.from_at < $5[2] AND g.to_at > $5[1])) ORDER BY m.key LIMIT $6",
        params);
    std::vector<std::string> out;
    for (int i = 0; i < rows.size(); ++i) out.emplace_back(rows.text(i, 0));
    return out;
  });
}

Answer<std::map<std::string, std::size_t>> Backfills::room(const std::vector<std::string>& feeds,
                                                           const BackfillRules& rules, UtcInstant now) {
  return database_.impl().answer([&](Session& session) {
    const UtcInstant since[] = {now - std::chrono::hours{1}};
    Params params;
    params.texts(feeds);
    params.array(std::span<const UtcInstant>(since));
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT r.feed, count(DISTINCT (g.meter_id, r.from_at, r.to_at)) FROM gap_request r JOIN gap g USING "
        "(gap_id)"
        " WHERE r.feed = ANY ($1) AND (r.claimed_at > $2[1] OR r.request_id IS NOT NULL) GROUP BY r.feed",
        params);
    std::map<std::string, std::size_t> out;
    for (const std::string& feed : feeds) out[feed] = rules.per_hour;
    for (int i = 0; i < rows.size(); ++i) {
      std::size_t& left = out[std::string(rows.text(i, 0))];
      left -= std::min(left, static_cast<std::size_t>(rows.i8(i, 1)));
    }
    return out;
  });
}

Answer<std::vector<DueGap>> Backfills::due(const std::vector<std::pair<UtilityId, std::string>>& delivered_by,
                                           const BackfillRules& rules, UtcInstant now, std::size_t most) {
  return database_.impl().answer([&](Session& session) {
    std::vector<std::int32_t> utilities;
    std::vector<std::string> feeds;
    for (const auto& [utility, feed] : delivered_by) {
      utilities.push_back(utility);
      feeds.push_back(feed);
    }
    const UtcInstant times[] = {now, now - rules.after};
    Params params;
    params.array(std::span<const std::int32_t>(utilities));
    params.texts(feeds);
    params.array(std::span<const UtcInstant>(times));
    params.i4(rules.tries);
    params.i8(static_cast<std::int64_t>(most));
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT g.gap_id, g.utility_id, m.key, s.feed, g.from_at, g.to_at, s.zone FROM gap g"
        " JOIN collection_series s ON s.series_id = g.series_id JOIN meter m ON m.meter_id = g.meter_id"
        " LEFT JOIN gap_request r ON r.gap_id = g.gap_id"
        " WHERE g.state = 'OPEN' AND g.found_at <= $3[2]"
        " AND (g.utility_id, s.feed) IN (SELECT * FROM unnest($1::int[], $2::text[]))"
        " AND (r.gap_id IS NULL OR (r.request_id IS NULL AND r.next_at <= $3[1] AND r.tries < $4))"
        " ORDER BY g.from_at, g.gap_id LIMIT $5",
        params);
    std::vector<DueGap> out;
    Zones zones;
    for (int i = 0; i < rows.size(); ++i) {
      DueGap gap;
      gap.id = rows.i8(i, 0);
      gap.utility = rows.i4(i, 1);
      gap.meter = rows.text(i, 2);
      gap.feed = rows.text(i, 3);
      gap.period = gap.asked = {rows.at(i, 4), rows.at(i, 5)};
      gap.days = days_of(zones.of(std::string(rows.text(i, 6))), gap.period);
      out.push_back(std::move(gap));
    }
    return out;
  });
}

Answer<std::vector<GapClaim>> Backfills::claim(const std::map<std::string, std::vector<DueGap>>& by_feed,
                                               UtcInstant now) {
  return database_.impl().answer([&](Session& session) {
    std::vector<std::int64_t> wanted;
    for (const auto& [feed, gaps] : by_feed) {
      for (const DueGap& gap : gaps) wanted.push_back(gap.id);
    }
    pqxx::work tx(session);
    keep_gaps(tx);
    const Rows free = Rows::query(
        session.raw(),
        "SELECT g.gap_id, g.from_at, g.to_at FROM gap g LEFT JOIN gap_request r ON r.gap_id = g.gap_id"
        " WHERE g.gap_id = ANY ($1) AND g.state = 'OPEN'"
        " AND (r.gap_id IS NULL OR (r.request_id IS NULL AND r.next_at <= $2[1]))",
        gaps_at(wanted, now));
    std::map<std::int64_t, Period> still;
    for (int i = 0; i < free.size(); ++i) still[free.i8(i, 0)] = {free.at(i, 1), free.at(i, 2)};

    std::vector<GapClaim> out;
    for (const auto& [feed, gaps] : by_feed) {
      // In the order in which the gaps came: the oldest first.
      std::vector<std::pair<GapClaim, std::vector<std::int64_t>>> parts;
      for (const DueGap& gap : gaps) {
        const auto found = still.find(gap.id);
        if (found == still.end() || found->second != gap.period) continue;
        auto part = std::ranges::find_if(parts, [&](const auto& p) {
          return p.first.utility == gap.utility && p.first.period == gap.asked &&
                 (p.first.meters.size() < kMostMeters ||
                  std::ranges::find(p.first.meters, gap.meter) != p.first.meters.end());
        });
        if (part == parts.end()) {
          parts.push_back({GapClaim{next_request_id(session), gap.utility, feed, gap.asked, {}}, {}});
          part = std::prev(parts.end());
        }
        auto& meters = part->first.meters;
        if (std::ranges::find(meters, gap.meter) == meters.end()) meters.push_back(gap.meter);
        part->second.push_back(gap.id);
      }
      for (auto& [claim, ids] : parts) {
        std::ranges::sort(claim.meters);  // so does left_over(): the same request must say the same
        write_claim(session, claim, ids, now);
        out.push_back(std::move(claim));
      }
    }
    tx.commit();
    return out;
  });
}

Answer<std::vector<GapClaim>> Backfills::left_over(const std::vector<std::string>& feeds, UtcInstant now) {
  return database_.impl().answer([&](Session& session) {
    const UtcInstant times[] = {now, now - kRelief};
    Params params;
    params.texts(feeds);
    params.array(std::span<const UtcInstant>(times));
    pqxx::work tx(session);
    const Rows rows = Rows::query(
        session.raw(),
        "WITH mine AS (UPDATE gap_request SET claimed_at = $2[1] WHERE gap_id IN (SELECT gap_id FROM "
        "gap_request"
        "  WHERE request_id IS NOT NULL AND operation_id IS NULL AND feed = ANY ($1) AND claimed_at <= $2[2]"
        "  ORDER BY gap_id FOR UPDATE SKIP LOCKED) RETURNING gap_id, request_id, utility_id, feed, from_at, "
        "to_at)"
        " SELECT DISTINCT r.request_id, r.utility_id, r.feed, r.from_at, r.to_at, m.key COLLATE \"C\" FROM "
        "mine r"
        " JOIN gap g ON g.gap_id = r.gap_id JOIN meter m ON m.meter_id = g.meter_id ORDER BY 1, 6",
        params);
    std::vector<GapClaim> out;
    for (int i = 0; i < rows.size(); ++i) {
      if (out.empty() || out.back().request_id != rows.text(i, 0)) {
        GapClaim claim;
        claim.request_id = rows.text(i, 0);
        claim.utility = rows.i4(i, 1);
        claim.feed = rows.text(i, 2);
        claim.period = {rows.at(i, 3), rows.at(i, 4)};
        out.push_back(std::move(claim));
      }
      out.back().meters.emplace_back(rows.text(i, 5));
    }
    tx.commit();
    return out;
  });
}

Answer<Done> Backfills::asked(const GapClaim& claim, OperationId operation) {
  return database_.impl().answer([&](Session& session) {
    const std::string request[] = {claim.request_id};
    Params params;
    params.texts(request);
    params.i8(operation);
    params.i4(claim.utility);
    pqxx::work tx(session);
    Rows::query(
        session.raw(),
        "UPDATE gap_request r SET operation_id = t.operation_id, number = t.number"
        " FROM gap g, meter m, operation_target t WHERE r.request_id = $1[1] AND r.utility_id = $3"
        " AND g.gap_id = r.gap_id AND m.meter_id = g.meter_id AND t.operation_id = $2 AND t.meter = m.key",
        params);
    tx.commit();
    return Done{};
  });
}

Answer<Done> Backfills::release(const GapClaim& claim, UtcInstant again, const std::string& words) {
  return database_.impl().answer([&](Session& session) {
    const std::string texts[] = {claim.request_id, kept_text(words, 300)};
    const UtcInstant times[] = {again};
    Params params;
    params.texts(texts);
    params.array(std::span<const UtcInstant>(times));
    pqxx::work tx(session);
    keep_gaps(tx);
    Rows::query(
        session.raw(),
        "WITH freed AS (UPDATE gap_request SET request_id = NULL, claimed_at = NULL, asked = asked - 1,"
        "  next_at = $2[1], words = $1[2] WHERE request_id = $1[1] AND operation_id IS NULL RETURNING gap_id)"
        " UPDATE gap g SET state = 'OPEN' FROM freed WHERE g.gap_id = freed.gap_id AND g.state = 'REQUESTED'",
        params);
    tx.commit();
    return Done{};
  });
}

Answer<Done> Backfills::postpone(const std::map<std::int64_t, std::string>& words_by_gap, UtcInstant again) {
  return database_.impl().answer([&](Session& session) {
    std::vector<std::int64_t> gaps;
    std::vector<std::string> words;
    for (const auto& [gap, why] : words_by_gap) {
      gaps.push_back(gap);
      words.push_back(kept_text(why, 300));
    }
    Params params = gaps_at(gaps, again);
    params.texts(words);
    pqxx::work tx(session);
    Rows::query(session.raw(),
                "INSERT INTO gap_request (gap_id, utility_id, next_at, words)"
                " SELECT g.gap_id, g.utility_id, $2[1], k.words FROM unnest($1::bigint[], $3::text[]) AS k "
                "(gap_id, words)"
                " JOIN gap g USING (gap_id)"
                " ON CONFLICT (gap_id) DO UPDATE SET next_at = excluded.next_at, words = excluded.words"
                " WHERE gap_request.request_id IS NULL",
                params);
    tx.commit();
    return Done{};
  });
}

}  // namespace ami::storage
