// A step of validation: changes into the queue, then what is due, in one transaction.
//
// Nothing is missed. A commit that is not seen while its day is judged has a transaction number that the
// cursor has not passed, so a later step reads its changes and the day comes back. No row of values is
// locked, so nobody who stores values waits for a step; a withdrawal does, because what is judged must not be
// taken back unnoticed.
#include <pqxx/pqxx>

#include "meter_model/failpoint.h"
#include "storage/postgres/asset_rows.h"
#include "storage/postgres/validation.h"
#include "storage/postgres/validation_queue.h"
#include "storage/postgres/validation_write.h"

namespace ami::storage {
namespace {

ValidationStep work(Session& session, CombinedQualities& qualities, const ValidationRules& rules,
                    UtcInstant now, const DayJudge& judge) {
  ValidationStep out;
  CivilDays civil(session);
  JudgedVersions judged(session);
  ValidationQueue queue(session, civil, judged, rules, now);
  queue.restart_where_needed();
  out.changes = queue.read_changes(out.more);

  const std::vector<MeterDate> due = queue.due();
  LoadedDays loaded = load_meter_days(session, civil, due);
  add_history(session, qualities, loaded);
  ValidationWrites writes(session, judged, loaded, now);
  std::vector<DayVerdict> verdicts;
  verdicts.reserve(due.size());  // what is written points into them
  std::vector<std::optional<UtcInstant>> again_at;
  for (const MeterDayFacts& facts : loaded.days) {
    verdicts.push_back(judge(facts));
    again_at.push_back(verdicts.back().again_at);
    writes.add(facts, verdicts.back(), queue.ordered(facts.of));
  }
  queue.settle(due, again_at);
  writes.apply();
  queue.add(writes.next_days);
  out.judged = due.size();
  out.found = writes.found;
  out.gone = writes.gone;
  out.estimated = writes.estimated;
  // Whole meters only when there is nothing else to do: the queue stays short.
  out.more |= !due.empty() || queue.take_dirty_meters() || queue.seed();
  return out;
}

}  // namespace

Result<ValidationStep> Validation::step(const ValidationRules& rules, UtcInstant now, const DayJudge& judge) {
  return database_.impl().run([&](Session& session) {
    {
      // Where rows of the change feed will go: the month may end now.
      pqxx::work tx(session);
      tx.exec(
          "SELECT ami_ensure_month('change', (now() + d * interval '1 day')::date) FROM generate_series(0, "
          "1) AS d");
      tx.commit();
    }
    pqxx::work tx(session);
    if (!tx.exec1("SELECT pg_try_advisory_xact_lock(7165289, 11)")[0].as<bool>()) {
      ValidationStep busy;
      busy.busy = true;
      return busy;
    }
    tx.exec(kByKeys);
    const ValidationStep done = work(session, database_.impl().combined(), rules, now, judge);
    failpoint("validation.before_commit");
    tx.commit();
    return done;
  });
}

Answer<MeterDayFacts> Validation::facts(const MeterDate& of, std::optional<UtcInstant> as_of) {
  return database_.impl().answer([&](Session& session) {
    pqxx::transaction<pqxx::repeatable_read, pqxx::read_only> tx(session);
    tx.exec(kByKeys);
    if (!of.date.ok()) refuse(Refusal::Kind::Invalid, "no such day", "date");
    CivilDays civil(session);
    civil.learn({of.meter});
    if (civil.of(of.meter).utility != of.utility || of.utility == 0)
      refuse(Refusal::Kind::NotFound, "no meter " + std::to_string(of.meter) + " in this utility", "meter");
    MeterDayFacts facts = std::move(load_meter_days(session, civil, {of}, as_of).days.front());
    if (as_of) return facts;
    facts.history = [&database = database_, meter = of.meter](ChannelId channel, const Period& period) {
      const auto only = [channel](const ChannelInfo& info) { return info.id == channel; };
      auto page = Readers(database).intervals({{meter, period}}, only, {1000, ""});
      if (!page.ok()) throw std::runtime_error(page.refusal().message);
      return std::move(page).value();
    };
    return facts;
  });
}

}  // namespace ami::storage
