#include "storage/postgres/operation_rows.h"

#include <algorithm>
#include <array>
#include <set>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/reader_rows.h"

namespace ami::storage {
namespace {

constexpr std::array<std::string_view, 4> kKinds{"READ", "PING", "DEMAND_RESET", "BACKFILL"};
constexpr std::array<std::string_view, 4> kVerifications{"", "VERIFIED", "NOT_VERIFIABLE", "CONTRADICTED"};
constexpr std::array<std::string_view, kTargetStates> kStates{"QUEUED",    "SENT",    "SUCCEEDED", "FAILED",
                                                              "TIMED_OUT", "UNKNOWN", "CANCELLED"};
constexpr UtcInstant kNoTime{};
constexpr std::size_t kLongestReason = 64;
constexpr std::size_t kLongestWords = 500;

template <class Enum, std::size_t N>
Enum enum_from(std::string_view text, const std::array<std::string_view, N>& names) {
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) throw std::runtime_error("database: unknown word " + std::string(text));
  return static_cast<Enum>(found - names.begin());
}

std::string text_of(const Rows& rows, int row, int column) {
  return rows.null(row, column) ? std::string() : std::string(rows.text(row, column));
}

}  // namespace

std::string_view name_of(OperationKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind));
}
std::string_view name_of(TargetState state) {
  return kStates.at(static_cast<std::size_t>(state));
}
std::string_view name_of(Verification verification) {
  return kVerifications.at(static_cast<std::size_t>(verification));
}
OperationKind operation_kind(std::string_view text) {
  return enum_from<OperationKind>(text, kKinds);
}
Verification verification_from(std::string_view text) {
  return enum_from<Verification>(text, kVerifications);
}
TargetState target_state(std::string_view text) {
  return enum_from<TargetState>(text, kStates);
}

std::string kept_text(const std::string& text, std::size_t most) {
  return clean_text(std::string_view(text).substr(0, most));
}

KeyColumns::KeyColumns(const std::vector<TargetKey>& keys) {
  for (const TargetKey& key : keys) {
    operations.push_back(key.operation);
    numbers.push_back(key.number);
  }
}

void KeyColumns::add_to(Params& params) const {
  params.array(std::span<const std::int64_t>(operations));
  params.array(std::span<const std::int32_t>(numbers));
}

void AnswerColumns::add(const TargetAnswer& answer) {
  states.emplace_back(name_of(answer.state));
  reasons.push_back(kept_text(answer.reason, kLongestReason));
  words.push_back(kept_text(answer.words, kLongestWords));
  powers.push_back(answer.power);
  positions.push_back(answer.switch_position);
  times.push_back(answer.at.value_or(kNoTime));
}

void AnswerColumns::add_to(Params& params) const {
  for (const auto* column : {&states, &reasons, &words, &powers, &positions}) params.texts(*column);
  params.array(std::span<const UtcInstant>(times));
}

std::vector<Operation> load_operations(Session& session, const std::string& condition, const Params& params,
                                       std::size_t limit) {
  const std::string sql =
      "SELECT o.operation_id, o.utility_id, o.kind, o.caller, o.request_id, o.order_id, o.on_behalf_of, "
      "o.purpose,"
      " o.priority, o.created_at, o.expires_at, o.cancelled_at, o.cancelled_by, o.attempts, o.from_at, o.to_at FROM "
      "operation o "
      "WHERE " +
      condition + " ORDER BY o.operation_id DESC LIMIT " + std::to_string(limit);
  // One is looked for by its key; of many the best plan depends on what is asked.
  const Rows rows = limit == 1 ? Rows::repeated(session.raw(), sql.c_str(), params)
                               : Rows::query(session.raw(), sql.c_str(), params);
  std::vector<Operation> out;
  std::map<OperationId, std::size_t> index;
  std::vector<std::int64_t> ids;
  for (int i = 0; i < rows.size(); ++i) {
    Operation o;
    o.id = rows.i8(i, 0);
    o.utility = rows.i4(i, 1);
    o.kind = operation_kind(rows.text(i, 2));
    o.caller = rows.text(i, 3);
    o.request_id = rows.text(i, 4);
    o.order_id = rows.text(i, 5);
    o.on_behalf_of = rows.text(i, 6);
    o.purpose = rows.text(i, 7);
    o.priority = rows.i2(i, 8);
    o.created_at = rows.at(i, 9);
    o.expires_at = rows.at(i, 10);
    o.cancelled_at = rows.maybe_at(i, 11);
    o.cancelled_by = text_of(rows, i, 12);
    o.attempts = rows.i4(i, 13);
    if (!rows.null(i, 14)) o.period = Period{rows.at(i, 14), rows.at(i, 15)};
    index[o.id] = out.size();
    ids.push_back(o.id);
    out.push_back(std::move(o));
  }
  if (ids.empty()) return out;
  Params which;
  which.array(std::span<const std::int64_t>(ids));
  const Rows counts = Rows::repeated(session.raw(),
                                  "SELECT operation_id, state, count(*) FROM operation_target"
                                  " WHERE operation_id = ANY ($1) GROUP BY 1, 2",
                                  which);
  for (int i = 0; i < counts.size(); ++i) {
    out[index.at(counts.i8(i, 0))].counts[static_cast<std::size_t>(target_state(counts.text(i, 1)))] =
        static_cast<std::size_t>(counts.i8(i, 2));
  }
  return out;
}

Operation load_operation(Session& session, UtilityId utility, OperationId id) {
  Params params;
  params.i4(utility);
  params.i8(id);
  auto found = load_operations(session, "o.utility_id = $1 AND o.operation_id = $2", params, 1);
  if (found.empty()) {
    refuse(Refusal::Kind::NotFound, "no operation " + std::to_string(id) + " in this utility", "operation");
  }
  return std::move(found.front());
}

