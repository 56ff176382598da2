#include "storage/postgres/switching.h"

#include <pqxx/pqxx>
#include <utility>

#include "meter_model/failpoint.h"
#include "storage/postgres/asset_rows.h"
#include "storage/postgres/switch_gate.h"
#include "storage/postgres/switching_rows.h"

namespace ami::storage {
namespace {

constexpr const char* kInTheWay =
    "o.meter_id = $1 AND o.switch_id <> $2 AND (o.ended_at IS NULL OR (o.state = 'UNCERTAIN' AND o.action ="
    " 'OPEN')) ORDER BY o.ended_at IS NULL DESC, o.switch_id DESC LIMIT 1";

// Where a test ends the process: "switch.before_commit.SENT", "switch.after_commit.SENT".
void commit(pqxx::work& tx, SwitchState state) {
  const std::string of = "_commit." + std::string(name_of(state));
  failpoint(("switch.before" + of).c_str());
  tx.commit();
  failpoint(("switch.after" + of).c_str());
}

Refusal excluded(const char* rule, std::string message, std::map<std::string, std::string> facts) {
  Refusal refusal;
  refusal.kind = Refusal::Kind::Excluded;
  refusal.message = std::move(message);
  refusal.field = "meter";
  refusal.rule = std::make_shared<const Rule>(Rule{rule, std::move(facts)});
  return refusal;
}

Refusal live_refusal(const SwitchAsked& asked, const SwitchOperation* other) {
  if (other == nullptr)
    return excluded("SWITCH_LIVE", "meter " + asked.meter + " has another switch operation under way", {});
  return excluded("SWITCH_LIVE",
                  "meter " + asked.meter + " has operation " + std::to_string(other->id) + " under way",
                  {{"operation", std::to_string(other->id)}, {"state", std::string(name_of(other->state))}});
}

Refusal uncertain_refusal(const SwitchAsked& asked, const SwitchOperation* other) {
  if (other == nullptr) {
    return excluded(
        "SWITCH_UNCERTAIN",
        "whether an OPEN of meter " + asked.meter + " was carried out is not known: resolve it first", {});
  }
  return excluded("SWITCH_UNCERTAIN",
                  "whether OPEN " + std::to_string(other->id) + " of meter " + asked.meter +
                      " was carried out is not known: resolve it first",
                  {{"operation", std::to_string(other->id)}, {"state", std::string(name_of(other->state))}});
}

std::optional<SwitchOperation> other_of(Session& session, MeterId meter, SwitchId but) {
  Params params;
  params.i8(meter);
  params.i8(but);
  auto found = load_switches(session, kInTheWay, params);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::optional<SwitchOperation> of_request(Session& session, const SwitchAsked& asked) {
  const std::string texts[] = {clean_text(asked.caller), clean_text(asked.request_id)};
  Params params;
  params.i4(asked.utility);
  params.texts(texts);
  auto found =
      load_switches(session, "o.utility_id = $1 AND o.caller = $2[1] AND o.request_id = $2[2]", params);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

SwitchStore::Created repeated(const SwitchAsked& asked, SwitchOperation found) {
  if (found.asked.body == clean_text(asked.body)) return {std::move(found), true};
  refuse(Refusal::Kind::Collision,
         "request_id \"" + asked.request_id + "\" was used before, for switch operation " +
             std::to_string(found.id) + ", which asked for something else: take a new one",
         "request_id");
}

// What departures hold locked (the counts of limits) must not wait for the disk: one flush after another would be
// all that leaves. So the change is committed at once and made durable right after, together with others.
void store_move(Session& session, const SwitchOperation& next, const SwitchNote& note,
                const std::optional<SwitchLease>& lease, bool made_durable_later) {
  pqxx::work tx(session);
  if (lease) {
    const std::string holder[] = {clean_text(lease->holder)};
    Params params;
    params.texts(holder);
    params.i8(lease->epoch);
    // Shared: whoever takes it over waits until this has happened or has not.
    const Rows held = Rows::repeated(session.raw(),
                                  "SELECT 1 FROM switch_lease WHERE name = 'sender' AND holder = $1[1]"
                                  " AND epoch = $2 AND until > clock_timestamp() FOR SHARE",
                                  params);
    if (held.size() == 0) {
      throw Refused{excluded("NOT_THE_SENDER", "another gateway sends: nothing leaves from here",
                             {{"holder", lease->holder}})};
    }
  }
  Params which;
  which.i8(next.id);
  const Rows before = Rows::repeated(
      session.raw(), "SELECT state FROM switch_operation WHERE switch_id = $1 FOR UPDATE", which);
  if (before.size() == 0 || !update_switch(session, next)) {
    refuse(Refusal::Kind::Collision,
           "switch operation " + std::to_string(next.id) + " has moved on meanwhile", "version");
  }
  SwitchNote line = note;
  line.followed = note.followed || made_durable_later;
  note_switch(session, next, before.text(0, 0), line);
  commit(tx, next.state);
}

// All that this connection has committed, and whatever was committed before. A transaction waits for the disk only
// if it wrote something itself.
void make_durable(Session& session) {
  pqxx::work tx(session);
  Rows::repeated(session.raw(), "SELECT pg_logical_emit_message(true, 'ami', '')", Params());
  tx.commit();
}

// Two at once: the index let one through. Nothing was looked up, so the other is not named.
template <class T>
Answer<T> named(Answer<T> answer, const SwitchAsked& asked) {
  if (answer.ok()) return answer;
  const std::string& said = answer.refusal().message;
  if (auto kept_back = gate_refusal(said)) return std::move(*kept_back);
  if (said.find("switch_operation_one_live") != std::string::npos) return live_refusal(asked, nullptr);
  if (said.find("switch_operation_one_open") != std::string::npos) return uncertain_refusal(asked, nullptr);
  return answer;
}

}  // namespace

Answer<SwitchStore::Created> PostgresSwitching::create(const SwitchAsked& asked, const SwitchNote& note) {
  return named(database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    if (auto found = of_request(session, asked)) return repeated(asked, std::move(*found));
    if (const auto other = other_of(session, asked.meter_id, 0)) {
      if (live(other->state)) throw Refused{live_refusal(asked, &*other)};
      if (asked.action == SwitchAction::Open) throw Refused{uncertain_refusal(asked, &*other)};
    }
    const SwitchId id = insert_switch(session, asked);
    if (id == 0) {
      auto found = of_request(session, asked);
      if (!found) throw pqxx::serialization_failure("a request of that name vanished while it was looked at");
      return repeated(asked, std::move(*found));
    }
    Params params;
    params.i8(id);
    Created out{std::move(load_switches(session, "o.switch_id = $1", params).at(0)), false};
    note_switch(session, out.operation, "", note);
    commit(tx, out.operation.state);
    return out;
  }),
               asked);
}

Answer<Done> PostgresSwitching::move(const SwitchOperation& next, const SwitchNote& note,
                                     const std::optional<SwitchLease>& lease) {
  return named(database_.impl().answer([&](Session& session) {
    const bool leaves = next.state == SwitchState::Sent;
    store_move(session, next, note, lease, leaves);
    if (leaves) make_durable(session);
    return Done{};
  }),
               next.asked);
}

Answer<SwitchOperation> PostgresSwitching::get(std::int32_t utility, SwitchId id) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i4(utility);
    params.i8(id);
    auto found = load_switches(session, "o.utility_id = $1 AND o.switch_id = $2", params);
    if (found.empty())
      refuse(Refusal::Kind::NotFound, "there is no switch operation " + std::to_string(id), "operation");
    return std::move(found.front());
  });
}

