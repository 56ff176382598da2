#include "storage/postgres/switch_limits.h"

#include <pqxx/pqxx>
#include <utility>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/operation_rows.h"

namespace ami::storage {
namespace {

constexpr std::size_t kLongestName = 200, kLongestWords = 2000;

const char* direction_of(bool opens) {
  return opens ? "OPEN" : "CLOSE";
}

LimitChange change_of(const Rows& rows, int i) {
  LimitChange out;
  out.id = rows.i8(i, 0);
  out.utility = rows.i4(i, 1);
  out.key = {rows.text(i, 2) == "OPEN", std::string(rows.text(i, 3)), limit_scope_from(rows.text(i, 4)).value(),
             std::chrono::seconds{rows.i4(i, 5)}};
  out.ceiling = rows.i8(i, 6);
  out.enforced = rows.i4(i, 7) != 0;
  out.words = rows.text(i, 8);
  out.proposed_by = rows.text(i, 9);
  out.proposed_at = rows.at(i, 10);
  out.expires_at = rows.maybe_at(i, 11);
  out.approved_at = rows.maybe_at(i, 12);
  out.approved_by = rows.text(i, 13);
  return out;
}

// `condition` on c (switch_limit_change) with its ORDER BY and LIMIT.
std::vector<LimitChange> load_changes(Session& session, const std::string& condition, const Params& params) {
  const std::string sql =
      "SELECT c.change_id, c.utility_id, c.direction, c.reason, c.scope, c.span_s, c.ceiling, c.enforced::int,"
      " c.words, c.proposed_by, c.proposed_at, c.expires_at, a.approved_at, coalesce(a.approved_by, '') FROM"
      " switch_limit_change c LEFT JOIN switch_limit_approval a USING (change_id) WHERE " +
      condition;
  const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
  std::vector<LimitChange> out;
  for (int i = 0; i < rows.size(); ++i) out.push_back(change_of(rows, i));
  return out;
}

LimitChange load_change(Session& session, std::int32_t utility, std::int64_t id) {
  Params params;
  params.i4(utility);
  params.i8(id);
  auto found = load_changes(session, "c.utility_id = $1 AND c.change_id = $2", params);
  if (found.empty())
    refuse(Refusal::Kind::NotFound, "there is no change of a limit " + std::to_string(id), "change");
  return std::move(found.front());
}

void need(const std::string& value, const char* field) {
  if (value.empty()) refuse(Refusal::Kind::Invalid, std::string(field) + " is needed", field);
}

// What the triggers of 0027_switch_limits.sql say.
Answer<LimitChange> named(Answer<LimitChange> answer) {
  if (answer.ok()) return answer;
  Refusal refusal = answer.refusal();
  if (refusal.message.find("LIMIT_EXPIRES") == std::string::npos) return answer;
  refusal.kind = Refusal::Kind::Invalid;
  refusal.field = "expires_at";
  refusal.message =
      "a limit that is looser than what ships (a higher ceiling, or not enforced) must expire within 8 hours, and "
      "nothing may have expired already";
  return refusal;
}

}  // namespace

Answer<std::vector<LimitUse>> PostgresSwitchLimits::look(const SwitchAsked& asked) {
  return database_.impl().answer([&](Session& session) {
    const std::string texts[] = {direction_of(asked.action == SwitchAction::Open), clean_text(asked.reason),
                                 clean_text(counted_person(asked)), clean_text(asked.usage_point),
                                 clean_text(asked.caller)};
    Params params;
    params.i4(asked.utility);
    params.texts(texts);
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT l.direction, l.reason, l.scope, l.span_s, l.ceiling, l.enforced::int, l.change_id, l.expires_at,"
        " l.used FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT d.feeder, d.transformer FROM usage_point p JOIN"
        " usage_point_detail d USING (usage_point_id) WHERE p.utility_id = $1 AND p.key = $2[4] AND d.valid @>"
        " clock_timestamp()) place ON true CROSS JOIN LATERAL ami_switch_limits($1, $2[1], $2[2], $2[3],"
        " $2[5], coalesce(place.feeder, ''), coalesce(place.transformer, '')) l ORDER BY 1, 2, 3, 4",
        params);
    std::vector<LimitUse> out;
    for (int i = 0; i < rows.size(); ++i) {
      LimitUse use;
      use.key = {rows.text(i, 0) == "OPEN", std::string(rows.text(i, 1)), limit_scope_from(rows.text(i, 2)).value(),
                 std::chrono::seconds{rows.i4(i, 3)}};
      use.ceiling = rows.i8(i, 4);
      use.enforced = rows.i4(i, 5) != 0;
      use.change = rows.i8(i, 6);
      use.expires_at = rows.maybe_at(i, 7);
      use.used = rows.i8(i, 8);
      out.push_back(std::move(use));
    }
    return out;
  });
}

