#include "storage/postgres/safety_holds.h"

#include <pqxx/pqxx>
#include <utility>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/operation_rows.h"

namespace ami::storage {
namespace {

constexpr std::size_t kLongestName = 200, kLongestWords = 2000;

constexpr const char* kColumns =
    "h.hold_id, h.utility_id, h.scope, h.place, h.effect, h.holder, h.role, h.reason, h.reference, h.set_at,"
    " h.expires_at, l.lifted_at, coalesce(l.actor, ''), coalesce(l.reason, '')";

SafetyHold hold_of(const Rows& rows, int i) {
  SafetyHold out;
  out.id = rows.i8(i, 0);
  out.asked.utility = rows.i4(i, 1);
  out.asked.scope = hold_scope_from(rows.text(i, 2)).value();
  out.asked.place = rows.text(i, 3);
  out.asked.effect = hold_effect_from(rows.text(i, 4)).value();
  out.asked.holder = rows.text(i, 5);
  out.asked.role = rows.text(i, 6);
  out.asked.reason = rows.text(i, 7);
  out.asked.reference = rows.text(i, 8);
  out.set_at = rows.at(i, 9);
  out.asked.expires_at = rows.maybe_at(i, 10);
  out.lifted_at = rows.maybe_at(i, 11);
  out.lifted_by = rows.text(i, 12);
  out.lift_reason = rows.text(i, 13);
  return out;
}

// `condition` on h (safety_hold) with its ORDER BY and LIMIT.
std::vector<SafetyHold> load(Session& session, const std::string& condition, const Params& params) {
  const std::string sql = std::string("SELECT ") + kColumns +
                          " FROM safety_hold h LEFT JOIN safety_hold_lift l USING (hold_id) WHERE " + condition;
  const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
  std::vector<SafetyHold> out;
  for (int i = 0; i < rows.size(); ++i) out.push_back(hold_of(rows, i));
  return out;
}

SafetyHold load_one(Session& session, std::int32_t utility, HoldId id) {
  Params params;
  params.i4(utility);
  params.i8(id);
  auto found = load(session, "h.utility_id = $1 AND h.hold_id = $2", params);
  if (found.empty()) refuse(Refusal::Kind::NotFound, "there is no safety hold " + std::to_string(id), "hold");
  return std::move(found.front());
}

void check_fields(const HoldRequest& request) {
  const std::pair<const char*, const std::string*> needed[] = {{"place", &request.place},
                                                               {"holder", &request.holder},
                                                               {"role", &request.role},
                                                               {"reason", &request.reason}};
  for (const auto& [field, value] : needed) {
    if (value->empty()) refuse(Refusal::Kind::Invalid, std::string(field) + " is needed", field);
  }
}

// A hold that names nothing would protect nobody.
void check_place(Session& session, const HoldRequest& request) {
  constexpr const char* kKnown[] = {
      "SELECT 1 FROM meter WHERE utility_id = $1 AND key = $2[1]",
      "SELECT 1 FROM usage_point WHERE utility_id = $1 AND key = $2[1]",
      "SELECT 1 FROM usage_point_detail WHERE utility_id = $1 AND transformer = $2[1] LIMIT 1",
      "SELECT 1 FROM usage_point_detail WHERE utility_id = $1 AND feeder = $2[1] LIMIT 1"};
  const std::string place[] = {clean_text(request.place)};
  Params params;
  params.i4(request.utility);
  params.texts(place);
  if (Rows::query(session.raw(), kKnown[static_cast<std::size_t>(request.scope)], params).size() != 0) return;
  refuse(Refusal::Kind::NotFound,
         "asset data know no " + std::string(name_of(request.scope)) + " " + request.place +
             ": a hold on it would stop nothing",
         "place");
}

}  // namespace

Answer<SafetyHold> PostgresSafetyHolds::set(const HoldRequest& request) {
  return database_.impl().answer([&](Session& session) {
    check_fields(request);
    pqxx::work tx(session);
    check_place(session, request);
    const std::string texts[] = {std::string(name_of(request.scope)),
                                 clean_text(request.place),
                                 std::string(name_of(request.effect)),
                                 kept_text(request.holder, kLongestName),
                                 clean_text(request.role),
                                 kept_text(request.reason, kLongestWords),
                                 kept_text(request.reference, kLongestName),
                                 request.expires_at ? to_text(*request.expires_at) : std::string()};
    Params params;
    params.i4(request.utility);
    params.texts(texts);
    const Rows made = Rows::query(
        session.raw(),
        "INSERT INTO safety_hold (utility_id, scope, place, effect, holder, role, reason, reference, expires_at)"
        " SELECT $1, $2[1], $2[2], $2[3], $2[4], $2[5], $2[6], $2[7], nullif($2[8], '')::timestamptz"
        " WHERE $2[8] = '' OR $2[8]::timestamptz > clock_timestamp() + interval '1 second' RETURNING hold_id",
        params);
    if (made.size() == 0)
      refuse(Refusal::Kind::Invalid, "expires_at must be later than now", "expires_at");
    SafetyHold out = load_one(session, request.utility, made.i8(0, 0));
    tx.commit();
    return out;
  });
}

Answer<SafetyHold> PostgresSafetyHolds::lift(std::int32_t utility, HoldId id, const std::string& actor,
                                             const std::string& role, const std::string& reason) {
  return database_.impl().answer([&](Session& session) {
    if (actor.empty()) refuse(Refusal::Kind::Invalid, "actor is needed", "actor");
    if (reason.empty()) refuse(Refusal::Kind::Invalid, "reason is needed", "reason");
    pqxx::work tx(session);
    const SafetyHold hold = load_one(session, utility, id);
    if (hold.asked.role != clean_text(role)) {
      Refusal refusal;
      refusal.kind = Refusal::Kind::Excluded;
      refusal.message = "safety hold " + std::to_string(id) + " is lifted by role " + hold.asked.role + " alone";
      refusal.field = "hold";
      refusal.rule = std::make_shared<const Rule>(Rule{"HOLD_OF_ANOTHER_ROLE", {{"role", hold.asked.role}}});
      throw Refused{std::move(refusal)};
    }
    const std::string texts[] = {clean_text(role), kept_text(actor, kLongestName),
                                 kept_text(reason, kLongestWords)};
    Params params;
    params.i4(utility);
    params.i8(id);
    params.texts(texts);
    const Rows lifted = Rows::query(
        session.raw(),
        "INSERT INTO safety_hold_lift (hold_id, utility_id, role, actor, reason)"
        " VALUES ($2, $1, $3[1], $3[2], $3[3]) ON CONFLICT (hold_id) DO NOTHING RETURNING hold_id",
        params);
    if (lifted.size() == 0) {
      refuse(Refusal::Kind::AlreadyExists, "safety hold " + std::to_string(id) + " was lifted before", "hold");
    }
    SafetyHold out = load_one(session, utility, id);
    tx.commit();
    return out;
  });
}

Answer<HoldsFound> PostgresSafetyHolds::at(std::int32_t utility, const HoldPlaces& places) {
  return database_.impl().answer([&](Session& session) {
    const std::string texts[] = {clean_text(places.meter), clean_text(places.usage_point),
                                 clean_text(places.transformer), clean_text(places.feeder)};
    Params params;
    params.i4(utility);
    params.texts(texts);
    HoldsFound out;
    out.holds = load(session,
                     "h.utility_id = $1 AND ami_hold_in_force(h) AND h.place = CASE h.scope WHEN 'METER' THEN"
                     " $2[1] WHEN 'USAGE_POINT' THEN $2[2] WHEN 'TRANSFORMER' THEN $2[3] ELSE $2[4] END"
                     " ORDER BY h.hold_id",
                     params);
    if (places.transformer.empty() || places.feeder.empty()) {
      const Rows unknown = Rows::query(
          session.raw(),
          "SELECT 1 FROM safety_hold h WHERE h.utility_id = $1 AND ((h.scope = 'TRANSFORMER' AND $2[3] = '')"
          " OR (h.scope = 'FEEDER' AND $2[4] = '')) AND ami_hold_in_force(h) LIMIT 1",
          params);
      out.place_unknown = unknown.size() != 0;
    }
    return out;
  });
}

Answer<std::vector<SafetyHold>> PostgresSafetyHolds::list(std::int32_t utility, bool in_force_only, HoldId before,
                                                          std::size_t limit) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i4(utility);
    params.i8(before);
    params.i8(static_cast<std::int64_t>(limit));
    return load(session,
                std::string("h.utility_id = $1 AND ($2 = 0 OR h.hold_id < $2)") +
                    (in_force_only ? " AND ami_hold_in_force(h)" : "") + " ORDER BY h.hold_id DESC LIMIT $3",
                params);
  });
}

}  // namespace ami::storage
