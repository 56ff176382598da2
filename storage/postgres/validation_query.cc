// Questions about validation, and the order to validate again.
#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/civil_days.h"
#include "storage/postgres/reader_rows.h"
#include "storage/postgres/validation.h"

namespace ami::storage {
namespace {

using std::chrono::days;

constexpr std::int64_t kMostAtOnce = 1'000'000;
constexpr Day kFirst{std::chrono::year{1970} / 1 / 1}, kLast{std::chrono::year{2199} / 12 / 31};

FindingRow finding_of(const Rows& rows, int i) {
  FindingRow out;
  out.id = rows.i8(i, 0);
  out.meter = rows.i8(i, 1);
  out.meter_key = rows.text(i, 2);
  out.date = std::chrono::year_month_day{rows.day(i, 3)};
  const auto code = QualityCode::parse(rows.text(i, 9));
  if (!code.ok()) throw std::runtime_error("stored finding: " + code.error().message);
  out.finding = {
      rows.i8(i, 4), std::chrono::seconds{rows.i4(i, 5)}, {rows.at(i, 6), rows.at(i, 7)}, rows.i2(i, 8),
      *code,         std::string(rows.text(i, 10)),       std::string(rows.text(i, 11))};
  out.channel_key = rows.text(i, 12);
  out.profile = rows.text(i, 13);
  out.found_at = rows.at(i, 14);
  out.gone_at = rows.maybe_at(i, 15);
  return out;
}

}  // namespace

Answer<PageOf<FindingRow>> Validation::findings(const FindingQuery& query) {
  return database_.impl().answer([&](Session& session) {
    const auto token = parse_token(query.page.token, 1);
    const std::size_t size = clamp_page(query.page.size);
    if ((query.first && !query.first->ok()) || (query.last && !query.last->ok()))
      refuse(Refusal::Kind::Invalid, "no such day", query.first && !query.first->ok() ? "first" : "last");
    const Day dates[] = {query.first ? Day{*query.first} : kFirst, query.last ? Day{*query.last} : kLast};
    Params params;
    params.i4(query.utility);
    params.i8(query.meter.value_or(0));
    params.i4(query.check.value_or(0));
    params.array(std::span<const Day>(dates));
    params.i4(query.gone_too ? 1 : 0);
    params.i8(token.empty() ? 0 : token[0]);
    params.i8(static_cast<std::int64_t>(size) + 1);
    pqxx::read_transaction tx(session);
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT f.finding_id, f.meter_id, m.key, f.date, f.channel_id, f.length_s, f.from_at, f.to_at, "
        "f.check_number,"
        " f.quality, f.advice, f.words, coalesce(c.key, ''), f.profile, f.found_at, f.gone_at FROM "
        "any_finding f"
        " JOIN meter m USING (meter_id) LEFT JOIN channel c ON c.channel_id = f.channel_id WHERE "
        "f.utility_id = $1"
        " AND ($2 = 0 OR f.meter_id = $2) AND ($3 = 0 OR f.check_number = $3)"
        " AND f.date BETWEEN ($4::date[])[1] AND ($4::date[])[2] AND ($5 = 1 OR f.gone_at IS NULL)"
        " AND f.finding_id > $6 ORDER BY f.finding_id LIMIT $7",
        params);
    PageOf<FindingRow> out;
    for (int i = 0; i < rows.size(); ++i) {
      if (static_cast<std::size_t>(i) == size) {
        out.next_token = make_token({out.items.back().id});
        break;
      }
      out.items.push_back(finding_of(rows, i));
    }
    return out;
  });
}

namespace {

std::vector<CheckShare> shares_of(const Rows& rows) {
  std::vector<CheckShare> out;
  for (int i = 0; i < rows.size(); ++i) {
    out.push_back({rows.i4(i, 0), std::chrono::year_month_day{rows.day(i, 1)}, rows.i2(i, 2), rows.i8(i, 3),
                   rows.i8(i, 4), std::string(rows.text(i, 5))});
  }
  return out;
}

}  // namespace

Answer<std::vector<CheckShare>> Validation::shares(UtcInstant changed_since) {
  return database_.impl().answer([&](Session& session) {
    const UtcInstant since[] = {std::clamp(changed_since, UtcInstant{kFirst}, UtcInstant{kLast})};
    Params params;
    params.array(std::span<const UtcInstant>(since));
    pqxx::read_transaction tx(session);
    // A finding keeps the profile that it was first found by; what counts is by which its day was judged
    // last.
    return shares_of(Rows::query(
        session.raw(),
        "SELECT c.utility_id, c.date, f.check_number, count(DISTINCT f.meter_id), c.meters, p.profile"
        " FROM judged_count c JOIN judged_profile p USING (profile_id) JOIN any_finding f ON"
        " f.utility_id = c.utility_id AND f.date = c.date AND f.gone_at IS NULL JOIN judged_day j ON"
        " j.meter_id = f.meter_id AND j.month = date_trunc('month', c.date::timestamp)::date"
        " AND j.profile_id = c.profile_id AND (j.days >> (extract(day FROM c.date)::int - 1)) & 1 = 1"
        " WHERE c.judged_at >= ($1::timestamptz[])[1] GROUP BY c.utility_id, c.date, f.check_number, "
        "c.meters,"
        " p.profile, p.profile_id ORDER BY 1, 2, 3, p.profile_id",
        params));
  });
}

