// Kill switches in PostgreSQL.
#include <pqxx/pqxx>
#include <utility>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/operation_rows.h"
#include "storage/postgres/switch_limits.h"

namespace ami::storage {
namespace {

constexpr std::size_t kLongestName = 200, kLongestWords = 2000;

// `condition` on s (switch_stop); newest first.
std::vector<SwitchStop> load_stops(Session& session, const std::string& condition, const Params& params) {
  const std::string sql =
      "SELECT s.stop_id, s.scope, s.actor, s.reason, s.set_at, c.actor FROM (SELECT * FROM switch_stop s WHERE " +
      condition +
      ") s LEFT JOIN switch_stop_clear c USING (stop_id) ORDER BY s.stop_id DESC, c.cleared_at, c.actor";
  const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
  std::vector<SwitchStop> out;
  for (int i = 0; i < rows.size(); ++i) {
    if (out.empty() || out.back().id != rows.i8(i, 0)) {
      SwitchStop stop;
      stop.id = rows.i8(i, 0);
      stop.scope = stop_scope_from(rows.text(i, 1)).value();
      stop.actor = rows.text(i, 2);
      stop.reason = rows.text(i, 3);
      stop.set_at = rows.at(i, 4);
      out.push_back(std::move(stop));
    }
    if (!rows.null(i, 5)) out.back().cleared_by.emplace_back(rows.text(i, 5));
  }
  return out;
}

SwitchStop load_stop(Session& session, std::int32_t utility, std::int64_t id) {
  Params params;
  params.i4(utility);
  params.i8(id);
  auto found = load_stops(session, "s.utility_id = $1 AND s.stop_id = $2", params);
  if (found.empty()) refuse(Refusal::Kind::NotFound, "there is no stop " + std::to_string(id), "stop");
  return std::move(found.front());
}

void need(const std::string& value, const char* field) {
  if (value.empty()) refuse(Refusal::Kind::Invalid, std::string(field) + " is needed", field);
}

}  // namespace

Answer<SwitchStop> PostgresSwitchStops::set(std::int32_t utility, StopScope scope, const std::string& actor,
                                            const std::string& reason) {
  return database_.impl().answer([&](Session& session) {
    need(actor, "actor");
    need(reason, "reason");
    pqxx::work tx(session);
    const std::string texts[] = {std::string(name_of(scope)), kept_text(actor, kLongestName),
                                 kept_text(reason, kLongestWords)};
    Params params;
    params.i4(utility);
    params.texts(texts);
    const Rows made = Rows::query(session.raw(),
                                  "INSERT INTO switch_stop (utility_id, scope, actor, reason) VALUES ($1, $2[1],"
                                  " $2[2], $2[3]) RETURNING stop_id",
                                  params);
    SwitchStop out = load_stop(session, utility, made.i8(0, 0));
    tx.commit();
    return out;
  });
}

Answer<SwitchStop> PostgresSwitchStops::clear(std::int32_t utility, std::int64_t id, const std::string& actor,
                                              const std::string& reason) {
  return database_.impl().answer([&](Session& session) {
    need(actor, "actor");
    need(reason, "reason");
    pqxx::work tx(session);
    const SwitchStop stop = load_stop(session, utility, id);
    if (stop.cleared_by.size() >= kClearsToEnd)
      refuse(Refusal::Kind::AlreadyExists, "stop " + std::to_string(id) + " is over", "stop");
    const std::string texts[] = {kept_text(actor, kLongestName), kept_text(reason, kLongestWords)};
    Params params;
    params.i4(utility);
    params.i8(id);
    params.texts(texts);
    const Rows made = Rows::query(
        session.raw(),
        "INSERT INTO switch_stop_clear (stop_id, utility_id, actor, reason) VALUES ($2, $1, $3[1], $3[2])"
        " ON CONFLICT (stop_id, actor) DO NOTHING RETURNING stop_id",
        params);
    if (made.size() == 0) {
      refuse(Refusal::Kind::AlreadyExists,
             actor + " has cleared stop " + std::to_string(id) + ": it takes another person", "actor");
    }
    SwitchStop out = load_stop(session, utility, id);
    tx.commit();
    return out;
  });
}

Answer<std::vector<SwitchStop>> PostgresSwitchStops::list(std::int32_t utility, bool in_force_only,
                                                          std::size_t limit) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i4(utility);
    params.i8(static_cast<std::int64_t>(limit));
    return load_stops(session,
                      std::string("s.utility_id = $1") + (in_force_only ? " AND ami_stop_in_force(s)" : "") +
                          " ORDER BY s.stop_id DESC LIMIT $2",
                      params);
  });
}

}  // namespace ami::storage
