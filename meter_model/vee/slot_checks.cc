// V06 to V13: what each interval says by itself.
#include <algorithm>

#include "meter_model/vee/codes.h"
#include "meter_model/vee/day_grid.h"
#include "meter_model/vee/scene.h"

namespace ami::vee {
namespace {

Decimal number(std::size_t count) {
  return {static_cast<std::int64_t>(count), 0};
}
Decimal seconds_of(std::chrono::microseconds time) {
  return Decimal{time.count(), -6}.normalised();
}

// Runs of slots that bear a mark or overlap one of the spans.
void marked_runs(const Scene& scene, Report& report, Check check, Marks mark, std::span<const Span> spans,
                 QualityCode quality, Advice advice, const char* words) {
  if (!scene.summary.marks.any_of(mark) && spans.empty()) return report.passed(check);
  bool any = false;
  each_run(
      scene.slots(),
      [&](std::size_t i) {
        return scene.holds(i) && (scene.day.marks_at(i).any_of(mark) || scene.any_overlaps(spans, i));
      },
      [&](SlotRange range) {
        any = true;
        report.found({.check = check,
                      .quality = quality,
                      .advice = advice,
                      .slots = range,
                      .figures = {{"slots", number(range.count), ""}},
                      .words = words});
      });
  if (!any) report.passed(check);
}

}  // namespace

void interval_size(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  const auto wanted = day.programme.interval;
  bool any = false;
  const auto found = [&](QualityCode quality, SlotRange slots, Figures figures, const char* words) {
    any = true;
    report.found({.check = Check::IntervalSize,
                  .quality = quality,
                  .slots = slots,
                  .figures = std::move(figures),
                  .words = words});
  };
  const SlotRange whole{0, scene.slots()};
  if (scene.slots() > 0) {
    const DayGrid grid = day_grid(day.day, wanted, day.programme.grid_phase);
    const bool same_length = day.length == wanted;
    if (!same_length) {
      found(day.length < wanted ? code::kPartial : code::kLong, whole,
            {{"length", seconds_of(day.length), "s"},
             {"bound", seconds_of(wanted), "s"},
             {"by", seconds_of(day.length - wanted), "s"}},
            "intervals are not as long as the programme says");
    } else if ((day.first_start - grid.first_start) % wanted != wanted.zero()) {
      found(code::kPartial, whole, {{"by", seconds_of((day.first_start - grid.first_start) % wanted), "s"}},
            "intervals do not end on the meter's grid");
    } else if (day.first_start != grid.first_start || scene.slots() != grid.count) {
      found(scene.slots() > grid.count ? code::kLong : code::kPartial, whole,
            {{"intervals", number(scene.slots()), ""},
             {"bound", number(grid.count), ""},
             {"by", number(scene.slots()).minus(number(grid.count)).value_or(Decimal{}), ""}},
            "not the intervals of this civil day");
    }
  }
  if (scene.summary.marks.any_of(Mark::Partial | Mark::Long)) {
    for (const auto& [mark, quality, words] :
         {std::tuple{Mark::Partial, code::kPartial, "the meter measured for less than an interval"},
          std::tuple{Mark::Long, code::kLong, "the meter measured for more than an interval"}}) {
      each_run(
          scene.slots(), [&](std::size_t i) { return day.marks_at(i).any_of(mark); },
          [&](SlotRange range) {
            found(quality, range, {{"slots", number(range.count), ""}}, words);
          });
    }
  }
  for (const OddInterval& odd : day.odd) {
    any = true;
    report.found({.check = Check::IntervalSize,
                  .quality = odd.end - odd.start > wanted ? code::kLong : code::kPartial,
                  .from = odd.start,
                  .to = odd.end,
                  .figures = {{"length", seconds_of(odd.end - odd.start), "s"},
                              {"bound", seconds_of(wanted), "s"},
                              {"by", seconds_of(odd.end - odd.start - wanted), "s"}},
                  .words = "an interval off the grid or of another length"});
  }
  if (any) return;
  if (scene.slots() == 0) return report.not_judged(Check::IntervalSize, "the day holds no interval");
  if (report.explains())
    report.passed(Check::IntervalSize,
                  {{"intervals", number(scene.slots()), ""}, {"length", seconds_of(day.length), "s"}});
}

void continuity(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  if (!day.programme.is_recorded && scene.slots() == 0 && day.odd.empty())
    return report.not_judged(Check::Continuity, "the meter has no recorder");
  bool any = false;
  const auto missing = [&](SlotRange range, UtcInstant from, UtcInstant to) {
    any = true;
    report.found({.check = Check::Continuity,
                  .quality = code::kKnownMissing,
                  .slots = range,
                  .from = from,
                  .to = to,
                  .figures = {{"missing", number(range.count), ""}},
                  .words = "intervals are missing"});
  };
  if (scene.slots() == 0) {
    const DayGrid grid = day_grid(day.day, day.programme.interval, day.programme.grid_phase);
    std::size_t due = 0;
    while (due < grid.count &&
           grid.first_start + grid.length * static_cast<std::int64_t>(due + 1) <= scene.meter.as_of)
      ++due;
    if (due > 0)
      missing({0, due}, grid.first_start, grid.first_start + grid.length * static_cast<std::int64_t>(due));
  } else if (scene.summary.present < scene.slots()) {
    each_run(
        scene.slots(), [&](std::size_t i) { return !scene.holds(i) && day.end_of(i) <= scene.meter.as_of; },
        [&](SlotRange range) {
          missing(range, day.start_of(range.first), day.end_of(range.first + range.count - 1));
        });
  }
  for (const OtherValue& other : day.other_values) {
    if (!other.same_version || other.slot >= scene.slots() || !scene.holds(other.slot)) continue;
    const Decimal current = day.value_at(other.slot);
    if (other.value == current) continue;
    any = true;
    report.found({.check = Check::Continuity,
                  .quality = code::kSuspect,
                  .slots = {other.slot, 1},
                  .figures = {{"value", current, day.unit},
                              {"other value", other.value, day.unit},
                              {"by", other.value.minus(current).value_or(Decimal{}), day.unit}},
                  .words = "two values of one version for one interval"});
  }
  const OddInterval* before = nullptr;  // the one that reaches furthest
  for (const OddInterval& odd : day.odd) {
    SlotRange hit;
    each_run(
        scene.slots(),
        [&](std::size_t i) {
          return scene.holds(i) && scene.overlaps({odd.start, odd.end}, i);
        },
        [&](SlotRange range) {
          hit = hit.count == 0 ? range : SlotRange{hit.first, range.first + range.count - hit.first};
        });
    if (hit.count > 0 || (before != nullptr && odd.start < before->end)) {
      any = true;
      report.found({.check = Check::Continuity,
                    .quality = code::kSuspect,
                    .slots = hit,
                    .from = odd.start,
                    .to = odd.end,
                    .figures = {{"value", odd.value, day.unit}},
                    .words = "intervals overlap"});
    }
    if (before == nullptr || odd.end > before->end) before = &odd;
  }
  if (!any && report.explains())
    report.passed(Check::Continuity, {{"intervals", number(scene.summary.present), ""}});
}

void overflow(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  std::optional<std::int64_t> full;
  std::optional<Decimal> full_value;
  if (day.programme.largest_count && day.programme.ke) {
    full_value = day.programme.ke->times({*day.programme.largest_count, 0});
    if (full_value) full = full_value->mantissa_at(day.exponent);
  }
  const bool reached = full && scene.summary.present > 0 && scene.summary.greatest >= *full;
  if (!reached && !scene.summary.marks.any_of(Mark::Overflow)) {
    if (!full_value)
      return report.not_judged(Check::Overflow, "the channel's greatest count or Ke is not known");
    if (report.explains())
      report.passed(Check::Overflow, {{"value", {scene.summary.greatest, day.exponent}, day.unit},
                                      {"bound", *full_value, day.unit}});
    return;
  }
  bool any = false;
  each_run(
      scene.slots(),
      [&](std::size_t i) {
        return day.marks_at(i).any_of(Mark::Overflow) || (reached && day.values[i] == *full);
      },
      [&](SlotRange range) {
        any = true;
        Finding finding{.check = Check::Overflow,
                        .quality = code::kOverflow,
                        .slots = range,
                        .words = "the recorder's channel was full: pulses may be lost"};
        finding.figures = {{"value", day.value_at(range.first), day.unit}};
        if (!scene.holds(range.first)) finding.figures.clear();
        if (full_value) finding.figures.push_back({"bound", *full_value, day.unit});
        report.found(std::move(finding));
      });
  if (!any) report.passed(Check::Overflow);
}

void test_mode(const Scene& scene, Report& report) {
  marked_runs(scene, report, Check::TestMode, Mark::TestMode, scene.meter.test_modes, code::kTestData,
              Advice::ExcludeFromBilling, "the meter was in test mode");
}

void power_failure(const Scene& scene, Report& report) {
  marked_runs(scene, report, Check::PowerFailure, Mark::PowerFail, scene.meter.outages, code::kPowerFail,
              Advice::Keep, "the meter was without power for some of it");
}

void clock_changed(const Scene& scene, Report& report) {
  struct Kind {
    Mark mark;
    QualityCode quality;
    int direction;
    const char* words;
  };
  constexpr Kind kKinds[] = {
      {Mark::ClockChanged, code::kClockChanged, 0, "the clock was set, it is not known which way"},
      {Mark::ClockForward, code::kClockForward, 1, "the clock was set forward"},
      {Mark::ClockBackward, code::kClockBackward, -1, "the clock was set back"},
  };
  bool any = false;
  for (const Kind& kind : kKinds) {
    const auto is_kind = [&](const ClockSet& set) {
      const int direction = !set.by ? 0 : (set.by->count() > 0) - (set.by->count() < 0);
      return direction == kind.direction && (!set.by || set.by->count() != 0);
    };
    if (!scene.summary.marks.any_of(kind.mark) && !std::ranges::any_of(scene.meter.clock_sets, is_kind))
      continue;
    each_run(
        scene.slots(),
        [&](std::size_t i) {
          return scene.day.marks_at(i).any_of(kind.mark) ||
                 std::ranges::any_of(scene.meter.clock_sets, [&](const ClockSet& set) {
                   return is_kind(set) && scene.overlaps({set.at, set.at}, i);
                 });
        },
        [&](SlotRange range) {
          any = true;
          Finding finding{
              .check = Check::ClockChanged, .quality = kind.quality, .slots = range, .words = kind.words};
          for (const ClockSet& set : scene.meter.clock_sets) {
            if (is_kind(set) && set.by && set.at >= scene.day.start_of(range.first) &&
                set.at < scene.day.end_of(range.first + range.count - 1))
              finding.figures.push_back({"by", seconds_of(*set.by), "s"});
          }
          report.found(std::move(finding));
        });
  }
  if (!any) report.passed(Check::ClockChanged);
}

void physical_maximum(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  if (!day.programme.limit_per_hour)
    return report.not_judged(Check::PhysicalMaximum, "the meter's greatest power is not known");
  const auto scaled = product(product(day.programme.limit_per_hour, scene.config.physical_factor),
                              Decimal{day.length.count(), 0});
  if (!scaled) return report.not_judged(Check::PhysicalMaximum, "the numbers do not fit 64 bits");
  const std::int64_t bound = floor_mantissa(*scaled, 3600, day.exponent);
  const Decimal shown{bound, day.exponent};
  const bool both_ways = day.programme.is_signed;
  const auto beyond = [&](std::int64_t value) { return value > bound || (both_ways && value < -bound); };
  if (scene.summary.present == 0 || (!beyond(scene.summary.greatest) && !beyond(scene.summary.least))) {
    if (report.explains())
      report.passed(
          Check::PhysicalMaximum,
          {{"greatest value", {scene.summary.greatest, day.exponent}, day.unit}, {"bound", shown, day.unit}});
    return;
  }
  each_run(
      scene.slots(), [&](std::size_t i) { return scene.holds(i) && beyond(day.values[i]); },
      [&](SlotRange range) {
        std::size_t worst = range.first;
        const auto size = [&](std::size_t i) { return *magnitude(Decimal{day.values[i], day.exponent}); };
        for (std::size_t i = range.first; i < range.first + range.count; ++i) {
          if (size(i) > size(worst)) worst = i;
        }
        report.found({.check = Check::PhysicalMaximum,
                      .quality = code::kAbove,
                      .slots = range,
                      .figures = {{"value", day.value_at(worst), day.unit},
                                  {"bound", shown, day.unit},
                                  {"by", size(worst).minus(shown).value_or(Decimal{}), day.unit},
                                  {"factor", scene.config.physical_factor, ""}},
                      .words = "more than voltage and current of the meter can give"});
      });
}

void sign(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  if (day.programme.is_signed) return report.not_judged(Check::Sign, "a net channel may be negative");
  if (scene.summary.present == 0 || scene.summary.least >= 0) return report.passed(Check::Sign);
  each_run(
      scene.slots(), [&](std::size_t i) { return scene.holds(i) && day.values[i] < 0; },
      [&](SlotRange range) {
        std::size_t worst = range.first;
        for (std::size_t i = range.first; i < range.first + range.count; ++i) {
          if (day.values[i] < day.values[worst]) worst = i;
        }
        report.found({.check = Check::Sign,
                      .quality = code::kOutOfRange,
                      .slots = range,
                      .figures = {{"value", day.value_at(worst), day.unit},
                                  {"bound", Decimal{}, day.unit},
                                  {"by", *magnitude(day.value_at(worst)), day.unit}},
                      .words = "a channel of one direction is below zero"});
      });
}

}  // namespace ami::vee
