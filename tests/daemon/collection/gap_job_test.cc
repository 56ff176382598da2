// The loop: when it works, when it stops, what it tells. On a virtual clock and a real database.
#include "daemon/collection/gap_job.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "adapters/sdk/testing/fake_host.h"
#include "tests/daemon/commands/stepped_offload.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::daemon {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::at;

class GapJobTest : public storage::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    log.configure(Level::Debug, LogFormat::Text);
    situation.ready = true;
    situation.every = minutes{5};
    situation.rules.grace = hours{19} + minutes{4};
    const auto m = meter(north, "M1");
    ASSERT_TRUE(assets->create_usage_point(north, "p1", {{at("2019-01-01T00:00:00Z")}, "", "", "", ""}).ok());
    ASSERT_TRUE(assets->install({north, "M1", "p1", at("2020-01-01T00:00:00Z"), {1, 0}, "", {}}).ok());
    storage::CommitUnit u = unit("a");
    storage::RunSpec run{.channel = add_channel(u, m), .start = at("2026-01-10T05:00:00Z"), .values = {}};
    for (int i = 0; i < 90; ++i) run.values.emplace_back(i);
    add_run(u, run);
    commit(u);
  }

  void start(storage::Database& used) {
    job = std::make_unique<GapJob>(GapJob::Parts{used, host.offload, clock, metrics, log});
    boost::asio::co_spawn(host.io, job->keep([this] { return situation; }),
                          [this](std::exception_ptr defect) {
                            EXPECT_FALSE(defect);
                            ended = true;
                          });
    host.run_until_idle();
  }
  std::size_t said(const std::string& id) const {
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(), [&](const std::string& l) { return l.find(id) != std::string::npos; }));
  }
  bool shows(const std::string& line) const { return metrics.text().find(line + "\n") != std::string::npos; }

  sdk::testing::FakeHost host;  // 2026-01-15T00:00Z
  commands::SetClock clock{host.clock};
  std::vector<std::string> lines;
  Log log{[this](Level, const std::string& line) { lines.push_back(line); }};
  Metrics metrics{"test"};
  GapJob::Situation situation;
  std::unique_ptr<GapJob> job;
  bool ended = false;
};

TEST_F(GapJobTest, WorksWhenTheDatabaseIsReadyThenAtIntervalsAndPublishes) {
  situation.ready = false;
  start(*database);
  host.advance(minutes{1});
  EXPECT_EQ(one("SELECT count(*) FROM collection_series"), "0");
  situation.ready = true;
  host.advance(seconds{10});
  // 13 January of Toronto ended 19 hours ago, at 05:00Z: judged is what was before it, 6 slots and two days.
  EXPECT_EQ(one("SELECT sum(slots) FROM gap"), std::to_string(6 + 2 * 96));
  EXPECT_TRUE(shows("ami_feed_gaps_open{feed=\"feed-1\"} 1")) << metrics.text();
  EXPECT_TRUE(shows("ami_feed_missing_values{feed=\"feed-1\"} 198")) << metrics.text();
  EXPECT_TRUE(shows("ami_feed_completeness_ratio{feed=\"feed-1\"} 0")) << metrics.text();
  EXPECT_EQ(said("id=GAPS_COMPARED"), 1U);
  host.advance(minutes{20});  // the 13th is due four minutes after midnight
  EXPECT_EQ(one("SELECT sum(slots) FROM gap"), std::to_string(6 + 3 * 96));
  EXPECT_EQ(said("id=GAPS_COMPARED"), 2U) << "rounds without work say nothing";

  // The meter was removed before all this: nothing is waited for any more, and the metric says so.
  ASSERT_TRUE(assets->remove({north, "M1", at("2026-01-11T03:00:00Z"), "", {}}).ok());
  EXPECT_TRUE(shows("ami_feed_gaps_open{feed=\"feed-1\"} 1")) << metrics.text();
  host.advance(minutes{20});
  EXPECT_TRUE(shows("ami_feed_gaps_open{feed=\"feed-1\"} 0")) << metrics.text();

  situation.stopping = true;
  host.advance(seconds{1});
  EXPECT_TRUE(ended);
}

TEST_F(GapJobTest, ClockThatIsSetBackStopsNeitherTheWorkNorTheMetrics) {
  clock.ahead = hours{2};
  start(*database);
  host.advance(seconds{1});
  ASSERT_TRUE(shows("ami_feed_gaps_open{feed=\"feed-1\"} 1")) << metrics.text();
  clock.ahead = hours{0};
  ASSERT_TRUE(assets->remove({north, "M1", at("2026-01-11T03:00:00Z"), "", {}}).ok());
  host.advance(minutes{20});
  EXPECT_TRUE(shows("ami_feed_gaps_open{feed=\"feed-1\"} 0")) << metrics.text();
}

TEST_F(GapJobTest, DatabaseThatIsAwayIsToldOnceAndTriedAgain) {
  storage::DatabaseOptions nowhere;
  nowhere.conninfo = "host=/nonexistent dbname=none connect_timeout=1";
  storage::Database away(nowhere);
  start(away);
  host.advance(minutes{11});
  EXPECT_EQ(said("id=GAPS_FAILED"), 1U);
  EXPECT_FALSE(ended);
  situation.stopping = true;
  host.advance(seconds{1});
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace ami::daemon
