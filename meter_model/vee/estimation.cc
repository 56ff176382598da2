#include "meter_model/vee/estimation.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "meter_model/vee/allocation.h"
#include "meter_model/vee/codes.h"
#include "meter_model/vee/register_advance.h"
#include "meter_model/vee/scene.h"

namespace ami::vee {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);
constexpr const char* kNoMethod = "no good neighbours, no like days, no registers around it";

// One slot that is missing.
struct Slot {
  std::int64_t shape = 0;  // the unscaled estimate at the day's exponent
  std::optional<Method> method;
  std::size_t gap = kNone;      // which gap it belongs to
  std::size_t bracket = kNone;  // which pair of registers scaled it
  std::int64_t value = 0;       // at `exponent`
  std::int32_t exponent = 0;
  const char* why = kNoMethod;
};

// Nearest whole number, halves up.
std::int64_t rounded(Wide numerator, Wide denominator) {
  const Wide doubled = 2 * numerator + denominator;
  const Wide quotient = doubled / (2 * denominator);
  return static_cast<std::int64_t>(doubled % (2 * denominator) < 0 ? quotient - 1 : quotient);
}

class Estimator {
 public:
  Estimator(const EstimationInput& input, const VeeConfig& config)
      : in_(input),
        config_(config),
        scene_{input.day, input.meter, config, summarise(input.day)},
        slots_(input.day.values.size()) {}

  Estimation run();

 private:
  void shape_gap(SlotRange gap);
  bool in_outage(SlotRange gap);
  bool on_a_line(SlotRange gap);
  bool by_like_days(SlotRange gap);
  bool by_profile(SlotRange gap);
  [[nodiscard]] std::optional<Neighbour> neighbour(std::size_t slot, bool before) const;
  [[nodiscard]] std::optional<std::vector<std::int64_t>> taken_from(const LikeDay& day, SlotRange gap) const;
  void scale_by_registers();
  void scale(const RegisterRead& first, const RegisterRead& second, std::size_t from, std::size_t to);
  void contradict(const RegisterRead& first, const RegisterRead& second, SlotRange slots, const Decimal& good,
                  const Decimal& change, const Decimal& missing, const Decimal& bound);
  void collect();

  [[nodiscard]] bool missing(std::size_t i) const { return slots_[i].gap != kNone; }

  const EstimationInput& in_;
  const VeeConfig& config_;
  Scene scene_;
  std::vector<Slot> slots_;
  std::vector<std::vector<CitedInput>> gap_inputs_;
  std::vector<std::array<UtcInstant, 2>> brackets_;
  Estimation out_;
};

// What has no power uses no energy.
bool Estimator::in_outage(SlotRange gap) {
  for (std::size_t i = gap.first; i < gap.first + gap.count; ++i) {
    if (!scene_.within_one(in_.meter.outages, i)) return false;
  }
  for (const Span& outage : in_.meter.outages) {
    if (outage.from < in_.day.end_of(gap.first + gap.count - 1) && outage.to > in_.day.start_of(gap.first))
      gap_inputs_.back().push_back({CitedInput::Kind::Outage, outage.from});
  }
  for (std::size_t i = gap.first; i < gap.first + gap.count; ++i) slots_[i].method = Method::ZeroInOutage;
  return true;
}

std::optional<Neighbour> Estimator::neighbour(std::size_t slot, bool before) const {
  std::optional<Neighbour> found;
  if (before && slot == 0) {
    found = in_.before;
  } else if (!before && slot == scene_.slots()) {
    found = in_.after;
  } else {
    const std::size_t i = before ? slot - 1 : slot;
    Marks marks = in_.day.marks_at(i);
    if (scene_.any_overlaps(in_.meter.outages, i)) marks |= Mark::PowerFail;
    if (scene_.any_overlaps(in_.meter.test_modes, i)) marks |= Mark::TestMode;
    for (const ClockSet& set : in_.meter.clock_sets) {
      if (scene_.overlaps({set.at, set.at}, i)) marks |= Mark::ClockChanged;
    }
    found = Neighbour{in_.day.values[i], marks};
  }
  if (!found || found->value == kHole || found->marks.any_of(kNoAnchor)) return std::nullopt;
  return found;
}

