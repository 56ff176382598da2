#include "daemon/host/host.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <list>

#include "tests/daemon/support/fake_family.h"
#include "tests/daemon/support/fake_store.h"

namespace ami::daemon {
namespace {
namespace asio = boost::asio;
using testing::FakeFamily;

// One thread and a clock that needs no time: the test turns the io_context by hand until what it waits for is
// so.
class HostTest : public ::testing::Test {
 protected:
  ~HostTest() override {
    bool quiet = false;
    asio::co_spawn(
        io_, [this]() -> sdk::Awaitable<void> { co_await host_.stop(); },
        [&](std::exception_ptr) { quiet = true; });
    turn_until([&] { return quiet; });
    EXPECT_TRUE(quiet);
  }

  template <class Condition>
  bool turn_until(Condition condition) {
    const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes{2};
    while (!condition() && std::chrono::steady_clock::now() < patience) {
      io_.restart();
      io_.run_one();
    }
    return condition();
  }

  static FeedConfig feed(const std::string& name, const FakeFamily& family,
                         const std::string& fingerprint = "1") {
    FeedConfig config;
    config.name = name;
    config.utility = "hydro";
    config.family = &family;
    config.fingerprint = fingerprint;
    return config;
  }

  FeedPhase phase(const std::string& name) {
    for (const auto& status : host_.status()) {
      if (status.name == name) return status.phase;
    }
    return FeedPhase::Stopped;
  }

  bool logged(const std::string& id) const {
    return std::any_of(lines_.begin(), lines_.end(),
                       [&](const std::string& line) { return line.find("id=" + id) != std::string::npos; });
  }