Answer<std::vector<CheckShare>> Validation::keep_suspects(const std::vector<CheckShare>& shares) {
  if (shares.empty()) return std::vector<CheckShare>{};
  return database_.impl().answer([&](Session& session) {
    std::vector<std::int32_t> utilities, checks;
    std::vector<Day> dates;
    std::vector<std::int64_t> hit, meters;
    std::vector<std::string> profiles;
    for (const CheckShare& share : shares) {
      utilities.push_back(share.utility);
      dates.emplace_back(share.date);
      checks.push_back(share.check);
      hit.push_back(share.hit);
      meters.push_back(share.judged);
      profiles.push_back(share.profile);
    }
    Params params;
    params.array(utilities);
    params.array(std::span<const Day>(dates));
    params.array(checks);
    params.array(hit);
    params.array(meters);
    params.texts(profiles);
    pqxx::work tx(session);
    auto fresh = shares_of(Rows::query(
        session.raw(),
        "WITH kept AS (INSERT INTO judged_suspect (utility_id, date, check_number, profile_id, hit, meters)"
        " SELECT k.utility_id, k.date, k.check_number::smallint, p.profile_id, k.hit, k.meters FROM"
        " unnest($1::int[], $2::date[], $3::int[], $4::bigint[], $5::bigint[], $6::text[])"
        " AS k (utility_id, date, check_number, hit, meters, profile) JOIN judged_profile p USING (profile)"
        " ON CONFLICT DO NOTHING RETURNING *)"
        " SELECT k.utility_id, k.date, k.check_number, k.hit, k.meters, p.profile FROM kept k"
        " JOIN judged_profile p USING (profile_id) ORDER BY 1, 2, 3, p.profile_id",
        params));
    tx.commit();
    return fresh;
  });
}

Answer<std::vector<CheckShare>> Validation::suspects(UtilityId utility,
                                                     const std::vector<std::chrono::year_month_day>& dates) {
  return database_.impl().answer([&](Session& session) {
    const std::vector<Day> wanted(dates.begin(), dates.end());
    Params params;
    params.i4(utility);
    params.array(std::span<const Day>(wanted));
    pqxx::read_transaction tx(session);
    return shares_of(
        Rows::query(session.raw(),
                    "SELECT s.utility_id, s.date, s.check_number, s.hit, s.meters, p.profile FROM"
                    " judged_suspect s JOIN judged_profile p USING (profile_id) WHERE"
                    " s.utility_id = $1 AND s.date = ANY ($2::date[]) ORDER BY 2, 3, p.profile_id",
                    params));
  });
}

