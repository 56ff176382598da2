#include "meter_model/vee/checks.h"

#include <algorithm>
#include <array>
#include <utility>

#include "meter_model/vee/codes.h"
#include "meter_model/vee/scene.h"

namespace ami::vee {
namespace {

constexpr std::array<std::pair<Check, ChannelCheck>, 18> kChannelChecks{{
    {Check::IntervalSize, interval_size},
    {Check::Continuity, continuity},
    {Check::Overflow, overflow},
    {Check::TestMode, test_mode},
    {Check::PowerFailure, power_failure},
    {Check::ClockChanged, clock_changed},
    {Check::PhysicalMaximum, physical_maximum},
    {Check::Sign, sign},
    {Check::IntervalSum, interval_sum},
    {Check::RegisterMonotone, register_monotone},
    {Check::Spike, spike},
    {Check::HighLow, high_low},
    {Check::ZeroRun, zero_run},
    {Check::Frozen, frozen},
    {Check::UseWhileOff, use_while_off},
    {Check::Demand, demand},
    {Check::Timestamps, timestamps},
    {Check::ProlongedEstimation, prolonged_estimation},
}};

// Null when the input holds together.
const char* contradiction(const ChannelDay& day) {
  using std::chrono::seconds;
  if (day.length <= seconds::zero() || day.programme.interval <= seconds::zero())
    return "an interval length is not above zero";
  if (day.day.to <= day.day.from) return "the day has no length";
  if (!day.marks.empty() && day.marks.size() != day.values.size())
    return "there are not as many marks as values";
  if (day.programme.ke && day.programme.ke->mantissa <= 0) return "Ke is not above zero";
  if (!std::ranges::is_sorted(day.registers, {}, &RegisterRead::at))
    return "register readings are not in order of time";
  if (!std::ranges::is_sorted(day.odd, {}, &OddInterval::start))
    return "intervals off the grid are not in order of time";
  return nullptr;
}

}  // namespace

DaySummary summarise(const ChannelDay& day) {
  DaySummary summary;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  std::int64_t greatest = kHole;
  for (const std::int64_t value : day.values) {
    if (value == kHole) continue;
    ++summary.present;
    least = std::min(least, value);
    greatest = std::max(greatest, value);
    summary.total += value;
  }
  if (summary.present > 0) {
    summary.least = least;
    summary.greatest = greatest;
  }
  for (const Marks marks : day.marks) summary.marks |= marks;
  return summary;
}

std::optional<std::size_t> Scene::boundary(UtcInstant at) const {
  const auto past = at - day.first_start;
  if (past < past.zero() || past % day.length != past.zero()) return std::nullopt;
  const auto index = static_cast<std::size_t>(past / day.length);
  if (index > slots()) return std::nullopt;
  return index;
}

std::size_t Scene::greatest_in(SlotRange range) const {
  std::size_t best = range.first;
  for (std::size_t i = range.first; i < range.first + range.count; ++i) {
    if (day.values[i] > day.values[best]) best = i;
  }
  return best;
}

void check_channel_day(const ChannelDay& day, const MeterDay& meter, const VeeConfig& config,
                       const CheckSet& checks, Report& report) {
  if (checks.none()) return;
  if (const char* why = contradiction(day)) {
    report.found({.check = Check::IntervalSize, .quality = code::kErrorCode, .words = why});
    return;
  }
  const Scene scene{day, meter, config, summarise(day)};
  for (const auto& [check, run] : kChannelChecks) {
    if (checks.has(check)) run(scene, report);
  }
}

}  // namespace ami::vee
