// Active power and energy from samples, as a meter with digital multiplication has them (notice AE-1641:
// "digital multiplication").
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "meter_model/metrology/energy.h"
#include "meter_model/metrology/waveform.h"
#include "meter_model/result.h"

namespace ami::metrology {

// Coherent sampling: N samples in each cycle of the line, voltage and current at the same moments but for the
// skew.
struct Sampling {
  double frequency_hz = 60;    // > 0, at most 1e6
  int samples_per_cycle = 64;  // 2 … 65536; an order above half of it is aliased, as in a real meter
  double skew_s = 0;           // the current is sampled this much later than the voltage; at most one second
};
Outcome check(const Sampling& sampling);

// What the samples of one cycle look like: each order folded into 0 … N/2 (components that land on the same
// order add up), currents turned by the skew. Power and rms of the folded phasors are those of the samples.
// Error: a bad `sampling`.
Result<std::vector<Element>> folded(const std::vector<Element>& elements, const Sampling& sampling);

// One cycle of samples, n = 0 … N-1 at t = n / (N f) + delay_s. Errors as elements_of() and check().
Result<std::vector<double>> synthesise(const Spectrum& spectrum, const Sampling& sampling,
                                       double delay_s = 0);

// Mean of the products of one cycle of synthesised samples over the form's elements, watts: the answer of a
// meter that samples, aliasing and skew included. Errors as elements_of() and check().
Result<double> sampled_power_w(const Signals& signals, Form form, Mode mode, const Sampling& sampling);

// What one step of a sample stands for. Doubles in volts and amperes: 1. Codes of a converter: its constants.
struct SampleScale {
  double volts = 1;    // > 0
  double amperes = 1;  // > 0
};

// Samples of both legs at the same moments, measured as in Signals. All four of one length.
template <class T>
struct LegSamples {
  std::span<const T> v1, i1, v2, i2;
};

// Takes a stream of samples in pieces of any length and counts energy by whole cycles: the direction of a
// cycle's energy is the sign of its mean power, the sum over the elements, never that of the power at a
// moment. How the stream is cut into pieces does not change the result by a bit. Each cycle's mean power is
// rounded once to nanowatts; the sums of these are integers. Not thread-safe; a value.
class SampledElement {
 public:
  // starting_power_w: a cycle whose mean power is below this in magnitude counts nothing. skew_s is not used:
  // the samples have it already. Errors: a bad sampling, scale or starting power (negative or not finite).
  static Result<SampledElement> make(const Sampling& sampling, const SampleScale& scale = {},
                                     double starting_power_w = 0);

  // One element: v and i of the same length. Double or int32 samples may follow one another in one stream.
  // Errors: lengths differ (nothing is taken); a cycle's power is not finite or above kMaxPowerNw (NaN or
  // infinity among its samples): the cycles before it are counted, it and all that follows are refused with
  // the same error, for time has been lost.
  Outcome feed(std::span<const double> v, std::span<const double> i);
  Outcome feed(std::span<const std::int32_t> v, std::span<const std::int32_t> i);
  // Form 2S: (v1 - v2) * (i1 - i2) / 2, or v1 * i1 + v2 * i2 in true mode.
  Outcome feed(const LegSamples<double>& legs, Mode mode);
  Outcome feed(const LegSamples<std::int32_t>& legs, Mode mode);

  // Energy of the cycles closed so far; error when it is beyond 128 bits.
  [[nodiscard]] Result<EnergyPair> energy() const;
  [[nodiscard]] std::uint64_t cycles() const { return cycles_; }  // closed
  [[nodiscard]] int open_samples() const { return position_; }    // of the running cycle
  // Mean power of the last closed cycle, unrounded; nullopt before the first.
  [[nodiscard]] std::optional<double> cycle_power_w() const;

 private:
  SampledElement() = default;
  template <class Product>
  Outcome take(std::size_t count, const Product& product);
  template <class T>
  Outcome take_pair(std::span<const T> v, std::span<const T> i);
  template <class T>
  Outcome take_legs(const LegSamples<T>& legs, Mode mode);
  Outcome close_cycle();

  // Sample k of a cycle is added to lane k mod 8: eight sums advance side by side, and in the same order
  // however the stream is cut.
  static constexpr int kLanes = 8;
  std::array<double, kLanes> lanes_{};
  int position_ = 0;
  Sampling sampling_;
  double watts_ = 1;  // mean power = watts_ * sum of the lanes
  double starting_power_w_ = 0;
  Int128 delivered_nw_ = 0;  // sums of the cycles' mean powers
  Int128 received_nw_ = 0;
  std::uint64_t cycles_ = 0;
  double last_power_w_ = 0;
};

}  // namespace ami::metrology
