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
constexpr std::chrono::hours kLongestJoined{1};  // slots of gaps that are one over midnight
constexpr std::int32_t kPlaces = 15;             // between exponents of one channel; 128 bits hold the sums

// One slot that is missing.
struct Slot {
  std::int64_t shape = 0;  // the unscaled estimate
  std::optional<Method> method;
  std::size_t piece = kNone;    // which part of a gap it belongs to
  std::size_t bracket = kNone;  // which pair of registers scaled it
  std::int64_t value = 0;
  std::int32_t exponent = 0;  // of shape and value
  const char* why = kNoMethod;
};

// The part of a gap that lies in one civil day.
struct Piece {
  SlotRange slots;
  const DaySlots* day = nullptr;
  SlotRange missing;  // all slots that are missing in a row with it
  std::vector<CitedInput> inputs;
};

// Nearest whole number, halves up. nullopt: beyond 64 bits.
std::optional<std::int64_t> rounded(Wide numerator, Wide denominator) {
  const Wide doubled = 2 * numerator + denominator;
  Wide quotient = doubled / (2 * denominator);
  if (doubled % (2 * denominator) < 0) --quotient;
  if (quotient <= kHole || quotient > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return static_cast<std::int64_t>(quotient);
}

Wide power_of_ten(std::int32_t places) {
  Wide out = 1;
  for (; places > 0; --places) out *= 10;
  return out;
}

std::size_t end_of(SlotRange range) {
  return range.first + range.count;
}

class Estimator {
 public:
  Estimator(const EstimationInput& input, const VeeConfig& config)
      : in_(input),
        config_(config),
        scene_{input.day, input.meter, config, summarise(input.day)},
        days_(input.days.begin(), input.days.end()),
        slots_(input.day.values.size()) {
    if (days_.empty()) days_.push_back({in_.date, in_.day_class, {0, slots_.size()}, in_.day.exponent});
  }

  // Null when the days fit the slots.
  [[nodiscard]] const char* contradiction() const;
  Estimation run();

 private:
  void shape_gap(std::size_t first_piece, std::size_t end_piece);
  bool in_outage(SlotRange gap, std::int32_t exponent);
  bool on_a_line(SlotRange gap, std::int32_t exponent);
  bool by_like_days(Piece& piece, std::int32_t exponent);
  bool by_profile(Piece& piece);
  void put(SlotRange range, std::span<const std::int64_t> shape, std::int32_t exponent, Method method);
  void find_gaps();
  [[nodiscard]] std::optional<std::int64_t> anchor(std::size_t slot) const;
  [[nodiscard]] std::optional<std::vector<Decimal>> taken_from(const LikeDay& day, const Piece& piece) const;
  void cite(SlotRange gap, const CitedInput& input);
  void scale_by_registers();
  void scale(const RegisterRead& first, const RegisterRead& second, std::size_t from, std::size_t to);
  void contradict(const RegisterRead& first, const RegisterRead& second, SlotRange slots, const Decimal& good,
                  const Decimal& change, const Decimal& missing, const Decimal& bound);
  void collect();

  [[nodiscard]] bool missing(std::size_t i) const { return slots_[i].piece != kNone; }
  [[nodiscard]] const DaySlots* day_of(std::size_t slot) const;  // null: it owes nothing
  [[nodiscard]] std::chrono::sys_days date_of(std::size_t slot) const;
  [[nodiscard]] std::int32_t exponent_of(SlotRange range) const;

  const EstimationInput& in_;
  const VeeConfig& config_;
  Scene scene_;
  std::vector<DaySlots> days_;
  SlotRange own_;  // of the civil day that is estimated
  std::vector<Slot> slots_;
  std::vector<Piece> pieces_;
  std::vector<std::array<UtcInstant, 2>> brackets_;
  Estimation out_;
};

const char* Estimator::contradiction() const {
  std::size_t from = 0;
  bool own = false;
  for (const DaySlots& day : days_) {
    if (day.slots.first < from || day.slots.count > slots_.size() ||
        day.slots.first > slots_.size() - day.slots.count)
      return "the days do not fit the slots";
    from = end_of(day.slots);
    own |= day.date == in_.date;
  }
  return own ? nullptr : "the day is none of those that the slots are of";
}

const DaySlots* Estimator::day_of(std::size_t slot) const {
  for (const DaySlots& day : days_) {
    if (slot >= day.slots.first && slot < end_of(day.slots)) return &day;
  }
  return nullptr;
}

// A slot belongs to the day that it starts in.
std::chrono::sys_days Estimator::date_of(std::size_t slot) const {
  if (const DaySlots* day = day_of(slot)) return day->date;
  return std::chrono::sys_days{
      std::chrono::floor<std::chrono::days>(in_.zone.civil(in_.day.start_of(slot)).time_since_epoch())};
}

// What estimates of these slots are rounded to: as their days state their values, else as the like days do.
std::int32_t Estimator::exponent_of(SlotRange range) const {
  std::optional<std::int32_t> found;
  const auto take = [&](std::int32_t exponent) { found = std::min(found.value_or(exponent), exponent); };
  for (const DaySlots& day : days_) {
    if (day.exponent && day.slots.first < end_of(range) && end_of(day.slots) > range.first)
      take(*day.exponent);
  }
  if (!found) {
    for (const LikeDay& day : in_.like_days) take(day.exponent);
  }
  return std::clamp(found.value_or(in_.day.exponent), in_.day.exponent - kPlaces, in_.day.exponent + kPlaces);
}

void Estimator::cite(SlotRange gap, const CitedInput& input) {
  for (Piece& piece : pieces_) {
    if (piece.slots.first >= gap.first && piece.slots.first < end_of(gap)) piece.inputs.push_back(input);
  }
}

// What has no power uses no energy.
bool Estimator::in_outage(SlotRange gap, std::int32_t exponent) {
  for (std::size_t i = gap.first; i < end_of(gap); ++i) {
    if (!scene_.within_one(in_.meter.outages, i)) return false;
  }
  for (const Span& outage : in_.meter.outages) {
    if (outage.from < in_.day.start_of(end_of(gap)) && outage.to > in_.day.start_of(gap.first))
      cite(gap, {CitedInput::Kind::Outage, outage.from});
  }
  put(gap, std::vector<std::int64_t>(gap.count), exponent, Method::ZeroInOutage);
  return true;
}

void Estimator::put(SlotRange range, std::span<const std::int64_t> shape, std::int32_t exponent,
                    Method method) {
  for (std::size_t k = 0; k < range.count; ++k) {
    Slot& slot = slots_[range.first + k];
    slot.shape = slot.value = shape[k];
    slot.exponent = exponent;
    slot.method = method;
  }
}

// Whether the slot's value is a good end point: measured, and with no doubt about it.
std::optional<std::int64_t> Estimator::anchor(std::size_t slot) const {
  if (slot >= scene_.slots() || !scene_.holds(slot)) return std::nullopt;
  Marks marks = in_.day.marks_at(slot);
  if (scene_.any_overlaps(in_.meter.outages, slot)) marks |= Mark::PowerFail;
  if (scene_.any_overlaps(in_.meter.test_modes, slot)) marks |= Mark::TestMode;
  for (const ClockSet& set : in_.meter.clock_sets) {
    if (scene_.overlaps({set.at, set.at}, slot)) marks |= Mark::ClockChanged;
  }
  if (marks.any_of(kNoAnchor)) return std::nullopt;
  return in_.day.values[slot];
}

bool Estimator::on_a_line(SlotRange gap, std::int32_t exponent) {
  if (in_.day.length * static_cast<std::int64_t>(gap.count) > config_.linear_up_to) return false;
  // Before the first slot lies one beyond all others.
  const auto left = anchor(gap.first - 1), right = anchor(end_of(gap));
  if (!left || !right) return false;
  const Wide steps = static_cast<Wide>(gap.count) + 1;
  exponent = std::max(exponent, in_.day.exponent);
  std::vector<std::int64_t> shape;
  for (Wide done = 1; done < steps; ++done) {
    const auto value = rounded(Wide{*left} * (steps - done) + Wide{*right} * done,
                               steps * power_of_ten(exponent - in_.day.exponent));
    if (!value) return false;
    shape.push_back(*value);
  }
  put(gap, shape, exponent, Method::Linear);
  cite(gap, {CitedInput::Kind::Anchor, in_.day.start_of(gap.first) - in_.day.length});
  cite(gap, {CitedInput::Kind::Anchor, in_.day.start_of(end_of(gap))});
  return true;
}

// The like day's values for the slots, matched by clock face: both hours of an autumn night take the one hour
// of an ordinary one. nullopt: one is not there, or the day is none to learn from.
std::optional<std::vector<Decimal>> Estimator::taken_from(const LikeDay& day, const Piece& piece) const {
  const std::chrono::sys_days date{piece.day->date}, then{day.date};
  if (day.day_class != piece.day->day_class || day.had_outage || day.length != in_.day.length ||
      then >= date || date - then > std::chrono::days{config_.like_day_reach_days} ||
      std::ranges::find(day.values, kHole) != day.values.end()) {
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
  std::vector<Decimal> taken;
  for (std::size_t i = piece.slots.first; i < end_of(piece.slots); ++i) {
    const auto wanted = face(in_.day.start_of(i));
    std::size_t k = 0;
    while (k < day.values.size() &&
           face(day.first_start + day.length * static_cast<std::int64_t>(k)) != wanted)
      ++k;
    if (k == day.values.size()) return std::nullopt;
    taken.push_back({day.values[k], day.exponent});
  }
  return taken;
}

bool Estimator::by_like_days(Piece& piece, std::int32_t exponent) {
  std::vector<const LikeDay*> latest_first;
  std::int32_t finest = exponent;
  for (const LikeDay& day : in_.like_days) {
    latest_first.push_back(&day);
    finest = std::min(finest, std::max(day.exponent, exponent - kPlaces));
  }
  std::ranges::stable_sort(latest_first,
                           [](const LikeDay* a, const LikeDay* b) { return b->date < a->date; });
  std::vector<Wide> sums(piece.slots.count);
  std::vector<UtcInstant> cited;
  int days = 0;
  std::optional<std::chrono::year_month_day> last;
  for (const LikeDay* day : latest_first) {
    if (days == config_.like_days) break;
    if (last == day->date || day->exponent < finest || day->exponent - finest > kPlaces) continue;
    const auto values = taken_from(*day, piece);
    if (!values) continue;
    for (std::size_t k = 0; k < piece.slots.count; ++k)
      sums[k] += (*values)[k].mantissa * power_of_ten(day->exponent - finest);
    cited.push_back(day->first_start);
    last = day->date;
    ++days;
  }
  if (days == 0) return false;
  std::vector<std::int64_t> shape;
  for (const Wide sum : sums) {
    const auto value = rounded(sum, days * power_of_ten(exponent - finest));
    if (!value) return false;
    shape.push_back(*value);
  }
  put(piece.slots, shape, exponent, Method::LikeDays);
  for (const UtcInstant at : cited) piece.inputs.push_back({CitedInput::Kind::LikeDay, at});
  return true;
}

bool Estimator::by_profile(Piece& piece) {
  if (in_.class_profile.size() != scene_.slots()) return false;
  const auto shape = in_.class_profile.subspan(piece.slots.first, piece.slots.count);
  if (std::ranges::find(shape, kHole) != shape.end()) return false;
  put(piece.slots, shape, in_.day.exponent, Method::ClassProfile);
  piece.inputs.push_back({CitedInput::Kind::ClassProfile, in_.day.start_of(piece.slots.first)});
  return true;
}

// The pieces are those of one gap. A line and an outage are about all of it, and each day has like days of
// its own.
void Estimator::shape_gap(std::size_t first_piece, std::size_t end_piece) {
  const SlotRange gap{pieces_[first_piece].slots.first,
                      end_of(pieces_[end_piece - 1].slots) - pieces_[first_piece].slots.first};
  const std::int32_t exponent = exponent_of(gap);
  if (in_outage(gap, exponent) || on_a_line(gap, exponent)) return;
  for (std::size_t p = first_piece; p < end_piece; ++p) {
    if (!by_like_days(pieces_[p], exponent_of(pieces_[p].slots))) by_profile(pieces_[p]);
  }
}

void Estimator::find_gaps() {
  const auto is_missing = [&](std::size_t i) {
    return !scene_.holds(i) && in_.day.end_of(i) <= in_.meter.as_of && day_of(i) != nullptr;
  };
  each_run(scene_.slots(), is_missing, [&](SlotRange missing) {
    const std::size_t first_piece = pieces_.size();
    for (const DaySlots& day : days_) {
      const std::size_t from = std::max(day.slots.first, missing.first),
                        to = std::min(end_of(day.slots), end_of(missing));
      if (from >= to) continue;
      for (std::size_t i = from; i < to; ++i) slots_[i].piece = pieces_.size();
      pieces_.push_back({{from, to - from}, &day, missing, {}});
    }
    const bool whole = pieces_.size() - first_piece <= 2 && in_.day.length <= kLongestJoined;
    if (whole) return shape_gap(first_piece, pieces_.size());
    for (std::size_t p = first_piece; p < pieces_.size(); ++p) shape_gap(p, p + 1);
  });
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
  const std::chrono::sys_days first_date = date_of(from), last_date = date_of(to - 1), own{in_.date};
  const bool over_midnight = first_date != last_date;
  if (last_date - first_date > std::chrono::days{1} || own < first_date || own > last_date ||
      (over_midnight && in_.day.length > kLongestJoined))
    return;
  // Whether a gap goes on beyond the two days is seen from either; how it is filled there is not.
  const auto leaves = [&](std::size_t i) {
    const SlotRange& all = pieces_[slots_[i].piece].missing;
    return date_of(all.first) < first_date || date_of(end_of(all) - 1) > last_date;
  };
  std::vector<std::size_t> holes;
  Wide good_total = 0;
  for (std::size_t i = from; i < to; ++i) {
    if (missing(i)) {
      if (over_midnight && leaves(i)) return;
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
  const std::int32_t stated = exponent_of(range);
  const auto differ = [&] {
    if (last_date == own) contradict(first, second, range, *good, *step.delta, *energy, *bound);
  };
  if (*energy < Decimal{}) return differ();

  // What lies in an outage stays zero.
  std::erase_if(holes, [&](std::size_t i) { return slots_[i].method == Method::ZeroInOutage; });
  if (holes.empty()) {
    if (*energy >= *bound) differ();
    return;
  }
  // In pulses where the energy is whole pulses, else in the last place of the values.
  const auto unit_of = [&](const Decimal& unit) -> std::optional<std::int64_t> {
    const std::int32_t finest = std::min(energy->exponent, unit.exponent);
    const auto all = energy->mantissa_at(finest), one = unit.mantissa_at(finest);
    if (!all || !one || *one == 0 || *all % *one != 0) return std::nullopt;
    return *all / *one;
  };
  Decimal unit{1, std::min(stated, energy->normalised().exponent)};
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
  std::int32_t finest = slots_[holes.front()].exponent;
  for (const std::size_t i : holes) finest = std::min(finest, slots_[i].exponent);
  for (const std::size_t i : holes) {
    const auto weight = shaped ? Decimal{slots_[i].shape, slots_[i].exponent}.mantissa_at(finest)
                               : std::optional<std::int64_t>(1);
    if (!weight) return;
    weights.push_back(*weight);
  }
  const auto parts = allocate(*units, weights);
  const std::int32_t exponent = std::min(stated, unit.exponent);
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
    return std::tie(a.piece, a.method, a.bracket, a.exponent) ==
           std::tie(b.piece, b.method, b.bracket, b.exponent);
  };
  for (std::size_t i = own_.first; i < end_of(own_);) {
    if (!missing(i)) {
      ++i;
      continue;
    }
    const Slot& slot = slots_[i];
    std::size_t end = i;
    while (end < end_of(own_) && missing(end) && same_kind(slots_[end], slot)) ++end;
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
      if (slot.method != Method::Flat) estimate.inputs = pieces_[slot.piece].inputs;
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
  for (const DaySlots& day : days_) {
    if (day.date == in_.date) own_ = day.slots;
  }
  find_gaps();
  if (in_.meter.as_of < in_.collection_ends) {
    for (const Piece& piece : pieces_) {
      if (piece.day->date == in_.date)
        out_.unfilled.push_back({piece.slots, "the collection window is still open"});
    }
    return std::move(out_);
  }
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
  Estimator estimator(input, config);
  if (const char* why = estimator.contradiction()) {
    refused.unfilled.push_back({{0, day.values.size()}, why});
    return refused;
  }
  return estimator.run();
}

}  // namespace ami::vee
