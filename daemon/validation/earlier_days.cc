#include "daemon/validation/earlier_days.h"

#include <algorithm>

#include "meter_model/vee/day_grid.h"
#include "meter_model/vee/exact.h"
#include "meter_model/vee/findings.h"

namespace ami::validation {
namespace {

using std::chrono::days;
using std::chrono::microseconds;
using std::chrono::sys_days;
using vee::kHole;

constexpr std::size_t kLeastDays = 20;  // of a period of thirty, as for dials (assumed)
constexpr days kLongestRow{62};         // of days with estimates
// Use of such a day is not known, or not measured.
constexpr vee::Marks kNoUse =
    vee::Mark::Overflow | vee::Mark::TestMode | vee::Mark::Estimated | vee::Mark::Edited | vee::Mark::Suspect;

struct Slot {
  std::int64_t mantissa = kHole;
  std::int32_t exponent = 0;
  vee::Marks marks;
};

storage::IntervalPage ask(const DayScene& scene, ChannelId channel, const EarlierPeriod& period) {
  if (!scene.facts.history || period.last < period.first) return {};
  return scene.facts.history(
      channel, {vee::civil_day(scene.zone, period.first).from, vee::civil_day(scene.zone, period.last).to});
}

}  // namespace

EarlierDays earlier_days(const DayScene& scene, ChannelId channel, const vee::ChannelDay& wanted,
                         const EarlierPeriod& period) {
  EarlierDays out;
  const std::chrono::seconds length = wanted.length;
  const storage::IntervalPage page = ask(scene, channel, period);
  std::map<storage::QualityId, vee::Marks> marks_of;
  for (const auto& [id, quality] : page.dictionary.qualities) {
    QualitySet codes = quality.codes;
    if (period.words == Words::Vendors) std::erase_if(codes, is_finding);
    marks_of[id] = vee::marks_of(codes);
  }
  std::map<UtcInstant, Slot> slots;
  for (const storage::IntervalBlock& block : page.blocks) {
    if (block.channel != channel || block.length != length) continue;
    std::size_t i = 0;
    for (const auto& run : block.qualities) {
      const auto known = marks_of.find(run.quality);
      const vee::Marks marks = known == marks_of.end() ? vee::Marks{} : known->second;
      for (std::uint32_t k = 0; k < run.count && i < block.mantissas.size(); ++k, ++i)
        slots[block.first_start + length * static_cast<std::int64_t>(i)] = {block.mantissas[i],
                                                                            block.exponent, marks};
    }
  }
  if (slots.empty()) return out;
  const auto phase = std::chrono::floor<std::chrono::seconds>(
      ((wanted.first_start.time_since_epoch() % microseconds{length}) + microseconds{length}) %
      microseconds{length});
  for (sys_days date = period.last; date >= period.first; date -= days{1}) {
    const vee::Span day = vee::civil_day(scene.zone, date);
    const vee::DayGrid grid = vee::day_grid(day, length, phase);
    std::vector<Slot> found;
    std::int32_t exponent = 0;
    bool any = false;
    for (std::size_t i = 0; i < grid.count; ++i) {
      const auto slot = slots.find(grid.first_start + length * static_cast<std::int64_t>(i));
      found.push_back(slot == slots.end() ? Slot{} : slot->second);
      if (found.back().mantissa == kHole) continue;
      exponent = any ? std::min(exponent, found.back().exponent) : found.back().exponent;
      any = true;
    }
    if (!any) continue;
    auto& values = out.values.emplace_back();
    auto& marks = out.marks.emplace_back();
    for (const Slot& slot : found) {
      const auto value = slot.mantissa == kHole ? std::optional<std::int64_t>(kHole)
                                                : Decimal{slot.mantissa, slot.exponent}.mantissa_at(exponent);
      values.push_back(value.value_or(kHole));
      marks.push_back(slot.marks);
    }
    out.days.push_back({.date = date,
                        .day_class = vee::day_class(date, scene.rules.holidays),
                        .had_outage = false,
                        .first_start = grid.first_start,
                        .length = length,
                        .exponent = exponent,
                        .values = values,
                        .marks = marks});
  }
  return out;
}

void mark_outages(const DayScene& scene, std::span<const vee::Span> outages, EarlierDays& earlier) {
  for (vee::LikeDay& day : earlier.days) {
    const vee::Span civil = vee::civil_day(scene.zone, day.date);
    day.had_outage = std::ranges::any_of(
        outages, [&](const vee::Span& span) { return span.from < civil.to && span.to > civil.from; });
  }
}

EarlierPeriod same_month_last_year(const DayScene& scene) {
  const auto today = scene.facts.of.date;
  const auto month = (today.year() - std::chrono::years{1}) / today.month();
  return {sys_days{month / 1}, sys_days{month / std::chrono::last}};
}

EarlierPeriod last_thirty_days(const DayScene& scene) {
  const sys_days today{scene.facts.of.date};
  return {today - days{30}, today - days{1}};
}

std::optional<Decimal> average_use(const DayScene& scene, ChannelId channel, const vee::ChannelDay& grid,
                                   const EarlierPeriod& period) {
  std::optional<Decimal> all = Decimal{};
  std::size_t count = 0;
  for (const vee::LikeDay& day : earlier_days(scene, channel, grid, period).days) {
    const bool unfit = std::ranges::any_of(day.marks, [](vee::Marks marks) { return marks.any_of(kNoUse); });
    if (unfit || std::ranges::find(day.values, kHole) != day.values.end()) continue;
    vee::Wide total = 0;
    for (const std::int64_t value : day.values) total += value;
    all = vee::sum(all, vee::decimal_of(total, day.exponent));
    ++count;
  }
  if (!all || count < kLeastDays) return std::nullopt;
  return Decimal{vee::floor_mantissa(*all, static_cast<std::int64_t>(count), -3), -3};
}

bool any_energy(const DayScene& scene, ChannelId channel, const EarlierPeriod& period) {
  const storage::IntervalPage page = ask(scene, channel, period);
  return std::ranges::any_of(page.blocks, [&](const storage::IntervalBlock& block) {
    return block.channel == channel &&
           std::ranges::any_of(block.mantissas, [](std::int64_t value) { return value > 0; });
  });
}

int estimated_days_before(const DayScene& scene, ChannelId channel, const vee::ChannelDay& grid, int bound) {
  const sys_days today{scene.facts.of.date};
  const auto of_channel = scene.facts.estimated_days.find(channel);
  std::set<sys_days> estimated;
  if (of_channel != scene.facts.estimated_days.end()) estimated = of_channel->second;
  sys_days asked = today;  // from this day on the vendor's words are known
  int count = 0;
  for (sys_days day = today - days{1}; today - day <= kLongestRow; day -= days{1}, ++count) {
    if (!estimated.contains(day) && day < asked) {
      asked = std::max(day - days{std::max(bound, 0)}, today - kLongestRow);
      for (const vee::LikeDay& one : earlier_days(scene, channel, grid, {asked, day}).days) {
        for (std::size_t i = 0; i < one.values.size(); ++i) {
          if (one.values[i] != kHole && one.marks[i].any_of(vee::Mark::Estimated)) estimated.insert(one.date);
        }
      }
    }
    if (!estimated.contains(day)) break;
  }
  return count;
}

}  // namespace ami::validation
