// Finding targets again, and what answers do to them. One place decides which answer ends what: settle().
#include <algorithm>
#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/operation_rows.h"
#include "storage/postgres/operations.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

// A far side is heard out once a transaction, meter and state: its words and times differ from sender to
// sender.
bool says_the_same(const TargetAnswer& known, const TargetAnswer& answer) {
  return known.state == answer.state && known.power == answer.power &&
         known.switch_position == answer.switch_position;
}

AnswerFate judge(const OperationTarget* target, const TargetAnswer& answer) {
  if (target == nullptr) return AnswerFate::Stray;
  const bool definite = answer.state == TargetState::Succeeded || answer.state == TargetState::Failed;
  if (!ended(target->state)) return definite ? AnswerFate::Ended : AnswerFate::Goes;
  if (answer.state == TargetState::Sent || says_the_same(target->answer, answer))
    return AnswerFate::Duplicate;
  if (definite && target->state == TargetState::Unknown) return AnswerFate::Resolved;
  return AnswerFate::Late;
}

// Rows of operation_answer, a column each.
struct Kept {
  void add(const ArrivedAnswer& answer, const OperationTarget* target) {
    transactions.push_back(kept_text(answer.transaction, 128));
    operations.push_back(target == nullptr ? 0 : target->key.operation);
    numbers.push_back(target == nullptr ? 0 : target->key.number);
    meters.push_back(target == nullptr ? 0 : target->meter_id);
    sent.push_back(kept_text(answer.meter, 128));
    found.emplace_back(target == nullptr ? std::string_view() : name_of(target->state));
    answers.add(answer.answer);
  }

  void write(Session& session, UtilityId utility, const std::string& feed, UtcInstant now) const {
    if (transactions.empty()) return;
    const std::string from[] = {feed};
    const UtcInstant times[] = {now};
    Params params;
    params.i4(utility);
    params.texts(from);
    params.array(std::span<const UtcInstant>(times));
    params.texts(transactions);
    params.array(std::span<const std::int64_t>(operations));
    params.array(std::span<const std::int32_t>(numbers));
    params.array(std::span<const std::int64_t>(meters));
    params.texts(sent);
    params.texts(found);
    answers.add_to(params);
    // Several of one content in one call count as many times; a statement may touch a row only once.
    Rows::repeated(
        session.raw(),
        "INSERT INTO operation_answer (utility_id, feed, transaction, operation_id, number, meter_id, meter, "
        "found,"
        " state, reason, words, power, switch_position, at, received_at, last_received_at, times, "
        "content_md5)"
        " SELECT $1, $2[1], k.transaction, k.operation_id, k.number, min(k.meter_id), k.meter, min(k.found), "
        "k.state,"
        "  k.reason, k.words, k.power, k.switch_position, nullif(k.at, timestamptz 'epoch'), $3[1], $3[1], "
        "count(*),"
        // A row as text keeps neighbours apart, whatever they hold.
        "  md5(row(k.meter, k.state, k.reason, k.words, k.power, k.switch_position, extract(epoch FROM "
        "k.at))::text)::uuid"
        " FROM unnest($4::text[], $5::bigint[], $6::int[], $7::bigint[], $8::text[], $9::text[], $10::text[],"
        "  $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[]) AS k (transaction, "
        "operation_id,"
        "  number, meter_id, meter, found, state, reason, words, power, switch_position, at)"
        " GROUP BY k.transaction, k.operation_id, k.number, k.meter, k.state, k.reason, k.words, k.power,"
        "  k.switch_position, k.at ORDER BY k.transaction, k.operation_id, k.number, 18"
        " ON CONFLICT ON CONSTRAINT operation_answer_once DO UPDATE SET"
        "  times = operation_answer.times + excluded.times, last_received_at = excluded.last_received_at",
        params);
  }

  std::vector<std::string> transactions, sent, found;
  std::vector<std::int64_t> operations, meters;
  std::vector<std::int32_t> numbers;
  AnswerColumns answers;
};

}  // namespace