std::string target_columns() {
  return "t.operation_id, t.number, t.utility_id, t.kind, t.meter, t.meter_id, t.feed, t.vendor_id, "
         "t.pacing_group,"
         " t.state, t.created_at, t.expires_at, t.after_operation_id, t.transaction, t.sent_at, "
         "t.answer_due_at,"
         " t.ended_at, t.resolved_at, t.reason, t.words, t.power || ' ' || t.switch_position, t.at,"
         " t.substation, t.collector, coalesce(t.read_after_id, 0), t.verification, t.verification_words,"
         " t.verification_at";
}

OperationTarget target_of(const Rows& rows, int row) {
  OperationTarget t;
  t.key = {rows.i8(row, 0), rows.i4(row, 1)};
  t.utility = rows.i4(row, 2);
  t.kind = operation_kind(rows.text(row, 3));
  t.meter = rows.text(row, 4);
  t.meter_id = rows.i8(row, 5);
  t.feed = rows.text(row, 6);
  t.vendor_id = rows.text(row, 7);
  t.pacing_group = rows.text(row, 8);
  t.state = target_state(rows.text(row, 9));
  t.created_at = rows.at(row, 10);
  t.expires_at = rows.at(row, 11);
  t.after = rows.null(row, 12) ? 0 : rows.i8(row, 12);
  t.transaction = text_of(rows, row, 13);
  t.sent_at = rows.maybe_at(row, 14);
  t.answer_due_at = rows.maybe_at(row, 15);
  t.ended_at = rows.maybe_at(row, 16);
  t.resolved_at = rows.maybe_at(row, 17);
  t.answer.state = t.state;
  t.answer.reason = rows.text(row, 18);
  t.answer.words = rows.text(row, 19);
  const std::string_view both = rows.text(row, 20);  // neither word has a blank in it
  const std::size_t blank = both.find(' ');
  t.answer.power = both.substr(0, blank);
  t.answer.switch_position = both.substr(blank + 1);
  t.answer.at = rows.maybe_at(row, 21);
  t.substation = rows.text(row, 22);
  t.collector = rows.text(row, 23);
  t.read_after = rows.i8(row, 24);
  t.verification = verification_from(rows.text(row, 25));
  t.verification_words = rows.text(row, 26);
  t.verified_at = rows.maybe_at(row, 27);
  return t;
}

std::map<TargetKey, OperationTarget> lock_targets(Session& session, const std::vector<TargetKey>& keys) {
  std::map<TargetKey, OperationTarget> out;
  if (keys.empty()) return out;
  Params params;
  KeyColumns(keys).add_to(params);
  static const std::string sql = "SELECT " + target_columns() +
                                 " FROM operation_target t WHERE (t.operation_id, t.number) IN"
                                 " (SELECT * FROM unnest($1::bigint[], $2::int[]))"
                                 " ORDER BY t.operation_id, t.number FOR UPDATE";
  const Rows rows = Rows::repeated(session.raw(), sql.c_str(), params);
  for (int i = 0; i < rows.size(); ++i) {
    OperationTarget target = target_of(rows, i);
    out.emplace(target.key, std::move(target));
  }
  return out;
}

void write_ends(Session& session, const std::vector<TargetEnd>& ends, UtcInstant now) {
  if (ends.empty()) return;
  std::vector<TargetKey> keys;
  AnswerColumns answers;
  std::vector<std::int32_t> resolved;
  for (const TargetEnd& end : ends) {
    keys.push_back(end.key);
    answers.add(end.answer);
    resolved.push_back(end.resolved ? 1 : 0);
  }
  const UtcInstant times[] = {now};
  Params params;
  KeyColumns(keys).add_to(params);
  answers.add_to(params);
  params.array(std::span<const std::int32_t>(resolved));
  params.array(std::span<const UtcInstant>(times));
  Rows::repeated(
      session.raw(),
      "UPDATE operation_target t SET state = k.state, reason = k.reason, words = k.words, power = k.power,"
      " switch_position = k.switch_position, at = nullif(k.at, timestamptz 'epoch'),"
      " ended_at = CASE WHEN k.resolved = 1 THEN t.ended_at ELSE $10[1] END,"
      " resolved_at = CASE WHEN k.resolved = 1 THEN $10[1] ELSE t.resolved_at END,"
      // A demand reset that happened, or may have, is to be looked at.
      " verification_due_at = CASE WHEN t.kind = 'DEMAND_RESET' AND k.state IN ('SUCCEEDED', 'UNKNOWN') THEN $10[1]"
      "  END"
      " FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],"
      "  $8::timestamptz[], $9::int[]) AS k (operation_id, number, state, reason, words, power,"
      "  switch_position, at, resolved)"
      " WHERE t.operation_id = k.operation_id AND t.number = k.number",
      params);
}

void write_notes(Session& session, const std::vector<TargetEnd>& notes) {
  if (notes.empty()) return;
  std::vector<TargetKey> keys;
  AnswerColumns answers;
  for (const TargetEnd& note : notes) {
    keys.push_back(note.key);
    answers.add(note.answer);
  }
  Params params;
  KeyColumns(keys).add_to(params);
  params.texts(answers.reasons);
  params.texts(answers.words);
  Rows::repeated(session.raw(),
              "UPDATE operation_target t SET reason = k.reason, words = k.words"
              " FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[]) AS k (operation_id, number, "
              "reason, words)"
              " WHERE t.operation_id = k.operation_id AND t.number = k.number AND t.state = 'SENT'",
              params);
}

}  // namespace ami::storage
