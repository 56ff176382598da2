#include "meter_model/vee/likely_causes.h"

#include <algorithm>
#include <array>

#include "meter_model/vee/exact.h"

namespace ami::vee {
namespace {

constexpr std::size_t kMostNeighbours = 8;  // more of them would fit anything

// Two sides of an identity that should be equal within a bound.
struct Sides {
  Decimal left, right, bound;
  std::string_view unit;
};

void say(std::vector<LikelyCause>& causes, Cause cause, Figures figures, std::string_view words) {
  LikelyCause& said = causes.emplace_back();
  said.cause = cause;
  said.figures = std::move(figures);
  said.words = words;
}

// Whether left x a = right x b, to within `tolerance` x b.
bool agree(const Sides& sides, const Decimal& a, const Decimal& b, const std::optional<Decimal>& tolerance) {
  const auto gap = magnitude(difference(sides.left.times(a), sides.right.times(b)));
  const auto most = product(tolerance, b);
  return gap && most && *gap < *most;
}

void wrong_ke(const Sides& sides, const Decimal& ke, const VeeConfig& config,
              std::vector<LikelyCause>& causes) {
  const auto off = magnitude(sides.left.minus(sides.right));
  for (const Decimal& other : config.plausible_ke) {
    if (other == ke || other.mantissa <= 0) continue;
    // With the other constant the bound has its pulse instead of ours.
    const auto tolerance = difference(sum(sides.bound, other), ke);
    // Where the bound is as wide as what is to be explained, every constant would fit.
    if (!off || !tolerance || *tolerance > *off) continue;
    if (!agree(sides, other, ke, tolerance)) continue;
    say(causes, Cause::WrongKe, {{"Ke configured", ke, sides.unit}, {"Ke that fits", other, sides.unit}},
        "the intervals fit a pulse of " + other.to_string() + ", " + ke.to_string() + " is configured");
  }
}

void wrong_multiplier(const Sides& sides, const VeeConfig& config, std::vector<LikelyCause>& causes) {
  const Decimal one{1, 0};
  const auto off = magnitude(sides.left.minus(sides.right));
  for (const Decimal& ratio : config.plausible_multipliers) {
    if (ratio <= one || !off || sides.bound > *off) continue;
    const bool left_is_multiplied = agree(sides, one, ratio, sides.bound);
    // right = ratio x left: the left side's own error is multiplied with it.
    const bool right_is_multiplied = agree(sides, ratio, one, sides.bound.times(ratio)) &&
                                     product(sides.bound, ratio).value_or(*off) < *off;
    if (!left_is_multiplied && !right_is_multiplied) continue;
    say(causes, Cause::Multiplier, {{"ratio", ratio, ""}},
        std::string("the ") + (left_is_multiplied ? "intervals are " : "registers are ") + ratio.to_string() +
            " times the other side: a transformer ratio applied once only");
  }
}

// left less right is what the registers lack: intervals just outside their time belong in, or some of the
// first or last inside belong out.
void missed_intervals(const Sides& sides, const Finding& finding, const ChannelDay& day,
                      const CauseHints& hints, std::vector<LikelyCause>& causes) {
  const Decimal gap = sides.left.minus(sides.right).value_or(Decimal{});
  std::vector<Decimal> first, last;
  for (std::size_t k = 0; k < std::min(finding.slots.count, kMostNeighbours); ++k) {
    first.push_back(day.value_at(finding.slots.first + k));
    last.push_back(day.value_at(finding.slots.first + finding.slots.count - 1 - k));
  }
  const auto look = [&](std::span<const Decimal> values, bool too_many, const char* where) {
    std::optional<Decimal> total = Decimal{};
    for (std::size_t k = 0; k < std::min(values.size(), kMostNeighbours); ++k) {
      total = sum(total, values[k]);
      const auto rest = magnitude(too_many ? difference(gap, total) : sum(gap, total));
      if (!rest || *rest >= sides.bound || *total < sides.bound) continue;
      say(causes, Cause::MissedIntervals,
          {{"intervals", {static_cast<std::int64_t>(k + 1), 0}, ""}, {"energy", *total, sides.unit}},
          std::string("the difference is that of ") + std::to_string(k + 1) + " interval(s) " + where);
      return;
    }
  };
  look(hints.before, false, "just before the first register");
  look(hints.after, false, "just after the second register");
  look(first, true, "just after the first register");
  look(last, true, "just before the second register");
}

void clock_was_set(const Sides& sides, const Finding& finding, const ChannelDay& day, const MeterDay& meter,
                   std::vector<LikelyCause>& causes) {
  if (!finding.from || !finding.to) return;
  std::chrono::microseconds moved{0};
  for (const ClockSet& set : meter.clock_sets) {
    if (set.at >= *finding.from && set.at <= *finding.to && set.by) moved += std::chrono::abs(*set.by);
  }
  if (moved == moved.zero()) return;
  std::int64_t greatest = 0;
  for (const std::int64_t value : day.values) {
    if (value != kHole) greatest = std::max(greatest, value);
  }
  // At the day's greatest power the energy of the time that was set is no less than the difference.
  const auto off = magnitude(sides.left.minus(sides.right));
  const auto beyond = difference(off, sides.bound);
  const Decimal length{std::chrono::microseconds{day.length}.count(), 0};
  const auto wanted = product(beyond, length);
  const auto possible = Decimal{greatest, day.exponent}.times({moved.count(), 0});
  if (!wanted || !possible || *wanted > *possible) return;
  say(causes, Cause::ClockSet, {{"clock set by", Decimal{moved.count(), -6}.normalised(), "s"}},
      "the clock was set between the registers, and the difference fits the time it was set by");
}

// A drop that the intervals in between confirm as one whole turn.
void wrapped(const Finding& finding, const ChannelDay& day, std::vector<LikelyCause>& causes) {
  const Decimal* first = figure(finding.figures, "first reading");
  const Decimal* second = figure(finding.figures, "second reading");
  const auto& turn = day.programme.register_modulus;
  if (!turn || !day.programme.ke || !finding.from || !finding.to) return;
  const auto change = sum(difference(*second, *first), turn);
  Wide total = 0;
  std::chrono::microseconds covered{0};
  for (std::size_t i = 0; i < day.values.size(); ++i) {
    if (day.start_of(i) < *finding.from || day.end_of(i) > *finding.to) continue;
    if (day.values[i] == kHole) return;
    total += day.values[i];
    covered += day.length;
  }
  if (covered != *finding.to - *finding.from) return;
  const auto bound = step_of(day.programme.register_resolution, *first, *second).plus(*day.programme.ke);
  const auto gap = magnitude(difference(decimal_of(total, day.exponent), change));
  if (!gap || !bound || *gap >= *bound) return;
  say(causes, Cause::RegisterWrapped, {{"one turn", *turn, day.unit}},
      "the register went round once: the intervals in between add up to that");
}

void swapped_net(const Finding& finding, const Sides& sides, std::vector<LikelyCause>& causes) {
  const Decimal* delivered = figure(finding.figures, "delivered");
  const Decimal* received = figure(finding.figures, "received");
  if (delivered == nullptr || received == nullptr) return;
  const auto gap = magnitude(difference(sides.left, received->minus(*delivered)));
  if (gap && *gap < sides.bound) {
    say(causes, Cause::SwappedChannels, {}, "net is received less delivered: the two are exchanged");
  }
}

std::optional<Sides> sides_of(const Finding& finding, std::string_view left, const Decimal* right,
                              std::string_view unit) {
  const Decimal* value = figure(finding.figures, left);
  const Decimal* bound = figure(finding.figures, "bound");
  if (value == nullptr || right == nullptr || bound == nullptr) return std::nullopt;
  return Sides{*value, *right, *bound, unit};
}

}  // namespace

std::optional<Identity> identity_of(Check check) {
  switch (check) {
    case Check::IntervalSum:
      return Identity::Sum;
    case Check::TouSum:
      return Identity::TouSum;
    case Check::Demand:
      return Identity::Demand;
    case Check::RegisterMonotone:
      return Identity::Wrap;
    case Check::NetIdentity:
      return Identity::Net;
    default:
      return std::nullopt;
  }
}

std::string_view name_of(Identity identity) {
  constexpr std::array<std::string_view, 5> kNames{"SUM", "TOU_SUM", "DEMAND", "WRAP", "NET"};
  return kNames[static_cast<std::size_t>(identity)];
}

std::string_view name_of(Cause cause) {
  constexpr std::array<std::string_view, 6> kNames{"WRONG_KE",         "MULTIPLIER", "SWAPPED_CHANNELS",
                                                   "MISSED_INTERVALS", "CLOCK_SET",  "REGISTER_WRAPPED"};
  return kNames[static_cast<std::size_t>(cause)];
}

std::optional<Diagnosis> diagnose(const Finding& finding, const ChannelDay* day, const MeterDay& meter,
                                  const VeeConfig& config, const CauseHints& hints) {
  const auto identity = identity_of(finding.check);
  if (!identity) return std::nullopt;
  const std::string_view unit = day != nullptr ? day->unit : std::string_view{};
  Diagnosis result{*identity, {}, {}};
  std::optional<Sides> sides;
  std::optional<Decimal> parts;
  switch (*identity) {
    case Identity::Sum:
      sides = sides_of(finding, "sum of intervals", figure(finding.figures, "register difference"), unit);
      break;
    case Identity::TouSum:
      sides = sides_of(finding, "sum of tiers", figure(finding.figures, "register difference"), unit);
      break;
    case Identity::Net:
      if (figure(finding.figures, "delivered") != nullptr && figure(finding.figures, "received") != nullptr)
        parts = figure(finding.figures, "delivered")->minus(*figure(finding.figures, "received"));
      sides = sides_of(finding, "net", parts ? &*parts : nullptr, unit);
      break;
    case Identity::Demand: {
      const Decimal* left = figure(finding.figures, "demand of the intervals");
      const Decimal* right = figure(finding.figures, "demand register");
      const Decimal* resolution = figure(finding.figures, "resolution");
      const Decimal* pulse = figure(finding.figures, "one pulse");
      if (left == nullptr || right == nullptr || resolution == nullptr || pulse == nullptr)
        return std::nullopt;
      const auto bound = resolution->plus(*pulse);
      if (bound) sides = Sides{*left, *right, *bound, unit};
      break;
    }
    case Identity::Wrap: {
      const Decimal* first = figure(finding.figures, "first reading");
      const Decimal* second = figure(finding.figures, "second reading");
      const auto by = first != nullptr && second != nullptr ? second->minus(*first) : std::nullopt;
      if (!by) return std::nullopt;
      result.by = *by;
      if (day != nullptr && *by < Decimal{}) wrapped(finding, *day, result.causes);
      return result;
    }
  }
  const auto by = sides ? sides->left.minus(sides->right) : std::nullopt;
  if (!by) return std::nullopt;
  result.by = *by;
  const bool of_intervals = *identity == Identity::Sum && day != nullptr;
  const bool against_intervals = of_intervals || (*identity == Identity::Demand && day != nullptr);
  if (against_intervals && day->programme.ke) wrong_ke(*sides, *day->programme.ke, config, result.causes);
  if (*identity != Identity::Net) wrong_multiplier(*sides, config, result.causes);
  if (*identity == Identity::Net) swapped_net(finding, *sides, result.causes);
  if (of_intervals) {
    if (hints.opposite_difference) {
      const auto gap = magnitude(sides->left.minus(*hints.opposite_difference));
      if (gap && *gap < sides->bound) {
        say(result.causes, Cause::SwappedChannels,
            {{"register of the other direction", *hints.opposite_difference, unit}},
            "the intervals add up to the register of the other direction");
      }
    }
    if (finding.slots.first + finding.slots.count <= day->values.size())
      missed_intervals(*sides, finding, *day, hints, result.causes);
    clock_was_set(*sides, finding, *day, meter, result.causes);
  }
  return result;
}

}  // namespace ami::vee
