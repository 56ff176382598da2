// How targets move on. Each call is one transaction that locks its rows first and looks at their states then,
// so that it may be repeated, and be cut off anywhere.
#include <algorithm>
#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/operation_rows.h"
#include "storage/postgres/operations.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

constexpr int kMostOverdue = 5000;

EndedTarget gone(TargetKey key, UtcInstant now) {
  return {key, TargetState::Cancelled, "gone", now};
}

}  // namespace

Answer<std::vector<TargetKey>> Operations::mark_sent(const Sending& sending,
                                                     const std::vector<Due>& targets) {
  return database_.impl().answer([&](Session& session) {
    std::vector<TargetKey> keys, refused;
    std::vector<UtcInstant> due;
    for (const Due& target : targets) {
      keys.push_back(target.key);
      due.push_back(target.at);
    }
    pqxx::work tx(session);
    const auto locked = lock_targets(session, keys);
    for (const TargetKey& key : keys) {
      const auto found = locked.find(key);
      const bool joined = found != locked.end() && sending.of == 0 &&
                          found->second.state == TargetState::Sent &&
                          found->second.transaction == sending.transaction;
      if (joined) continue;
      if (found == locked.end() || found->second.state != TargetState::Queued) refused.push_back(key);
    }
    if (!refused.empty()) return refused;
    const std::string transaction[] = {sending.transaction};
    const UtcInstant at[] = {sending.at};
    Params params;
    KeyColumns(keys).add_to(params);
    params.array(std::span<const UtcInstant>(due));
    params.texts(transaction);
    params.array(std::span<const UtcInstant>(at));
    Rows::repeated(session.raw(),
                   "UPDATE operation_target t SET state = 'SENT', transaction = $4[1], sent_at = $5[1],"
                   " answer_due_at = k.due, reason = '', words = ''"
                   " FROM unnest($1::bigint[], $2::int[], $3::timestamptz[]) AS k (operation_id, number, due)"
                   " WHERE t.operation_id = k.operation_id AND t.number = k.number",
                   params);
    Params attempts;
    attempts.i8(sending.of);
    attempts.i4(sending.attempt);
    Rows::repeated(session.raw(),
                   "UPDATE operation SET attempts = greatest(attempts, $2) WHERE operation_id = $1",
                   attempts);
    tx.commit();
    return refused;
  });
}

Answer<std::vector<TargetKey>> Operations::requeue(const std::vector<TargetKey>& keys,
                                                   const std::string& transaction) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    std::vector<TargetKey> back;
    for (const auto& [key, target] : lock_targets(session, keys)) {
      const bool sent = target.state == TargetState::Sent && target.transaction == transaction;
      if (sent && target.kind != OperationKind::DemandReset) back.push_back(key);
    }
    if (back.empty()) return back;
    Params params;
    KeyColumns(back).add_to(params);
    Rows::repeated(session.raw(),
                   "UPDATE operation_target t SET state = 'QUEUED', transaction = NULL, sent_at = NULL,"
                   " answer_due_at = NULL"
                   " FROM unnest($1::bigint[], $2::int[]) AS k (operation_id, number)"
                   " WHERE t.operation_id = k.operation_id AND t.number = k.number",
                   params);
    tx.commit();
    return back;
  });
}

Answer<std::vector<EndedTarget>> Operations::finish(const std::vector<End>& ends, UtcInstant now) {
  return database_.impl().answer([&](Session& session) {
    std::vector<TargetKey> keys;
    for (const End& end : ends) keys.push_back(end.key);
    pqxx::work tx(session);
    auto locked = lock_targets(session, keys);
    std::vector<TargetEnd> written;
    std::vector<EndedTarget> out;
    for (const End& end : ends) {
      const auto found = locked.find(end.key);
      if (found == locked.end()) {
        out.push_back(gone(end.key, now));
        continue;
      }
      OperationTarget& target = found->second;
      if (!ended(target.state)) {
        if (!ended(end.answer.state)) continue;
        target.state = end.answer.state;  // the same key twice: the first counts
        target.answer = end.answer;
        target.ended_at = now;
        written.push_back({end.key, end.answer, false});
      }
      out.push_back({end.key, target.state, target.answer.reason, target.ended_at.value_or(now)});
    }
    write_ends(session, written, now);
    tx.commit();
    return out;
  });
}

Answer<std::vector<EndedTarget>> Operations::ends(const std::vector<TargetKey>& keys) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    KeyColumns(keys).add_to(params);
    const Rows rows = Rows::repeated(
        session.raw(),
        "SELECT k.operation_id, k.number, t.state, t.reason, t.ended_at, now()"
        " FROM unnest($1::bigint[], $2::int[]) AS k (operation_id, number)"
        " LEFT JOIN operation_target t ON t.operation_id = k.operation_id AND t.number = k.number"
        " WHERE t.state IS NULL OR t.state NOT IN ('QUEUED', 'SENT')",
        params);
    std::vector<EndedTarget> out;
    for (int i = 0; i < rows.size(); ++i) {
      const TargetKey key{rows.i8(i, 0), rows.i4(i, 1)};
      if (rows.null(i, 2)) {
        out.push_back(gone(key, rows.at(i, 5)));
      } else {
        out.push_back({key, target_state(rows.text(i, 2)), std::string(rows.text(i, 3)), rows.at(i, 4)});
      }
    }
    return out;
  });
}

Answer<Done> Operations::note(const std::vector<End>& notes) {
  return database_.impl().answer([&](Session& session) {
    std::vector<TargetKey> keys;
    std::vector<TargetEnd> written;
    for (const End& note : notes) {
      keys.push_back(note.key);
      written.push_back({note.key, note.answer, false});
    }
    pqxx::work tx(session);
    (void)lock_targets(session, keys);
    write_notes(session, written);
    tx.commit();
    return Done{};
  });
}

Answer<std::vector<EndedTarget>> Operations::end_overdue(UtcInstant now) {
  return database_.impl().answer([&](Session& session) {
    const UtcInstant times[] = {now};
    Params params;
    params.array(std::span<const UtcInstant>(times));
    params.i4(kMostOverdue);
    pqxx::work tx(session);
    // Rows that somebody else has locked are about to change: the next call looks at them again.
    const Rows rows = Rows::repeated(
        session.raw(),
        "SELECT t.operation_id, t.number FROM operation_target t WHERE (t.state = 'SENT' AND t.answer_due_at "
        "<= $1[1])"
        " OR (t.state = 'QUEUED' AND t.expires_at <= $1[1]) ORDER BY 1, 2 LIMIT $2 FOR UPDATE SKIP LOCKED",
        params);
    std::vector<TargetKey> keys;
    for (int i = 0; i < rows.size(); ++i) keys.push_back({rows.i8(i, 0), rows.i4(i, 1)});
    std::vector<TargetEnd> ends;
    std::vector<EndedTarget> out;
    for (const auto& [key, target] : lock_targets(session, keys)) {
      TargetAnswer answer;
      if (target.state == TargetState::Queued) {
        answer.state = TargetState::Failed;
        answer.reason = "expired";
        answer.words = "it was still queued";
      } else {
        answer = target.answer;  // what was said so far stays
        const bool changes = target.kind == OperationKind::DemandReset;
        answer.state = changes ? TargetState::Unknown : TargetState::TimedOut;
        if (answer.reason.empty()) answer.reason = "no_answer";
      }
      ends.push_back({key, answer, false});
      out.push_back({key, answer.state, answer.reason, now});
    }
    write_ends(session, ends, now);
    tx.commit();
    return out;
  });
}

}  // namespace ami::storage
