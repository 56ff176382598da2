// What answers mean, without sockets.
#include "adapters/wire/cim/link/answers.h"

#include <gtest/gtest.h>

#include "adapters/wire/cim/link/incoming.h"

namespace ami::cim {
namespace {

using http::FailureKind;
using sdk::AttemptState;
using sdk::CommandKind;
using sdk::PowerState;
using sdk::SwitchPosition;

AnswerRules rules() {
  AnswerRules out;
  out.no_such_meter = {"2.4"};
  out.expired = {"9.1"};
  out.no_answer = {"5.3"};
  out.refused = {"6.1"};
  out.opened = {"3.31.0.68"};
  out.closed = {"3.31.0.42"};
  out.armed = {"3.31.0.11"};
  out.not_moved = {"3.31.0.84"};
  return out;
}

ResultObservation result(const char* measure, const char* word, const char* fault = "",
                         const char* meter = "", const char* channel = "") {
  ResultObservation out;
  out.measure = measure;
  out.word = word;
  out.fault = fault;
  out.meter = meter;
  out.channel = channel;
  return out;
}

sdk::AttemptAnswer verdict(CommandKind kind, const ResultObservation& what) {
  return verdict_of(kind, what, rules());
}

TEST(CimVerdict, ReadingsEndAReadAPingAndABackfill) {
  for (const CommandKind kind : {CommandKind::Read, CommandKind::Ping, CommandKind::Backfill}) {
    const auto said = verdict(kind, result(kReadMeasure, "", "", "M1"));
    EXPECT_EQ(said.state, AttemptState::Succeeded);
    EXPECT_EQ(said.power, kind == CommandKind::Ping ? PowerState::Powered : PowerState::Unknown);
  }
  for (const CommandKind kind : {CommandKind::SwitchOpen, CommandKind::SwitchClose, CommandKind::DemandReset})
    EXPECT_EQ(verdict(kind, result(kReadMeasure, "", "", "M1")).state, AttemptState::Unknown);
}

TEST(CimVerdict, ASwitchIsWhereItsEventSaysAndArmedIsNotClosed) {
  struct Case {
    CommandKind kind;
    const char* code;
    AttemptState state;
    SwitchPosition position;
  };
  const Case cases[] = {
      {CommandKind::SwitchOpen, "3.31.0.68", AttemptState::Succeeded, SwitchPosition::Open},
      {CommandKind::SwitchOpen, "3.31.0.42", AttemptState::Unknown, SwitchPosition::Closed},
      {CommandKind::SwitchOpen, "3.31.0.84", AttemptState::Failed, SwitchPosition::Unknown},
      {CommandKind::SwitchClose, "3.31.0.42", AttemptState::Succeeded, SwitchPosition::Closed},
      {CommandKind::SwitchClose, "3.31.0.11", AttemptState::Unknown, SwitchPosition::Armed},
      {CommandKind::SwitchClose, "3.31.0.68", AttemptState::Unknown, SwitchPosition::Open},
      {CommandKind::SwitchArm, "3.31.0.11", AttemptState::Succeeded, SwitchPosition::Armed},
      {CommandKind::SwitchArm, "3.31.0.42", AttemptState::Unknown, SwitchPosition::Closed},
      {CommandKind::SwitchOpen, "3.26.9.185", AttemptState::Unknown, SwitchPosition::Unknown},
      {CommandKind::Read, "3.31.0.68", AttemptState::Unknown, SwitchPosition::Unknown},
  };
  for (const Case& one : cases) {
    const auto said = verdict(one.kind, result(kStateMeasure, one.code, "", "M1"));
    EXPECT_EQ(said.state, one.state) << one.code << " " << name_of(one.kind);
    EXPECT_EQ(said.position, one.position) << one.code << " " << name_of(one.kind);
  }
  const auto armed = verdict(CommandKind::SwitchClose, result(kStateMeasure, "3.31.0.11", "", "M1"));
  EXPECT_NE(armed.words.find("not closed"), std::string::npos);
}

TEST(CimVerdict, TheTimeOfAnEventIsKeptWhereItHasAnOffset) {
  ResultObservation event = result(kStateMeasure, "3.31.0.68", "", "M1");
  event.time = *parse_stated_time("2026-03-01T07:00:05-05:00");
  EXPECT_EQ(verdict(CommandKind::SwitchOpen, event).at, *parse_instant("2026-03-01T12:00:05Z"));
  event.time = *parse_stated_time("2026-03-01T07:00:05");
  EXPECT_FALSE(verdict(CommandKind::SwitchOpen, event).at.has_value());
}

TEST(CimVerdict, ErrorsFailByTheirCodeAndWarningsSayNothing) {
  EXPECT_EQ(verdict(CommandKind::Read, result("Error", "2.4", "no such meter", "M1", "FATAL")).reason,
            "no_such_meter");
  EXPECT_EQ(verdict(CommandKind::Read, result("Error", "9.1", "", "M1")).reason, "expired");
  EXPECT_EQ(verdict(CommandKind::Read, result("Error", "5.3", "", "M1")).reason, "no_answer");
  const auto other = verdict(CommandKind::SwitchOpen, result("Error", "7.7", "relay stuck", "M1", "FATAL"));
  EXPECT_EQ(other.state, AttemptState::Unknown);  // whether it moved before
  EXPECT_EQ(other.reason, "failed");
  EXPECT_EQ(other.words, "7.7: relay stuck");
  for (const char* level : {"INFORM", "WARNING"})
    EXPECT_EQ(verdict(CommandKind::Read, result("Error", "2.4", "", "M1", level)).state,
              AttemptState::Unknown);
}

// An order that was given up may have been carried out: it is not free to be given again.
TEST(CimVerdict, OfASwitchOnlyARefusalIsAFailure) {
  for (const CommandKind kind : {CommandKind::SwitchOpen, CommandKind::SwitchClose, CommandKind::SwitchArm}) {
    const auto said = [&](const char* code) {
      const auto error = verdict(kind, result("Error", code, "", "M1", "FATAL"));
      const auto reply = verdict(kind, result("Reply", "FAILED", "", "", code));
      EXPECT_EQ(error.state, reply.state) << code;
      EXPECT_EQ(error.reason, reply.reason) << code;
      return std::string(name_of(error.state)) + " " + error.reason;
    };
    EXPECT_EQ(said("9.1"), "UNKNOWN expired");
    EXPECT_EQ(said("5.3"), "UNKNOWN no_answer");
    EXPECT_EQ(said("7.7"), "UNKNOWN failed");
    EXPECT_EQ(said("6.1"), "FAILED failed");
    EXPECT_EQ(said("2.4"), "FAILED no_such_meter");
  }
}

TEST(CimVerdict, APingToldThatTheMeterDidNotAnswerHasItsAnswer) {
  const auto said = verdict(CommandKind::Ping, result("Error", "5.3", "no answer", "M1", "FATAL"));
  EXPECT_EQ(said.state, AttemptState::Succeeded);
  EXPECT_EQ(said.power, PowerState::NoAnswer);
}

TEST(CimVerdict, ALaterOkProvesNothingAndALaterFailedFails) {
  for (const CommandKind kind : {CommandKind::Read, CommandKind::SwitchOpen, CommandKind::SwitchClose}) {
    EXPECT_EQ(verdict(kind, result("Reply", "OK")).state, AttemptState::Unknown);
    EXPECT_EQ(verdict(kind, result("Reply", "OK")).position, SwitchPosition::Unknown);
    EXPECT_EQ(verdict(kind, result("Reply", "PARTIAL")).state, AttemptState::Unknown);
    EXPECT_EQ(verdict(kind, result("Reply", "FAILED", "no route", "", "4.1")).state,
              kind == CommandKind::Read ? AttemptState::Failed : AttemptState::Unknown);
  }
  EXPECT_EQ(verdict(CommandKind::Read, result("Reply", "FAILED", "no route", "", "4.1")).words,
            "4.1: no route");
  EXPECT_EQ(verdict(CommandKind::Read, result("Fault", "", "oops")).state, AttemptState::Unknown);
}

// What makes the gateway end all meters of the request, and not the only one: docs/commands.md.
TEST(CimVerdict, ALaterFailedRejectsTheRequestAndOfASwitchSaysNoMoreThanThatItFailed) {
  const ResultObservation failed = result("Reply", "FAILED", "no route", "", "4.1");
  for (const CommandKind kind : {CommandKind::Read, CommandKind::Ping, CommandKind::Backfill})
    EXPECT_EQ(verdict(kind, failed).reason, "rejected") << name_of(kind);
  for (const CommandKind kind : {CommandKind::SwitchOpen, CommandKind::SwitchClose, CommandKind::SwitchArm})
    EXPECT_EQ(verdict(kind, failed).reason, "failed") << name_of(kind);
  const auto wordless = verdict(CommandKind::Read, result("Reply", "FAILED"));
  EXPECT_EQ(wordless.reason + " " + wordless.words, "rejected FAILED");
  for (const char* level : {"", "FATAL"})
    EXPECT_EQ(verdict(CommandKind::Read, result("Error", "7.7", "one of them", "", level)).reason, "failed")
        << "an error is of one meter, named or not";
}

TEST(CimVerdict, WordsAreBoundedPrintableAndWholeCharacters) {
  std::string long_fault = "a\nb\x01";
  for (int i = 0; i < 300; ++i) long_fault += "\xC3\xA9";
  const auto said = verdict(CommandKind::Read, result("Error", "1", long_fault.c_str(), "M1"));
  EXPECT_LT(said.words.size(), 250U);
  EXPECT_EQ(said.words.find('\n'), std::string::npos);
  EXPECT_EQ(static_cast<unsigned char>(said.words.back()), 0xA9U);  // no half of a character
}

sdk::Attempt attempt(CommandKind kind, std::vector<std::string> meters) {
  sdk::Attempt out;
  out.transaction = "t-1";
  out.kind = kind;
  out.meters = std::move(meters);
  return out;
}

std::string states(const std::vector<sdk::AttemptAnswer>& answers) {
  std::string out;
  for (const auto& answer : answers) {
    out += (out.empty() ? "" : " ") + std::string(name_of(answer.state));
    if (!answer.reason.empty()) out += "/" + answer.reason;
  }
  return out;
}

TEST(CimAnswer, OkIsTakenAndNoMore) {
  const auto two = attempt(CommandKind::Read, {"M1", "M2"});
  EXPECT_EQ(states(answers_to(two, {result("Reply", "OK")}, rules())), "WAITING WAITING");
  const auto open = attempt(CommandKind::SwitchOpen, {"M1"});
  EXPECT_EQ(states(answers_to(open, {result("Reply", "OK")}, rules())), "WAITING");
}

TEST(CimAnswer, PartialFailsTheMetersThatAnErrorNames) {
  const auto three = attempt(CommandKind::Read, {"M1", "M2", "M3"});
  EXPECT_EQ(states(answers_to(three,
                              {result("Error", "2.4", "no such meter", "M2", "FATAL"),
                               result("Error", "7.7", "busy", "M3", "FATAL")},
                              rules())),
            "WAITING FAILED/no_such_meter FAILED/rejected");
  // A warning is no refusal.
  EXPECT_EQ(states(answers_to(three, {result("Error", "7.7", "", "M2", "WARNING")}, rules())),
            "WAITING WAITING WAITING");
}

TEST(CimAnswer, AnErrorAtOnceTurnsASwitchDownUnlessItSaysThatTheMeterWasAsked) {
  const auto open = attempt(CommandKind::SwitchOpen, {"M1"});
  const auto with = [&](const char* code) {
    const std::vector<ResultObservation> said{result("Reply", "FAILED", "", "", code),
                                              result("Error", code, "", "M1", "FATAL")};
    return states(answers_to(open, said, rules()));
  };
  EXPECT_EQ(with("7.7"), "FAILED/rejected");
  EXPECT_EQ(with("6.1"), "FAILED/rejected");
  EXPECT_EQ(with("5.3"), "UNKNOWN/no_answer");
  EXPECT_EQ(with("9.1"), "UNKNOWN/expired");
}

TEST(CimAnswer, FailedFailsAllAndTheErrorOfAMeterSaysWhyItsOwnDid) {
  const auto two = attempt(CommandKind::Read, {"M1", "M2"});
  const auto answers = answers_to(
      two, {result("Reply", "FAILED", "closed today", "", "3.1"), result("Error", "2.4", "", "M2", "FATAL")},
      rules());
  EXPECT_EQ(states(answers), "FAILED/rejected FAILED/no_such_meter");
  EXPECT_EQ(answers[0].words, "3.1: closed today");
}

TEST(CimAnswer, AnErrorByAnotherNameIsTheOnlyMetersAndElseLeavesItOpen) {
  const auto error = result("Error", "2.4", "no such meter", "SOMEBODY", "FATAL");
  EXPECT_EQ(states(answers_to(attempt(CommandKind::Read, {"M1"}), {error}, rules())), "FAILED/no_such_meter");
  EXPECT_EQ(states(answers_to(attempt(CommandKind::Read, {"M1", "M2"}), {error}, rules())),
            "UNKNOWN/rejected UNKNOWN/rejected");
}

TEST(CimAnswer, ReadingsThatCameWithItSucceedAndOthersWait) {
  const auto two = attempt(CommandKind::Read, {"M1", "M2"});
  EXPECT_EQ(states(answers_to(two, {result(kReadMeasure, "", "", "M2")}, rules())), "WAITING SUCCEEDED");
  EXPECT_EQ(
      states(answers_to(attempt(CommandKind::Read, {"M1"}), {result(kReadMeasure, "", "", "M9")}, rules())),
      "WAITING");  // of somebody else
}

TEST(CimAnswer, AFaultRefusesAReadAndLeavesASwitchInDoubt) {
  EXPECT_EQ(states(answers_to(attempt(CommandKind::Read, {"M1"}), {result("Fault", "", "x")}, rules())),
            "FAILED/rejected");
  EXPECT_EQ(states(answers_to(attempt(CommandKind::SwitchOpen, {"M1"}), {result("Fault", "", "x")}, rules())),
            "UNKNOWN/failed");
}

TEST(CimAnswer, WhatHoldsNoReplyOrAnUnknownWordIsUnreadable) {
  const auto one = attempt(CommandKind::Read, {"M1"});
  EXPECT_EQ(states(answers_to(one, {}, rules())), "UNKNOWN/unreadable_answer");
  EXPECT_EQ(states(answers_to(one, {result("Reply", "MAYBE")}, rules())), "UNKNOWN/unreadable_answer");
  EXPECT_EQ(states(answers_to(one, {result("Reply", "")}, rules())), "UNKNOWN/unreadable_answer");
}

TEST(CimAnswer, FailuresOfTheConnectionSayWhetherTheRequestMayHaveLeft) {
  struct Case {
    FailureKind kind;
    Fault fault;
    bool sent;
    const char* read;
    const char* move;
  };
  const Case cases[] = {
      {FailureKind::ConnectFailed, Fault::Transient, false, "FAILED/unreachable", "FAILED/unreachable"},
      {FailureKind::TlsFailed, Fault::Transient, false, "FAILED/unreachable", "FAILED/unreachable"},
      {FailureKind::BreakerOpen, Fault::Transient, false, "FAILED/unreachable", "FAILED/unreachable"},
      {FailureKind::NotSent, Fault::Permanent, false, "FAILED/not_sent", "FAILED/not_sent"},
      {FailureKind::PoolBusy, Fault::Transient, false, "FAILED/not_sent", "FAILED/not_sent"},
      {FailureKind::Timeout, Fault::InDoubt, true, "UNKNOWN/no_answer", "UNKNOWN/no_answer"},
      {FailureKind::Cut, Fault::InDoubt, true, "UNKNOWN/no_answer", "UNKNOWN/no_answer"},
      {FailureKind::Garbage, Fault::InDoubt, true, "UNKNOWN/unreadable_answer", "UNKNOWN/unreadable_answer"},
      {FailureKind::TooLarge, Fault::InDoubt, true, "UNKNOWN/unreadable_answer", "UNKNOWN/unreadable_answer"},
      {FailureKind::ServerError, Fault::InDoubt, true, "UNKNOWN/no_answer", "UNKNOWN/no_answer"},
      {FailureKind::Unauthorized, Fault::Permanent, true, "FAILED/rejected", "FAILED/rejected"},
      {FailureKind::Busy, Fault::Transient, true, "FAILED/unreachable", "FAILED/rejected"},
  };
  for (const Case& one : cases) {
    http::Failure failure;
    failure.kind = one.kind;
    failure.error = {one.fault, "words"};
    failure.sent = one.sent;
    EXPECT_EQ(states(answers_to(attempt(CommandKind::Read, {"M1"}), failure)), one.read) << name_of(one.kind);
    EXPECT_EQ(states(answers_to(attempt(CommandKind::SwitchOpen, {"M1"}), failure)), one.move)
        << name_of(one.kind);
  }
}

}  // namespace
}  // namespace ami::cim
