#include "storage/postgres/retention.h"

#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/reader_rows.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

constexpr const char* kHolds =
    "SELECT h.hold_id, h.utility_id, coalesce(m.key, ''), coalesce(p.key, ''), lower(h.period), "
    "upper(h.period),"
    " h.holder, h.reason, h.set_by, h.set_at, coalesce(h.lifted_by, ''), coalesce(h.lift_reason, ''), "
    "h.lifted_at"
    " FROM legal_hold h LEFT JOIN meter m USING (meter_id) LEFT JOIN usage_point p USING (usage_point_id) ";

std::string holds_where(const char* condition) {
  std::string sql = kHolds;
  sql += condition;
  return sql;
}

LegalHold hold_of(const Rows& rows, int i) {
  LegalHold out;
  out.id = rows.i8(i, 0);
  out.utility = rows.i4(i, 1);
  out.meter = rows.text(i, 2);
  out.usage_point = rows.text(i, 3);
  out.period = {rows.maybe_at(i, 4).value_or(UtcInstant::min()),
                rows.maybe_at(i, 5).value_or(UtcInstant::max())};
  out.holder = rows.text(i, 6);
  out.reason = rows.text(i, 7);
  out.set_by = rows.text(i, 8);
  out.set_at = rows.at(i, 9);
  out.lifted_by = rows.text(i, 10);
  out.lift_reason = rows.text(i, 11);
  out.lifted_at = rows.maybe_at(i, 12);
  return out;
}

LegalHold load(Session& session, UtilityId utility, std::int64_t id) {
  Params params;
  params.i4(utility);
  params.i8(id);
  const std::string sql = holds_where("WHERE h.utility_id = $1 AND h.hold_id = $2");
  const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
  if (rows.size() == 0) refuse(Refusal::Kind::NotFound, "no legal hold " + std::to_string(id), "name");
  return hold_of(rows, 0);
}

std::string text_of(const LegalHold& hold) {
  return (hold.meter.empty()
              ? hold.usage_point.empty() ? std::string("everything") : "usagePoints/" + hold.usage_point
              : "meters/" + hold.meter) +
         " " + describe(hold.period) + " for " + hold.holder;
}

// A drop takes this lock for as long as it lasts.
void wait_a_moment_for_drops(pqxx::work& tx) {
  tx.exec("SET LOCAL lock_timeout = '5s'");
}

}  // namespace

int RetentionRules::months(std::string_view utility, std::string_view of_class) const {
  if (const auto own = of_utility.find(utility); own != of_utility.end()) {
    if (const auto rule = own->second.find(of_class); rule != own->second.end()) return rule->second;
  }
  const auto rule = general.find(of_class);
  return rule == general.end() ? 0 : rule->second;
}

Answer<LegalHold> Retention::set_hold(const LegalHold& hold) {
  return database_.impl().answer([&](Session& session) {
    check_period(hold.period, "period");
    if (hold.holder.empty()) refuse(Refusal::Kind::Invalid, "a hold needs to say who demands it", "holder");
    if (hold.reason.empty()) refuse(Refusal::Kind::Invalid, "a hold needs a reason", "reason");
    pqxx::work tx(session);
    wait_a_moment_for_drops(tx);
    std::string meter, point;
    if (!hold.meter.empty()) meter = std::to_string(meter_id(tx, hold.utility, hold.meter));
    if (!hold.usage_point.empty()) point = std::to_string(usage_point_id(tx, hold.utility, hold.usage_point));
    const PeriodText period(hold.period);
    const auto id =
        tx.exec_params1(
              "INSERT INTO legal_hold (utility_id, meter_id, usage_point_id, period, holder, reason, set_by)"
              " VALUES ($1, $2, $3, tstzrange($4, $5), $6, $7, $8) RETURNING hold_id",
              hold.utility, meter.empty() ? nullptr : meter.c_str(), point.empty() ? nullptr : point.c_str(),
              period.from(), period.to(), hold.holder, hold.reason, hold.set_by)[0]
            .as<std::int64_t>();
    audit(tx, hold.set_by, hold.utility, "set_hold", "legalHolds/" + std::to_string(id), text_of(hold));
    const LegalHold made = load(session, hold.utility, id);
    tx.commit();
    return made;
  });
}

