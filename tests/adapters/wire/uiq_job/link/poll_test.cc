// What becomes of a job: its state is asked for, its results are fetched and told.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/adapters/wire/uiq_job/link/link_scene.h"

namespace ami::uiq_job {
namespace {

using peer::Disorder;
using sdk::AttemptState;
using sdk::CommandKind;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

class UiqPoll : public LinkScene {
 public:
  // Asks, and waits for the job's result.
  sdk::AttemptAnswer end_of(CommandKind kind, const std::string& meter = "M1") {
    const TrialPtr asked = ask_answered(kind, meter, "op-1");
    EXPECT_EQ(asked->answer().state, AttemptState::Waiting) << asked->answer().words;
    until([&] { return !results().empty() && noted_jobs() == 0; });
    return verdict(kind);
  }
  std::vector<UtcInstant> times_of(Operation operation) const {
    std::vector<UtcInstant> times;
    for (const auto& entry : far->ledger()) {
      if (entry.operation == operation) times.push_back(entry.at);
    }
    return times;
  }
};

TEST_F(UiqPoll, AResultComesWithTheTransactionOfItsAttempt) {
  configure();
  begin();
  const sdk::AttemptAnswer end = end_of(CommandKind::Read);
  EXPECT_EQ(end.state, AttemptState::Succeeded);
  EXPECT_EQ(end.words, "done; values come with the next export (assumed)");
  ASSERT_EQ(life->host.store.committed.size(), 1U);
  const auto& commit = life->host.store.committed[0];
  EXPECT_EQ(commit.source.name, "job/4711");
  EXPECT_EQ(commit.source.content_sha256.size(), 64U);
  EXPECT_TRUE(commit.batch.observations.empty());
  const ResultObservation& result = commit.batch.results.at(0);
  EXPECT_EQ(result.transaction, "op-1");
  EXPECT_EQ(result.meter, "M1");
  EXPECT_EQ(result.meter_kind, AliasKind::Badge);
  EXPECT_EQ(result.measure, "read_results");
  EXPECT_EQ(result.word, "Success");
  // It was added at 00:00:00, waited for 2 s and took 10.
  EXPECT_EQ(end.at, parse_instant("2026-01-15T00:00:12Z").value());
  EXPECT_EQ(commit.source.length, result.raw.size());
  const DecodedBatch again = family->decode(feed.settings, result.raw, UtcInstant{});
  ASSERT_EQ(again.results.size(), 1U);
  EXPECT_EQ(again.results[0].transaction, "op-1");
  EXPECT_EQ(again.results[0].word, "Success");
  EXPECT_EQ(life->adapter->health().state, sdk::HealthState::Healthy);
}

TEST_F(UiqPoll, PausesGrowUpToTheLongestAndVary) {
  configure("poll_first: 2s\npoll_longest: 20s\n");
  begin();
  far->order(Operation::AddReadJob, Disorder::NeverEnds);
  ask_answered(CommandKind::Read);
  until([&] { return far->asked(Operation::JobStatus) >= 12; });
  const std::vector<UtcInstant> times = times_of(Operation::JobStatus);
  UtcInstant before = far->jobs()[0].added;
  bool vary = false;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const milliseconds most =
        std::min(milliseconds{2000} * (1 << std::min<std::size_t>(i, 10)), milliseconds{20'000});
    const auto pause = std::chrono::duration_cast<milliseconds>(times[i] - before);
    EXPECT_GE(pause, most / 2) << i;
    EXPECT_LE(pause, most + milliseconds{1}) << i;
    vary |= i > 5 && times[i] - times[i - 1] != times[i - 1] - times[i - 2];
    before = times[i];
  }
  EXPECT_TRUE(vary);
}

TEST_F(UiqPoll, AJobThatNeverEndsIsGivenUpAfterItsExpiryAndGrace) {
  configure("grace: 60s\n");
  begin();
  far->order(Operation::AddReadJob, Disorder::NeverEnds);
  ask_answered(CommandKind::Read);
  pass(minutes{5} + seconds{59});
  EXPECT_EQ(noted_jobs(), 1U);
  until([&] { return noted_jobs() == 0; });
  EXPECT_EQ(logged("UIQ_JOB_GIVEN_UP"), 1U);
  EXPECT_TRUE(results().empty());
  const std::size_t asked = far->asked(Operation::JobStatus);
  pass(minutes{60});
  EXPECT_EQ(far->asked(Operation::JobStatus), asked);
  EXPECT_EQ(far->asked(Operation::AddReadJob), 1U);
}

TEST_F(UiqPoll, ASwitchCommandIsAskedForFarBeyondItsExpiry) {
  configure("keep_asking: 3h\n", confirmed_template());
  begin();
  far->order(Operation::AddProvisioningJob, Disorder::NeverEnds);
  ask_answered(CommandKind::SwitchOpen);
  pass(std::chrono::hours{3});
  EXPECT_EQ(noted_jobs(), 1U);
  until([&] { return noted_jobs() == 0; });
  EXPECT_GE(now(), parse_instant("2026-01-15T03:06:00Z").value());
  EXPECT_EQ(logged("UIQ_JOB_GIVEN_UP"), 1U);
}

TEST_F(UiqPoll, AHeadEndThatIsAwayWhileAJobRunsCostsNothing) {
  configure();
  begin();
  ask_answered(CommandKind::Read);
  instead(Operation::JobStatus, "", 1);
  instead(Operation::JobStatus, http_status(502), 1);
  instead(Operation::JobStatus, http_status(401), 1);
  instead(Operation::JobStatus, http_ok("\x02 garbage"), 1);
  instead(Operation::JobStatus, http_ok("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"), 1);
  instead(Operation::ReadResults, "", 1);
  bool degraded = false;
  until([&] {
    degraded |= life->adapter->health().state == sdk::HealthState::Degraded;
    return !results().empty();
  });
  EXPECT_TRUE(degraded);
  EXPECT_EQ(verdict(CommandKind::Read).state, AttemptState::Succeeded);
  EXPECT_EQ(life->adapter->health().state, sdk::HealthState::Healthy);
}

TEST_F(UiqPoll, AHeadEndThatComesBackAfterTheExpiryStillTellsTheEnd) {
  configure();
  begin();
  ask_answered(CommandKind::Read);
  instead(Operation::JobStatus, http_status(503), 1000);
  pass(std::chrono::hours{2});
  EXPECT_EQ(noted_jobs(), 1U);
  clear_instead(Operation::JobStatus);
  until([&] { return !results().empty(); });
  EXPECT_EQ(verdict(CommandKind::Read).state, AttemptState::Succeeded);
}

TEST_F(UiqPoll, AHeadEndThatStaysAwayIsAskedUntilPatienceEnds) {
  configure("keep_asking: 1h\n");
  begin();
  ask_answered(CommandKind::Read);
  instead(Operation::JobStatus, http_status(503), 100'000);
  pass(minutes{60});
  EXPECT_EQ(noted_jobs(), 1U);
  pass(minutes{8});
  EXPECT_EQ(noted_jobs(), 0U);
  EXPECT_EQ(logged("UIQ_JOB_GIVEN_UP"), 1U);
}

TEST_F(UiqPoll, RetryAfterIsHeeded) {
  configure();
  begin();
  ask_answered(CommandKind::Read);
  instead(Operation::JobStatus, http_status(503, "Retry-After: 120\r\n"), 1);
  until([&] { return !results().empty(); });
  const std::vector<UtcInstant> times = times_of(Operation::JobStatus);
  ASSERT_EQ(times.size(), 1U);  // the first was not answered by the simulation
  EXPECT_GE(times[0] - far->jobs()[0].added, seconds{121});
}

TEST_F(UiqPoll, NoMoreJobsAreAskedForAtOnceThanMayBe) {
  configure("polls_at_once: 2\npoll_first: 1s\n");
  begin();
  for (int i = 0; i < 6; ++i)
    ask_answered(CommandKind::Read, i % 2 == 0 ? "M1" : "M2", "op-" + std::to_string(i));
  hold(Operation::JobStatus);
  until([&] { return held == 2; });
  pass(minutes{1});
  EXPECT_EQ(held, 2U);
  EXPECT_EQ(most_held, 2U);
  release();
  until([&] { return results().size() == 6; });
  EXPECT_EQ(far->asked(Operation::AddReadJob), 6U);
}

TEST_F(UiqPoll, AStateOfNoTableIsToldOnceAndAskedAgain) {
  configure();
  begin();
  far->order(Operation::JobStatus, Disorder::StrangeWord, 3);
  const sdk::AttemptAnswer end = end_of(CommandKind::Read);
  EXPECT_EQ(end.state, AttemptState::Succeeded);
  EXPECT_EQ(logged("UIQ_STATE_UNKNOWN"), 1U);
  EXPECT_THAT(everything_said(), HasSubstr("word=\"Pondering\""));
}

TEST_F(UiqPoll, TheStatusOfAnotherJobIsNotBelieved) {
  std::string yaml = shipped_template();
  const std::string fields = "fields: {status: ExecutionStatus/LocalizedValue}";
  yaml.replace(yaml.find(fields), fields.size(),
               "fields: {status: ExecutionStatus/LocalizedValue, job: JobID}");
  configure("", yaml);
  begin();
  const std::string other =
      encode_answer(far->site(), Operation::JobStatus, {{{"status", "Failure"}, {"job", "1"}}});
  ask_answered(CommandKind::Read);
  instead(Operation::JobStatus, http_ok(other), 2);
  until([&] { return !results().empty(); });
  EXPECT_EQ(verdict(CommandKind::Read).state, AttemptState::Succeeded);
  EXPECT_EQ(far->asked(Operation::AddReadJob), 1U);
}

TEST_F(UiqPoll, AJobThatFailsSaysSoInTheHeadEndsWords) {
  configure();
  begin();
  far->order(Operation::AddReadJob, Disorder::JobFails);
  const sdk::AttemptAnswer end = end_of(CommandKind::Read);
  EXPECT_EQ(end.state, AttemptState::Failed);
  EXPECT_EQ(end.reason, "failed");
  EXPECT_EQ(end.words, "Failure: the job was ordered to fail");
}

TEST_F(UiqPoll, ASwitchJobThatFailedAndWhoseRowSaysOtherwiseHasNotFailed) {
  configure("", confirmed_template());
  begin();
  far->order(Operation::AddProvisioningJob, Disorder::JobFails);
  ask_answered(CommandKind::SwitchOpen);
  const std::string fine = encode_answer(far->site(), Operation::ProvisioningResults,
                                         {{{"mac", "00:13:50:00:00:00:00:01"}, {"word", "Success"}}});
  instead(Operation::ProvisioningResults, http_ok(fine));
  until([&] { return !results().empty(); });
  EXPECT_EQ(results()[0].measure, "provisioning_results");
  const sdk::AttemptAnswer end = verdict(CommandKind::SwitchOpen);
  EXPECT_EQ(end.state, AttemptState::Unknown);
  EXPECT_EQ(end.words, "the job says Failure, its row Success");
  // Read again from the store it says the same.
  const DecodedBatch again = family->decode(feed.settings, results()[0].raw, UtcInstant{});
  ASSERT_EQ(again.results.size(), 1U);
  EXPECT_EQ(family->verdict(feed.settings, CommandKind::SwitchOpen, again.results[0]).state,
            AttemptState::Unknown);
}

TEST_F(UiqPoll, WhereTheSwitchStandsIsToldAlsoOfAJobThatFailed) {
  configure("", confirmed_template());
  begin();
  far->order(Operation::AddProvisioningJob, Disorder::JobFails);
  ask_answered(CommandKind::SwitchOpen);
  const std::string open = encode_answer(far->site(), Operation::ProvisioningResults,
                                         {{{"mac", "00:13:50:00:00:00:00:01"}, {"word", "Open"}}});
  instead(Operation::ProvisioningResults, http_ok(open));
  until([&] { return !results().empty(); });
  EXPECT_EQ(verdict(CommandKind::SwitchOpen).state, AttemptState::Unknown);
  EXPECT_EQ(verdict(CommandKind::SwitchOpen).position, sdk::SwitchPosition::Open);
}

TEST_F(UiqPoll, ASwitchJobThatEndedWithoutARowSaysNothingOfTheSwitch) {
  configure("", confirmed_template());
  begin();
  far->order(Operation::ProvisioningResults, Disorder::NothingFound);
  EXPECT_EQ(end_of(CommandKind::SwitchOpen).state, AttemptState::Unknown);
  begin();
  far->order(Operation::AddProvisioningJob, Disorder::JobFails);
  far->order(Operation::ProvisioningResults, Disorder::NothingFound);
  const sdk::AttemptAnswer failed = end_of(CommandKind::SwitchClose);
  EXPECT_EQ(failed.state, AttemptState::Unknown);
  EXPECT_EQ(failed.reason, "failed");
}

TEST_F(UiqPoll, AReadJobThatFailedHasFailedWhateverItsRowSays) {
  configure();
  begin();
  far->order(Operation::AddReadJob, Disorder::JobFails);
  ask_answered(CommandKind::Read);
  const std::string fine = encode_answer(far->site(), Operation::ReadResults,
                                         {{{"mac", "00:13:50:00:00:00:00:01"}, {"word", "Success"}}});
  instead(Operation::ReadResults, http_ok(fine));
  until([&] { return !results().empty(); });
  EXPECT_EQ(results()[0].measure, "job_status");
  EXPECT_EQ(verdict(CommandKind::Read).state, AttemptState::Failed);
}

TEST_F(UiqPoll, APingTellsOfPower) {
  configure();
  far->add({.name = "DARK", .mac = "00:13:50:00:00:00:00:09", .answers = false});
  begin();
  const sdk::AttemptAnswer lit = end_of(CommandKind::Ping);
  EXPECT_EQ(lit.state, AttemptState::Succeeded);
  EXPECT_EQ(lit.power, sdk::PowerState::Powered);
  begin();
  const sdk::AttemptAnswer dark = end_of(CommandKind::Ping, "DARK");
  EXPECT_EQ(dark.state, AttemptState::Failed);
  EXPECT_EQ(dark.reason, "no_answer");
  EXPECT_EQ(dark.power, sdk::PowerState::NoAnswer);
  begin();
  far->order(Operation::PingResults, Disorder::StrangeWord);
  const sdk::AttemptAnswer strange = end_of(CommandKind::Ping);
  EXPECT_EQ(strange.state, AttemptState::Unknown);
  EXPECT_EQ(strange.reason, "unreadable_answer");
  EXPECT_EQ(strange.power, sdk::PowerState::Unknown);
  EXPECT_EQ(strange.words, "Perhaps");
  begin();
  far->order(Operation::PingResults, Disorder::NothingFound);
  EXPECT_EQ(end_of(CommandKind::Ping).state, AttemptState::Unknown);
}

TEST_F(UiqPoll, ASwitchJobThatIsDoneLeavesThePositionUnknown) {
  configure("", confirmed_template());
  begin();
  const sdk::AttemptAnswer end = end_of(CommandKind::SwitchOpen);
  EXPECT_EQ(end.state, AttemptState::Succeeded);
  EXPECT_EQ(end.position, sdk::SwitchPosition::Unknown);
  EXPECT_TRUE(far->device("M1")->open);
  begin();
  const sdk::AttemptAnswer stands = end_of(CommandKind::SwitchState);
  EXPECT_EQ(stands.state, AttemptState::Succeeded);
  EXPECT_EQ(stands.position, sdk::SwitchPosition::Open);
  begin();
  EXPECT_EQ(end_of(CommandKind::SwitchClose).state, AttemptState::Succeeded);
  EXPECT_FALSE(far->device("M1")->open);
  EXPECT_EQ(far->asked(Operation::AddProvisioningJob), 3U);
}

TEST_F(UiqPoll, AMeterThatDidNotAnswerMayHaveSwitched) {
  configure("", confirmed_template());
  far->add({.name = "DARK", .mac = "00:13:50:00:00:00:00:09", .answers = false});
  begin();
  const sdk::AttemptAnswer end = end_of(CommandKind::SwitchOpen, "DARK");
  EXPECT_EQ(end.state, AttemptState::Unknown);
  EXPECT_EQ(end.reason, "no_answer");
}

TEST_F(UiqPoll, ResultsThatSpeakOfOtherDevicesOnlyDecideNothing) {
  configure("", confirmed_template());
  begin();
  far->order(Operation::ProvisioningResults, Disorder::OtherDevice);
  const sdk::AttemptAnswer end = end_of(CommandKind::SwitchOpen);
  EXPECT_EQ(end.state, AttemptState::Unknown);
  EXPECT_EQ(end.words, "the results speak of other devices only");
}

TEST_F(UiqPoll, ResultsThatCannotBeReadAreAskedForAgainAndThenDecideNothing) {
  configure("", confirmed_template());
  begin();
  ask_answered(CommandKind::SwitchOpen);
  instead(Operation::ProvisioningResults, http_ok("<a>"), 5);
  until([&] { return !results().empty(); });
  EXPECT_EQ(verdict(CommandKind::SwitchOpen).state, AttemptState::Unknown);
  EXPECT_THAT(verdict(CommandKind::SwitchOpen).words, HasSubstr("the results cannot be read: truncated"));
  EXPECT_EQ(far->asked(Operation::ProvisioningResults), 0U);
  begin();
  ask_answered(CommandKind::SwitchClose, "M2", "op-2");
  instead(Operation::ProvisioningResults, http_ok("<a>"), 4);  // the fifth can be read
  until([&] { return !results().empty(); });
  EXPECT_EQ(verdict(CommandKind::SwitchClose).state, AttemptState::Succeeded);
}

TEST_F(UiqPoll, WithoutResultsInTheTemplateTheStateDecides) {
  configure("", without(without(confirmed_template(), "read_results"), "provisioning_results"));
  begin();
  EXPECT_EQ(end_of(CommandKind::Read).state, AttemptState::Succeeded);
  begin();
  // Of a switch it decides nothing: whether it moved is in no state.
  EXPECT_EQ(end_of(CommandKind::SwitchOpen).state, AttemptState::Unknown);
  EXPECT_EQ(results()[0].measure, "job_status");
  EXPECT_EQ(results()[0].word, "Completed");
}

TEST_F(UiqPoll, AJobThatDoesNotStartByItselfIsActivatedOnce) {
  configure("activate_jobs: true\n");
  far = std::make_unique<peer::SimulatedJobs>(far->site(), peer::Timing{seconds{30}, seconds{10}, false});
  far->add({"M1", "00:13:50:00:00:00:00:01"});
  begin();
  EXPECT_EQ(end_of(CommandKind::Read).state, AttemptState::Succeeded);
  EXPECT_EQ(far->asked(Operation::ActivateJob), 1U);
}

TEST_F(UiqPoll, ASwitchJobIsActivatedOnceAlsoWhenTheAnswerIsLostAndAfterARestart) {
  const auto activations = [&] {
    return std::count_if(requests.begin(), requests.end(), [](const std::string& request) {
      return request.find("ActivateJob") != std::string::npos;
    });
  };
  configure("activate_jobs: true\n", confirmed_template());
  far = std::make_unique<peer::SimulatedJobs>(far->site(), peer::Timing{seconds{30}, seconds{10}, false});
  far->add({"M1", "00:13:50:00:00:00:00:01"});
  begin();
  instead(Operation::ActivateJob, "", 100);  // cut off behind the request: it may have been heard
  ask_answered(CommandKind::SwitchOpen);
  until([&] { return activations() == 1; });
  pass(minutes{2});
  EXPECT_EQ(activations(), 1);
  begin();  // as after kill -9
  pass(minutes{2});
  EXPECT_EQ(activations(), 1);
  EXPECT_EQ(far->asked(Operation::AddProvisioningJob), 1U);
  EXPECT_EQ(noted_jobs(), 1U);
}

TEST_F(UiqPoll, ASwitchJobIsNotActivatedBeforeThatIsNoted) {
  configure("activate_jobs: true\n", confirmed_template());
  far = std::make_unique<peer::SimulatedJobs>(far->site(), peer::Timing{seconds{30}, seconds{10}, false});
  far->add({"M1", "00:13:50:00:00:00:00:01"});
  begin();
  ask_answered(CommandKind::SwitchOpen);
  life->state.failing = true;
  until([&] { return life->state.refused >= 3; });
  EXPECT_EQ(far->asked(Operation::ActivateJob), 0U);
  life->state.failing = false;
  until([&] { return !results().empty(); });
  EXPECT_EQ(far->asked(Operation::ActivateJob), 1U);
}

TEST_F(UiqPoll, WithoutTheSettingNothingIsActivated) {
  configure();
  far = std::make_unique<peer::SimulatedJobs>(far->site(), peer::Timing{seconds{2}, seconds{10}, false});
  far->add({"M1", "00:13:50:00:00:00:00:01"});
  begin();
  ask_answered(CommandKind::Read);
  until([&] { return noted_jobs() == 0; });
  EXPECT_EQ(far->asked(Operation::ActivateJob), 0U);
  EXPECT_EQ(logged("UIQ_JOB_GIVEN_UP"), 1U);
}

TEST_F(UiqPoll, ABackfillAsksForItsPeriodWhereTheTemplateHasOne) {
  std::string yaml = shipped_template();
  const std::string since = "<j:SinceLastReadPoint>true</j:SinceLastReadPoint>";
  yaml.replace(yaml.find(since), since.size(),
               "<j:StartTime>{from}</j:StartTime><j:EndTime>{to}</j:EndTime>");
  configure("", yaml);
  begin();
  EXPECT_TRUE(family->capabilities(feed.settings).backfill);
  const sdk::AttemptAnswer end = end_of(CommandKind::Backfill);
  EXPECT_EQ(end.state, AttemptState::Succeeded);
  EXPECT_THAT(end.words, HasSubstr("next export"));
  const Values& add = far->jobs().at(0).values;
  EXPECT_EQ(add.at("from"), "2026-01-14T00:00:00Z");
  EXPECT_EQ(add.at("to"), "2026-01-15T00:00:00Z");
  EXPECT_EQ(add.at("read_type"), "JOB_OP_LP_READ");
}

TEST_F(UiqPoll, AResultThatTheStoreRefusesForGoodIsToldOfAndForgotten) {
  configure();
  begin();
  ask_answered(CommandKind::Read);
  life->host.store.fail_after(0, permanent("cannot be stored"));
  until([&] { return noted_jobs() == 0; });
  EXPECT_EQ(logged("UIQ_RESULT_REFUSED"), 1U);
}

TEST_F(UiqPoll, WhatCameIsKeptBeforeItIsStored) {
  configure();
  begin();
  life->raw.failing = true;
  ask_answered(CommandKind::Read);
  until([&] { return life->raw.refused == 2; });
  EXPECT_TRUE(results().empty());
  EXPECT_EQ(noted_jobs(), 1U);
  EXPECT_EQ(life->adapter->health().state, sdk::HealthState::Degraded);
  EXPECT_THAT(life->adapter->health().reason, HasSubstr("the disk is full"));
  life->raw.failing = false;
  until([&] { return !results().empty(); });
  ASSERT_EQ(life->raw.kept.size(), 1U);
  const auto& [sha256, content] = *life->raw.kept.begin();
  EXPECT_EQ(sha256, life->host.store.committed.at(0).source.content_sha256);
  EXPECT_EQ(content, results()[0].raw);
}

TEST_F(UiqPoll, HealthSaysWhatIsAssumed) {
  configure();
  begin();
  const sdk::Health health = life->adapter->health();
  std::map<std::string, std::string> facts(health.facts.begin(), health.facts.end());
  EXPECT_EQ(facts["template"], "uiq-assumed");
  EXPECT_EQ(facts["breaker"], "closed");
  EXPECT_EQ(facts["head-end"], "http://127.0.0.1:" + std::to_string(front->port()));
  EXPECT_EQ(facts["assumed"], "composed from public integrator scripts, not compared with the vendor's WSDL");
  EXPECT_EQ(facts["jobs"], "0 waited for, 0 ended, 0 given up");
  EXPECT_THAT(life->adapter->info().interface, HasSubstr("; assumed: composed from public"));
  EXPECT_EQ(life->adapter->info().key, "jobs");
}

}  // namespace
}  // namespace ami::uiq_job
