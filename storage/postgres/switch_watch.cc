#include "storage/postgres/switch_watch.h"

#include <algorithm>
#include <utility>

#include "storage/postgres/switching_rows.h"

namespace ami::storage {
namespace {

// An event of "not armed" tells that it is open again. Time source 0: the device's own clock.
#define AMI_POSITION                                                                                   \
  "CASE e.kind WHEN 'SWITCH_CLOSED' THEN 'CLOSED' WHEN 'SWITCH_ARMED' THEN 'ARMED' ELSE 'OPEN' END"
#define AMI_TELLS_POSITION                                                                             \
  "e.kind IN ('SWITCH_OPENED', 'SWITCH_CLOSED', 'SWITCH_ARMED', 'SWITCH_NOT_ARMED') AND e.time_source = 0"

// Of each operation, when its time ended. One that failed ends nothing: the switch stayed where it was, or moves
// without being asked.
constexpr const char* kEnds =
    "SELECT o.switch_id, n.sent_at, upper(i.valid) FROM unnest($1) AS k (switch_id)"
    " JOIN switch_operation o USING (switch_id)"
    " LEFT JOIN LATERAL (SELECT n.sent_at FROM switch_operation n WHERE n.meter_id = o.meter_id"
    "  AND n.switch_id > o.switch_id AND n.sent_at IS NOT NULL AND n.state <> 'FAILED'"
    "  ORDER BY n.switch_id LIMIT 1) n ON true"
    " LEFT JOIN installation i ON i.meter_id = o.meter_id AND i.valid @> o.sent_at";

// Without the device's time a position may be old, unless a person saw it.
constexpr const char* kAuditPositions =
    "SELECT DISTINCT ON (o.meter_id) o.meter_id, substring(a.facts FROM '(?n)^position=([A-Z]+)$'),"
    " coalesce(substring(a.facts FROM '(?n)^at=(.+)$')::timestamptz, a.at) AS told_at"
    " FROM switch_operation o JOIN switch_audit a USING (switch_id)"
    " WHERE o.meter_id = ANY ($1) AND a.facts ~ '(?n)^position=(OPEN|CLOSED|ARMED)$'"
    " AND (a.facts ~ '(?n)^at=' OR a.input IN ('OBSERVED_DONE', 'OBSERVED_NOT_DONE', 'ARM_CLOSED', 'ARM_ENDED',"
    "  'TRUCK_ROLL_DONE'))"
    " ORDER BY o.meter_id, told_at DESC, a.audit_id DESC";

}  // namespace

const char* PostgresSwitchWatch::events_of_meter() {
  return "SELECT " AMI_POSITION
         ", e.at FROM event e WHERE e.meter_id = $1 AND e.at >= $2[1] AND e.at < $2[2] AND " AMI_TELLS_POSITION
         " ORDER BY e.at, e.event_id LIMIT 1000";
}

const char* PostgresSwitchWatch::newest_events() {
  return "SELECT DISTINCT ON (e.meter_id) e.meter_id, " AMI_POSITION
         ", e.at FROM event e WHERE e.meter_id = ANY ($1) AND e.at >= $2[1] AND " AMI_TELLS_POSITION
         " ORDER BY e.meter_id, e.at DESC, e.event_id DESC";
}

const char* PostgresSwitchWatch::watched_condition() {
  return "(o.state IN ('SENT', 'ACKNOWLEDGED', 'VERIFYING', 'UNCERTAIN', 'VERIFIED_OPEN')"
         " OR (o.state IN ('VERIFIED_CLOSED', 'VERIFIED_ARMED') AND o.sent_at > $1[1] AND o.evidence < o.attainable))"
         " AND NOT EXISTS (SELECT FROM switch_operation n WHERE n.meter_id = o.meter_id"
         "  AND n.switch_id > o.switch_id AND n.sent_at <= $1[1] AND n.state <> 'FAILED') ORDER BY o.switch_id";
}

Answer<std::vector<WatchedSwitch>> PostgresSwitchWatch::watched(UtcInstant late) {
  return database_.impl().answer([&](Session& session) {
    const UtcInstant times[] = {late};
    Params params;
    params.array(std::span<const UtcInstant>(times));
    std::vector<WatchedSwitch> out;
    std::vector<std::int64_t> ids;
    for (SwitchOperation& operation : load_switches(session, watched_condition(), params)) {
      ids.push_back(operation.id);
      out.push_back({std::move(operation), std::nullopt});
    }
    Params which;
    which.array(std::span<const std::int64_t>(ids));
    const Rows ends = Rows::query(session.raw(), kEnds, which);
    for (int i = 0; i < ends.size(); ++i) {
      const auto found = std::ranges::lower_bound(out, ends.i8(i, 0), {}, [](const auto& w) { return w.operation.id; });
      if (found == out.end() || found->operation.id != ends.i8(i, 0)) continue;
      for (const int column : {1, 2}) {
        const auto end = ends.maybe_at(i, column);
        if (end) found->until = std::min(found->until.value_or(*end), *end);
      }
    }
    std::erase_if(out, [&](const WatchedSwitch& watched) { return watched.until && *watched.until <= late; });
    return out;
  });
}

Answer<std::vector<ToldPosition>> PostgresSwitchWatch::positions(MeterId meter, UtcInstant from, UtcInstant until) {
  return database_.impl().answer([&](Session& session) {
    const UtcInstant times[] = {from, until};
    Params params;
    params.i8(meter);
    params.array(std::span<const UtcInstant>(times));
    const Rows rows = Rows::query(session.raw(), events_of_meter(), params);
    std::vector<ToldPosition> out;
    for (int i = 0; i < rows.size(); ++i) out.push_back({std::string(rows.text(i, 0)), rows.at(i, 1), "EVENT"});
    return out;
  });
}

Answer<std::vector<SwitchMeter>> PostgresSwitchWatch::meters(std::int32_t utility, MeterId after,
                                                             std::size_t limit) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i4(utility);
    params.i8(after);
    params.i8(static_cast<std::int64_t>(limit));
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT m.meter_id, m.key, coalesce(p.key, '') FROM (SELECT meter_id, key FROM meter"
        "  WHERE utility_id = $1 AND meter_id > $2 ORDER BY meter_id LIMIT $3) m"
        " LEFT JOIN installation i ON i.meter_id = m.meter_id AND i.valid @> clock_timestamp()"
        " LEFT JOIN usage_point p ON p.usage_point_id = i.usage_point_id ORDER BY m.meter_id",
        params);
    std::vector<SwitchMeter> out;
    for (int i = 0; i < rows.size(); ++i)
      out.push_back({rows.i8(i, 0), std::string(rows.text(i, 1)), std::string(rows.text(i, 2))});
    return out;
  });
}

