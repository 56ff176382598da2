#include "tests/meter_model/virtual_day/day_judge.h"

#include <algorithm>
#include <sstream>

#include "meter_model/vee/day_grid.h"

namespace ami::virtual_day {
namespace {

using std::chrono::days;
using std::chrono::microseconds;
using virtual_meter::EventKind;

constexpr std::int32_t kKilo = 3;

HeardIdentity identity_of(const virtual_meter::Identity& said) {
  return {said.serial, said.module, said.program_id, said.multiplier, said.ke_wh};
}

vee::MeterIdentity view(const HeardIdentity& identity) {
  return {.serial = identity.serial,
          .module = identity.module,
          .form = "2S",
          .programme = identity.programme,
          .multiplier = identity.multiplier};
}

// From each beginning to the next end; one that has not ended goes on.
std::vector<vee::Span> spans(const Heard& heard, EventKind begins, EventKind ends) {
  std::vector<vee::Span> out;
  for (const virtual_meter::Event& event : heard.events) {
    if (event.reporter != virtual_meter::Reporter::Meter) continue;
    const bool running = !out.empty() && out.back().to == UtcInstant::max();
    if (event.kind == begins && !running) out.push_back({event.at, UtcInstant::max()});
    if (event.kind == ends && running) out.back().to = event.at;
  }
  return out;
}

std::vector<UtcInstant> instants(const Heard& heard, EventKind kind, const vee::Span& day) {
  std::vector<UtcInstant> out;
  for (const virtual_meter::Event& event : heard.events) {
    if (event.kind == kind && event.at >= day.from && event.at < day.to) out.push_back(event.at);
  }
  return out;
}

std::optional<Decimal> read_at(const std::vector<vee::RegisterRead>& registers, UtcInstant at) {
  const auto found = std::ranges::find(registers, at, &vee::RegisterRead::at);
  if (found == registers.end()) return std::nullopt;
  return found->value;
}

std::optional<vee::RegisterSpan> span_of(const Heard& heard, const std::vector<vee::RegisterRead>& registers,
                                         const vee::Span& day) {
  const auto first = read_at(registers, day.from), second = read_at(registers, day.to);
  if (!first || !second) return std::nullopt;
  return vee::RegisterSpan{*first, *second, *heard.programme.register_resolution,
                           heard.programme.register_modulus};
}

// A channel's values on the slots of one civil day, and what does not fit them.
struct Laid {
  vee::DayGrid grid;
  std::vector<std::int64_t> values;
  std::vector<vee::Marks> marks;
  std::vector<vee::OddInterval> odd;
  std::vector<vee::OtherValue> others;
  bool any = false;

  Laid(const Heard& heard, const HeardChannel& channel, const vee::Span& day)
      : grid(vee::day_grid(day, heard.programme.interval, heard.programme.grid_phase)),
        values(heard.programme.is_recorded ? grid.count : 0, vee::kHole),
        marks(values.size()) {
    for (const HeardValue& said : channel.values) {
      if (said.start < day.from || said.start >= day.to) continue;
      any = true;
      const microseconds past = said.start - grid.first_start;
      const bool fits = past >= microseconds{0} && past % grid.length == microseconds{0} &&
                        said.end - said.start == grid.length;
      if (!fits) {
        odd.push_back({said.start, said.end, said.value});
        continue;
      }
      const auto slot = static_cast<std::size_t>(past / grid.length);
      marks.at(slot) |= said.marks;
      if (values[slot] == vee::kHole) {
        values[slot] = said.value.mantissa_at(heard.programme.ke->exponent).value();
      } else {
        others.push_back({slot, said.value, true});
      }
    }
    std::ranges::stable_sort(odd, {}, &vee::OddInterval::start);
  }
};

vee::RunBeside run_of(auto value, auto end) {
  vee::RunBeside run;
  for (; value != end && *value != vee::kHole; ++value) {
    if (run.count > 0 && *value != run.value) break;
    run = {*value, run.count + 1};
  }
  return run;
}

class DayJudge {
 public:
  DayJudge(const Heard& heard, std::chrono::year_month_day date) : heard_(heard) {
    judged_.date = date;
    judged_.day = day_ = vee::civil_day(heard.zone, date);
    before_ = vee::civil_day(heard.zone, std::chrono::sys_days{date} - days{1});
    after_ = vee::civil_day(heard.zone, std::chrono::sys_days{date} + days{1});
  }

  JudgedDay judge() {
    meter();
    vee::Report report(vee::Report::Detail::EveryJudgement);
    check_meter_day(meter_, config_, vee::CheckSet::all(), report);
    take(report);
    for (const HeardChannel& heard : heard_.channels) channel(heard);
    return std::move(judged_);
  }

