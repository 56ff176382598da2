#include "storage/postgres/validation_write.h"

#include <algorithm>

#include "meter_model/vee/findings.h"

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

bool of_registers(const DayFinding& finding) {
  return finding.channel != 0 && finding.length == seconds{0};
}

bool has_value(const MeterDayFacts& facts, ChannelId channel) {
  for (const IntervalBlock& block : facts.intervals) {
    if (block.channel != channel) continue;
    for (std::size_t i = 0; i < block.mantissas.size(); ++i) {
      if (block.mantissas[i] != IntervalBlock::kMissing &&
          facts.day.contains(block.first_start + static_cast<std::int64_t>(i) * block.length))
        return true;
    }
  }
  return false;
}

// Something was found of a channel of which the day has no interval at all: it is silent, or its values came
// to nothing.
bool tells_of_silence(const MeterDayFacts& facts, const DayVerdict& verdict) {
  return verdict.judged && std::ranges::any_of(verdict.findings, [&](const DayFinding& finding) {
           return finding.channel != 0 && finding.length != seconds{0} && !has_value(facts, finding.channel);
         });
}

// Whether the finding may be about a run of values that began before the day's first.
bool goes_back(const MeterDayFacts& facts, const DayFinding& finding) {
  const auto into = finding.period.from - facts.day.from;
  if (finding.length == seconds{0} || into < seconds{0} || into >= finding.length ||
      std::ranges::find(kOfRuns, finding.quality) == kOfRuns.end())
    return false;
  const UtcInstant before = finding.period.from - finding.length;
  return std::ranges::any_of(facts.intervals, [&](const IntervalBlock& block) {
    const auto past = before - block.first_start;
    if (block.channel != finding.channel || block.length != finding.length || past < seconds{0} ||
        past % block.length != seconds{0})
      return false;
    const auto slot = static_cast<std::size_t>(past / block.length);
    return slot < block.mantissas.size() && block.mantissas[slot] != IntervalBlock::kMissing;
  });
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
  load_pending(loaded.days);
  std::vector<JudgedVersions::Key> keys;
  for (const MeterDayFacts& facts : loaded.days) {
    batch_.emplace(facts.of.meter, Day{facts.of.date});
    for (const RowVersion& row : facts.versions) keys.push_back(judged_key(facts.of.meter, row));
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
      " f.quality, f.advice, f.words FROM unnest($1::bigint[]) AS k (meter_id) JOIN any_finding f ON"
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
      const auto [entry, fresh] = months_.try_emplace({facts.of.meter, month});
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
      "SELECT j.meter_id, j.month, j.profile_id, j.days FROM unnest($1::bigint[], $2::date[]) AS k "
      "(meter_id, month)"
      " JOIN judged_day j ON j.meter_id = k.meter_id AND j.month = k.month WHERE j.month BETWEEN '" +
      to_text(UtcInstant{bounds[0]}).substr(0, 10) + "' AND '" +
      to_text(UtcInstant{bounds[1]}).substr(0, 10) + "'";
  const Rows rows = Rows::query(session_.raw(), sql.c_str(), params);
  for (int i = 0; i < rows.size(); ++i)
    months_.at({rows.i8(i, 0), rows.day(i, 1)}).of_profile[rows.i4(i, 2)].bits = rows.i4(i, 3);
}

bool ValidationWrites::is_judged(MeterId meter, Day date) const {
  const auto& month = months_.at({meter, JudgedVersions::month_of(date)}).of_profile;
  return std::ranges::any_of(month,
                             [&](const auto& entry) { return (entry.second.bits & bit_of(date)) != 0; });
}

// By the clock that decides what counts, which is the database's.
void ValidationWrites::load_pending(const std::vector<MeterDayFacts>& all) {
  std::set<ChannelId> channels;
  for (const MeterDayFacts& facts : all) {
    for (const RowVersion& row : facts.versions) channels.insert(row.channel);
  }
  const std::vector<std::int64_t> ids(channels.begin(), channels.end());
  Params params;
  params.array(ids);
  const Rows rows = Rows::query(session_.raw(),
                                "SELECT DISTINCT w.channel_id FROM unnest($1::bigint[]) AS k (channel_id)"
                                " JOIN withdrawal w USING (channel_id) WHERE w.at > clock_timestamp()",
                                params);
  for (int i = 0; i < rows.size(); ++i) pending_.insert(rows.i8(i, 0));
}

std::int32_t ValidationWrites::profile_id(const std::string& profile) {
  const auto [entry, fresh] = profiles_.try_emplace(clean_text(profile), 0);
  if (!fresh) return entry->second;
  const std::string text[] = {entry->first};
  Params params;
  params.texts(text);
  Rows::query(session_.raw(),
              "INSERT INTO judged_profile (profile) SELECT $1[1] WHERE NOT EXISTS (SELECT FROM judged_profile"
              " WHERE profile = $1[1])",
              params);
  const Rows rows =
      Rows::query(session_.raw(), "SELECT profile_id FROM judged_profile WHERE profile = $1[1]", params);
  return entry->second = rows.i4(0, 0);
}

void ValidationWrites::add(const MeterDayFacts& facts, const DayVerdict& verdict, bool ordered) {
  const bool findings_changed = reconcile_findings(facts, verdict);
  const bool estimates_changed = reconcile_estimates(facts, verdict);
  const std::pair next{facts.of.meter, Day{facts.of.date} + days{1}};
  if (estimates_changed) next_days.insert(next);
  // What changed here may be the last value before a silence, which is news to each of its days, whatever
  // they were judged by: values come in any order. It ends with the silence, or after the 40 days for which a
  // silent channel owes anything.
  if (tells_of_silence(facts, verdict) && !batch_.contains(next) &&
      (!ordered || findings_changed || !is_judged(next.first, next.second)))
    next_days.insert(next);
  note_versions(facts, verdict.judged);
  note_judged(facts, verdict);
}

bool ValidationWrites::reconcile_findings(const MeterDayFacts& facts, const DayVerdict& verdict) {
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
  if (going.empty() && wanted.empty()) return false;
  for (const DayFinding* finding : wanted) {
    after.push_back(finding);
    changed.push_back(finding);
    fresh_findings_.push_back({&facts, finding, nullptr, &verdict});
  }
  changes_.findings(facts, before, after, changed);
  // The run's part of the day before is that day's to find. Judged in this batch, it has seen these values.
  const std::pair day_before{facts.of.meter, date - days{1}};
  if (!batch_.contains(day_before) &&
      std::ranges::any_of(changed, [&](const DayFinding* finding) { return goes_back(facts, *finding); }))
    next_days.insert(day_before);
  found += wanted.size();
  gone += going.size();
  for (auto i = going.rbegin(); i != going.rend(); ++i) {
    (of_registers(standing[*i].finding) ? gone_register_findings_ : gone_findings_)
        .push_back(standing[*i].id);
    standing.erase(standing.begin() + static_cast<std::ptrdiff_t>(*i));
  }
  for (const DayFinding* finding : wanted) standing.push_back({0, date, *finding});
  return true;
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

void ValidationWrites::note_versions(const MeterDayFacts& facts, bool judged) {
  for (const RowVersion& row : facts.versions) {
    const auto minute = [&](UtcInstant at) {
      return static_cast<std::int32_t>(std::clamp<std::int64_t>(
          (at - UtcInstant{row.day}) / std::chrono::minutes{1}, 0, JudgedParts::kDay));
    };
    const bool fits = row.version <= std::numeric_limits<std::int32_t>::max();
    const auto key = judged_key(facts.of.meter, row);
    JudgedParts parts = judged_.of(key, row.day);
    const std::int32_t version =
        judged && fits && !pending_.contains(row.channel) ? static_cast<std::int32_t>(row.version) : 0;
    if (row.grid) {
      parts.judged(minute(facts.day.from), minute(facts.day.to), version);
    } else {
      parts.judged_alone(minute(facts.day.from), minute(facts.day.to), version);
    }
    judged_.change(key, facts.of.utility, row.day, parts);
  }
}

// The meter counts for the profile that the day was judged by last, and for no other.
void ValidationWrites::note_judged(const MeterDayFacts& facts, const DayVerdict& verdict) {
  const Day date{facts.of.date};
  Month& month = months_.at({facts.of.meter, JudgedVersions::month_of(date)});
  const std::int32_t bit = bit_of(date);
  bool known = false;
  const std::int32_t now = verdict.judged ? profile_id(verdict.profile) : 0;
  for (auto& [profile, days] : month.of_profile) {
    if ((days.bits & bit) == 0) continue;
    known = verdict.judged && profile == now;
    if (known) break;
    days.bits &= ~bit;
    days.changed = true;
    --counted_[{facts.of.utility, date, profile}];
  }
  if (!verdict.judged) return;
  std::int64_t& count =
      counted_[{facts.of.utility, date, now}];  // known or not: the newest judgement is of now
  if (known) return;
  Days& days = month.of_profile[now];
  days.bits |= bit;
  days.changed = true;
  ++count;
}

void ValidationWrites::apply() {
  write_gone();
  write_findings(false);
  write_findings(true);
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
  end("UPDATE register_finding SET gone_at = greatest(found_at, $2[1]) WHERE finding_id = ANY ($1)",
      gone_register_findings_);
  end("UPDATE estimate SET superseded_at = greatest(made_at, $2[1]) WHERE estimate_id = ANY ($1)",
      gone_estimates_);
}

void ValidationWrites::write_findings(bool registers) const {
  CopyRows out;
  for (const Fresh& fresh : fresh_findings_) {
    const DayFinding& finding = *fresh.finding;
    if (of_registers(finding) != registers) continue;
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
  if (out.rows() == 0) return;
  const std::string into = std::string(registers ? "register_finding" : "finding") +
                           " (utility_id, meter_id, date, channel_id, length_s, from_at, to_at, check_number,"
                           " quality, advice, words, profile, found_at)";
  out.send(session_.raw(), into);
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
  std::vector<std::int64_t> meters;
  std::vector<std::int32_t> utilities, bits, profiles;
  std::vector<Day> day_months;
  for (const auto& [key, month] : months_) {
    for (const auto& [profile, days] : month.of_profile) {
      if (!days.changed) continue;
      meters.push_back(key.first);
      day_months.push_back(key.second);
      utilities.push_back(month.utility);
      profiles.push_back(profile);
      bits.push_back(days.bits);
    }
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
    params.array(profiles);
    params.array(bits);
    Rows::query(session_.raw(),
                "INSERT INTO judged_day (meter_id, month, utility_id, profile_id, days)"
                " SELECT * FROM unnest($1::bigint[], $2::date[], $3::int[], $4::int[], $5::int[])"
                " ON CONFLICT (meter_id, month, profile_id) DO UPDATE SET days = excluded.days",
                params);
  }
  write_counts();
}

void ValidationWrites::write_counts() const {
  std::vector<std::int64_t> more;
  std::vector<std::int32_t> whose, profiles;
  std::vector<Day> dates;
  for (const auto& [key, count] : counted_) {
    whose.push_back(std::get<0>(key));
    dates.push_back(std::get<1>(key));
    profiles.push_back(std::get<2>(key));
    more.push_back(count);
  }
  if (whose.empty()) return;
  const UtcInstant now[] = {now_};
  Params params;
  params.array(whose);
  params.array(std::span<const Day>(dates));
  params.array(profiles);
  params.array(more);
  params.array(std::span<const UtcInstant>(now));
  Rows::query(
      session_.raw(),
      "INSERT INTO judged_count AS c (utility_id, date, profile_id, meters, judged_at) SELECT k.*, $5[1]"
      " FROM unnest($1::int[], $2::date[], $3::int[], $4::bigint[])"
      " AS k (utility_id, date, profile_id, meters) ON CONFLICT (utility_id, date, profile_id) DO UPDATE"
      " SET meters = greatest(c.meters + excluded.meters, 0),"
      " judged_at = greatest(c.judged_at, excluded.judged_at)",
      params);
}

}  // namespace ami::storage
