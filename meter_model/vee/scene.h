// One channel's day under the checks. Only for the sources of this folder.
#pragma once

#include <span>
#include <string>

#include "meter_model/vee/day_input.h"
#include "meter_model/vee/exact.h"
#include "meter_model/vee/report.h"
#include "meter_model/vee/vee_config.h"

namespace ami::vee {

// One pass over the values, so that a day without fault costs no second look.
struct DaySummary {
  std::size_t present = 0;
  std::int64_t least = 0, greatest = 0;  // of those present
  Wide total = 0;
  Marks marks;  // of any slot
};
DaySummary summarise(const ChannelDay& day);

struct Scene {
  const ChannelDay& day;
  const MeterDay& meter;
  const VeeConfig& config;
  DaySummary summary;

  [[nodiscard]] std::size_t slots() const { return day.values.size(); }
  [[nodiscard]] bool holds(std::size_t slot) const { return day.values[slot] != kHole; }
  // Boundary between slots that falls on this instant: 0 … slots(). nullopt: outside, or inside a slot.
  [[nodiscard]] std::optional<std::size_t> boundary(UtcInstant at) const;
  [[nodiscard]] bool overlaps(const Span& span, std::size_t slot) const {
    const UtcInstant start = day.start_of(slot);
    const bool momentary = span.from == span.to;
    return span.from < day.end_of(slot) && (momentary ? span.from >= start : span.to > start);
  }
  [[nodiscard]] bool any_overlaps(std::span<const Span> spans, std::size_t slot) const {
    for (const Span& span : spans) {
      if (overlaps(span, slot)) return true;
    }
    return false;
  }
  [[nodiscard]] bool within_one(std::span<const Span> spans, std::size_t slot) const {
    for (const Span& span : spans) {
      if (span.from <= day.start_of(slot) && span.to >= day.end_of(slot)) return true;
    }
    return false;
  }
  // The index of the greatest value of a range that holds one.
  [[nodiscard]] std::size_t greatest_in(SlotRange range) const;
};

// Calls emit(SlotRange) for each longest run of slots for which `is` holds.
template <class Is, class Emit>
void each_run(std::size_t slots, Is is, Emit emit) {
  for (std::size_t i = 0; i < slots; ++i) {
    if (!is(i)) continue;
    const std::size_t first = i;
    while (i < slots && is(i)) ++i;
    emit(SlotRange{first, i - first});
  }
}

using ChannelCheck = void (*)(const Scene&, Report&);

// V06 … V13
void interval_size(const Scene& scene, Report& report);
void continuity(const Scene& scene, Report& report);
void overflow(const Scene& scene, Report& report);
void test_mode(const Scene& scene, Report& report);
void power_failure(const Scene& scene, Report& report);
void clock_changed(const Scene& scene, Report& report);
void physical_maximum(const Scene& scene, Report& report);
void sign(const Scene& scene, Report& report);
// V14, V17, V23
void interval_sum(const Scene& scene, Report& report);
void register_monotone(const Scene& scene, Report& report);
void demand(const Scene& scene, Report& report);
// V18 … V22, V24, V25
void spike(const Scene& scene, Report& report);
void high_low(const Scene& scene, Report& report);
void zero_run(const Scene& scene, Report& report);
void frozen(const Scene& scene, Report& report);
void use_while_off(const Scene& scene, Report& report);
void timestamps(const Scene& scene, Report& report);
void prolonged_estimation(const Scene& scene, Report& report);

}  // namespace ami::vee
