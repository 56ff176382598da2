// What the head-end's answer to a request, or its silence, says of each meter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/wire/multispeak/link/at_once.h"

namespace ami::multispeak::testing {
namespace {

using http::FailureKind;
using sdk::AttemptAnswer;
using sdk::CommandKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Heard failed(FailureKind kind, Fault fault, bool sent) {
  Heard heard;
  heard.failure = http::Failure{kind, {fault, "https://hes: as it were"}, sent, {}};
  return heard;
}
Heard faulted(SoapFault::Blame blame, std::string code) {
  Heard heard;
  heard.response.emplace();
  heard.response->fault = SoapFault{blame, std::move(code), "why", "more"};
  return heard;
}
Heard rejecting(std::vector<Rejection> rejections) {
  Heard heard;
  heard.response.emplace();
  heard.response->content.rejections = std::move(rejections);
  return heard;
}
std::string brief(const AttemptAnswer& answer) {
  return std::string(name_of(answer.state)) + (answer.reason.empty() ? "" : " " + answer.reason);
}
std::vector<std::string> brief(const std::vector<AttemptAnswer>& answers) {
  std::vector<std::string> all;
  for (const AttemptAnswer& answer : answers) all.push_back(brief(answer));
  return all;
}
// Of a Question, a Commission, a Change.
std::vector<std::string> each(const Heard& heard) {
  std::vector<std::string> all;
  for (const Effect effect : {Effect::Question, Effect::Commission, Effect::Change})
    all.push_back(brief(without_answer(heard, effect).value_or(AttemptAnswer())));
  return all;
}

TEST(MultiSpeakAtOnce, WhatHasNotLeftIsFailed) {
  for (const FailureKind kind :
       {FailureKind::BreakerOpen, FailureKind::NameUnknown, FailureKind::ConnectFailed,
        FailureKind::ConnectTimeout, FailureKind::TlsFailed}) {
    EXPECT_THAT(each(failed(kind, Fault::Transient, false)),
                ElementsAre("FAILED unreachable", "FAILED unreachable", "FAILED unreachable"));
  }
  for (const FailureKind kind : {FailureKind::BadCall, FailureKind::PoolBusy, FailureKind::NotSent,
                                 FailureKind::Stopped, FailureKind::Cancelled}) {
    EXPECT_THAT(each(failed(kind, Fault::Transient, false)),
                ElementsAre("FAILED not_sent", "FAILED not_sent", "FAILED not_sent"));
  }
}

TEST(MultiSpeakAtOnce, WhatMayHaveLeftIsUnknownUnlessItWasAQuestion) {
  for (const FailureKind kind : {FailureKind::Timeout, FailureKind::Cut, FailureKind::ServerError,
                                 FailureKind::Stopped, FailureKind::Cancelled}) {
    EXPECT_THAT(each(failed(kind, Fault::InDoubt, true)),
                ElementsAre("FAILED no_answer", "UNKNOWN no_answer", "UNKNOWN no_answer"));
  }
  for (const FailureKind kind : {FailureKind::Garbage, FailureKind::TooLarge}) {
    EXPECT_THAT(
        each(failed(kind, Fault::InDoubt, true)),
        ElementsAre("FAILED unreadable_answer", "UNKNOWN unreadable_answer", "UNKNOWN unreadable_answer"));
  }
  // 303: done, look elsewhere.
  EXPECT_THAT(each(failed(FailureKind::Redirected, Fault::InDoubt, true)),
              ElementsAre("FAILED no_answer", "UNKNOWN no_answer", "UNKNOWN no_answer"));
}

TEST(MultiSpeakAtOnce, WhatWasUnderstoodAndRefusedIsRejected) {
  for (const FailureKind kind : {FailureKind::Redirected, FailureKind::Unauthorized, FailureKind::Refused}) {
    EXPECT_THAT(each(failed(kind, Fault::Permanent, true)),
                ElementsAre("FAILED rejected", "FAILED rejected", "FAILED rejected"));
  }
  // Busy: a read may be asked again; what changes a meter is not brought a second time by itself.
  EXPECT_THAT(each(failed(FailureKind::Busy, Fault::Transient, true)),
              ElementsAre("FAILED unreachable", "FAILED unreachable", "FAILED rejected"));
}

TEST(MultiSpeakAtOnce, AFaultOfTheSenderIsARejectionAndOneOfTheReceiverLeavesOpenHowFarItCame) {
  using Blame = SoapFault::Blame;
  EXPECT_THAT(each(faulted(Blame::Sender, "Client")),
              ElementsAre("FAILED rejected", "FAILED rejected", "FAILED rejected"));
  EXPECT_THAT(each(faulted(Blame::Receiver, "Server")),
              ElementsAre("FAILED failed", "UNKNOWN failed", "UNKNOWN failed"));
  // Codes that say that nobody looked at the message.
  for (const char* code : {"VersionMismatch", "MustUnderstand", "DataEncodingUnknown"}) {
    EXPECT_THAT(each(faulted(Blame::Receiver, code)),
                ElementsAre("FAILED rejected", "FAILED rejected", "FAILED rejected"));
  }
  EXPECT_EQ(without_answer(faulted(Blame::Sender, "Client"), Effect::Change)->words, "why: more");
}

// Rule 1: the answer has rejections only, and each meter its own.
TEST(MultiSpeakAtOnce, OneMeterIsRejectedAndTheOthersWait) {
  const Order read = order_of(CommandKind::Read, {});
  const auto answers = accepted_or_rejected(rejecting({{"M2", "Meter is unknown", "meter", "", ""}}), read,
                                            {"M1", "M2", "M3"});
  EXPECT_THAT(brief(answers), ElementsAre("WAITING", "FAILED rejected", "WAITING"));
  EXPECT_EQ(answers[1].words, "Meter is unknown");
  EXPECT_THAT(brief(accepted_or_rejected(rejecting({}), read, {"M1", "M2"})),
              ElementsAre("WAITING", "WAITING"));
}

TEST(MultiSpeakAtOnce, ARejectionWithoutAMeterIsOfAllAndOneOfAnUnknownNameLeavesOpenWhose) {
  const Order read = order_of(CommandKind::Read, {});
  EXPECT_THAT(
      brief(accepted_or_rejected(rejecting({{"", "license expired", "", "", ""}}), read, {"M1", "M2"})),
      ElementsAre("FAILED rejected", "FAILED rejected"));
  const auto stray = accepted_or_rejected(
      rejecting({{"M1", "unknown", "", "", ""}, {"9-internal", "bad", "", "", ""}}), read, {"M1", "M2"});
  EXPECT_THAT(brief(stray), ElementsAre("FAILED rejected", "UNKNOWN rejected"));
  EXPECT_THAT(stray[1].words, HasSubstr("bad"));
  // Only one was asked for: whatever it is called, it is that one.
  EXPECT_THAT(
      brief(accepted_or_rejected(rejecting({{"9-internal", "", "", "", "words of 4.1"}}), read, {"M1"})),
      ElementsAre("FAILED rejected"));
}

TEST(MultiSpeakOrders, EachCommandHasItsOperationAtItsUrl) {
  CommandRules rules;
  const auto is = [&](CommandKind kind, Operation operation, Role role, Effect effect) {
    const Order order = order_of(kind, rules);
    EXPECT_EQ(order.operation, operation);
    EXPECT_EQ(order.role, role);
    EXPECT_EQ(order.effect, effect);
  };
  is(CommandKind::Read, Operation::InitiateMeterRead, Role::Mr, Effect::Commission);
  is(CommandKind::Ping, Operation::InitiateOutageDetection, Role::Od, Effect::Commission);
  is(CommandKind::DemandReset, Operation::InitiateDemandReset, Role::Mr, Effect::Change);
  is(CommandKind::Backfill, Operation::GetReadingsByDate, Role::Mr, Effect::Question);
  is(CommandKind::SwitchState, Operation::InitiateCdStateRequest, Role::Cd, Effect::Commission);
  for (const CommandKind kind : {CommandKind::SwitchOpen, CommandKind::SwitchClose, CommandKind::SwitchArm})
    is(kind, Operation::InitiateConnectDisconnect, Role::Cd, Effect::Change);
  rules.latest_reading = rules.state_at_once = true;
  rules.ping = PingWay::Read;
  is(CommandKind::Read, Operation::GetLatestReading, Role::Mr, Effect::Question);
  is(CommandKind::SwitchState, Operation::GetCdMeterState, Role::Cd, Effect::Question);
  is(CommandKind::Ping, Operation::InitiateMeterRead, Role::Mr, Effect::Commission);
}

TEST(MultiSpeakOrders, ARequestLivesUntilTheAttemptExpiresAndASecondAtLeast) {
  CommandRules rules;
  rules.response_url = "https://gateway/x";
  const UtcInstant now{std::chrono::sys_days{std::chrono::year{2026} / 1 / 15}};
  sdk::Attempt attempt;
  attempt.transaction = "t-9";
  attempt.kind = CommandKind::Read;
  attempt.meters = {"M1", "M2"};
  attempt.expires_at = now + std::chrono::milliseconds{90'400};
  const Order order = order_of(attempt.kind, rules);
  const Request request = request_of(order, attempt, attempt.meters, rules, now);
  EXPECT_EQ(request.expiry, std::chrono::seconds{91});
  EXPECT_EQ(request.transaction, "t-9");
  EXPECT_EQ(request.response_url, "https://gateway/x");
  ASSERT_EQ(request.meters.size(), 2U);
  EXPECT_EQ(request.meters[1].number, "M2");
  attempt.expires_at = now - std::chrono::seconds{1};
  EXPECT_EQ(request_of(order, attempt, attempt.meters, rules, now).expiry, std::chrono::seconds{1});
}

}  // namespace
}  // namespace ami::multispeak::testing
