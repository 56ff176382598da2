#include "storage/postgres/layers.h"

#include <algorithm>
#include <set>
#include <string>

#include "meter_model/vee/codes.h"
#include "meter_model/vee/findings.h"

namespace ami::storage {
namespace {

using std::chrono::days;
using std::chrono::seconds;

// Bounds of a look-up by the begin: no finding is longer than 62 days, no estimate than a civil day.
#define AMI_LONGEST_FINDING "interval '1488 hours'"
#define AMI_LONGEST_ESTIMATE "interval '50 hours'"
#define AMI_FINDING_STANDS "f.gone_at IS NULL"
#define AMI_FINDING_STOOD \
  "f.found_at <= ($6::timestamptz[])[1] AND (f.gone_at IS NULL OR f.gone_at > ($6::timestamptz[])[1])"
#define AMI_ESTIMATE_STANDS "e.superseded_at IS NULL"
#define AMI_ESTIMATE_STOOD                                                                 \
  "e.made_at <= ($6::timestamptz[])[1] AND (e.superseded_at IS NULL OR e.superseded_at > " \
  "($6::timestamptz[])[1])"

#define AMI_KEYS                                                                                    \
  " FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[]) AS k (meter_id, " \
  "channel_id, "                                                                                    \
  "low, high) CROSS JOIN LATERAL "
// OFFSET 0 keeps the planner from any way but by the index, key for key.
#define AMI_FINDINGS(stand)                                                                           \
  "SELECT 1, f.channel_id, f.length_s, f.from_at, f.to_at, f.quality, NULL::date, NULL::smallint[], " \
  "NULL::bigint[], "                                                                                  \
  "0::smallint, 0::bigint" AMI_KEYS                                                                   \
  "(SELECT * FROM finding f WHERE f.meter_id = k.meter_id AND f.channel_id = k.channel_id"            \
  " AND f.from_at > k.low - " AMI_LONGEST_FINDING                                                     \
  " AND f.from_at < k.high AND f.to_at > k.low AND f.length_s > 0 AND " stand " OFFSET 0) f"
#define AMI_ESTIMATES(stand)                                                                        \
  " UNION ALL SELECT 3, e.channel_id, e.interval_s, e.first_start, e.first_start, '', NULL, NULL, " \
  "e.mantissas, "                                                                                   \
  "e.exponent, e.estimate_id" AMI_KEYS                                                              \
  "(SELECT * FROM estimate e WHERE e.meter_id = k.meter_id AND e.channel_id = k.channel_id"         \
  " AND e.first_start > k.low - " AMI_LONGEST_ESTIMATE " AND e.first_start < k.high AND " stand     \
  " OFFSET 0) e"
#define AMI_JUDGED                                                                                 \
  " UNION ALL SELECT 2, j.channel_id, j.interval_s, 'epoch', 'epoch', '', j.month, j.runs, NULL, " \
  "0::smallint, "                                                                                  \
  "0" AMI_KEYS                                                                                     \
  "(SELECT * FROM judged_version j WHERE j.meter_id = k.meter_id AND j.channel_id = k.channel_id"  \
  " AND j.month BETWEEN ($5::date[])[1] AND ($5::date[])[2] OFFSET 0) j"

constexpr const char* kSayValidated = AMI_FINDINGS(AMI_FINDING_STANDS) AMI_JUDGED;
constexpr const char* kSayBest =
    AMI_FINDINGS(AMI_FINDING_STANDS) AMI_JUDGED AMI_ESTIMATES(AMI_ESTIMATE_STANDS);
// That our validation ran is not said of an earlier time. $5 is stated, for a plan needs a type for each
// parameter.
constexpr const char* kSayValidatedThen = AMI_FINDINGS("cardinality($5::date[]) = 2 AND " AMI_FINDING_STOOD);
constexpr const char* kSayBestThen =
    AMI_FINDINGS("cardinality($5::date[]) = 2 AND " AMI_FINDING_STOOD) AMI_ESTIMATES(AMI_ESTIMATE_STOOD);

#define AMI_REGISTER_KEYS                                                                                 \
  "SELECT k.n, f.quality FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) WITH ORDINALITY"      \
  " AS k (meter_id, channel_id, at, n) CROSS JOIN LATERAL (SELECT * FROM register_finding f WHERE"        \
  " f.meter_id = k.meter_id AND f.channel_id = k.channel_id AND f.from_at >= k.at - " AMI_LONGEST_FINDING \
  " AND f.from_at <= k.at AND (f.from_at = k.at OR f.to_at = k.at) AND "
constexpr const char* kRegisters = AMI_REGISTER_KEYS AMI_FINDING_STANDS " OFFSET 0) f ORDER BY k.n";
constexpr const char* kRegistersThen = AMI_REGISTER_KEYS
    "f.found_at <= ($4::timestamptz[])[1] AND (f.gone_at IS NULL OR f.gone_at > ($4::timestamptz[])[1])"
    " OFFSET 0) f ORDER BY k.n";

QualityCode code_of(std::string_view text) {
  const auto code = QualityCode::parse(text);
  if (!code.ok()) throw std::runtime_error("stored finding: " + code.error().message);
  return *code;
}

// One entry a slot, as far as the runs go.
template <class Id>
std::vector<Id> expand(const std::vector<Id>& runs, std::size_t slots) {
  std::vector<Id> out(slots, 0);
  std::size_t slot = 0;
  for (std::size_t i = 0; i + 1 < runs.size(); i += 2) {
    for (Id n = 0; n < runs[i] && slot < slots; ++n) out[slot++] = runs[i + 1];
  }
  return out;
}

template <class Id>
std::vector<Id> compressed(const std::vector<Id>& ids) {
  std::vector<Id> out;
  for (const Id id : ids) {
    if (!out.empty() && out.back() == id) {
      ++out[out.size() - 2];
    } else {
      out.insert(out.end(), {1, id});
    }
  }
  return out;
}

bool has_value(const SlotRow::Stored& stored, std::size_t slot) {
  return stored.wide.empty() ? stored.values[slot] != SlotRow::kNarrowHole
                             : stored.wide[slot] != SlotRow::kHole;
}

bool has_hole(const SlotRow::Stored& stored) {
  return stored.wide.empty() ? std::ranges::find(stored.values, SlotRow::kNarrowHole) != stored.values.end()
                             : std::ranges::find(stored.wide, SlotRow::kHole) != stored.wide.end();
}

// The few sets of codes that slots of a row carry, by number.
class CodeSets {
 public:
  std::uint16_t with(std::uint16_t set, QualityCode code) {
    for (const Step& step : steps_) {
      if (step.from == set && step.code == code) return step.to;
    }
    QualitySet wider = sets_[set];
    add(wider, code);
    auto known = std::ranges::find(sets_, wider);
    const auto number = static_cast<std::uint16_t>(known - sets_.begin());
    if (known == sets_.end()) sets_.push_back(std::move(wider));
    steps_.push_back({set, number, code});
    return number;
  }
  [[nodiscard]] const QualitySet& at(std::uint16_t set) const { return sets_[set]; }

