// Asking, looking, taking back.
#include "storage/postgres/operations.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/operation_rows.h"
#include "storage/postgres/reader_rows.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

constexpr std::size_t kMostTargets = 10'000;
constexpr std::size_t kMostAnswers = 1000;

// What must be the same when a request comes again. A length before each part keeps neighbours apart.
std::string content_of(const NewOperation& asked) {
  std::string out;
  const auto put = [&](std::string_view part) {
    out += std::to_string(part.size()) + ':';
    out += part;
  };
  put(name_of(asked.kind));
  put(asked.order_id);
  put(asked.on_behalf_of);
  put(asked.purpose);
  put(std::to_string(asked.priority));
  put(asked.expiry ? std::to_string(asked.expiry->count()) : "");
  if (asked.choice.empty()) {
    for (const NewTarget& target : asked.targets) put(target.meter);
  } else {
    put("");  // no meter is named so
    put(asked.choice);
  }
  if (asked.period) {
    put(to_text(asked.period->from));
    put(to_text(asked.period->to));
  }
  return clean_text(out);
}

struct Found {
  OperationId id = 0;
  bool same = false;
};
std::optional<Found> look_for(Session& session, const NewOperation& asked, const std::string& content) {
  const std::string texts[] = {asked.caller, asked.request_id, content};
  Params params;
  params.i4(asked.utility);
  params.texts(texts);
  const Rows rows =
      Rows::repeated(session.raw(),
                     "SELECT operation_id, (content_sha256 = encode(sha256(convert_to($2[3], 'UTF8')),"
                     " 'hex'))::int FROM operation"
                     " WHERE utility_id = $1 AND caller = $2[1] AND request_id = $2[2]",
                     params);
  if (rows.size() == 0) return std::nullopt;
  return Found{rows.i8(0, 0), rows.i4(0, 1) == 1};
}

void must_be_the_same(const NewOperation& asked, const Found& found) {
  if (found.same) return;
  refuse(Refusal::Kind::Collision,
         "request_id \"" + asked.request_id + "\" was used before, for operation " +
             std::to_string(found.id) + ", which asked for something else: take a new one",
         "request_id");
}

// 0 = there is one of that request already.
OperationId insert_operation(Session& session, const NewOperation& asked, const std::string& content) {
  const std::string texts[] = {std::string(name_of(asked.kind)),
                               asked.caller,
                               asked.request_id,
                               content,
                               asked.order_id,
                               asked.on_behalf_of,
                               asked.purpose};
  const UtcInstant times[] = {asked.created_at, asked.expires_at};
  std::vector<UtcInstant> period;
  if (asked.period) period = {asked.period->from, asked.period->to};
  Params params;
  params.i4(asked.utility);
  params.texts(texts);
  params.i4(asked.priority);
  params.i4(static_cast<std::int32_t>(asked.targets.size()));
  params.array(std::span<const UtcInstant>(times));
  params.array(std::span<const UtcInstant>(period));
  const Rows rows = Rows::repeated(
      session.raw(),
      "INSERT INTO operation (utility_id, kind, caller, request_id, content_sha256, order_id,"
      " on_behalf_of, purpose, priority, targets, created_at, expires_at, from_at, to_at)"
      " VALUES ($1, $2[1], $2[2], $2[3], encode(sha256(convert_to($2[4], 'UTF8')), 'hex'), $2[5], $2[6],"
      " $2[7], $3, $4, $5[1], $5[2], $6[1], $6[2])"
      " ON CONFLICT (utility_id, caller, request_id) DO NOTHING RETURNING operation_id",
      params);
  return rows.size() == 0 ? 0 : rows.i8(0, 0);
}