Answer<std::optional<SwitchOperation>> PostgresSwitching::by_transaction(const std::string& transaction) {
  return database_.impl().answer([&](Session& session) -> std::optional<SwitchOperation> {
    const std::string texts[] = {clean_text(transaction)};
    Params params;
    params.texts(texts);
    auto found = load_switches(session, "o.transaction = $1[1]", params);
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
  });
}

Answer<std::vector<SwitchOperation>> PostgresSwitching::open_books() {
  return database_.impl().answer([&](Session& session) {
    return load_switches(session,
                         "o.ended_at IS NULL OR o.state IN ('UNCERTAIN', 'CONTRADICTED')"
                         " OR (o.state = 'VERIFIED_ARMED' AND o.resolved_at IS NULL) ORDER BY o.switch_id",
                         Params());
  });
}

Answer<std::vector<SwitchOperation>> PostgresSwitching::of_meter(MeterId meter, std::size_t limit) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i8(meter);
    params.i8(static_cast<std::int64_t>(limit));
    return load_switches(session, "o.meter_id = $1 ORDER BY o.switch_id DESC LIMIT $2", params);
  });
}

Answer<std::vector<SwitchOperation>> PostgresSwitching::list(const SwitchQuery& query) {
  return database_.impl().answer([&](Session& session) {
    std::vector<std::string> states;
    for (const SwitchState state : query.states) states.emplace_back(name_of(state));
    Params params;
    params.i4(query.utility);
    params.i8(query.before);
    params.i8(static_cast<std::int64_t>(query.limit));
    params.texts(states);
    std::string condition = "o.utility_id = $1 AND ($2 = 0 OR o.switch_id < $2)";
    condition += " AND (cardinality($4) = 0 OR o.state = ANY($4))";
    if (query.unresolved_only) condition += " AND o.state IN ('UNCERTAIN', 'CONTRADICTED')";
    if (query.truck_roll_only) {
      condition +=
          " AND o.truck_roll AND o.resolved_at IS NULL AND NOT EXISTS (SELECT FROM switch_operation l"
          " WHERE l.meter_id = o.meter_id AND l.switch_id > o.switch_id"
          " AND l.state IN ('VERIFIED_CLOSED', 'VERIFIED_ARMED'))";
    }
    int next = 5;
    if (query.meter) {
      params.i8(*query.meter);
      condition += " AND o.meter_id = $" + std::to_string(next++);
    }
    if (query.since) {
      const UtcInstant since[] = {*query.since};
      params.array(std::span<const UtcInstant>(since));
      condition += " AND o.created_at >= ($" + std::to_string(next) + ")[1]";
    }
    return load_switches(session, condition + " ORDER BY o.switch_id DESC LIMIT $3", params);
  });
}

