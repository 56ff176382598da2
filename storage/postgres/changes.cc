#include "storage/postgres/changes.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "storage/postgres/binary_copy.h"
#include "storage/postgres/change_feed.h"
#include "storage/postgres/reader_rows.h"

namespace ami::storage {
namespace {

constexpr std::int16_t kToldKinds = 63;  // what is above tells consumers of our own whose word a change is

using ReadOnly = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

std::chrono::milliseconds held_back_of(Session& session, const Feed& feed, UtilityId utility) {
  Params params;
  params.i4(utility);
  params.i8(feed.horizon);
  params.i8(feed.foreign_until);
  const Rows rows = Rows::query(
      session.raw(),
      "SELECT coalesce((extract(epoch FROM now() - min(w.changed_at)) * 1000)::bigint, 0) FROM utility u"
      " CROSS JOIN LATERAL (SELECT c.changed_at FROM change c WHERE c.utility_id = u.utility_id"
      "  AND c.txid >= $2::text::xid8 AND c.change_id > $3 ORDER BY c.txid, c.change_id LIMIT 1) w"
      " WHERE $1 IN (0, u.utility_id)",
      params);
  return std::chrono::milliseconds{std::max<std::int64_t>(rows.i8(0, 0), 0)};
}

// Whether each change that is looked at is part of the answer: then the size of a page alone bounds the work.
bool takes_all(const Feed& feed, const ChangeQuery& query) {
  return query.kinds == 0 && query.meters.empty() && query.usage_points.empty() && !query.channels &&
         feed.foreign_until == 0;
}

// Where to stop looking in this call; nullopt: everything up to the horizon is looked at. Walks over so many changes of
// the index, which a subscriber that is behind should not pay for on every page.
std::optional<ChangePosition> scan_end(Session& session, const Feed& feed, const ChangeQuery& query,
                                       const ChangePosition& after) {
  if (takes_all(feed, query)) return std::nullopt;
  Params params;
  params.i4(query.utility);
  params.i8(after.txid);
  params.i8(after.change_id);
  params.i8(feed.horizon);
  params.i8(static_cast<std::int64_t>(std::max<std::size_t>(query.scan, 1)) - 1);
  // ORDER BY a bare txid would mean the text of the answer, for which there is no index: everything would be sorted.
  const Rows rows =
      Rows::query(session.raw(),
                  "SELECT c.txid::text::bigint, c.change_id FROM change c WHERE c.utility_id = $1"
                  " AND (c.txid, c.change_id) > ($2::text::xid8, $3) AND c.txid < $4::text::xid8"
                  " ORDER BY c.txid, c.change_id OFFSET $5 LIMIT 1",
                  params);
  if (rows.size() == 0) return std::nullopt;
  return ChangePosition{rows.i8(0, 0), rows.i8(0, 1)};
}

ChangeRow row_of(const Rows& rows, int i, UtilityId utility) {
  ChangeRow out;
  out.at = {rows.i8(i, 0), rows.i8(i, 1)};
  out.changed_at = rows.at(i, 2);
  out.meter = rows.i8(i, 3);
  out.day = rows.day(i, 5);
  out.interval_s = rows.i4(i, 6);
  out.version = rows.i8(i, 7);
  out.entity = static_cast<ChangeEntity>(rows.i2(i, 8));
  out.time = rows.maybe_at(i, 9);
  out.kinds = static_cast<std::int16_t>(rows.i2(i, 10) & kToldKinds);
  if (!rows.null(i, 11)) rows.array(i, 11, out.slots);
  if (!rows.null(i, 12)) rows.array(i, 12, out.old);
  if (!rows.null(i, 13)) {
    out.channel = ChannelInfo{rows.i8(i, 4),
                              utility,
                              out.meter,
                              std::string(rows.text(i, 13)),
                              std::string(rows.text(i, 14)),
                              std::string(rows.text(i, 15))};
  }
  return out;
}

}  // namespace

CursorFault Feed::judge(const ChangeCursor& cursor) const {
  if (!(cursor.feed == identity)) return CursorFault::OtherFeed;
  if (cursor.at.txid >= horizon) return CursorFault::Ahead;
  if (cursor.at < oldest) return CursorFault::TooOld;
  return CursorFault::None;
}

std::optional<Feed> load_feed(Session& session) {
  const Rows rows = Rows::query(
      session.raw(),
      "SELECT s.system_identifier, d.oid::bigint, 'change'::regclass::oid::bigint, f.generation,"
      " f.oldest_txid::text::bigint, f.oldest_change_id, f.foreign_until,"
      " pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
      " (f.system_identifier = s.system_identifier AND f.change_oid = 'change'::regclass)::int"
      " FROM change_feed f, pg_control_system() s, pg_database d WHERE d.datname = current_database()",
      {});
  if (rows.size() != 1) throw std::runtime_error("the table change_feed has not one row");
  if (rows.i4(0, 8) == 0) return std::nullopt;
  Feed feed;
  feed.identity = {static_cast<std::uint64_t>(rows.i8(0, 0)), static_cast<std::uint32_t>(rows.i8(0, 1)),
                   static_cast<std::uint32_t>(rows.i8(0, 2)), rows.i4(0, 3)};
  feed.oldest = {rows.i8(0, 4), rows.i8(0, 5)};
  feed.foreign_until = rows.i8(0, 6);
  feed.horizon = rows.i8(0, 7);
  return feed;
}

Answer<FeedBounds> Changes::bounds(UtilityId utility) {
  return database_.impl().answer([&](Session& session) {
    return in_feed<ReadOnly>(session, [&](ReadOnly&, const Feed& feed) {
      return FeedBounds{feed.cursor(feed.oldest), feed.cursor(feed.end()),
                        held_back_of(session, feed, utility)};
    });
  });
}

Answer<FeedHealth> Changes::health() {
  return database_.impl().answer([&](Session& session) {
    return in_feed<ReadOnly>(session, [&](ReadOnly& tx, const Feed& feed) {
      tx.exec("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off");
      FeedHealth out;
      out.held_back = held_back_of(session, feed, 0);
      Params params;
      params.i8(feed.horizon);
      params.i8(feed.foreign_until);
      const Rows rows = Rows::query(
          session.raw(),
          "SELECT u.key, s.subscriber, coalesce((extract(epoch FROM now() - w.changed_at) * 1000)::bigint, 0)"
          " FROM change_cursor s JOIN utility u USING (utility_id) LEFT JOIN LATERAL ("
          "  SELECT c.changed_at FROM change c WHERE c.utility_id = s.utility_id"
          "  AND (c.txid, c.change_id) > (s.txid, s.change_id) AND c.txid < $1::text::xid8"
          "  AND c.change_id > $2 ORDER BY c.txid, c.change_id LIMIT 1) w ON true",
          params);
      for (int i = 0; i < rows.size(); ++i) {
        out.subscribers.push_back({std::string(rows.text(i, 0)), std::string(rows.text(i, 1)),
                                   std::chrono::milliseconds{std::max<std::int64_t>(rows.i8(i, 2), 0)}});
      }
      return out;
    });
  });
}

Answer<ChangePage> Changes::page(const ChangeQuery& query, const ChangeCursor& after) {
  return reading_.impl().answer([&](Session& session) {
    return in_feed<ReadOnly>(session, [&](ReadOnly& tx, const Feed& feed) {
      ChangePage out;
      out.fault = feed.judge(after);
      out.oldest = feed.cursor(feed.oldest);
      out.next = after;
      if (out.fault != CursorFault::None) return out;
      // The order is that of the index; statistics of a young partition would say otherwise.
      tx.exec("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off");
      const std::optional<ChangePosition> looked_at = scan_end(session, feed, query, after.at);
      const ChangePosition last = looked_at.value_or(feed.end());
      const auto size = static_cast<std::int64_t>(std::clamp<std::size_t>(query.size, 1, 10'000));
      Params params;
      params.i4(query.utility);
      params.i8(after.at.txid);
      params.i8(after.at.change_id);
      params.i8(last.txid);
      params.i8(last.change_id);
      params.i8(feed.foreign_until);
      params.i4(query.kinds & kToldKinds);
      params.array(std::span<const std::int64_t>(query.meters));
      params.array(std::span<const std::int64_t>(query.usage_points));
      params.i4(query.channels ? 1 : 0);
      params.i8(size);
      const Rows rows = Rows::query(
          session.raw(),
          "SELECT c.txid::text::bigint, c.change_id, c.changed_at, c.meter_id, c.channel_id, c.day, "
          "c.interval_s,"
          " c.version, c.entity, c.at, c.kinds, c.slots, c.old, h.key, h.reading_type, h.unit FROM change c"
          " LEFT JOIN channel h ON h.channel_id = c.channel_id AND c.entity <> 4 WHERE c.utility_id = $1"
          " AND (c.txid, c.change_id) > ($2::text::xid8, $3)"
          " AND (c.txid, c.change_id) <= ($4::text::xid8, $5) AND c.change_id > $6"
          " AND ($7 = 0 OR c.kinds = 0 OR c.kinds & $7 <> 0)"
          " AND (cardinality($8) + cardinality($9) = 0 OR c.meter_id = ANY ($8) OR EXISTS (SELECT FROM"
          "  installation i WHERE i.meter_id = c.meter_id AND i.usage_point_id = ANY ($9)))"
          " AND ($10 = 0 OR c.entity <> 4)"
          " ORDER BY c.txid, c.change_id LIMIT $11",
          params);
      for (int i = 0; i < rows.size(); ++i) {
        ChangeRow row = row_of(rows, i, query.utility);
        if (query.channels && row.channel && !query.channels(*row.channel)) continue;
        for (std::size_t k = 2; k < row.old.size(); k += 3)
          out.dictionary.qualities.try_emplace(static_cast<QualityId>(row.old[k]));
        out.rows.push_back(std::move(row));
      }
      const bool full = rows.size() == size;
      out.next =
          feed.cursor(full ? ChangePosition{rows.i8(rows.size() - 1, 0), rows.i8(rows.size() - 1, 1)} : last);
      out.caught_up = !full && !looked_at;
      explain(session, out.dictionary);
      return out;
    });
  });
}

Answer<std::vector<std::string>> Changes::drop_older_than(UtcInstant instant) {
  constexpr UtcInstant kFirst{std::chrono::sys_days{std::chrono::year{1970} / 1 / 1}};
  constexpr UtcInstant kLast{std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    std::vector<std::string> out;
    for (const auto& row : tx.exec_params("SELECT ami_drop_changes($1::timestamptz)",
                                          to_text(std::clamp(instant, kFirst, kLast)))) {
      out.push_back(row[0].as<std::string>());
    }
    tx.commit();
    return out;
  });
}

Answer<std::vector<MeterStay>> Changes::stays(const std::vector<MeterId>& meters) {
  return reading_.impl().answer([&](Session& session) {
    Params params;
    params.array(std::span<const std::int64_t>(meters));
    const Rows rows = Rows::query(session.raw(),
                                  "SELECT meter_id, installation_id, usage_point_id, lower(valid),"
                                  " upper(valid), multiplier_mantissa, multiplier_exponent FROM installation"
                                  " WHERE meter_id = ANY ($1) ORDER BY meter_id, lower(valid) NULLS FIRST",
                                  params);
    std::vector<MeterStay> out;
    for (int i = 0; i < rows.size(); ++i) {
      out.push_back(
          {rows.i8(i, 0),
           rows.i8(i, 1),
           rows.i8(i, 2),
           {rows.maybe_at(i, 3).value_or(UtcInstant::min()), rows.maybe_at(i, 4).value_or(UtcInstant::max())},
           {rows.i8(i, 5), rows.i2(i, 6)}});
    }
    return out;
  });
}

}  // namespace ami::storage