void insert_targets(Session& session, OperationId id, const NewOperation& asked, OperationId after) {
  std::vector<std::string> meters, feeds, names, groups, reasons, words, substations, collectors;
  std::vector<std::int64_t> ids;
  for (const NewTarget& target : asked.targets) {
    meters.push_back(clean_text(target.meter));
    ids.push_back(target.meter_id);
    feeds.push_back(target.feed);
    names.push_back(clean_text(target.vendor_id));
    groups.push_back(clean_text(target.pacing_group));
    reasons.push_back(kept_text(target.reason, 64));
    words.push_back(kept_text(target.words, 500));
    substations.push_back(clean_text(target.substation));
    collectors.push_back(clean_text(target.collector));
  }
  const UtcInstant times[] = {asked.created_at, asked.expires_at};
  const std::string kind[] = {std::string(name_of(asked.kind))};
  Params params;
  params.i8(id);
  params.i4(asked.utility);
  params.texts(kind);
  params.array(std::span<const UtcInstant>(times));
  params.i8(after);
  for (const auto* column : {&meters, &feeds, &names, &groups, &reasons, &words}) params.texts(*column);
  params.array(std::span<const std::int64_t>(ids));
  params.texts(substations);
  params.texts(collectors);
  Rows::repeated(
      session.raw(),
      "INSERT INTO operation_target (operation_id, number, utility_id, meter_id, meter, kind, feed, "
      "vendor_id,"
      " pacing_group, state, created_at, expires_at, after_operation_id, ended_at, reason, words,"
      " substation, collector)"
      " SELECT $1, k.n - 1, $2, k.meter_id, k.meter, $3[1], k.feed, k.vendor_id, k.pacing_group,"
      "  CASE WHEN k.reason = '' THEN 'QUEUED' ELSE 'FAILED' END, $4[1], $4[2], nullif($5, 0),"
      "  CASE WHEN k.reason <> '' THEN $4[1] END, k.reason, k.words, k.substation, k.collector"
      " FROM unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[],"
      "  $13::text[], $14::text[])"
      "  WITH ORDINALITY AS k (meter, feed, vendor_id, pacing_group, reason, words, meter_id, substation,"
      "  collector, n)",
      params);
}

[[noreturn]] void refuse_reset(const char* rule, const std::string& why,
                               std::map<std::string, std::string> facts) {
  Refusal refusal;
  refusal.kind = Refusal::Kind::Excluded;
  refusal.message = why;
  refusal.field = "meter";
  refusal.rule = std::make_shared<const Rule>(Rule{rule, std::move(facts)});
  throw Refused{std::move(refusal)};
}

// One statement, so that a reset that ends meanwhile is seen as live or as ended, never as neither.
void check_resets(Session& session, const NewOperation& asked, const ResetRules& rules) {
  std::vector<std::int64_t> meters;
  for (const NewTarget& target : asked.targets) {
    if (target.reason.empty()) meters.push_back(target.meter_id);
  }
  const UtcInstant since[] = {asked.created_at - rules.lock_out};
  Params params;
  params.array(std::span<const std::int64_t>(meters));
  params.array(std::span<const UtcInstant>(since));
  const Rows rows =
      Rows::repeated(session.raw(),
                     "SELECT operation_id, meter, state, coalesce(sent_at, created_at) FROM operation_target"
                     " WHERE kind = 'DEMAND_RESET' AND meter_id = ANY ($1)"
                     " AND (state IN ('QUEUED', 'SENT')"
                     "  OR (state IN ('SUCCEEDED', 'UNKNOWN') AND coalesce(sent_at, created_at) > $2[1]))"
                     " ORDER BY state IN ('QUEUED', 'SENT') DESC, operation_id DESC LIMIT 1",
                     params);
  if (rows.size() == 0) return;
  const std::string id = std::to_string(rows.i8(0, 0)), meter(rows.text(0, 1));
  const TargetState state = target_state(rows.text(0, 2));
  const std::map<std::string, std::string> facts{
      {"operation", id}, {"state", std::string(name_of(state))}, {"at", to_text(rows.at(0, 3))}};
  if (!ended(state)) {
    refuse_reset("DEMAND_RESET_LIVE", "meter " + meter + " has a demand reset under way: operation " + id,
                 facts);
  }
  refuse_reset("DEMAND_RESET_LOCK_OUT",
               "meter " + meter + " was reset, or may have been, by operation " + id + " at " +
                   facts.at("at") + "; another would destroy a maximum before " +
                   to_text(rows.at(0, 3) + rules.lock_out),
               facts);
}

Operation create_one(Session& session, const NewOperation& asked, const std::string& content,
                     OperationId after, bool& repeated) {
  const OperationId id = insert_operation(session, asked, content);
  repeated = id == 0;
  if (repeated) {
    const auto found = look_for(session, asked, content);
    if (!found) throw pqxx::serialization_failure("a request of that name vanished while it was looked at");
    must_be_the_same(asked, *found);
    return load_operation(session, asked.utility, found->id);
  }
  insert_targets(session, id, asked, after);
  return load_operation(session, asked.utility, id);
}

}  // namespace

