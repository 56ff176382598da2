#include "storage/postgres/validation_write.h"

#include <algorithm>

namespace ami::storage {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr days kNear{63};  // between a finding's day and what it speaks of

std::vector<std::int64_t> meters_of(const std::vector<MeterDayFacts>& all) {
  std::set<MeterId> out;
  for (const MeterDayFacts& facts : all) out.insert(facts.of.meter);
  return {out.begin(), out.end()};
}

std::int32_t bit_of(Day date) {
  return std::int32_t{1} << (static_cast<unsigned>(std::chrono::year_month_day{date}.day()) - 1);
}

bool any_value(const MeterDayFacts& facts) {
  for (const IntervalBlock& block : facts.intervals) {
    for (std::size_t i = 0; i < block.mantissas.size(); ++i) {
      if (block.mantissas[i] != IntervalBlock::kMissing &&
          facts.day.contains(block.first_start + static_cast<std::int64_t>(i) * block.length))
        return true;
    }
  }
  return false;
}

// Takes the first that fits out of the list.
template <class Wanted, class Fits>
bool take(std::vector<Wanted>& list, Fits fits) {
  const auto found = std::ranges::find_if(list, fits);
  if (found == list.end()) return false;
  list.erase(found);
  return true;
}

}  // namespace

ValidationWrites::ValidationWrites(Session& session, JudgedVersions& judged, const LoadedDays& loaded,
                                   UtcInstant now)
    : session_(session), judged_(judged), now_(now), changes_(session, judged, loaded.qualities) {
  if (loaded.days.empty()) return;
  load_findings(loaded.days);
  load_estimates(loaded.days);
  load_judged_days(loaded.days);
  std::vector<JudgedVersions::Key> keys;
  for (const MeterDayFacts& facts : loaded.days) {
    for (const RowVersion& row : facts.versions)
      keys.push_back(JudgedVersions::key_of(facts.of.meter, row.channel, row.length.count(), row.day));
  }
  judged_.load(keys);
}

void ValidationWrites::load_findings(const std::vector<MeterDayFacts>& all) {
  Day bounds[] = {Day::max(), Day::min()};
  for (const MeterDayFacts& facts : all) {
    bounds[0] = std::min(bounds[0], Day{facts.of.date} - kNear);
    bounds[1] = std::max(bounds[1], Day{facts.of.date} + kNear);
  }
  Params params;
  params.array(meters_of(all));
  params.array(std::span<const Day>(bounds));
  const Rows rows = Rows::query(
      session_.raw(),
      "SELECT f.finding_id, f.meter_id, f.date, f.channel_id, f.length_s, f.from_at, f.to_at, f.check_number,"
      " f.quality, f.advice, f.words FROM unnest($1::bigint[]) AS k (meter_id) JOIN finding f ON"
      " f.meter_id = k.meter_id AND f.gone_at IS NULL AND f.date BETWEEN ($2::date[])[1] AND ($2::date[])[2]",
      params);
  for (int i = 0; i < rows.size(); ++i) {
    Standing& standing = findings_[rows.i8(i, 1)].emplace_back();
    standing.id = rows.i8(i, 0);
    standing.date = rows.day(i, 2);
    const auto code = QualityCode::parse(rows.text(i, 8));
    if (!code.ok()) throw std::runtime_error("stored finding: " + code.error().message);
    standing.finding = {
        rows.i8(i, 3), seconds{rows.i4(i, 4)},       {rows.at(i, 5), rows.at(i, 6)}, rows.i2(i, 7),
        *code,         std::string(rows.text(i, 9)), std::string(rows.text(i, 10))};
  }
}

