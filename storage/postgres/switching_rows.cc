#include "storage/postgres/switching_rows.h"

#include <stdexcept>

#include "storage/postgres/operation_rows.h"

namespace ami::storage {
namespace {

constexpr std::size_t kLongestWords = 2000;

std::string flag(bool value) {
  return value ? "true" : "false";
}
std::string time_text(const std::optional<UtcInstant>& at) {
  return at ? to_text(*at) : std::string();
}

template <class T>
T known(std::optional<T> value, std::string_view text) {
  if (!value) throw std::runtime_error("switch_operation holds an unknown word: " + std::string(text));
  return *value;
}

constexpr const char* kColumns =
    "o.switch_id, o.version, o.utility_id, o.meter_id, o.meter, o.usage_point, o.serial_last4, o.action,"
    " o.reason, o.order_id, o.caller, o.request_id, o.on_behalf_of, o.attestation, o.automatic::int, o.body,"
    " o.feed, o.vendor_id, o.created_at, o.not_before, o.not_after, o.minimum::int, o.state,"
    " coalesce(o.transaction, ''), o.sent_at, o.flight_s, o.claimed_at, o.evidence::int, o.attainable::int,"
    " o.evidence_words, o.position, o.final_register, o.rule, o.words, o.truck_roll::int,"
    " o.latent_close::int, o.alerted::int, o.ended_at, o.resolved_at, o.resolved_by, o.resolution";

SwitchOperation operation_of(const Rows& rows, int i) {
  SwitchOperation o;
  int c = 0;
  const auto text = [&] { return std::string(rows.text(i, c++)); };
  const auto truth = [&] { return rows.i4(i, c++) != 0; };
  o.id = rows.i8(i, c++);
  o.version = rows.i8(i, c++);
  o.asked.utility = rows.i4(i, c++);
  o.asked.meter_id = rows.i8(i, c++);
  o.asked.meter = text();
  o.asked.usage_point = text();
  o.asked.serial_last4 = text();
  const std::string action = text();
  o.asked.action = known(switch_action_from(action), action);
  o.asked.reason = text();
  o.asked.order_id = text();
  o.asked.caller = text();
  o.asked.request_id = text();
  o.asked.on_behalf_of = text();
  o.asked.attestation = text();
  o.asked.automatic = truth();
  o.asked.body = text();
  o.asked.feed = text();
  o.asked.vendor_id = text();
  o.asked.created_at = rows.at(i, c++);
  o.asked.not_before = rows.at(i, c++);
  o.asked.not_after = rows.at(i, c++);
  o.asked.minimum = rows.i4(i, c++);
  const std::string state = text();
  o.state = known(switch_state_from(state), state);
  o.transaction = text();
  o.sent_at = rows.maybe_at(i, c++);
  o.flight = std::chrono::seconds{rows.i8(i, c++)};
  o.claimed_at = rows.maybe_at(i, c++);
  o.evidence = rows.i4(i, c++);
  o.attainable = rows.i4(i, c++);
  o.evidence_words = text();
  o.position = text();
  o.final_register = text();
  o.rule = text();
  o.words = text();
  o.truck_roll = truth();
  o.latent_close = truth();
  o.alerted = rows.i4(i, c++);
  o.ended_at = rows.maybe_at(i, c++);
  o.resolved_at = rows.maybe_at(i, c++);
  o.resolved_by = text();
  o.resolution = text();
  return o;
}

}  // namespace

std::vector<SwitchOperation> load_switches(Session& session, const std::string& condition,
                                           const Params& params) {
  const std::string sql = std::string("SELECT ") + kColumns + " FROM switch_operation o WHERE " + condition;
  const Rows rows = Rows::repeated(session.raw(), sql.c_str(), params);
  std::vector<SwitchOperation> out;
  for (int i = 0; i < rows.size(); ++i) out.push_back(operation_of(rows, i));
  return out;
}

SwitchId insert_switch(Session& session, const SwitchAsked& asked) {
  const std::string texts[] = {clean_text(asked.meter),        clean_text(asked.usage_point),
                               clean_text(asked.serial_last4), std::string(name_of(asked.action)),
                               clean_text(asked.reason),       clean_text(asked.order_id),
                               clean_text(asked.caller),       clean_text(asked.request_id),
                               clean_text(asked.on_behalf_of), clean_text(asked.attestation),
                               flag(asked.automatic),          clean_text(asked.body),
                               clean_text(asked.feed),         clean_text(asked.vendor_id)};
  const UtcInstant times[] = {asked.created_at, asked.not_before, asked.not_after};
  Params params;
  params.i4(asked.utility);
  params.i8(asked.meter_id);
  params.texts(texts);
  params.array(std::span<const UtcInstant>(times));
  params.i4(asked.minimum);
  const Rows rows = Rows::repeated(
      session.raw(),
      "INSERT INTO switch_operation (utility_id, meter_id, meter, usage_point, serial_last4, action, reason,"
      " order_id, caller, request_id, on_behalf_of, attestation, automatic, body, body_sha256, feed, "
      "vendor_id,"
      " created_at, not_before, not_after, minimum, version, state)"
      " VALUES ($1, $2, $3[1], $3[2], $3[3], $3[4], $3[5], $3[6], $3[7], $3[8], $3[9], $3[10],"
      " $3[11]::boolean, $3[12], encode(sha256(convert_to($3[12], 'UTF8')), 'hex'), $3[13], $3[14], $4[1],"
      " $4[2], $4[3], $5, 1, 'REQUESTED')"
      " ON CONFLICT (utility_id, caller, request_id) DO NOTHING RETURNING switch_id",
      params);
  return rows.size() == 0 ? 0 : rows.i8(0, 0);
}

bool update_switch(Session& session, const SwitchOperation& next) {
  const std::string texts[] = {std::string(name_of(next.state)),
                               clean_text(next.transaction),
                               time_text(next.sent_at),
                               time_text(next.claimed_at),
                               kept_text(next.evidence_words, kLongestWords),
                               clean_text(next.position),
                               clean_text(next.final_register),
                               clean_text(next.rule),
                               kept_text(next.words, kLongestWords),
                               flag(next.truck_roll),
                               flag(next.latent_close),
                               time_text(next.ended_at),
                               time_text(next.resolved_at),
                               clean_text(next.resolved_by),
                               kept_text(next.resolution, kLongestWords)};
  Params params;
  params.i8(next.id);
  params.i8(next.version);
  params.texts(texts);
  params.i8(next.flight.count());
  params.i4(next.evidence);
  params.i4(next.attainable);
  params.i4(next.alerted);
  const Rows rows = Rows::repeated(
      session.raw(),
      "UPDATE switch_operation SET version = $2, state = $3[1], transaction = nullif($3[2], ''),"
      " sent_at = nullif($3[3], '')::timestamptz, claimed_at = nullif($3[4], '')::timestamptz,"
      " evidence_words = $3[5], position = $3[6], final_register = $3[7], rule = $3[8], words = $3[9],"
      " truck_roll = $3[10]::boolean, latent_close = $3[11]::boolean,"
      " ended_at = nullif($3[12], '')::timestamptz, resolved_at = nullif($3[13], '')::timestamptz,"
      " resolved_by = $3[14], resolution = $3[15], flight_s = $4, evidence = $5, attainable = $6, alerted = "
      "$7"
      " WHERE switch_id = $1 AND version = $2 - 1 RETURNING version",
      params);
  return rows.size() == 1;
}

void note_switch(Session& session, const SwitchOperation& now, std::string_view from,
                 const SwitchNote& note) {
  // What was asked for is taken from the book, not from the caller: `now.asked` of a change may be anything.
  const std::string texts[] = {std::string(from),
                               std::string(name_of(now.state)),
                               clean_text(note.input),
                               clean_text(note.actor),
                               clean_text(note.gateway),
                               kept_text(note.words, kLongestWords),
                               clean_text(note.facts),
                               clean_text(note.certificate),
                               clean_text(note.sent_sha256)};
  if (note.followed) Rows::repeated(session.raw(), "SELECT set_config('synchronous_commit', 'off', true)", Params());
  const UtcInstant times[] = {note.at};
  Params params;
  params.i8(now.id);
  params.i8(now.version);
  params.texts(texts);
  params.array(std::span<const UtcInstant>(times));
  Rows::repeated(session.raw(),
              "WITH line AS (INSERT INTO switch_audit (switch_id, utility_id, version, from_state, to_state,"
              " input, actor, gateway, words, facts, at, certificate, sent_sha256, meter, usage_point,"
              " serial_last4, action, reason, order_id, caller, request_id, on_behalf_of, attestation,"
              " automatic, request_sha256, feed, vendor_id, transaction, evidence, attainable, position,"
              " final_register, rule)"
              " SELECT o.switch_id, o.utility_id, $2, nullif($3[1], ''), $3[2], $3[3], $3[4], $3[5], $3[6],"
              " $3[7], $4[1], $3[8], $3[9], o.meter, o.usage_point, o.serial_last4, o.action, o.reason,"
              " o.order_id, o.caller, o.request_id, o.on_behalf_of, o.attestation, o.automatic, o.body_sha256,"
              " o.feed, o.vendor_id, coalesce(o.transaction, ''), o.evidence, o.attainable, o.position,"
              " o.final_register, o.rule FROM switch_operation o WHERE o.switch_id = $1"
              " RETURNING switch_id, utility_id)"
              " INSERT INTO switch_outbox (switch_id, utility_id, version, state)"
              " SELECT switch_id, utility_id, $2, $3[2] FROM line",
              params);
}

}  // namespace ami::storage
