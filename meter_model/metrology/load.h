// The power that a meter's element sees, as a function of time, with its energy in closed form: a run of ten
// years costs what a run of a second costs, and no step size enters the result.
#pragma once

#include <chrono>
#include <cstdint>

#include "meter_model/metrology/energy.h"
#include "meter_model/result.h"

namespace ami::metrology {

// Power over time, t counted from the load's own start. Positive = delivered (grid to load). Immutable value.
class Load {
 public:
  enum class Kind : std::uint8_t { Constant, Ramp, Sine };

  Load() = default;  // nothing: constant zero

  // Powers: whole nanowatts, at most kMaxPowerNw either way; watts are rounded once, here. Errors: not
  // finite, too large, duration or period not positive.
  static Result<Load> constant_nw(std::int64_t power_nw);
  static Result<Load> constant(double power_w);
  // from_w at t = 0 to to_w at t = duration in a straight line; to_w afterwards.
  static Result<Load> ramp(double from_w, double to_w, std::chrono::microseconds duration);
  // p(t) = amplitude_w * sin(2 pi t / period), for ever. A negative amplitude begins with received energy.
  static Result<Load> sine(double amplitude_w, std::chrono::microseconds period);

  [[nodiscard]] Kind kind() const { return kind_; }
  // Constant: its power. Ramp: the power at its start. Sine: its amplitude.
  [[nodiscard]] std::int64_t first_nw() const { return first_nw_; }
  // Ramp: the power at its end. Otherwise the same as first_nw().
  [[nodiscard]] std::int64_t last_nw() const { return last_nw_; }
  // Ramp: its duration. Sine: its period. Constant: zero.
  [[nodiscard]] std::chrono::microseconds span() const { return span_; }

  [[nodiscard]] double power_w(std::chrono::microseconds t) const;

  // Energy from 0 to t (0 for t <= 0) by the sign of p at every moment, without what flowed while |p| was
  // below starting_power_nw (creep: a meter below its starting load counts nothing).
  //   constant: exact;  ramp: in integers, within a unit (1e-15 J);
  //   sine: whole half-waves of amplitude * period / pi rounded to a unit once, plus a part of one.
  // Each direction is monotone in t, so differences of two calls are never negative and telescope exactly.
  [[nodiscard]] EnergyPair until(std::chrono::microseconds t, std::int64_t starting_power_nw = 0) const;

  friend bool operator==(const Load&, const Load&) = default;

 private:
  std::int64_t first_nw_ = 0;
  std::int64_t last_nw_ = 0;
  std::chrono::microseconds span_{0};
  Kind kind_ = Kind::Constant;
};

// Walks along a load and hands out the energy of each step. The steps of any split add up to exactly what one
// step over the whole gives. Not thread-safe; a value.
class LoadCursor {
 public:
  explicit LoadCursor(const Load& load, std::int64_t starting_power_nw = 0)
      : load_(load), starting_power_nw_(starting_power_nw) {}

  // Energy of the next `step`; a step that is not positive gives zero and moves nothing.
  EnergyPair advance(std::chrono::microseconds step);

  [[nodiscard]] const Load& load() const { return load_; }
  [[nodiscard]] std::chrono::microseconds at() const { return at_; }  // time since the load's start

 private:
  Load load_;
  std::int64_t starting_power_nw_;
  std::chrono::microseconds at_{0};
  EnergyPair so_far_;
};

}  // namespace ami::metrology
