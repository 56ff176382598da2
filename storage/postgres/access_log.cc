#include "storage/postgres/access_log.h"

#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/reader_rows.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

// The row's time is the server's, which may have passed midnight before ours has.
void ensure_months(Database::Impl& pool, Session& session) {
  const UtcInstant now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  for (const auto off : {-std::chrono::days{1}, std::chrono::days{1}}) {
    const std::string day = to_text(now + off).substr(0, 7) + "-01";
    const std::string name = "access_log " + day;
    if (pool.month_known(name)) continue;
    pqxx::work tx(session);
    tx.exec_params("SELECT ami_ensure_month('access_log', $1::date)", day);
    tx.commit();
    pool.remember_month(name);
  }
}

}  // namespace

Answer<AccessCallId> AccessLog::record(const AccessCall& call, std::optional<AccessCallId> id) {
  return append(call, id, false);
}

Answer<AccessCallId> AccessLog::close(AccessCallId id, const AccessCall& call) {
  return append(call, id, true);
}

Answer<AccessCallId> AccessLog::append(const AccessCall& call, std::optional<AccessCallId> id, bool closing) {
  auto answer = database_.impl().answer([&](Session& session) -> AccessCallId {
    ensure_months(database_.impl(), session);
    std::vector<std::string> points, meters;
    std::vector<std::int64_t> rows;
    for (const AccessSubject& subject : call.subjects) {
      points.push_back(clean_text(subject.usage_point));
      meters.push_back(clean_text(subject.meter));
      rows.push_back(subject.rows ? static_cast<std::int64_t>(*subject.rows) : -1);
    }
    const PeriodText period(call.period);
    const std::string texts[] = {clean_text(call.utility),
                                 clean_text(call.caller),
                                 clean_text(call.certificate),
                                 clean_text(call.on_behalf_of),
                                 clean_text(call.purpose),
                                 clean_text(call.rpc),
                                 period.from_text,
                                 period.to_text};
    Params params;
    params.texts(points);
    params.texts(meters);
    params.array(rows);
    params.texts(texts);
    params.i8(id.value_or(0));
    params.i4(closing ? 1 : 0);
    pqxx::work tx(session);
    const Rows written =
        Rows::repeated(session.raw(),
                    "WITH c AS MATERIALIZED (SELECT utility_id, CASE WHEN $5 = 0 THEN "
                    "nextval('access_id_seq') ELSE $5 END AS id"
                    "  FROM utility WHERE key = $4[1])"
                    " INSERT INTO access_log (call_id, utility_id, caller, certificate, on_behalf_of, "
                    "purpose, rpc, usage_point,"
                    "  meter, period, rows, closing) SELECT c.id, c.utility_id, $4[2], $4[3], $4[4], $4[5], "
                    "$4[6], k.point, k.meter,"
                    "  tstzrange(nullif($4[7], '')::timestamptz, nullif($4[8], '')::timestamptz), "
                    "nullif(k.rows, -1), $6 = 1"
                    "  FROM c, unnest($1, $2, $3) AS k (point, meter, rows) RETURNING call_id",
                    params);
    if (written.size() != static_cast<int>(call.subjects.size()))
      refuse(Refusal::Kind::NotFound, "no utility '" + call.utility + "'", "utility");
    const AccessCallId made = written.size() > 0 ? written.i8(0, 0) : id.value_or(0);
    tx.commit();
    return made;
  });
  // Somebody dropped the month, or this is another database than before.
  if (!answer.ok() && answer.refusal().message.find("no partition of relation") != std::string::npos) {
    database_.impl().forget_months();
    return Refusal{Refusal::Kind::Unavailable, answer.refusal().message, {}, {}};
  }
  return answer;
}

Answer<PageOf<AccessRow>> AccessLog::list(const AccessQuery& query) {
  return database_.impl().answer([&](Session& session) {
    const auto token = parse_token(query.page.token, 2);
    const std::size_t size = clamp_page(query.page.size);
    constexpr UtcInstant kFirst{std::chrono::sys_days{std::chrono::year{1970} / 1 / 1}};
    constexpr UtcInstant kEnd{std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};
    const std::string words[] = {query.usage_point, query.meter, query.caller};
    const UtcInstant times[] = {std::clamp(query.period.from, kFirst, kEnd),
                                std::clamp(query.period.to, kFirst, kEnd),
                                token.empty() ? kFirst : UtcInstant{std::chrono::microseconds{token[0]}}};
    Params params;
    params.i4(query.utility);
    params.texts(words);
    params.array(std::span<const UtcInstant>(times));
    params.i8(token.empty() ? 0 : token[1]);
    params.i8(static_cast<std::int64_t>(size) + 1);
    pqxx::read_transaction tx(session);
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT a.access_id, a.at, a.call_id, a.caller, a.certificate, a.on_behalf_of, a.purpose, a.rpc, "
        "a.usage_point,"
        " a.meter, coalesce(a.rows, (SELECT sum(e.rows)::bigint FROM access_log e WHERE e.call_id = "
        "a.call_id AND"
        "  e.closing AND e.usage_point = a.usage_point AND e.meter = a.meter)), lower(a.period), "
        "upper(a.period)"
        " FROM access_log a WHERE a.utility_id = $1 AND NOT a.closing AND a.at >= $3[1] AND a.at < $3[2]"
        " AND ($2[1] = '' OR a.usage_point = $2[1]) AND ($2[2] = '' OR a.meter = $2[2])"
        " AND ($2[3] = '' OR a.caller = $2[3]) AND a.at >= $3[3] AND (a.at, a.access_id) > ($3[3], $4)"
        " ORDER BY a.at, a.access_id LIMIT $5",
        params);
    PageOf<AccessRow> out;
    for (int i = 0; i < rows.size(); ++i) {
      if (static_cast<std::size_t>(i) == size) {
        out.next_token = make_token({out.items.back().at.time_since_epoch().count(), out.items.back().id});
        break;
      }
      AccessRow row;
      row.id = rows.i8(i, 0);
      row.at = rows.at(i, 1);
      row.call = rows.i8(i, 2);
      row.caller = rows.text(i, 3);
      row.certificate = rows.text(i, 4);
      row.on_behalf_of = rows.text(i, 5);
      row.purpose = rows.text(i, 6);
      row.rpc = rows.text(i, 7);
      row.subject.usage_point = rows.text(i, 8);
      row.subject.meter = rows.text(i, 9);
      if (!rows.null(i, 10)) row.subject.rows = static_cast<std::uint64_t>(rows.i8(i, 10));
      row.period = {rows.maybe_at(i, 11).value_or(UtcInstant::min()),
                    rows.maybe_at(i, 12).value_or(UtcInstant::max())};
      out.items.push_back(std::move(row));
    }
    return out;
  });
}

}  // namespace ami::storage
