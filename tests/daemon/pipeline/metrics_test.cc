#include "daemon/pipeline/metrics.h"

#include <gtest/gtest.h>

namespace ami::daemon {
namespace {

TEST(Metrics, AFeedNamedTwiceIsOneSeries) {
  Metrics metrics("1.2.3");
  metrics.feed("a").retried();
  metrics.feed("a").retried();
  EXPECT_NE(metrics.text().find("ami_feed_commit_retries_total{feed=\"a\"} 2\n"), std::string::npos);
}

TEST(Metrics, AFeedsNameCannotForgeALine) {
  Metrics metrics("1.2.3");
  metrics.feed("x\"} 1\nami_ready 1\n").retried();
  EXPECT_EQ(metrics.text().find("\nami_ready 1\n"), std::string::npos);
}

TEST(Metrics, QueuesAreAskedWhenRead) {
  Metrics metrics("1.2.3");
  std::size_t depth = 3;
  metrics.queue("storing", [&] { return depth; });
  EXPECT_NE(metrics.text().find("ami_pool_work{pool=\"storing\"} 3\n"), std::string::npos);
  depth = 8;
  EXPECT_NE(metrics.text().find("ami_pool_work{pool=\"storing\"} 8\n"), std::string::npos);
}

TEST(Metrics, StateOfTheGatewayAndItsVersion) {
  Metrics metrics("1.2.3");
  metrics.ready(true);
  metrics.directory(17, 400);
  const auto text = metrics.text();
  for (const std::string line : {"ami_ready 1\n", "ami_database_up 0\n", "ami_directory_version 17\n",
                                 "ami_directory_entries 400\n", "ami_build_info{version=\"1.2.3\"} 1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

TEST(Metrics, SubscribersOfTheChangeFeedComeAndGo) {
  using std::chrono::milliseconds;
  Metrics metrics("1.2.3");
  metrics.change_feed({milliseconds{1500}, {{"u", "billing", milliseconds{2500}}, {"u", "gone", {}}}}, 3);
  auto text = metrics.text();
  for (const std::string line : {"ami_change_held_back_seconds 1.5\n", "ami_change_streams 3\n",
                                 "ami_change_subscriber_lag_seconds{subscriber=\"billing\",utility=\"u\"} 2.5\n",
                                 "ami_change_subscriber_lag_seconds{subscriber=\"gone\",utility=\"u\"} 0\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  metrics.change_feed({milliseconds{0}, {{"u", "billing", milliseconds{0}}}}, 0);
  text = metrics.text();
  EXPECT_NE(text.find("ami_change_subscriber_lag_seconds{subscriber=\"billing\",utility=\"u\"} 0\n"),
            std::string::npos);
  EXPECT_EQ(text.find("\"gone\""), std::string::npos);
}

TEST(CommandMetrics, AreAskedForWhenReadAndCountersOnlyRise) {
  Metrics metrics("1");
  CommandCounts counts;
  counts.feed = "radio";
  counts.waiting = 7;
  counts.late = 3;
  counts.ended = {{"READ", "TIMED_OUT", "no_answer", 2}};
  metrics.commands([&] { return std::vector<CommandCounts>{counts}; });
  const auto shows = [&](const std::string& line) { return metrics.text().find(line + "\n") != std::string::npos; };
  EXPECT_TRUE(shows("ami_command_waiting{feed=\"radio\"} 7")) << metrics.text();
  EXPECT_TRUE(shows("ami_command_answers_total{feed=\"radio\",what=\"late\"} 3")) << metrics.text();
  EXPECT_TRUE(shows("ami_command_ended_total{feed=\"radio\",kind=\"READ\",reason=\"no_answer\",state=\"TIMED_OUT\"} 2"))
      << metrics.text();
  counts.waiting = 0;
  counts.late = 4;
  EXPECT_TRUE(shows("ami_command_waiting{feed=\"radio\"} 0"));
  EXPECT_TRUE(shows("ami_command_answers_total{feed=\"radio\",what=\"late\"} 4"));
}

}  // namespace
}  // namespace ami::daemon
