#include "daemon/validation/like_days.h"

#include <algorithm>

namespace ami::validation {
namespace {

using std::chrono::days;
using std::chrono::microseconds;
using vee::kHole;

struct Slot {
  std::int64_t mantissa = kHole;
  std::int32_t exponent = 0;
  vee::Marks marks;
};

}  // namespace

LikeDays like_days(const DayScene& scene, ChannelId channel, UtcInstant first_start,
                   std::chrono::seconds length, std::span<const vee::Span> outages) {
  LikeDays out;
  if (!scene.facts.history) return out;
  const days reach{scene.config.like_day_reach_days};
  const Period asked{scene.facts.day.from - reach - days{1}, scene.facts.day.from};
  const storage::IntervalPage page = scene.facts.history(channel, asked);
  std::map<UtcInstant, Slot> slots;
  for (const storage::IntervalBlock& block : page.blocks) {
    if (block.channel != channel || block.length != length) continue;
    std::size_t i = 0;
    for (const auto& run : block.qualities) {
      // Here our own earlier words count: a day that validation marked is none to learn from.
      const auto quality = page.dictionary.qualities.find(run.quality);
      const vee::Marks marks =
          quality == page.dictionary.qualities.end() ? vee::Marks{} : vee::marks_of(quality->second.codes);
      for (std::uint32_t k = 0; k < run.count && i < block.mantissas.size(); ++k, ++i)
        slots[block.first_start + length * static_cast<std::int64_t>(i)] = {block.mantissas[i],
                                                                            block.exponent, marks};
    }
  }
  const auto phase = std::chrono::floor<std::chrono::seconds>(
      ((first_start.time_since_epoch() % microseconds{length}) + microseconds{length}) %
      microseconds{length});
  const std::chrono::sys_days today{scene.facts.of.date};
  for (days back{1}; back <= reach; ++back) {
    const std::chrono::year_month_day date{today - back};
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
    out.days.push_back(
        {.date = date,
         .day_class = vee::day_class(date, scene.rules.holidays),
         .had_outage = std::ranges::any_of(
             outages, [&](const vee::Span& span) { return span.from < day.to && span.to > day.from; }),
         .first_start = grid.first_start,
         .length = length,
         .exponent = exponent,
         .values = values,
         .marks = marks});
  }
  return out;
}

}  // namespace ami::validation
