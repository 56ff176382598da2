#include "storage/postgres/switch_seals.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "meter_model/audit/canonical.h"
#include "meter_model/failpoint.h"
#include "storage/postgres/copy_out.h"
#include "storage/postgres/session.h"
#include "storage/postgres/switch_seal_rows.h"

namespace ami::storage {
namespace {

// One sealer at a time. It only spares the others the work: a position can be taken once.
constexpr const char* kTakeTurn =
    "SELECT pg_try_advisory_xact_lock(7165289, 22)::int4, set_config('enable_hashjoin', 'off', true)";

// Few rows by index, whatever the statistics say, and no helpers that take longer to start than the rows to read;
// `set_config` holds until the transaction ends.
constexpr const char* kByIndex =
    "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),"
    " set_config('enable_seqscan', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)";

SealHead head_of(const Rows& rows, int row, int column) {
  SealHead out;
  if (rows.null(row, column)) return out;
  out.position = rows.i8(row, column);
  out.chain = audit::digest_from_bytes(rows.text(row, column + 1)).value_or(audit::Digest{});
  return out;
}

constexpr const char* kHead =
    "SELECT h.position, h.chain_sha256, coalesce((SELECT max(audit_id) FROM switch_seal), 0),"
    " pg_snapshot_xmin(pg_current_snapshot())::text::int8 FROM (VALUES (1)) AS one (n)"
    " LEFT JOIN LATERAL (SELECT position, chain_sha256 FROM switch_seal ORDER BY position DESC LIMIT 1) h ON true";

// `$1` twice: with it the planner also begins to read the seals there.
constexpr const char* kUnsealed =
    " FROM switch_audit a WHERE a.audit_id > $1 AND NOT EXISTS"
    " (SELECT FROM switch_seal s WHERE s.audit_id = a.audit_id AND s.audit_id > $1)";

std::vector<SealedLine> lines_of(const Rows& rows) {
  std::vector<SealedLine> out;
  out.reserve(static_cast<std::size_t>(rows.size()));
  for (int i = 0; i < rows.size(); ++i) out.push_back(sealed_line(rows, i));
  return out;
}

}  // namespace

std::int64_t PostgresSeals::floor() {
  const std::lock_guard lock(mutex_);
  return floor_;
}

Answer<SealStep> PostgresSeals::seal(std::size_t limit) {
  return database_.impl().answer([&](Session& session) {
    SealStep step;
    pqxx::work tx(session);
    const Rows turn = Rows::query(session.raw(), kTakeTurn, Params());
    if (turn.i4(0, 0) == 0) {
      step.busy = true;
      return step;
    }
    // From here on nobody else adds seals, and each statement sees what those before us had added.
    const Rows before = Rows::query(session.raw(), kHead, Params());
    step.head = head_of(before, 0, 0);
    const std::int64_t sealed_before = before.i8(0, 2);
    const std::int64_t oldest_running = before.i8(0, 3);  // looked at before the lines are

    Params which;
    which.i8(floor());
    which.i8(static_cast<std::int64_t>(std::max<std::size_t>(limit, 1)));
    const std::string sql = "SELECT " + audit_columns() + kUnsealed + " ORDER BY a.audit_id LIMIT $2";
    const Rows lines = Rows::query(session.raw(), sql.c_str(), which);
    step.sealed = static_cast<std::size_t>(lines.size());
    step.more = step.sealed == std::max<std::size_t>(limit, 1);
    std::int64_t last = step.sealed == 0 ? 0 : lines.i8(lines.size() - 1, 0);
    if (!step.more) last = std::max(last, sealed_before);  // every line that is seen is sealed now

    std::optional<Bound> reached;
    bool unknown = false;
    {
      const std::lock_guard lock(mutex_);
      unknown = !pending_ && last > floor_;
    }
    if (step.sealed > 0 || unknown) {
      const Rows moment = Rows::query(
          session.raw(), "SELECT pg_current_xact_id()::text::int8, clock_timestamp()", Params());
      reached = Bound{last, moment.i8(0, 0)};
      const UtcInstant sealed_at[] = {moment.at(0, 1)};
      if (step.sealed > 0) {
        std::vector<std::int64_t> positions, ids;
        std::vector<std::string> rows, chains;
        for (int i = 0; i < lines.size(); ++i) {
          const audit::Digest row = hasher_.of(canonical_line(lines, i, 0));
          step.head.position += 1;
          step.head.chain = hasher_.chain(step.head.chain, step.head.position, sealed_at[0], row);
          positions.push_back(step.head.position);
          ids.push_back(lines.i8(i, 0));
          rows.emplace_back(audit::bytes_of(row));
          chains.emplace_back(audit::bytes_of(step.head.chain));
        }
        Params values;
        values.array(std::span<const std::int64_t>(positions));
        values.array(std::span<const std::int64_t>(ids));
        values.blobs(rows);
        values.blobs(chains);
        values.i4(audit::kFormat);
        values.array(std::span<const UtcInstant>(sealed_at));
        Rows::query(session.raw(),
                    "INSERT INTO switch_seal (position, audit_id, format, row_sha256, chain_sha256, sealed_at)"
                    " SELECT n.position, n.audit_id, $5::int2, n.row_sha256, n.chain_sha256, ($6)[1]"
                    " FROM unnest($1, $2, $3, $4) AS n (position, audit_id, row_sha256, chain_sha256)",
                    values);
      }
    }
    failpoint("switch_seal.before_commit");
    tx.commit();
    failpoint("switch_seal.after_commit");

    const std::lock_guard lock(mutex_);
    if (pending_ && oldest_running >= pending_->txid) {
      floor_ = std::max(floor_, std::min(pending_->line, last));
      pending_.reset();
    }
    if (!pending_ && reached && last > floor_) pending_ = reached;
    return step;
  });
}

Answer<SealHead> PostgresSeals::head() {
  return database_.impl().answer([&](Session& session) {
    const Rows rows = Rows::query(session.raw(), kHead, Params());
    return head_of(rows, 0, 0);
  });
}

Answer<std::optional<audit::Digest>> PostgresSeals::chain_at(std::int64_t position) {
  return database_.impl().answer([&](Session& session) -> std::optional<audit::Digest> {
    Params params;
    params.i8(position);
    const Rows rows =
        Rows::query(session.raw(), "SELECT chain_sha256 FROM switch_seal WHERE position = $1", params);
    if (rows.size() == 0) return std::nullopt;
    return audit::digest_from_bytes(rows.text(0, 0)).value_or(audit::Digest{});
  });
}

Answer<SealTail> PostgresSeals::tail(bool whole) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i8(whole ? 0 : floor());
    const std::string sql =
        std::string("SELECT count(*), min(a.recorded_at), clock_timestamp()") + kUnsealed;
    const Rows rows = Rows::query(session.raw(), sql.c_str(), params);
    return SealTail{rows.i8(0, 0), rows.maybe_at(0, 1), rows.at(0, 2)};
  });
}

