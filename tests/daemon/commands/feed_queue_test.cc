// Order and pacing, without anything around them.
#include "daemon/commands/feed_queue.h"

#include <gtest/gtest.h>

#include <random>

namespace ami::daemon::commands {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

UtcInstant at(double s) {
  return UtcInstant{std::chrono::microseconds{static_cast<std::int64_t>(s * 1e6)}};
}

class QueueTest : public ::testing::Test {
 protected:
  FeedQueue make(std::size_t targets, std::size_t in_flight, double per_minute, std::size_t group = 0) {
    Pacing pacing;
    pacing.feeder = group;
    FeedQueue queue("f", pacing);
    sdk::CommandLimits limits;
    limits.targets = targets;
    limits.in_flight = in_flight;
    limits.per_minute = per_minute;
    queue.limits(limits);
    return queue;
  }
  FeedQueue::Added add(FeedQueue& queue, MeterId meter, int priority = 0, double created = 0,
                       const std::string& group = {}, OperationKind kind = OperationKind::Read) {
    const Waiter waiter{{++operations, 0}, priority, at(created), at(1e6), false};
    return queue.add(waiter, kind, meter, "B" + std::to_string(meter), PacingGroups{group, {}, {}});
  }
  static std::string names(const std::vector<JobPtr>& jobs) {
    std::string out;
    for (const JobPtr& job : jobs) out += job->vendor_id + " ";
    return out;
  }
  std::int64_t operations = 0;
};

TEST_F(QueueTest, HigherPriorityThenGreaterAgeGoesFirst) {
  FeedQueue queue = make(1, 10, 600);
  add(queue, 1, 0, 5);
  add(queue, 2, 0, 3);
  add(queue, 3, 9, 9);
  add(queue, 4, 5, 1);
  std::string order;
  for (auto jobs = queue.take(at(10)); !jobs.empty(); jobs = queue.take(at(10))) order += names(jobs);
  EXPECT_EQ(order, "B3 B4 B2 B1 ");
}

TEST_F(QueueTest, JoiningWithAHigherPriorityMovesTheJobForward) {
  FeedQueue queue = make(1, 10, 600);
  add(queue, 1);
  add(queue, 2);
  const auto joined = add(queue, 2, 7, 1);
  EXPECT_TRUE(joined.joined);
  EXPECT_EQ(joined.job->waiters.size(), 2U);
  EXPECT_EQ(queue.waiting(), 2U);
  EXPECT_EQ(names(queue.take(at(0))), "B2 ");
  EXPECT_FALSE(add(queue, 2, 0, 0, {}, OperationKind::Ping).joined) << "a ping is no read";
}

TEST_F(QueueTest, AttemptHoldsOneKindAndAResetGoesAlone) {
  FeedQueue queue = make(10, 100, 600);
  add(queue, 1, 0, 1);
  add(queue, 2, 0, 2, {}, OperationKind::Ping);
  add(queue, 3, 0, 3, {}, OperationKind::DemandReset);
  add(queue, 4, 0, 4, {}, OperationKind::DemandReset);
  add(queue, 5, 0, 5);
  // One group: what stands behind another kind waits for it.
  EXPECT_EQ(names(queue.take(at(10))), "B1 ");
  EXPECT_EQ(names(queue.take(at(10))), "B2 ");
  EXPECT_EQ(names(queue.take(at(10))), "B3 ");
  EXPECT_EQ(names(queue.take(at(10))), "B4 ");
  EXPECT_EQ(names(queue.take(at(10))), "B5 ");
}

TEST_F(QueueTest, JobThatHasLapsedIsJoinedByNobodyAndItsEndLeavesTheNextAlone) {
  FeedQueue queue = make(1, 10, 600);
  const auto ask = [&](double now) {
    const Waiter waiter{{++operations, 0}, 0, at(now), at(1e6), false};
    return queue.add(waiter, OperationKind::Read, 1, "B1", {}, {}, at(now));
  };
  const JobPtr first = ask(0).job;
  ASSERT_EQ(queue.take(at(0)).size(), 1U);
  first->transaction = "t1";
  first->expires_at = at(300);
  EXPECT_TRUE(ask(299).joined) << "its request is under way";
  queue.sent(first);
  EXPECT_TRUE(ask(299.9).joined);
  const auto next = ask(300);
  EXPECT_FALSE(next.joined);
  EXPECT_EQ(names(queue.take(at(300))), "B1 ");
  EXPECT_EQ(queue.in_flight(), 2U);
  queue.end(first);
  EXPECT_EQ(queue.in_flight(), 1U);
  EXPECT_EQ(ask(301).job, next.job);
}

TEST_F(QueueTest, ClockThatIsSetBackHoldsUpNothingAndLetsNothingPassTheBound) {
  FeedQueue queue = make(1, 10, 2);
  for (MeterId meter = 1; meter <= 4; ++meter) add(queue, meter);
  const auto first = queue.take(at(7200)), second = queue.take(at(7200));
  ASSERT_EQ(names(second), "B2 ");
  queue.rest(first[0], at(7260));
  EXPECT_TRUE(queue.take(at(3600)).empty()) << "two in this minute, whenever it was";
  EXPECT_TRUE(queue.take(at(3659)).empty());
  EXPECT_EQ(names(queue.take(at(3660))), "B1 ") << "its rest is over";
  EXPECT_EQ(names(queue.take(at(3660))), "B3 ");
  EXPECT_TRUE(queue.take(at(3661)).empty());
}

TEST_F(QueueTest, FullGroupDoesNotHoldUpTheOthers) {
  FeedQueue queue = make(10, 100, 600, 2);
  for (MeterId meter = 1; meter <= 5; ++meter) add(queue, meter, 5, 0, "east");
  add(queue, 6, 0, 0, "west");
  add(queue, 7, 0, 0, "");
  add(queue, 8, 0, 0, "");
  add(queue, 9, 0, 0, "");
  const auto jobs = queue.take(at(0));
  EXPECT_EQ(names(jobs), "B1 B2 B6 B7 B8 B9 ") << "who belongs to no known group is not bound by one";
  EXPECT_TRUE(queue.take(at(0)).empty());
  queue.end(jobs[0]);
  EXPECT_EQ(names(queue.take(at(0))), "B3 ");
}

TEST_F(QueueTest, UnderOneAMinuteWaitsAsLongAsThatTakes) {
  FeedQueue queue = make(5, 100, 0.5);
  for (MeterId meter = 1; meter <= 3; ++meter) add(queue, meter);
  EXPECT_EQ(names(queue.take(at(0))), "B1 ");
  EXPECT_TRUE(queue.take(at(119.9)).empty());
  EXPECT_EQ(names(queue.take(at(120))), "B2 ");
}

TEST_F(QueueTest, WhatDidNotLeaveRestsAndFreesItsPlace) {
  FeedQueue queue = make(1, 1, 600);
  add(queue, 1, 9);
  add(queue, 2);
  const auto first = queue.take(at(0));
  EXPECT_TRUE(queue.take(at(0)).empty());
  queue.rest(first[0], at(5));
  EXPECT_EQ(queue.in_flight(), 0U);
  EXPECT_EQ(queue.waiting(), 2U);
  const auto second = queue.take(at(4));
  EXPECT_EQ(names(second), "B2 ");
  queue.end(second[0]);
  EXPECT_EQ(names(queue.take(at(5))), "B1 ");
}

TEST_F(QueueTest, LastWaiterToLeaveTakesAQueuedJobWithIt) {
  FeedQueue queue = make(1, 1, 600);
  const JobPtr job = add(queue, 1).job;
  const TargetKey first = job->waiters[0].key;
  const TargetKey second = add(queue, 1).job->waiters[1].key;
  queue.leave(job, first);
  EXPECT_EQ(queue.waiting(), 1U);
  queue.leave(job, second);
  EXPECT_EQ(queue.waiting(), 0U);
  EXPECT_EQ(job->phase, Job::Phase::Ended);
  EXPECT_TRUE(queue.take(at(0)).empty());
  EXPECT_FALSE(add(queue, 1).joined);
}

TEST_F(QueueTest, SentOfAnEarlierRunCountsAsInFlight) {
  FeedQueue queue = make(10, 2, 600, 1);
  const JobPtr old = add(queue, 1, 0, 0, "east").job;
  queue.restore_sent(old, "t", at(0), at(60));
  add(queue, 2, 0, 0, "east");
  add(queue, 3, 0, 0, "west");
  add(queue, 4, 0, 0, "south");
  EXPECT_EQ(queue.in_flight(), 1U);
  EXPECT_EQ(names(queue.take(at(0))), "B3 ");
  queue.end(old);
  EXPECT_EQ(names(queue.take(at(0))), "B2 ");
}

TEST_F(QueueTest, PlaceAndExpectedTimeFollowFromPacingAndRecentAnswers) {
  FeedQueue queue = make(1, 4, 60);
  for (MeterId meter = 1; meter <= 100; ++meter) add(queue, meter);
  EXPECT_EQ(queue.ahead_of({0, at(0), {51, 0}}), 50U);
  EXPECT_EQ(queue.ahead_of({9, at(0), {51, 0}}), 0U);
  EXPECT_EQ(queue.expected(OperationKind::Read, 50), std::nullopt) << "none has answered yet";
  queue.answered(OperationKind::Read, seconds{2});
  // 60 a minute is one a second; four at once of 2 s each would be two a second.
  EXPECT_EQ(queue.expected(OperationKind::Read, 50), seconds{52});
  for (int i = 0; i < 100; ++i) queue.answered(OperationKind::Read, seconds{8});
  // Four at once of 8 s: one in 2 s.
  EXPECT_EQ(queue.expected(OperationKind::Read, 50), seconds{108});
  EXPECT_EQ(queue.expected(OperationKind::Ping, 50), seconds{108}) << "none was answered: as slow as a read";
}

// Whatever is asked and however it ends, no bound is ever passed, and nothing is lost.
TEST_F(QueueTest, NoBoundIsEverPassed) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    const auto targets = static_cast<std::size_t>(pick(1, 7)), flight = static_cast<std::size_t>(pick(1, 20)),
               group = static_cast<std::size_t>(pick(0, 3));
    const int a_minute = pick(1, 90);
    FeedQueue queue = make(targets, flight, a_minute, group);
    std::vector<JobPtr> out;
    std::vector<double> asked;
    std::size_t ended = 0, jobs = 0;
    MeterId meter = 0;
    double now = 0;
    const auto end_one = [&] {
      const auto i = static_cast<std::size_t>(pick(0, static_cast<int>(out.size()) - 1));
      if (pick(0, 4) == 0) {
        queue.rest(out[i], at(now + pick(0, 5)));
      } else {
        if (pick(0, 1) == 0) queue.sent(out[i]);
        queue.end(out[i]);
        ++ended;
      }
      out.erase(out.begin() + static_cast<std::ptrdiff_t>(i));
    };
    for (int step = 0; step < 600; ++step) {
      now += pick(0, 300) / 100.0;
      if (step < 300 && pick(0, 2) != 0) {
        const MeterId one = pick(0, 3) == 0 && meter > 0 ? pick(1, static_cast<int>(meter)) : ++meter;
        const std::string in(static_cast<std::size_t>(one % 4), 'g');
        if (!add(queue, one, pick(0, 9), now, in).joined) ++jobs;
      }
      if (!out.empty() && pick(0, 1) == 0) end_one();
      const auto taken = queue.take(at(now));
      ASSERT_LE(taken.size(), targets);
      out.insert(out.end(), taken.begin(), taken.end());
      asked.insert(asked.end(), taken.size(), now);
      ASSERT_LE(out.size(), flight);
      ASSERT_EQ(queue.in_flight(), out.size());
      std::map<std::string, std::size_t> groups;
      for (const JobPtr& job : out) ++groups[job->groups.feeder];
      for (const auto& [name, count] : groups) ASSERT_TRUE(group == 0 || name.empty() || count <= group);
      ASSERT_LE(std::ranges::count_if(asked, [&](double t) { return t > now - 60; }), a_minute)
          << "seed " << seed;
    }
    for (int round = 0; ended < jobs && round < 2000; ++round) {
      now += 61;
      while (!out.empty()) end_one();
      out = queue.take(at(now));
    }
    EXPECT_EQ(ended, jobs) << "seed " << seed;
    EXPECT_EQ(queue.waiting() + queue.in_flight() + queue.attempting(), 0U);
  }
}

TEST_F(QueueTest, APlaceThatIsLentCountsAgainstBothBounds) {
  FeedQueue queue = make(1, 2, 3);
  add(queue, 1);
  add(queue, 2);
  EXPECT_TRUE(queue.borrow(at(0)));
  EXPECT_EQ(queue.in_flight(), 1U);
  EXPECT_EQ(names(queue.take(at(0))), "B1 ");
  EXPECT_FALSE(queue.borrow(at(0))) << "two are in flight";
  EXPECT_EQ(names(queue.take(at(0))), "");
  queue.give_back();
  EXPECT_TRUE(queue.borrow(at(1)));
  queue.give_back();
  EXPECT_FALSE(queue.borrow(at(2))) << "three in a minute";
  EXPECT_EQ(names(queue.take(at(2))), "");
  EXPECT_TRUE(queue.borrow(at(61)));
}

}  // namespace
}  // namespace ami::daemon::commands
