#include "meter_model/metrology/power_quantities.h"

#include <cmath>
#include <map>

namespace ami::metrology {
namespace {

// Voltage and current side by side: two rows an order, its real and its imaginary part.
struct Row {
  int order;
  double v, i;
};

std::vector<Row> rows_of(const Element& element) {
  struct Pair {
    std::complex<double> v, i;
  };
  std::map<int, Pair> by_order;
  for (const auto& c : element.v) by_order[c.order].v = c.value;
  for (const auto& c : element.i) by_order[c.order].i = c.value;
  std::vector<Row> rows;
  for (const auto& [order, pair] : by_order) {
    rows.push_back({order, pair.v.real(), pair.i.real()});
    rows.push_back({order, pair.v.imag(), pair.i.imag()});
  }
  return rows;
}

// sqrt(|v|^2 |i|^2 - (v . i)^2) by Lagrange's identity: the difference of two nearly equal squares, as S^2 -
// P^2 is at unity power factor, would leave only rounding.
template <class Keep>
double not_active(const std::vector<Row>& rows, Keep keep) {
  double squares = 0;
  for (std::size_t a = 0; a < rows.size(); ++a) {
    if (!keep(rows[a])) continue;
    for (std::size_t b = a + 1; b < rows.size(); ++b) {
      if (!keep(rows[b])) continue;
      const double cross = rows[a].v * rows[b].i - rows[b].v * rows[a].i;
      squares += cross * cross;
    }
  }
  return std::sqrt(squares);
}

std::optional<double> ratio(double part, double whole) {
  if (whole == 0) return std::nullopt;
  return part / whole;
}

}  // namespace

PowerQuantities power_quantities(const std::vector<Element>& elements) {
  PowerQuantities out;
  out.p_w = active_power_w(elements);
  double v1 = 0, i1 = 0, vh = 0, ih = 0;  // of the last element; used when it is the only one
  std::vector<Row> rows;
  for (const auto& element : elements) {
    const auto split = [](const Phasors& phasors, std::complex<double>& fundamental, double& others) {
      fundamental = 0;
      double squares = 0;
      for (const auto& c : phasors) {
        if (c.order == 1) {
          fundamental = c.value;
        } else {
          squares += std::norm(c.value);
        }
      }
      others = std::sqrt(squares);
    };
    std::complex<double> v, i;
    split(element.v, v, vh);
    split(element.i, i, ih);
    const auto power = v * std::conj(i);
    out.p1_w += power.real();
    out.q1_var += power.imag();
    v1 = std::abs(v);
    i1 = std::abs(i);
    rows = rows_of(element);
    for (const auto& row : rows) {
      if (row.order != 1) out.ph_w += row.v * row.i;
    }
  }
  if (elements.size() != 1) return out;
  const double volts = std::hypot(v1, vh), amperes = std::hypot(i1, ih);
  out.v_rms = volts;
  out.i_rms = amperes;
  out.s_va = volts * amperes;
  out.pf = ratio(out.p_w, *out.s_va);
  out.s1_va = v1 * i1;
  out.d_i_va = v1 * ih;
  out.d_v_va = vh * i1;
  out.s_h_va = vh * ih;
  out.sn_va = std::hypot(*out.d_i_va, *out.d_v_va, *out.s_h_va);
  out.d_h_va = not_active(rows, [](const Row& row) { return row.order != 1; });
  out.n_va = not_active(rows, [](const Row&) { return true; });
  out.thd_v = ratio(vh, v1);
  out.thd_i = ratio(ih, i1);
  return out;
}

}  // namespace ami::metrology
