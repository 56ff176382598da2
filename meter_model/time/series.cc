// resolve_series: which of two instants a clock face of the repeated autumn hour stands for.
#include <algorithm>
#include <map>

#include "meter_model/time/zone.h"

namespace ami {
namespace {

using std::chrono::seconds;

struct Slot {
  bool written = false;
  bool has_offset = false;
  CivilTime face{};
  Zone::Candidates candidates;
  std::optional<UtcInstant> settled;

  [[nodiscard]] bool pending() const { return !settled && candidates.count == 2; }
  [[nodiscard]] bool may_be(UtcInstant instant) const {
    return pending() && (candidates.first == instant || candidates.second == instant);
  }
};

std::vector<Slot> read_slots(const std::vector<StatedTime>& times, const Zone& zone) {
  std::vector<Slot> slots(times.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (!times[i].present()) continue;
    Slot& slot = slots[i];
    slot.written = true;
    slot.face = times[i].civil;
    if (times[i].utc_offset) {
      slot.has_offset = true;
      slot.settled = UtcInstant{times[i].civil.time_since_epoch() - *times[i].utc_offset};
      slot.candidates = {1, *slot.settled, *slot.settled};
    } else {
      slot.candidates = zone.resolve(times[i].civil);
      if (slot.candidates.count == 1) slot.settled = slot.candidates.first;
    }
  }
  return slots;
}

// Newest first? Told by neighbours that cannot be the other way round; failing that by the faces themselves.
bool is_descending(const std::vector<Slot>& slots) {
  int certain = 0;
  int by_face = 0;
  const Slot* before = nullptr;
  for (const Slot& slot : slots) {
    if (!slot.written || slot.candidates.count == 0) continue;
    if (before) {
      certain += (before->candidates.second < slot.candidates.first) -
                 (slot.candidates.second < before->candidates.first);
      by_face += (before->face < slot.face) - (slot.face < before->face);
    }
    before = &slot;
  }
  return certain != 0 ? certain < 0 : by_face < 0;
}

// Carries the known times one step on, slot by slot, through the faces that fit. An unwritten time is by
// definition one step after the one before it, so the chain passes through it.
std::vector<std::optional<UtcInstant>> chain(const std::vector<Slot>& slots, seconds step, bool forward) {
  std::vector<std::optional<UtcInstant>> reached(slots.size());
  std::optional<UtcInstant> last;
  for (std::size_t k = 0; k < slots.size(); ++k) {
    const std::size_t i = forward ? k : slots.size() - 1 - k;
    const Slot& slot = slots[i];
    if (slot.settled) {
      last = slot.settled;
    } else if (last) {
      const UtcInstant next = forward ? *last + step : *last - step;
      const bool passes = !slot.written || slot.may_be(next);
      last = passes ? std::optional(next) : std::nullopt;
    }
    reached[i] = last;
  }
  return reached;
}

bool settle_by_step(std::vector<Slot>& slots, seconds step) {
  if (step <= seconds{0}) return false;
  const auto from_before = chain(slots, step, true);
  const auto from_after = chain(slots, step, false);
  bool changed = false;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].pending()) continue;
    // Both sides fit but disagree: the sender left one of the two hours out, and nothing says which.
    if (from_before[i] && from_after[i] && from_before[i] != from_after[i]) continue;
    const auto& reached = from_before[i] ? from_before[i] : from_after[i];
    if (!reached) continue;
    slots[i].settled = reached;
    changed = true;
  }
  return changed;
}

bool settle_by_repetition(std::vector<Slot>& slots) {
  std::map<CivilTime, std::vector<Slot*>> by_face;
  for (Slot& slot : slots) {
    if (slot.written && !slot.has_offset && slot.candidates.count == 2) by_face[slot.face].push_back(&slot);
  }
  bool changed = false;
  for (auto& [face, pair] : by_face) {
    if (pair.size() != 2) continue;
    Slot& earlier = *pair[0];
    Slot& later = *pair[1];
    // What the step has already said about one of them must agree with the order of appearance.
    if (earlier.settled && *earlier.settled != earlier.candidates.first) continue;
    if (later.settled && *later.settled != later.candidates.second) continue;
    changed = changed || earlier.pending() || later.pending();
    earlier.settled = earlier.candidates.first;
    later.settled = later.candidates.second;
  }
  return changed;
}

ResolvedTime outcome(const Slot& slot) {
  if (slot.settled) return {slot.settled, nullptr};
  if (!slot.written) return {std::nullopt, "no_time"};
  return {std::nullopt, slot.candidates.count == 2 ? "ambiguous_local_time" : "nonexistent_local_time"};
}

}  // namespace

std::vector<ResolvedTime> resolve_series(const std::vector<StatedTime>& times, const Zone& zone,
                                         seconds step) {
  std::vector<Slot> slots = read_slots(times, zone);
  const bool descending = is_descending(slots);
  if (descending) std::reverse(slots.begin(), slots.end());
  const bool any_unwritten =
      std::any_of(slots.begin(), slots.end(), [](const Slot& s) { return !s.written; });
  // "One step after the one before" has no meaning where times run backwards.
  const seconds usable_step = descending && any_unwritten ? seconds{0} : step;
  while (settle_by_step(slots, usable_step) || settle_by_repetition(slots)) {
  }
  std::vector<ResolvedTime> out(slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    out[i] = outcome(slots[i]);
    if (slots[i].written || i == 0 || usable_step <= seconds{0}) continue;
    out[i] = out[i - 1];
    if (out[i].instant) *out[i].instant += usable_step;
  }
  if (descending) std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace ami
