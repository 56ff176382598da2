#include "meter_model/metrology/exponential.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace ami::metrology {
namespace {

using std::chrono::microseconds;

constexpr double kNanowattsPerWatt = 1e9;
constexpr double kMicrosecondsPerSecond = 1e6;

double seconds(microseconds time) {
  return static_cast<double>(time.count()) / kMicrosecondsPerSecond;
}

// What of a power the demand is about: itself, its size, or nothing. A factor, so that a piece of a load on
// which it does not change keeps its shape.
struct Share {
  DemandQuantity quantity;
  double starting_power_w;

  [[nodiscard]] double of(double power_w) const {
    if (std::abs(power_w) < starting_power_w) return 0;
    switch (quantity) {
      case DemandQuantity::Delivered:
        return power_w > 0 ? 1 : 0;
      case DemandQuantity::Received:
        return power_w < 0 ? -1 : 0;
      case DemandQuantity::Net:
        return 1;
    }
    return 0;
  }
};

// Solves the equation piece by piece and keeps the greatest value.
class Walk {
 public:
  Walk(double tau_s, double start_w) : tau_(tau_s), d_(start_w), peak_w_(start_w) {}

  [[nodiscard]] double w() const { return d_; }
  [[nodiscard]] double peak_w() const { return peak_w_; }
  [[nodiscard]] double peak_at() const { return peak_at_; }

  // P = a + b t for h seconds.
  void line(double a, double b, double h) {
    if (h <= 0) return;
    const double grown = -std::expm1(-h / tau_);  // 1 - e^(-h/tau)
    const double end = d_ + (a - d_) * grown + b * (h - tau_ * grown);
    // P - D falls through zero at most once, and only where P falls: there D' = 0 and D = P.
    const double above = a - d_;
    if (b < 0 && above > 0 && a + b * h < end) {
      const double at = tau_ * std::log1p(above / (-b * tau_));
      consider(a + b * at, at_ + at);
    }
    finish(end, h);
  }

  // P = amplitude sin(omega t + phase) for h seconds, within one quarter turn.
  void wave(double amplitude, double omega, double phase, double h) {
    if (h <= 0) return;
    const double q = omega * tau_;
    const auto settled = [&](double t) {
      const double angle = omega * t + phase;
      return amplitude / (1 + q * q) * (std::sin(angle) - q * std::cos(angle));
    };
    const double transient = d_ - settled(0);
    const auto value = [&](double t) { return settled(t) + transient * std::exp(-t / tau_); };
    const auto above = [&](double t) { return amplitude * std::sin(omega * t + phase) - value(t); };
    // (P - D) e^(t/tau) has the derivative P' e^(t/tau), of one sign in a quarter turn: at most one zero.
    if (above(0) > 0 && above(h) < 0) {
      double low = 0;
      double high = h;
      for (double middle = h / 2; low < middle && middle < high; middle = (low + high) / 2) {
        (above(middle) > 0 ? low : high) = middle;
      }
      consider(value(low), at_ + low);
    }
    finish(value(h), h);
  }

  // Passes over time in which no new greatest value can lie.
  void leap(double to_w, double h) {
    d_ = to_w;
    at_ += h;
  }

 private:
  void consider(double w, double at) {
    if (w <= peak_w_) return;
    peak_w_ = w;
    peak_at_ = at;
  }
  void finish(double w, double h) {
    d_ = w;
    at_ += h;
    consider(w, at_);
  }

  double tau_;
  double d_;
  double at_ = 0;
  double peak_w_;
  double peak_at_ = 0;
};

// A straight line from a with slope b, cut where its share changes: at zero and at the starting power.
void walk_line(Walk& walk, const Share& share, double a, double b, double h) {
  std::array<double, 5> cuts{0, h, h, h, h};
  std::size_t count = 1;
  if (b != 0) {
    for (const double level : {-share.starting_power_w, 0.0, share.starting_power_w}) {
      const double at = (level - a) / b;
      if (at > 0 && at < h) cuts.at(count++) = at;
    }
    std::sort(cuts.begin(), cuts.begin() + static_cast<std::ptrdiff_t>(count));
  }
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const double from = cuts.at(i);
    const double length = cuts.at(i + 1) - from;
    const double factor = share.of(a + b * (from + length / 2));
    walk.line(factor * (a + b * from), factor * b, length);
  }
}

