#include "meter_model/metrology/sampled.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <string>

namespace ami::metrology {
namespace {

constexpr int kMostSamples = 65536;
constexpr double kHighestFrequencyHz = 1e6;
constexpr double kLongestSkewS = 1;

// One signal as the converter sees it. A component is turned by delay_s, then moved to the order that its
// samples cannot be told from.
Phasors folded_signal(const Phasors& phasors, const Sampling& sampling, double delay_s) {
  const int n = sampling.samples_per_cycle;
  std::map<int, std::complex<double>> sum;
  for (const auto& c : phasors) {
    if (c.order == 0) {
      sum[0] += c.value;
      continue;
    }
    const double turns = std::remainder(c.order * sampling.frequency_hz * delay_s, 1.0);
    const auto turned = c.value * std::polar(1.0, 2 * std::numbers::pi * turns);
    const int image = c.order % n;
    if (image == 0 || 2 * image == n) {
      // sqrt(2) rms sin(angle), the same at each sample or of alternating sign.
      sum[image] += std::numbers::sqrt2 * turned.imag();
    } else if (2 * image < n) {
      sum[image] += turned;
    } else {
      sum[n - image] += -std::conj(turned);  // sin((n - k) x + a) = sin(k x + pi - a) at the samples
    }
  }
  Phasors out;
  for (const auto& [order, value] : sum) out.push_back({order, value});
  return out;
}

}  // namespace

Outcome check(const Sampling& sampling) {
  if (!(sampling.frequency_hz > 0 && sampling.frequency_hz <= kHighestFrequencyHz)) {
    return permanent("frequency is " + std::to_string(sampling.frequency_hz) +
                     " Hz: wanted more than 0 and at most 1e6");
  }
  if (sampling.samples_per_cycle < 2 || sampling.samples_per_cycle > kMostSamples) {
    return permanent("samples per cycle is " + std::to_string(sampling.samples_per_cycle) + ": wanted 2 to " +
                     std::to_string(kMostSamples));
  }
  if (!(std::fabs(sampling.skew_s) <= kLongestSkewS)) {
    return permanent("skew is " + std::to_string(sampling.skew_s) +
                     " s: wanted at most one second either way");
  }
  return Done{};
}

Result<std::vector<Element>> folded(const std::vector<Element>& elements, const Sampling& sampling) {
  if (auto good = check(sampling); !good) return good.error();
  std::vector<Element> out;
  for (const auto& element : elements) {
    out.push_back(
        {folded_signal(element.v, sampling, 0), folded_signal(element.i, sampling, sampling.skew_s)});
  }
  return out;
}

Result<std::vector<double>> synthesise(const Spectrum& spectrum, const Sampling& sampling, double delay_s) {
  if (auto good = check(sampling); !good) return good.error();
  if (!std::isfinite(delay_s)) return permanent("the delay of the samples is not a finite number");
  if (auto good = phasors_of(spectrum, "to sample"); !good) return good.error();
  const int n = sampling.samples_per_cycle;
  std::vector<double> out(static_cast<std::size_t>(n), 0.0);
  for (const auto& h : spectrum) {
    const double begin = std::remainder(h.angle_deg, 360.0) / 360 +
                         std::remainder(h.order * sampling.frequency_hz * delay_s, 1.0);
    for (int k = 0; k < n; ++k) {
      const std::int64_t image = std::int64_t{h.order} * k % n;  // whole turns go in integers
      const double turns = static_cast<double>(image) / n + begin;
      out[static_cast<std::size_t>(k)] +=
          h.order == 0 ? h.rms * std::cos(2 * std::numbers::pi * begin)
                       : std::numbers::sqrt2 * h.rms * std::sin(2 * std::numbers::pi * turns);
    }
  }
  return out;
}

Result<double> sampled_power_w(const Signals& signals, Form form, Mode mode, const Sampling& sampling) {
  auto v1 = synthesise(signals.v1, sampling);
  if (!v1) return v1.error();
  auto i1 = synthesise(signals.i1, sampling, sampling.skew_s);
  if (!i1) return i1.error();
  auto element = SampledElement::make(sampling);
  if (!element) return element.error();
  Outcome taken = Done{};
  if (form == Form::OneS) {
    taken = element->feed(*v1, *i1);
  } else {
    auto v2 = synthesise(signals.v2, sampling);
    if (!v2) return v2.error();
    auto i2 = synthesise(signals.i2, sampling, sampling.skew_s);
    if (!i2) return i2.error();
    taken = element->feed(LegSamples<double>{*v1, *i1, *v2, *i2}, mode);
  }
  if (!taken) return taken.error();
  return *element->cycle_power_w();
}

Result<SampledElement> SampledElement::make(const Sampling& sampling, const SampleScale& scale,
                                            double starting_power_w) {
  if (auto good = check(sampling); !good) return good.error();
  if (!(scale.volts > 0 && scale.amperes > 0 && std::isfinite(scale.volts * scale.amperes))) {
    return permanent("a step of a sample stands for " + std::to_string(scale.volts) + " V and " +
                     std::to_string(scale.amperes) + " A: wanted finite numbers above zero");
  }
  if (!(starting_power_w >= 0 && std::isfinite(starting_power_w))) {
    return permanent("starting power is " + std::to_string(starting_power_w) +
                     " W: wanted a finite number, zero or more");
  }
  SampledElement out;
  out.sampling_ = sampling;
  out.watts_ = scale.volts * scale.amperes / sampling.samples_per_cycle;
  out.starting_power_w_ = starting_power_w;
  return out;
}

template <class Product>
Outcome SampledElement::take(std::size_t count, const Product& product) {
  std::size_t at = 0;
  while (at < count) {
    const auto room = static_cast<std::size_t>(sampling_.samples_per_cycle - position_);
    const std::size_t end = at + std::min(count - at, room);
    auto lane = static_cast<std::size_t>(position_) % kLanes;
    position_ += static_cast<int>(end - at);
    for (; at < end && lane != 0; ++at) {
      lanes_[lane] += product(at);
      lane = (lane + 1) % kLanes;
    }
    auto lanes = lanes_;  // a copy whose address nobody has stays in registers
    for (; end - at >= kLanes; at += kLanes) {
      for (std::size_t k = 0; k < kLanes; ++k) lanes[k] += product(at + k);
    }
    lanes_ = lanes;
    for (; at < end; ++at) lanes_[lane++] += product(at);
    if (position_ == sampling_.samples_per_cycle) {
      if (auto closed = close_cycle(); !closed) return closed;
    }
  }
  return Done{};
}

Outcome SampledElement::close_cycle() {
  const auto& l = lanes_;
  const double power_w = watts_ * (((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7])));
  const double power_nw = power_w * 1e9;
  if (!(std::fabs(power_nw) <= static_cast<double>(kMaxPowerNw))) {
    // The cycle stays open and full: every later call ends here again.
    return permanent(
        "cycle " + std::to_string(cycles_ + 1) +
        " of the samples has no countable mean power: a sample is not finite, or its scale is wrong");
  }
  lanes_ = {};
  position_ = 0;
  ++cycles_;
  last_power_w_ = power_w;
  if (std::fabs(power_w) < starting_power_w_) return Done{};
  const std::int64_t rounded = std::llrint(power_nw);
  if (rounded > 0) {
    delivered_nw_ += rounded;
  } else {
    received_nw_ -= rounded;
  }
  return Done{};
}