  std::vector<std::string> lines_;
  Log log_{[this](Level, const std::string& line) { lines_.push_back(line); }};
  asio::io_context io_;
  testing::InstantClock clock_;
  testing::FakeStore store_;
  WorkerPool work_{1}, database_{1};
  DirectoryCache directory_{[] { return Result<storage::DirectorySnapshot>(storage::DirectorySnapshot{}); }};
  Metrics metrics_{"test"};
  Pipeline pipeline_{store_, directory_, database_, clock_, {}, log_};
  std::list<FakeFamily> families_;  // the host may look at one until it has stopped
  Host host_{
      HostParts{io_.get_executor(), clock_, work_, database_, store_, directory_, pipeline_, metrics_, log_}};
  const std::map<std::string, storage::UtilityId> utilities_{{"hydro", 1}};
};

TEST_F(HostTest, StartsEachFeedAndStopsIt) {
  const FakeFamily& family = families_.emplace_back("fake");
  host_.apply({feed("a", family), feed("b", family)}, utilities_);
  EXPECT_TRUE(
      turn_until([&] { return phase("a") == FeedPhase::Running && phase("b") == FeedPhase::Running; }));
  EXPECT_EQ(family.script->made, 2);
  host_.apply({feed("b", family)}, utilities_);
  EXPECT_TRUE(turn_until([&] { return family.script->stopped == 1; }));
  EXPECT_EQ(phase("b"), FeedPhase::Running);
  EXPECT_EQ(family.script->made, 2) << "a feed that did not change must not be touched";
}

TEST_F(HostTest, AFeedThatCannotStartIsTriedAgainAndHarmsNoOther) {
  const FakeFamily& good = families_.emplace_back("good");
  const FakeFamily& bad = families_.emplace_back("bad");
  bad.script->on_start = [script = bad.script.get()] {
    return script->made < 4 ? Outcome(permanent("folder is missing")) : Outcome(Done{});
  };
  host_.apply({feed("bad", bad), feed("good", good)}, utilities_);
  EXPECT_TRUE(
      turn_until([&] { return phase("bad") == FeedPhase::Running && phase("good") == FeedPhase::Running; }));
  EXPECT_EQ(bad.script->made, 4);
  EXPECT_EQ(bad.script->stopped, 3) << "what was made must be stopped before it is made again";
  EXPECT_EQ(good.script->made, 1);
  EXPECT_TRUE(logged("FEED_FAILED"));
}

TEST_F(HostTest, AFeedThatFailsLaterIsStartedAgain) {
  const FakeFamily& family = families_.emplace_back("fake");
  host_.apply({feed("a", family)}, utilities_);
  ASSERT_TRUE(turn_until([&] { return phase("a") == FeedPhase::Running; }));
  family.script->fail = true;
  ASSERT_TRUE(turn_until([&] { return phase("a") == FeedPhase::Failed; }));
  EXPECT_EQ(host_.status()[0].error, "told to fail");
  family.script->fail = false;
  EXPECT_TRUE(turn_until([&] { return phase("a") == FeedPhase::Running; }));
}

TEST_F(HostTest, AnExceptionOfAnAdapterIsAFailureOfItsFeedAlone) {
  const FakeFamily& family = families_.emplace_back("fake");
  const FakeFamily& good = families_.emplace_back("good");
  family.script->on_start = []() -> Outcome { throw std::runtime_error("boom"); };
  host_.apply({feed("a", family), feed("good", good)}, utilities_);
  EXPECT_TRUE(
      turn_until([&] { return phase("a") == FeedPhase::Failed && phase("good") == FeedPhase::Running; }));
  EXPECT_EQ(host_.status()[0].error, "start: boom");
}

TEST_F(HostTest, WithoutAJournalAFamilyThatIsPushedToIsRefused) {
  const FakeFamily& pushed = families_.emplace_back("pushed", true);
  host_.apply({feed("a", pushed)}, utilities_);
  ASSERT_TRUE(turn_until([&] { return phase("a") == FeedPhase::Refused; }));
  EXPECT_NE(host_.status()[0].error.find("durable journal"), std::string::npos);
  EXPECT_EQ(pushed.script->made, 0);
}

TEST_F(HostTest, AChangedFeedIsReplacedAfterTheOldOneIsQuiet) {
  const FakeFamily& family = families_.emplace_back("fake");
  host_.apply({feed("a", family)}, utilities_);
  ASSERT_TRUE(turn_until([&] { return phase("a") == FeedPhase::Running; }));
  int stopped_when_made = -1;
  family.script->on_start = [&] {
    stopped_when_made = family.script->stopped;
    return Outcome(Done{});
  };
  host_.apply({feed("a", family, "2")}, utilities_);
  ASSERT_TRUE(turn_until([&] { return family.script->started == 2 && phase("a") == FeedPhase::Running; }));
  EXPECT_EQ(stopped_when_made, 1);
}

TEST_F(HostTest, AFeedOfAnUnknownUtilityIsLeftOut) {
  const FakeFamily& family = families_.emplace_back("fake");
  host_.apply({feed("a", family)}, {});
  EXPECT_TRUE(host_.status().empty());
}

TEST_F(HostTest, AttemptGoesToTheAdapterThatRunsAndIsNotSentWithoutOne) {
  const FakeFamily& family = families_.emplace_back("fake");
  family.script->on_attempt = [](sdk::Attempt attempt) -> sdk::Awaitable<std::vector<sdk::AttemptAnswer>> {
    const Outcome may = co_await attempt.before_send();
    std::vector<sdk::AttemptAnswer> answers(attempt.meters.size());
    for (sdk::AttemptAnswer& answer : answers) answer.words = may.ok() ? attempt.transaction : "refused";
    co_return answers;
  };
  const auto ask = [&](const Feed& feed) {
    std::vector<sdk::AttemptAnswer> answers;
    bool done = false;
    sdk::Attempt attempt;
    attempt.transaction = "t-1";
    attempt.meters = {"B1", "B2"};
    attempt.before_send = []() -> sdk::Awaitable<Outcome> { co_return Done{}; };
    asio::co_spawn(io_, feed.attempt(attempt),
                   [&](std::exception_ptr defect, std::vector<sdk::AttemptAnswer> told) {
                     EXPECT_FALSE(defect);
                     answers = std::move(told);
                     done = true;
                   });
    EXPECT_TRUE(turn_until([&] { return done; }));
    return answers;
  };
  family.script->on_start = [] { return Outcome(permanent("not today")); };
  host_.apply({feed("a", family)}, utilities_);
  ASSERT_TRUE(turn_until([&] { return phase("a") == FeedPhase::Failed; }));
  auto answers = ask(*host_.find("a"));
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[1].state, sdk::AttemptState::Failed);
  EXPECT_EQ(answers[1].reason, "not_sent");
  family.script->on_start = [] { return Outcome(Done{}); };
  ASSERT_TRUE(turn_until([&] { return phase("a") == FeedPhase::Running; }));
  answers = ask(*host_.find("a"));
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].words, "t-1");
}

}  // namespace
}  // namespace ami::daemon