Answer<LegalHold> Retention::lift_hold(UtilityId utility, std::int64_t id, const std::string& by,
                                       const std::string& reason) {
  return database_.impl().answer([&](Session& session) {
    if (reason.empty()) refuse(Refusal::Kind::Invalid, "lifting a hold needs a reason", "reason");
    pqxx::work tx(session);
    wait_a_moment_for_drops(tx);
    const LegalHold found = load(session, utility, id);
    const auto done = tx.exec_params(
        "UPDATE legal_hold SET lifted_by = $3, lifted_at = now(), lift_reason = $4"
        " WHERE utility_id = $1 AND hold_id = $2 AND lifted_at IS NULL",
        utility, id, by, reason);
    if (done.affected_rows() == 0) {
      refuse(Refusal::Kind::Invalid,
             "was lifted already by " + found.lifted_by +
                 (found.lifted_at ? " at " + to_text(*found.lifted_at) : std::string()),
             "name");
    }
    audit(tx, by, utility, "lift_hold", "legalHolds/" + std::to_string(id), reason);
    const LegalHold lifted = load(session, utility, id);
    tx.commit();
    return lifted;
  });
}

Answer<PageOf<LegalHold>> Retention::holds(UtilityId utility, bool lifted_too, const PageRequest& page) {
  return reading_.impl().answer([&](Session& session) {
    const auto token = parse_token(page.token, 1);
    const std::size_t size = clamp_page(page.size);
    Params params;
    params.i4(utility);
    params.i4(lifted_too ? 1 : 0);
    params.i8(token.empty() ? 0 : token[0]);
    params.i8(static_cast<std::int64_t>(size) + 1);
    pqxx::read_transaction tx(session);
    const std::string sql = holds_where(
        "WHERE h.utility_id = $1 AND ($2 = 1 OR h.lifted_at IS NULL) AND h.hold_id > $3 ORDER BY h.hold_id "
        "LIMIT $4");
    const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
    PageOf<LegalHold> out;
    for (int i = 0; i < rows.size(); ++i) {
      if (static_cast<std::size_t>(i) == size) {
        out.next_token = make_token({out.items.back().id});
        break;
      }
      out.items.push_back(hold_of(rows, i));
    }
    return out;
  });
}

Answer<PageOf<RetentionCertificate>> Retention::certificates(UtilityId utility, const std::string& of_class,
                                                             const PageRequest& page) {
  return reading_.impl().answer([&](Session& session) {
    const auto token = parse_token(page.token, 1);
    const std::size_t size = clamp_page(page.size);
    Params params;
    params.i4(utility);
    params.texts(std::span<const std::string>(&of_class, 1));
    params.i8(token.empty() ? 0 : token[0]);
    params.i8(static_cast<std::int64_t>(size) + 1);
    pqxx::read_transaction tx(session);
    const Rows rows = Rows::query(session.raw(),
                                  "SELECT certificate_id, at, class, relation, to_char(month, 'YYYY-MM'), "
                                  "first_at, last_at, rows, sha256,"
                                  " whole_month::int, rule FROM retention_certificate WHERE utility_id = $1 "
                                  "AND ($2[1] = '' OR class = $2[1])"
                                  " AND certificate_id > $3 ORDER BY certificate_id LIMIT $4",
                                  params);
    PageOf<RetentionCertificate> out;
    for (int i = 0; i < rows.size(); ++i) {
      if (static_cast<std::size_t>(i) == size) {
        out.next_token = make_token({out.items.back().id});
        break;
      }
      RetentionCertificate row;
      row.id = rows.i8(i, 0);
      row.at = rows.at(i, 1);
      row.of_class = rows.text(i, 2);
      row.relation = rows.text(i, 3);
      row.month = rows.text(i, 4);
      row.first_at = rows.at(i, 5);
      row.last_at = rows.at(i, 6);
      row.rows = static_cast<std::uint64_t>(rows.i8(i, 7));
      row.sha256 = rows.text(i, 8);
      row.whole_month = rows.i4(i, 9) != 0;
      row.rule = rows.text(i, 10);
      out.items.push_back(std::move(row));
    }
    return out;
  });
}

}  // namespace ami::storage
