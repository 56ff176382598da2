#include "daemon/rpc/exact_sum.h"

#include <gtest/gtest.h>

#include <limits>

namespace ami::rpc {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(ExactSum, OfNothingIsZero) {
  EXPECT_EQ(ExactSum().mantissa(), "0");
  EXPECT_EQ(ExactSum().exponent(), 0);
  EXPECT_EQ(ExactSum().count(), 0);
}

TEST(ExactSum, GoesBeyond64BitsAndBack) {
  ExactSum sum;
  for (int i = 0; i < 3; ++i) sum.add(kMax, -2);
  EXPECT_EQ(sum.mantissa(), "27670116110564327421");  // 3 * (2^63 - 1)
  for (int i = 0; i < 4; ++i) sum.add(-kMax, -2);
  EXPECT_EQ(sum.mantissa(), "-9223372036854775807");
  EXPECT_EQ(sum.count(), 7);
}

TEST(ExactSum, DifferentExponentsMeetAtTheSmallest) {
  ExactSum sum;
  sum.add(5, 3);
  sum.add(25, -2);
  sum.add(-1, 0);
  EXPECT_EQ(sum.exponent(), -2);
  EXPECT_EQ(sum.mantissa(), "499925");  // 5000 + 0.25 - 1 = 4999.25
  ExactSum far;
  far.add(kMax, 18);
  far.add(1, -18);
  EXPECT_EQ(far.mantissa(), "9223372036854775807000000000000000000000000000000000001");
}

}  // namespace
}  // namespace ami::rpc