bool Estimator::on_a_line(SlotRange gap) {
  if (in_.day.length * static_cast<std::int64_t>(gap.count) > config_.linear_up_to) return false;
  const auto left = neighbour(gap.first, true), right = neighbour(gap.first + gap.count, false);
  if (!left || !right) return false;
  const Wide steps = static_cast<Wide>(gap.count) + 1;
  for (std::size_t k = 0; k < gap.count; ++k) {
    Slot& slot = slots_[gap.first + k];
    const Wide done = static_cast<Wide>(k) + 1;
    slot.shape = rounded(Wide{left->value} * (steps - done) + Wide{right->value} * done, steps);
    slot.method = Method::Linear;
  }
  gap_inputs_.back().push_back({CitedInput::Kind::Anchor, in_.day.start_of(gap.first) - in_.day.length});
  gap_inputs_.back().push_back({CitedInput::Kind::Anchor, in_.day.end_of(gap.first + gap.count - 1)});
  return true;
}

// The like day's values for the gap's slots, matched by clock face: both hours of an autumn night take the
// one hour of an ordinary one. nullopt: one is not there, or the day is none to learn from.
std::optional<std::vector<std::int64_t>> Estimator::taken_from(const LikeDay& day, SlotRange gap) const {
  if (day.day_class != in_.day_class || day.had_outage || day.length != in_.day.length ||
      !(day.date < in_.date) ||
      std::chrono::sys_days{in_.date} - std::chrono::sys_days{day.date} >
          std::chrono::days{config_.like_day_reach_days}) {
    return std::nullopt;
  }
  if (!day.marks.empty() && day.marks.size() != day.values.size()) return std::nullopt;
  for (const Marks marks : day.marks) {
    if (marks.any_of(kNoAnchor)) return std::nullopt;
  }
  const auto face = [&](UtcInstant at) {
    const CivilTime civil = in_.zone.civil(at);
    return civil - std::chrono::floor<std::chrono::days>(civil);
  };
  std::vector<std::int64_t> taken;
  for (std::size_t i = gap.first; i < gap.first + gap.count; ++i) {
    const auto wanted = face(in_.day.start_of(i));
    std::optional<std::int64_t> value;
    for (std::size_t k = 0; k < day.values.size() && !value; ++k) {
      if (face(day.first_start + day.length * static_cast<std::int64_t>(k)) != wanted) continue;
      if (day.values[k] == kHole) return std::nullopt;
      value = Decimal{day.values[k], day.exponent}.mantissa_at(in_.day.exponent);
      if (!value) return std::nullopt;
    }
    if (!value) return std::nullopt;
    taken.push_back(*value);
  }
  return taken;
}

bool Estimator::by_like_days(SlotRange gap) {
  std::vector<const LikeDay*> latest_first;
  for (const LikeDay& day : in_.like_days) latest_first.push_back(&day);
  std::ranges::stable_sort(latest_first,
                           [](const LikeDay* a, const LikeDay* b) { return b->date < a->date; });
  std::vector<Wide> sums(gap.count);
  int days = 0;
  std::optional<std::chrono::year_month_day> last;
  for (const LikeDay* day : latest_first) {
    if (days == config_.like_days) break;
    if (last == day->date) continue;
    const auto values = taken_from(*day, gap);
    if (!values) continue;
    for (std::size_t k = 0; k < gap.count; ++k) sums[k] += (*values)[k];
    gap_inputs_.back().push_back({CitedInput::Kind::LikeDay, day->first_start});
    last = day->date;
    ++days;
  }
  if (days == 0) return false;
  for (std::size_t k = 0; k < gap.count; ++k) {
    slots_[gap.first + k].shape = rounded(sums[k], days);
    slots_[gap.first + k].method = Method::LikeDays;
  }
  return true;
}

bool Estimator::by_profile(SlotRange gap) {
  if (in_.class_profile.size() != scene_.slots()) return false;
  for (std::size_t i = gap.first; i < gap.first + gap.count; ++i) {
    if (in_.class_profile[i] == kHole) return false;
  }
  for (std::size_t i = gap.first; i < gap.first + gap.count; ++i) {
    slots_[i].shape = in_.class_profile[i];
    slots_[i].method = Method::ClassProfile;
  }
  gap_inputs_.back().push_back({CitedInput::Kind::ClassProfile, in_.day.start_of(gap.first)});
  return true;
}

