#include <gtest/gtest.h>

#include <vector>

#include "meter_model/vee/register_monotone.h"

namespace ami {
namespace {

using std::chrono::hours;

std::vector<TimedRead> hourly(const std::vector<std::int64_t>& values) {
  std::vector<TimedRead> reads;
  for (const std::int64_t value : values) {
    reads.push_back({UtcInstant{hours{static_cast<int>(reads.size())}}, Decimal{value, 0}});
  }
  return reads;
}

TEST(RegisterMonotone, OnlyTheReadThatDropsIsReported) {
  EXPECT_EQ(backward_reads(hourly({3376, 3371, 3381})), std::vector<std::size_t>{1});
}

TEST(RegisterMonotone, StandingStillIsNotRunningBackwards) {
  EXPECT_TRUE(backward_reads(hourly({500, 500, 500, 501})).empty());
}

TEST(RegisterMonotone, EachReadIsComparedWithTheOneBeforeItNotWithTheHighest) {
  EXPECT_EQ(backward_reads(hourly({10, 5, 6, 4})), (std::vector<std::size_t>{1, 3}));
}

TEST(RegisterMonotone, ComparesByValueWhateverTheExponent) {
  const std::vector<TimedRead> reads = {{UtcInstant{hours{0}}, Decimal{12, 2}},
                                        {UtcInstant{hours{1}}, Decimal{1200000, -3}},
                                        {UtcInstant{hours{2}}, Decimal{1199999, -3}}};
  EXPECT_EQ(backward_reads(reads), std::vector<std::size_t>{2});
}

TEST(RegisterMonotone, TwoVersionsOfOneInstantAreNotComparedWithEachOther) {
  const std::vector<TimedRead> reads = {{UtcInstant{hours{0}}, Decimal{10, 0}},
                                        {UtcInstant{hours{1}}, Decimal{20, 0}},
                                        {UtcInstant{hours{1}}, Decimal{19, 0}},
                                        {UtcInstant{hours{2}}, Decimal{18, 0}}};
  EXPECT_EQ(backward_reads(reads), std::vector<std::size_t>{3});
}

TEST(RegisterMonotone, NothingToSayAboutNoneOrOne) {
  EXPECT_TRUE(backward_reads({}).empty());
  EXPECT_TRUE(backward_reads(hourly({-5})).empty());
}

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