 private:
  struct Step {
    std::uint16_t from = 0, to = 0;
    QualityCode code;
  };
  std::vector<QualitySet> sets_{{}};
  std::vector<Step> steps_;
};

// A row while estimates are put into its holes.
struct Filled {
  std::vector<std::int64_t> sources;
  std::vector<std::int32_t> qualities;
};

void widen(SlotRow::Stored& stored, std::size_t slots) {
  if (stored.wide.empty()) {
    stored.wide.assign(slots, SlotRow::kHole);
    for (std::size_t i = 0; i < stored.values.size(); ++i) {
      if (stored.values[i] != SlotRow::kNarrowHole) stored.wide[i] = stored.values[i];
    }
    stored.values.clear();
  }
  if (stored.exponents.empty()) stored.exponents.assign(slots, stored.exponent.value_or(std::int16_t{0}));
}

}  // namespace

Overlay::Overlay(Session& session, CombinedQualities& qualities, Layer layer, std::optional<UtcInstant> as_of)
    : session_(session), qualities_(qualities), layer_(layer), as_of_(as_of) {
  known_.try_emplace(0);
}

bool Overlay::load(const std::vector<Target>& targets, const std::vector<Stretch>& stretches) {
  findings_.clear();
  estimates_.clear();
  judged_.clear();
  std::vector<std::int64_t> meters, channels;
  std::vector<UtcInstant> low, high;
  Day months[] = {Day::max(), Day::min()};
  for (const Stretch& stretch : stretches) {
    meters.push_back(targets[stretch.target].channel.meter);
    channels.push_back(targets[stretch.target].channel.id);
    low.emplace_back(stretch.first);
    high.emplace_back(stretch.last + days{1});
    months[0] = std::min(months[0], JudgedVersions::month_of(stretch.first));
    months[1] = std::max(months[1], JudgedVersions::month_of(stretch.last));
  }
  Params params;
  params.array(meters);
  params.array(channels);
  params.array(std::span<const UtcInstant>(low));
  params.array(std::span<const UtcInstant>(high));
  params.array(std::span<const Day>(months));
  const bool best = layer_ == Layer::Best;
  if (as_of_) {
    const UtcInstant then[] = {*as_of_};
    params.array(std::span<const UtcInstant>(then));
  }
  const Rows rows =
      as_of_ ? ask(session_, best ? "ami_best_then" : "ami_validated_then",
                   best ? kSayBestThen : kSayValidatedThen, params)
             : ask(session_, best ? "ami_best" : "ami_validated", best ? kSayBest : kSayValidated, params);
  std::vector<std::int16_t> runs;
  std::set<std::int64_t> estimates;  // a channel may be asked about twice
  for (int i = 0; i < rows.size(); ++i) {
    const Series series{rows.i8(i, 1), rows.i4(i, 2)};
    switch (rows.i4(i, 0)) {
      case 1:
        findings_[series].push_back({rows.at(i, 3), rows.at(i, 4), code_of(rows.text(i, 5))});
        break;
      case 2:
        rows.array(i, 7, runs);
        judged_[{series, rows.day(i, 6)}] = judged_month(runs);
        break;
      default:
        if (!estimates.insert(rows.i8(i, 10)).second) break;
        Estimate& estimate = estimates_[series].emplace_back();
        estimate.id = rows.i8(i, 10);
        estimate.first = rows.at(i, 3);
        estimate.exponent = rows.i2(i, 9);
        rows.array(i, 8, estimate.mantissas);
    }
  }
  return rows.size() > 0;
}

void Overlay::learn(const std::vector<IntervalRow>& rows) {
  std::set<QualityId> unknown;
  for (const IntervalRow& row : rows) {
    const auto& runs = row.stored.quality_runs;
    for (std::size_t i = 1; i < runs.size(); i += 2) {
      if (!known_.contains(runs[i])) unknown.insert(runs[i]);
    }
  }
  for (auto& [id, quality] : load_qualities(session_, {unknown.begin(), unknown.end()}))
    known_[id] = std::move(quality);
}

QualityId Overlay::number(ValueQuality quality) {
  const QualityId id = qualities_.id_of(quality);
  known_.try_emplace(id, std::move(quality));
  return id;
}

QualityId Overlay::combined(QualityId base, const QualitySet& codes) {
  const auto [entry, fresh] = combinations_.try_emplace({base, codes}, base);
  if (fresh) {
    ValueQuality quality = known_.at(base);
    for (const QualityCode& code : codes) add(quality.codes, code);
    if (quality != known_.at(base)) entry->second = number(std::move(quality));
  }
  return entry->second;
}

const JudgedParts* Overlay::judged_parts(const IntervalRow& row) const {
  const Day day = std::chrono::floor<days>(row.start);
  const std::int64_t length = row.length.count();
  const auto month =
      judged_.find({{row.channel, row.grid ? length : -length}, JudgedVersions::month_of(day)});
  if (month == judged_.end()) return nullptr;
  return &month->second[static_cast<unsigned>(std::chrono::year_month_day{day}.day()) - 1];
}

std::map<Overlay::OddPart, std::int64_t> Overlay::odd_versions(
    const std::vector<IntervalRow>& rows, const std::vector<std::int64_t>& versions) const {
  std::map<OddPart, std::int64_t> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].grid) continue;
    if (const JudgedParts* parts = judged_parts(rows[i])) out[odd_part(rows[i], *parts)] += versions[i];
  }
  return out;
}

