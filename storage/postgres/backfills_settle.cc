// What became of the operations that asked for gaps, and when a gap is asked for no more.
#include <algorithm>
#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/backfills.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/operation_rows.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

constexpr int kMost = 2000;

// How one question went.
struct Went {
  bool counts = false;  // it says something about the far side
  std::string words;
};

Went went(TargetState state, bool left, bool answered_others, const std::string& reason,
          const std::string& said) {
  const std::string more = said.empty() || said == reason ? "" : ": " + said;
  switch (state) {
    case TargetState::Succeeded:
      return {true, "the far side has nothing"};
    case TargetState::Failed:
      if (left) return {true, "the far side says " + reason + more};
      return {false, "it could not be asked (" + reason + more + ")"};
    case TargetState::Cancelled:
      return {false, "the request was taken back"};
    default:
      // Silence of a far side that answers nobody says nothing about this meter.
      return {answered_others,
              answered_others ? "it did not answer, and answered others" : "it answered nobody"};
  }
}

std::chrono::seconds pause_after(int asked, const BackfillRules& rules) {
  std::chrono::seconds pause = rules.pause;
  for (int i = 1; i < asked && pause < rules.longest; ++i) pause *= 2;
  return std::min(pause, rules.longest);
}

// Gaps that ended are looked at once more and then never: their rows stay as long as they do. Whoever takes
// back that one was given up drops its row.
void retire(Session& session, UtcInstant now) {
  const UtcInstant times[] = {now};
  Params params;
  params.array(std::span<const UtcInstant>(times));
  Rows::query(session.raw(),
              "UPDATE gap_request r SET next_at = 'infinity' FROM gap g WHERE g.gap_id = r.gap_id"
              " AND r.request_id IS NULL AND r.next_at <= $1[1] AND g.state IN ('CLOSED', 'GIVEN_UP')",
              params);
}

// Without the lock that keeps the comparison of gaps waiting.
bool anything_to_settle(Session& session, const BackfillRules& rules, UtcInstant now) {
  const UtcInstant times[] = {now};
  Params params;
  params.array(std::span<const UtcInstant>(times));
  params.i4(rules.tries);
  const Rows rows = Rows::query(
      session.raw(),
      "SELECT (EXISTS (SELECT FROM gap_request r LEFT JOIN operation_target t ON t.operation_id = "
      "r.operation_id"
      "  AND t.number = r.number JOIN gap g ON g.gap_id = r.gap_id WHERE r.request_id IS NOT NULL"
      "  AND r.operation_id IS NOT NULL AND (t.operation_id IS NULL OR t.state NOT IN ('QUEUED', 'SENT')"
      "   OR g.state <> 'REQUESTED'))"
      " OR EXISTS (SELECT FROM gap_request r JOIN gap g ON g.gap_id = r.gap_id WHERE g.state = 'OPEN'"
      "  AND r.request_id IS NULL AND r.tries >= $2 AND r.next_at <= $1[1]))::int",
      params);
  return rows.i4(0, 0) == 1;
}

