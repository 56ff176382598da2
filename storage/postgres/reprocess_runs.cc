#include "storage/postgres/reprocess_runs.h"

#include <algorithm>
#include <array>
#include <limits>
#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/reader_rows.h"

namespace ami::storage {
namespace {

constexpr int kTop = 20;
constexpr int kProblemsTold = 20;
constexpr std::array<std::string_view, 6> kStates = {"CHECKING", "WRITING", "DONE",
                                                     "REFUSED",  "FAILED",  "CANCELLED"};

std::string range(const Period& period) {
  const std::string from = period.from == UtcInstant::min() ? "" : to_text(period.from);
  const std::string to = period.to == UtcInstant::max() ? "" : to_text(period.to);
  return "[" + from + "," + to + ")";
}

RunState state_from(std::string_view name) {
  const auto found = std::find(kStates.begin(), kStates.end(), name);
  return static_cast<RunState>(found - kStates.begin());
}

UtcInstant instant_from_micros(const pqxx::field& micros) {
  return UtcInstant{std::chrono::microseconds{micros.as<std::int64_t>()}};
}

std::string micros(const std::string& column) {
  return "(extract(epoch FROM " + column + ") * 1000000)::bigint";
}

const std::string& run_columns() {
  static const std::string kColumns =
      "r.run_id, r.utility_id, r.ordered_by, r.cause, r.dry_run, r.feed, array_to_string(r.meter_ids, "
      "','), " +
      micros("lower(r.period)") + ", " + micros("upper(r.period)") +
      ", r.rate, r.state, r.message, r.conflicts, r.events, r.quarantined, r.settled, " +
      micros("r.ordered_at") + ", " + micros("r.finished_at") + ", c.*, d.*";
  return kColumns;
}
constexpr const char* kRunTables =
    " FROM reprocess_run r CROSS JOIN LATERAL (SELECT count(*), count(*) FILTER (WHERE checked_to >= "
    "end_offset AND"
    "  problem = ''), count(*) FILTER (WHERE differs), count(*) FILTER (WHERE differs AND written_to >= "
    "end_offset),"
    "  count(*) FILTER (WHERE problem <> ''), coalesce(sum(end_offset - first_offset), 0)::bigint,"
    "  coalesce(sum(CASE WHEN problem <> '' THEN end_offset ELSE checked_to END - first_offset), 0)::bigint,"
    "  coalesce(sum(end_offset - first_offset) FILTER (WHERE differs), 0)::bigint,"
    "  coalesce(sum(CASE WHEN problem <> '' THEN end_offset ELSE written_to END - first_offset) FILTER "
    "(WHERE differs),"
    "  0)::bigint FROM reprocess_content WHERE run_id = r.run_id) c"
    " CROSS JOIN LATERAL (SELECT count(DISTINCT meter_id), count(DISTINCT (meter_id, key)),"
    "  coalesce(sum(intervals_added), 0)::bigint, coalesce(sum(intervals_corrected), 0)::bigint,"
    "  coalesce(sum(intervals_retracted), 0)::bigint, coalesce(sum(intervals_requalified), 0)::bigint,"
    "  coalesce(sum(registers_added), 0)::bigint, coalesce(sum(registers_corrected), 0)::bigint,"
    "  coalesce(sum(registers_retracted), 0)::bigint, coalesce(sum(registers_requalified), 0)::bigint"
    "  FROM reprocess_diff WHERE run_id = r.run_id) d";

Run run_of(const pqxx::row& row) {
  Run run;
  run.id = row[0].as<std::int64_t>();
  run.order.utility = row[1].as<std::int32_t>();
  run.order.ordered_by = row[2].c_str();
  run.order.cause = row[3].c_str();
  run.order.dry_run = row[4].as<bool>();
  run.order.feed = row[5].c_str();
  for (std::string_view rest = row[6].c_str(); !rest.empty();) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    run.order.meters.push_back(std::stoll(std::string(rest.substr(0, end))));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (!row[7].is_null()) run.order.period.from = instant_from_micros(row[7]);
  if (!row[8].is_null()) run.order.period.to = instant_from_micros(row[8]);
  run.order.rate = row[9].as<std::int64_t>();
  run.state = state_from(row[10].c_str());
  run.message = row[11].c_str();
  std::int64_t* const totals[] = {&run.conflicts, &run.events, &run.quarantined, &run.settled};
  for (int i = 0; i < 4; ++i) *totals[i] = row[12 + i].as<std::int64_t>();
  run.ordered_at = instant_from_micros(row[16]);
  if (!row[17].is_null()) run.finished_at = instant_from_micros(row[17]);
  std::int64_t* const sums[] = {&run.contents,
                                &run.contents_checked,
                                &run.contents_to_write,
                                &run.contents_written,
                                &run.contents_unread,
                                &run.bytes,
                                &run.bytes_checked,
                                &run.bytes_to_write,
                                &run.bytes_written,
                                &run.meters,
                                &run.channels,
                                &run.counts.intervals_added,
                                &run.counts.intervals_corrected,
                                &run.counts.intervals_retracted,
                                &run.counts.intervals_requalified,
                                &run.counts.registers_added,
                                &run.counts.registers_corrected,
                                &run.counts.registers_retracted,
                                &run.counts.registers_requalified};
  int column = 18;
  for (std::int64_t* sum : sums) *sum = row[column++].as<std::int64_t>();
  return run;
}

Run load(pqxx::transaction_base& tx, UtilityId utility, RunId id) {
  const auto rows = tx.exec_params(
      "SELECT " + run_columns() + kRunTables + " WHERE r.run_id = $1 AND r.utility_id = $2", id, utility);
  if (rows.empty()) refuse(Refusal::Kind::NotFound, "no reprocess run " + std::to_string(id), "name");
  Run run = run_of(rows[0]);
  for (const auto& row : tx.exec_params("SELECT unit, trim_scale(sum(before_sum)), "
                                        "trim_scale(sum(after_sum)), trim_scale(sum(after_sum - before_sum))"
                                        " FROM reprocess_diff WHERE run_id = $1 AND intervals_added + "
                                        "intervals_corrected + intervals_retracted > 0"
                                        " GROUP BY unit ORDER BY unit",
                                        id)) {
    run.units.push_back({row[0].c_str(), row[1].c_str(), row[2].c_str(), row[3].c_str()});
  }
  for (const auto& row : tx.exec_params(
           "SELECT d.meter_id, m.key, d.key, d.reading_type, d.unit, intervals_added, intervals_corrected,"
           " intervals_retracted, intervals_requalified, registers_added, registers_corrected, "
           "registers_retracted,"
           " registers_requalified, trim_scale(before_sum), trim_scale(after_sum), trim_scale(after_sum - "
           "before_sum),"
           " trim_scale(register_delta), " +
               micros("first_at") + ", " + micros("last_at") +
               " FROM reprocess_diff d JOIN meter m USING (meter_id) WHERE run_id = $1"
               " ORDER BY greatest(abs(after_sum - before_sum), abs(register_delta)) DESC, m.key, d.key, "
               "d.reading_type,"
               " d.unit LIMIT $2",
           id, kTop)) {
    ChannelDiff diff;
    diff.meter = row[0].as<std::int64_t>();
    diff.meter_key = row[1].c_str();
    diff.key = row[2].c_str();
    diff.reading_type = row[3].c_str();
    diff.unit = row[4].c_str();
    std::int64_t* const counts[] = {&diff.counts.intervals_added,     &diff.counts.intervals_corrected,
                                    &diff.counts.intervals_retracted, &diff.counts.intervals_requalified,
                                    &diff.counts.registers_added,     &diff.counts.registers_corrected,
                                    &diff.counts.registers_retracted, &diff.counts.registers_requalified};
    int column = 5;
    for (std::int64_t* count : counts) *count = row[column++].as<std::int64_t>();
    diff.before = row[13].c_str();
    diff.after = row[14].c_str();
    diff.delta = row[15].c_str();
    diff.register_delta = row[16].c_str();
    diff.first_at = instant_from_micros(row[17]);
    diff.last_at = instant_from_micros(row[18]);
    run.top.push_back(std::move(diff));
  }
  for (const auto& row : tx.exec_params("SELECT feed, name, content_sha256, problem FROM reprocess_content"
                                        " WHERE run_id = $1 AND problem <> '' ORDER BY n LIMIT $2",
                                        id, kProblemsTold)) {
    run.problems.push_back({row[0].c_str(), row[1].c_str(), row[2].c_str(), row[3].c_str()});
  }
  return run;
}

// A value for SQL's ROW (text[], …) parameters.
Params diff_rows(RunId run, const std::vector<ChannelDiff>& channels) {
  std::vector<std::int64_t> meters;
  std::vector<std::string> keys, types, units, before, after, registers;
  std::vector<std::int64_t> counts[8];
  std::vector<UtcInstant> first, last;
  for (const ChannelDiff& d : channels) {
    meters.push_back(d.meter);
    keys.push_back(clean_text(d.key));
    types.push_back(clean_text(d.reading_type));
    units.push_back(clean_text(d.unit));
    const std::int64_t values[] = {d.counts.intervals_added,     d.counts.intervals_corrected,
                                   d.counts.intervals_retracted, d.counts.intervals_requalified,
                                   d.counts.registers_added,     d.counts.registers_corrected,
                                   d.counts.registers_retracted, d.counts.registers_requalified};
    for (std::size_t i = 0; i < 8; ++i) counts[i].push_back(values[i]);
    before.push_back(d.before);
    after.push_back(d.after);
    registers.push_back(d.register_delta);
    first.push_back(d.first_at);
    last.push_back(d.last_at);
  }
  Params params;
  params.i8(run);
  params.array(std::span<const std::int64_t>(meters));
  params.texts(keys);
  params.texts(types);
  params.texts(units);
  for (const auto& column : counts) params.array(std::span<const std::int64_t>(column));
  params.texts(before);
  params.texts(after);
  params.texts(registers);
  params.array(std::span<const UtcInstant>(first));
  params.array(std::span<const UtcInstant>(last));
  return params;
}

}  // namespace

std::string_view name_of(RunState state) {
  return kStates[static_cast<std::size_t>(state)];
}

Answer<RunId> ReprocessRuns::order(const RunOrder& order, const std::vector<FeedSettings>& feeds) {
  return database_.impl().answer([&](Session& session) -> RunId {
    pqxx::work tx(session);
    if (!order.sources.empty()) {
      const auto known = tx.exec_params1(
          "SELECT count(DISTINCT k.id) FROM unnest($1::bigint[]) AS k (id) WHERE NOT EXISTS (SELECT FROM "
          "source s WHERE"
          " s.source_id = k.id AND s.utility_id = $2)",
          array_text(order.sources), order.utility);
      if (known[0].as<std::int64_t>() > 0)
        refuse(Refusal::Kind::NotFound, "a source that was named is not known", "sources");
    }
    const RunId id =
        tx.exec_params1(
              "INSERT INTO reprocess_run (utility_id, ordered_by, cause, dry_run, feed, meter_ids,"
              " period, rate) VALUES ($1, $2, $3, $4, $5, $6::bigint[], $7::tstzrange, $8)"
              " RETURNING run_id",
              order.utility, clean_text(order.ordered_by), clean_text(order.cause), order.dry_run,
              clean_text(order.feed), array_text(order.meters), range(order.period), order.rate)[0]
            .as<std::int64_t>();
    // Nothing is read before it was measured, save for a clock that is a little off.
    const UtcInstant earliest = order.period.from == UtcInstant::min()
                                    ? order.received.from
                                    : std::max(order.received.from, order.period.from - std::chrono::days{1});
    std::vector<std::string> names, fingerprints;
    for (const FeedSettings& feed : feeds) {
      names.push_back(feed.feed);
      fingerprints.push_back(feed.fingerprint);
    }
    const std::string texts[] = {clean_text(order.feed), range({earliest, order.received.to})};
    Params params;
    params.i8(id);
    params.i4(order.utility);
    params.array(std::span<const std::int64_t>(order.sources));
    params.texts(texts);
    params.texts(names);
    params.texts(fingerprints);
    Rows::query(
        session.raw(),
        "INSERT INTO reprocess_content (run_id, n, feed, content_sha256, name, received_at, first_offset,"
        " end_offset, checked_to, written_to, settings)"
        " SELECT $1, row_number() OVER (ORDER BY min(s.received_at), s.feed, s.content_sha256), s.feed,"
        " s.content_sha256, min(s.name), min(s.received_at), min(s.byte_offset),"
        " max(s.byte_offset + s.byte_length), min(s.byte_offset), min(s.byte_offset),"
        " coalesce(min(f.fingerprint), '')"
        " FROM source s LEFT JOIN unnest($5, $6) AS f (feed, fingerprint) ON f.feed = s.feed"
        " WHERE s.utility_id = $2 AND s.content_sha256 <> '' AND s.byte_length > 0"
        " AND (cardinality($3) = 0 OR s.source_id = ANY ($3)) AND ($4[1] = '' OR s.feed = $4[1])"
        " AND s.received_at <@ $4[2]::tstzrange"
        " GROUP BY s.feed, s.content_sha256",
        params);
    if (tx.exec_params1("SELECT count(*) FROM reprocess_content WHERE run_id = $1", id)[0]
            .as<std::int64_t>() == 0) {
      refuse(Refusal::Kind::Invalid, "nothing that was received is chosen by this", "feed");
    }
    tx.commit();
    return id;
  });
}

Answer<Run> ReprocessRuns::get(UtilityId utility, RunId id) {
  return database_.impl().answer([&](Session& session) {
    pqxx::transaction<pqxx::repeatable_read, pqxx::read_only> tx(session);
    return load(tx, utility, id);
  });
}

Answer<PageOf<Run>> ReprocessRuns::list(UtilityId utility, const PageRequest& page) {
  return database_.impl().answer([&](Session& session) {
    const auto token = parse_token(page.token, 1);
    const std::size_t size = clamp_page(page.size);
    pqxx::read_transaction tx(session);
    const auto rows =
        tx.exec_params("SELECT " + run_columns() + kRunTables +
                           " WHERE r.utility_id = $1 AND r.run_id < $2 ORDER BY r.run_id DESC LIMIT $3",
                       utility, token.empty() ? std::numeric_limits<std::int64_t>::max() : token[0],
                       static_cast<std::int64_t>(size) + 1);
    PageOf<Run> out;
    for (const auto& row : rows) {
      if (out.items.size() == size) {
        out.next_token = make_token({out.items.back().id});
        break;
      }
      out.items.push_back(run_of(row));
    }
    return out;
  });
}

Answer<Run> ReprocessRuns::cancel(UtilityId utility, RunId id) {
  return database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    tx.exec_params(
        "UPDATE reprocess_run SET state = 'CANCELLED', finished_at = now() WHERE run_id = $1 AND"
        " utility_id = $2 AND state IN ('CHECKING', 'WRITING')",
        id, utility);
    Run run = load(tx, utility, id);
    tx.commit();
    return run;
  });
}