Answer<LimitChange> PostgresSwitchLimits::propose(const LimitChange& change) {
  return named(database_.impl().answer([&](Session& session) {
    need(change.words, "words");
    need(change.proposed_by, "proposed_by");
    if (change.ceiling < 0) refuse(Refusal::Kind::Invalid, "the ceiling must not be below zero", "ceiling");
    pqxx::work tx(session);
    const std::string texts[] = {direction_of(change.key.opens),
                                 clean_text(change.key.reason),
                                 std::string(name_of(change.key.scope)),
                                 change.enforced ? "true" : "false",
                                 kept_text(change.words, kLongestWords),
                                 kept_text(change.proposed_by, kLongestName),
                                 change.expires_at ? to_text(*change.expires_at) : std::string()};
    Params params;
    params.i4(change.utility);
    params.i4(static_cast<std::int32_t>(change.key.span.count()));
    params.i8(change.ceiling);
    params.texts(texts);
    // Inserted only where the key ships.
    const Rows made = Rows::query(
        session.raw(),
        "INSERT INTO switch_limit_change (utility_id, direction, reason, scope, span_s, ceiling, enforced, words,"
        " proposed_by, expires_at) SELECT $1, d.direction, d.reason, d.scope, d.span_s, $3, $4[4]::boolean, $4[5],"
        " $4[6], nullif($4[7], '')::timestamptz FROM switch_limit_default d WHERE d.direction = $4[1] AND d.reason ="
        " $4[2] AND d.scope = $4[3] AND d.span_s = $2 RETURNING change_id",
        params);
    if (made.size() == 0) {
      refuse(Refusal::Kind::NotFound,
             "there is no limit of " + texts[0] + " " + change.key.reason + " " + texts[2] + " in " +
                 std::to_string(change.key.span.count()) + " s",
             "limit");
    }
    LimitChange out = load_change(session, change.utility, made.i8(0, 0));
    tx.commit();
    return out;
  }));
}

Answer<LimitChange> PostgresSwitchLimits::approve(std::int32_t utility, std::int64_t change,
                                                  const std::string& actor) {
  return database_.impl().answer([&](Session& session) {
    need(actor, "actor");
    pqxx::work tx(session);
    const LimitChange found = load_change(session, utility, change);
    const std::string texts[] = {kept_text(actor, kLongestName)};
    if (found.proposed_by == texts[0]) {
      Refusal refusal;
      refusal.kind = Refusal::Kind::Excluded;
      refusal.message = "whoever proposed a limit does not approve it";
      refusal.field = "actor";
      refusal.rule = std::make_shared<const Rule>(Rule{"SAME_PERSON", {{"proposed_by", found.proposed_by}}});
      throw Refused{std::move(refusal)};
    }
    Params params;
    params.i4(utility);
    params.i8(change);
    params.texts(texts);
    const Rows made = Rows::query(
        session.raw(),
        "INSERT INTO switch_limit_approval (change_id, utility_id, approved_by) VALUES ($2, $1, $3[1])"
        " ON CONFLICT (change_id) DO NOTHING RETURNING change_id",
        params);
    if (made.size() == 0)
      refuse(Refusal::Kind::AlreadyExists, "change " + std::to_string(change) + " was approved before", "change");
    LimitChange out = load_change(session, utility, change);
    tx.commit();
    return out;
  });
}

Answer<std::vector<LimitChange>> PostgresSwitchLimits::changes(std::int32_t utility, std::size_t limit) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i4(utility);
    params.i8(static_cast<std::int64_t>(limit));
    return load_changes(session, "c.utility_id = $1 ORDER BY c.change_id DESC LIMIT $2", params);
  });
}

Answer<std::vector<LimitShadow>> PostgresSwitchLimits::shadow(std::int32_t utility, UtcInstant since,
                                                              std::span<const LimitChange> changes) {
  return database_.impl().answer([&](Session& session) {
    std::vector<LimitShadow> out;
    for (const LimitChange& change : changes) {
      const std::string texts[] = {direction_of(change.key.opens), clean_text(change.key.reason),
                                   std::string(name_of(change.key.scope))};
      const UtcInstant times[] = {since};
      Params params;
      params.i4(utility);
      params.texts(texts);
      params.array(std::span<const UtcInstant>(times));
      params.i8(change.key.span.count());
      params.i8(change.ceiling);
      // What left in the span before `since` fills it, too.
      const Rows rows = Rows::query(
          session.raw(),
          "SELECT count(*), coalesce(max(n), 0), count(*) FILTER (WHERE n > $5) FROM (SELECT y.at, CASE $2[3] WHEN"
          " 'PERSON' THEN greatest(y.of_place, y.of_caller) ELSE y.of_place END AS n FROM (SELECT d.at, count(*) OVER"
          " (PARTITION BY CASE $2[3] WHEN 'PERSON' THEN d.person WHEN 'FEEDER' THEN d.feeder WHEN 'TRANSFORMER'"
          " THEN d.transformer ELSE '' END ORDER BY d.at RANGE BETWEEN make_interval(secs => $4::double precision"
          " - 0.000001) PRECEDING AND CURRENT ROW) AS of_place, count(*) OVER (PARTITION BY d.caller ORDER BY d.at"
          " RANGE BETWEEN make_interval(secs => $4::double precision - 0.000001) PRECEDING AND CURRENT ROW) AS"
          " of_caller FROM switch_departure d WHERE d.utility_id = $1 AND"
          " d.direction = $2[1] AND d.at > $3[1] - make_interval(secs => $4::double precision) AND CASE $2[2] WHEN"
          " '*' THEN d.reason <> 'EMERGENCY_SAFETY' ELSE d.reason = $2[2] END) y) x WHERE x.at > $3[1]",
          params);
      out.push_back({change, rows.i8(0, 0), rows.i8(0, 1), rows.i8(0, 2)});
    }
    return out;
  });
}

}  // namespace ami::storage
