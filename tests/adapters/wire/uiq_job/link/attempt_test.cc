// One attempt: find the device, add the job, and what is said at once.
#include <gmock/gmock.h>

#include "tests/adapters/wire/uiq_job/link/link_scene.h"
#include "tests/adapters/wire/uiq_job/shipped.h"

namespace ami::uiq_job {
namespace {

using peer::Disorder;
using sdk::AttemptState;
using sdk::CommandKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class UiqAttempt : public LinkScene {
 public:
  void expect(const sdk::AttemptAnswer& answer, AttemptState state, const std::string& reason) {
    EXPECT_EQ(name_of(answer.state), name_of(state)) << answer.words;
    EXPECT_EQ(answer.reason, reason) << answer.words;
  }
};

TEST_F(UiqAttempt, AReadIsSearchedAddedAndWaitedFor) {
  configure("retries: 3\npriority: JOB_PRIORITY_LOW\n");
  begin();
  const TrialPtr read = ask_answered(CommandKind::Read, "M2", "2s-1-abc");
  expect(read->answer(), AttemptState::Waiting, "");
  EXPECT_THAT(operations(), ElementsAre("find_device", "add_read_job"));
  EXPECT_EQ(read->before_send, 1);
  EXPECT_EQ(read->ledger_then, 1U);  // the search had been made, the job not
  const auto& find = far->ledger()[0].values;
  EXPECT_EQ(find.at("meter"), "M2");
  const auto& add = far->ledger()[1].values;
  EXPECT_EQ(add.at("mac"), "00:13:50:00:00:00:00:02");
  EXPECT_EQ(add.at("job_name"), "2s-1-abc");
  EXPECT_EQ(add.at("read_type"), "JOB_OP_NEW_DATA_READ");
  EXPECT_EQ(add.at("retries"), "3");
  EXPECT_EQ(add.at("priority"), "JOB_PRIORITY_LOW");
  EXPECT_EQ(noted_jobs(), 1U);
}

// What leaves, byte for byte, written by hand from RFC 9110 and the template; the secret's line apart.
TEST_F(UiqAttempt, TheRequestIsTheGoldenOne) {
  configure();
  begin();
  ask_answered(CommandKind::Read);
  ASSERT_EQ(requests.size(), 2U);
  std::string request = requests[1];
  const std::size_t secret = request.find("Authorization: Basic ");
  ASSERT_NE(secret, std::string::npos);
  request.erase(secret, request.find("\r\n", secret) + 2 - secret);
  const std::string port = std::to_string(front->port());
  request.replace(request.find(":" + port), port.size() + 1, ":PORT");
  std::string golden = tree_file("tests/adapters/wire/uiq_job/link/golden/add_read_job.http");
  const std::size_t body = golden.find("\n\n");
  ASSERT_NE(body, std::string::npos);
  std::string head;
  for (const char c : golden.substr(0, body + 2)) head += c == '\n' ? "\r\n" : std::string(1, c);
  golden = golden.substr(body + 2);
  golden.pop_back();  // the file's last line end
  const std::size_t length = head.find("BODY");
  head.replace(length, 4, std::to_string(golden.size()));
  EXPECT_EQ(request, head + golden);
}

TEST_F(UiqAttempt, AFoundDeviceIsRememberedForItsTime) {
  configure("mac_age: 1h\n");
  begin();
  ask_answered(CommandKind::Read, "M1", "op-1");
  until([&] { return noted_jobs() == 0; });
  ask_answered(CommandKind::Ping, "M1", "op-2");
  EXPECT_EQ(far->asked(Operation::FindDevice), 1U);
  until([&] { return noted_jobs() == 0; });
  begin();  // a restart does not forget it
  pass(std::chrono::minutes{59});
  ask_answered(CommandKind::Read, "M1", "op-3");
  EXPECT_EQ(far->asked(Operation::FindDevice), 1U);
  until([&] { return noted_jobs() == 0; });
  pass(std::chrono::minutes{62});
  ask_answered(CommandKind::Read, "M1", "op-4");
  EXPECT_EQ(far->asked(Operation::FindDevice), 2U);
  EXPECT_EQ(far->asked(Operation::AddReadJob), 3U);
}

TEST_F(UiqAttempt, ByMacNothingIsSearched) {
  configure("names: MAC\n", without(shipped_template(), "find_device"));
  begin();
  const TrialPtr read = ask_answered(CommandKind::Read, "00:13:50:00:00:00:00:01");
  expect(read->answer(), AttemptState::Waiting, "");
  EXPECT_THAT(operations(), ElementsAre("add_read_job"));
  until([&] { return !results().empty(); });
  EXPECT_EQ(results()[0].meter, "00:13:50:00:00:00:00:01");
  EXPECT_EQ(results()[0].meter_kind, AliasKind::Mac);
}

TEST_F(UiqAttempt, ASwitchCommandSearchesEachTimeAndHasAConnectionOfItsOwn) {
  configure("", confirmed_template());
  begin();
  ask_answered(CommandKind::Read, "M1", "op-1");
  until([&] { return noted_jobs() == 0; });
  EXPECT_EQ(front->connections(), 1U);
  const TrialPtr open = ask_answered(CommandKind::SwitchOpen, "M1", "op-2");
  expect(open->answer(), AttemptState::Waiting, "");
  EXPECT_EQ(front->connections(), 2U);
  EXPECT_EQ(far->asked(Operation::FindDevice), 2U);
  EXPECT_EQ(far->ledger().back().values.at("action"), "JOB_OP_PROVISION_DISCONNECT");
}

TEST_F(UiqAttempt, AnAssumedTemplateSwitchesNothing) {
  configure();
  begin();
  for (const CommandKind kind : {CommandKind::SwitchOpen, CommandKind::SwitchClose, CommandKind::SwitchState,
                                 CommandKind::SwitchArm, CommandKind::DemandReset, CommandKind::Backfill}) {
    const TrialPtr asked = ask_answered(kind);
    expect(asked->answer(), AttemptState::Failed, "not_stated");
    EXPECT_EQ(asked->before_send, 0);
  }
  EXPECT_TRUE(requests.empty());
}

TEST_F(UiqAttempt, ADeviceThatIsNotFoundIsNoSuchMeterAndNothingWasSent) {
  configure();
  far->add({"TWICE", "00:13:50:00:00:00:00:03"});
  far->add({"TWICE", "00:13:50:00:00:00:00:04"});
  begin();
  EXPECT_EQ(ask_answered(CommandKind::Read, "M9")->answer().words,
            "the head-end finds no device of that name");
  EXPECT_EQ(ask_answered(CommandKind::Read, "TWICE")->answer().words, "several devices bear that name");
  far->order(Operation::FindDevice, Disorder::OtherDevice);
  EXPECT_EQ(ask_answered(CommandKind::Read, "M1")->answer().words,
            "the search gave a device of another name");
  for (const std::string& name : {std::string("a\nb"), std::string(), std::string(201, 'x')}) {
    const TrialPtr asked = ask_answered(CommandKind::Read, name);
    expect(asked->answer(), AttemptState::Failed, "no_such_meter");
    EXPECT_EQ(asked->before_send, 0);
  }
  EXPECT_EQ(far->asked(Operation::FindDevice), 3U);
  EXPECT_EQ(far->asked(Operation::AddReadJob), 0U);
  EXPECT_EQ(ask_answered(CommandKind::Read, "M1")->answer().state, AttemptState::Waiting);
}

TEST_F(UiqAttempt, ASearchThatFailsLeavesNothingSent) {
  configure();
  begin();
  struct Case {
    const char* name;
    std::string bytes;
    const char* reason;
    bool tried_again;
  };
  const std::string empty_row =
      "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><R><SearchResponse><Name>M1"
      "</Name></SearchResponse></R></e:Body></e:Envelope>";
  for (const Case& one :
       {Case{"401", http_status(401, "WWW-Authenticate: Basic\r\n"), "rejected", false},
        Case{"redirect", http_status(302, "Location: http://127.0.0.1:1/\r\n"), "rejected", false},
        Case{"404", http_status(404), "rejected", false},
        Case{"busy", http_status(503, "Retry-After: 1\r\n"), "unreachable", true},
        Case{"cut", "", "unreachable", true},
        Case{"500 without a fault", http_status(500, "", "<html>oops</html>"), "unreachable", true},
        Case{"no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "unreachable", true},
        Case{"garbage", http_ok("\x01 garbage"), "unreadable_answer", false},
        Case{"bomb", http_ok("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"), "unreadable_answer", false},
        Case{"no MAC", http_ok(empty_row), "unreadable_answer", false}}) {
    SCOPED_TRACE(one.name);
    const std::size_t before = requests.size();
    instead(Operation::FindDevice, one.bytes, 10);
    const TrialPtr asked = ask_answered(CommandKind::Read);
    expect(asked->answer(), AttemptState::Failed, one.reason);
    EXPECT_EQ(asked->before_send, 0);
    EXPECT_EQ(requests.size() - before > 1, one.tried_again);
    clear_instead(Operation::FindDevice);
  }
  EXPECT_EQ(far->asked(Operation::AddReadJob), 0U);
  EXPECT_EQ(life->adapter->health().state, sdk::HealthState::Degraded);
}

TEST_F(UiqAttempt, ASearchOfAHeadEndThatIsAwayIsUnreachable) {
  configure();
  begin();
  front.reset();
  settle();
  const TrialPtr asked = ask_answered(CommandKind::Read);
  expect(asked->answer(), AttemptState::Failed, "unreachable");
  EXPECT_EQ(asked->before_send, 0);
  EXPECT_THAT(life->adapter->health().reason, HasSubstr("cannot be connected to"));
}

TEST_F(UiqAttempt, WhatBeforeSendRefusesIsNotSent) {
  configure();
  begin();
  sdk::Attempt attempt;
  attempt.transaction = "op-1";
  attempt.meters = {"M1"};
  attempt.expires_at = now() + std::chrono::minutes{5};
  attempt.before_send = []() -> sdk::Awaitable<Outcome> { co_return transient("it was cancelled"); };
  std::optional<std::vector<sdk::AttemptAnswer>> answers;
  auto work = [](sdk::Adapter& adapter, sdk::Attempt what,
                 std::optional<std::vector<sdk::AttemptAnswer>>& into) -> sdk::Awaitable<void> {
    auto asking = adapter.attempt(std::move(what));
    into = co_await std::move(asking);
  };
  boost::asio::co_spawn(life->host.io, work(*life->adapter, attempt, answers), [](std::exception_ptr) {});
  until([&] { return answers.has_value(); });
  expect(answers->at(0), AttemptState::Failed, "not_sent");
  EXPECT_EQ(answers->at(0).words, "it was cancelled");
  EXPECT_EQ(far->asked(Operation::AddReadJob), 0U);
}

TEST_F(UiqAttempt, AJobThatMayHaveBeenAddedIsUnknownAndNeverAddedAgain) {
  configure();
  begin();
  struct Case {
    Disorder disorder;
    const char* reason;
  };
  std::size_t added = 0;
  for (const Case& one :
       {Case{Disorder::LostAnswer, "no_answer"}, Case{Disorder::Garbage, "unreadable_answer"},
        Case{Disorder::EntityBomb, "unreadable_answer"}, Case{Disorder::NoJobId, "unreadable_answer"}}) {
    SCOPED_TRACE(static_cast<int>(one.disorder));
    far->order(Operation::AddReadJob, one.disorder);
    const TrialPtr asked = ask_answered(CommandKind::Read, "M1", "op-" + std::to_string(added));
    expect(asked->answer(), AttemptState::Unknown, one.reason);
    EXPECT_EQ(asked->before_send, 1);
    pass(std::chrono::minutes{30});
    EXPECT_EQ(far->asked(Operation::AddReadJob), ++added);
  }
  EXPECT_EQ(noted_jobs(), 0U);
  EXPECT_EQ(far->jobs().back().values.at("job_name"), "op-3");  // by which a person finds it
}

TEST_F(UiqAttempt, AnIdThatCannotBeNotedIsUnreadable) {
  configure();
  begin();
  const std::string body =
      "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><R><JobID>4\n711</JobID></R>"
      "</e:Body></e:Envelope>";
  instead(Operation::AddReadJob, http_ok(body));
  expect(ask_answered(CommandKind::Read)->answer(), AttemptState::Unknown, "unreadable_answer");
}

TEST_F(UiqAttempt, AFaultIsRejectedWithItsWordsAndTheDeviceIsSearchedAgain) {
  configure();
  begin();
  far->order(Operation::AddReadJob, Disorder::SoapFault);
  const TrialPtr refused = ask_answered(CommandKind::Read, "M1", "op-1");
  expect(refused->answer(), AttemptState::Failed, "rejected");
  EXPECT_EQ(refused->answer().words, "ordered to refuse");
  EXPECT_EQ(ask_answered(CommandKind::Read, "M1", "op-2")->answer().state, AttemptState::Waiting);
  EXPECT_EQ(far->asked(Operation::FindDevice), 2U);
}

TEST_F(UiqAttempt, WhatTheServerSaysToTheJobByItsStatus) {
  configure();
  begin();
  struct Case {
    std::string bytes;
    AttemptState state;
    const char* reason;
  };
  for (const Case& one : {Case{http_status(401), AttemptState::Failed, "rejected"},
                          Case{http_status(302, "Location: /x\r\n"), AttemptState::Failed, "rejected"},
                          Case{http_status(503, "Retry-After: 5\r\n"), AttemptState::Failed, "unreachable"},
                          Case{http_status(502), AttemptState::Unknown, "no_answer"},
                          Case{http_status(500, "", "no fault"), AttemptState::Unknown, "no_answer"}}) {
    SCOPED_TRACE(one.bytes.substr(0, 40));
    instead(Operation::AddReadJob, one.bytes);
    expect(ask_answered(CommandKind::Read)->answer(), one.state, one.reason);
  }
}

// A second order is a second job: what may have been carried out is not free to be given again.
TEST_F(UiqAttempt, WhatTheServerSaysToASwitchOrder) {
  configure("", confirmed_template());
  begin();
  const SiteTemplate& site = far->site();
  struct Case {
    std::string bytes;
    AttemptState state;
    const char* reason;
  };
  for (const Case& one :
       {Case{http_status(503, "Retry-After: 5\r\n"), AttemptState::Failed, "rejected"},
        Case{http_status(429), AttemptState::Failed, "rejected"},
        Case{http_status(401), AttemptState::Failed, "rejected"},
        Case{http_status(502), AttemptState::Unknown, "no_answer"},
        Case{http_status(500, "", encode_fault(site, "the database went away")), AttemptState::Unknown,
             "failed"},
        Case{http_ok(encode_fault(site, "the database went away")), AttemptState::Unknown, "failed"},
        Case{http_status(500, "", encode_fault(site, "no such action", true)), AttemptState::Failed,
             "rejected"}}) {
    SCOPED_TRACE(one.bytes);
    instead(Operation::AddProvisioningJob, one.bytes);
    expect(ask_answered(CommandKind::SwitchOpen)->answer(), one.state, one.reason);
  }
}

TEST_F(UiqAttempt, ASwitchIsNotOrderedForADeviceThatTheSearchDoesNotName) {
  configure("", confirmed_template());
  begin();
  const std::string nameless =
      encode_answer(far->site(), Operation::FindDevice, {{{"mac", "00:13:50:00:00:00:00:02"}}});
  instead(Operation::FindDevice, http_ok(nameless));
  const TrialPtr open = ask_answered(CommandKind::SwitchOpen, "M1", "op-1");
  expect(open->answer(), AttemptState::Failed, "unreadable_answer");
  EXPECT_EQ(open->before_send, 0);
  EXPECT_EQ(far->asked(Operation::AddProvisioningJob), 0U);
  // A read of the wrong meter is seen by whose values come.
  instead(Operation::FindDevice, http_ok(nameless));
  expect(ask_answered(CommandKind::Read, "M1", "op-2")->answer(), AttemptState::Waiting, "");
}

// A place that is not given back is one job less for as long as the feed runs.
TEST_F(UiqAttempt, ADefectGivesItsPlaceBackAndLetsTheFeedStop) {
  configure("max_jobs: 1\n");
  begin();
  sdk::Attempt attempt;
  attempt.transaction = "op-1";
  attempt.meters = {"M1"};
  attempt.expires_at = now() + std::chrono::minutes{5};
  bool threw = false;
  life->state.throwing = true;
  auto work = [](sdk::Adapter& adapter, sdk::Attempt what) -> sdk::Awaitable<void> {
    auto asking = adapter.attempt(std::move(what));
    (void)co_await std::move(asking);
  };
  boost::asio::co_spawn(life->host.io, work(*life->adapter, attempt),
                        [&](std::exception_ptr defect) { threw = defect != nullptr; });
  until([&] { return threw; });
  life->state.throwing = false;
  expect(ask_answered(CommandKind::Read, "M1", "op-2")->answer(), AttemptState::Waiting, "");
  stop();
  EXPECT_EQ(life->adapter->health().state, sdk::HealthState::Stopped);
}

TEST_F(UiqAttempt, AnAnswerThatStopsHalfWayIsUnknownAfterTheTimeOfARequest) {
  configure("  request_time: 150ms\n");
  begin();
  instead(Operation::AddReadJob, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<half", 1, true);
  const TrialPtr asked = ask_answered(CommandKind::Read);
  expect(asked->answer(), AttemptState::Unknown, "no_answer");
  EXPECT_THAT(asked->answer().words, HasSubstr("no complete answer in time"));
  EXPECT_EQ(far->jobs().size(), 1U);
}

TEST_F(UiqAttempt, AnAttemptThatExpiredDuringTheSearchAddsNothing) {
  configure();
  begin();
  hold(Operation::FindDevice);
  const TrialPtr asked = ask(CommandKind::Read);
  until([&] { return held == 1; });
  life->host.advance(std::chrono::minutes{6});
  release();
  until([&] { return asked->done(); });
  expect(asked->answer(), AttemptState::Failed, "expired");
  EXPECT_EQ(asked->before_send, 0);
}

TEST_F(UiqAttempt, NoMoreJobsAreAddedThanMayBeWaitedFor) {
  configure("max_jobs: 2\n");
  begin();
  far->order(Operation::AddReadJob, Disorder::NeverEnds, 2);
  ask_answered(CommandKind::Read, "M1", "op-1");
  ask_answered(CommandKind::Read, "M2", "op-2");
  const TrialPtr third = ask_answered(CommandKind::Read, "M1", "op-3");
  expect(third->answer(), AttemptState::Failed, "not_sent");
  EXPECT_EQ(third->before_send, 0);
  EXPECT_EQ(far->jobs().size(), 2U);
  // A place is given back also by what came to nothing.
  until([&] { return noted_jobs() == 0; });
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(ask_answered(CommandKind::Read, "M9")->answer().reason, "no_such_meter");
  EXPECT_EQ(ask_answered(CommandKind::Read, "M1", "op-4")->answer().state, AttemptState::Waiting);
}

TEST_F(UiqAttempt, WhatIsUnderWayWhenTheFeedStopsEndsByWhatMayHaveLeft) {
  configure();
  begin();
  hold(Operation::FindDevice);
  const TrialPtr searching = ask(CommandKind::Read, "M1", "op-1");
  until([&] { return held == 1; });
  stop();
  expect(searching->answer(), AttemptState::Failed, "unreachable");
  EXPECT_EQ(searching->before_send, 0);
  expect(ask_answered(CommandKind::Read)->answer(), AttemptState::Failed, "not_sent");  // it runs no more
  release();
  settle();
  begin();
  hold(Operation::AddReadJob);
  const TrialPtr adding = ask(CommandKind::Read, "M1", "op-2");
  until([&] { return held == 1; });
  stop();
  expect(adding->answer(), AttemptState::Unknown, "no_answer");
  EXPECT_EQ(life->adapter->health().state, sdk::HealthState::Stopped);
}

TEST_F(UiqAttempt, CredentialsAreInTheRequestAndNowhereElse) {
  configure("", confirmed_template());
  begin();
  far->order(Operation::AddReadJob, Disorder::LostAnswer);
  ask_answered(CommandKind::Read, "M1", "op-1");
  instead(Operation::FindDevice, http_status(401), 1);
  ask_answered(CommandKind::Read, "M2", "op-2");
  instead(Operation::JobStatus, "nonsense\r\n\r\n", 1);
  ask_answered(CommandKind::SwitchOpen, "M1", "op-3");
  until([&] { return !results().empty(); });
  EXPECT_THAT(requests[0], HasSubstr("Authorization: Basic "));
  const std::size_t at = requests[0].find("Basic ") + 6;
  const std::string encoded = requests[0].substr(at, requests[0].find("\r\n", at) - at);
  const std::string said = everything_said();
  EXPECT_FALSE(said.empty());
  EXPECT_THAT(said, Not(HasSubstr(kPassword)));
  EXPECT_THAT(said, Not(HasSubstr(encoded)));
  for (const auto& entry : far->ledger()) {
    for (const auto& [name, value] : entry.values) EXPECT_NE(value, kPassword) << name;
  }
}

}  // namespace
}  // namespace ami::uiq_job