Result<std::optional<Run>> ReprocessRuns::next() {
  return database_.impl().run([&](Session& session) -> std::optional<Run> {
    pqxx::read_transaction tx(session);
    const auto rows = tx.exec(
        "SELECT " + run_columns() + kRunTables +
        " WHERE r.run_id = (SELECT min(run_id) FROM reprocess_run WHERE state IN ('CHECKING', 'WRITING'))");
    if (rows.empty()) return std::nullopt;
    return run_of(rows[0]);
  });
}

Result<std::optional<RunContent>> ReprocessRuns::next_content(const Run& run) {
  return database_.impl().run([&](Session& session) -> std::optional<RunContent> {
    pqxx::read_transaction tx(session);
    const std::string phase =
        run.state == RunState::Checking ? "checked_to < end_offset" : "differs AND written_to < end_offset";
    const auto rows =
        tx.exec_params("SELECT n, feed, content_sha256, name, settings, " + micros("received_at") +
                           ", end_offset, checked_to, written_to FROM reprocess_content"
                           " WHERE run_id = $1 AND problem = '' AND " +
                           phase + " ORDER BY n LIMIT 1",
                       run.id);
    if (rows.empty()) return std::nullopt;
    const auto& row = rows[0];
    RunContent content;
    content.n = row[0].as<std::int32_t>();
    content.feed = row[1].c_str();
    content.sha256 = row[2].c_str();
    content.name = row[3].c_str();
    content.fingerprint = row[4].c_str();
    content.received_at = instant_from_micros(row[5]);
    content.end = row[6].as<std::uint64_t>();
    content.checked_to = row[7].as<std::uint64_t>();
    content.written_to = row[8].as<std::uint64_t>();
    return content;
  });
}

