// Requests that became no operation.
#include <pqxx/pqxx>

#include "storage/postgres/operation_rows.h"
#include "storage/postgres/switching.h"
#include "storage/postgres/switching_rows.h"

namespace ami::storage {
namespace {

constexpr std::size_t kLongestText = 200, kLongestWords = 2000;

}  // namespace

Answer<Done> PostgresSwitching::refused(const SwitchRefusal& refusal) {
  return database_.impl().answer([&](Session& session) {
    const auto cut = [](const std::string& text) { return kept_text(text, kLongestText); };
    const std::string texts[] = {cut(refusal.meter),        cut(refusal.usage_point),
                                 std::string(name_of(refusal.action)),
                                 cut(refusal.reason),       cut(refusal.order_id),
                                 cut(refusal.caller),       kept_text(refusal.certificate, kLongestWords),
                                 cut(refusal.request_id),   cut(refusal.on_behalf_of),
                                 cut(refusal.rule),         kept_text(refusal.words, kLongestWords),
                                 clean_text(refusal.gateway)};
    const UtcInstant times[] = {refusal.at};
    Params params;
    params.i4(refusal.utility);
    params.texts(texts);
    params.array(std::span<const UtcInstant>(times));
    pqxx::work tx(session);
    Rows::query(session.raw(),
                "INSERT INTO switch_refusal (utility_id, meter, usage_point, action, reason, order_id, caller,"
                " certificate, request_id, on_behalf_of, rule, words, gateway, at) VALUES ($1, $2[1], $2[2],"
                " $2[3], $2[4], $2[5], $2[6], $2[7], $2[8], $2[9], $2[10], $2[11], $2[12], $3[1])",
                params);
    tx.commit();
    return Done{};
  });
}

Answer<std::vector<SwitchRefusal>> PostgresSwitching::refusals(std::int32_t utility, std::size_t limit) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i4(utility);
    params.i8(static_cast<std::int64_t>(limit));
    const Rows rows = Rows::query(session.raw(),
                                  "SELECT refusal_id, meter, usage_point, action, reason, order_id, caller,"
                                  " certificate, request_id, on_behalf_of, rule, words, gateway, at"
                                  " FROM switch_refusal WHERE utility_id = $1 ORDER BY refusal_id DESC LIMIT $2",
                                  params);
    std::vector<SwitchRefusal> out;
    for (int i = 0; i < rows.size(); ++i) {
      SwitchRefusal line;
      line.id = rows.i8(i, 0);
      line.utility = utility;
      line.meter = rows.text(i, 1);
      line.usage_point = rows.text(i, 2);
      line.action = switch_action_from(rows.text(i, 3)).value();
      line.reason = rows.text(i, 4);
      line.order_id = rows.text(i, 5);
      line.caller = rows.text(i, 6);
      line.certificate = rows.text(i, 7);
      line.request_id = rows.text(i, 8);
      line.on_behalf_of = rows.text(i, 9);
      line.rule = rows.text(i, 10);
      line.words = rows.text(i, 11);
      line.gateway = rows.text(i, 12);
      line.at = rows.at(i, 13);
      out.push_back(std::move(line));
    }
    return out;
  });
}

}  // namespace ami::storage