void Estimator::shape_gap(SlotRange gap) {
  gap_inputs_.emplace_back();
  for (std::size_t i = gap.first; i < gap.first + gap.count; ++i) slots_[i].gap = gap_inputs_.size() - 1;
  if (!in_outage(gap) && !on_a_line(gap) && !by_like_days(gap)) by_profile(gap);
  for (std::size_t i = gap.first; i < gap.first + gap.count; ++i) {
    slots_[i].value = slots_[i].shape;
    slots_[i].exponent = in_.day.exponent;
  }
}

void Estimator::contradict(const RegisterRead& first, const RegisterRead& second, SlotRange slots,
                           const Decimal& good, const Decimal& change, const Decimal& missing,
                           const Decimal& bound) {
  out_.findings.push_back(
      {.check = Check::IntervalSum,
       .quality = code::kFailed,
       .slots = slots,
       .from = first.at,
       .to = second.at,
       .figures = {{"sum of intervals", good, in_.day.unit},
                   {"register difference", change, in_.day.unit},
                   {"missing", missing, in_.day.unit},
                   {"bound", bound, in_.day.unit},
                   {"by", magnitude(missing).value_or(missing), in_.day.unit}},
       .words = missing < Decimal{} ? "the intervals that are there already hold more than the registers"
                                    : "the registers rose during an outage that covers all that is missing"});
}

void Estimator::scale(const RegisterRead& first, const RegisterRead& second, std::size_t from,
                      std::size_t to) {
  std::vector<std::size_t> holes;
  Wide good_total = 0;
  for (std::size_t i = from; i < to; ++i) {
    if (missing(i)) {
      holes.push_back(i);
    } else {
      if (!scene_.holds(i)) return;  // not due yet
      good_total += in_.day.values[i];
    }
  }
  if (holes.empty()) return;
  const auto step = advance(in_.day.programme, first, second,
                            interrupted_between(in_.meter, first.at, second.at), config_.physical_factor);
  const auto good = decimal_of(good_total, in_.day.exponent);
  if (step.verdict != RegisterAdvance::Verdict::Accepted || !good) return;
  const auto energy = difference(step.delta, good);
  const Decimal r = step_of(in_.day.programme.register_resolution, first.value, second.value);
  const auto bound =
      sum(r, in_.day.programme.ke.value_or(Decimal{}).times({1 + config_.sum_boundary_pulses, 0}));
  if (!energy || !bound) return;
  const SlotRange range{from, to - from};
  if (*energy < Decimal{}) return contradict(first, second, range, *good, *step.delta, *energy, *bound);

  // What lies in an outage stays zero.
  std::erase_if(holes, [&](std::size_t i) { return slots_[i].method == Method::ZeroInOutage; });
  if (holes.empty()) {
    if (*energy >= *bound) contradict(first, second, range, *good, *step.delta, *energy, *bound);
    return;
  }
  // In pulses where the energy is whole pulses, else in the last place of the values.
  const auto unit_of = [&](const Decimal& unit) -> std::optional<std::int64_t> {
    const std::int32_t finest = std::min(energy->exponent, unit.exponent);
    const auto all = energy->mantissa_at(finest), one = unit.mantissa_at(finest);
    if (!all || !one || *one == 0 || *all % *one != 0) return std::nullopt;
    return *all / *one;
  };
  Decimal unit{1, std::min(in_.day.exponent, energy->normalised().exponent)};
  auto units = unit_of(unit);
  if (in_.day.programme.ke) {
    if (const auto pulses = unit_of(*in_.day.programme.ke)) {
      unit = *in_.day.programme.ke;
      units = pulses;
    }
  }
  if (!units) return;
  std::vector<std::int64_t> weights;
  const bool shaped = std::ranges::all_of(holes, [&](std::size_t i) { return slots_[i].method.has_value(); });
  for (const std::size_t i : holes) weights.push_back(shaped ? slots_[i].shape : 1);
  const auto parts = allocate(*units, weights);
  const std::int32_t exponent = std::min(in_.day.exponent, unit.exponent);
  std::vector<std::int64_t> values;
  for (const std::int64_t part : parts) {
    const auto value = unit.times({part, 0});
    const auto mantissa = value ? value->mantissa_at(exponent) : std::nullopt;
    if (!mantissa) return;
    values.push_back(*mantissa);
  }
  brackets_.push_back({first.at, second.at});
  for (std::size_t k = 0; k < holes.size(); ++k) {
    Slot& slot = slots_[holes[k]];
    slot.value = values[k];
    slot.exponent = exponent;
    slot.bracket = brackets_.size() - 1;
    if (!shaped) slot.method = Method::Flat;
  }
}