Outcome ReprocessRuns::checked(RunId run, const RunContent& content, std::uint64_t to,
                               const StretchDiff& diff) {
  return database_.impl().run([&](Session& session) {
    pqxx::work tx(session);
    const auto moved = tx.exec_params(
        "UPDATE reprocess_content c SET checked_to = $1, differs = differs OR $2 FROM reprocess_run r"
        " WHERE r.run_id = c.run_id AND r.state = 'CHECKING' AND c.run_id = $3 AND n = $4 AND checked_to = "
        "$5",
        to, !diff.empty(), run, content.n, content.checked_to);
    if (moved.affected_rows() == 0) return Done{};
    if (!diff.channels.empty()) {
      Rows::query(
          session.raw(),
          "INSERT INTO reprocess_diff AS d SELECT $1, k.meter_id, k.key, k.reading_type, k.unit, k.a, k.b, "
          "k.c,"
          " k.d, k.e, k.f, k.g, k.h, k.before_sum::numeric, k.after_sum::numeric, k.register_delta::numeric,"
          " k.first_at, k.last_at FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, "
          "$16,"
          " $17, $18) AS k (meter_id, key, reading_type, unit, a, b, c, d, e, f, g, h, before_sum, after_sum,"
          " register_delta, first_at, last_at)"
          " ON CONFLICT (run_id, meter_id, key, reading_type, unit) DO UPDATE SET"
          " intervals_added = d.intervals_added + excluded.intervals_added,"
          " intervals_corrected = d.intervals_corrected + excluded.intervals_corrected,"
          " intervals_retracted = d.intervals_retracted + excluded.intervals_retracted,"
          " intervals_requalified = d.intervals_requalified + excluded.intervals_requalified,"
          " registers_added = d.registers_added + excluded.registers_added,"
          " registers_corrected = d.registers_corrected + excluded.registers_corrected,"
          " registers_retracted = d.registers_retracted + excluded.registers_retracted,"
          " registers_requalified = d.registers_requalified + excluded.registers_requalified,"
          " before_sum = d.before_sum + excluded.before_sum, after_sum = d.after_sum + excluded.after_sum,"
          " register_delta = d.register_delta + excluded.register_delta,"
          " first_at = least(d.first_at, excluded.first_at), last_at = greatest(d.last_at, excluded.last_at)",
          diff_rows(run, diff.channels));
    }
    tx.exec_params(
        "UPDATE reprocess_run SET conflicts = conflicts + $1, events = events + $2, quarantined = "
        "quarantined + $3,"
        " settled = settled + $4, message = CASE WHEN message <> '' OR $5 = '' THEN message ELSE"
        " coalesce((SELECT 'meter ' || key || ', ' FROM meter WHERE meter_id = $7), '') || $5 END WHERE "
        "run_id = $6",
        diff.conflicts, diff.events, diff.quarantined, diff.settled, clean_text(diff.conflict), run,
        diff.conflict_meter);
    tx.commit();
    return Done{};
  });
}

