#include "daemon/rpc/read_at.h"

#include <algorithm>
#include <numeric>

#include "meter_model/vee/exact.h"
#include "meter_model/vee/register_advance.h"
#include "meter_model/vee/register_monotone.h"

namespace ami::rpc {
namespace {

using vee::Mark;
using vee::RegisterAdvance;
using vee::Wide;

constexpr std::int32_t kDelivered = 1;

// Such a value is not the energy of its interval.
constexpr vee::Marks kNoEnergy = Mark::Overflow | Mark::Skipped | Mark::TestMode | Mark::Suspect;
// Such a reading is not the state of the dial at its time.
constexpr vee::Marks kNoState = vee::Marks(Mark::TestMode) | Mark::Estimated | Mark::Edited | Mark::Suspect;

// What the intervals from one boundary on say.
struct Added {
  Decimal sum;
  std::size_t count = 0;
  const char* why_not = nullptr;  // set: they do not fill the time up
};

class Computation {
 public:
  explicit Computation(const ReadAtQuestion& question) : q_(question) {}

  ComputedOrWhyNot run() {
    if (!q_.before) return {{}, "there is no reading before it to begin with"};
    if (q_.before->marks.any_of(kNoState))
      return {{}, "the reading before it is suspect, estimated or of test mode"};
    if (q_.after && q_.after->marks.any_of(kNoState))
      return {{}, "the reading after it is suspect, estimated or of test mode"};
    if (q_.after) {
      if (const char* why = judge_registers()) return {{}, why};
    }
    std::string why_no_sum;
    if (auto read = from_intervals(why_no_sum)) return {std::move(read), {}};
    std::string why_no_line;
    if (auto read = on_the_line(why_no_line)) {
      read->words = why_no_sum;
      return {std::move(read), {}};
    }
    return {{}, why_no_sum + "; " + why_no_line};
  }

 private:
  // What the registers rose by. A reason: they contradict each other.
  const char* judge_registers() {
    if (q_.net) {
      rise_ = q_.after->value.minus(q_.before->value);
      return nullptr;
    }
    const RegisterAdvance advance =
        vee::advance(q_.programme, *q_.before, *q_.after, false, q_.physical_factor);
    if (advance.verdict == RegisterAdvance::Verdict::Suspect) return advance.why;
    if (advance.verdict == RegisterAdvance::Verdict::Accepted) rise_ = advance.delta;
    return nullptr;
  }

  // Intervals from `number` on, which fill the time up to `to` from where they begin.
  Added add_up(std::size_t number, UtcInstant from, UtcInstant to) const {
    Added added;
    UtcInstant reached = from;
    for (std::size_t i = number; reached < to; ++i) {
      if (i >= q_.intervals.size() || q_.intervals[i].start > reached || !q_.intervals[i].value) {
        added.why_not = "an interval is missing";
        return added;
      }
      const IntervalPiece& piece = q_.intervals[i];
      if (piece.start < reached) {
        added.why_not = "the intervals overlap, or none begins at the time of the reading";
        return added;
      }
      if (piece.marks.any_of(kNoEnergy)) {
        added.why_not = "an interval is marked overflow, skipped, test mode or suspect";
        return added;
      }
      const auto sum = added.sum.plus(*piece.value);
      if (!sum) {
        added.why_not = "the sum of the intervals is too great a number";
        return added;
      }
      added.sum = *sum;
      ++added.count;
      reached = piece.start + piece.length;
    }
    if (reached > to) added.why_not = "no interval ends at this time";
    return added;
  }

  // Ke, or the greatest number that `count` intervals are multiples of.
  Decimal pulse(std::size_t number, std::size_t count) const {
    if (q_.programme.ke) return *q_.programme.ke;
    std::int32_t exponent = 0;
    for (const IntervalPiece& piece : q_.intervals.subspan(number, count))
      exponent = std::min(exponent, piece.value->exponent);
    std::int64_t common = 0;
    for (const IntervalPiece& piece : q_.intervals.subspan(number, count)) {
      const auto mantissa = piece.value->mantissa_at(exponent);
      if (mantissa) common = std::gcd(common, *mantissa);
    }
    return {common == 0 ? 1 : common, exponent};
  }

  // The register's value after so much; nullopt: it does not fit.
  std::optional<Decimal> state_after(const Decimal& energy, bool& wrapped) const {
    auto value = q_.before->value.plus(energy);
    const auto& turn = q_.programme.register_modulus;
    wrapped = value && turn && !q_.net && *value >= *turn;
    return wrapped ? value->minus(*turn) : value;
  }

