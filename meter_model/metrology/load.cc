#include "meter_model/metrology/load.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>

namespace ami::metrology {
namespace {

using std::chrono::microseconds;

static_assert(std::numeric_limits<long double>::digits >= 64,
              "the energy of a sine needs 64 bits of precision");

constexpr std::int64_t kLongestSpanUs = std::int64_t{1000} * 366 * 86400 * 1'000'000;

Outcome check_span(microseconds span, const char* what) {
  if (span.count() > 0 && span.count() <= kLongestSpanUs) return Done{};
  return permanent(std::string("the ") + what + " of a load is " + std::to_string(span.count()) +
                   " us: wanted more than zero and at most 1000 years");
}

// floor(outer * (n / d) / 2), exact. n >= 0, d > 0; |outer| * max(n / d, d) below 2^126.
Int128 floor_half(Int128 outer, Int128 n, Int128 d) {
  const Int128 magnitude = outer < 0 ? -outer : outer;
  const Int128 rest = magnitude * (n % d);
  const Int128 twice = magnitude * (n / d) + rest / d;
  const Int128 half = twice / 2;
  const bool exact = twice % 2 == 0 && rest % d == 0;
  return outer < 0 ? -half - (exact ? 0 : 1) : half;
}

// A straight line of power from `a` to `b` (a != b, both within kMaxPowerNw) over `d` microseconds. Its
// integral G is taken in integers, rounded down, so it is monotone wherever the exact one is: no error can
// make a direction run backwards.
struct Ramp {
  Int128 a, b, d;

  // G from 0 to t: a t + (b - a) t^2 / (2 d).
  [[nodiscard]] Int128 to_time(Int128 t) const {
    const Int128 rise = b - a;
    return a * t + (rise > 0 ? floor_half(t, rise * t, d) : floor_half(-t, -rise * t, d));
  }
  // G from 0 to where the line passes the power x, which is between a and b: (x + a) / 2 * d (x - a) / (b -
  // a).
  [[nodiscard]] Int128 to_level(Int128 x) const {
    return b > a ? floor_half(x + a, (x - a) * d, b - a) : floor_half(x + a, (a - x) * d, a - b);
  }
  // Energy until t (0 … d) while the power is positive and at least `threshold`.
  [[nodiscard]] Int128 delivered(Int128 t, Int128 threshold) const {
    const Int128 power_times_d = a * d + (b - a) * t;
    if (b > a) {
      const Int128 begin = std::max(a, threshold);
      return power_times_d <= begin * d ? 0 : to_time(t) - to_level(begin);
    }
    if (a <= threshold) return 0;
    return power_times_d >= threshold * d ? to_time(t) : to_level(threshold);
  }
};

// One half-wave of a sine of the given amplitude (nW) over half a period (us), with the parts below a
// threshold cut off. The energy until phase x is H sin^2(x / 2).
class HalfWave {
 public:
  HalfWave(std::int64_t amplitude_nw, std::int64_t period_us, std::int64_t threshold_nw)
      : period_us_(period_us),
        exact_(static_cast<long double>(Int128{amplitude_nw} * period_us) / std::numbers::pi_v<long double>),
        whole_(static_cast<Int128>(std::roundl(exact_))) {
    // sin(x) = threshold / amplitude gives sin^2(x / 2) = r^2 / (2 (1 + sqrt(1 - r^2))) with no cancellation.
    const long double r =
        amplitude_nw == 0
            ? 0
            : std::min(static_cast<long double>(threshold_nw) / static_cast<long double>(amplitude_nw), 1.0L);
    below_ = static_cast<Int128>(exact_ * (r * r) / (2 * (1 + std::sqrt(1 - r * r))));
  }

  [[nodiscard]] Int128 whole() const { return whole_ - 2 * below_; }
  // Energy from the half-wave's start to `half_us` half microseconds on (0 … period_us).
  [[nodiscard]] Int128 until(std::int64_t half_us) const {
    return std::clamp(uncut(half_us), below_, whole_ - below_) - below_;
  }

 private:
  // The second quarter is taken from the end, so that each microsecond adds more than the rounding takes;
  // both are cut off towards zero, which keeps the seam monotone.
  [[nodiscard]] Int128 uncut(std::int64_t half_us) const {
    return half_us <= period_us_ / 2 ? beginning(half_us) : whole_ - beginning(period_us_ - half_us);
  }
  [[nodiscard]] Int128 beginning(std::int64_t half_us) const {
    const long double x = std::numbers::pi_v<long double> * static_cast<long double>(half_us) /
                          (2 * static_cast<long double>(period_us_));
    const long double s = std::sin(x);
    return static_cast<Int128>(exact_ * (s * s));
  }