void Estimator::scale_by_registers() {
  if (in_.day.programme.is_signed) return;  // a net change says nothing about the size of its parts
  const RegisterRead* first = nullptr;
  std::size_t from = 0;
  for (const RegisterRead& read : in_.day.registers) {
    const auto at = scene_.boundary(read.at);
    if (!at || read.marks.any_of(Mark::Estimated | Mark::Suspect | Mark::TestMode)) continue;
    if (first != nullptr && *at > from) scale(*first, read, from, *at);
    first = &read;
    from = *at;
  }
}

void Estimator::collect() {
  const auto same_kind = [](const Slot& a, const Slot& b) {
    return std::tie(a.gap, a.method, a.bracket, a.exponent) ==
           std::tie(b.gap, b.method, b.bracket, b.exponent);
  };
  for (std::size_t i = 0; i < slots_.size();) {
    if (!missing(i)) {
      ++i;
      continue;
    }
    const Slot& slot = slots_[i];
    std::size_t end = i;
    while (end < slots_.size() && missing(end) && same_kind(slots_[end], slot)) ++end;
    if (!slot.method) {
      out_.unfilled.push_back({{i, end - i}, slot.why});
    } else {
      Estimate estimate{.slots = {i, end - i},
                        .method = *slot.method,
                        .register_scaled = slot.bracket != kNone,
                        .exponent = slot.exponent,
                        .values = {},
                        .inputs = {}};
      // A flat share owes nothing to neighbours that shaped the rest of its gap.
      if (slot.method != Method::Flat) estimate.inputs = gap_inputs_[slot.gap];
      if (slot.bracket != kNone) {
        for (const UtcInstant at : brackets_[slot.bracket])
          estimate.inputs.push_back({CitedInput::Kind::Register, at});
      }
      for (std::size_t k = i; k < end; ++k) estimate.values.push_back(slots_[k].value);
      out_.estimates.push_back(std::move(estimate));
    }
    i = end;
  }
}

Estimation Estimator::run() {
  const auto due = [&](std::size_t i) { return !scene_.holds(i) && in_.day.end_of(i) <= in_.meter.as_of; };
  const bool collecting = in_.meter.as_of < in_.collection_ends;
  each_run(scene_.slots(), due, [&](SlotRange gap) {
    if (collecting) {
      out_.unfilled.push_back({gap, "the collection window is still open"});
    } else {
      shape_gap(gap);
    }
  });
  if (collecting) return std::move(out_);
  scale_by_registers();
  collect();
  return std::move(out_);
}

}  // namespace

std::string_view name_of(Method method) {
  constexpr std::array<std::string_view, 5> kNames{"LINEAR", "ZERO_IN_OUTAGE", "LIKE_DAYS", "CLASS_PROFILE",
                                                   "FLAT"};
  return kNames[static_cast<std::size_t>(method)];
}

std::string_view name_of(CitedInput::Kind kind) {
  constexpr std::array<std::string_view, 5> kNames{"ANCHOR", "LIKE_DAY", "REGISTER", "OUTAGE",
                                                   "CLASS_PROFILE"};
  return kNames[static_cast<std::size_t>(kind)];
}

Estimation estimate(const EstimationInput& input, const VeeConfig& config) {
  const ChannelDay& day = input.day;
  Estimation refused;
  const bool marks_fit = day.marks.empty() || day.marks.size() == day.values.size();
  if (day.length <= day.length.zero() || !marks_fit ||
      !std::ranges::is_sorted(day.registers, {}, &RegisterRead::at)) {
    if (!day.values.empty())
      refused.unfilled.push_back({{0, day.values.size()}, "the input contradicts itself"});
    return refused;
  }
  return Estimator(input, config).run();
}

}  // namespace ami::vee
