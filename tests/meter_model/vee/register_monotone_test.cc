#include <gtest/gtest.h>

#include "meter_model/vee/register_monotone.h"

namespace ami {
namespace {

TEST(RegisterMonotone, NetRegistersAndMeasuredValuesMayFall) {
  const auto grows = [](const char* code) { return only_grows(*ReadingType::parse(code)); };
  EXPECT_TRUE(grows("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"));
  EXPECT_TRUE(grows("0.0.0.9.19.1.12.0.0.0.0.1.0.0.0.3.72.0"));
  EXPECT_TRUE(grows("0.8.53.3.1.1.8.0.0.0.0.0.0.0.0.3.38.0"));
  EXPECT_FALSE(grows("0.0.0.1.4.1.12.0.0.0.0.0.0.0.0.3.72.0"));
  EXPECT_FALSE(grows("0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0"));
  EXPECT_FALSE(grows("8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0"));
}

}  // namespace
}  // namespace ami