Answer<std::map<MeterId, SwitchOperation>> PostgresSwitchWatch::last_asked(const std::vector<MeterId>& meters) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.array(std::span<const std::int64_t>(meters));
    std::map<MeterId, SwitchOperation> out;
    for (SwitchOperation& operation : load_switches(
             session,
             "o.switch_id IN (SELECT DISTINCT ON (n.meter_id) n.switch_id FROM switch_operation n"
             " WHERE n.meter_id = ANY ($1) AND n.sent_at IS NOT NULL AND n.state <> 'FAILED'"
             " ORDER BY n.meter_id, n.switch_id DESC)",
             params)) {
      const MeterId meter = operation.asked.meter_id;
      out.emplace(meter, std::move(operation));
    }
    return out;
  });
}

Answer<std::map<MeterId, ToldPosition>> PostgresSwitchWatch::newest_told(const std::vector<MeterId>& meters,
                                                                         UtcInstant since) {
  return database_.impl().answer([&](Session& session) {
    const UtcInstant times[] = {since};
    Params params, which;
    params.array(std::span<const std::int64_t>(meters));
    params.array(std::span<const UtcInstant>(times));
    which.array(std::span<const std::int64_t>(meters));
    std::map<MeterId, ToldPosition> out;
    const auto take = [&](const Rows& rows, const char* source) {
      for (int i = 0; i < rows.size(); ++i) {
        ToldPosition told{std::string(rows.text(i, 1)), rows.at(i, 2), source};
        const auto [known, fresh] = out.emplace(rows.i8(i, 0), told);
        if (!fresh && told.at > known->second.at) known->second = std::move(told);
      }
    };
    take(Rows::query(session.raw(), newest_events(), params), "EVENT");
    take(Rows::query(session.raw(), kAuditPositions, which), "OPERATION");
    return out;
  });
}

#undef AMI_POSITION
#undef AMI_TELLS_POSITION

}  // namespace ami::storage
