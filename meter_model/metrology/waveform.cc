#include "meter_model/metrology/waveform.h"

#include <cmath>
#include <map>
#include <numbers>
#include <string>

namespace ami::metrology {
namespace {

constexpr std::size_t kMostHarmonics = 200;
constexpr double kLargestRms = 1e9;

// e^(j angle); exact at every quarter turn, where P = 0 or Q = 0 is expected to come out as such.
std::complex<double> unit_phasor(double angle_deg) {
  int quarter = 0;
  const double rest = std::remquo(angle_deg, 90.0, &quarter) * (std::numbers::pi / 180);
  const double c = std::cos(rest), s = std::sin(rest);
  switch (quarter & 3) {
    case 0:
      return {c, s};
    case 1:
      return {-s, c};
    case 2:
      return {-c, -s};
    default:
      return {s, -c};
  }
}

std::string where(std::string_view name, const Harmonic& h) {
  return "signal " + std::string(name) + ", order " + std::to_string(h.order) + ": ";
}

// factor * (a - b)
Phasors difference(const Phasors& a, const Phasors& b, double factor) {
  std::map<int, std::complex<double>> sum;
  for (const auto& c : a) sum[c.order] += factor * c.value;
  for (const auto& c : b) sum[c.order] -= factor * c.value;
  Phasors out;
  for (const auto& [order, value] : sum) out.push_back({order, value});
  return out;
}

}  // namespace

Result<Phasors> phasors_of(const Spectrum& spectrum, std::string_view name) {
  if (spectrum.size() > kMostHarmonics) {
    return permanent("signal " + std::string(name) + " has " + std::to_string(spectrum.size()) +
                     " harmonics: at most " + std::to_string(kMostHarmonics));
  }
  std::map<int, std::complex<double>> by_order;
  for (const auto& h : spectrum) {
    if (h.order < 0) return permanent(where(name, h) + "an order is 0 (direct current) or more");
    if (!(h.rms >= 0 && h.rms <= kLargestRms)) {
      return permanent(where(name, h) + "rms is " + std::to_string(h.rms) +
                       ": wanted 0 to 1e9 (turn the angle by " + "180 degrees for the other sign)");
    }
    if (!std::isfinite(h.angle_deg)) return permanent(where(name, h) + "the angle is not a finite number");
    const auto direction = unit_phasor(h.angle_deg);
    if (h.order == 0 && direction.imag() != 0) {
      return permanent(where(name, h) + "direct current has the angle 0 or 180, not " +
                       std::to_string(h.angle_deg));
    }
    if (!by_order.emplace(h.order, h.rms * direction).second) {
      return permanent(where(name, h) + "this order is given twice");
    }
  }
  Phasors out;
  for (const auto& [order, value] : by_order) out.push_back({order, value});
  return out;
}

Result<std::vector<Element>> elements_of(const Signals& signals, Form form, Mode mode) {
  auto v1 = phasors_of(signals.v1, "v1");
  if (!v1) return v1.error();
  auto i1 = phasors_of(signals.i1, "i1");
  if (!i1) return i1.error();
  if (form == Form::OneS) return std::vector<Element>{{std::move(v1).value(), std::move(i1).value()}};
  auto v2 = phasors_of(signals.v2, "v2");
  if (!v2) return v2.error();
  auto i2 = phasors_of(signals.i2, "i2");
  if (!i2) return i2.error();
  if (mode == Mode::FormFaithful) {
    return std::vector<Element>{{difference(*v1, *v2, 1), difference(*i1, *i2, 0.5)}};
  }
  return std::vector<Element>{{std::move(v1).value(), std::move(i1).value()},
                              {std::move(v2).value(), std::move(i2).value()}};
}

double active_power_w(const std::vector<Element>& elements) {
  double sum = 0;
  for (const auto& element : elements) {
    auto i = element.i.begin();
    for (const auto& v : element.v) {
      while (i != element.i.end() && i->order < v.order) ++i;
      if (i == element.i.end()) break;
      if (i->order == v.order) sum += (v.value * std::conj(i->value)).real();
    }
  }
  return sum;
}

double rms(const Phasors& phasors) {
  double squares = 0;
  for (const auto& c : phasors) squares += std::norm(c.value);
  return std::sqrt(squares);
}

}  // namespace ami::metrology
