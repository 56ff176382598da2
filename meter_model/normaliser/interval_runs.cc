#include "meter_model/normaliser/interval_runs.h"

#include <algorithm>
#include <utility>

namespace ami {
namespace {

// Enough for a slot that is said many times; beyond it, hostile input only gets shorter runs.
constexpr std::size_t kMaxOpenRuns = 32;

struct OpenRun {
  std::vector<IntervalSlot> slots;
  std::optional<std::int32_t> exponent;  // nullopt: only holes so far

  [[nodiscard]] bool takes(const IntervalSlot& slot, std::chrono::seconds length) const {
    return slots.back().channel == slot.channel && slots.back().start + length == slot.start && fits(slot);
  }
  [[nodiscard]] bool fits(const IntervalSlot& slot) const {
    if (!slot.value || !exponent) return true;
    if (slot.value->exponent >= *exponent) return slot.value->mantissa_at(*exponent).has_value();
    return std::ranges::all_of(slots, [&](const IntervalSlot& mine) {
      return !mine.value || mine.value->mantissa_at(slot.value->exponent).has_value();
    });
  }
  void append(const IntervalSlot& slot) {
    slots.push_back(slot);
    if (slot.value) exponent = std::min(exponent.value_or(slot.value->exponent), slot.value->exponent);
  }
};

bool alike(const IntervalSlot& a, const IntervalSlot& b) {
  return a.channel == b.channel && a.start == b.start && a.value == b.value && a.quality == b.quality;
}

IntervalRun closed(const std::vector<IntervalSlot>& slots, std::int32_t exponent, const IntervalRun& like) {
  IntervalRun run = like;
  run.channel = slots.front().channel;
  run.first_start = slots.front().start;
  run.exponent = exponent;
  run.mantissas.reserve(slots.size());
  run.quality.reserve(slots.size());
  for (const IntervalSlot& slot : slots) {
    run.mantissas.push_back(slot.value ? slot.value->mantissa_at(run.exponent) : std::nullopt);
    run.quality.push_back(slot.quality);
  }
  return run;
}

IntervalRun closed(const OpenRun& open, const IntervalRun& like) {
  return closed(open.slots, open.exponent.value_or(0), like);
}

// The common case: one channel, no gap, nothing said twice, and one exponent.
bool is_one_run(const std::vector<IntervalSlot>& slots, std::chrono::seconds length) {
  std::optional<std::int32_t> exponent;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const IntervalSlot& slot = slots[i];
    if (i > 0 && (slot.channel != slots[i - 1].channel || slot.start != slots[i - 1].start + length))
      return false;
    if (!slot.value) continue;
    if (exponent && *exponent != slot.value->exponent) return false;
    exponent = slot.value->exponent;
  }
  return !slots.empty();
}

}  // namespace

std::vector<IntervalRun> make_runs(const std::vector<IntervalSlot>& slots, const IntervalRun& like) {
  std::vector<IntervalRun> runs;
  if (is_one_run(slots, like.length)) {
    const auto first =
        std::ranges::find_if(slots, [](const IntervalSlot& slot) { return slot.value.has_value(); });
    runs.push_back(closed(slots, first == slots.end() ? 0 : first->value->exponent, like));
    return runs;
  }
  std::vector<OpenRun> open;  // more than one only where slots are said more than once
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const IntervalSlot& slot = slots[i];
    // Runs whose next slot lies in the past can no longer grow.
    std::erase_if(open, [&](const OpenRun& run) {
      if (run.slots.back().start + like.length >= slot.start) return false;
      runs.push_back(closed(run, like));
      return true;
    });
    if (std::ranges::any_of(open, [&](const OpenRun& run) { return alike(run.slots.back(), slot); }))
      continue;
    const auto place =
        std::ranges::find_if(open, [&](const OpenRun& run) { return run.takes(slot, like.length); });
    if (place != open.end()) {
      place->append(slot);
    } else {
      if (open.size() == kMaxOpenRuns) {
        runs.push_back(closed(open.front(), like));
        open.erase(open.begin());
      }
      open.emplace_back().append(slot);
    }
  }
  for (const OpenRun& run : open) runs.push_back(closed(run, like));
  return runs;
}

}  // namespace ami
