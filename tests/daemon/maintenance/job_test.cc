#include "daemon/maintenance/job.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "adapters/sdk/testing/fake_host.h"

namespace ami::daemon {
namespace {

namespace asio = boost::asio;
using Report = storage::MaintenanceReport;

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}

class Inline final : public sdk::Offload {
 public:
  sdk::Awaitable<void> run(std::function<void()> work) override {
    work();
    co_return;
  }
};

class JobTest : public ::testing::Test {
 protected:
  void start() {
    asio::co_spawn(io, job.keep(), [this](std::exception_ptr defect) {
      ended = true;
      if (defect) std::rethrow_exception(defect);
    });
    io.poll();
  }
  void run_until(const char* limit) {
    while (clock.step(at(limit))) io.poll();
    io.poll();
  }

  asio::io_context io;
  sdk::testing::VirtualClock clock{io, at("2026-01-15T01:30:00Z")};
  Inline pool;
  std::vector<std::string> lines;
  Log log{[this](Level, const std::string& line) { lines.push_back(line); }};
  MaintenanceJob::Settings settings;
  std::vector<UtcInstant> runs;
  std::vector<int> days;
  Result<std::optional<Report>> answer = std::optional<Report>(Report{});
  std::function<void()> during = [] {};
  bool ended = false;
  MaintenanceJob job{
      clock, pool, [this] { return settings; },
      [this](const storage::MaintenancePlan& plan, UtcInstant now, const std::function<bool()>& go_on) {
        runs.push_back(now);
        days.push_back(plan.rewrite_after_days);
        during();
        went_on = go_on();
        return answer;
      },
      log};
  bool went_on = false;
};

TEST(NextAtHour, IsTheFirstSuchHourAfterNow) {
  EXPECT_EQ(next_at_hour(at("2026-01-15T01:30:00Z"), 3), at("2026-01-15T03:00:00Z"));
  EXPECT_EQ(next_at_hour(at("2026-01-15T03:00:00Z"), 3), at("2026-01-16T03:00:00Z"));
  EXPECT_EQ(next_at_hour(at("2026-01-15T03:00:01Z"), 3), at("2026-01-16T03:00:00Z"));
  EXPECT_EQ(next_at_hour(at("2026-12-31T23:59:59Z"), 0), at("2027-01-01T00:00:00Z"));
}

TEST_F(JobTest, RunsOnceADayAtItsHour) {
  start();
  run_until("2026-01-15T02:59:59Z");
  EXPECT_TRUE(runs.empty());
  run_until("2026-01-17T12:00:00Z");
  EXPECT_EQ(runs, (std::vector<UtcInstant>{at("2026-01-15T03:00:00Z"), at("2026-01-16T03:00:00Z"),
                                           at("2026-01-17T03:00:00Z")}));
  EXPECT_TRUE(went_on);
  EXPECT_EQ(lines.size(), 3U);
  EXPECT_NE(lines[0].find("MAINTENANCE_DONE"), std::string::npos) << lines[0];
}

TEST_F(JobTest, ReloadedSettingsCountFromTheNextRunOn) {
  start();
  run_until("2026-01-15T04:00:00Z");
  settings.plan.rewrite_after_days = 90;
  run_until("2026-01-16T04:00:00Z");
  settings.hour = 5;  // later today: runs a second time, which finds nothing to do
  run_until("2026-01-18T00:00:00Z");
  EXPECT_EQ(days, (std::vector<int>{45, 90, 90, 90}));
  EXPECT_EQ(runs, (std::vector<UtcInstant>{at("2026-01-15T03:00:00Z"), at("2026-01-16T03:00:00Z"),
                                           at("2026-01-16T05:00:00Z"), at("2026-01-17T05:00:00Z")}));
}

TEST_F(JobTest, StopEndsTheWorkAndTheLoop) {
  during = [this] {
    EXPECT_TRUE(job.working());
    job.stop();
  };
  start();
  run_until("2026-01-20T00:00:00Z");
  EXPECT_EQ(runs.size(), 1U);
  EXPECT_FALSE(went_on);
  EXPECT_FALSE(job.working());
  EXPECT_TRUE(ended);
}

TEST_F(JobTest, TellsOfFailuresAndGoesOnTheNextDay) {
  answer = transient("PostgreSQL is away");
  start();
  run_until("2026-01-15T04:00:00Z");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("MAINTENANCE_FAILED"), std::string::npos);
  EXPECT_NE(lines[0].find("PostgreSQL is away"), std::string::npos);

  Report report;
  storage::MaintenanceEntry failed;
  failed.task = "rewrite month";
  failed.subject = "interval_day 2025-10";
  failed.outcome = storage::MaintenanceEntry::Outcome::Failed;
  failed.detail = "disk full";
  report.entries = {failed};
  answer = std::optional<Report>(report);
  run_until("2026-01-16T04:00:00Z");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_NE(lines[1].find("disk full"), std::string::npos);
  EXPECT_NE(lines[2].find("left=1"), std::string::npos) << lines[2];

  answer = std::optional<Report>();
  run_until("2026-01-17T04:00:00Z");
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_NE(lines[3].find("MAINTENANCE_ELSEWHERE"), std::string::npos);
}

}  // namespace
}  // namespace ami::daemon