Overlay::OddPart Overlay::odd_part(const IntervalRow& row, const JudgedParts& parts) {
  const Day day = std::chrono::floor<days>(row.start);
  const bool first = (row.start - UtcInstant{day}) / std::chrono::minutes{1} < parts.minute;
  return {row.stretch, row.channel, row.length.count(), day, first};
}

void Overlay::mark(IntervalRow& row, std::int64_t version) {
  const Series series{row.channel, row.length.count()};
  const std::size_t slots = row.slots();
  const UtcInstant end = row.start + static_cast<std::int64_t>(slots) * row.length;
  CodeSets sets;
  std::vector<std::uint16_t> set_of;
  const auto mark_slots = [&](std::int64_t first, std::int64_t last, auto&& wanted, QualityCode code) {
    set_of.resize(slots, 0);
    for (auto slot = static_cast<std::size_t>(std::max<std::int64_t>(first, 0));
         slot < static_cast<std::size_t>(std::clamp<std::int64_t>(last, 0, static_cast<std::int64_t>(slots)));
         ++slot) {
      if (wanted(slot)) set_of[slot] = sets.with(set_of[slot], code);
    }
  };
  if (const auto found = findings_.find(series); found != findings_.end()) {
    const std::chrono::microseconds length = row.length, round_up = length - std::chrono::microseconds{1};
    for (const Finding& finding : found->second) {
      if (finding.to <= row.start || finding.from >= end) continue;
      // Slots that begin in [from, to).
      const auto from = std::max(finding.from, row.start) - row.start,
                 to = std::min(finding.to, end) - row.start;
      mark_slots((from + round_up) / length, (to + round_up) / length, [](std::size_t) { return true; },
                 finding.code);
    }
  }
  if (version != 0 && !judged_.empty()) {
    if (const JudgedParts* known = judged_parts(row); known != nullptr) {
      const JudgedParts& parts = *known;
      const auto minute_of = [&](std::size_t slot) {
        const UtcInstant start = row.start + static_cast<std::int64_t>(slot) * row.length;
        return (start - UtcInstant{std::chrono::floor<days>(row.start)}) / std::chrono::minutes{1};
      };
      const bool all = parts.after == version && (parts.before == version || parts.minute == 0);
      if (all && set_of.empty() && !has_hole(row.stored)) {  // as nearly always: run by run
        const QualitySet ran{kValidated};
        if (row.stored.quality_runs.empty()) row.stored.quality_runs = {static_cast<std::int32_t>(slots), 0};
        for (std::size_t i = 1; i < row.stored.quality_runs.size(); i += 2)
          row.stored.quality_runs[i] = combined(row.stored.quality_runs[i], ran);
        return;
      }
      if (parts.before == version || parts.after == version) {
        mark_slots(
            0, static_cast<std::int64_t>(slots),
            [&](std::size_t slot) {
              return parts.at(minute_of(slot)) == version && has_value(row.stored, slot);
            },
            kValidated);
      }
    }
  }
  if (set_of.empty()) return;
  std::vector<std::int32_t> ids = expand(row.stored.quality_runs, slots);
  std::pair<std::int32_t, std::uint16_t> last{0, 0};
  QualityId said = 0;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    const std::pair now{ids[slot], set_of[slot]};
    if (slot == 0 || now != last) said = combined(now.first, sets.at(now.second));
    last = now;
    ids[slot] = said;
  }
  row.stored.quality_runs = compressed(ids);
}