Answer<std::optional<Operation>> Operations::find_request(const NewOperation& asked) {
  return database_.impl().answer([&](Session& session) -> std::optional<Operation> {
    const auto found = look_for(session, asked, content_of(asked));
    if (!found) return std::nullopt;
    must_be_the_same(asked, *found);
    return load_operation(session, asked.utility, found->id);
  });
}

Answer<Operations::Created> Operations::create(const NewOperation& asked, const ResetRules& rules) {
  auto answer = database_.impl().answer([&](Session& session) {
    if (asked.targets.empty() || asked.targets.size() > kMostTargets) {
      refuse(Refusal::Kind::Invalid,
             "must be 1 to 10,000 meters, not " + std::to_string(asked.targets.size()), "meters");
    }
    if ((asked.kind == OperationKind::Backfill) != asked.period.has_value())
      refuse(Refusal::Kind::Invalid, "is what a backfill is of, and nothing else", "period");
    pqxx::work tx(session);
    Created out;
    const std::string content = content_of(asked);
    const bool reset = asked.kind == OperationKind::DemandReset;
    const bool sends =
        std::ranges::any_of(asked.targets, [](const NewTarget& t) { return t.reason.empty(); });
    OperationId before = 0;
    if (reset && !look_for(session, asked, content)) {
      check_resets(session, asked, rules);
      if (asked.read_before && sends) {
        NewOperation read = asked;
        read.kind = OperationKind::Read;
        read.on_behalf_of = asked.caller;
        read.caller = kOwnCaller;
        // Of a request that comes twice at once only one is kept, by the name of the reset.
        read.request_id =
            "before " + std::to_string(asked.caller.size()) + ":" + asked.caller + " " + asked.request_id;
        bool known = false;
        out.read_before = create_one(session, read, content_of(read), 0, known);
        before = out.read_before->id;
      }
    }
    out.operation = create_one(session, asked, content, before, out.repeated);
    if (out.repeated) out.read_before.reset();
    if (reset && !out.repeated) {
      audit(tx, asked.caller, asked.utility, "request_demand_reset",
            "operations/" + std::to_string(out.operation.id),
            "meter " + clean_text(asked.targets.front().meter) + ", order " + clean_text(asked.order_id));
    }
    tx.commit();
    return out;
  });
  // Two at once: the index let one through.
  if (!answer.ok() && answer.refusal().message.find("operation_target_one_reset") != std::string::npos) {
    Refusal refusal;
    refusal.kind = Refusal::Kind::Excluded;
    refusal.message = "the meter has a demand reset under way";
    refusal.field = "meter";
    refusal.rule = std::make_shared<const Rule>(Rule{"DEMAND_RESET_LIVE", {}});
    return refusal;
  }
  return answer;
}

Answer<Operation> Operations::get(UtilityId utility, OperationId id) {
  return database_.impl().answer([&](Session& session) { return load_operation(session, utility, id); });
}

Answer<PageOf<Operation>> Operations::list(const OperationQuery& query) {
  return database_.impl().answer([&](Session& session) {
    const std::size_t size = clamp_page(query.page.size);
    const auto token = parse_token(query.page.token, 1);
    const std::string texts[] = {query.kind ? std::string(name_of(*query.kind)) : "", query.caller,
                                 query.request_id};
    Params params;
    params.i4(query.utility);
    params.texts(texts);
    params.i8(query.meter.value_or(0));
    params.i8(token.empty() ? INT64_MAX : token[0]);
    std::string condition =
        "o.utility_id = $1 AND $2[1] IN ('', o.kind) AND o.operation_id < $4 AND ($3 = 0 OR o.operation_id IN"
        " (SELECT t.operation_id FROM operation_target t WHERE t.meter_id = $3))";
    if (!query.caller.empty()) condition += " AND o.caller = $2[2]";
    if (!query.request_id.empty()) condition += " AND o.request_id = $2[3]";
    if (query.unfinished_only) {
      condition +=
          " AND EXISTS (SELECT FROM operation_target t WHERE t.operation_id = o.operation_id AND t.state IN"
          " ('QUEUED', 'SENT'))";
    }
    PageOf<Operation> page;
    page.items = load_operations(session, condition, params, size + 1);
    if (page.items.size() > size) {
      page.items.pop_back();
      page.next_token = make_token({page.items.back().id});
    }
    return page;
  });
}

