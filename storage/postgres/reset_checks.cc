#include "storage/postgres/reset_checks.h"

#include <pqxx/pqxx>

#include "meter_model/quantity/reading_type.h"
#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/operation_rows.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

constexpr std::chrono::seconds kLease{60};
// How far a value's own time may lie from its receipt: far sides answer with what they hold, and clocks err.
constexpr std::chrono::hours kOlder{48}, kNewer{1};
constexpr std::size_t kLongestWords = 1000;

std::optional<OperationTarget> load_target(Session& session, TargetKey key) {
  if (key.operation == 0) return std::nullopt;
  Params params;
  params.i8(key.operation);
  params.i4(key.number);
  static const std::string sql =
      "SELECT " + target_columns() + " FROM operation_target t WHERE t.operation_id = $1 AND t.number = $2";
  const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
  return rows.size() == 0 ? std::nullopt : std::optional(target_of(rows, 0));
}

bool tells_of_resets(const std::string& type) {
  const auto parsed = ReadingType::parse(type);
  if (!parsed) return false;
  const Quantity quantity = quantity_of(*parsed);
  constexpr std::int32_t kDemand = 8, kMaximum = 8;
  return quantity == Quantity::DemandResetCount || ((*parsed)[ReadingType::MeasurementKind] == kDemand &&
                                                    (*parsed)[ReadingType::Aggregate] == kMaximum);
}

// Register values of the meter that came through the feed in [from, to], by their own time.
std::vector<ResetValue> values_of(Session& session, const OperationTarget& reset, UtcInstant from,
                                  UtcInstant to) {
  const std::string feed[] = {reset.feed};
  const UtcInstant times[] = {from, to, from - kOlder, to + kNewer};
  Params params;
  params.i8(reset.meter_id);
  params.texts(feed);
  params.array(std::span<const UtcInstant>(times));
  const Rows rows = Rows::query(
      session.raw(),
      "SELECT c.reading_type, r.at, r.mantissa, r.exponent, r.period_start, r.occurred_at FROM register_read "
      "r"
      " JOIN channel c ON c.channel_id = r.channel_id JOIN source s ON s.source_id = r.source_id"
      " WHERE r.meter_id = $1 AND c.meter_id = $1 AND r.at >= $3[3] AND r.at <= $3[4] AND s.feed = $2[1]"
      " AND s.received_at >= $3[1] AND s.received_at <= $3[2] ORDER BY r.at, c.channel_id",
      params);
  std::vector<ResetValue> out;
  for (int i = 0; i < rows.size(); ++i) {
    ResetValue value;
    value.reading_type = rows.text(i, 0);
    if (!tells_of_resets(value.reading_type)) continue;
    value.at = rows.at(i, 1);
    value.value = {rows.i8(i, 2), rows.i2(i, 3)};
    value.period_start = rows.maybe_at(i, 4);
    value.occurred_at = rows.maybe_at(i, 5);
    out.push_back(std::move(value));
  }
  return out;
}

}  // namespace

Answer<std::vector<DueCheck>> ResetChecks::due(const std::vector<std::string>& feeds, UtcInstant now) {
  return database_.impl().answer([&](Session& session) {
    const UtcInstant times[] = {now, now + kLease};
    Params params;
    params.texts(feeds);
    params.array(std::span<const UtcInstant>(times));
    pqxx::work tx(session);
    const Rows rows = Rows::query(
        session.raw(),
        "UPDATE operation_target t SET verification_due_at = $2[2] FROM operation o"
        " WHERE o.operation_id = t.operation_id AND (t.operation_id, t.number) IN"
        "  (SELECT d.operation_id, d.number FROM operation_target d WHERE d.verification_due_at <= $2[1]"
        "   AND d.feed = ANY ($1) AND NOT EXISTS (SELECT FROM operation_target a"
        "    WHERE a.operation_id = d.read_after_id AND a.state IN ('QUEUED', 'SENT'))"
        "   ORDER BY d.verification_due_at LIMIT 100 FOR UPDATE SKIP LOCKED)"
        " RETURNING t.operation_id, t.number, t.utility_id, t.feed, t.meter, coalesce(t.read_after_id, 0),"
        "  o.priority, o.caller, o.order_id, t.ended_at, t.verification",
        params);
    std::vector<DueCheck> out;
    for (int i = 0; i < rows.size(); ++i) {
      DueCheck check;
      check.key = {rows.i8(i, 0), rows.i4(i, 1)};
      check.utility = rows.i4(i, 2);
      check.feed = rows.text(i, 3);
      check.meter = rows.text(i, 4);
      check.read_after = rows.i8(i, 5);
      check.priority = rows.i2(i, 6);
      check.caller = rows.text(i, 7);
      check.order_id = rows.text(i, 8);
      check.ended_at = rows.at(i, 9);
      check.verification = verification_from(rows.text(i, 10));
      out.push_back(std::move(check));
    }
    tx.commit();
    return out;
  });
}

Answer<Done> ResetChecks::set_read(TargetKey reset, OperationId read, UtcInstant now) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    tx.exec_params0(
        "UPDATE operation_target SET read_after_id = $3, verification_due_at = $4"
        " WHERE operation_id = $1 AND number = $2 AND verification_due_at IS NOT NULL",
        reset.operation, reset.number, read, to_text(now));
    tx.commit();
    return Done{};
  });
}

Answer<ResetFacts> ResetChecks::facts(TargetKey key) {
  return database_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    ResetFacts out;
    auto reset = load_target(session, key);
    if (!reset) refuse(Refusal::Kind::NotFound, "the demand reset is gone", "operation");
    out.reset = *std::move(reset);
    out.before = load_target(session, {out.reset.after, key.number});
    out.after = load_target(session, {out.reset.read_after, 0});
    const UtcInstant left = out.reset.sent_at.value_or(out.reset.created_at);
    if (out.before && out.before->sent_at)
      out.came_before = values_of(session, out.reset, *out.before->sent_at, left);
    out.came_after = values_of(session, out.reset, left + std::chrono::microseconds{1},
                               out.reset.ended_at.value_or(left) + std::chrono::days{7});
    return out;
  });
}

Answer<Done> ResetChecks::settle(TargetKey reset, Verification found, const std::string& words,
                                 UtcInstant now, std::optional<UtcInstant> again) {
  return database_.impl().answer([&](Session& session) {
    const std::string next = again ? to_text(*again) : std::string();
    pqxx::work tx(session);
    tx.exec_params0(
        "UPDATE operation_target SET verification = $3, verification_words = $4, verification_at = $5,"
        " verification_due_at = $6"
        " WHERE operation_id = $1 AND number = $2 AND verification <> 'CONTRADICTED'",
        reset.operation, reset.number, std::string(name_of(found)), kept_text(words, kLongestWords),
        to_text(now), again ? next.c_str() : nullptr);
    tx.exec_params0(
        "UPDATE operation_target SET verification_due_at = NULL"
        " WHERE operation_id = $1 AND number = $2 AND verification = 'CONTRADICTED'",
        reset.operation, reset.number);
    tx.commit();
    return Done{};
  });
}

}  // namespace ami::storage