void Overlay::fill(const std::vector<Target>& targets, const std::vector<Stretch>& stretches,
                   std::vector<IntervalRow>& rows) {
  const QualityId estimated = number({{vee::code::kEstimated}, ""});
  std::map<std::tuple<std::size_t, UtcInstant, std::int64_t>, std::size_t> index;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (estimates_.contains({rows[i].channel, rows[i].length.count()}))
      index[{rows[i].stretch, rows[i].start, rows[i].length.count()}] = i;
  }
  std::map<std::size_t, Filled> filled;
  for (std::size_t n = 0; n < stretches.size(); ++n) {
    const Target& target = targets[stretches[n].target];
    const UtcInstant low{stretches[n].first}, high{stretches[n].last + days{1}};
    for (auto series = estimates_.lower_bound({target.channel.id, 0});
         series != estimates_.end() && series->first.first == target.channel.id; ++series) {
      const seconds length{series->first.second};
      for (const Estimate& estimate : series->second) {
        const bool grid = on_grid(estimate.first, length);
        for (std::size_t k = 0; k < estimate.mantissas.size(); ++k) {
          const UtcInstant at = estimate.first + static_cast<std::int64_t>(k) * length;
          if (at < low || at >= high || estimate.mantissas[k] == SlotRow::kHole) continue;
          const UtcInstant start = grid ? UtcInstant{std::chrono::floor<days>(at)} : at;
          const auto [place, fresh] = index.try_emplace({n, start, length.count()}, rows.size());
          const std::size_t slots = grid ? static_cast<std::size_t>(86'400 / length.count()) : 1;
          if (fresh) {
            IntervalRow row{n, target.channel.id, target.channel.meter, start, length, grid, {}};
            row.stored.wide.assign(slots, SlotRow::kHole);
            row.stored.source_runs = {static_cast<std::int64_t>(slots), 0};
            rows.push_back(std::move(row));
          }
          IntervalRow& row = rows[place->second];
          const auto slot = static_cast<std::size_t>((at - start) / length);
          if (slot >= row.slots() || has_value(row.stored, slot)) continue;
          widen(row.stored, slots);
          const auto [work, first] = filled.try_emplace(place->second);
          if (first) {
            work->second.sources = expand(row.stored.source_runs, slots);
            work->second.qualities = expand(row.stored.quality_runs, slots);
          }
          row.stored.wide[slot] = estimate.mantissas[k];
          row.stored.exponents[slot] = estimate.exponent;
          work->second.sources[slot] = -estimate.id;
          work->second.qualities[slot] = estimated;
        }
      }
    }
  }
  for (auto& [i, work] : filled) {
    rows[i].stored.source_runs = compressed(work.sources);
    rows[i].stored.quality_runs = compressed(work.qualities);
  }
  const auto order = [](const IntervalRow& row) { return std::tuple(row.stretch, row.start, row.length); };
  if (!std::ranges::is_sorted(rows, {}, order)) std::ranges::sort(rows, {}, order);
}