class Sine {
 public:
  Sine(const Share& share, double amplitude_w, double period_s)
      : share_(share), amplitude_w_(amplitude_w), period_s_(period_s) {
    const double ratio = std::min(1.0, share.starting_power_w / std::abs(amplitude_w));
    const double rise = std::asin(ratio) / (2 * std::numbers::pi);  // |p| reaches the starting power here
    cuts_ = {0, rise, 0.25, 0.5 - rise, 0.5, 0.5 + rise, 0.75, 1 - rise, 1};
  }

  // From one part of a turn to another, both 0 … 1.
  void walk(Walk& walk, double from, double to) const {
    for (std::size_t i = 0; i + 1 < cuts_.size(); ++i) {
      const double low = std::max(from, cuts_.at(i));
      const double high = std::min(to, cuts_.at(i + 1));
      if (high <= low) continue;
      constexpr double kTurn = 2 * std::numbers::pi;
      const double factor = share_.of(amplitude_w_ * std::sin(kTurn * (low + high) / 2));
      if (factor == 0) {
        walk.line(0, 0, (high - low) * period_s_);
      } else {
        walk.wave(factor * amplitude_w_, kTurn / period_s_, kTurn * low, (high - low) * period_s_);
      }
    }
  }

 private:
  Share share_;
  double amplitude_w_;
  double period_s_;
  std::array<double, 9> cuts_{};
};

// Whole turns are an affine map of the value: D after a turn = c + q D. So the values at one phase of turn
// after turn only rise or only fall, and the greatest lies in the first turn or in the last: those between
// are passed over, however many they are.
void walk_sine(Walk& walk, const Share& share, const Load& load, double tau_s, microseconds from,
               microseconds time) {
  const double amplitude_w = static_cast<double>(load.first_nw()) / kNanowattsPerWatt;
  if (amplitude_w == 0) return walk.line(0, 0, seconds(time));
  const double period_s = seconds(load.span());
  const Sine sine(share, amplitude_w, period_s);
  const auto part = [&](microseconds of_a_turn) {
    return static_cast<double>(of_a_turn.count()) / static_cast<double>(load.span().count());
  };

  const microseconds phase = from % load.span();
  const microseconds first = std::min(time, load.span() - phase);
  sine.walk(walk, part(phase), part(phase + first));
  const microseconds rest = time - first;
  auto turns = rest / load.span();
  if (turns > 2) {
    sine.walk(walk, 0, 1);
    Walk from_zero(tau_s, 0);
    sine.walk(from_zero, 0, 1);
    const double settled = from_zero.w() / -std::expm1(-period_s / tau_s);
    const double skipped_s = static_cast<double>(turns - 2) * period_s;
    walk.leap(settled + (walk.w() - settled) * std::exp(-skipped_s / tau_s), skipped_s);
    turns = 1;
  }
  for (; turns > 0; --turns) sine.walk(walk, 0, 1);
  sine.walk(walk, 0, part(rest % load.span()));
}

}  // namespace

ExponentialDemand::ExponentialDemand(microseconds t90) : tau_s_(seconds(t90) / std::numbers::ln10) {}

ExponentialDemand::Peak ExponentialDemand::follow(const Load& load, microseconds from, microseconds time,
                                                  DemandQuantity quantity, double starting_power_w) {
  Walk walk(tau_s_, demand_w_);
  const Share share{quantity, starting_power_w};
  const double last_w = static_cast<double>(load.last_nw()) / kNanowattsPerWatt;
  switch (load.kind()) {
    case Load::Kind::Constant:
      walk_line(walk, share, last_w, 0, seconds(time));
      break;
    case Load::Kind::Ramp: {
      const microseconds on_ramp = std::clamp(load.span() - from, microseconds{0}, time);
      const double first_w = static_cast<double>(load.first_nw()) / kNanowattsPerWatt;
      const double slope = (last_w - first_w) / seconds(load.span());
      walk_line(walk, share, first_w + slope * seconds(from), slope, seconds(on_ramp));
      walk_line(walk, share, last_w, 0, seconds(time - on_ramp));
      break;
    }
    case Load::Kind::Sine:
      walk_sine(walk, share, load, tau_s_, from, time);
      break;
  }
  demand_w_ = walk.w();
  const microseconds after{std::llround(walk.peak_at() * kMicrosecondsPerSecond)};
  return {walk.peak_w(), std::min(after, time)};
}

void ExponentialDemand::decay(microseconds time) {
  demand_w_ *= std::exp(-seconds(time) / tau_s_);
}

}  // namespace ami::metrology
