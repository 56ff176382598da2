// Second looks at emergencies in PostgreSQL.
#include <algorithm>
#include <pqxx/pqxx>
#include <utility>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/operation_rows.h"
#include "storage/postgres/switch_limits.h"

namespace ami::storage {
namespace {

constexpr std::size_t kLongestName = 200, kLongestWords = 2000;

}  // namespace

Answer<Done> PostgresSwitchReviews::review(std::int32_t utility, SwitchId operation, const std::string& actor,
                                           const std::string& words) {
  return database_.impl().answer([&](Session& session) {
    if (actor.empty()) refuse(Refusal::Kind::Invalid, "actor is needed", "actor");
    if (words.empty()) refuse(Refusal::Kind::Invalid, "words are needed: what was found", "words");
    pqxx::work tx(session);
    Params which;
    which.i4(utility);
    which.i8(operation);
    const Rows left = Rows::query(session.raw(),
                                  "SELECT d.person, o.caller FROM switch_departure d JOIN switch_operation o USING"
                                  " (switch_id) WHERE d.utility_id = $1 AND d.switch_id = $2 AND d.reason ="
                                  " 'EMERGENCY_SAFETY'",
                                  which);
    if (left.size() == 0)
      refuse(Refusal::Kind::NotFound, "no emergency " + std::to_string(operation) + " has left", "operation");
    const std::string texts[] = {kept_text(actor, kLongestName), kept_text(words, kLongestWords)};
    if (texts[0] == left.text(0, 0) || texts[0] == left.text(0, 1)) {
      Refusal refusal;
      refusal.kind = Refusal::Kind::Excluded;
      refusal.message = "whoever answers for an emergency is not the one who looks at it";
      refusal.field = "actor";
      refusal.rule = std::make_shared<const Rule>(Rule{"SAME_PERSON", {{"person", std::string(left.text(0, 0))}}});
      throw Refused{std::move(refusal)};
    }
    Params params;
    params.i4(utility);
    params.i8(operation);
    params.texts(texts);
    const Rows made = Rows::query(session.raw(),
                                  "INSERT INTO switch_review (switch_id, utility_id, actor, words) VALUES ($2, $1,"
                                  " $3[1], $3[2]) ON CONFLICT (switch_id) DO NOTHING RETURNING switch_id",
                                  params);
    if (made.size() == 0) {
      refuse(Refusal::Kind::AlreadyExists, "somebody has looked at emergency " + std::to_string(operation),
             "operation");
    }
    tx.commit();
    return Done{};
  });
}

Answer<std::vector<EmergencyDue>> PostgresSwitchReviews::due(std::int32_t utility) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i4(utility);
    const Rows rows = Rows::query(session.raw(),
                                  "SELECT d.switch_id, d.person, d.at, d.at + interval '24 hours', (d.at <"
                                  " clock_timestamp() - interval '24 hours')::int FROM switch_departure d WHERE"
                                  " d.utility_id = $1 AND d.reason = 'EMERGENCY_SAFETY' AND NOT EXISTS (SELECT FROM"
                                  " switch_review r WHERE r.switch_id = d.switch_id) ORDER BY d.at, d.switch_id",
                                  params);
    std::vector<EmergencyDue> out;
    for (int i = 0; i < rows.size(); ++i) {
      out.push_back({rows.i8(i, 0), std::string(rows.text(i, 1)), rows.at(i, 2), rows.at(i, 3), rows.i4(i, 4) != 0});
    }
    return out;
  });
}

}  // namespace ami::storage
