#include "daemon/commands/transaction.h"

#include <gtest/gtest.h>

#include <limits>
#include <regex>
#include <set>

namespace ami::daemon::commands {
namespace {

UtcInstant second(std::int64_t s) {
  return UtcInstant{std::chrono::seconds{s}};
}

TEST(TransactionId, IsOperationAttemptAndSecondInBase36) {
  // 1000 = 27*36 + 28 = "rs"; 37 = "11"; 1768435200 = 2026-01-15T00:00Z.
  EXPECT_EQ(transaction_id(1000, 37, second(35)), "rs-11-z");
  EXPECT_EQ(transaction_id(1, 1, second(36 * 36)), "1-1-100");
}

TEST(TransactionId, FitsWhatFarSidesTakeAtItsLongest) {
  const auto longest =
      transaction_id(std::numeric_limits<std::int64_t>::max(), std::numeric_limits<int>::max(),
                     second(253402300799));  // the last second of the year 9999
  EXPECT_TRUE(std::regex_match(longest, std::regex("[A-Za-z0-9-]{1,32}"))) << longest;
}

TEST(TransactionId, DiffersByEachOfItsParts) {
  std::set<std::string> ids;
  for (int operation = 1; operation <= 40; ++operation) {
    for (int attempt = 1; attempt <= 40; ++attempt) {
      for (int s = 0; s < 40; ++s) ids.insert(transaction_id(operation, attempt, second(1768435200 + s)));
    }
  }
  EXPECT_EQ(ids.size(), 40U * 40U * 40U);
}

TEST(AskedAt, IsTheSecondOfATransaction) {
  for (const std::int64_t when :
       {std::int64_t{1577836800}, std::int64_t{1768435200}, std::int64_t{253402300799}}) {
    for (const std::int64_t operation : {std::int64_t{1}, std::numeric_limits<std::int64_t>::max()})
      EXPECT_EQ(asked_at(transaction_id(operation, 7, second(when))), second(when));
  }
}

TEST(AskedAt, OfWhatIsNoTransactionOfOursIsNothing) {
  for (const char* text : {"rs-11-z",
                           "",
                           "1",
                           "1-1",
                           "1-1-",
                           "-1-1-1",
                           "1--1-1",
                           "1-1-1-1",
                           "1-1-1-",
                           " 1-1-1",
                           "1-1-1 ",
                           "1-1-Z",
                           "RS-11-Z",
                           "1-+1-1",
                           "1-1--1",
                           "0-1-1",
                           "1-0-1",
                           "1-1-zzzzzzzzzzzz",
                           "1-1-zzzzzzzzzzzzzzzzzz",
                           "550e8400-e29b-41d4",
                           "a.b.c"}) {
    EXPECT_EQ(asked_at(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace ami::daemon::commands