Answer<SealPlace> PostgresSeals::place() {
  return database_.impl().answer([&](Session& session) {
    const Rows rows = Rows::query(session.raw(),
                                  "SELECT system_identifier, current_database()::text, clock_timestamp()"
                                  " FROM pg_control_system()",
                                  Params());
    return SealPlace{static_cast<std::uint64_t>(rows.i8(0, 0)), std::string(rows.text(0, 1)), rows.at(0, 2)};
  });
}

Answer<std::vector<SealedLine>> PostgresSeals::sealed(std::int64_t after, std::size_t limit) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    Rows::query(session.raw(), kByIndex, Params());
    std::vector<SealedLine> out;
    out.reserve(std::min<std::size_t>(limit, 10'000));
    // Lines are read while the server looks up the next ones.
    CopyOut rows(session.raw(), "SELECT " + sealed_columns() +
                                    " FROM switch_seal s LEFT JOIN switch_audit a ON a.audit_id = s.audit_id"
                                    " WHERE s.position > " +
                                    std::to_string(after) + " ORDER BY s.position LIMIT " + std::to_string(limit));
    while (rows.next()) out.push_back(sealed_line(rows));
    return out;
  });
}

Answer<std::vector<SealedLine>> PostgresSeals::unsealed(std::int64_t after, std::size_t limit) {
  return database_.impl().answer([&](Session& session) {
    Params params;
    params.i8(after);
    params.i8(static_cast<std::int64_t>(limit));
    const std::string sql = "SELECT 0::int8, a.audit_id, 0, NULL::bytea, NULL::bytea, NULL::timestamptz, " +
                            audit_columns() + kUnsealed + " ORDER BY a.audit_id LIMIT $2";
    return lines_of(Rows::query(session.raw(), sql.c_str(), params));
  });
}

Answer<std::vector<SealedLine>> PostgresSeals::list(const SealQuery& query) {
  return database_.impl().answer([&](Session& session) {
    const std::string meter[] = {clean_text(query.meter)};
    Params params;
    params.i4(query.utility);
    params.i8(query.switch_id);
    params.i8(query.before);
    params.texts(meter);
    params.i8(static_cast<std::int64_t>(query.limit));
    std::string sql = "SELECT " + sealed_columns() +
                      " FROM switch_audit a LEFT JOIN switch_seal s ON s.audit_id = a.audit_id"
                      " WHERE a.utility_id = $1 AND ($3 = 0 OR a.audit_id < $3)"
                      " AND ($4[1] = '' OR a.meter = $4[1]) AND ";
    sql += query.switch_id == 0 ? "$2 = 0" : "a.switch_id = $2";
    sql += " ORDER BY a.audit_id DESC LIMIT $5";
    return lines_of(Rows::query(session.raw(), sql.c_str(), params));
  });
}

}  // namespace ami::storage