void settle_ended(Session& session, const BackfillRules& rules, UtcInstant now) {
  Params most;
  most.i4(kMost);
  const Rows rows = Rows::query(
      session.raw(),
      "SELECT r.gap_id, r.asked, r.tries, r.feed, coalesce(t.state, 'CANCELLED'), (t.transaction IS NOT "
      "NULL)::int,"
      " t.sent_at, t.ended_at, coalesce(t.reason, ''), coalesce(t.words, ''),"
      " EXISTS (SELECT FROM operation_target x WHERE x.feed = t.feed AND x.state IN ('SUCCEEDED', 'FAILED')"
      "  AND x.transaction IS NOT NULL AND x.ended_at > t.sent_at)::int"
      " FROM gap_request r LEFT JOIN operation_target t ON t.operation_id = r.operation_id AND t.number = "
      "r.number"
      " WHERE r.request_id IS NOT NULL AND r.operation_id IS NOT NULL"
      " AND (t.operation_id IS NULL OR t.state NOT IN ('QUEUED', 'SENT'))"
      " ORDER BY r.gap_id LIMIT $1 FOR UPDATE OF r",
      most);
  std::vector<std::int64_t> gaps;
  std::vector<std::int32_t> counted;
  std::vector<UtcInstant> asked_at, next;
  std::vector<std::string> words;
  for (int i = 0; i < rows.size(); ++i) {
    const int asked = rows.i4(i, 1), tries = rows.i4(i, 2);
    const std::string feed(rows.text(i, 3));
    const UtcInstant at = rows.maybe_at(i, 6).value_or(rows.maybe_at(i, 7).value_or(now));
    const Went what = went(target_state(rows.text(i, 4)), rows.i4(i, 5) == 1, rows.i4(i, 10) == 1,
                           std::string(rows.text(i, 8)), std::string(rows.text(i, 9)));
    const bool last = what.counts && tries + 1 >= rules.tries;
    // After the last try its values still have the time of the first pause to be stored and compared.
    const UtcInstant again = now + (last ? rules.pause : pause_after(asked, rules));
    gaps.push_back(rows.i8(i, 0));
    counted.push_back(what.counts ? 1 : 0);
    asked_at.push_back(at);
    next.push_back(again);
    words.push_back(kept_text(what.words, 300));
  }
  if (gaps.empty()) return;
  Params params;
  params.array(std::span<const std::int64_t>(gaps));
  params.array(std::span<const std::int32_t>(counted));
  params.array(std::span<const UtcInstant>(asked_at));
  params.array(std::span<const UtcInstant>(next));
  params.texts(words);
  Rows::query(session.raw(),
              "UPDATE gap_request r SET request_id = NULL, tries = r.tries + k.counted, next_at = k.next_at,"
              " words = k.words, first_at = CASE WHEN k.counted = 1 THEN coalesce(r.first_at, k.at) ELSE "
              "r.first_at END,"
              " last_at = CASE WHEN k.counted = 1 THEN k.at ELSE r.last_at END"
              " FROM unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::timestamptz[], $5::text[])"
              "  AS k (gap_id, counted, at, next_at, words) WHERE r.gap_id = k.gap_id",
              params);
  Params which;
  which.array(std::span<const std::int64_t>(gaps));
  Rows::query(session.raw(), "UPDATE gap SET state = 'OPEN' WHERE gap_id = ANY ($1) AND state = 'REQUESTED'",
              which);
}

// Only what was asked for is given up: what a gap grew by since then begins as a gap of its own. Slots of
// registers are civil days, which this does not cut.
void cut_to_what_was_asked(Session& session, const std::vector<std::int64_t>& gaps) {
  Params which;
  which.array(std::span<const std::int64_t>(gaps));
  Rows::query(
      session.raw(),
      "WITH cut AS (SELECT g.gap_id, g.to_at AS old_to, r.to_at AS asked_to,"
      "  (extract(epoch FROM r.to_at - g.from_at) / g.interval_s)::int AS kept FROM gap g"
      "  JOIN gap_request r ON r.gap_id = g.gap_id WHERE g.gap_id = ANY ($1) AND g.state = 'OPEN'"
      "  AND g.interval_s > 0 AND g.from_at < r.to_at AND r.to_at < g.to_at"
      "  AND extract(epoch FROM r.to_at - g.from_at)::bigint % g.interval_s = 0),"
      " rest AS (INSERT INTO gap (utility_id, meter_id, series_id, channel_id, from_at, to_at, interval_s,"
      "   slots, reason, found_at)"
      "  SELECT g.utility_id, g.meter_id, g.series_id, g.channel_id, c.asked_to, c.old_to, g.interval_s,"
      "   g.slots - c.kept, g.reason, g.found_at FROM cut c JOIN gap g USING (gap_id)"
      "  WHERE c.kept > 0 AND c.kept < g.slots)"
      " UPDATE gap g SET to_at = c.asked_to, slots = c.kept FROM cut c WHERE g.gap_id = c.gap_id"
      "  AND c.kept > 0 AND c.kept < g.slots",
      which);
}

