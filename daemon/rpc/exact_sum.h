// Sum of decimals of any size and number, without loss.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace ami::rpc {

class ExactSum {
  __extension__ using Wide = __int128;

 public:
  void add(std::int64_t mantissa, std::int32_t exponent) {
    sums_[exponent] += mantissa;
    ++count_;
  }

  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::int32_t exponent() const;  // the smallest that was added; 0 for nothing
  [[nodiscard]] std::string mantissa() const;   // the sum is mantissa * 10^exponent

 private:
  // By exponent; 2^64 mantissas fit.
  std::map<std::int32_t, Wide> sums_;
  std::int64_t count_ = 0;
};

}  // namespace ami::rpc
