// Asking, waiting, watching and taking back over gRPC, with the engine, the store and a far side behind it.
#include <gmock/gmock.h>

#include <future>

#include "storage/postgres/operations.h"
#include "tests/daemon/rpc/command_scene.h"
#include "tests/storage/postgres/role_logins.h"

namespace ami::rpc {
namespace {

namespace cmd = daemon::commands;
using testing::detail;
using testing::reason_of;
using testing::text_of;
using v1::Target;

cmd::Rules rules_with(std::size_t queue) {
  cmd::Rules rules;
  rules.queue = queue;
  return rules;
}

class CommandServiceTest : public testing::CommandScene {
 protected:
  explicit CommandServiceTest(cmd::Rules given = {}) : CommandScene(given) {}

  // In a thread of its own, so that the test can play the far side meanwhile.
  std::future<v1::Operation> later(const v1::ReadNowRequest& request) {
    return std::async(std::launch::async, [this, request] { return must(&Stub::ReadNow, request); });
  }
  static std::string states(const v1::Operation& operation) {
    std::string out;
    for (const Target& target : operation.targets())
      out += (out.empty() ? "" : " ") + Target::State_Name(target.state());
    return out;
  }
  template <class Request>
  grpc::Status refused(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, v1::Operation*),
                       const Request& request) {
    v1::Operation response;
    const grpc::Status status = call(*local, method, request, response);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(response.name(), "");
    return status;
  }
  static std::string field_of(const grpc::Status& status) {
    const auto bad = detail<google::rpc::BadRequest>(status);
    return bad && bad->field_violations_size() > 0 ? bad->field_violations(0).field() : std::string();
  }
  std::vector<v1::Operation> listed(const v1::ListOperationsRequest& request) {
    v1::ListOperationsResponse response;
    const grpc::Status status = call(*local, &Stub::ListOperations, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return {response.operations().begin(), response.operations().end()};
  }
  v1::DemandResetRequest reset(const std::string& id, const std::string& meter = "m1") {
    auto out = request<v1::DemandResetRequest>(id);
    out.set_meter("utilities/maui/meters/" + meter);
    out.set_order_id("WO-7");
    return out;
  }
};

TEST_F(CommandServiceTest, ReadNowWaitsForTheEndAndHoldsTheReadingsThatCame) {
  start();
  store_reading("m1", {100, 0});  // before it was asked: not its answer
  auto read_now = read("r1", "m1", 60);
  read_now.set_order_id("WO-1");
  read_now.set_on_behalf_of("Ada");
  auto answer = later(read_now);
  const std::string transaction = radio->wait_for(1)[0].transaction;
  store_reading("m1", {123'456, -1});
  store_reading("m1", {7, 0}, "other-feed");
  store_reading("m2", {8, 0});
  say(transaction, "B1", "done");
  const v1::Operation operation = answer.get();

  EXPECT_EQ(operation.name(), "utilities/maui/operations/1");
  EXPECT_EQ(operation.kind(), v1::Operation::READ);
  EXPECT_TRUE(operation.done());
  EXPECT_FALSE(operation.has_place());
  EXPECT_FALSE(operation.repeated());
  EXPECT_EQ(operation.request_id(), "r1");
  EXPECT_EQ(operation.caller(), "local operator");
  EXPECT_EQ(operation.order_id(), "WO-1");
  EXPECT_EQ(operation.on_behalf_of(), "Ada");
  EXPECT_EQ(operation.purpose(), "test 4711");
  EXPECT_EQ(operation.counts().succeeded(), 1);
  ASSERT_EQ(operation.targets_size(), 1);
  const Target& target = operation.targets(0);
  EXPECT_EQ(target.meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(target.state(), Target::SUCCEEDED);
  EXPECT_EQ(target.feed(), "radio");
  EXPECT_EQ(target.transaction(), transaction);
  EXPECT_TRUE(target.has_send_time() && target.has_end_time());
  ASSERT_EQ(target.readings_size(), 1);
  EXPECT_EQ(target.readings(0).value(), "12345.6");
  EXPECT_EQ(target.readings(0).unit(), "Wh");
  EXPECT_EQ(target.readings(0).quantity(), v1::ENERGY_DELIVERED);
  EXPECT_EQ(target.readings(0).type_approval(), v1::TYPE_APPROVAL_NO_REGIME);
  EXPECT_EQ(target.readings(0).verification(), v1::VERIFICATION_UNKNOWN);
  EXPECT_EQ(target.latest_size(), 0);

  const auto accesses = fixture->log.of(CallRecord::Kind::Access);
  ASSERT_EQ(accesses.size(), 1U);
  EXPECT_EQ(accesses[0].meter, "m1");
  EXPECT_EQ(accesses[0].purpose, "test 4711");
  EXPECT_EQ(accesses[0].on_behalf_of, "Ada");
  EXPECT_EQ(one("SELECT count(*) FROM access_log WHERE purpose = 'test 4711' AND meter = 'm1'"), "1");

  // What is asked for later is the same, and not what came in later.
  store_reading("m1", {999, 0});
  v1::GetOperationRequest again;
  again.set_name(operation.name());
  again.set_include_readings(true);
  again.set_purpose("dispute");
  const v1::Operation seen = must(&Stub::GetOperation, again);
  ASSERT_EQ(seen.targets(0).readings_size(), 1);
  EXPECT_EQ(seen.targets(0).readings(0).value(), "12345.6");
  EXPECT_EQ(get(operation.name()).targets(0).readings_size(), 0) << "not asked for";
  EXPECT_EQ(fixture->log.of(CallRecord::Kind::Access).size(), 2U);
}

TEST_F(CommandServiceTest, WithoutWaitItAnswersAtOnceWithThePlace) {
  feed.limits.in_flight = 1;
  start();
  const v1::Operation first = must(&Stub::ReadNow, read("r1", "m1"));
  radio->wait_for(1);
  const v1::Operation second = must(&Stub::ReadNow, read("r2", "m2"));
  const v1::Operation third = must(&Stub::ReadNow, read("r3", "m3"));
  EXPECT_FALSE(third.done());
  EXPECT_EQ(states(third), "QUEUED");
  EXPECT_EQ(third.place().queued(), 1);
  EXPECT_EQ(third.place().position(), 1) << "the one that waits; the other has left";
  EXPECT_FALSE(third.place().has_expected()) << "none has answered yet";
  say_done(1);
  radio->wait_for(2);
  const v1::Operation now = get(third.name());
  EXPECT_EQ(now.place().position(), 0);
  EXPECT_TRUE(now.place().has_expected());
  EXPECT_TRUE(get(first.name()).done());
  EXPECT_FALSE(get(second.name()).done());
}

TEST_F(CommandServiceTest, WaitThatIsOverAnswersAsFarAsItHasCome) {
  start();
  auto read_now = read("r1", "m1", 1.5);
  read_now.set_include_latest(true);
  store_reading("m1", {55, 0});
  const v1::Operation operation = must(&Stub::ReadNow, read_now);
  EXPECT_FALSE(operation.done());
  EXPECT_EQ(states(operation), "SENT");
  EXPECT_EQ(operation.targets(0).readings_size(), 0);
  ASSERT_EQ(operation.targets(0).latest_size(), 1) << "what is stored stands in";
  EXPECT_EQ(operation.targets(0).latest(0).value(), "55");
}

TEST_F(CommandServiceTest, AnswerComesBeforeTheCallersOwnDeadline) {
  start();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{3});
  v1::Operation operation;
  const grpc::Status status = local->ReadNow(&context, read("r1", "m1", 60), &operation);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(operation.name(), "utilities/maui/operations/1");
  EXPECT_FALSE(operation.done());
}

TEST_F(CommandServiceTest, CallThatIsGivenUpLeavesAnOperationThatIsFoundAndDoneOnce) {
  start();
  grpc::ClientContext context;
  auto given_up = std::async(std::launch::async, [&] {
    v1::Operation operation;
    return local->ReadNow(&context, read("r1", "m1", 60), &operation);
  });
  radio->wait_for(1);
  context.TryCancel();
  EXPECT_EQ(given_up.get().error_code(), grpc::StatusCode::CANCELLED);

  v1::ListOperationsRequest find;
  find.set_parent("utilities/maui");
  find.set_caller("local operator");
  find.set_request_id("r1");
  ASSERT_EQ(listed(find).size(), 1U);
  EXPECT_EQ(listed(find)[0].name(), "utilities/maui/operations/1");
  find.set_request_id("r2");
  EXPECT_TRUE(listed(find).empty());

  auto again = later(read("r1", "m1", 60));
  say_done(1);
  const v1::Operation operation = again.get();
  EXPECT_TRUE(operation.repeated());
  EXPECT_TRUE(operation.done());
  EXPECT_EQ(operation.name(), "utilities/maui/operations/1");
  EXPECT_EQ(radio->wait_for(1).size(), 1U) << "nothing was sent twice";
}

TEST_F(CommandServiceTest, RequestIdIsTheCallersOwnAndStandsForOneThing) {
  start();
  const auto mdm = caller({"command"}, "mdm"), oms = caller({"command"}, "oms");
  v1::Operation a, b, c;
  ASSERT_TRUE(call(*mdm, &Stub::ReadNow, read("r1", "m1"), a).ok());
  ASSERT_TRUE(call(*oms, &Stub::ReadNow, read("r1", "m2"), b).ok());
  EXPECT_NE(a.name(), b.name());
  EXPECT_EQ(a.caller(), "mdm");
  const grpc::Status other = call(*mdm, &Stub::ReadNow, read("r1", "m2"), c);
  EXPECT_EQ(other.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(reason_of(other), "REQUEST_ID_REUSED");
  EXPECT_NE(other.error_message().find("operation 1"), std::string::npos) << other.error_message();
}

TEST_F(CommandServiceTest, TwoCallersOfOneMeterShareAnAttemptAndEachHasTheAnswer) {
  start();
  auto a = later(read("r1", "m1", 60)), b = later(read("r2", "m1", 60));
  radio->wait_for(1);
  while (one("SELECT count(*) FROM operation_target WHERE state = 'SENT'") != "2") {
  }
  store_reading("m1", {42, 0});
  say_done(1);
  const v1::Operation first = a.get(), second = b.get();
  EXPECT_TRUE(first.done() && second.done());
  EXPECT_NE(first.name(), second.name());
  EXPECT_EQ(first.targets(0).transaction(), second.targets(0).transaction());
  EXPECT_EQ(first.targets(0).readings_size(), 1);
  EXPECT_EQ(second.targets(0).readings_size(), 1);
  EXPECT_EQ(radio->wait_for(1).size(), 1U);
}

TEST_F(CommandServiceTest, MeterThatCannotBeAskedIsRefusedWithTheRule) {
  add_meter("elsewhere", "E1", "gone");
  start();
  const grpc::Status unknown = refused(&Stub::ReadNow, read("r1", "m11"));
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(reason_of(unknown), "METER_NOT_FOUND");
  EXPECT_EQ(detail<google::rpc::ErrorInfo>(unknown)->metadata().at("nearest"), "utilities/maui/meters/m1");

  const grpc::Status unassigned = refused(&Stub::ReadNow, read("r2", "elsewhere"));
  EXPECT_EQ(unassigned.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(reason_of(unassigned), "NOT_ASSIGNED");
  EXPECT_EQ(detail<google::rpc::ErrorInfo>(unassigned)->metadata().at("meter"), "elsewhere");

  feed.can.ping = false;
  attach(feed);
  auto ping = request<v1::PingRequest>("p1");
  ping.set_meter("utilities/maui/meters/m1");
  EXPECT_EQ(reason_of(refused(&Stub::Ping, ping)), "NOT_STATED");
  feed.limits.names = AliasKind::Mac;
  attach(feed);
  EXPECT_EQ(reason_of(refused(&Stub::ReadNow, read("r3", "m1"))), "NO_NAME");
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "0");
}

TEST_F(CommandServiceTest, WrongFieldsAreNamed) {
  start();
  const auto wrong = [&](auto method, auto request, auto&& change) {
    change(request);
    const grpc::Status status = refused(method, request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    return reason_of(status) + " " + field_of(status);
  };
  const auto of_read = [&](auto&& change) { return wrong(&Stub::ReadNow, read("r1", "m1"), change); };
  EXPECT_EQ(of_read([](auto& r) { r.set_meter("m1"); }), "INVALID_FIELD meter");
  EXPECT_EQ(of_read([](auto& r) { r.set_meter("utilities/maui/usagePoints/p1"); }), "INVALID_FIELD meter");
  EXPECT_EQ(of_read([](auto& r) { r.clear_request_id(); }), "INVALID_FIELD request_id");
  EXPECT_EQ(of_read([](auto& r) { r.set_request_id(std::string(129, 'x')); }), "INVALID_FIELD request_id");
  EXPECT_EQ(of_read([](auto& r) { r.set_request_id("a\nb"); }), "INVALID_FIELD request_id");
  EXPECT_EQ(of_read([](auto& r) { r.clear_purpose(); }), "PURPOSE_REQUIRED purpose");
  EXPECT_EQ(of_read([](auto& r) { r.set_purpose("no"); }), "PURPOSE_REQUIRED purpose");
  EXPECT_EQ(of_read([](auto& r) { r.set_order_id(std::string(129, 'x')); }), "INVALID_FIELD order_id");
  EXPECT_EQ(of_read([](auto& r) { r.set_on_behalf_of("a\tb"); }), "INVALID_FIELD on_behalf_of");
  EXPECT_EQ(of_read([](auto& r) { r.set_priority(10); }), "INVALID_FIELD priority");
  EXPECT_EQ(of_read([](auto& r) { r.set_priority(-1); }), "INVALID_FIELD priority");
  EXPECT_EQ(of_read([](auto& r) { r.mutable_expiry()->set_nanos(1); }), "INVALID_FIELD expiry");
  EXPECT_EQ(of_read([](auto& r) { r.mutable_expiry()->set_seconds(7 * 86'400 + 1); }),
            "INVALID_FIELD expiry");
  EXPECT_EQ(of_read([](auto& r) { r.mutable_wait()->set_seconds(301); }), "INVALID_FIELD wait");
  EXPECT_EQ(of_read([](auto& r) { r.mutable_wait()->set_seconds(-1); }), "INVALID_FIELD wait");

  const auto of_batch = [&](auto&& change) {
    return wrong(&Stub::BatchReadNow, batch("b1", {"m1", "m2"}), change);
  };
  EXPECT_EQ(of_batch([](auto& r) { r.clear_meters(); }), "INVALID_FIELD meters");
  EXPECT_EQ(of_batch([](auto& r) { r.set_meters(1, "m2"); }), "INVALID_FIELD meters[1]");
  EXPECT_EQ(of_batch([](auto& r) { r.set_meters(1, "utilities/oahu/meters/m1"); }),
            "INVALID_FIELD meters[1]");
  EXPECT_EQ(of_batch([](auto& r) {
              while (r.meters_size() < 10'001) r.add_meters("utilities/maui/meters/m1");
            }),
            "INVALID_FIELD meters");
  EXPECT_EQ(wrong(&Stub::DemandReset, reset("d1"), [](auto& r) { r.clear_purpose(); }),
            "PURPOSE_REQUIRED purpose");

  const auto of_get = [&](auto&& change) {
    v1::GetOperationRequest request;
    request.set_name("utilities/maui/operations/1");
    return wrong(&Stub::GetOperation, request, change);
  };
  EXPECT_EQ(of_get([](auto& r) { r.set_name("17"); }), "INVALID_FIELD name");
  EXPECT_EQ(of_get([](auto& r) { r.set_name("utilities/maui/operations/0"); }), "INVALID_FIELD name");
  EXPECT_EQ(of_get([](auto& r) { r.set_include_readings(true); }), "PURPOSE_REQUIRED purpose");
  EXPECT_EQ(of_get([](auto& r) { r.set_include_latest(true); }), "PURPOSE_REQUIRED purpose");
  EXPECT_EQ(one("SELECT count(*) FROM operation"), "0");
}

class FullQueueTest : public CommandServiceTest {
 protected:
  FullQueueTest() : CommandServiceTest(rules_with(2)) {}
};

TEST_F(FullQueueTest, QueueThatIsFullSaysWhenToComeBack) {
  start();
  must(&Stub::ReadNow, read("r1", "m1"));
  const grpc::Status full = refused(&Stub::BatchReadNow, batch("b1", {"m2", "m3"}));
  EXPECT_EQ(full.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(reason_of(full), "QUEUE_FULL");
  const auto info = detail<google::rpc::ErrorInfo>(full);
  EXPECT_EQ(info->metadata().at("feed"), "radio");
  EXPECT_EQ(info->metadata().at("waiting"), "1");
  EXPECT_EQ(info->metadata().at("most"), "2");
  const auto retry = detail<google::rpc::RetryInfo>(full);
  ASSERT_TRUE(retry);
  EXPECT_GE(retry->retry_delay().seconds(), 1);
  EXPECT_EQ(must(&Stub::ReadNow, read("r2", "m2")).targets_size(), 1) << "one more fits";
}

TEST_F(CommandServiceTest, BatchHasAnEndForEachMeterInPages) {
  std::vector<std::string> meters;
  for (int n = 1000; n < 1120; ++n) {
    meters.push_back("x" + std::to_string(n));
    add_meter(meters.back(), "X" + std::to_string(n));
  }
  meters.push_back("nobody");
  meters.push_back("x1000");  // named twice
  feed.limits.targets = 50;
  feed.limits.in_flight = 1000;
  start();
  radio->answer([](const std::string& meter, sdk::CommandKind) {
    sdk::AttemptAnswer answer;
    answer.state = meter == "X1001" ? sdk::AttemptState::Failed : sdk::AttemptState::Succeeded;
    if (meter == "X1001") answer.reason = "rejected", answer.words = "not enabled";
    return answer;
  });
  auto request = batch("b1", meters);
  request.mutable_wait()->set_seconds(60);
  const v1::Operation operation = must(&Stub::BatchReadNow, request);
  EXPECT_TRUE(operation.done());
  EXPECT_EQ(operation.counts().succeeded(), 119);
  EXPECT_EQ(operation.counts().failed(), 2);
  EXPECT_EQ(operation.targets_size(), 0) << "more than a message of an operation holds";

  v1::ListTargetsRequest list;
  list.set_name(operation.name());
  list.set_page_size(100);
  v1::ListTargetsResponse page;
  ASSERT_TRUE(call(*local, &Stub::ListTargets, list, page).ok());
  ASSERT_EQ(page.targets_size(), 100);
  EXPECT_EQ(page.targets(1).meter(), "utilities/maui/meters/x1001");
  EXPECT_EQ(page.targets(1).state(), Target::FAILED);
  EXPECT_EQ(page.targets(1).reason(), "rejected");
  EXPECT_EQ(page.targets(1).words(), "not enabled");
  EXPECT_EQ(page.targets(2).state(), Target::SUCCEEDED);
  list.set_page_token(page.next_page_token());
  ASSERT_TRUE(call(*local, &Stub::ListTargets, list, page).ok());
  ASSERT_EQ(page.targets_size(), 21);
  EXPECT_EQ(page.next_page_token(), "");
  EXPECT_EQ(page.targets(20).number(), 120);
  EXPECT_EQ(page.targets(20).reason(), "no_such_meter");
  list.set_page_token("made up");
  EXPECT_EQ(reason_of(call(*local, &Stub::ListTargets, list, page)), "PAGE_TOKEN_INVALID");
  list.clear_page_token();
  list.set_name("utilities/maui/operations/77");
  EXPECT_EQ(reason_of(call(*local, &Stub::ListTargets, list, page)), "OPERATION_NOT_FOUND");
}

TEST_F(CommandServiceTest, PingSaysWhetherEachMeterHasPower) {
  start();
  radio->answer([](const std::string& meter, sdk::CommandKind) {
    sdk::AttemptAnswer answer;
    answer.state = meter == "B3" ? sdk::AttemptState::Failed : sdk::AttemptState::Succeeded;
    if (meter == "B3") answer.reason = "no_such_meter";
    if (meter == "B1") answer.power = sdk::PowerState::Powered;
    if (meter == "B2") answer.power = sdk::PowerState::NoAnswer;
    answer.at = testing::at("2026-01-14T23:59:58Z");
    return answer;
  });
  auto pings = request<v1::PingBatchRequest>("p1");
  for (const char* meter : {"m1", "m2", "m3"})
    pings.add_meters(std::string("utilities/maui/meters/") + meter);
  pings.mutable_wait()->set_seconds(60);
  const v1::Operation operation = must(&Stub::PingBatch, pings);
  ASSERT_EQ(operation.targets_size(), 3);
  EXPECT_EQ(operation.kind(), v1::Operation::PING);
  EXPECT_EQ(operation.targets(0).power(), v1::PingResult::POWERED);
  EXPECT_EQ(operation.targets(1).power(), v1::PingResult::NO_ANSWER);
  EXPECT_EQ(operation.targets(2).power(), v1::PingResult::UNKNOWN);
  EXPECT_EQ(text_of(operation.targets(0).occurred_time()), "2026-01-14T23:59:58Z");

  radio->answer({});
  auto one_ping = request<v1::PingRequest>("p2");
  one_ping.set_meter("utilities/maui/meters/m4");
  const v1::Operation asked = must(&Stub::Ping, one_ping);
  EXPECT_EQ(asked.targets(0).power(), v1::PingResult::POWER_UNSPECIFIED) << "it has not ended";
  EXPECT_EQ(fixture->log.of(CallRecord::Kind::Access).size(), 0U) << "no reading was told";
}

TEST_F(CommandServiceTest, DemandResetReadsFirstAndIsNotMadeTwice) {
  start();
  const v1::Operation operation = must(&Stub::DemandReset, reset("d1"));
  EXPECT_EQ(operation.kind(), v1::Operation::DEMAND_RESET);
  EXPECT_EQ(radio->wait_for(1)[0].kind, sdk::CommandKind::Read);
  ASSERT_NE(operation.read_before(), "");
  const v1::Operation before = get(operation.read_before());
  EXPECT_EQ(before.kind(), v1::Operation::READ);
  EXPECT_EQ(before.caller(), "ami-gatewayd");
  EXPECT_EQ(before.on_behalf_of(), "local operator");
  EXPECT_EQ(get(operation.name()).read_before(), operation.read_before());

  const grpc::Status live = refused(&Stub::DemandReset, reset("d2"));
  EXPECT_EQ(live.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(reason_of(live), "DEMAND_RESET_LIVE");
  EXPECT_EQ(live.error_message().find("already_in_place"), std::string::npos) << live.error_message();
  EXPECT_EQ("utilities/maui/operations/" + detail<google::rpc::ErrorInfo>(live)->metadata().at("operation"),
            operation.name());

  say_done(1);
  EXPECT_EQ(radio->wait_for(2)[1].kind, sdk::CommandKind::DemandReset);
  say_done(2);
  const grpc::Status locked = refused(&Stub::DemandReset, reset("d3"));
  EXPECT_THAT(reason_of(locked), ::testing::AnyOf("DEMAND_RESET_LOCK_OUT", "DEMAND_RESET_LIVE"));
  EXPECT_TRUE(detail<google::rpc::ErrorInfo>(locked)->metadata().contains("at"));
}

TEST_F(CommandServiceTest, AnswerThatComesAfterTheEndIsToldWithTheOperation) {
  start();
  const v1::Operation operation = must(&Stub::ReadNow, read("r1", "m1"));
  const std::string transaction = radio->wait_for(1)[0].transaction;
  say(transaction, "B1", "done");
  say(transaction, "B1", "failed");
  say(transaction, "B1", "failed");
  const v1::Operation seen = get(operation.name());
  EXPECT_EQ(states(seen), "SUCCEEDED");
  EXPECT_EQ(seen.targets(0).later_answers(), 1);
  ASSERT_EQ(seen.later_answers_size(), 1);
  EXPECT_EQ(seen.later_answers(0).found(), Target::SUCCEEDED);
  EXPECT_EQ(seen.later_answers(0).said(), Target::FAILED);
  EXPECT_EQ(seen.later_answers(0).reason(), "failed");
  EXPECT_EQ(seen.later_answers(0).times(), 2);
}

TEST_F(CommandServiceTest, CancelTakesBackWhatHasNotLeft) {
  feed.limits.in_flight = 1;
  start();
  const v1::Operation operation = must(&Stub::BatchReadNow, batch("b1", {"m1", "m2"}));
  radio->wait_for(1);
  v1::CancelOperationRequest cancel;
  cancel.set_name(operation.name());
  cancel.set_on_behalf_of("Ada");
  for (int times = 0; times < 2; ++times) {
    const v1::Operation cancelled = must(&Stub::CancelOperation, cancel);
    EXPECT_EQ(states(cancelled), "SENT CANCELLED");
    EXPECT_EQ(cancelled.cancelled_by(), "local operator for Ada");
    EXPECT_TRUE(cancelled.has_cancel_time());
    EXPECT_FALSE(cancelled.done());
  }
  say_done(1);
  EXPECT_EQ(states(get(operation.name())), "SUCCEEDED CANCELLED");
  cancel.set_name("utilities/maui/operations/999");
  const grpc::Status nothing = refused(&Stub::CancelOperation, cancel);
  EXPECT_EQ(nothing.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(reason_of(nothing), "OPERATION_NOT_FOUND");
}

TEST_F(CommandServiceTest, OnlyWhoMayAskForItMayTakeItBackAndUtilitiesAreKeptApart) {
  start();
  const v1::Operation operation = must(&Stub::DemandReset, reset("d1"));
  v1::CancelOperationRequest cancel;
  cancel.set_name(operation.name());
  v1::Operation out;
  const grpc::Status refused = call(*caller({"command"}), &Stub::CancelOperation, cancel, out);
  EXPECT_EQ(reason_of(refused), "ROLE_NOT_GRANTED");
  EXPECT_EQ(call(*caller({"demand-reset"}), &Stub::CancelOperation, cancel, out).error_code(),
            grpc::StatusCode::OK);
  cancel.set_name(operation.read_before());
  EXPECT_EQ(reason_of(call(*caller({"demand-reset"}), &Stub::CancelOperation, cancel, out)),
            "ROLE_NOT_GRANTED");

  const auto stranger = caller({"command", "reader"}, "stranger", "oahu");
  v1::GetOperationRequest get;
  get.set_name(operation.name());
  EXPECT_EQ(reason_of(call(*stranger, &Stub::GetOperation, get, out)), "UTILITY_NOT_GRANTED");
  get.set_name("utilities/oahu/operations/" + operation.name().substr(operation.name().rfind('/') + 1));
  EXPECT_EQ(reason_of(call(*stranger, &Stub::GetOperation, get, out)), "OPERATION_NOT_FOUND");
  EXPECT_EQ(reason_of(call(*stranger, &Stub::ReadNow, read("r1", "m1"), out)), "UTILITY_NOT_GRANTED");
}

TEST_F(CommandServiceTest, OperationsAreListedByFilterInPages) {
  start();
  must(&Stub::ReadNow, read("r1", "m1"));
  must(&Stub::BatchReadNow, batch("b1", {"m1", "m2"}));
  auto ping = request<v1::PingRequest>("p1");
  ping.set_meter("utilities/maui/meters/m3");
  must(&Stub::Ping, ping);
  say_done(3);
  while (one("SELECT count(*) FROM operation_target WHERE ended_at IS NULL") != "0") {
  }
  must(&Stub::ReadNow, read("r2", "m4"));
  const auto ids = [&](auto&& narrow) {
    v1::ListOperationsRequest list;
    list.set_parent("utilities/maui");
    narrow(list);
    std::string out;
    for (const v1::Operation& operation : listed(list)) out += operation.request_id() + " ";
    return out;
  };
  EXPECT_EQ(ids([](auto&) {}), "r2 p1 b1 r1 ");
  EXPECT_EQ(ids([](auto& r) { r.set_kind(v1::Operation::PING); }), "p1 ");
  EXPECT_EQ(ids([](auto& r) { r.set_kind(v1::Operation::DEMAND_RESET); }), "");
  EXPECT_EQ(ids([](auto& r) { r.set_meter("utilities/maui/meters/m1"); }), "b1 r1 ");
  EXPECT_EQ(ids([](auto& r) { r.set_unfinished_only(true); }), "r2 ");
  EXPECT_EQ(ids([](auto& r) { r.set_caller("nobody"); }), "");
  EXPECT_EQ(ids([](auto& r) { r.set_parent("utilities/oahu"); }), "");
  v1::ListOperationsRequest list;
  list.set_parent("utilities/maui");
  list.set_page_size(3);
  v1::ListOperationsResponse page;
  ASSERT_TRUE(call(*local, &Stub::ListOperations, list, page).ok());
  EXPECT_EQ(page.operations_size(), 3);
  list.set_page_token(page.next_page_token());
  ASSERT_TRUE(call(*local, &Stub::ListOperations, list, page).ok());
  ASSERT_EQ(page.operations_size(), 1);
  EXPECT_EQ(page.operations(0).request_id(), "r1");

  list.clear_page_token();
  list.set_meter("utilities/oahu/meters/m1");
  EXPECT_EQ(field_of(call(*local, &Stub::ListOperations, list, page)), "meter");
  list.set_meter("utilities/maui/meters/m9");
  EXPECT_EQ(reason_of(call(*local, &Stub::ListOperations, list, page)), "METER_NOT_FOUND");
  list.clear_meter();
  list.set_kind(static_cast<v1::Operation::Kind>(99));
  EXPECT_EQ(field_of(call(*local, &Stub::ListOperations, list, page)), "kind");
}

// Watching.

class WatchTest : public CommandServiceTest {
 protected:
  // Messages of a whole watch; `seen` is called with each.
  grpc::Status watch(const std::string& name, const std::function<void(const v1::Operation&)>& seen) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{60});
    v1::WatchOperationRequest request;
    request.set_name(name);
    request.set_include_readings(true);
    request.set_purpose("test 4711");
    const auto stream = local->WatchOperation(&context, request);
    v1::Operation message;
    while (stream->Read(&message)) seen(message);
    return stream->Finish();
  }
};

TEST_F(WatchTest, TellsTheOperationAtOnceOnEachChangeAndAtItsEnd) {
  feed.limits.in_flight = 1;
  start();
  const v1::Operation operation = must(&Stub::BatchReadNow, batch("b1", {"m1", "m2"}));
  radio->wait_for(1);
  std::vector<std::string> told;
  std::size_t answered = 0;
  const grpc::Status status = watch(operation.name(), [&](const v1::Operation& message) {
    const std::string now = states(message);
    if (told.empty() || told.back() != now) told.push_back(now);
    // What comes next is only said once this was told.
    if (now == "SENT QUEUED" && answered == 0) {
      answered = 1;
      store_reading("m1", {77, 0});
      say_done(1);
    } else if (now == "SUCCEEDED SENT" && answered == 1) {
      answered = 2;
      say_done(2);
    }
    if (message.done()) {
      EXPECT_EQ(message.targets(0).readings(0).value(), "77");
    }
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(told.front(), "SENT QUEUED");
  EXPECT_EQ(told.back(), "SUCCEEDED SUCCEEDED");
  EXPECT_EQ(answered, 2U);
  EXPECT_EQ(fixture->log.of(CallRecord::Kind::Access).size(), 1U) << "told many times, logged once";

  int messages = 0;
  EXPECT_TRUE(watch(operation.name(), [&](const v1::Operation& message) {
                ++messages;
                EXPECT_TRUE(message.done());
              }).ok());
  EXPECT_EQ(messages, 1) << "it has ended";
  EXPECT_EQ(reason_of(watch("utilities/maui/operations/99", [](const auto&) {})), "OPERATION_NOT_FOUND");
  EXPECT_EQ(field_of(watch("99", [](const auto&) {})), "name");
}

TEST_F(WatchTest, OperationOfNobodysEngineIsFollowedInTheStore) {
  start();
  const v1::Operation operation = must(&Stub::ReadNow, read("r1", "m1"));
  radio->wait_for(1);
  // Another gateway's engine took it over: here only the store changes.
  Commands elsewhere = run->commands();
  elsewhere.follow = [](auto, auto, auto, auto told) { told(cmd::Followed{}); };
  elsewhere.place = [](auto, auto told) { told(std::nullopt); };
  fixture->commands = elsewhere;
  RpcServer::Config config;
  config.unix_socket = fixture->folder.path() / "other.sock";
  ASSERT_TRUE(fixture->start(config).ok());
  local = v1::CommandService::NewStub(
      grpc::CreateChannel("unix:" + config.unix_socket, grpc::InsecureChannelCredentials()));
  std::string last;
  const grpc::Status status = watch(operation.name(), [&](const v1::Operation& message) {
    EXPECT_FALSE(message.has_place());
    if (last.empty()) say_done(1);
    last = states(message);
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(last, "SUCCEEDED");
}

TEST_F(WatchTest, PlacesAreBoundedAndFreeAgainAtTheEnd) {
  start(8);  // four calls may wait, two of each caller
  const v1::Operation operation = must(&Stub::ReadNow, read("r1", "m1"));
  const auto mdm = caller({"command"}, "mdm"), oms = caller({"command"}, "oms");
  v1::WatchOperationRequest request;
  request.set_name(operation.name());
  const auto too_many = [&](Stub& of) {
    grpc::ClientContext context;
    v1::Operation message;
    const auto stream = of.WatchOperation(&context, request);
    EXPECT_FALSE(stream->Read(&message));
    return stream->Finish();
  };
  grpc::ClientContext contexts[4];
  std::vector<std::unique_ptr<grpc::ClientReader<v1::Operation>>> streams;
  for (std::size_t i = 0; i < 4; ++i) {
    v1::Operation message;
    streams.push_back((i < 2 ? *mdm : *oms).WatchOperation(&contexts[i], request));
    ASSERT_TRUE(streams.back()->Read(&message));
    if (i == 1) {
      EXPECT_EQ(reason_of(too_many(*mdm)), "TOO_MANY_FOLLOWERS") << "others have room";
    }
  }
  const grpc::Status fifth = too_many(*local);
  EXPECT_EQ(fifth.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(reason_of(fifth), "TOO_MANY_FOLLOWERS");
  EXPECT_TRUE(detail<google::rpc::RetryInfo>(fifth));
  // A call that may not wait is answered all the same.
  const v1::Operation at_once = must(&Stub::ReadNow, read("r2", "m2", 60));
  EXPECT_FALSE(at_once.done());
  EXPECT_NE(at_once.name(), "");

  contexts[0].TryCancel();
  EXPECT_EQ(streams[0]->Finish().error_code(), grpc::StatusCode::CANCELLED);
  // The server hears of it a moment later.
  grpc::Status again;
  do {
    again = watch(operation.name(), [&](const v1::Operation&) { say_done(2); });
  } while (reason_of(again) == "TOO_MANY_FOLLOWERS");
  EXPECT_TRUE(again.ok()) << again.error_message();
  for (std::size_t i = 1; i < 4; ++i) {
    v1::Operation message;
    while (streams[i]->Read(&message)) {
    }
    EXPECT_TRUE(streams[i]->Finish().ok()) << "it has ended";
  }
}

TEST_F(WatchTest, GatewayThatStopsEndsWatchesAndAnswersWaitsWithTheName) {
  start();
  const v1::Operation operation = must(&Stub::ReadNow, read("r1", "m1"));
  std::promise<void> seen;
  auto watching = std::async(std::launch::async, [&] {
    bool first = true;
    return watch(operation.name(), [&](const auto&) {
      if (std::exchange(first, false)) seen.set_value();
    });
  });
  auto waiting = later(read("r2", "m2", 120));
  radio->wait_for(2);
  seen.get_future().wait();
  fixture->server->drain(std::chrono::seconds{30});
  const grpc::Status status = watching.get();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(reason_of(status), "GATEWAY_STOPPING");
  EXPECT_EQ(waiting.get().name(), "utilities/maui/operations/2");
}

TEST_F(CommandServiceTest, RestartInTheMiddleLosesNothingAndSendsNothingTwice) {
  start();
  const v1::Operation asked = must(&Stub::ReadNow, read("r1", "m1"));
  const std::string transaction = radio->wait_for(1)[0].transaction;
  stop();
  start();
  auto again = later(read("r1", "m1", 60));
  store_reading("m1", {31, 0});
  say(transaction, "B1", "done");
  const v1::Operation operation = again.get();
  EXPECT_EQ(operation.name(), asked.name());
  EXPECT_TRUE(operation.repeated());
  EXPECT_EQ(states(operation), "SUCCEEDED");
  ASSERT_EQ(operation.targets(0).readings_size(), 1);
  EXPECT_EQ(operation.targets(0).readings(0).value(), "31");
  EXPECT_EQ(radio->wait_for(1).size(), 1U);
}

TEST_F(CommandServiceTest, GatewayWithoutAnEngineSaysSo) {
  start();
  must(&Stub::ReadNow, read("r1", "m1"));
  radio->wait_for(1);
  fixture->commands = {};
  RpcServer::Config config;
  config.unix_socket = fixture->folder.path() / "bare.sock";
  ASSERT_TRUE(fixture->start(config).ok());
  local = v1::CommandService::NewStub(
      grpc::CreateChannel("unix:" + config.unix_socket, grpc::InsecureChannelCredentials()));
  EXPECT_EQ(reason_of(refused(&Stub::ReadNow, read("r2", "m1"))), "NO_COMMANDS");
  v1::CancelOperationRequest cancel;
  cancel.set_name("utilities/maui/operations/1");
  EXPECT_EQ(reason_of(refused(&Stub::CancelOperation, cancel)), "NO_COMMANDS");
  EXPECT_EQ(states(get("utilities/maui/operations/1")), "SENT") << "what is stored can be seen";
}

TEST_F(CommandServiceTest, CallersRoleInTheDatabaseSeesItsUtilitiesOperationsOnly) {
  start();
  must(&Stub::ReadNow, read("r1", "m1"));
  storage::make_logins(conninfo);
  storage::Database reader(
      storage::DatabaseOptions{.conninfo = storage::as_user(conninfo, "t_reader"), .connections = 2});
  storage::Database of_maui(reader, {"maui"}), of_oahu(reader, {"oahu"});
  storage::Operations own(of_maui), other(of_oahu);
  ASSERT_TRUE(own.get(maui, 1).ok()) << own.get(maui, 1).refusal().message;
  EXPECT_EQ(own.targets(maui, 1, {}).value().items.size(), 1U);
  EXPECT_TRUE(own.answers(maui, 1).ok());
  EXPECT_EQ(own.list({.utility = maui}).value().items.size(), 1U);
  EXPECT_FALSE(other.get(maui, 1).ok());
  EXPECT_TRUE(other.list({.utility = maui}).value().items.empty());
}

}  // namespace
}  // namespace ami::rpc
