#include "storage/postgres/statement_order.h"

#include <tuple>

namespace ami::storage {

std::strong_ordering compare(const RegisterStatement& a, const RegisterStatement& b,
                             const Provenance& provenance) {
  if (a.source != b.source) {
    if (const auto order = provenance.rank_of(a.source) <=> provenance.rank_of(b.source); order != 0)
      return order;
  }
  if (const auto order = a.value <=> b.value; order != 0) return order;
  if (a.quality != b.quality) {
    if (const auto order = provenance.compare_quality(a.quality, b.quality); order != 0) return order;
  }
  // More digits stated beats fewer; the rest only makes the order total.
  return std::tuple(-a.value.exponent, a.period_start, a.occurred_at, -a.time_source) <=>
         std::tuple(-b.value.exponent, b.period_start, b.occurred_at, -b.time_source);
}

std::strong_ordering compare(const ValueQuality& a, const ValueQuality& b) {
  if (const auto order = a.codes <=> b.codes; order != 0) return order;
  return a.vendor_flag <=> b.vendor_flag;
}

}  // namespace ami::storage
