// V14, V17 and V23: intervals against the registers of the same channel.
#include <algorithm>

#include "meter_model/vee/codes.h"
#include "meter_model/vee/register_advance.h"
#include "meter_model/vee/scene.h"

namespace ami::vee {
namespace {

// Windows of demand with one of these do not hold the energy of exactly their length.
constexpr Marks kNoWindow = Mark::Partial | Mark::Long | Mark::TestMode | Mark::PowerFail |
                            Mark::ClockForward | Mark::ClockBackward | Mark::ClockChanged | Mark::Estimated |
                            Mark::Edited | Mark::Overflow;

}  // namespace

// Both readings are truncated to r, and the recorder carries a part of a pulse over each end: without a fault
// the two differ by less than r + Ke. Where register and recorder are not read at one instant, by a pulse
// more for each that may fall between.
void interval_sum(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  if (!day.programme.ke)
    return report.not_judged(Check::IntervalSum, "the energy of a pulse (Ke) is not known");
  bool judged = false;
  const char* why = "no two register readings at ends of intervals";
  for (std::size_t k = 1; k < day.registers.size(); ++k) {
    const RegisterRead& first = day.registers[k - 1];
    const RegisterRead& second = day.registers[k];
    const auto from = scene.boundary(first.at), to = scene.boundary(second.at);
    if (!from || !to || *from >= *to) continue;
    Wide total = 0;
    bool whole = true;
    for (std::size_t i = *from; i < *to && whole; ++i) {
      whole = day.values[i] != kHole;
      total += day.values[i];
    }
    if (!whole) {
      why = "an interval between the register readings is missing";
      continue;
    }
    auto change = second.value.minus(first.value);
    const bool interrupted = interrupted_between(scene.meter, first.at, second.at);
    if (!day.programme.is_signed) {
      // What V17 takes for impossible is compared as it stands, a drop as a negative difference.
      const auto step = advance(day.programme, first, second, interrupted, scene.config.physical_factor);
      if (step.verdict == RegisterAdvance::Verdict::Accepted) change = step.delta;
      if (step.verdict == RegisterAdvance::Verdict::Undetermined) change.reset();
    }
    if (interrupted) change.reset();
    if (!change) {
      why = "the energy between the register readings is not known";
      continue;
    }
    const Decimal r = step_of(day.programme.register_resolution, first.value, second.value);
    auto bound = sum(r, day.programme.ke->times({1 + scene.config.sum_boundary_pulses, 0}));
    if (scene.config.sum_relaxed_by_percent.mantissa != 0) {
      bound = sum(bound,
                  product(product(magnitude(change), scene.config.sum_relaxed_by_percent), Decimal{1, -2}));
    }
    const auto intervals = decimal_of(total, day.exponent);
    const auto gap = difference(intervals, change);
    const auto size = magnitude(gap);
    if (!bound || !size) {
      why = "the numbers do not fit 64 bits";
      continue;
    }
    judged = true;
    const bool fails = *size >= *bound;
    if (!fails && !report.explains()) continue;
    Figures figures{{"sum of intervals", *intervals, day.unit},
                    {"register difference", *change, day.unit},
                    {"difference", *gap, day.unit},
                    {"bound", *bound, day.unit},
                    {"resolution", r, day.unit},
                    {"Ke", *day.programme.ke, day.unit},
                    {"multiplier", day.programme.multiplier, ""}};
    if (!fails) {
      report.passed(Check::IntervalSum, std::move(figures));
      continue;
    }
    figures.push_back({"by", difference(size, bound).value_or(Decimal{}), day.unit});
    report.found({.check = Check::IntervalSum,
                  .quality = code::kFailed,
                  .slots = {*from, *to - *from},
                  .from = first.at,
                  .to = second.at,
                  .figures = std::move(figures),
                  .words = "intervals do not add up to their registers"});
  }
  if (!judged) report.not_judged(Check::IntervalSum, why);
}

void register_monotone(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  if (day.programme.is_signed) return report.not_judged(Check::RegisterMonotone, "a net register may fall");
  if (day.registers.size() < 2)
    return report.not_judged(Check::RegisterMonotone, "fewer than two register readings");
  bool any = false;
  for (std::size_t k = 1; k < day.registers.size(); ++k) {
    const RegisterRead& first = day.registers[k - 1];
    const RegisterRead& second = day.registers[k];
    if (first.at == second.at) continue;  // versions of one reading
    const auto step =
        advance(day.programme, first, second, interrupted_between(scene.meter, first.at, second.at),
                scene.config.physical_factor);
    if (step.verdict == RegisterAdvance::Verdict::Accepted) continue;
    // Weeks apart a higher reading is normal, though nobody can tell how often the register went round.
    if (step.verdict == RegisterAdvance::Verdict::Undetermined && !step.wrapped) continue;
    any = true;
    Finding finding{
        .check = Check::RegisterMonotone,
        .quality = code::kSuspect,
        .from = first.at,
        .to = second.at,
        .figures = {{"first reading", first.value, day.unit}, {"second reading", second.value, day.unit}},
        .words = step.why};
    if (step.delta) finding.figures.push_back({"register difference", *step.delta, day.unit});
    if (step.possible) finding.figures.push_back({"bound", *step.possible, day.unit});
    if (const auto by = difference(step.delta, step.possible); by && *by > Decimal{})
      finding.figures.push_back({"by", *by, day.unit});
    report.found(std::move(finding));
  }
  if (any || !report.explains()) return;
  report.passed(Check::RegisterMonotone, {{"first reading", day.registers.front().value, day.unit},
                                          {"last reading", day.registers.back().value, day.unit}});
}

// A window's mean power from pulses may be above the true one by less than one pulse over the window, and the
// register is cut to its resolution.
void demand(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  if (!day.demand) return report.not_judged(Check::Demand, "no maximum demand register");
  const DemandRead& read = *day.demand;
  const auto window = std::max(read.window, day.length);
  if (read.window <= read.window.zero() || read.step <= read.step.zero() ||
      window % day.length != window.zero() ||
      (read.window < day.length && day.length % read.window != window.zero())) {
    return report.not_judged(Check::Demand, "demand window and interval do not fit each other");
  }
  const auto wide = static_cast<std::size_t>(window / day.length);
  // Sliding windows start on each subinterval, blocks on each window; never finer than the intervals are.
  const auto step = std::max(read.step, day.length);
  Wide best = 0;
  std::optional<std::size_t> best_at;
  for (std::size_t i = 0; i + wide <= scene.slots(); ++i) {
    if (day.start_of(i) < read.since_reset.from || day.end_of(i + wide - 1) > read.since_reset.to) continue;
    const auto past = day.start_of(i).time_since_epoch() - day.programme.grid_phase;
    if (past % step != past.zero()) continue;
    Wide energy = 0;
    bool sound = true;
    for (std::size_t k = i; k < i + wide && sound; ++k) {
      sound = scene.holds(k) && !day.marks_at(k).any_of(kNoWindow);
      energy += day.values[k];
    }
    if (sound && (!best_at || energy > best)) {
      best = energy;
      best_at = i;
    }
  }
  bool any = false;
  if (day.programme.limit_per_hour) {
    const auto most = product(day.programme.limit_per_hour, scene.config.physical_factor);
    if (most && read.maximum > *most) {
      any = true;
      report.found({.check = Check::Demand,
                    .quality = code::kFailed,
                    .from = read.since_reset.from,
                    .to = read.since_reset.to,
                    .figures = {{"demand register", read.maximum, ""},
                                {"bound", *most, ""},
                                {"by", read.maximum.minus(*most).value_or(Decimal{}), ""}},
                    .words = "the maximum is more than voltage and current of the meter can give"});
    }
  }
  const Decimal ke = day.programme.ke.value_or(Decimal{});
  // In energy: (register + resolution) x window + 3600 Ke against 3600 x energy of the window.
  const Decimal length{window.count(), 0}, hour{3600, 0};
  const auto energy = decimal_of(best, day.exponent);
  const auto reach = sum(product(read.maximum.plus(read.resolution), length), ke.times(hour));
  const auto needed = product(energy, hour);
  if (!best_at || !reach || !needed) {
    if (!any) report.not_judged(Check::Demand, "no whole window of sound intervals since the reset");
    return;
  }
  const bool fails = *reach < *needed;
  if (!fails && !report.explains()) return;
  // Shown, not compared: cut to a thousandth.
  const auto per_hour = [&](const Decimal& scaled) {
    return Decimal{floor_mantissa(scaled, window.count(), -3), -3}.normalised();
  };
  Figures figures{{"demand register", read.maximum, ""},
                  {"demand of the intervals", per_hour(*needed), ""},
                  {"resolution", read.resolution, ""},
                  {"one pulse", per_hour(ke.times(hour).value_or(Decimal{})), ""}};
  if (!fails) {
    if (!any) report.passed(Check::Demand, std::move(figures));
    return;
  }
  figures.push_back({"by", per_hour(difference(needed, reach).value_or(Decimal{})), ""});
  report.found({.check = Check::Demand,
                .quality = code::kFailed,
                .slots = {*best_at, wide},
                .from = day.start_of(*best_at),
                .to = day.end_of(*best_at + wide - 1),
                .figures = std::move(figures),
                .words = "the maximum is below what the intervals show"});
}

}  // namespace ami::vee
