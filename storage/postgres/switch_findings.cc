#include "storage/postgres/switch_findings.h"

#include <pqxx/pqxx>

#include "storage/postgres/binary_copy.h"
#include "storage/postgres/operation_rows.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

constexpr std::size_t kLongestWords = 2000;

constexpr const char* kColumns =
    "finding_id, utility_id, meter_id, meter, usage_point, kind, intended, coalesce(intended_by, 0), actual,"
    " actual_source, actual_at, words, first_seen, last_seen, ended_at";

SwitchFinding finding_of(const Rows& rows, int i) {
  SwitchFinding out;
  out.id = rows.i8(i, 0);
  out.utility = rows.i4(i, 1);
  out.meter_id = rows.i8(i, 2);
  out.meter = rows.text(i, 3);
  out.usage_point = rows.text(i, 4);
  out.kind = switch_finding_kind_from(rows.text(i, 5)).value();
  out.intended = rows.text(i, 6);
  out.intended_by = rows.i8(i, 7);
  out.actual = rows.text(i, 8);
  out.actual_source = rows.text(i, 9);
  out.actual_at = rows.maybe_at(i, 10);
  out.words = rows.text(i, 11);
  out.first_seen = rows.at(i, 12);
  out.last_seen = rows.at(i, 13);
  out.ended_at = rows.maybe_at(i, 14);
  return out;
}

void end(Session& session, std::int32_t utility, UtcInstant at, const SwitchFindings::Agreed& agreed) {
  const UtcInstant times[] = {at};
  const std::string kind[] = {std::string(name_of(agreed.second))};
  Params params;
  params.i8(agreed.first);
  params.texts(kind);
  params.array(std::span<const UtcInstant>(times));
  params.i4(utility);
  Rows::repeated(session.raw(),
                 "UPDATE switch_finding SET ended_at = greatest($3[1], last_seen) WHERE meter_id = $1"
                 " AND kind = $2[1] AND utility_id = $4 AND ended_at IS NULL",
                 params);
}

// True: it is new.
bool see(Session& session, std::int32_t utility, UtcInstant at, SwitchFinding& finding) {
  const std::string texts[] = {clean_text(finding.meter),
                               clean_text(finding.usage_point),
                               std::string(name_of(finding.kind)),
                               clean_text(finding.intended),
                               clean_text(finding.actual),
                               clean_text(finding.actual_source),
                               finding.actual_at ? to_text(*finding.actual_at) : std::string(),
                               kept_text(finding.words, kLongestWords)};
  const UtcInstant times[] = {at};
  Params params;
  params.i4(utility);
  params.i8(finding.meter_id);
  params.i8(finding.intended_by);
  params.texts(texts);
  params.array(std::span<const UtcInstant>(times));
  const Rows rows = Rows::repeated(
      session.raw(),
      "INSERT INTO switch_finding AS f (utility_id, meter_id, meter, usage_point, kind, intended, intended_by, actual,"
      " actual_source, actual_at, words, first_seen, last_seen) VALUES ($1, $2, $4[1], $4[2], $4[3], $4[4],"
      " nullif($3, 0), $4[5], $4[6], nullif($4[7], '')::timestamptz, $4[8], $5[1], $5[1])"
      " ON CONFLICT (meter_id, kind) WHERE ended_at IS NULL DO UPDATE SET usage_point = excluded.usage_point,"
      " intended = excluded.intended, intended_by = excluded.intended_by, actual = excluded.actual,"
      " actual_source = excluded.actual_source, actual_at = excluded.actual_at, words = excluded.words,"
      " last_seen = greatest(f.last_seen, excluded.last_seen)"
      " RETURNING finding_id, first_seen, last_seen, (xmax = 0)::int",
      params);
  finding.id = rows.i8(0, 0);
  finding.first_seen = rows.at(0, 1);
  finding.last_seen = rows.at(0, 2);
  return rows.i4(0, 3) != 0;
}

constexpr const char* kLast =
    "SELECT c.compared_at, c.compared, c.unknown, (SELECT count(*) FROM switch_finding f WHERE f.utility_id ="
    " c.utility_id AND f.ended_at IS NULL) FROM switch_comparison c WHERE c.utility_id = $1";

std::optional<SwitchComparison> last_of(Session& session, std::int32_t utility) {
  Params params;
  params.i4(utility);
  const Rows rows = Rows::query(session.raw(), kLast, params);
  if (rows.size() == 0) return std::nullopt;
  return SwitchComparison{utility, rows.at(0, 0), rows.i8(0, 1), rows.i8(0, 2), rows.i8(0, 3)};
}

}  // namespace

Answer<std::vector<SwitchFinding>> PostgresSwitchFindings::record(std::int32_t utility, UtcInstant at,
                                                                  const std::vector<SwitchFinding>& differ,
                                                                  const std::vector<Agreed>& agree) {
  return database_.impl().answer([&](Session& session) {
    std::vector<SwitchFinding> began;
    pqxx::work tx(session);
    for (const Agreed& agreed : agree) end(session, utility, at, agreed);
    for (SwitchFinding finding : differ) {
      finding.utility = utility;
      finding.ended_at.reset();
      if (see(session, utility, at, finding)) began.push_back(std::move(finding));
    }
    tx.commit();
    return began;
  });
}

Answer<SwitchComparison> PostgresSwitchFindings::finished(const SwitchComparison& comparison) {
  return database_.impl().answer([&](Session& session) {
    const UtcInstant times[] = {comparison.compared_at};
    Params params;
    params.i4(comparison.utility);
    params.array(std::span<const UtcInstant>(times));
    params.i8(comparison.compared);
    params.i8(comparison.unknown);
    pqxx::work tx(session);
    Rows::query(session.raw(),
                "INSERT INTO switch_comparison (utility_id, compared_at, compared, unknown)"
                " VALUES ($1, $2[1], $3, $4) ON CONFLICT (utility_id) DO UPDATE SET compared_at ="
                " excluded.compared_at, compared = excluded.compared, unknown = excluded.unknown",
                params);
    const auto out = last_of(session, comparison.utility);
    tx.commit();
    return out.value();
  });
}

Answer<std::optional<SwitchComparison>> PostgresSwitchFindings::last(std::int32_t utility) {
  return database_.impl().answer([&](Session& session) { return last_of(session, utility); });
}

Answer<std::vector<SwitchFinding>> PostgresSwitchFindings::list(const SwitchFindingQuery& query) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i4(query.utility);
    params.i8(query.before);
    params.i8(static_cast<std::int64_t>(query.limit));
    const std::string sql = std::string("SELECT ") + kColumns +
                            " FROM switch_finding WHERE utility_id = $1 AND ($2 = 0 OR finding_id < $2)" +
                            (query.open_only ? " AND ended_at IS NULL" : "") +
                            " ORDER BY finding_id DESC LIMIT $3";
    const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
    std::vector<SwitchFinding> out;
    for (int i = 0; i < rows.size(); ++i) out.push_back(finding_of(rows, i));
    return out;
  });
}

}  // namespace ami::storage
