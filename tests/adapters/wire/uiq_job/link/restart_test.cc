// The near side is killed at each step: nothing is lost, nothing is sent twice.
#include <gmock/gmock.h>

#include "tests/adapters/wire/uiq_job/link/link_scene.h"

namespace ami::uiq_job {
namespace {

using peer::Disorder;
using sdk::AttemptState;
using sdk::CommandKind;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;

class UiqRestart : public LinkScene {
 public:
  void SetUp() override {
    configure();
    begin();
  }
  // The result reaches the operation that asked, whoever runs now, and the meter was asked once.
  void expect_the_end(const std::string& transaction = "op-1") {
    until([&] { return !results().empty() && noted_jobs() == 0; });
    ASSERT_EQ(results().size(), 1U);
    EXPECT_EQ(results()[0].transaction, transaction);
    EXPECT_EQ(results()[0].meter, "M1");
    EXPECT_EQ(verdict(CommandKind::Read).state, AttemptState::Succeeded);
    EXPECT_EQ(far->asked(Operation::AddReadJob), 1U);
  }
};

TEST_F(UiqRestart, AfterTheSearchNothingHasBeenSentAndTheDeviceIsKnown) {
  stuck_before_send = true;
  const TrialPtr first = ask(CommandKind::Read);
  until([&] { return first->before_send == 1; });
  begin();
  stuck_before_send = false;
  pass(minutes{2});
  EXPECT_EQ(noted_jobs(), 0U);
  EXPECT_THAT(operations(), ElementsAre("find_device"));
  ask_answered(CommandKind::Read);  // nothing was marked as sent: the engine asks again
  EXPECT_EQ(far->asked(Operation::FindDevice), 1U);
  expect_the_end();
}

TEST_F(UiqRestart, AfterTheJobWasSentItIsNotSentAgain) {
  hold(Operation::AddReadJob);
  const TrialPtr first = ask(CommandKind::Read);
  until([&] { return held == 1; });
  begin();
  release();
  pass(minutes{30});
  // Nobody here knows the job's id: the engine has SENT, and its due time decides.
  EXPECT_FALSE(first->done());
  EXPECT_EQ(first->before_send, 1);
  EXPECT_EQ(far->asked(Operation::AddReadJob), 1U);
  EXPECT_EQ(far->asked(Operation::JobStatus), 0U);
  EXPECT_EQ(logged("UIQ_JOBS_TAKEN_UP"), 0U);
  EXPECT_EQ(far->jobs()[0].values.at("job_name"), "op-1");
}

TEST_F(UiqRestart, AfterTheAnswerTheJobIsAskedForAndTold) {
  ask_answered(CommandKind::Read);
  EXPECT_EQ(far->asked(Operation::JobStatus), 0U);
  begin();
  EXPECT_EQ(logged("UIQ_JOBS_TAKEN_UP"), 1U);
  expect_the_end();
}

TEST_F(UiqRestart, WhilePollingTheJobIsAskedForAndTold) {
  ask_answered(CommandKind::Read);
  until([&] { return far->asked(Operation::JobStatus) == 2; });
  begin();
  expect_the_end();
}

TEST_F(UiqRestart, WhileAnAnswerToAPollIsUnderWay) {
  ask_answered(CommandKind::Read);
  hold(Operation::JobStatus);
  until([&] { return held == 1; });
  begin();
  release();
  expect_the_end();
}

TEST_F(UiqRestart, AfterTheResultsWereFetchedAndBeforeTheyAreStored) {
  ask_answered(CommandKind::Read);
  life->host.store.hold();
  until([&] { return life->host.store.held() == 1; });
  EXPECT_EQ(far->asked(Operation::ReadResults), 1U);
  begin();
  expect_the_end();
  EXPECT_EQ(far->asked(Operation::ReadResults), 2U);
}

TEST_F(UiqRestart, AfterTheResultIsStoredAndBeforeTheJobIsForgottenItIsToldOnceMore) {
  ask_answered(CommandKind::Read);
  life->state.failing = true;  // the book cannot be written while the sink can
  until([&] { return !results().empty() && life->state.refused > 2; });
  EXPECT_EQ(results().size(), 1U);
  const std::string sha256 = life->host.store.committed[0].source.content_sha256;
  const std::string first(results()[0].raw);
  begin();
  expect_the_end();
  EXPECT_EQ(life->host.store.committed[0].source.content_sha256, sha256) << first << results()[0].raw;
}

TEST_F(UiqRestart, AnOrderlyStopKeepsTheJobs) {
  ask_answered(CommandKind::Read);
  until([&] { return far->asked(Operation::JobStatus) == 1; });
  stop();
  EXPECT_EQ(noted_jobs(), 1U);
  begin();
  expect_the_end();
}

TEST_F(UiqRestart, AnOrderlyStopDoesNotWaitForTheStore) {
  ask_answered(CommandKind::Read);
  life->host.store.hold();
  until([&] { return life->host.store.held() == 1; });
  stop();
  EXPECT_EQ(noted_jobs(), 1U);
  EXPECT_TRUE(results().empty());
  begin();
  expect_the_end();
}

TEST_F(UiqRestart, LongAfterTheExpiryTheEndIsStillFetchedOnce) {
  ask_answered(CommandKind::Read);
  const auto state = life->host.store.state;
  life->host.clock.step(now() + std::chrono::hours{30});
  begin_with(state);
  expect_the_end();
}

TEST_F(UiqRestart, ManyJobsAreAllTakenUpAlsoBySettingsWithFewerPlaces) {
  for (int i = 0; i < 5; ++i) ask_answered(CommandKind::Read, "M1", "op-" + std::to_string(i));
  const auto state = life->host.store.state;
  configure_near_only("max_jobs: 2\n");
  begin_with(state);
  EXPECT_EQ(ask_answered(CommandKind::Read, "M2", "op-9")->answer().reason, "not_sent");
  until([&] { return results().size() == 5; });
  std::set<std::string> told;
  for (const ResultObservation& result : results()) told.emplace(result.transaction);
  EXPECT_THAT(told, ElementsAre("op-0", "op-1", "op-2", "op-3", "op-4"));
  EXPECT_EQ(far->asked(Operation::AddReadJob), 5U);
}

TEST_F(UiqRestart, ANoteThatCannotBeReadIsForgottenAndItsNeighboursLive) {
  ask_answered(CommandKind::Read);
  auto state = life->host.store.state;
  for (const char* text :
       {"", "1", "2\n4711\nop\nread\nM1\n00\n2026-01-15T00:00:00Z",
        "1\n4711\nop\nreed\nM1\n00\n2026-01-15T00:00:00Z", "1\n4711\nop\nread\nM1\n00\nsoon"}) {
    state["job:1"] = text;
    begin_with(state);
    EXPECT_EQ(logged("UIQ_JOB_UNREADABLE"), 1U) << text;
    EXPECT_EQ(noted_jobs(), 1U) << text;
  }
  expect_the_end();
}

TEST_F(UiqRestart, WithoutItsStateTheFeedDoesNotStart) {
  lives.push_back(std::make_unique<Life>());
  life = lives.back().get();
  life->state.failing = true;
  const Outcome started = start_result();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().fault, Fault::Transient);
}

TEST_F(UiqRestart, NobodyIsToldToWaitBeforeTheJobIsNoted) {
  ask_answered(CommandKind::Read, "M1", "op-0");  // so that the device is known
  until([&] { return noted_jobs() == 0; });
  life->state.failing = true;
  const TrialPtr asked = ask(CommandKind::Ping, "M1", "op-1");
  until([&] { return life->state.refused >= 3; });
  EXPECT_FALSE(asked->done());
  EXPECT_EQ(logged("UIQ_JOB_NOT_NOTED"), 1U);
  EXPECT_EQ(far->asked(Operation::AddPingJob), 1U);
  life->state.failing = false;
  until([&] { return asked->done(); });
  EXPECT_EQ(asked->answer().state, AttemptState::Waiting);
  EXPECT_EQ(far->asked(Operation::AddPingJob), 1U);
}

TEST_F(UiqRestart, AJobThatCouldNotBeNotedWhenTheFeedStopsIsUnknown) {
  ask_answered(CommandKind::Read, "M1", "op-0");
  until([&] { return noted_jobs() == 0; });
  life->state.failing = true;
  const TrialPtr asked = ask(CommandKind::Ping, "M1", "op-1");
  until([&] { return logged("UIQ_JOB_NOT_NOTED") == 1; });
  stop();
  ASSERT_TRUE(asked->done());
  EXPECT_EQ(asked->answer().state, AttemptState::Unknown);
  EXPECT_EQ(asked->answer().words, "job 4712 was added and could not be noted");
}

}  // namespace
}  // namespace ami::uiq_job
