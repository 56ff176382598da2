#include "daemon/gateway/readiness.h"

#include <gtest/gtest.h>

namespace ami::daemon {
namespace {
using namespace std::chrono_literals;

FeedStatus feed(const std::string& name, FeedPhase phase, std::string error = {}) {
  FeedStatus status;
  status.name = name;
  status.phase = phase;
  status.error = std::move(error);
  return status;
}

class ReadinessTest : public ::testing::Test {
 protected:
  std::chrono::steady_clock::time_point now_{};
  Readiness readiness_{10s, [this] { return now_; }};
};

TEST_F(ReadinessTest, NothingIsReadyBeforeTheDatabaseWasAsked) {
  const auto report = readiness_.report({});
  EXPECT_FALSE(report.ready);
  EXPECT_EQ(report.first_reason(), "database: was not asked yet");
}

TEST_F(ReadinessTest, ReadyWhenTheDatabaseAnswersAndEachFeedRuns) {
  readiness_.database(Done{});
  EXPECT_FALSE(readiness_.report({}).ready) << "the feeds were not applied yet";
  readiness_.feeds_applied();
  EXPECT_TRUE(readiness_.report({feed("a", FeedPhase::Running)}).ready);
  const auto report =
      readiness_.report({feed("a", FeedPhase::Running), feed("b", FeedPhase::Failed, "no folder")});
  EXPECT_FALSE(report.ready);
  EXPECT_EQ(report.first_reason(), "feed:b: failed: no folder");
}

TEST_F(ReadinessTest, AFeedWhoseBatchesCannotBeStoredIsNotReadyThoughTheDatabaseAnswers) {
  readiness_.database(Done{});
  readiness_.feeds_applied();
  auto stuck = feed("a", FeedPhase::Running);
  stuck.trouble = "no space left on device";
  const auto report = readiness_.report({stuck});
  EXPECT_FALSE(report.ready);
  EXPECT_EQ(report.first_reason(), "feed:a: its batches cannot be stored and wait: no space left on device");
}

TEST_F(ReadinessTest, AnOldAnswerOfTheDatabaseIsNone) {
  readiness_.feeds_applied();
  readiness_.database(Done{});
  now_ += 10s;
  EXPECT_TRUE(readiness_.report({}).ready);
  now_ += 1s;
  EXPECT_EQ(readiness_.report({}).first_reason(), "database: does not answer");
}

TEST_F(ReadinessTest, LosesAndRegainsTheDatabase) {
  readiness_.feeds_applied();
  readiness_.database(transient("connection refused"));
  EXPECT_EQ(readiness_.report({}).first_reason(), "database: connection refused");
  readiness_.database(Done{});
  EXPECT_TRUE(readiness_.report({}).ready);
}

TEST_F(ReadinessTest, AStoppingGatewayIsNotReady) {
  readiness_.feeds_applied();
  readiness_.database(Done{});
  readiness_.stopping();
  EXPECT_EQ(readiness_.report({}).first_reason(), "gateway: is stopping");
}

TEST_F(ReadinessTest, JsonNamesEachPartAndEscapesReasons) {
  readiness_.feeds_applied();
  readiness_.database(permanent("role \"ami\" is missing"));
  EXPECT_EQ(readiness_.report({feed("a", FeedPhase::Running)}).json(),
            R"({"ready":false,"parts":[{"name":"database","ok":false,"reason":"role \"ami\" is missing"},)"
            R"({"name":"feed:a","ok":true}]})"
            "\n");
}

}  // namespace
}  // namespace ami::daemon