void Overlay::say(const std::vector<Target>& targets, const std::vector<Stretch>& stretches,
                  std::vector<IntervalRow>& rows, const std::vector<std::int64_t>& versions) {
  if (layer_ == Layer::Raw || stretches.empty() || !load(targets, stretches)) return;
  if (!findings_.empty() || !judged_.empty()) {
    learn(rows);
    const auto odd = judged_.empty() ? std::map<OddPart, std::int64_t>{} : odd_versions(rows, versions);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const JudgedParts* parts = rows[i].grid || odd.empty() ? nullptr : judged_parts(rows[i]);
      mark(rows[i], rows[i].grid ? versions[i] : parts == nullptr ? 0 : odd.at(odd_part(rows[i], *parts)));
    }
  }
  if (!estimates_.empty()) fill(targets, stretches, rows);
}

void Overlay::say(std::vector<RegisterRow>& rows) {
  if (layer_ == Layer::Raw || rows.empty()) return;
  std::vector<std::int64_t> meters, channels;
  std::vector<UtcInstant> times;
  for (const RegisterRow& row : rows) {
    meters.push_back(row.meter);
    channels.push_back(row.channel);
    times.push_back(row.at);
  }
  Params params;
  params.array(meters);
  params.array(channels);
  params.array(std::span<const UtcInstant>(times));
  if (as_of_) {
    const UtcInstant then[] = {*as_of_};
    params.array(std::span<const UtcInstant>(then));
  }
  const Rows found = as_of_ ? ask(session_, "ami_register_findings_then", kRegistersThen, params)
                            : ask(session_, "ami_register_findings", kRegisters, params);
  std::map<std::size_t, QualitySet> codes;
  std::set<QualityId> unknown;
  for (int i = 0; i < found.size(); ++i) {
    const auto row = static_cast<std::size_t>(found.i8(i, 0) - 1);
    add(codes[row], code_of(found.text(i, 1)));
    if (!known_.contains(rows.at(row).quality)) unknown.insert(rows[row].quality);
  }
  for (auto& [id, quality] : load_qualities(session_, {unknown.begin(), unknown.end()}))
    known_[id] = std::move(quality);
  for (const auto& [row, set] : codes) rows[row].quality = combined(rows[row].quality, set);
}

void Overlay::explain(Dictionary& dictionary) {
  std::vector<std::int64_t> estimates;
  while (!dictionary.sources.empty() && dictionary.sources.begin()->first < 0) {
    estimates.push_back(-dictionary.sources.begin()->first);
    dictionary.sources.erase(dictionary.sources.begin());
  }
  storage::explain(session_, dictionary, known_);
  if (!estimates.empty()) {
    Params params;
    params.array(estimates);
    const Rows rows = ask(session_, "ami_estimates",
                          "SELECT estimate_id, algorithm, method, version, inputs, made_at FROM estimate"
                          " WHERE estimate_id = ANY ($1::bigint[])",
                          params);
    for (int i = 0; i < rows.size(); ++i) {
      EstimateInfo& info = dictionary.estimates[-rows.i8(i, 0)];
      info = {rows.i8(i, 0), std::string(rows.text(i, 1)), std::string(rows.text(i, 2)),
              rows.i4(i, 3), std::string(rows.text(i, 4)), rows.at(i, 5)};
    }
  }
  if (layer_ == Layer::Raw) strip_findings(dictionary);
}

void strip_findings(Dictionary& dictionary) {
  for (auto& [id, quality] : dictionary.qualities) std::erase_if(quality.codes, is_finding);
}

}  // namespace ami::storage
