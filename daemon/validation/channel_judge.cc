#include "daemon/validation/channel_judge.h"

#include <algorithm>

#include "daemon/validation/like_days.h"
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

// The marks of the day's slots, and of those that a check doubts by themselves: they are no end points of a
// line.
std::vector<vee::Marks> doubted_slots(const JudgedChannel& channel) {
  std::vector<vee::Marks> marks;
  for (std::size_t i = 0; i < channel.input.values.size(); ++i) marks.push_back(channel.input.marks_at(i));
  for (const vee::Finding& finding : channel.report.findings()) {
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
    for (std::size_t i = finding.slots.first;
         i < finding.slots.first + finding.slots.count && i < marks.size(); ++i)
      if (channel.input.values[i] != kHole) marks[i] |= doubt;
  }
  return marks;
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
  channel.odd = std::move(line.odd);
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
  for (const storage::LostInterval& lost : scene_.facts.lost) {
    const auto past = lost.start - input.first_start;
    if (lost.channel != line.channel || lost.length != line.length || past < past.zero() ||
        past % input.length != past.zero())
      continue;
    const auto slot = static_cast<std::size_t>(past / std::chrono::microseconds{input.length});
    if (slot < input.values.size()) channel.other_values.push_back({slot, lost.value, lost.same_stamp});
  }
  std::ranges::sort(channel.other_values, {}, [](const vee::OtherValue& other) {
    return std::tuple(other.slot, other.value.mantissa, other.value.exponent, other.same_version);
  });
  input.other_values = channel.other_values;
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
  for (std::size_t i = line.first; i-- > 0 && channel.values[i] != kHole;) {
    if (input.before.count > 0 && channel.values[i] != input.before.value) break;
    input.before = {channel.values[i], input.before.count + 1};
  }
  if (wanted_.has(Check::HighLow)) {
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
  }
  if (wanted_.has(Check::Demand)) {
    const TypedChannel* dial = nullptr;
    input.demand = demand_of(scene_, registers_, typed, dial);
    demand_ = dial == nullptr ? 0 : dial->info.id;
  }
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
    // From here on slots are the day's; from and to say where the rest is.
    const std::size_t end = std::min(finding.slots.first + finding.slots.count, line.first + line.count);
    const std::size_t first = std::max(finding.slots.first, line.first);
    finding.slots = first < end ? vee::SlotRange{first - line.first, end - first} : vee::SlotRange{};
  });
}

vee::Neighbour ChannelJudge::neighbour(const JudgedChannel& channel, std::size_t slot) const {
  vee::Neighbour found{channel.values[slot], channel.window.marks_at(slot)};
  const UtcInstant from = channel.window.start_of(slot), to = channel.window.end_of(slot);
  const auto overlaps = [&](const vee::Span& span) { return span.from < to && span.to > from; };
  if (std::ranges::any_of(day_.meter.outages, overlaps)) found.marks |= vee::Mark::PowerFail;
  if (std::ranges::any_of(day_.meter.test_modes, overlaps)) found.marks |= vee::Mark::TestMode;
  for (const vee::ClockSet& set : day_.meter.clock_sets) {
    if (set.at >= from && set.at < to) found.marks |= vee::Mark::ClockChanged;
  }
  return found;
}

void ChannelJudge::estimate(JudgedChannel& channel, const IntervalLine& line) {
  const LikeDays like =
      like_days(scene_, line.channel, channel.input.first_start, line.length, day_.meter.outages);
  const std::vector<vee::Marks> doubted = doubted_slots(channel);
  vee::ChannelDay day = channel.input;
  day.marks = doubted;
  vee::EstimationInput input{.day = day,
                             .meter = day_.meter,
                             .zone = scene_.zone,
                             .date = scene_.facts.of.date,
                             .day_class = vee::day_class(scene_.facts.of.date, scene_.rules.holidays),
                             .before = std::nullopt,
                             .after = std::nullopt,
                             .like_days = like.days,
                             .class_profile = {},
                             .collection_ends = scene_.due};
  if (line.first > 0) input.before = neighbour(channel, line.first - 1);
  if (line.first + line.count < channel.values.size())
    input.after = neighbour(channel, line.first + line.count);
  channel.estimation = vee::estimate(input, scene_.config);
  std::ranges::move(stored_estimates(channel), std::back_inserter(day_.verdict.estimates));
  if (!wanted_.has(Check::IntervalSum)) return;
  for (const vee::Finding& finding : channel.estimation.findings) {
    std::ranges::move(interval_findings(channel, scene_.facts.day, finding, demand_),
                      std::back_inserter(day_.verdict.findings));
    if (channel.report.explains())
      channel.diagnoses.push_back(vee::diagnose(finding, &channel.input, day_.meter, scene_.config));
    channel.report.found(finding);
  }
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
  if (estimates && holes) estimate(channel, line);
  if (estimates && !channel.estimation.estimates.empty()) {
    const auto before = scene_.facts.estimated_days_before.find(line.channel);
    channel.input.estimated_days_in_a_row =
        1 + (before == scene_.facts.estimated_days_before.end() ? 0 : before->second);
  }
  look(channel, channel.input, day_.meter, {Check::ProlongedEstimation});
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