void ValidationWrites::load_estimates(const std::vector<MeterDayFacts>& all) {
  std::vector<std::int64_t> meters;
  std::vector<Day> dates;
  for (const MeterDayFacts& facts : all) {
    meters.push_back(facts.of.meter);
    dates.emplace_back(facts.of.date);
  }
  Params params;
  params.array(meters);
  params.array(std::span<const Day>(dates));
  const Rows rows = Rows::query(
      session_.raw(),
      "SELECT e.estimate_id, e.meter_id, e.date, e.channel_id, e.first_start, e.interval_s, e.exponent, "
      "e.mantissas,"
      " e.method, e.algorithm, e.version, e.inputs FROM unnest($1::bigint[], $2::date[]) AS k (meter_id, "
      "date)"
      " JOIN estimate e ON e.meter_id = k.meter_id AND e.date = k.date AND e.superseded_at IS NULL",
      params);
  for (int i = 0; i < rows.size(); ++i) {
    StandingEstimate& standing = estimates_[rows.i8(i, 1)].emplace_back();
    standing.id = rows.i8(i, 0);
    standing.date = rows.day(i, 2);
    DayEstimate& estimate = standing.estimate;
    estimate.channel = rows.i8(i, 3);
    estimate.first_start = rows.at(i, 4);
    estimate.length = seconds{rows.i4(i, 5)};
    estimate.exponent = rows.i2(i, 6);
    rows.array(i, 7, estimate.mantissas);
    estimate.method = rows.text(i, 8);
    estimate.algorithm = rows.text(i, 9);
    estimate.version = rows.i4(i, 10);
    estimate.inputs = rows.text(i, 11);
  }
}

void ValidationWrites::load_judged_days(const std::vector<MeterDayFacts>& all) {
  std::vector<std::int64_t> meters;
  std::vector<Day> months;
  Day bounds[] = {Day::max(), Day::min()};
  for (const MeterDayFacts& facts : all) {
    for (const Day date : {Day{facts.of.date}, Day{facts.of.date} + days{1}}) {
      const Day month = JudgedVersions::month_of(date);
      const auto [entry, fresh] = days_.try_emplace({facts.of.meter, month});
      if (!fresh) continue;
      entry->second.utility = facts.of.utility;
      meters.push_back(facts.of.meter);
      months.push_back(month);
      bounds[0] = std::min(bounds[0], month);
      bounds[1] = std::max(bounds[1], month);
    }
  }
  Params params;
  params.array(meters);
  params.array(std::span<const Day>(months));
  const std::string sql =
      "SELECT j.meter_id, j.month, j.days FROM unnest($1::bigint[], $2::date[]) AS k (meter_id, month)"
      " JOIN judged_day j ON j.meter_id = k.meter_id AND j.month = k.month WHERE j.month BETWEEN '" +
      to_text(UtcInstant{bounds[0]}).substr(0, 10) + "' AND '" +
      to_text(UtcInstant{bounds[1]}).substr(0, 10) + "'";
  const Rows rows = Rows::query(session_.raw(), sql.c_str(), params);
  for (int i = 0; i < rows.size(); ++i) days_.at({rows.i8(i, 0), rows.day(i, 1)}).bits = rows.i4(i, 2);
}

bool ValidationWrites::is_judged(MeterId meter, Day date) const {
  return (days_.at({meter, JudgedVersions::month_of(date)}).bits & bit_of(date)) != 0;
}

void ValidationWrites::add(const MeterDayFacts& facts, const DayVerdict& verdict) {
  reconcile_findings(facts, verdict);
  const bool estimates_changed = reconcile_estimates(facts, verdict);
  const std::pair next{facts.of.meter, Day{facts.of.date} + days{1}};
  const auto speaks_of_intervals = [](const DayFinding& finding) { return finding.length != seconds{0}; };
  if (estimates_changed) next_days.insert(next);
  if (verdict.judged && !any_value(facts) && std::ranges::any_of(verdict.findings, speaks_of_intervals))
    after_silence_.insert(next);
  note_judged(facts, verdict.judged);
}

void ValidationWrites::reconcile_findings(const MeterDayFacts& facts, const DayVerdict& verdict) {
  std::vector<Standing>& standing = findings_[facts.of.meter];
  const Day date{facts.of.date};
  std::vector<const DayFinding*> wanted;
  for (const DayFinding& finding : verdict.findings) {
    const bool twice =
        std::ranges::any_of(wanted, [&](const DayFinding* other) { return *other == finding; });
    if (verdict.judged && !twice) wanted.push_back(&finding);
  }
  std::vector<const DayFinding*> before, after, changed;
  std::vector<std::size_t> going;
  for (std::size_t i = 0; i < standing.size(); ++i) {
    before.push_back(&standing[i].finding);
    if (standing[i].date != date ||
        take(wanted, [&](const DayFinding* finding) { return *finding == standing[i].finding; })) {
      after.push_back(&standing[i].finding);
    } else {
      going.push_back(i);
      changed.push_back(&standing[i].finding);
    }
  }
  if (going.empty() && wanted.empty()) return;
  for (const DayFinding* finding : wanted) {
    after.push_back(finding);
    changed.push_back(finding);
    fresh_findings_.push_back({&facts, finding, nullptr, &verdict});
  }
  changes_.findings(facts, before, after, changed);
  found += wanted.size();
  gone += going.size();
  for (auto i = going.rbegin(); i != going.rend(); ++i) {
    gone_findings_.push_back(standing[*i].id);
    standing.erase(standing.begin() + static_cast<std::ptrdiff_t>(*i));
  }
  for (const DayFinding* finding : wanted) standing.push_back({0, date, *finding});
}

