// The quantities of IEEE 1459 for single-phase, non-sinusoidal conditions.
#pragma once

#include <optional>
#include <vector>

#include "meter_model/metrology/waveform.h"

namespace ami::metrology {

// Units are in the names. A quantity that is not defined for the stimulus is nullopt: those of one voltage
// and one current when there are two elements (2S in true mode), ratios whose divisor is zero. p_w is what a
// kilowatt-hour meter bills: harmonics are part of it.
struct PowerQuantities {
  double p_w = 0;     // P, active power, sum over the elements
  double p1_w = 0;    // P1, of the fundamental
  double ph_w = 0;    // PH = P - P1: harmonics and direct current
  double q1_var = 0;  // Q1, fundamental reactive power, positive when the current lags; sum over the elements
  std::optional<double> v_rms;   // V
  std::optional<double> i_rms;   // I
  std::optional<double> s_va;    // S = V I
  std::optional<double> pf;      // P / S; negative when received
  std::optional<double> s1_va;   // S1 = V1 I1
  std::optional<double> sn_va;   // SN, non-fundamental apparent power: SN^2 = S^2 - S1^2
  std::optional<double> d_i_va;  // DI = V1 IH, current distortion power
  std::optional<double> d_v_va;  // DV = VH I1, voltage distortion power
  std::optional<double> s_h_va;  // SH = VH IH, harmonic apparent power
  std::optional<double> d_h_va;  // DH, harmonic distortion power: DH^2 = SH^2 - PH^2
  std::optional<double> n_va;    // N, non-active power: N^2 = S^2 - P^2
  std::optional<double> thd_v;   // VH / V1
  std::optional<double> thd_i;   // IH / I1
};

// Of the elements as elements_of() gives them, or folded() when they are sampled. No elements: all zero, none
// defined.
[[nodiscard]] PowerQuantities power_quantities(const std::vector<Element>& elements);

}  // namespace ami::metrology
