// The loop: when it works, when it stops, what it tells. On a virtual clock and a real database.
#include "daemon/validation/validation_job.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "adapters/sdk/testing/fake_host.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::daemon {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::at;

class ValidationJobTest : public storage::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    log.configure(Level::Debug, LogFormat::Text);
    // The database stamps changes with its own clock, so the host's goes on from there.
    host.clock.step(std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()));
    today = std::chrono::floor<std::chrono::days>(host.clock.now());
    situation.ready = true;
    situation.every = seconds{30};
    situation.judging = [this] {
      ++asked;
      return rules;
    };
  }
  // All of today for one meter, where days are those of UTC; `holes` slots from ten o'clock on are missing.
  void day_of(const std::string& key, int holes) {
    const auto m = meter(north, key);
    ASSERT_TRUE(
        assets->create_usage_point(north, "p" + key, {{at("2019-01-01T00:00:00Z")}, "Etc/UTC", "", "", ""})
            .ok());
    ASSERT_TRUE(assets->install({north, key, "p" + key, at("2020-01-01T00:00:00Z"), {1, 0}, "", {}}).ok());
    storage::CommitUnit u = unit(key);
    storage::RunSpec run{.channel = add_channel(u, m), .start = UtcInstant{today}, .values = {}};
    for (int i = 0; i < 96; ++i)
      run.values.push_back(i >= 40 && i < 40 + holes ? std::nullopt : std::optional<std::int64_t>(i));
    add_run(u, run);
    commit(u);
  }
  void start(storage::Database& used) {
    job = std::make_unique<ValidationJob>(ValidationJob::Parts{used, host.offload, host.clock, metrics, log});
    boost::asio::co_spawn(host.io, job->keep([this] { return situation; }),
                          [this](std::exception_ptr defect) {
                            EXPECT_FALSE(defect);
                            ended = true;
                          });
    host.run_until_idle();
  }
  void stop() {
    situation.stopping = true;
    host.advance(seconds{1});
    EXPECT_TRUE(ended);
  }
  void advance_to(std::chrono::seconds after_midnight) {  // the one that ends today
    const UtcInstant then = UtcInstant{today} + std::chrono::days{1} + after_midnight;
    ASSERT_GT(then, host.clock.now());
    host.advance(std::chrono::ceil<std::chrono::milliseconds>(then - host.clock.now()));
  }
  std::size_t said(const std::string& id) const {
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(), [&](const std::string& l) { return l.find(id) != std::string::npos; }));
  }
  bool says(const std::string& id, const std::string& part) const {
    return std::ranges::any_of(lines, [&](const std::string& l) {
      return l.find(id) != std::string::npos && l.find(part) != std::string::npos;
    });
  }
  bool shows(const std::string& line) const { return metrics.text().find(line + "\n") != std::string::npos; }

  sdk::testing::FakeHost host;
  std::chrono::sys_days today{};
  std::vector<std::string> lines;
  Log log{[this](Level, const std::string& line) { lines.push_back(line); }};
  Metrics metrics{"test"};
  ValidationJob::Situation situation;
  std::shared_ptr<const validation::Rules> rules = std::make_shared<const validation::Rules>();
  int asked = 0;
  std::unique_ptr<ValidationJob> job;
  bool ended = false;
};

TEST_F(ValidationJobTest, JudgesWhatHasSettledAndComesBackWhenAHoleIsMissing) {
  day_of("M1", 2);
  situation.ready = false;
  situation.every = minutes{10};
  start(*database);
  advance_to(minutes{30});
  EXPECT_EQ(said("id=VALIDATION_DONE"), 0U) << "not before the database can be used";
  situation.ready = true;
  advance_to(minutes{32});
  EXPECT_EQ(said("id=VALIDATION_DONE"), 1U);
  EXPECT_EQ(one("SELECT count(*) FROM judged_day WHERE days <> 0"), "1");
  advance_to(hours{30} - minutes{1});  // the grace
  EXPECT_EQ(one("SELECT count(*) FROM finding"), "0") << "the hole may still be filled";
  advance_to(hours{30} + minutes{11});
  EXPECT_EQ(one("SELECT count(*) FROM finding WHERE gone_at IS NULL"), "1");
  EXPECT_TRUE(shows("ami_validation_findings_total{check=\"V07\"} 1")) << metrics.text();
  EXPECT_TRUE(shows("ami_validation_waiting 0")) << metrics.text();
  stop();
}

TEST_F(ValidationJobTest, ACheckThatHitsTooManyMetersIsToldOnceADay) {
  for (int i = 0; i < 20; ++i) day_of("M" + std::to_string(i), i < 3 ? 1 : 0);
  host.clock.step(UtcInstant{today} + std::chrono::days{1} + hours{31});
  start(*database);
  host.advance(minutes{2});
  EXPECT_EQ(one("SELECT count(*) FROM finding WHERE gone_at IS NULL"), "3") << "stored all the same";
  EXPECT_EQ(said("id=THRESHOLD_SUSPECT"), 1U);
  EXPECT_TRUE(says("id=THRESHOLD_SUSPECT", "meters_hit=3 meters=20 profile=head_end/")) << lines.back();
  EXPECT_TRUE(shows("ami_validation_threshold_suspect{check=\"V07\"} 1")) << metrics.text();
  host.advance(hours{2});
  EXPECT_EQ(said("id=THRESHOLD_SUSPECT"), 1U);
  EXPECT_LE(said("level=warn"), 1U) << "instead of a line a meter";
  stop();
  // Another gateway, or the same after a restart: it was said.
  situation.stopping = ended = false;
  start(*database);
  host.advance(minutes{2});
  EXPECT_EQ(said("id=THRESHOLD_SUSPECT"), 1U);
  EXPECT_TRUE(shows("ami_validation_threshold_suspect{check=\"V07\"} 1")) << metrics.text();
  stop();
}