  std::int64_t period_us_;
  long double exact_;
  Int128 whole_;
  Int128 below_ = 0;
};

}  // namespace

Result<Load> Load::constant_nw(std::int64_t power_nw) {
  if (power_nw > kMaxPowerNw || power_nw < -kMaxPowerNw) {
    return permanent("a power of " + std::to_string(power_nw) + " nW is beyond +-" +
                     std::to_string(kMaxPowerNw) + " nW");
  }
  Load load;
  load.first_nw_ = load.last_nw_ = power_nw;
  return load;
}

Result<Load> Load::constant(double power_w) {
  const auto power = nanowatts(power_w);
  if (!power) return power.error();
  return constant_nw(*power);
}

Result<Load> Load::ramp(double from_w, double to_w, microseconds duration) {
  const auto from = nanowatts(from_w);
  if (!from) return from.error();
  const auto to = nanowatts(to_w);
  if (!to) return to.error();
  if (auto good = check_span(duration, "ramp's duration"); !good) return good.error();
  if (*from == *to) return constant_nw(*from);
  Load load;
  load.kind_ = Kind::Ramp;
  load.first_nw_ = *from;
  load.last_nw_ = *to;
  load.span_ = duration;
  return load;
}

Result<Load> Load::sine(double amplitude_w, microseconds period) {
  const auto amplitude = nanowatts(amplitude_w);
  if (!amplitude) return amplitude.error();
  if (auto good = check_span(period, "sine's period"); !good) return good.error();
  Load load;
  load.kind_ = Kind::Sine;
  load.first_nw_ = load.last_nw_ = *amplitude;
  load.span_ = period;
  return load;
}

double Load::power_w(microseconds t) const {
  const double first = static_cast<double>(first_nw_) * 1e-9;
  if (kind_ == Kind::Constant) return first;
  const auto span = static_cast<double>(span_.count());
  if (kind_ == Kind::Sine) {
    return first * std::sin(2 * std::numbers::pi * static_cast<double>(t.count() % span_.count()) / span);
  }
  const double last = static_cast<double>(last_nw_) * 1e-9;
  const double part = std::clamp(static_cast<double>(t.count()) / span, 0.0, 1.0);
  return first * (1 - part) + last * part;
}

EnergyPair Load::until(microseconds t, std::int64_t starting_power_nw) const {
  if (t.count() <= 0) return {};
  const auto flat = [starting_power_nw](std::int64_t power_nw, microseconds time) {
    EnergyPair out;
    if (power_nw >= starting_power_nw && power_nw > 0) out.delivered = Energy::of(power_nw, time);
    if (-power_nw >= starting_power_nw && power_nw < 0) out.received = Energy::of(-power_nw, time);
    return out;
  };
  switch (kind_) {
    case Kind::Constant:
      return flat(first_nw_, t);
    case Kind::Ramp: {
      const microseconds inside = std::min(t, span_);
      const Ramp up{first_nw_, last_nw_, span_.count()};
      const Ramp down{-up.a, -up.b, up.d};
      EnergyPair out{Energy::of(up.delivered(inside.count(), starting_power_nw)),
                     Energy::of(down.delivered(inside.count(), starting_power_nw))};
      return t > span_ ? out + flat(last_nw_, t - span_) : out;
    }
    case Kind::Sine: {
      const std::int64_t period = span_.count();
      const std::int64_t half_us = 2 * (t.count() % period);
      const HalfWave wave(std::abs(first_nw_), period, starting_power_nw);
      const Int128 turns = t.count() / period;
      Energy leading = Energy::of(turns * wave.whole() + wave.until(std::min(half_us, period)));
      Energy trailing =
          Energy::of(turns * wave.whole() + wave.until(std::max(half_us - period, std::int64_t{0})));
      if (first_nw_ < 0) std::swap(leading, trailing);
      return {leading, trailing};
    }
  }
  return {};
}

EnergyPair LoadCursor::advance(microseconds step) {
  if (step.count() <= 0) return {};
  at_ = step > microseconds::max() - at_ ? microseconds::max() : at_ + step;
  const EnergyPair now = load_.until(at_, starting_power_nw_);
  const EnergyPair out{now.delivered - so_far_.delivered, now.received - so_far_.received};
  so_far_ = now;
  return out;
}

}  // namespace ami::metrology