bool ValidationWrites::reconcile_estimates(const MeterDayFacts& facts, const DayVerdict& verdict) {
  std::vector<const DayEstimate*> wanted;
  for (const DayEstimate& estimate : verdict.estimates) {
    if (verdict.judged && !estimate.mantissas.empty()) wanted.push_back(&estimate);
  }
  bool changed = false;
  for (const StandingEstimate& standing : estimates_[facts.of.meter]) {
    if (standing.date != Day{facts.of.date} ||
        take(wanted, [&](const DayEstimate* estimate) { return *estimate == standing.estimate; }))
      continue;
    gone_estimates_.push_back(standing.id);
    changes_.estimate(facts, standing.estimate);
    changed = true;
  }
  for (const DayEstimate* estimate : wanted) {
    fresh_estimates_.push_back({&facts, nullptr, estimate, &verdict});
    changes_.estimate(facts, *estimate);
    changed = true;
  }
  estimated += wanted.size();
  return changed;
}

void ValidationWrites::note_judged(const MeterDayFacts& facts, bool judged) {
  for (const RowVersion& row : facts.versions) {
    const auto minute = [&](UtcInstant at) {
      return static_cast<std::int32_t>(std::clamp<std::int64_t>(
          (at - UtcInstant{row.day}) / std::chrono::minutes{1}, 0, JudgedParts::kDay));
    };
    const bool fits = row.version <= std::numeric_limits<std::int32_t>::max();
    const auto key = JudgedVersions::key_of(facts.of.meter, row.channel, row.length.count(), row.day);
    JudgedParts parts = judged_.of(key, row.day);
    parts.judged(minute(facts.day.from), minute(facts.day.to),
                 judged && fits ? static_cast<std::int32_t>(row.version) : 0);
    judged_.change(key, facts.of.utility, row.day, parts);
  }
  const Day date{facts.of.date};
  Days& month = days_.at({facts.of.meter, JudgedVersions::month_of(date)});
  const bool was = (month.bits & bit_of(date)) != 0;
  std::int64_t& count = counted_[{facts.of.utility, date}];
  if (was == judged) return;
  count += judged ? 1 : -1;
  month.bits ^= bit_of(date);
  month.changed = true;
}

void ValidationWrites::apply() {
  for (const auto& next : after_silence_) {
    if (!is_judged(next.first, next.second)) next_days.insert(next);
  }
  write_gone();
  write_findings();
  write_estimates();
  changes_.write();
  write_judged();
}

void ValidationWrites::write_gone() const {
  const UtcInstant now[] = {now_};
  const auto end = [&](const char* sql, const std::vector<std::int64_t>& ids) {
    if (ids.empty()) return;
    Params params;
    params.array(ids);
    params.array(std::span<const UtcInstant>(now));
    Rows::query(session_.raw(), sql, params);
  };
  end("UPDATE finding SET gone_at = greatest(found_at, $2[1]) WHERE finding_id = ANY ($1)", gone_findings_);
  end("UPDATE estimate SET superseded_at = greatest(made_at, $2[1]) WHERE estimate_id = ANY ($1)",
      gone_estimates_);
}