struct Hopeless {
  std::int64_t gap = 0;
  UtilityId utility = 0;
  std::string feed, reason;
};
std::vector<Hopeless> hopeless(Session& session, const BackfillRules& rules, UtcInstant now) {
  const UtcInstant times[] = {now};
  Params params;
  params.array(std::span<const UtcInstant>(times));
  params.i4(rules.tries);
  params.i4(kMost);
  const Rows rows = Rows::query(
      session.raw(),
      "SELECT g.gap_id, g.utility_id, r.feed, r.tries, r.first_at, r.last_at, r.words FROM gap_request r"
      " JOIN gap g ON g.gap_id = r.gap_id WHERE g.state = 'OPEN' AND r.request_id IS NULL AND r.tries >= $2"
      " AND r.next_at <= $1[1] ORDER BY g.gap_id LIMIT $3",
      params);
  std::vector<Hopeless> out;
  for (int i = 0; i < rows.size(); ++i) {
    Hopeless one{rows.i8(i, 0), rows.i4(i, 1), std::string(rows.text(i, 2)), {}};
    const int tries = rows.i4(i, 3);
    one.reason =
        "asked " + std::to_string(tries) + (tries == 1 ? " time" : " times") + " through feed " + one.feed;
    const auto first = rows.maybe_at(i, 4), last = rows.maybe_at(i, 5);
    if (first && last && tries > 1) one.reason += " between " + to_text(*first) + " and " + to_text(*last);
    if (first && last && tries <= 1) one.reason += " at " + to_text(*last);
    one.reason += ", " + std::string(rows.text(i, 6));
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<std::pair<UtilityId, OperationId>> not_needed(Session& session) {
  const Rows rows =
      Rows::query(session.raw(),
                  "SELECT r.utility_id, r.operation_id FROM gap_request r JOIN gap g ON g.gap_id = r.gap_id"
                  " WHERE r.request_id IS NOT NULL AND r.operation_id IS NOT NULL GROUP BY 1, 2"
                  " HAVING bool_and(g.state <> 'REQUESTED') AND EXISTS (SELECT FROM operation_target t"
                  "  WHERE t.operation_id = r.operation_id AND t.state = 'QUEUED') ORDER BY 2",
                  {});
  std::vector<std::pair<UtilityId, OperationId>> out;
  for (int i = 0; i < rows.size(); ++i) out.emplace_back(rows.i4(i, 0), rows.i8(i, 1));
  return out;
}

// False: it was closed or given up meanwhile.
bool give_up(pqxx::work& tx, const Hopeless& one, UtcInstant now) {
  const auto rows = tx.exec_params(
      "UPDATE gap g SET state = 'GIVEN_UP', given_up_by = $2, given_up_at = $3, given_up_reason = $4 FROM "
      "meter m,"
      " channel c WHERE g.gap_id = $1 AND g.state = 'OPEN' AND m.meter_id = g.meter_id AND c.channel_id = "
      "g.channel_id"
      " RETURNING 'meters/' || m.key || ' ' || c.key || ', ' || g.slots || ' missing'",
      one.gap, kOwnCaller, to_text(now), one.reason);
  if (rows.empty()) return false;
  audit(tx, kOwnCaller, one.utility, "give_up_gap", "gaps/" + std::to_string(one.gap),
        rows[0][0].as<std::string>() + ": " + one.reason);
  return true;
}

}  // namespace

Answer<BackfillStep> Backfills::settle(const BackfillRules& rules, UtcInstant now) {
  return database_.impl().answer([&](Session& session) {
    retire(session, now);
    if (!anything_to_settle(session, rules, now)) return BackfillStep{};
    pqxx::work tx(session);
    tx.exec("SELECT pg_advisory_xact_lock(7165289, 10)");
    settle_ended(session, rules, now);
    const std::vector<Hopeless> over = hopeless(session, rules, now);
    std::vector<std::int64_t> gaps;
    for (const Hopeless& one : over) gaps.push_back(one.gap);
    if (!gaps.empty()) cut_to_what_was_asked(session, gaps);
    BackfillStep out;
    for (const Hopeless& one : over) {
      if (give_up(tx, one, now)) ++out.given_up[one.feed];
    }
    out.not_needed = not_needed(session);
    tx.commit();
    return out;
  });
}

}  // namespace ami::storage
