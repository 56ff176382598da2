#include "daemon/rpc/exact_sum.h"

#include <boost/multiprecision/cpp_int.hpp>

namespace ami::rpc {

std::int32_t ExactSum::exponent() const {
  return sums_.empty() ? 0 : sums_.begin()->first;
}

std::string ExactSum::mantissa() const {
  boost::multiprecision::cpp_int total = 0;
  for (const auto& [exponent, sum] : sums_) {
    boost::multiprecision::cpp_int part = sum;
    total += part * boost::multiprecision::pow(boost::multiprecision::cpp_int(10),
                                               static_cast<unsigned>(exponent - this->exponent()));
  }
  return total.str();
}

}  // namespace ami::rpc
