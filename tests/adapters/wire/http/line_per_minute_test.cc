// What holds back the log lines of a sender that is wrong all the time.
#include "adapters/wire/http/line_per_minute.h"

#include <gtest/gtest.h>

namespace ami::http {
namespace {

TEST(LinesOfAnAddress, AreOneAMinuteAndTellHowManyWereHeldBack) {
  LinePerMinute lines;
  const UtcInstant start{std::chrono::seconds{1'768'500'000}};
  EXPECT_EQ(lines.admit("a", start), 0U);
  EXPECT_EQ(lines.admit("a", start), std::nullopt);
  EXPECT_EQ(lines.admit("b", start), 0U) << "another address has a minute of its own";
  EXPECT_EQ(lines.admit("a", start + std::chrono::seconds{59}), std::nullopt);
  EXPECT_EQ(lines.admit("a", start + std::chrono::seconds{60}), 2U);
  EXPECT_EQ(lines.admit("a", start + std::chrono::seconds{120}), 0U);
}

TEST(LinesOfAnAddress, AreBoundedHoweverManyAddressesThereAre) {
  LinePerMinute lines;
  const UtcInstant start{std::chrono::seconds{1'768'500'000}};
  std::size_t said = 0;
  for (int i = 0; i < 5'000; ++i) said += lines.admit("10." + std::to_string(i), start) ? 1U : 0U;
  EXPECT_EQ(said, 1'001U) << "1,000 of their own, and one for all others";
  EXPECT_EQ(lines.admit("10.4999", start + std::chrono::seconds{60}), 0U) << "the old ones are forgotten";
}

}  // namespace
}  // namespace ami::http
