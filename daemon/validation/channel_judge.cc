#include "daemon/validation/channel_judge.h"

#include <algorithm>

#include "daemon/validation/earlier_days.h"
#include "daemon/validation/stored_findings.h"
#include "meter_model/vee/checks.h"
#include "meter_model/vee/register_monotone.h"

namespace ami::validation {
namespace {

using vee::Check;
using vee::kHole;

constexpr std::size_t kNeighbours = 8;  // that a likely cause may ask for

// Averages (volts) have slots and marks, but nothing that adds up.
vee::CheckSet of_averages(const vee::CheckSet& wanted) {
  return those_of(wanted, {Check::IntervalSize, Check::Continuity, Check::Overflow, Check::TestMode,
                           Check::PowerFailure, Check::ClockChanged, Check::Timestamps});
}

// A maximum or a momentary value may fall; only its time can be wrong.
vee::CheckSet of_dial(const vee::CheckSet& wanted, const ReadingType& type) {
  constexpr std::int32_t kNet = 4;
  const bool counts = only_grows(type) || type[ReadingType::FlowDirection] == kNet;
  return counts ? those_of(wanted, {Check::RegisterMonotone, Check::Timestamps})
                : those_of(wanted, {Check::Timestamps});
}

// Marks slots that a check doubts by themselves: they are no end points of a line. Slot 0 of the report is
// `first` of `marks`.
void mark_doubts(const vee::Report& report, const std::vector<std::int64_t>& values, std::size_t first,
                 std::vector<vee::Marks>& marks) {
  for (const vee::Finding& finding : report.findings()) {
    vee::Marks doubt;
    switch (finding.check) {
      case Check::Overflow:
        doubt = vee::Mark::Overflow;
        break;
      case Check::Continuity:
      case Check::PhysicalMaximum:
      case Check::Sign:
      case Check::Spike:
      case Check::Frozen:
        doubt = vee::Mark::Suspect;
        break;
      default:
        continue;
    }
    for (std::size_t i = first + finding.slots.first;
         i < first + finding.slots.first + finding.slots.count && i < marks.size(); ++i)
      if (values[i] != kHole) marks[i] |= doubt;
  }
}

// Of the window's slots the day's, counted from its first.
vee::SlotRange of_day(const vee::SlotRange& slots, const IntervalLine& line) {
  const std::size_t end = std::min(slots.first + slots.count, line.first + line.count);
  const std::size_t first = std::max(slots.first, line.first);
  return first < end ? vee::SlotRange{first - line.first, end - first} : vee::SlotRange{};
}

bool any_hole(const std::vector<std::int64_t>& values, const vee::SlotRange& slots) {
  const auto from = values.begin() + static_cast<std::ptrdiff_t>(slots.first);
  const auto to = from + static_cast<std::ptrdiff_t>(slots.count);
  return std::find(from, to, kHole) != to;
}

// Whether the day before has a hole, between whose registers this day may lie.
bool lacks_before(const JudgedChannel& channel, const IntervalLine& line) {
  return std::ranges::any_of(line.days, [&](const vee::DaySlots& day) {
    return day.slots.first < line.first && any_hole(channel.values, day.slots);
  });
}

std::vector<Decimal> values_from(const vee::ChannelDay& window, std::size_t start, bool backwards) {
  std::vector<Decimal> values;
  for (std::size_t k = 0; k < kNeighbours; ++k) {
    const std::size_t slot =
        backwards ? start - 1 - k : start + k;  // wraps far beyond the end before the first
    if (slot >= window.values.size() || window.values[slot] == kHole) break;
    values.push_back(window.value_at(slot));
  }
  return values;
}

}  // namespace

vee::CheckSet those_of(const vee::CheckSet& wanted, std::initializer_list<Check> checks) {
  vee::CheckSet set;
  for (const Check check : checks) {
    if (wanted.has(check)) set.add(check);
  }
  return set;
}

void take(const vee::Report& from, vee::Report& into, const std::function<void(vee::Finding&)>& change) {
  auto finding = from.findings().begin();
  const auto hand_on = [&] {
    vee::Finding copy = *finding++;
    change(copy);
    into.found(std::move(copy));
  };
  for (const vee::Judgement& judgement : from.judgements()) {
    if (judgement.verdict == vee::Verdict::Failed) {
      hand_on();
    } else if (judgement.verdict == vee::Verdict::Passed) {
      into.passed(judgement.check, judgement.figures);
    } else {
      into.not_judged(judgement.check, judgement.words);
    }
  }
  while (finding != from.findings().end()) hand_on();
}

void ChannelJudge::fill(JudgedChannel& channel, IntervalLine& line, const TypedChannel& typed) {
  channel.channel = typed.info;
  channel.report = vee::Report(detail_);
  channel.values = std::move(line.values);
  channel.marks = std::move(line.marks);
  for (const vee::OddInterval& odd : line.odd) {
    if (scene_.facts.day.contains(odd.start)) channel.odd.push_back(odd);
  }
  vee::ChannelDay& window = channel.window;
  window.unit = channel.channel.unit;
  window.programme = programme_of(scene_, typed, line.length, channel.assumed);
  window.day = {scene_.facts.window.from, scene_.facts.window.to};
  window.first_start = line.first_start;
  window.length = line.length;
  window.exponent = line.exponent;
  window.values = channel.values;
  window.marks = channel.marks;

  vee::ChannelDay& input = channel.input;
  input = window;
  input.day = line.day;
  input.first_start = window.start_of(line.first);
  if (!channel.values.empty()) input.values = window.values.subspan(line.first, line.count);
  if (!channel.marks.empty()) input.marks = window.marks.subspan(line.first, line.count);
  input.odd = channel.odd;
  channel.other_values = others_of(line, {line.first, input.values.size()});
  input.other_values = channel.other_values;
}

std::vector<vee::OtherValue> ChannelJudge::others_of(const IntervalLine& line,
                                                     const vee::SlotRange& slots) const {
  std::vector<vee::OtherValue> others;
  const UtcInstant first_start = line.first_start + line.length * static_cast<std::int64_t>(slots.first);
  for (const storage::LostInterval& lost : scene_.facts.lost) {
    const auto past = lost.start - first_start;
    if (lost.channel != line.channel || lost.length != line.length || past < past.zero() ||
        past % line.length != past.zero())
      continue;
    const auto slot = static_cast<std::size_t>(past / std::chrono::microseconds{line.length});
    if (slot < slots.count) others.push_back({slot, lost.value, lost.same_stamp});
  }
  std::ranges::sort(others, {}, [](const vee::OtherValue& other) {
    return std::tuple(other.slot, other.value.mantissa, other.value.exponent, other.same_version);
  });
  return others;
}

vee::RunBeside ChannelJudge::run_beside(const JudgedChannel& channel, std::size_t slot,
                                        bool backwards) const {
  const vee::MeterDay& meter = day_.meter;
  vee::RunBeside run;
  // Before the first slot lies one beyond all others.
  for (; slot < channel.values.size() && channel.values[slot] != kHole; backwards ? --slot : ++slot) {
    if (run.count > 0 && channel.values[slot] != run.value) break;
    if (channel.values[slot] == 0) {
      const UtcInstant from = channel.window.start_of(slot), to = channel.window.end_of(slot);
      const auto off = [&](std::span<const vee::Span> spans) {
        return std::ranges::any_of(spans,
                                   [&](const vee::Span& span) { return span.from < to && span.to > from; });
      };
      if (off(meter.switch_open) || off(meter.inactive) || off(meter.outages) ||
          channel.window.marks_at(slot).any_of(vee::Mark::PowerFail))
        break;
    }
    run = {channel.values[slot], run.count + 1};
  }
  return run;
}

void ChannelJudge::pair(JudgedChannel& channel, const TypedChannel& typed) {
  const Pairing pairing = dial_of(scene_, registers_, typed);
  channel.pairing = pairing.words;
  if (pairing.line == nullptr) return;
  channel.paired = pairing.line->channel->info;
  channel.registers = pairing.line->reads;
  channel.input.registers = channel.registers;
  // A reading at any other moment would keep the ones at ends of intervals from being compared.
  for (const vee::RegisterRead& read : channel.registers) {
    const auto past = read.at - channel.window.first_start;
    if (past >= past.zero() && past % channel.window.length == past.zero())
      channel.boundaries.push_back(read);
  }
  channel.window.registers = judged_reads(channel.boundaries, scene_.facts.day);
}

void ChannelJudge::history(JudgedChannel& channel, const IntervalLine& line, const TypedChannel& typed) {
  vee::ChannelDay& input = channel.input;
  input.before = run_beside(channel, line.first - 1, true);
  // A next day that is not over is judged later, and brings this one back where a run goes on.
  const std::chrono::sys_days tomorrow = std::chrono::sys_days{scene_.facts.of.date} + std::chrono::days{1};
  if (scene_.now >= vee::civil_day(scene_.zone, tomorrow).to)
    input.after = run_beside(channel, line.first + line.count, false);
  if (wanted_.has(Check::HighLow)) usual_use(channel, typed);
  if (wanted_.has(Check::Demand)) {
    const TypedChannel* dial = nullptr;
    input.demand = demand_of(scene_, registers_, typed, dial);
    demand_ = dial == nullptr ? 0 : dial->info.id;
  }
}

// Dials first, then intervals; last year's month before the last period.
void ChannelJudge::usual_use(JudgedChannel& channel, const TypedChannel& typed) {
  vee::ChannelDay& input = channel.input;
  const Pairing pairing = dial_of(scene_, registers_, typed);
  if (pairing.line != nullptr) {
    const auto use = average_use(scene_, *pairing.line, input.programme, day_.meter);
    input.adu_same_month_last_year = use.same_month_last_year;
    input.adu_last_period = use.last_period;
  }
  // Behind generation the use of a day says nothing of the use of another.
  if (const RegisterLine* opposite = opposite_dial_of(scene_, registers_, typed)) {
    const auto given = average_use(scene_, *opposite, input.programme, day_.meter);
    const auto some = [](const std::optional<Decimal>& use) { return use && use->mantissa > 0; };
    if (some(given.same_month_last_year) || some(given.last_period)) day_.meter.customer_generates = true;
  }
  // What would not be judged anyway costs no question.
  const bool whole = std::ranges::find(input.values, kHole) == input.values.end();
  if (!whole || input.programme.is_received || day_.meter.customer_generates) return;
  const auto of_intervals = [&](const EarlierPeriod& period, std::optional<Decimal>& use) {
    if (use) return;
    use = average_use(scene_, channel.channel.id, input, period);
    if (!use) return;
    for (const ChannelId opposite : opposite_intervals_of(scene_, typed))
      day_.meter.customer_generates |= any_energy(scene_, opposite, period);
  };
  of_intervals(same_month_last_year(scene_), input.adu_same_month_last_year);
  if (!input.adu_same_month_last_year) of_intervals(last_thirty_days(scene_), input.adu_last_period);
}

void ChannelJudge::look(JudgedChannel& channel, const vee::ChannelDay& input, const vee::MeterDay& meter,
                        Checks checks) {
  const vee::CheckSet set = those_of(wanted_, checks);
  if (set.none()) return;
  vee::Report report(detail_);
  vee::check_channel_day(input, meter, scene_.config, set, report);
  take(report, channel.report, [&](vee::Finding& finding) {
    std::ranges::move(interval_findings(channel, scene_.facts.day, finding, demand_),
                      std::back_inserter(day_.verdict.findings));
    if (channel.report.explains())
      channel.diagnoses.push_back(vee::diagnose(finding, &input, meter, scene_.config));
  });
}

// What may still come is not missing. Overlaps and contradictions are judged all the same.
void ChannelJudge::continuity(JudgedChannel& channel, bool holes) {
  if (scene_.is_late() || !holes) return look(channel, channel.input, day_.meter, {Check::Continuity});
  vee::MeterDay early = day_.meter;
  early.as_of = UtcInstant::min();
  vee::Report report(detail_);
  vee::check_channel_day(channel.input, early, scene_.config, those_of(wanted_, {Check::Continuity}), report);
  if (report.findings().empty()) {
    if (wanted_.has(Check::Continuity))
      channel.report.not_judged(Check::Continuity, "what is not there may still come");
    return;
  }
  look(channel, channel.input, early, {Check::Continuity});
}

void ChannelJudge::interval_sum(JudgedChannel& channel, const IntervalLine& line, const TypedChannel& typed) {
  if (!wanted_.has(Check::IntervalSum)) return;
  if (!channel.paired) return channel.report.not_judged(Check::IntervalSum, channel.pairing);
  vee::Report report(detail_);
  vee::check_channel_day(channel.window, day_.meter, scene_.config, {Check::IntervalSum}, report);
  const RegisterLine* opposite = opposite_dial_of(scene_, registers_, typed);
  take(report, channel.report, [&](vee::Finding& finding) {
    std::ranges::move(interval_findings(channel, scene_.facts.day, finding, demand_),
                      std::back_inserter(day_.verdict.findings));
    if (channel.report.explains()) {
      const auto before = values_from(channel.window, finding.slots.first, true);
      const auto after = values_from(channel.window, finding.slots.first + finding.slots.count, false);
      vee::CauseHints hints{.opposite_difference = std::nullopt, .before = before, .after = after};
      if (opposite != nullptr) {
        const auto read_at = [&](std::optional<UtcInstant> at) {
          return std::ranges::find_if(opposite->reads, [&](const auto& read) { return read.at == at; });
        };
        const auto first = read_at(finding.from), second = read_at(finding.to);
        if (first != opposite->reads.end() && second != opposite->reads.end())
          hints.opposite_difference = second->value.minus(first->value);
      }
      channel.diagnoses.push_back(vee::diagnose(finding, &channel.window, day_.meter, scene_.config, hints));
    }
    finding.slots = of_day(finding.slots, line);  // from and to say where the rest is
  });
}

// As the day's own judge doubts them: both days of a gap over midnight must take the same end points.
void ChannelJudge::doubt_beside(const JudgedChannel& channel, const IntervalLine& line,
                                const vee::DaySlots& day, std::vector<vee::Marks>& marks) const {
  vee::ChannelDay beside = channel.window;
  beside.day = vee::civil_day(scene_.zone, day.date);
  beside.first_start = channel.window.start_of(day.slots.first);
  beside.values = channel.window.values.subspan(day.slots.first, day.slots.count);
  if (!channel.window.marks.empty())
    beside.marks = channel.window.marks.subspan(day.slots.first, day.slots.count);
  beside.registers = {};
  const auto others = others_of(line, day.slots);
  beside.other_values = others;
  std::vector<vee::OddInterval> odd;
  for (const vee::OddInterval& one : line.odd) {
    if (one.start >= beside.day.from && one.start < beside.day.to) odd.push_back(one);
  }
  beside.odd = odd;
  beside.before = run_beside(channel, day.slots.first - 1, true);
  beside.after = run_beside(channel, day.slots.first + day.slots.count, false);
  vee::Report report;
  vee::check_channel_day(beside, day_.meter, scene_.config,
                         those_of(wanted_, {Check::Overflow, Check::Continuity, Check::PhysicalMaximum,
                                            Check::Sign, Check::Spike, Check::Frozen}),
                         report);
  mark_doubts(report, channel.values, day.slots.first, marks);
}

// Of the window's slots, as far as they may be end points of a gap of the day.
std::vector<vee::Marks> ChannelJudge::doubts(const JudgedChannel& channel, const IntervalLine& line) const {
  std::vector<vee::Marks> marks = channel.marks;
  marks.resize(channel.values.size());
  mark_doubts(channel.report, channel.values, line.first, marks);
  const std::chrono::sys_days today{scene_.facts.of.date};
  const std::size_t last = line.first + line.count - 1;
  for (const vee::DaySlots& day : line.days) {
    const auto away = std::chrono::sys_days{day.date} - today;
    if ((away == -std::chrono::days{1} && channel.values[line.first] == kHole) ||
        (away == std::chrono::days{1} && channel.values[last] == kHole))
      doubt_beside(channel, line, day, marks);
  }
  return marks;
}

// `holes`: the day itself has some. Without, only the day before may, and all that can be said here is that
// the registers contradict what is there.
void ChannelJudge::estimate(JudgedChannel& channel, const IntervalLine& line, bool holes) {
  EarlierDays like;
  if (holes) {
    const std::chrono::sys_days today{scene_.facts.of.date};
    like = earlier_days(scene_, line.channel, channel.input,
                        {today - std::chrono::days{scene_.config.like_day_reach_days + 1},
                         today - std::chrono::days{1}, Words::All});
    mark_outages(scene_, day_.meter.outages, like);
  }
  const std::vector<vee::Marks> doubted = doubts(channel, line);
  vee::ChannelDay slots = channel.window;
  slots.marks = doubted;
  slots.registers = channel.boundaries;
  const UtcInstant due = holes ? scene_.due : scene_.facts.day.from + scene_.rules.grace;
  vee::Estimation made = vee::estimate({.day = slots,
                                        .meter = day_.meter,
                                        .zone = scene_.zone,
                                        .date = scene_.facts.of.date,
                                        .day_class = {},
                                        .days = line.days,
                                        .like_days = like.days,
                                        .class_profile = {},
                                        .collection_ends = holes ? due : UtcInstant{}},
                                       scene_.config);
  if (!made.findings.empty() && scene_.now < due) {
    day_.verdict.again_at = due;
    made.findings.clear();
  }
  for (vee::Estimate& estimate : made.estimates) estimate.slots = of_day(estimate.slots, line);
  for (vee::Unfilled& unfilled : made.unfilled) unfilled.slots = of_day(unfilled.slots, line);
  channel.estimation = std::move(made);
  std::ranges::move(stored_estimates(channel), std::back_inserter(day_.verdict.estimates));
  if (!wanted_.has(Check::IntervalSum)) return;
  for (vee::Finding& finding : channel.estimation.findings) {
    std::ranges::move(interval_findings(channel, scene_.facts.day, finding, demand_),
                      std::back_inserter(day_.verdict.findings));
    if (channel.report.explains())
      channel.diagnoses.push_back(vee::diagnose(finding, &channel.window, day_.meter, scene_.config));
    finding.slots = of_day(finding.slots, line);
    channel.report.found(finding);
  }
}

// A day counts whoever estimated something of it: we, or the vendor, by a quality of x.8.y.
void ChannelJudge::prolonged_estimation(JudgedChannel& channel, const IntervalLine& line) {
  if (!wanted_.has(Check::ProlongedEstimation)) return;
  const vee::ChannelDay& input = channel.input;
  bool estimated = !channel.estimation.estimates.empty();
  for (std::size_t i = 0; i < input.values.size() && !estimated; ++i)
    estimated = input.values[i] != kHole && input.marks_at(i).any_of(vee::Mark::Estimated);
  channel.input.estimated_days_in_a_row =
      estimated ? 1 + estimated_days_before(scene_, line.channel, input, scene_.config.estimated_days) : 0;
  look(channel, channel.input, day_.meter, {Check::ProlongedEstimation});
}

void ChannelJudge::judge_intervals(IntervalLine& line) {
  const TypedChannel& typed = scene_.channels.at(line.channel);
  const vee::Profile& profile = scene_.config.active();
  const bool consumption = is_consumption(typed.type);
  wanted_ = consumption ? profile.checks : of_averages(profile.checks);
  demand_ = 0;
  JudgedChannel& channel = day_.channels.emplace_back();
  fill(channel, line, typed);
  if (!line.fits) {
    for (const vee::CheckInfo& check : vee::all_checks()) {
      if (wanted_.has(check.check))
        channel.report.not_judged(check.check, "the values have no common exponent in 64 bits");
    }
    return;
  }
  if (consumption) {
    pair(channel, typed);
    history(channel, line, typed);
  }
  const bool holes = channel.input.values.empty() ||
                     std::ranges::find(channel.input.values, kHole) != channel.input.values.end();
  const bool estimates = consumption && profile.estimates && !channel.input.values.empty();
  if (holes && !scene_.is_late() && (estimates || wanted_.has(Check::Continuity)))
    day_.verdict.again_at = scene_.due;

  look(channel, channel.input, day_.meter, {Check::IntervalSize});
  continuity(channel, holes);
  look(channel, channel.input, day_.meter,
       {Check::Overflow, Check::TestMode, Check::PowerFailure, Check::ClockChanged, Check::PhysicalMaximum,
        Check::Sign});
  interval_sum(channel, line, typed);
  look(channel, channel.input, day_.meter,
       {Check::Spike, Check::HighLow, Check::ZeroRun, Check::Frozen, Check::UseWhileOff, Check::Demand});
  vee::ChannelDay slots_only = channel.input;  // readings are judged with their own channel
  slots_only.registers = {};
  look(channel, slots_only, day_.meter, {Check::Timestamps});
  if (estimates && (holes || lacks_before(channel, line))) estimate(channel, line, holes);
  prolonged_estimation(channel, line);
}

void ChannelJudge::judge_register(const RegisterLine& line) {
  const auto judged = judged_reads(line.reads, scene_.facts.day);
  if (judged.empty()) return;
  const TypedChannel& typed = *line.channel;
  wanted_ = of_dial(scene_.config.active().checks, typed.type);
  JudgedChannel& channel = day_.channels.emplace_back();
  channel.channel = typed.info;
  channel.report = vee::Report(detail_);
  channel.registers = line.reads;
  vee::ChannelDay& input = channel.input;
  input.unit = channel.channel.unit;
  input.programme = programme_of(scene_, typed, input.length, channel.assumed);
  input.day = {scene_.facts.day.from, scene_.facts.day.to};
  const std::span<const vee::RegisterRead> all = channel.registers;
  input.registers = judged_reads(all, scene_.facts.day);
  const auto look_at = [&](const vee::ChannelDay& readings, Check check) {
    vee::Report report(detail_);
    vee::check_channel_day(readings, day_.meter, scene_.config, those_of(wanted_, {check}), report);
    take(report, channel.report, [&](vee::Finding& finding) {
      day_.verdict.findings.push_back(register_finding(typed.info.id, finding));
    });
  };
  look_at(input, Check::RegisterMonotone);
  vee::ChannelDay own = input;  // the one before has been judged with its own day
  if (own.registers.front().at <= scene_.facts.day.from) own.registers = own.registers.subspan(1);
  look_at(own, Check::Timestamps);
  input.length = std::chrono::seconds{0};
}

void ChannelJudge::diagnose_registers() {
  for (JudgedChannel& dial : day_.channels) {
    if (dial.input.length != std::chrono::seconds{0}) continue;
    const JudgedChannel* intervals = nullptr;
    for (const JudgedChannel& other : day_.channels) {
      if (other.input.length == std::chrono::seconds{0} || !other.paired ||
          other.paired->id != dial.channel.id)
        continue;
      intervals = &other;
      dial.paired = other.channel;
    }
    if (!dial.report.explains()) continue;
    for (const vee::Finding& finding : dial.report.findings()) {
      dial.diagnoses.push_back(vee::diagnose(finding, intervals == nullptr ? nullptr : &intervals->window,
                                             day_.meter, scene_.config));
    }
  }
}

}  // namespace ami::validation