Answer<std::vector<OperationTarget>> Operations::unfinished(const std::string& feed) {
  return database_.impl().answer([&](Session& session) {
    const std::string from[] = {feed};
    Params params;
    params.texts(from);
    static const std::string sql =
        "SELECT " + target_columns() +
        ", o.priority, o.attempts, b.state, o.from_at, o.to_at, b.ended_at FROM operation_target t JOIN "
        "operation o"
        " USING (operation_id)"
        " LEFT JOIN operation_target b ON b.operation_id = t.after_operation_id AND b.number = t.number"
        " WHERE t.feed = $1[1] AND t.state IN ('QUEUED', 'SENT') ORDER BY t.operation_id, t.number";
    const Rows rows = Rows::repeated(session.raw(), sql.c_str(), params);
    std::vector<OperationTarget> out;
    for (int i = 0; i < rows.size(); ++i) {
      OperationTarget target = target_of(rows, i);
      target.priority = rows.i2(i, kTargetColumns);
      target.attempts = rows.i4(i, kTargetColumns + 1);
      if (!rows.null(i, kTargetColumns + 2)) target.before = target_state(rows.text(i, kTargetColumns + 2));
      if (!rows.null(i, kTargetColumns + 3))
        target.period = Period{rows.at(i, kTargetColumns + 3), rows.at(i, kTargetColumns + 4)};
      target.before_at = rows.maybe_at(i, kTargetColumns + 5);
      out.push_back(std::move(target));
    }
    return out;
  });
}

Answer<std::vector<OperationTarget>> Operations::find(const std::string& feed,
                                                      const std::vector<std::string>& transactions) {
  return database_.impl().answer([&](Session& session) {
    std::vector<std::string> clean;
    for (const std::string& transaction : transactions) clean.push_back(clean_text(transaction));
    const std::string from[] = {feed};
    Params params;
    params.texts(from);
    params.texts(clean);
    static const std::string sql =
        "SELECT " + target_columns() +
        " FROM operation_target t WHERE t.feed = $1[1] AND t.transaction = ANY ($2)"
        " ORDER BY t.operation_id, t.number";
    const Rows rows = Rows::repeated(session.raw(), sql.c_str(), params);
    std::vector<OperationTarget> out;
    for (int i = 0; i < rows.size(); ++i) out.push_back(target_of(rows, i));
    return out;
  });
}

Answer<Operations::Settled> Operations::settle(UtilityId utility, const std::string& feed,
                                               const std::vector<ArrivedAnswer>& answers, UtcInstant now) {
  return database_.impl().answer([&](Session& session) {
    std::vector<TargetKey> keys;
    for (const ArrivedAnswer& answer : answers) {
      if (answer.key.operation != 0) keys.push_back(answer.key);
    }
    pqxx::work tx(session);
    auto locked = lock_targets(session, keys);
    Settled out;
    std::map<TargetKey, TargetEnd> ends, notes;
    Kept kept;
    for (const ArrivedAnswer& arrived : answers) {
      const auto found = locked.find(arrived.key);
      OperationTarget* const target = found == locked.end() ? nullptr : &found->second;
      const AnswerFate fate = judge(target, arrived.answer);
      out.fates.push_back(fate);
      switch (fate) {
        case AnswerFate::Stray:
        case AnswerFate::Late:
          kept.add(arrived, target);
          break;
        case AnswerFate::Goes:
          if (!arrived.answer.reason.empty() || !arrived.answer.words.empty())
            notes.insert_or_assign(arrived.key, TargetEnd{arrived.key, arrived.answer, false});
          break;
        case AnswerFate::Resolved:
          audit(tx, "feed " + feed, utility, "resolve_unknown",
                "operations/" + std::to_string(arrived.key.operation),
                "meter " + target->meter + ": UNKNOWN was " + std::string(name_of(arrived.answer.state)));
          [[fallthrough]];
        case AnswerFate::Ended:
          ends.insert_or_assign(arrived.key,
                                TargetEnd{arrived.key, arrived.answer, fate == AnswerFate::Resolved});
          target->state = arrived.answer.state;
          target->answer = arrived.answer;
          if (!target->ended_at) target->ended_at = now;
          break;
        case AnswerFate::Duplicate:
          break;
      }
    }
    std::vector<TargetEnd> ended_now, noted;
    for (auto& [key, note] : notes) noted.push_back(std::move(note));
    for (auto& [key, end] : ends) ended_now.push_back(std::move(end));
    write_notes(session, noted);
    write_ends(session, ended_now, now);
    kept.write(session, utility, feed, now);
    tx.commit();
    for (const auto& [key, target] : locked) {
      if (ended(target.state))
        out.ended.push_back({key, target.state, target.answer.reason, target.ended_at.value_or(now)});
    }
    return out;
  });
}

}  // namespace ami::storage
