#include "storage/postgres/meter_ways.h"

#include <map>
#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

// Feeds that the newest values of each channel came from: two index probes a channel.
constexpr const char* kDelivers =
    "SELECT c.meter_id, s.feed FROM channel c CROSS JOIN LATERAL ("
    " (SELECT r.source_id, r.at FROM register_read r WHERE r.meter_id = c.meter_id AND r.channel_id = "
    "c.channel_id"
    "   AND r.at > $2[1] AND r.at <= $2[2] ORDER BY r.at DESC LIMIT 1)"
    " UNION ALL (SELECT coalesce(d.source_id, (SELECT v FROM unnest(d.source_runs) WITH ORDINALITY AS u (v, "
    "n)"
    "    WHERE n % 2 = 0 AND v <> 0 ORDER BY n DESC LIMIT 1)), d.day::timestamp AT TIME ZONE 'UTC'"
    "   FROM interval_day d WHERE d.meter_id = c.meter_id AND d.channel_id = c.channel_id"
    "   AND d.day > ($2[1])::date AND d.day <= ($2[2])::date ORDER BY d.day DESC LIMIT 1)) AS x (source_id, "
    "at)"
    " JOIN source s ON s.source_id = x.source_id WHERE c.meter_id = ANY ($1)"
    " GROUP BY c.meter_id, s.feed ORDER BY c.meter_id, max(x.at) DESC, s.feed";

}  // namespace

Answer<std::vector<MeterWays>> Ways::of(UtilityId utility, const std::vector<std::string>& keys,
                                        UtcInstant at) {
  return database_.impl().answer([&](Session& session) {
    std::vector<MeterWays> out(keys.size());
    std::vector<std::string> wanted;
    std::multimap<std::string, MeterWays*> by_key;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      out[i].key = keys[i];
      wanted.push_back(clean_text(keys[i]));
      by_key.emplace(wanted.back(), &out[i]);
    }
    const UtcInstant now[] = {at};
    pqxx::read_transaction tx(session);
    Params params;
    params.i4(utility);
    params.texts(wanted);
    params.array(std::span<const UtcInstant>(now));
    const Rows meters = Rows::repeated(
        session.raw(),
        "SELECT m.meter_id, m.key, coalesce(e.family, ''), coalesce(u.feeder, ''),"
        " coalesce(u.substation, ''), coalesce(u.collector, '') FROM meter m"
        " LEFT JOIN endpoint e ON e.meter_id = m.meter_id AND e.valid @> $3[1]"
        " LEFT JOIN installation i ON i.meter_id = m.meter_id AND i.valid @> $3[1]"
        " LEFT JOIN usage_point_detail u ON u.usage_point_id = i.usage_point_id AND u.valid @> $3[1]"
        " WHERE m.utility_id = $1 AND m.key = ANY ($2)",
        params);
    std::multimap<MeterId, MeterWays*> by_id;
    std::vector<std::int64_t> ids;
    for (int i = 0; i < meters.size(); ++i) {
      ids.push_back(meters.i8(i, 0));
      const auto [first, last] = by_key.equal_range(std::string(meters.text(i, 1)));
      for (auto entry = first; entry != last; ++entry) {
        MeterWays& ways = *entry->second;
        ways.meter = ids.back();
        ways.module = meters.text(i, 2);
        ways.feeder = meters.text(i, 3);
        ways.substation = meters.text(i, 4);
        ways.collector = meters.text(i, 5);
        by_id.emplace(ways.meter, &ways);
      }
    }
    if (keys.size() == 1 && out[0].meter == 0) out[0].nearest = nearest(tx, utility, "meter", keys[0]);

    Params which;
    which.array(std::span<const std::int64_t>(ids));
    which.array(std::span<const UtcInstant>(now));
    const Rows names =
        Rows::repeated(session.raw(),
                    "SELECT meter_id, feed, kind, value FROM device_alias WHERE meter_id = ANY ($1)"
                    " AND valid @> $2[1] ORDER BY meter_id, feed, kind, value",
                    which);
    for (int i = 0; i < names.size(); ++i) {
      const auto kind = alias_kind_from(names.text(i, 2));
      if (!kind) continue;
      const auto [first, last] = by_id.equal_range(names.i8(i, 0));
      for (auto entry = first; entry != last; ++entry)
        entry->second->names.push_back(
            {std::string(names.text(i, 1)), *kind, std::string(names.text(i, 3)), {}});
    }

    const UtcInstant span[] = {at - std::chrono::days{35}, at + std::chrono::days{1}};
    Params who;
    who.array(std::span<const std::int64_t>(ids));
    who.array(std::span<const UtcInstant>(span));
    const Rows feeds = Rows::repeated(session.raw(), kDelivers, who);
    for (int i = 0; i < feeds.size(); ++i) {
      const auto [first, last] = by_id.equal_range(feeds.i8(i, 0));
      for (auto entry = first; entry != last; ++entry) entry->second->delivers.emplace_back(feeds.text(i, 1));
    }
    return out;
  });
}

}  // namespace ami::storage