 private:
  void meter() {
    meter_.expected = view(heard_.expected);
    meter_.collector_error = std::chrono::milliseconds{150};
    meter_.interval = heard_.programme.interval;
    outages_ = spans(heard_, EventKind::Outage, EventKind::Restoration);
    test_modes_ = spans(heard_, EventKind::TestModeStart, EventKind::TestModeStop);
    open_ = spans(heard_, EventKind::SwitchOpened, EventKind::SwitchClosed);
    reverse_ = instants(heard_, EventKind::ReverseEnergy, day_);
    for (const UtcInstant at : instants(heard_, EventKind::ClockAdjusted, day_))
      clock_sets_.push_back({at, {}});
    if (!instants(heard_, EventKind::RamError, day_).empty()) diagnostics_.push_back(vee::Diagnostic::Ram);
    for (const HeardState& state : heard_.states) {
      if (state.at < day_.from || state.at > day_.to) continue;
      state_of(state);
    }
    meter_.outages = outages_;
    meter_.test_modes = test_modes_;
    meter_.switch_open = open_;
    meter_.reverse_flags = reverse_;
    meter_.clock_sets = clock_sets_;
    meter_.diagnostics = diagnostics_;
    meter_.has_received_channel = heard_.has_received_channel;
    meter_.customer_generates = heard_.generates;
    meter_.installed_from = heard_.installed;
    meter_.as_of = heard_.as_of;
    for (const HeardChannel& channel : heard_.channels)
      (channel.is_received ? meter_.received : meter_.delivered) = span_of(heard_, channel.registers, day_);
    meter_.net = span_of(heard_, heard_.net, day_);
    meter_.tou_bulk = meter_.delivered;
    for (const auto& tier : heard_.tiers) {
      if (const auto span = span_of(heard_, tier, day_)) tiers_.push_back(*span);
    }
    if (tiers_.size() == heard_.tiers.size()) meter_.tou_tiers = tiers_;
  }

  // The worst of the day's reads counts.
  void state_of(const HeardState& state) {
    const vee::MeterIdentity said = view(state.identity);
    const auto differs = [&](const vee::MeterIdentity& one) {
      return one.serial != meter_.expected.serial || one.module != meter_.expected.module ||
             one.programme != meter_.expected.programme || one.multiplier != meter_.expected.multiplier;
    };
    if (!differs(meter_.reported)) meter_.reported = said;
    if (meter_.reported.serial.empty()) meter_.reported = said;
    if (state.clock_error &&
        (!meter_.meter_error || std::chrono::abs(*state.clock_error) > std::chrono::abs(*meter_.meter_error)))
      meter_.meter_error = state.clock_error;
    if (state.diagnostic && diagnostics_.empty()) diagnostics_.push_back(vee::Diagnostic::SelfCheck);
    const vee::ProgrammeState programme{state.identity.programme, state.identity.ke, std::nullopt};
    if (!meter_.programme_before) meter_.programme_before = programme;
    meter_.programme_now = programme;
    if (state.demand) demand_ = state.demand;
  }

  void channel(const HeardChannel& said) {
    const Laid laid(heard_, said, day_);
    vee::ChannelDay day;
    day.programme = heard_.programme;
    day.programme.is_received = said.is_received;
    day.day = day_;
    day.first_start = laid.grid.first_start;
    day.length = heard_.programme.interval;
    day.exponent = heard_.programme.ke->exponent;
    day.values = laid.values;
    day.marks = laid.marks;
    day.odd = laid.odd;
    day.other_values = laid.others;
    std::vector<vee::RegisterRead> registers;
    for (const vee::RegisterRead& read : said.registers) {
      if (read.at >= day_.from && read.at <= day_.to) registers.push_back(read);
    }
    std::ranges::stable_sort(registers, {}, &vee::RegisterRead::at);
    day.registers = registers;
    if (!said.is_received) day.demand = demand_;
    const Laid before(heard_, said, before_), after(heard_, said, after_);
    day.before = run_of(before.values.rbegin(), before.values.rend());
    day.after = run_of(after.values.begin(), after.values.end());
    day.adu_same_month_last_year = heard_.adu_last_year;
    day.adu_last_period = heard_.adu_last_period;
    vee::Report report(vee::Report::Detail::EveryJudgement);
    check_channel_day(day, meter_, config_, vee::CheckSet::all(), report);
    take(report);
  }

  void take(const vee::Report& report) {
    judged_.findings.insert(judged_.findings.end(), report.findings().begin(), report.findings().end());
    for (const vee::Judgement& one : report.judgements()) {
      const std::string id{vee::info(one.check).id};
      if (one.verdict == vee::Verdict::Passed) ++judged_.passed[id];
      if (one.verdict == vee::Verdict::NotJudged) ++judged_.not_judged[id];
    }
  }

