// The queue's bounds that feed_queue_test.cc leaves out: substations and collectors, and recorded values.
#include <gtest/gtest.h>

#include <random>

#include "daemon/commands/feed_queue.h"

namespace ami::daemon::commands {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

UtcInstant at(int s) {
  return UtcInstant{seconds{s}};
}

class BackfillQueueTest : public ::testing::Test {
 protected:
  FeedQueue make(sdk::CommandLimits limits, Pacing pacing = {}) {
    FeedQueue queue("f", pacing);
    queue.limits(limits);
    return queue;
  }
  FeedQueue::Added add(FeedQueue& queue, MeterId meter, OperationKind kind, int period = 0, int priority = 0,
                       const PacingGroups& groups = {}) {
    const Waiter waiter{{++operations, 0}, priority, at(0), at(1'000'000), false};
    const storage::Period of = kind == OperationKind::Backfill
                                   ? storage::Period{at(period * 86'400), at((period + 1) * 86'400)}
                                   : storage::Period{};
    return queue.add(waiter, kind, meter, "B" + std::to_string(meter), groups, of);
  }
  static std::string names(const std::vector<JobPtr>& jobs) {
    std::string out;
    for (const JobPtr& job : jobs) out += job->vendor_id + " ";
    return out;
  }
  static sdk::CommandLimits limits(std::size_t targets, std::size_t in_flight, double per_minute,
                                   std::size_t backfill_targets = 1) {
    sdk::CommandLimits out;
    out.targets = targets;
    out.in_flight = in_flight;
    out.per_minute = per_minute;
    out.backfill_targets = backfill_targets;
    return out;
  }
  std::int64_t operations = 0;
};

TEST_F(BackfillQueueTest, EachGroupOfAMeterHasItsOwnBound) {
  Pacing pacing;
  pacing.feeder = 2;
  pacing.substation = 3;
  pacing.collector = 1;
  FeedQueue queue = make(limits(10, 100, 600), pacing);
  add(queue, 1, OperationKind::Read, 0, 0, {"F1", "S1", ""});
  add(queue, 2, OperationKind::Read, 0, 0, {"F1", "S1", ""});
  add(queue, 3, OperationKind::Read, 0, 0, {"F1", "S1", ""});  // third of its feeder
  add(queue, 4, OperationKind::Read, 0, 0, {"F2", "S1", ""});
  add(queue, 5, OperationKind::Read, 0, 0, {"F2", "S1", ""});  // fourth of its substation
  add(queue, 6, OperationKind::Read, 0, 0, {"", "", "C1"});
  add(queue, 7, OperationKind::Read, 0, 0, {"", "S2", "C1"});  // second of its collector
  add(queue, 8, OperationKind::Read, 0, 0, {"S1", "F1", ""});  // a feeder called as a substation is
  auto first = queue.take(at(0));
  EXPECT_EQ(names(first), "B1 B2 B4 B6 B8 ");
  EXPECT_TRUE(queue.take(at(0)).empty());
  queue.end(first[2]);
  EXPECT_EQ(names(queue.take(at(0))), "B5 ") << "its feeder and its substation have room";
  queue.end(first[0]);
  EXPECT_EQ(names(queue.take(at(0))), "B3 ");
  queue.end(first[3]);
  EXPECT_EQ(names(queue.take(at(0))), "B7 ");
}

TEST_F(BackfillQueueTest, RecordedValuesGoLastAndLetReadsJoinNoAttemptOfTheirs) {
  FeedQueue queue = make(limits(10, 100, 600));
  add(queue, 1, OperationKind::Backfill, 0, 9);
  add(queue, 2, OperationKind::Ping);
  add(queue, 3, OperationKind::Read);
  EXPECT_EQ(names(queue.take(at(0))), "B2 ");
  EXPECT_EQ(names(queue.take(at(0))), "B3 ");
  EXPECT_EQ(names(queue.take(at(0))), "B1 ");
}

TEST_F(BackfillQueueTest, SameMeterHasAJobForEachPeriod) {
  FeedQueue queue = make(limits(1, 100, 600));
  const JobPtr one = add(queue, 1, OperationKind::Backfill, 0).job;
  EXPECT_TRUE(add(queue, 1, OperationKind::Backfill, 0).joined);
  EXPECT_FALSE(add(queue, 1, OperationKind::Backfill, 1).joined);
  EXPECT_FALSE(add(queue, 1, OperationKind::Read).joined);
  queue.end(one);
  EXPECT_FALSE(add(queue, 1, OperationKind::Backfill, 0).joined) << "what ended is not joined";
  EXPECT_EQ(queue.waiting(), 3U);
}

TEST_F(BackfillQueueTest, AttemptOutOfBooksHoldsOnePeriodAndCountsOnce) {
  FeedQueue queue = make(limits(1, 2, 2, 50));
  for (MeterId meter = 1; meter <= 60; ++meter)
    add(queue, meter, OperationKind::Backfill, meter > 30 ? 1 : 0);
  const auto first = queue.take(at(0));
  ASSERT_EQ(first.size(), 30U);
  for (const JobPtr& job : first) EXPECT_EQ(job->period, first[0]->period);
  EXPECT_TRUE(queue.take(at(0)).empty()) << "one at a time";
  add(queue, 100, OperationKind::Read);
  EXPECT_EQ(names(queue.take(at(0))), "B100 ") << "two in flight: the question, and the read";
  for (const JobPtr& job : first) queue.end(job);
  EXPECT_EQ(queue.in_flight(), 1U);
  EXPECT_TRUE(queue.take(at(59)).empty()) << "two were asked in this minute";
  EXPECT_EQ(queue.take(at(60)).size(), 30U);
}

TEST_F(BackfillQueueTest, OneInFlightIsLeftToRecordedValuesOnlyWhileNobodyElseWaits) {
  FeedQueue queue = make(limits(1, 1, 600));
  add(queue, 1, OperationKind::Backfill);
  add(queue, 2, OperationKind::Backfill);
  const auto first = queue.take(at(0));
  EXPECT_EQ(names(first), "B1 ");
  add(queue, 3, OperationKind::Read);
  queue.end(first[0]);
  EXPECT_EQ(names(queue.take(at(0))), "B3 ");
}

// Whatever is asked and however it ends: bounds hold, and recorded values never take more than their share.
TEST_F(BackfillQueueTest, NoBoundIsEverPassed) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    Pacing pacing;
    pacing.feeder = static_cast<std::size_t>(pick(0, 3));
    pacing.substation = static_cast<std::size_t>(pick(0, 4));
    pacing.collector = static_cast<std::size_t>(pick(0, 2));
    pacing.backfill_percent = pick(1, 100);
    const int flight = pick(1, 20), a_minute = pick(1, 90);
    const bool books = pick(0, 1) == 1;
    FeedQueue queue = make(limits(static_cast<std::size_t>(pick(1, 6)), static_cast<std::size_t>(flight),
                                  a_minute, books ? 30 : 1),
                           pacing);
    const int share_flight = std::max(flight * pacing.backfill_percent / 100, 1);
    const int share_minute = std::max(a_minute * pacing.backfill_percent / 100, 1);
    std::vector<JobPtr> out;
    std::vector<std::pair<int, int>> asked;  // second, how many of backfills
    std::size_t jobs = 0, ended = 0;
    int now = 0;
    const auto end_one = [&] {
      const auto i = static_cast<std::size_t>(pick(0, static_cast<int>(out.size()) - 1));
      if (pick(0, 4) == 0) {
        queue.rest(out[i], at(now + pick(0, 5)));
      } else {
        queue.end(out[i]);
        ++ended;
      }
      out.erase(out.begin() + static_cast<std::ptrdiff_t>(i));
    };
    for (int step = 0; step < 500; ++step) {
      now += pick(0, 3);
      if (step < 300) {
        const auto kind = pick(0, 1) == 0 ? OperationKind::Backfill : OperationKind::Read;
        const auto letter = [&] { return std::string(static_cast<std::size_t>(pick(0, 2)), 'g'); };
        const bool joined =
            add(queue, pick(1, 60), kind, pick(0, 2), pick(0, 9), {letter(), letter(), letter()}).joined;
        if (!joined) ++jobs;
      }
      if (!out.empty() && pick(0, 1) == 0) end_one();
      const auto taken = queue.take(at(now));
      out.insert(out.end(), taken.begin(), taken.end());
      std::size_t backfills = 0, others = 0;
      std::map<std::string, std::size_t> feeders, substations, collectors;
      for (const JobPtr& job : out) {
        const bool backfill = job->kind == OperationKind::Backfill;
        ++(backfill ? backfills : others);
        if (backfill && books) continue;
        ++feeders[job->groups.feeder];
        ++substations[job->groups.substation];
        ++collectors[job->groups.collector];
      }
      if (!taken.empty()) {
        const bool backfill = taken[0]->kind == OperationKind::Backfill;
        for (const JobPtr& job : taken) {
          ASSERT_EQ(job->kind, taken[0]->kind);
          ASSERT_EQ(job->period, taken[0]->period);
        }
        const std::size_t questions = backfill && books ? 1 : taken.size();
        for (std::size_t i = 0; i < questions; ++i) asked.emplace_back(now, backfill ? 1 : 0);
      }
      const std::size_t used = books ? others + (backfills > 0 ? 1 : 0) : others + backfills;
      ASSERT_LE(used, static_cast<std::size_t>(flight)) << "seed " << seed;
      if (!books) {
        ASSERT_LE(backfills, static_cast<std::size_t>(share_flight)) << "seed " << seed;
      }
      const auto hold = [&](const std::map<std::string, std::size_t>& groups, std::size_t most) {
        for (const auto& [name, count] : groups)
          ASSERT_TRUE(most == 0 || name.empty() || count <= most) << seed;
      };
      hold(feeders, pacing.feeder);
      hold(substations, pacing.substation);
      hold(collectors, pacing.collector);
      int in_minute = 0, backfills_in_minute = 0;
      for (const auto& [when, backfill] : asked) {
        if (when <= now - 60) continue;
        ++in_minute;
        backfills_in_minute += backfill;
      }
      ASSERT_LE(in_minute, a_minute) << "seed " << seed;
      ASSERT_LE(backfills_in_minute, share_minute) << "seed " << seed;
    }
    for (int round = 0; ended < jobs && round < 3000; ++round) {
      now += 61;
      while (!out.empty()) end_one();
      out = queue.take(at(now));
    }
    EXPECT_EQ(ended, jobs) << "seed " << seed;
    EXPECT_EQ(queue.waiting() + queue.in_flight() + queue.attempting(), 0U);
  }
}

}  // namespace
}  // namespace ami::daemon::commands