Outcome ReprocessRuns::written(RunId run, const RunContent& content, std::uint64_t to) {
  return database_.impl().run([&](Session& session) {
    pqxx::work tx(session);
    tx.exec_params(
        "UPDATE reprocess_content SET written_to = greatest(written_to, $1) WHERE run_id = $2 AND n = $3", to,
        run, content.n);
    tx.commit();
    return Done{};
  });
}

Outcome ReprocessRuns::skip(RunId run, const RunContent& content, const std::string& problem) {
  return database_.impl().run([&](Session& session) {
    pqxx::work tx(session);
    tx.exec_params("UPDATE reprocess_content SET problem = $1 WHERE run_id = $2 AND n = $3",
                   clean_text(problem), run, content.n);
    tx.commit();
    return Done{};
  });
}

Outcome ReprocessRuns::enter(RunId run, RunState from, RunState to, const std::string& message) {
  return database_.impl().run([&](Session& session) {
    pqxx::work tx(session);
    const bool ends = to != RunState::Checking && to != RunState::Writing;
    tx.exec_params(
        "UPDATE reprocess_run SET state = $1, message = CASE WHEN $2 = '' THEN message ELSE $2 END,"
        " finished_at = CASE WHEN $3 THEN now() END WHERE run_id = $4 AND state = $5",
        std::string(name_of(to)), clean_text(message), ends, run, std::string(name_of(from)));
    tx.commit();
    return Done{};
  });
}

}  // namespace ami::storage