Answer<PageOf<OperationTarget>> Operations::targets(UtilityId utility, OperationId id,
                                                    const PageRequest& request) {
  return database_.impl().answer([&](Session& session) {
    const std::size_t size = clamp_page(request.size);
    const auto token = parse_token(request.token, 1);
    Params params;
    params.i8(id);
    params.i8(token.empty() ? -1 : token[0]);
    params.i8(static_cast<std::int64_t>(size) + 1);
    static const std::string sql =
        "SELECT " + target_columns() +
        ", (SELECT count(*) FROM operation_answer a WHERE a.operation_id = t.operation_id AND a.operation_id "
        "> 0 AND"
        " a.number = t.number)"
        " FROM operation_target t WHERE t.operation_id = $1 AND t.number > $2 AND t.utility_id = $4"
        " ORDER BY t.number LIMIT $3";
    params.i4(utility);
    const Rows rows = Rows::repeated(session.raw(), sql.c_str(), params);
    if (rows.size() == 0) (void)load_operation(session, utility, id);  // refuses what is not there
    PageOf<OperationTarget> page;
    for (int i = 0; i < rows.size(); ++i) {
      if (static_cast<std::size_t>(i) == size) {
        page.next_token = make_token({page.items.back().key.number});
        break;
      }
      page.items.push_back(target_of(rows, i));
      page.items.back().answers = rows.i8(i, kTargetColumns);
    }
    return page;
  });
}

Answer<std::vector<KeptAnswer>> Operations::answers(UtilityId utility, OperationId id) {
  return database_.impl().answer([&](Session& session) {
    (void)load_operation(session, utility, id);
    Params params;
    params.i8(id);
    params.i8(kMostAnswers);
    const Rows rows = Rows::repeated(
        session.raw(),
        "SELECT feed, transaction, meter, number, found, state, reason, words, power, switch_position, at,"
        " received_at, last_received_at, times FROM operation_answer WHERE operation_id = $1 AND "
        "operation_id > 0"
        " ORDER BY number, answer_id LIMIT $2",
        params);
    std::vector<KeptAnswer> out;
    for (int i = 0; i < rows.size(); ++i) {
      KeptAnswer a;
      a.feed = rows.text(i, 0);
      a.transaction = rows.text(i, 1);
      a.meter = rows.text(i, 2);
      a.key = {id, rows.i4(i, 3)};
      if (!rows.text(i, 4).empty()) a.found = target_state(rows.text(i, 4));
      a.answer = {target_state(rows.text(i, 5)), std::string(rows.text(i, 6)), std::string(rows.text(i, 7)),
                  std::string(rows.text(i, 8)),  std::string(rows.text(i, 9)), rows.maybe_at(i, 10)};
      a.received_at = rows.at(i, 11);
      a.last_received_at = rows.at(i, 12);
      a.times = rows.i8(i, 13);
      out.push_back(std::move(a));
    }
    return out;
  });
}

Answer<Operations::Cancelled> Operations::cancel(UtilityId utility, OperationId id, const std::string& actor,
                                                 UtcInstant now) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    (void)load_operation(session, utility, id);
    Params which;
    which.i8(id);
    const Rows queued =
        Rows::repeated(session.raw(),
                       "SELECT number FROM operation_target WHERE operation_id = $1 AND state = 'QUEUED'"
                       " ORDER BY number FOR UPDATE",
                       which);
    Cancelled out;
    std::vector<TargetEnd> ends;
    for (int i = 0; i < queued.size(); ++i) {
      const TargetKey key{id, queued.i4(i, 0)};
      TargetAnswer answer;
      answer.state = TargetState::Cancelled;
      answer.reason = "cancelled";
      ends.push_back({key, answer, false});
      out.targets.push_back({key, TargetState::Cancelled, answer.reason, now});
    }
    write_ends(session, ends, now);
    tx.exec_params0(
        "UPDATE operation SET cancelled_at = $2, cancelled_by = $3 WHERE operation_id = $1 AND cancelled_at "
        "IS NULL",
        id, to_text(now), clean_text(actor));
    out.operation = load_operation(session, utility, id);
    if (!ends.empty()) {
      audit(tx, actor, utility, "cancel_operation", "operations/" + std::to_string(id),
            std::to_string(ends.size()) + " meters were not asked any more");
    }
    tx.commit();
    return out;
  });
}

}  // namespace ami::storage