Answer<DaySaid> Validation::said(const MeterDate& of, const Period& day, UtcInstant as_of) {
  return database_.impl().answer([&](Session& session) {
    const Day dates[] = {Day{of.date}, Day{of.date} - days{63}, Day{of.date} + days{63}};
    const UtcInstant moments[] = {as_of, day.from, day.to};
    Params params;
    params.i4(of.utility);
    params.i8(of.meter);
    params.array(std::span<const Day>(dates));
    params.array(std::span<const UtcInstant>(moments));
    pqxx::transaction<pqxx::repeatable_read, pqxx::read_only> tx(session);
    DaySaid out;
    const Rows found = Rows::query(
        session.raw(),
        "SELECT f.finding_id, f.meter_id, m.key, f.date, f.channel_id, f.length_s, f.from_at, f.to_at,"
        " f.check_number, f.quality, f.advice, f.words, coalesce(c.key, ''), f.profile, f.found_at, f.gone_at"
        " FROM any_finding f JOIN meter m USING (meter_id) LEFT JOIN channel c ON c.channel_id = f.channel_id"
        " WHERE f.utility_id = $1 AND f.meter_id = $2 AND f.date BETWEEN ($3::date[])[2] AND ($3::date[])[3]"
        " AND (f.date = ($3::date[])[1] OR (f.channel_id <> 0 AND f.from_at <= ($4::timestamptz[])[3]"
        "  AND f.to_at >= ($4::timestamptz[])[2]))"
        " AND f.found_at <= ($4::timestamptz[])[1] AND (f.gone_at IS NULL OR f.gone_at > "
        "($4::timestamptz[])[1])"
        " ORDER BY f.finding_id",
        params);
    for (int i = 0; i < found.size(); ++i) out.findings.push_back(finding_of(found, i));
    const Rows made = Rows::query(
        session.raw(),
        "SELECT e.channel_id, e.first_start, e.interval_s, e.exponent, e.mantissas, e.method, e.algorithm,"
        " e.version, e.inputs, e.made_at FROM estimate e WHERE e.utility_id = $1 AND e.meter_id = $2"
        " AND e.date BETWEEN ($3::date[])[1] - 1 AND ($3::date[])[1] + 1"
        " AND e.made_at <= ($4::timestamptz[])[1]"
        " AND (e.superseded_at IS NULL OR e.superseded_at > ($4::timestamptz[])[1])"
        " AND e.first_start < ($4::timestamptz[])[3]"
        " AND e.first_start + cardinality(e.mantissas) * e.interval_s * interval '1 second' >"
        "  ($4::timestamptz[])[2] ORDER BY e.channel_id, e.first_start",
        params);
    for (int i = 0; i < made.size(); ++i) {
      DaySaid::Made& one = out.estimates.emplace_back();
      one.estimate.channel = made.i8(i, 0);
      one.estimate.first_start = made.at(i, 1);
      one.estimate.length = std::chrono::seconds{made.i4(i, 2)};
      one.estimate.exponent = made.i2(i, 3);
      made.array(i, 4, one.estimate.mantissas);
      one.estimate.method = made.text(i, 5);
      one.estimate.algorithm = made.text(i, 6);
      one.estimate.version = made.i4(i, 7);
      one.estimate.inputs = made.text(i, 8);
      one.at = made.at(i, 9);
    }
    return out;
  });
}

Answer<std::int64_t> Validation::waiting(std::optional<UtcInstant> now) {
  return database_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    const std::string by = now ? "'" + to_text(*now) + "'" : "now()";
    return tx.exec1("SELECT count(*) FROM validation_due WHERE due_at <= " + by)[0].as<std::int64_t>();
  });
}

Answer<std::int64_t> Validation::revalidate(UtilityId utility, const std::vector<MeterId>& meters,
                                            std::chrono::year_month_day first,
                                            std::chrono::year_month_day last) {
  return database_.impl().answer([&](Session& session) -> std::int64_t {
    if (!first.ok() || Day{first} < kFirst) refuse(Refusal::Kind::Invalid, "no such day", "first");
    if (!last.ok() || Day{last} > kLast) refuse(Refusal::Kind::Invalid, "no such day", "last");
    if (Day{last} < Day{first}) refuse(Refusal::Kind::Invalid, "must not be before the first day", "last");
    const std::int64_t count = (Day{last} - Day{first}).count() + 1;
    pqxx::work tx(session);
    // A step that runs now is waited for: both write the queue.
    tx.exec("SELECT pg_advisory_xact_lock(7165289, 11)");
    std::set<MeterId> wanted(meters.begin(), meters.end());
    if (meters.empty()) {
      for (const auto& row : tx.exec_params("SELECT meter_id FROM meter WHERE utility_id = $1 LIMIT $2",
                                            utility, kMostAtOnce + 1))
        wanted.insert(row[0].as<std::int64_t>());
    }
    if (static_cast<std::int64_t>(wanted.size()) * count > kMostAtOnce) {
      refuse(Refusal::Kind::Invalid,
             std::to_string(wanted.size()) + " meters on " + std::to_string(count) +
                 " days are more than 1,000,000: ask for fewer days or meters at a time",
             "last");
    }
    CivilDays civil(session);
    civil.learn(wanted);
    CopyRows rows;
    for (const MeterId meter : wanted) {
      if (civil.of(meter).utility != utility || utility == 0)
        refuse(Refusal::Kind::NotFound, "no meter " + std::to_string(meter) + " in this utility", "meters");
      for (Day date{first}; date <= Day{last}; date += days{1}) {
        rows.begin_row(4);
        rows.i8(meter);
        rows.day(date);
        rows.i4(utility);
        rows.at(civil.day(meter, date).end);
      }
    }
    tx.exec("CREATE TEMP TABLE stage_validation_due (LIKE validation_due INCLUDING DEFAULTS) ON COMMIT DROP");
    if (rows.rows() > 0)
      rows.send(session.raw(), "stage_validation_due (meter_id, date, utility_id, due_at)");
    tx.exec(
        "INSERT INTO validation_due (meter_id, date, utility_id, due_at, ordered)"
        " SELECT meter_id, date, utility_id, due_at, true FROM stage_validation_due"
        " ON CONFLICT (meter_id, date) DO UPDATE SET due_at = excluded.due_at, ordered = true");
    tx.commit();
    return static_cast<std::int64_t>(rows.rows());
  });
}

}  // namespace ami::storage
