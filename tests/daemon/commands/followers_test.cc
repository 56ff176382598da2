#include "daemon/commands/followers.h"

#include <gtest/gtest.h>

namespace ami::daemon::commands {
namespace {

UtcInstant at(int s) {
  return UtcInstant{std::chrono::seconds{s}};
}

class FollowersTest : public ::testing::Test {
 protected:
  Followers::Told note(const std::string& who) {
    return [this, who](const Reply<Followed>& reply) {
      told += who + (reply.ok() ? std::to_string(reply->version) + (reply->live ? "" : "!") : "?") + " ";
    };
  }
  Followers followers{2};
  std::string told;
};

TEST_F(FollowersTest, AreToldOnceOfAVersionBeyondTheirsAndOfTheEnd) {
  EXPECT_TRUE(followers.add(1, 3, at(10), note("a")));
  EXPECT_TRUE(followers.add(2, 0, at(10), note("b")));
  EXPECT_FALSE(followers.add(3, 0, at(10), note("c"))) << "two at most";
  followers.tell(1, {3, true});
  followers.tell(9, {9, true});
  EXPECT_EQ(told, "");
  followers.tell(1, {4, true});
  followers.tell(1, {5, true});
  followers.tell(2, {0, false});
  EXPECT_EQ(told, "a4 b0! ");
  EXPECT_EQ(followers.count(), 0U);
}

TEST_F(FollowersTest, AreToldAtTheirDeadlineWhatIsTrueThen) {
  ASSERT_TRUE(followers.add(1, 7, at(10), note("a")));
  ASSERT_TRUE(followers.add(1, 7, at(20), note("b")));
  const auto now = [](OperationId) { return Followed{7, true}; };
  followers.expire(at(9), now);
  EXPECT_EQ(told, "");
  followers.expire(at(10), now);
  EXPECT_EQ(told, "a7 ");
  EXPECT_EQ(followers.count(), 1U);
}

TEST_F(FollowersTest, MayFollowAgainFromWithinTheirCallback) {
  Followers::Told again = [&](const Reply<Followed>& reply) {
    EXPECT_TRUE(followers.add(1, reply->version, at(10), note("again")));
  };
  ASSERT_TRUE(followers.add(1, 0, at(10), again));
  followers.tell(1, {1, true});
  EXPECT_EQ(told, "");
  followers.tell(1, {2, true});
  EXPECT_EQ(told, "again2 ");
}

}  // namespace
}  // namespace ami::daemon::commands