TEST_F(ValidationJobTest, TheShareThatIsTooLargeIsThatOfTheMetersOwnProfile) {
  // Of the feed that all came from 1000 meters are needed; the default says 20.
  validation::Rules many;
  many.by_feed["feed-1"] = vee::default_vee_config();
  many.by_feed["feed-1"].suspect_from_meters = 1000;
  validation::Rules strict = many;
  strict.by_feed["feed-1"].suspect_from_meters = 10;
  strict.by_feed["feed-1"].suspect_above_percent = Decimal{20, 0};
  rules = std::make_shared<const validation::Rules>(many);
  for (int i = 0; i < 20; ++i) day_of("M" + std::to_string(i), i < 3 ? 1 : 0);
  ASSERT_EQ(one("SELECT DISTINCT feed FROM source"), "feed-1");
  host.clock.step(UtcInstant{today} + std::chrono::days{1} + hours{31});
  start(*database);
  host.advance(minutes{2});
  EXPECT_EQ(said("id=THRESHOLD_SUSPECT"), 0U);
  const std::chrono::year_month_day day{today};
  const auto again = [&](const validation::Rules& now) {
    rules = std::make_shared<const validation::Rules>(now);
    ASSERT_TRUE(storage::Validation(*database).revalidate(north, {}, day, day).ok());
    host.advance(minutes{2});
  };
  again(strict);
  EXPECT_EQ(said("id=THRESHOLD_SUSPECT"), 0U) << "3 of 20 are 15 %";
  strict.by_feed["feed-1"].suspect_above_percent = Decimal{14, 0};
  again(strict);
  EXPECT_EQ(said("id=THRESHOLD_SUSPECT"), 1U);
  EXPECT_TRUE(says("id=THRESHOLD_SUSPECT", " feeds=feed-1"));
  stop();
}

TEST_F(ValidationJobTest, WhatIsJudgedAgainAfterAReloadIsJudgedByWhatWasLoaded) {
  day_of("M1", 1);
  host.clock.step(UtcInstant{today} + std::chrono::days{1} + hours{31});
  // The rules change, and the order is given, when a step has begun and does not know yet what is due.
  validation::Rules off;
  off.fallback.profile = "off";
  start(*database);
  host.advance(minutes{2});
  EXPECT_EQ(one("SELECT count(*) FROM finding WHERE gone_at IS NULL"), "1");
  const int before = asked;
  host.advance(minutes{2});
  EXPECT_LE(asked - before, 4) << "rounds with nothing to judge ask for the shares only";
  const std::chrono::year_month_day day{today};
  ASSERT_TRUE(storage::Validation(*database).revalidate(north, {}, day, day).ok());
  situation.judging = [this, off] {
    EXPECT_EQ(one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 11"), "1")
        << "the step has taken the queue: an order that comes now waits for the next";
    situation.judging = [this] { return rules; };
    return std::make_shared<const validation::Rules>(off);
  };
  host.advance(minutes{2});
  EXPECT_EQ(one("SELECT count(*) FROM finding WHERE gone_at IS NULL"), "0");
  stop();
}

TEST_F(ValidationJobTest, FewMetersSayNothingAboutAThreshold) {
  for (int i = 0; i < 19; ++i) day_of("M" + std::to_string(i), 1);
  host.clock.step(UtcInstant{today} + std::chrono::days{1} + hours{31});
  start(*database);
  host.advance(minutes{2});
  EXPECT_EQ(one("SELECT count(*) FROM finding WHERE gone_at IS NULL"), "19");
  EXPECT_EQ(said("id=THRESHOLD_SUSPECT"), 0U);
  stop();
}

TEST_F(ValidationJobTest, NewThresholdsHoldForWhatIsJudgedNext) {
  day_of("M1", 1);
  host.clock.step(UtcInstant{today} + std::chrono::days{1} + hours{31});
  validation::Rules off;
  off.fallback.profile = "off";
  rules = std::make_shared<const validation::Rules>(off);
  start(*database);
  host.advance(minutes{2});
  EXPECT_EQ(one("SELECT count(*) FROM finding"), "0");
  rules = std::make_shared<const validation::Rules>();
  const std::chrono::year_month_day day{today};
  ASSERT_TRUE(storage::Validation(*database).revalidate(north, {}, day, day).ok());
  host.advance(minutes{2});
  EXPECT_EQ(one("SELECT count(*) FROM finding WHERE gone_at IS NULL"), "1");
  stop();
}

TEST_F(ValidationJobTest, DatabaseThatIsAwayIsToldOnceAndTriedAgain) {
  storage::DatabaseOptions nowhere;
  nowhere.conninfo = "host=/nonexistent dbname=none connect_timeout=1";
  storage::Database away(nowhere);
  start(away);
  host.advance(minutes{11});
  EXPECT_EQ(said("id=VALIDATION_FAILED"), 1U);
  EXPECT_FALSE(ended);
  stop();
}

}  // namespace
}  // namespace ami::daemon
