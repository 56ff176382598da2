// How far subscribers have come.
#include <algorithm>
#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/change_feed.h"
#include "storage/postgres/changes.h"

namespace ami::storage {
namespace {

using ReadOnly = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

std::optional<ChangePosition> stored(pqxx::transaction_base& tx, UtilityId utility,
                                     const std::string& subscriber) {
  const auto rows =
      tx.exec_params("SELECT txid, change_id FROM change_cursor WHERE utility_id = $1 AND subscriber = $2",
                     utility, subscriber);
  if (rows.empty()) return std::nullopt;
  return ChangePosition{rows[0][0].as<std::int64_t>(), rows[0][1].as<std::int64_t>()};
}

}  // namespace

Answer<AckResult> Changes::ack(const AckRequest& request) {
  return database_.impl().answer([&](Session& session) {
    return in_feed<pqxx::work>(session, [&](pqxx::work& tx, const Feed& feed) {
      AckResult out;
      out.fault = feed.judge(request.cursor);
      out.oldest = feed.cursor(feed.oldest);
      if (out.fault != CursorFault::None) return out;
      // One after the other, so that the count below stays a bound.
      tx.exec_params("SELECT pg_advisory_xact_lock(7165290, $1)", request.utility);
      const bool known = stored(tx, request.utility, request.subscriber).has_value();
      const auto others =
          tx.exec_params1("SELECT count(*) FROM change_cursor WHERE utility_id = $1", request.utility)[0]
              .as<std::size_t>();
      if (!known && others >= kMostSubscribers) {
        refuse(Refusal::Kind::Collision,
               "the utility has " + std::to_string(others) + " subscribers already: forget one that is gone",
               "subscriber");
      }
      tx.exec_params(
          "INSERT INTO change_cursor AS c (utility_id, subscriber, txid, change_id, acked_by)"
          " VALUES ($1, $2, $3::xid8, $4, $5) ON CONFLICT (utility_id, subscriber) DO UPDATE SET"
          " txid = excluded.txid, change_id = excluded.change_id, acked_at = now(), acked_by = "
          "excluded.acked_by"
          " WHERE $6 OR (excluded.txid, excluded.change_id) >= (c.txid, c.change_id)",
          request.utility, request.subscriber, std::to_string(request.cursor.at.txid),
          request.cursor.at.change_id, clean_text(request.by), request.rewind);
      out.stored = feed.cursor(*stored(tx, request.utility, request.subscriber));
      tx.commit();
      return out;
    });
  });
}

Answer<bool> Changes::forget(UtilityId utility, const std::string& subscriber) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    const auto done = tx.exec_params("DELETE FROM change_cursor WHERE utility_id = $1 AND subscriber = $2",
                                     utility, subscriber);
    const bool found = done.affected_rows() > 0;
    tx.commit();
    return found;
  });
}

Answer<std::optional<ChangeCursor>> Changes::acked(UtilityId utility, const std::string& subscriber) {
  return database_.impl().answer([&](Session& session) {
    return in_feed<ReadOnly>(session, [&](ReadOnly& tx, const Feed& feed) -> std::optional<ChangeCursor> {
      const auto at = stored(tx, utility, subscriber);
      if (!at) return std::nullopt;
      return feed.cursor(*at);
    });
  });
}

Answer<std::vector<Subscriber>> Changes::subscribers(UtilityId utility) {
  return database_.impl().answer([&](Session& session) {
    return in_feed<ReadOnly>(session, [&](ReadOnly& tx, const Feed& feed) {
      tx.exec("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off");
      Params params;
      params.i4(utility);
      params.i8(feed.horizon);
      params.i8(feed.foreign_until);
      params.i8(Subscriber::kMostCounted);
      const Rows rows = Rows::query(
          session.raw(),
          "SELECT s.subscriber, s.txid::text::bigint, s.change_id, s.acked_at, s.acked_by, w.waiting, f.lag"
          " FROM change_cursor s CROSS JOIN LATERAL (SELECT count(*) AS waiting FROM (SELECT FROM change c"
          "  WHERE c.utility_id = s.utility_id AND (c.txid, c.change_id) > (s.txid, s.change_id)"
          "  AND c.txid < $2::text::xid8 AND c.change_id > $3 LIMIT $4) x) w"
          " CROSS JOIN LATERAL (SELECT"
          "  coalesce((extract(epoch FROM now() - min(x.changed_at)) * 1000)::bigint, 0) AS lag FROM (SELECT "
          "c.changed_at FROM change c WHERE c.utility_id = s.utility_id"
          "  AND (c.txid, c.change_id) > (s.txid, s.change_id) AND c.txid < $2::text::xid8"
          "  AND c.change_id > $3 ORDER BY c.txid, c.change_id LIMIT 1) x) f"
          " WHERE s.utility_id = $1 ORDER BY 1",
          params);
      std::vector<Subscriber> out;
      for (int i = 0; i < rows.size(); ++i) {
        Subscriber s;
        s.name = rows.text(i, 0);
        const ChangePosition at{rows.i8(i, 1), rows.i8(i, 2)};
        s.cursor = feed.cursor(at);
        s.acked_at = rows.at(i, 3);
        s.acked_by = rows.text(i, 4);
        s.waiting = rows.i8(i, 5);
        s.lag = std::chrono::milliseconds{std::max<std::int64_t>(rows.i8(i, 6), 0)};
        s.too_old = at < feed.oldest;
        out.push_back(std::move(s));
      }
      return out;
    });
  });
}

}  // namespace ami::storage