void ValidationWrites::write_findings() const {
  if (fresh_findings_.empty()) return;
  CopyRows out;
  for (const Fresh& fresh : fresh_findings_) {
    const DayFinding& finding = *fresh.finding;
    out.begin_row(13);
    out.i4(fresh.facts->of.utility);
    out.i8(fresh.facts->of.meter);
    out.day(Day{fresh.facts->of.date});
    out.i8(finding.channel);
    out.i4(static_cast<std::int32_t>(finding.length.count()));
    out.at(finding.period.from);
    out.at(finding.period.to);
    out.i2(finding.check);
    out.text(finding.quality.to_string());
    out.text(clean_text(finding.advice));
    out.text(clean_text(finding.words));
    out.text(clean_text(fresh.verdict->profile));
    out.at(now_);
  }
  out.send(session_.raw(),
           "finding (utility_id, meter_id, date, channel_id, length_s, from_at, to_at, check_number, "
           "quality, advice,"
           " words, profile, found_at)");
}

void ValidationWrites::write_estimates() const {
  if (fresh_estimates_.empty()) return;
  CopyRows out;
  for (const Fresh& fresh : fresh_estimates_) {
    const DayEstimate& estimate = *fresh.estimate;
    out.begin_row(13);
    out.i4(fresh.facts->of.utility);
    out.i8(fresh.facts->of.meter);
    out.day(Day{fresh.facts->of.date});
    out.i8(estimate.channel);
    out.i4(static_cast<std::int32_t>(estimate.length.count()));
    out.at(estimate.first_start);
    out.i2(static_cast<std::int16_t>(estimate.exponent));
    out.array(std::span<const std::int64_t>(estimate.mantissas));
    out.text(clean_text(estimate.algorithm));
    out.i4(estimate.version);
    out.text(clean_text(estimate.method));
    out.text(clean_text(estimate.inputs));
    out.at(now_);
  }
  out.send(session_.raw(),
           "estimate (utility_id, meter_id, date, channel_id, interval_s, first_start, exponent, mantissas, "
           "algorithm,"
           " version, method, inputs, made_at)");
}

void ValidationWrites::write_judged() {
  std::vector<std::string> tables;
  std::vector<Day> months;
  for (const Day month : judged_.months_to_store()) {
    tables.emplace_back("judged_version");
    months.push_back(month);
  }
  std::vector<std::int64_t> meters, more;
  std::vector<std::int32_t> utilities, bits, whose;
  std::vector<Day> day_months, dates;
  for (const auto& [key, days] : days_) {
    if (!days.changed) continue;
    meters.push_back(key.first);
    day_months.push_back(key.second);
    utilities.push_back(days.utility);
    bits.push_back(days.bits);
  }
  for (const Day month : std::set<Day>(day_months.begin(), day_months.end())) {
    tables.emplace_back("judged_day");
    months.push_back(month);
  }
  if (!tables.empty()) {
    Params params;
    params.texts(tables);
    params.array(std::span<const Day>(months));
    Rows::query(
        session_.raw(),
        "SELECT ami_ensure_month(k.name, k.month) FROM unnest($1::text[], $2::date[]) AS k (name, month)",
        params);
  }
  judged_.store();
  if (!meters.empty()) {
    Params params;
    params.array(meters);
    params.array(std::span<const Day>(day_months));
    params.array(utilities);
    params.array(bits);
    Rows::query(session_.raw(),
                "INSERT INTO judged_day (meter_id, month, utility_id, days)"
                " SELECT * FROM unnest($1::bigint[], $2::date[], $3::int[], $4::int[])"
                " ON CONFLICT (meter_id, month) DO UPDATE SET days = excluded.days",
                params);
  }
  for (const auto& [key, count] : counted_) {
    whose.push_back(key.first);
    dates.push_back(key.second);
    more.push_back(count);
  }
  if (whose.empty()) return;
  const UtcInstant now[] = {now_};
  Params params;
  params.array(whose);
  params.array(std::span<const Day>(dates));
  params.array(more);
  params.array(std::span<const UtcInstant>(now));
  Rows::query(
      session_.raw(),
      "INSERT INTO judged_count AS c (utility_id, date, meters, judged_at) SELECT k.*, $4[1] FROM"
      " unnest($1::int[], $2::date[], $3::bigint[]) AS k (utility_id, date, meters)"
      " ON CONFLICT (utility_id, date) DO UPDATE SET meters = greatest(c.meters + excluded.meters, 0),"
      " judged_at = greatest(c.judged_at, excluded.judged_at)",
      params);
}

}  // namespace ami::storage