  std::optional<ComputedRead> from_intervals(std::string& why_not) const {
    if (q_.no_intervals != nullptr) {
      why_not = std::string("not from the intervals: ") + q_.no_intervals;
      return std::nullopt;
    }
    // Intervals that end by then are of no use; one that began before it and goes on shows as overlap.
    const auto first = std::ranges::find_if(
        q_.intervals, [&](const IntervalPiece& piece) { return piece.start + piece.length > q_.before->at; });
    const auto number = static_cast<std::size_t>(first - q_.intervals.begin());
    const Added up_to = add_up(number, q_.before->at, q_.at);
    if (up_to.why_not != nullptr) {
      why_not = std::string("not from the intervals: ") + up_to.why_not;
      return std::nullopt;
    }
    ComputedRead read{ComputedRead::Method::RegisterPlusIntervals, {}, false, {}, {}, up_to.count, {}};
    const auto value = state_after(up_to.sum, read.wrapped);
    if (!value) {
      why_not = "not from the intervals: the value is too great a number";
      return std::nullopt;
    }
    read.value = *value;
    if (!q_.after) {
      read.words = "not checked: there is no reading after it";
      return read;
    }
    if (!rise_) {
      read.words = "not checked: the register can turn over once or more between the two readings";
      return read;
    }
    const Added rest = add_up(number + up_to.count, q_.at, q_.after->at);
    const std::size_t all = up_to.count + (rest.why_not == nullptr ? rest.count : 0);
    const auto bound =
        vee::sum(vee::step_of(q_.programme.register_resolution, q_.before->value, q_.after->value),
                 pulse(number, all).times({1 + q_.boundary_pulses, 0}));
    const auto rest_sum = vee::sum(up_to.sum, rest.sum);
    const auto difference =
        rest.why_not == nullptr ? vee::difference(*rise_, rest_sum) : vee::difference(*rise_, up_to.sum);
    if (!bound || !difference) {
      why_not = "not from the intervals: the numbers are too great to be compared";
      return std::nullopt;
    }
    if (rest.why_not != nullptr) {
      // The part cannot be more than the whole.
      if (!q_.net && *vee::magnitude(difference) >= *bound && difference->mantissa < 0) {
        why_not = "not from the intervals: they are more than the registers rose by, by " +
                  vee::magnitude(difference)->normalised().to_string();
        return std::nullopt;
      }
      read.words = std::string("not checked: after it, ") + rest.why_not;
      return read;
    }
    if (*vee::magnitude(difference) >= *bound) {
      why_not = "not from the intervals: they differ from the registers by " +
                difference->normalised().to_string() + ", the bound is " + bound->normalised().to_string();
      return std::nullopt;
    }
    read.difference = difference->normalised();
    read.bound = bound->normalised();
    return read;
  }

  std::optional<ComputedRead> on_the_line(std::string& why_not) const {
    if (!q_.after) {
      why_not = "no line: there is no reading after it";
      return std::nullopt;
    }
    if (!rise_) {
      why_not = "no line: the register can turn over once or more between the two readings";
      return std::nullopt;
    }
    const std::int32_t exponent = std::min(q_.before->value.exponent, q_.after->value.exponent);
    const auto rise = rise_->mantissa_at(exponent);
    if (!rise) {
      why_not = "no line: the numbers are too great";
      return std::nullopt;
    }
    const Wide whole = (q_.after->at - q_.before->at).count(), part = (q_.at - q_.before->at).count();
    // Halves up: floor of (2 x + 1) / 2, for a sinking net register, too.
    const Wide doubled = 2 * Wide{*rise} * part + whole, divisor = 2 * whole;
    const Wide share = doubled >= 0 ? doubled / divisor : -((-doubled + divisor - 1) / divisor);
    ComputedRead read{ComputedRead::Method::Linear, {}, false, {}, {}, 0, {}};
    const auto value = state_after({static_cast<std::int64_t>(share), exponent}, read.wrapped);
    if (!value) {
      why_not = "no line: the numbers are too great";
      return std::nullopt;
    }
    read.value = *value;
    return read;
  }

  const ReadAtQuestion& q_;
  std::optional<Decimal> rise_;  // nullopt: no reading after, or it may have turned over any number of times
};

}  // namespace

bool adds_up(const ReadingType& type) {
  switch (quantity_of(type)) {
    case Quantity::EnergyDelivered:
    case Quantity::EnergyReceived:
    case Quantity::EnergyNet:
    case Quantity::EnergyTotal:
    case Quantity::Volume:
      break;
    default:
      return false;  // a cumulative demand moves at resets only
  }
  ReadingType one_way = type;
  one_way.parts[ReadingType::FlowDirection] = kDelivered;
  return only_grows(one_way) && !is_interval(type);
}

bool is_dial_of(const ReadingType& dial, const ReadingType& interval) {
  if (!adds_up(dial) || !is_interval(interval)) return false;
  ReadingType a = dial.canonical().unscaled(), b = interval.canonical().unscaled();
  for (const auto part : {ReadingType::MacroPeriod, ReadingType::Aggregate, ReadingType::MeasuringPeriod,
                          ReadingType::Accumulation}) {
    a.parts[part] = b.parts[part] = 0;
  }
  return a == b;
}

ComputedOrWhyNot compute_read(const ReadAtQuestion& question) {
  return Computation(question).run();
}

}  // namespace ami::rpc