  const Heard& heard_;
  vee::VeeConfig config_ = vee::default_vee_config();
  vee::Span day_, before_, after_;
  JudgedDay judged_;
  vee::MeterDay meter_;
  std::vector<vee::Span> outages_, test_modes_, open_;
  std::vector<UtcInstant> reverse_;
  std::vector<vee::ClockSet> clock_sets_;
  std::vector<vee::Diagnostic> diagnostics_;
  std::vector<vee::RegisterSpan> tiers_;
  std::optional<vee::DemandRead> demand_;
};

}  // namespace

Decimal wh(const Decimal& kwh) {
  return kwh.shifted(kKilo).value();
}

vee::ChannelProgramme programme_of(const Script& script, seconds grid_phase) {
  vee::ChannelProgramme programme;
  programme.interval = script.program.interval;
  programme.grid_phase = grid_phase;
  programme.ke = script.program.ke_wh;
  programme.register_resolution = Decimal{1, kKilo - script.program.decimals};
  programme.register_modulus = Decimal{1, kKilo + script.program.digits - script.program.decimals};
  programme.largest_count = script.program.channel_bits == 8 ? 255 : 65535;
  programme.limit_per_hour = Decimal{48'000, 0};  // 240 V x 200 A
  programme.is_recorded = script.model.recorder;
  return programme;
}

Heard heard_from(const Course& course, const Script& script) {
  Heard heard{.zone = course.zone};
  heard.programme = programme_of(script, course.grid_phase);
  heard.expected = identity_of(course.as_configured.identity);
  heard.events = course.events;
  heard.has_received_channel = script.received_channel;
  heard.generates = course.generates;
  heard.installed = course.installed;
  heard.as_of = course.collected_at;
  heard.adu_last_period = course.adu_last_period_wh;
  heard.adu_last_year = course.adu_last_year_wh;
  heard.channels.resize(script.received_channel ? 2 : 1);
  if (script.received_channel) heard.channels[1].is_received = true;

  for (const virtual_meter::Interval& interval : course.intervals) {
    const vee::Marks marks = vee::marks_of(metrology::quality(interval.flags));
    const auto add = [&](HeardChannel& channel, std::int32_t pulses) {
      channel.values.push_back({interval.end - script.program.interval, interval.end,
                                script.program.ke_wh.times({pulses, 0}).value(), marks});
    };
    add(heard.channels[0], interval.delivered_pulses);
    if (script.received_channel) add(heard.channels[1], interval.received_pulses);
  }
  for (const Snapshot& snapshot : course.snapshots) {
    const virtual_meter::Reading& said = snapshot.reading;
    heard.channels[0].registers.push_back({said.clock, wh(said.energy.delivered_kwh), {}});
    if (said.energy.received_kwh) {
      heard.channels[1].registers.push_back({said.clock, wh(*said.energy.received_kwh), {}});
      heard.net.push_back({said.clock, wh(*said.energy.net_kwh), {}});
    }
    if (said.energy.tiers_kwh) {
      for (std::size_t i = 0; i < heard.tiers.size(); ++i)
        heard.tiers[i].push_back({said.clock, wh((*said.energy.tiers_kwh)[i]), {}});
    }
    const bool was_reset = course.demand_reset_at && snapshot.at >= *course.demand_reset_at;
    heard.states.push_back(
        {snapshot.at, identity_of(said.identity), said.clock - snapshot.at, said.diagnostic,
         vee::DemandRead{
             .maximum = wh(said.demand.maximum.kw),
             .resolution = Decimal{1, kKilo - script.demand_decimals},
             .window = script.program.demand.window,
             .step = script.program.demand.update(),
             .since_reset = {was_reset ? *course.demand_reset_at : course.installed, said.clock}}});
  }
  return heard;
}

std::vector<JudgedDay> judge_days(const Heard& heard, std::chrono::year_month_day date) {
  std::set<std::chrono::sys_days> dates{std::chrono::sys_days{date} - days{1}, std::chrono::sys_days{date}};
  for (const HeardChannel& channel : heard.channels) {
    for (const HeardValue& value : channel.values) {
      const auto face = std::chrono::floor<days>(heard.zone.civil(value.start).time_since_epoch());
      if (std::chrono::sys_days{face} > std::chrono::sys_days{date})
        dates.insert(std::chrono::sys_days{face});
    }
  }
  std::vector<JudgedDay> out;
  for (const std::chrono::sys_days one : dates) out.push_back(DayJudge(heard, one).judge());
  return out;
}

std::set<std::string> checks_of(const std::vector<JudgedDay>& days) {
  std::set<std::string> out;
  for (const JudgedDay& day : days) {
    for (const vee::Finding& finding : day.findings) out.emplace(vee::info(finding.check).id);
  }
  return out;
}

std::set<std::string> codes_of(const std::vector<JudgedDay>& days) {
  std::set<std::string> out;
  for (const JudgedDay& day : days) {
    for (const vee::Finding& finding : day.findings)
      out.insert(std::string(vee::info(finding.check).id) + ' ' + finding.quality.to_string());
  }
  return out;
}

std::string to_text(const std::vector<JudgedDay>& days) {
  std::ostringstream out;
  for (const JudgedDay& day : days) {
    for (const vee::Finding& finding : day.findings) {
      out << ami::to_text(day.day.from) << ' ' << vee::info(finding.check).id << ' '
          << finding.quality.to_string() << " slots " << finding.slots.first << '+' << finding.slots.count
          << ": " << finding.words;
      for (const vee::Figure& figure : finding.figures)
        out << "; " << figure.name << ' ' << figure.value.to_string() << ' ' << figure.unit;
      out << '\n';
    }
  }
  return out.str();
}

}  // namespace ami::virtual_day
