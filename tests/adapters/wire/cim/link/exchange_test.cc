// A feed and a simulated head-end over real sockets: commands from attempt to verdict.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/adapters/wire/cim/link/link_scene.h"

namespace ami::cim {
namespace {

using peer::Entry;
using sdk::AttemptState;
using sdk::CommandKind;
using sdk::SwitchPosition;
using testing::HasSubstr;
using namespace std::chrono_literals;

class CimExchange : public LinkScene {};
class EpriEcitp : public LinkScene {};  // the test procedures of EPRI's CIM interoperability tests

std::string states(const std::vector<sdk::AttemptAnswer>& answers) {
  std::string out;
  for (const auto& answer : answers) {
    out += (out.empty() ? "" : " ") + std::string(name_of(answer.state));
    if (!answer.reason.empty()) out += "/" + answer.reason;
  }
  return out;
}

// get MeterReadings; acknowledged; the readings come with the same CorrelationID.
TEST_F(EpriEcitp, Case2_03OnDemandReadIsAcknowledgedAndAnsweredLater) {
  open();
  EXPECT_EQ(states(ask(attempt(CommandKind::Read, {"M1", "M2"}))), "WAITING WAITING");
  EXPECT_EQ(sends, 1);
  EXPECT_TRUE(host.store.committed.empty());
  settle();
  EXPECT_EQ(count(Entry::What::Sent), 2U);
  const auto said = verdicts(CommandKind::Read);
  EXPECT_EQ(states(said), "SUCCEEDED SUCCEEDED");
  ASSERT_EQ(host.store.committed.size(), 2U);
  const auto& batch = host.store.committed[0].batch;
  EXPECT_EQ(batch.results.at(0).transaction, "2s-1-t7v0u8");
  const auto& series = std::get<SeriesObservation>(batch.observations.at(0));
  EXPECT_EQ(series.meter, "M1");
  EXPECT_EQ(series.values.at(0).value, "100.5");
  EXPECT_EQ(series.created.text, "2026-03-01T12:00:02Z");  // the message's Timestamp: 2 s of latency
  EXPECT_EQ(fact("messages taken"), "2");
}

// create EndDeviceControls; acknowledged; an event tells of the end. Disconnect, then reconnect.
TEST_F(EpriEcitp, Case2_09DisconnectAndReconnectEndWithTheEventOfTheSwitch) {
  open();
  EXPECT_EQ(states(ask(attempt(CommandKind::SwitchOpen, {"M1"}))), "WAITING");
  settle();
  auto said = verdicts(CommandKind::SwitchOpen);
  ASSERT_EQ(states(said), "SUCCEEDED");
  EXPECT_EQ(said[0].position, SwitchPosition::Open);
  EXPECT_EQ(said[0].at, *parse_instant("2026-03-01T12:00:02Z"));
  EXPECT_EQ(states(ask(attempt(CommandKind::SwitchClose, {"M1"}))), "WAITING");
  settle();
  said = verdicts(CommandKind::SwitchClose);
  ASSERT_EQ(states(said), "SUCCEEDED");
  EXPECT_EQ(said[0].position, SwitchPosition::Closed);
  EXPECT_EQ(count(Entry::What::Executed), 2U);
  // The events are events, too.
  EXPECT_EQ(std::get<EventObservation>(host.store.committed[0].batch.observations.at(0)).code, "3.31.0.68");
}

TEST_F(CimExchange, AConnectThatEndsArmedIsNotClosed) {
  field.connect_arms = true;
  open();
  ask(attempt(CommandKind::SwitchClose, {"M1"}));
  settle();
  const auto said = verdicts(CommandKind::SwitchClose);
  ASSERT_EQ(states(said), "UNKNOWN/failed");
  EXPECT_EQ(said[0].position, SwitchPosition::Armed);
}

TEST_F(CimExchange, ASwitchThatIsStuckFailsWithTheHeadEndsWordsWhereTheSiteKnowsTheCode) {
  field.stuck = true;
  open("reply_codes: {refused: ['5.2']}\n");
  ask(attempt(CommandKind::SwitchOpen, {"M1"}));
  settle();
  // FAILED of the whole reply, which has no code of its own, and the meter's own error.
  const auto said = verdicts(CommandKind::SwitchOpen);
  ASSERT_EQ(states(said), "UNKNOWN/failed FAILED/failed");
  EXPECT_EQ(said[1].words, "5.2: the switch did not move");
}

TEST_F(CimExchange, APingIsAReadThatIsAnswered) {
  open("reply_codes: {no_answer: ['5.3']}\n");
  ask(attempt(CommandKind::Ping, {"M1"}));
  settle();
  auto said = verdicts(CommandKind::Ping);
  ASSERT_EQ(states(said), "SUCCEEDED");
  EXPECT_EQ(said[0].power, sdk::PowerState::Powered);
  field.kwh.erase("M2");
  ask(attempt(CommandKind::Ping, {"M2"}));
  settle();
  said = verdicts(CommandKind::Ping);
  EXPECT_EQ(said.back().state, AttemptState::Succeeded);
  EXPECT_EQ(said.back().power, sdk::PowerState::NoAnswer);
}

TEST_F(CimExchange, ABackfillBringsTheIntervalsOfItsPeriod) {
  open();
  EXPECT_EQ(states(ask(attempt(CommandKind::Backfill, {"M1"}))), "WAITING");
  settle();
  EXPECT_EQ(states(verdicts(CommandKind::Backfill)), "SUCCEEDED");
  const auto& series = std::get<SeriesObservation>(host.store.committed.at(0).batch.observations.at(0));
  EXPECT_EQ(series.kind, SeriesKind::Interval);
  EXPECT_EQ(series.interval, 900s);
  ASSERT_EQ(series.values.size(), 4U);  // [00:00, 01:00)
  EXPECT_EQ(series.values[0].time.text, "2026-03-01T00:15:00Z");
}

TEST_F(CimExchange, ReadingsThatComeWithTheAnswerAreStoredAndEndTheRead) {
  open();
  peer::Orders at_once;
  at_once.at_once = true;
  head_end->order("M1", at_once);
  EXPECT_EQ(states(ask(attempt(CommandKind::Read, {"M1", "M2"}))), "SUCCEEDED WAITING");
  ASSERT_EQ(host.store.committed.size(), 1U);
  const auto& commit = host.store.committed[0];
  EXPECT_EQ(commit.source.name, "answer/2s-1-t7v0u8");
  EXPECT_EQ(commit.source.content_sha256.size(), 64U);
  EXPECT_EQ(commit.batch.observations.size(), 1U);
  EXPECT_TRUE(commit.batch.results.empty());  // told by the attempt's own answers
  EXPECT_EQ(adapter->health().records, 1U);
}

TEST_F(CimExchange, WithoutACallbackOnlyWhatComesAtOnceCanBeAsked) {
  start_peer();
  configure("head_end: {url: 'http://127.0.0.1:{peer}/cim'}\n");
  start_feed();
  EXPECT_EQ(states(ask(attempt(CommandKind::Read, {"M1"}))), "SUCCEEDED");
  EXPECT_EQ(states(ask(attempt(CommandKind::SwitchOpen, {"M1"}))), "FAILED/not_stated");
  EXPECT_EQ(count(Entry::What::Received), 1U);
}

TEST_F(CimExchange, OfAPartialAnswerTheRefusedMeterFailsAndTheOtherIsAnswered) {
  open();
  const auto said = ask(attempt(CommandKind::Read, {"M1", "NOBODY"}));
  EXPECT_EQ(states(said), "WAITING FAILED/no_such_meter");
  EXPECT_EQ(said[1].words, "2.4: no such meter");
  settle();
  EXPECT_EQ(states(verdicts(CommandKind::Read)), "SUCCEEDED");
}

TEST_F(CimExchange, AFailedAnswerRefusesAll) {
  open();
  peer::Orders refuse;
  refuse.reject_code = "7.7";
  head_end->order("M1", refuse);
  EXPECT_EQ(states(ask(attempt(CommandKind::Read, {"M1", "NOBODY"}))),
            "FAILED/rejected FAILED/no_such_meter");
  EXPECT_EQ(count(Entry::What::Executed), 0U);
}

TEST_F(CimExchange, AFailureReportedLaterFailsByItsCode) {
  open("reply_codes: {expired: ['9.1']}\n");
  peer::Orders fail;
  fail.fail_code = "9.1";
  head_end->order("M1", fail);
  ask(attempt(CommandKind::Read, {"M1"}));
  settle();
  EXPECT_EQ(verdicts(CommandKind::Read).back().reason, "expired");
}

TEST_F(CimExchange, ASoapFaultRefusesWithItsWordsAndLeavesASwitchOpen) {
  open();
  head_end->fault_next("maintenance window");
  const auto said = ask(attempt(CommandKind::Read, {"M1"}));
  EXPECT_EQ(states(said), "FAILED/rejected");
  EXPECT_EQ(said[0].words, "maintenance window");
  head_end->fault_next("maintenance window");
  EXPECT_EQ(states(ask(attempt(CommandKind::SwitchOpen, {"M1"}))), "UNKNOWN/failed");
}

TEST_F(CimExchange, AnAnswerThatIsLostChangesNothingAndALateOneIsKept) {
  open();
  peer::Orders lose;
  lose.lose = true;
  head_end->order("M1", lose);
  ask(attempt(CommandKind::Read, {"M1"}));
  settle();
  EXPECT_EQ(count(Entry::What::Lost), 1U);
  EXPECT_EQ(states(verdicts(CommandKind::Read)), "");
  peer::Orders late;
  late.later = 3600s;
  head_end->order("M1", late);
  ask(attempt(CommandKind::Read, {"M1"}));
  settle();
  EXPECT_EQ(states(verdicts(CommandKind::Read)),
            "SUCCEEDED");  // whether it is too late is the engine's to say
}

TEST_F(CimExchange, TenTimesTheSameAnswerIsTheSameOnce) {
  open();
  peer::Orders ten;
  ten.copies = 10;
  head_end->order("M1", ten);
  ask(attempt(CommandKind::Read, {"M1"}));
  settle();
  EXPECT_EQ(count(Entry::What::Sent), 10U);  // each is answered with 200
  EXPECT_EQ(states(verdicts(CommandKind::Read)), "SUCCEEDED");
  EXPECT_EQ(host.store.committed.size(), 1U);
}

TEST_F(CimExchange, AnAnswerToNothingThatWeAskedIsKept) {
  open();
  peer::Orders other;
  other.correlation = "somebody-else";
  head_end->order("M1", other);
  ask(attempt(CommandKind::Read, {"M1"}));
  settle();
  EXPECT_EQ(states(verdicts(CommandKind::Read)), "SUCCEEDED");
  ASSERT_EQ(host.store.committed.size(), 1U);
  EXPECT_EQ(host.store.committed[0].batch.results.at(0).transaction, "somebody-else");
  EXPECT_EQ(host.store.committed[0].batch.observations.size(), 1U);
}

TEST_F(CimExchange, EventsThatNobodyAskedForAreStored) {
  open();
  Event event;
  event.type = "3.26.9.185";
  event.meter = {"M1", false, ""};
  event.created = "2026-03-01T11:59:59Z";
  std::vector<Event> events{event, event};
  const http::Answer answer = drive(head_end->publish("http://anywhere/cim", events));
  EXPECT_TRUE(answer.ok());
  EXPECT_EQ(states(verdicts(CommandKind::Read)), "");
  ASSERT_EQ(host.store.committed.size(), 1U);
  EXPECT_EQ(host.store.committed[0].batch.observations.size(), 2U);
}

TEST_F(CimExchange, NothingLeavesWhenBeforeSendSaysNo) {
  open();
  send_answer = transient("the store is away");
  const auto said = ask(attempt(CommandKind::Read, {"M1"}));
  EXPECT_EQ(states(said), "FAILED/not_sent");
  EXPECT_EQ(sends, 1);
  EXPECT_TRUE(head_end->ledger().empty());
}

TEST_F(CimExchange, WhatHasExpiredDoesNotLeave) {
  open();
  sdk::Attempt old = attempt(CommandKind::Read, {"M1"});
  old.expires_at = host.clock.now();
  EXPECT_EQ(states(ask(old)), "FAILED/expired");
  EXPECT_EQ(sends, 0);
  EXPECT_TRUE(head_end->ledger().empty());
}

TEST_F(CimExchange, WhatIsNotStatedIsRefusedInWords) {
  Profile silent = test_profile();
  silent.can.switch_open = silent.can.switch_close = false;
  silent.evidence_helps = true;
  silent.silence = "the notice does not say so";
  open({}, silent);
  const auto said = ask(attempt(CommandKind::SwitchOpen, {"M1"}));
  EXPECT_EQ(states(said), "FAILED/not_stated");
  EXPECT_THAT(said[0].words, HasSubstr("the notice does not say so"));
  EXPECT_EQ(states(ask(attempt(CommandKind::DemandReset, {"M1"}))), "FAILED/not_stated");
  EXPECT_EQ(states(ask(attempt(CommandKind::SwitchState, {"M1"}))), "FAILED/not_stated");
  EXPECT_EQ(states(ask(attempt(CommandKind::SwitchArm, {"M1"}))), "FAILED/not_stated");
  EXPECT_TRUE(head_end->ledger().empty());
}

TEST_F(CimExchange, EvidenceOfTheSiteAllowsSwitchingWhereItHelps) {
  Profile silent = test_profile();
  silent.can.switch_open = silent.can.switch_close = false;
  silent.evidence_helps = true;
  open("switch_evidence: letter of the vendor of 2026-01-05\nswitching: {arm: 3.31.0.5}\n", silent);
  EXPECT_EQ(states(ask(attempt(CommandKind::SwitchOpen, {"M1"}))), "WAITING");
  EXPECT_EQ(states(ask(attempt(CommandKind::SwitchArm, {"M1"}))), "WAITING");
}

TEST_F(CimExchange, WrongCredentialsAreRefusedAndRightOnesAreTakenAtEitherPlace) {
  for (const CredentialPlace place : {CredentialPlace::Body, CredentialPlace::SoapHeader}) {
    for (const char* password : {"right", "wrong"}) {
      const std::string secret = (folder / "password").string();
      std::ofstream(secret) << "right";
      std::filesystem::permissions(secret,
                                   std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
      peer::HeadEndSettings with;
      with.expected = Credentials{"gateway", Secret(password)};
      start_peer(std::move(with));
      configure(both() + "message: {edition: command_center, credentials: " +
                (place == CredentialPlace::Body ? "body" : "soap_header") +
                ", header_user: gateway, header_password_file: " + secret + "}\n");
      start_feed();
      const bool right = std::string(password) == "right";
      EXPECT_EQ(states(ask(attempt(CommandKind::Read, {"M1"}))), right ? "WAITING" : "FAILED/rejected");
      EXPECT_EQ(everything_kept().find("right"), std::string::npos);
      drive_void(adapter->stop());
      drive_void(head_end->stop());
    }
  }
}

TEST_F(CimExchange, AFeedMayBeStoppedAndStartedAgain) {
  open();
  ask(attempt(CommandKind::Read, {"M1"}));
  drive_void(adapter->stop());
  start_feed();
  EXPECT_EQ(states(ask(attempt(CommandKind::Read, {"M1"}))), "WAITING");
  settle();
  EXPECT_EQ(states(verdicts(CommandKind::Read)).find("SUCCEEDED"), 0U);
}

}  // namespace
}  // namespace ami::cim