template <class T>
Outcome SampledElement::take_pair(std::span<const T> v, std::span<const T> i) {
  if (v.size() != i.size()) {
    return permanent(std::to_string(v.size()) + " voltage samples and " + std::to_string(i.size()) +
                     " current samples: wanted as many of each");
  }
  const T* const volts = v.data();
  const T* const amperes = i.data();
  return take(v.size(),
              [=](std::size_t k) { return static_cast<double>(volts[k]) * static_cast<double>(amperes[k]); });
}

template <class T>
Outcome SampledElement::take_legs(const LegSamples<T>& legs, Mode mode) {
  const std::size_t count = legs.v1.size();
  if (legs.i1.size() != count || legs.v2.size() != count || legs.i2.size() != count) {
    return permanent("the legs have " + std::to_string(count) + ", " + std::to_string(legs.i1.size()) + ", " +
                     std::to_string(legs.v2.size()) + " and " + std::to_string(legs.i2.size()) +
                     " samples (v1, i1, v2, i2): wanted as many of each");
  }
  const T* const v1 = legs.v1.data();
  const T* const i1 = legs.i1.data();
  const T* const v2 = legs.v2.data();
  const T* const i2 = legs.i2.data();
  const auto of = [](T sample) { return static_cast<double>(sample); };
  if (mode == Mode::FormFaithful) {
    return take(count,
                [=](std::size_t k) { return (of(v1[k]) - of(v2[k])) * (of(i1[k]) - of(i2[k])) * 0.5; });
  }
  return take(count, [=](std::size_t k) { return of(v1[k]) * of(i1[k]) + of(v2[k]) * of(i2[k]); });
}

Outcome SampledElement::feed(std::span<const double> v, std::span<const double> i) {
  return take_pair(v, i);
}
Outcome SampledElement::feed(std::span<const std::int32_t> v, std::span<const std::int32_t> i) {
  return take_pair(v, i);
}
Outcome SampledElement::feed(const LegSamples<double>& legs, Mode mode) {
  return take_legs(legs, mode);
}
Outcome SampledElement::feed(const LegSamples<std::int32_t>& legs, Mode mode) {
  return take_legs(legs, mode);
}

Result<EnergyPair> SampledElement::energy() const {
  // One multiplication, at the end: nothing drifts with the number of cycles.
  const auto counted = [this](Int128 sum_nw) {
    return std::roundl(static_cast<long double>(sum_nw) * 1e6L /
                       static_cast<long double>(sampling_.frequency_hz));
  };
  constexpr long double kBeyond = 0x1p126L;
  const long double delivered = counted(delivered_nw_), received = counted(received_nw_);
  if (delivered >= kBeyond || received >= kBeyond) {
    return permanent("the energy of the samples is beyond 128 bits of nanowatt-microseconds");
  }
  return EnergyPair{Energy::of(static_cast<Int128>(delivered)), Energy::of(static_cast<Int128>(received))};
}

std::optional<double> SampledElement::cycle_power_w() const {
  if (cycles_ == 0) return std::nullopt;
  return last_power_w_;
}

}  // namespace ami::metrology