Answer<std::vector<SwitchAuditLine>> PostgresSwitching::audit(SwitchId id) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i8(id);
    const Rows rows = Rows::repeated(session.raw(),
                                  "SELECT audit_id, switch_id, version, coalesce(from_state, ''), to_state,"
                                  " input, actor, gateway, words, facts, at, coalesce(certificate, ''),"
                                  " coalesce(sent_sha256, '') FROM switch_audit"
                                  " WHERE switch_id = $1 ORDER BY audit_id",
                                  params);
    std::vector<SwitchAuditLine> out;
    for (int i = 0; i < rows.size(); ++i) {
      SwitchAuditLine line;
      line.id = rows.i8(i, 0);
      line.operation = rows.i8(i, 1);
      line.version = rows.i8(i, 2);
      line.from = switch_state_from(rows.text(i, 3));
      line.to = switch_state_from(rows.text(i, 4)).value();
      line.note.input = rows.text(i, 5);
      line.note.actor = rows.text(i, 6);
      line.note.gateway = rows.text(i, 7);
      line.note.words = rows.text(i, 8);
      line.note.facts = rows.text(i, 9);
      line.note.at = rows.at(i, 10);
      line.note.certificate = rows.text(i, 11);
      line.note.sent_sha256 = rows.text(i, 12);
      out.push_back(std::move(line));
    }
    return out;
  });
}

Answer<std::vector<SwitchOutboxLine>> PostgresSwitching::outbox(std::int64_t after, std::size_t limit) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i8(after);
    params.i8(static_cast<std::int64_t>(limit));
    const Rows rows = Rows::repeated(session.raw(),
                                  "SELECT outbox_id, switch_id, version, state FROM switch_outbox"
                                  " WHERE outbox_id > $1 ORDER BY outbox_id LIMIT $2",
                                  params);
    std::vector<SwitchOutboxLine> out;
    for (int i = 0; i < rows.size(); ++i) {
      out.push_back(
          {rows.i8(i, 0), rows.i8(i, 1), rows.i8(i, 2), switch_state_from(rows.text(i, 3)).value()});
    }
    return out;
  });
}

Answer<std::optional<SwitchLease>> PostgresSwitching::take_lease(const std::string& holder,
                                                                 std::chrono::milliseconds span) {
  return database_.impl().answer([&](Session& session) -> std::optional<SwitchLease> {
    const std::string name[] = {clean_text(holder)};
    Params params;
    params.texts(name);
    params.i8(span.count());
    pqxx::work tx(session);
    const Rows rows = Rows::repeated(
        session.raw(),
        "INSERT INTO switch_lease AS l (name, holder, epoch, until)"
        " VALUES ('sender', $1[1], 1, clock_timestamp() + $2 * interval '1 millisecond')"
        " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,"
        " epoch = l.epoch + CASE WHEN l.holder = excluded.holder THEN 0 ELSE 1 END, until = excluded.until"
        " WHERE l.holder = excluded.holder OR l.until <= clock_timestamp() RETURNING epoch",
        params);
    tx.commit();
    if (rows.size() == 0) return std::nullopt;
    return SwitchLease{holder, rows.i8(0, 0)};
  });
}

}  // namespace ami::storage
