// V18 to V22, V24 and V25: whether the use is plausible, and the time possible.
#include <algorithm>
#include <array>

#include "meter_model/vee/codes.h"
#include "meter_model/vee/scene.h"

namespace ami::vee {
namespace {

Decimal number(std::int64_t count) {
  return {count, 0};
}

// Why there may be no use: the switch was open, the account inactive, or the power out.
bool is_without_supply(const Scene& scene, std::size_t slot) {
  return scene.any_overlaps(scene.meter.switch_open, slot) ||
         scene.any_overlaps(scene.meter.inactive, slot) || scene.any_overlaps(scene.meter.outages, slot) ||
         scene.day.marks_at(slot).any_of(Mark::PowerFail);
}

bool fewer_with_supply(const Scene& scene, std::size_t count) {
  const MeterDay& meter = scene.meter;
  if (meter.switch_open.empty() && meter.inactive.empty() && meter.outages.empty() &&
      !scene.summary.marks.any_of(Mark::PowerFail))
    return false;
  std::size_t supplied = 0;
  for (std::size_t i = 0; i < scene.slots() && supplied < count; ++i) {
    if (scene.holds(i) && !is_without_supply(scene, i)) ++supplied;
  }
  return supplied < count;
}

// How long the run of equal values is that takes this range of the day. What follows the day is only counted
// where the bound is not reached without: then its values change nothing of what is said of this day.
std::size_t run_with_neighbours(const ChannelDay& day, SlotRange range, std::size_t bound) {
  const std::int64_t value = day.values[range.first];
  std::size_t count = range.count;
  if (range.first == 0 && day.before.value == value) count += day.before.count;
  const bool to_the_end = range.first + range.count == day.values.size();
  if (count < bound && to_the_end && day.after.value == value) count += day.after.count;
  return count;
}

}  // namespace

void spike(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  if (day.programme.is_received)
    return report.not_judged(Check::Spike, "a surplus may last for less than three intervals");
  if (scene.summary.present < 3) return report.not_judged(Check::Spike, "fewer than three intervals");
  if (fewer_with_supply(scene, 3))
    return report.not_judged(Check::Spike, "fewer than three intervals with supply");
  std::array<std::int64_t, 3> top{kHole, kHole, kHole};
  std::size_t highest = 0;
  for (std::size_t i = 0; i < scene.slots(); ++i) {
    const std::int64_t value = day.values[i];
    if (value == kHole || value <= top[2]) continue;
    if (value > top[0]) {
      top = {value, top[0], top[1]};
      highest = i;
    } else if (value > top[1]) {
      top = {top[0], value, top[1]};
    } else {
      top[2] = value;
    }
  }
  const Decimal h1{top[0], day.exponent}, h3{top[2], day.exponent};
  const auto rise = h1.minus(h3);
  const auto bound = h3.times(scene.config.spike_ratio);
  if (!rise || !bound) return report.not_judged(Check::Spike, "the numbers do not fit 64 bits");
  const bool fails = h1 > scene.config.spike_floor && *rise > *bound;
  if (!fails && !report.explains()) return;
  Figures figures{{"highest", h1, day.unit},
                  {"third highest", h3, day.unit},
                  {"rise", *rise, day.unit},
                  {"bound", *bound, day.unit},
                  {"ratio", scene.config.spike_ratio, ""},
                  {"floor", scene.config.spike_floor, day.unit}};
  if (!fails) return report.passed(Check::Spike, std::move(figures));
  figures.push_back({"by", rise->minus(*bound).value_or(Decimal{}), day.unit});
  report.found({.check = Check::Spike,
                .quality = code::kAbove,
                .slots = {highest, 1},
                .figures = std::move(figures),
                .words = "the highest interval stands far above the third highest"});
}

void high_low(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  if (day.programme.is_received)
    return report.not_judged(Check::HighLow, "what is received follows the weather, no customer's habit");
  if (scene.meter.customer_generates)
    return report.not_judged(Check::HighLow, "the customer generates: what is delivered is not what is used");
  if (scene.slots() == 0 || scene.summary.present < scene.slots())
    return report.not_judged(Check::HighLow, "the day is not whole");
  const auto& usual = day.adu_same_month_last_year ? day.adu_same_month_last_year : day.adu_last_period;
  if (!usual || usual->mantissa <= 0)
    return report.not_judged(Check::HighLow, "no use of an earlier period to compare with");
  const auto use = decimal_of(scene.summary.total, day.exponent);
  const auto most = usual->times(scene.config.most_of_usual),
             least = usual->times(scene.config.least_of_usual);
  if (!use || !most || !least) return report.not_judged(Check::HighLow, "the numbers do not fit 64 bits");
  const bool high = *use > *most, low = *use < *least;
  if (low) {
    for (std::size_t i = 0; i < scene.slots(); ++i) {
      if (is_without_supply(scene, i))
        return report.not_judged(Check::HighLow, "the meter was without supply for some of the day");
    }
  }
  if (!high && !low && !report.explains()) return;
  Figures figures{{"use of the day", *use, day.unit},
                  {"usual use of a day", *usual, day.unit},
                  {"bound", low ? *least : *most, day.unit}};
  if (!high && !low) return report.passed(Check::HighLow, std::move(figures));
  figures.push_back({"by", magnitude(use->minus(low ? *least : *most)).value_or(Decimal{}), day.unit});
  report.found({.check = Check::HighLow,
                .quality = high ? code::kPercentAbove : code::kPercentBelow,
                .slots = {0, scene.slots()},
                .figures = std::move(figures),
                .words = high ? "more than is usual" : "less than is usual"});
}

void zero_run(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  if (day.programme.is_received)
    return report.not_judged(Check::ZeroRun, "a received channel may be zero all day");
  const auto bound = static_cast<std::size_t>(
      (std::chrono::seconds{scene.config.zero_run} + day.length - std::chrono::seconds{1}) / day.length);
  bool any = false;
  if (scene.summary.present > 0 && scene.summary.least <= 0) {
    each_run(
        scene.slots(), [&](std::size_t i) { return day.values[i] == 0 && !is_without_supply(scene, i); },
        [&](SlotRange range) {
          const std::size_t count = run_with_neighbours(day, range, bound);
          if (count < bound) return;
          any = true;
          report.found({.check = Check::ZeroRun,
                        .quality = code::kZero,
                        .slots = range,
                        .figures = {{"zeros in a row", number(static_cast<std::int64_t>(count)), ""},
                                    {"bound", number(static_cast<std::int64_t>(bound)), ""}},
                        .words = "no use for long, though the account is active and the switch closed"});
        });
  }
  if (!any) report.passed(Check::ZeroRun);
}

void frozen(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  const auto bound = static_cast<std::size_t>(scene.config.frozen_count);
  bool any = false;
  for (std::size_t i = 0; i < scene.slots();) {
    std::size_t end = i + 1;
    while (end < scene.slots() && day.values[end] == day.values[i]) ++end;
    const std::size_t count = run_with_neighbours(day, {i, end - i}, bound);
    if (day.values[i] != kHole && day.values[i] != 0 && count >= bound) {
      any = true;
      report.found({.check = Check::Frozen,
                    .quality = code::kSuspect,
                    .slots = {i, end - i},
                    .figures = {{"value", day.value_at(i), day.unit},
                                {"times in a row", number(static_cast<std::int64_t>(count)), ""},
                                {"bound", number(scene.config.frozen_count), ""}},
                    .words = "the same value again and again"});
    }
    i = end;
  }
  if (!any) report.passed(Check::Frozen);
}

void use_while_off(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  if (!day.programme.ke)
    return report.not_judged(Check::UseWhileOff, "the energy of a pulse (Ke) is not known");
  bool any = false;
  const auto look = [&](std::span<const Span> spans, Advice advice, const char* words) {
    for (const Span& span : spans) {
      const std::array one{span};
      each_run(
          scene.slots(), [&](std::size_t i) { return scene.holds(i) && scene.within_one(one, i); },
          [&](SlotRange range) {
            Wide total = 0;
            for (std::size_t i = range.first; i < range.first + range.count; ++i) total += day.values[i];
            const auto energy = decimal_of(total, day.exponent);
            if (!energy || *energy <= *day.programme.ke) return;
            any = true;
            report.found({.check = Check::UseWhileOff,
                          .quality = code::kInactiveUse,
                          .advice = advice,
                          .slots = range,
                          .from = span.from,
                          .figures = {{"energy", *energy, day.unit},
                                      {"bound", *day.programme.ke, day.unit},
                                      {"by", energy->minus(*day.programme.ke).value_or(Decimal{}), day.unit}},
                          .words = words});
          });
    }
  };
  look(scene.meter.switch_open, Advice::SafetyEvent, "energy while the service switch is open");
  look(scene.meter.inactive, Advice::Keep, "energy while there is no active account");
  if (!any) report.passed(Check::UseWhileOff);
}

void timestamps(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  const UtcInstant latest = scene.meter.as_of + scene.config.future_tolerance;
  const auto& installed = scene.meter.installed_from;
  bool any = false;
  const auto found = [&](SlotRange slots, UtcInstant from, UtcInstant to, bool future) {
    any = true;
    const auto by = future ? to - latest : *installed - from;
    report.found({.check = Check::Timestamps,
                  .quality = code::kErrorCode,
                  .advice = Advice::Quarantine,
                  .slots = slots,
                  .from = from,
                  .to = to,
                  .figures = {{"by", Decimal{by.count(), -6}.normalised(), "s"}},
                  .words = future ? "stamped in the future" : "stamped before the meter was installed"});
  };
  if (scene.slots() > 0 && day.end_of(scene.slots() - 1) > latest) {
    each_run(
        scene.slots(), [&](std::size_t i) { return scene.holds(i) && day.end_of(i) > latest; },
        [&](SlotRange range) {
          found(range, day.start_of(range.first), day.end_of(range.first + range.count - 1), true);
        });
  }
  if (scene.slots() > 0 && installed && day.first_start < *installed) {
    each_run(
        scene.slots(), [&](std::size_t i) { return scene.holds(i) && day.start_of(i) < *installed; },
        [&](SlotRange range) {
          found(range, day.start_of(range.first), day.end_of(range.first + range.count - 1), false);
        });
  }
  for (const RegisterRead& read : day.registers) {
    if (read.at > latest) found({}, read.at, read.at, true);
    if (installed && read.at < *installed) found({}, read.at, read.at, false);
  }
  for (const OddInterval& odd : day.odd) {
    if (odd.end > latest) found({}, odd.start, odd.end, true);
    if (installed && odd.start < *installed) found({}, odd.start, odd.end, false);
  }
  if (!any) report.passed(Check::Timestamps);
}

void prolonged_estimation(const Scene& scene, Report& report) {
  const ChannelDay& day = scene.day;
  bool any = false;
  const auto look = [&](int count, int bound, const char* name, const char* words) {
    if (count <= bound) return;
    any = true;
    report.found({.check = Check::ProlongedEstimation,
                  .quality = code::kEstimated,
                  .slots = {0, scene.slots()},
                  .figures = {{name, number(count), ""},
                              {"bound", number(bound), ""},
                              {"by", number(count - bound), ""}},
                  .words = words});
  };
  look(day.estimated_days_in_a_row, scene.config.estimated_days, "estimated days in a row",
       "estimated for too many days");
  look(day.estimated_billing_reads_in_a_row, scene.config.estimated_billing_reads,
       "estimated billing reads in a row", "too many billing reads are estimated");
  if (!any) report.passed(Check::ProlongedEstimation);
}

}  // namespace ami::vee
