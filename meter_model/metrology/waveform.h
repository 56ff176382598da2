// Voltages and currents of a service as sums of harmonics, what a form's elements make of them, and active
// power in closed form.
#pragma once

#include <complex>
#include <string_view>
#include <vector>

#include "meter_model/result.h"

namespace ami::metrology {

// sqrt(2) * rms * sin(order * w t + angle), volts or amperes. Order 0 is direct current: its value is rms at
// angle 0 and -rms at 180.
struct Harmonic {
  int order = 1;         // >= 0; 1 is the line frequency
  double rms = 0;        // >= 0, at most 1e9
  double angle_deg = 0;  // any finite angle, common zero for all signals; lagging is negative
};

// No two of one order. At most 200.
using Spectrum = std::vector<Harmonic>;

// A single-phase service with legs L1 and L2: voltages from neutral to leg, currents positive from line to
// load.
struct Signals {
  Spectrum v1, v2, i1, i2;
};

enum class Form {
  OneS,  // 1 element, 2 wires: L1 alone; what L2 carries is not seen
  TwoS,  // 1.5 elements, 3 wires: one potential circuit L1-L2, two half-weighted current circuits
};

enum class Mode {
  FormFaithful,  // what a meter of this form measures: 2S has v = v1 - v2, i = (i1 - i2) / 2 (against
                 // Blondel)
  True,          // the physical power: 2S as two elements, v1 i1 + v2 i2. The same as FormFaithful for 1S.
};

// A component as a phasor, |value| in rms. A component at zero frequency (and, after folding, at half the
// sampling frequency) has a real value only.
struct Component {
  int order = 0;
  std::complex<double> value;
};
using Phasors = std::vector<Component>;  // rising orders, each at most once

// One multiplying element: what it takes as its voltage and its current.
struct Element {
  Phasors v, i;
};

// The phasors of one signal, which errors call `name`: negative order, an order given twice, negative or
// non-finite or too large rms, non-finite angle, an angle of direct current other than 0 or 180, too many
// harmonics.
Result<Phasors> phasors_of(const Spectrum& spectrum, std::string_view name);

// The elements of the form: one, or two for 2S in true mode. Errors as phasors_of(), of the signals that the
// form sees.
Result<std::vector<Element>> elements_of(const Signals& signals, Form form, Mode mode);

// Sum over the elements of sum_h V_h I_h cos(phi_h), watts, harmonics and direct current included. Positive =
// delivered. The sign of this sum is the meter's direction: one leg that feeds back nets inside a 2S meter.
[[nodiscard]] double active_power_w(const std::vector<Element>& elements);

[[nodiscard]] double rms(const Phasors& phasors);

}  // namespace ami::metrology
