// Asking for a switch over gRPC, with the engine behind it: what it answers, and how it refuses.
#include <gmock/gmock.h>

#include <future>

#include "daemon/rpc/switch_messages.h"
#include "tests/daemon/rpc/switch_scene.h"

namespace ami::rpc {
namespace {

namespace sw = daemon::switching;
using ::testing::ElementsAre;
using ::testing::Pair;
using testing::detail;
using testing::reason_of;
using testing::stamp;
using v1::SwitchOperation;
using Says = sdk::AttemptState;
using Stub = v1::SwitchService::Stub;

class SwitchServiceTest : public testing::SwitchScene {
 protected:
  v1::CancelSwitchRequest cancel_of(const std::string& name) {
    v1::CancelSwitchRequest out;
    out.set_name(name);
    return out;
  }
  v1::ResolveSwitchRequest seen_as(const std::string& name, v1::Target::SwitchPosition position) {
    v1::ResolveSwitchRequest out;
    out.set_name(name);
    out.set_position(position);
    out.set_reference("crew 4, report 881");
    return out;
  }
  // An operation whose flight is over without a word.
  std::string uncertain(const std::string& id, SwitchOperation::Action action = SwitchOperation::OPEN) {
    const std::string name = submit_rpc(asks(id, action)).name();
    pass_and_tick(site.now_is.flight);
    EXPECT_EQ(shown(name).state(), SwitchOperation::UNCERTAIN);
    return name;
  }
};

TEST(SwitchFacts, RuleThatRefusesIsToldWithItsOwnInputs) {
  const std::map<std::string, std::string> all{{"usage_point_asked", "UP-8"}, {"WRONG_HOUSE", "refused"},
                                               {"LIMIT.OPEN * ALL 3600s", "1 of 60"},
                                               {"LIMIT", "passed"},
                                               {"LIMIT.version", "3"}};
  EXPECT_THAT(facts_of_rule("WRONG_HOUSE", all), ElementsAre(Pair("usage_point_asked", "UP-8")));
  EXPECT_THAT(facts_of_rule("LIMIT", all),
              ElementsAre(Pair("OPEN * ALL 3600s", "1 of 60"), Pair("usage_point_asked", "UP-8"),
                          Pair("version", "3")));
  EXPECT_THAT(facts_of_rule("", {{"", "x"}, {".y", "z"}}), ElementsAre(Pair("", "x"), Pair(".y", "z")));
}

TEST_F(SwitchServiceTest, SubmitAnswersWithTheOperationAsFarAsItCame) {
  auto request = asks("r1");
  request.set_on_behalf_of("Ada");
  request.set_reason(SwitchOperation::VACANT_MOVE_OUT);
  *request.mutable_not_after() = stamp("2026-01-15T13:00:00Z");
  const SwitchOperation operation = submit_rpc(request);
  EXPECT_EQ(operation.name(), "utilities/maui/switchOperations/1");
  EXPECT_EQ(operation.meter(), "utilities/maui/meters/M7");
  EXPECT_EQ(operation.usage_point(), "utilities/maui/usagePoints/UP-7");
  EXPECT_EQ(operation.action(), SwitchOperation::OPEN);
  EXPECT_EQ(operation.reason(), SwitchOperation::VACANT_MOVE_OUT);
  EXPECT_EQ(operation.order_id(), "WO-1");
  EXPECT_EQ(operation.caller(), "local operator");
  EXPECT_EQ(operation.on_behalf_of(), "Ada");
  EXPECT_EQ(operation.request_id(), "r1");
  EXPECT_FALSE(operation.automatic());
  EXPECT_EQ(testing::text_of(operation.create_time()), "2026-01-15T12:00:00Z");
  EXPECT_EQ(testing::text_of(operation.not_before()), "2026-01-15T12:00:00Z");
  EXPECT_EQ(testing::text_of(operation.not_after()), "2026-01-15T13:00:00Z");
  EXPECT_EQ(operation.state(), SwitchOperation::ACKNOWLEDGED) << "the far side has taken it";
  EXPECT_FALSE(operation.ended());
  EXPECT_EQ(operation.evidence(), SwitchOperation::NO_EVIDENCE);
  EXPECT_EQ(operation.evidence_minimum(), SwitchOperation::E1_REPORTED);
  EXPECT_EQ(operation.evidence_attainable(), SwitchOperation::E3_INTERVALS);
  EXPECT_EQ(operation.feed(), "radio");
  EXPECT_EQ(operation.flight().seconds(), 360);
  ASSERT_EQ(carrier.left.size(), 1U);
  EXPECT_EQ(operation.transaction(), carrier.left[0].errand.transaction);
  EXPECT_EQ(carrier.left[0].errand.vendor_id, "B7");
}

TEST_F(SwitchServiceTest, WhatCameOfItIsToldWithEvidenceRegisterAndEveryChange) {
  const std::string name = submit_rpc(asks("r1")).name();
  const std::string transaction = shown(name).transaction();
  pass(std::chrono::seconds{20});
  ASSERT_TRUE(engine->reported(transaction, done(sdk::SwitchPosition::Open, wall)).ok());
  const SwitchOperation operation = shown(name);
  EXPECT_EQ(operation.state(), SwitchOperation::VERIFIED_OPEN);
  EXPECT_TRUE(operation.ended());
  EXPECT_FALSE(operation.unresolved());
  EXPECT_EQ(operation.evidence(), SwitchOperation::E1_REPORTED);
  EXPECT_THAT(operation.evidence_words(), ::testing::HasSubstr("2026-01-15T12:00:20"));
  EXPECT_EQ(operation.position(), v1::Target::OPEN);
  EXPECT_EQ(operation.final_register(), "1234.5 kWh");
  EXPECT_EQ(testing::text_of(operation.send_time()), "2026-01-15T12:00:00Z");
  EXPECT_EQ(testing::text_of(operation.claim_time()), "2026-01-15T12:00:20Z");
  EXPECT_EQ(testing::text_of(operation.end_time()), "2026-01-15T12:00:20Z");
  ASSERT_GE(operation.changes_size(), 7);
  EXPECT_EQ(operation.changes(0).input(), "REQUEST");
  EXPECT_EQ(operation.changes(0).from(), SwitchOperation::STATE_UNSPECIFIED);
  EXPECT_EQ(operation.changes(0).actor(), "local operator");
  EXPECT_EQ(operation.changes(1).inputs().at("usage_point"), "UP-7");
  EXPECT_EQ(operation.changes(4).input(), "SEND");
  EXPECT_EQ(operation.changes(4).actor(), "gateway");
  EXPECT_EQ(operation.changes(4).gateway(), "first");
  for (int i = 0; i < operation.changes_size(); ++i) EXPECT_EQ(operation.changes(i).version(), i + 1);
  EXPECT_EQ(operation.version(), operation.changes_size());

  const auto accesses = fixture->log.of(CallRecord::Kind::Access);
  ASSERT_FALSE(accesses.empty()) << "a register value was told";
  EXPECT_EQ(accesses.back().purpose, "service switch, order WO-1");
  EXPECT_EQ(accesses.back().usage_point, "UP-7");
  EXPECT_EQ(accesses.back().meter, "M7");
}

TEST_F(SwitchServiceTest, SameRequestIsTheSameOperationAndAnotherBodyIsRefused) {
  const std::string name = submit_rpc(asks("r1")).name();
  EXPECT_EQ(submit_rpc(asks("r1")).name(), name);
  EXPECT_EQ(carrier.left.size(), 1U);
  auto other = asks("r1");
  other.set_order_id("WO-2");
  const grpc::Status status = refused<SwitchOperation>(&Stub::Submit, other);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(reason_of(status), "REQUEST_ID_REUSED");
  // Another caller's request of the same name is another one.
  const auto cis = caller({"switch"});
  SwitchOperation response;
  EXPECT_EQ(reason_of(call(*cis, &Stub::Submit, asks("r1"), response)), "SWITCH_LIVE");
}

TEST_F(SwitchServiceTest, CallerIsTheSubjectOfTheCertificate) {
  const auto cis = caller({"switch"}, "CIS of Maui");
  SwitchOperation response;
  ASSERT_TRUE(call(*cis, &Stub::Submit, asks("r1"), response).ok());
  EXPECT_EQ(response.caller(), "CIS of Maui");
  const auto stranger = caller({"switch"}, "cis", "oahu");
  EXPECT_EQ(reason_of(call(*stranger, &Stub::Submit, asks("r2"), response)), "UTILITY_NOT_GRANTED");
  v1::GetSwitchRequest get;
  get.set_name("utilities/maui/switchOperations/1");
  EXPECT_EQ(reason_of(call(*stranger, &Stub::Get, get, response)), "UTILITY_NOT_GRANTED");
}

TEST_F(SwitchServiceTest, WrongHouseIsRefusedWithWhatWasLookedAtAndWithoutTheSerial) {
  struct Case {
    const char *point, *serial;
  };
  int n = 0;
  for (const Case& wrong : {Case{"UP-8", "4711"}, Case{"UP-7", "4712"}}) {
    auto request = asks("r" + std::to_string(++n));
    request.set_usage_point(std::string("utilities/maui/usagePoints/") + wrong.point);
    request.set_serial_last4(wrong.serial);
    const grpc::Status status = refused<SwitchOperation>(&Stub::Submit, request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_EQ(reason_of(status), "WRONG_HOUSE");
    auto facts = facts_of(status);
    EXPECT_EQ(facts["usage_point_asked"], wrong.point);
    EXPECT_EQ(facts["usage_point_found"], "UP-7");
    EXPECT_EQ(status.error_details().find("00994711"), std::string::npos);
    const SwitchOperation kept = shown(facts.at("rejected"));
    EXPECT_EQ(kept.state(), SwitchOperation::REJECTED);
    EXPECT_EQ(kept.rule(), "WRONG_HOUSE");
    EXPECT_EQ(kept.inputs().at("serial_last4_asked"), wrong.serial);
    EXPECT_FALSE(kept.words().empty());
    EXPECT_EQ(reason_of(refused<SwitchOperation>(&Stub::Submit, request)), "WRONG_HOUSE") << "again the same";
  }
  EXPECT_TRUE(carrier.left.empty());
  EXPECT_TRUE(fixture->log.of(CallRecord::Kind::Access).empty()) << "nothing of the meter was told";
}

TEST_F(SwitchServiceTest, WhatStandsInTheWayIsNamed) {
  const std::string first = submit_rpc(asks("r1")).name();
  grpc::Status status = refused<SwitchOperation>(&Stub::Submit, asks("r2", SwitchOperation::CLOSE));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(reason_of(status), "SWITCH_LIVE");
  EXPECT_EQ(facts_of(status).at("operation"), first);
  EXPECT_EQ(facts_of(status).at("state"), "ACKNOWLEDGED");
  pass_and_tick(site.now_is.flight);
  status = refused<SwitchOperation>(&Stub::Submit, asks("r3"));
  EXPECT_EQ(reason_of(status), "SWITCH_UNCERTAIN");
  EXPECT_EQ(facts_of(status).at("operation"), first);
  EXPECT_EQ(carrier.left.size(), 1U);
}

TEST_F(SwitchServiceTest, WayBackHasItsOwnRefusals) {
  const auto reason = [&](const v1::SubmitSwitchRequest& request) {
    return reason_of(refused<SwitchOperation>(&Stub::Submit, request));
  };
  auto bare = asks("r1", SwitchOperation::CLOSE);
  bare.clear_attestations();
  EXPECT_EQ(reason(bare), "ATTESTATION");
  auto tariff = asks("r2", SwitchOperation::CLOSE);
  tariff.set_attestations(0, SwitchOperation::TARIFF_PERMITS);
  EXPECT_EQ(reason(tariff), "ARM_PREFERRED");
  site.now_is.load_side = sw::LoadSideVoltage::Present;
  EXPECT_EQ(reason(asks("r3", SwitchOperation::ARM)), "LOAD_SIDE_VOLTAGE");
  site.now_is.load_side = sw::LoadSideVoltage::Unreadable;
  const grpc::Status status =
      refused<SwitchOperation>(&Stub::Submit, asks("r4", SwitchOperation::CLOSE));
  EXPECT_EQ(reason_of(status), "LOAD_SIDE_UNREADABLE");
  EXPECT_EQ(facts_of(status).at("load_side_voltage"), "UNREADABLE");
  const SwitchOperation kept = shown(facts_of(status).at("rejected"));
  EXPECT_TRUE(kept.truck_roll());
  ASSERT_EQ(kept.attestations_size(), 1);
  EXPECT_EQ(kept.attestations(0), SwitchOperation::CUSTOMER_PRESENT);
  site.now_is.capability.arm = false;
  EXPECT_EQ(reason(asks("r5", SwitchOperation::ARM)), "CAPABILITY");
  EXPECT_TRUE(carrier.left.empty());
}

TEST_F(SwitchServiceTest, FieldsThatWillNotDoAreNamed) {
  using Change = std::function<void(v1::SubmitSwitchRequest&)>;
  const std::vector<std::pair<std::string, Change>> cases{
      {"meter", [](auto& r) { r.clear_meter(); }},
      {"meter", [](auto& r) { r.set_meter("M7"); }},
      {"meter", [](auto& r) { r.set_meter("utilities/maui/usagePoints/UP-7"); }},
      {"usage_point", [](auto& r) { r.clear_usage_point(); }},
      {"usage_point", [](auto& r) { r.set_usage_point("UP-7"); }},
      {"usage_point", [](auto& r) { r.set_usage_point("utilities/oahu/usagePoints/UP-7"); }},
      {"serial_last4", [](auto& r) { r.clear_serial_last4(); }},
      {"serial_last4", [](auto& r) { r.set_serial_last4("711"); }},
      {"serial_last4", [](auto& r) { r.set_serial_last4("94711"); }},
      {"action", [](auto& r) { r.clear_action(); }},
      {"action", [](auto& r) { r.set_action(static_cast<SwitchOperation::Action>(9)); }},
      {"reason", [](auto& r) { r.clear_reason(); }},
      {"reason", [](auto& r) { r.set_reason(static_cast<SwitchOperation::Reason>(99)); }},
      {"order_id", [](auto& r) { r.clear_order_id(); }},
      {"order_id", [](auto& r) { r.set_order_id(std::string(129, 'x')); }},
      {"order_id", [](auto& r) { r.set_order_id("a\nb"); }},
      {"on_behalf_of", [](auto& r) { r.set_on_behalf_of(std::string(129, 'x')); }},
      {"request_id", [](auto& r) { r.clear_request_id(); }},
      {"attestations", [](auto& r) { r.add_attestations(SwitchOperation::CUSTOMER_PRESENT); }},
      {"attestations[0]",
       [](auto& r) {
         r.set_action(SwitchOperation::CLOSE);
         r.add_attestations(static_cast<SwitchOperation::Attestation>(7));
       }},
      {"attestations",
       [](auto& r) {
         r.set_action(SwitchOperation::CLOSE);
         r.add_attestations(SwitchOperation::CUSTOMER_PRESENT);
         r.add_attestations(SwitchOperation::MAIN_BREAKER_OPEN);
       }},
      {"not_after", [](auto& r) { *r.mutable_not_after() = stamp("2026-01-15T11:59:59Z"); }},
      {"not_after", [](auto& r) { *r.mutable_not_after() = stamp("2026-01-25T12:00:00Z"); }},
      {"not_after",
       [](auto& r) {
         *r.mutable_not_before() = stamp("2026-01-15T14:00:00Z");
         *r.mutable_not_after() = stamp("2026-01-15T13:00:00Z");
       }},
      {"not_before", [](auto& r) { r.mutable_not_before()->set_nanos(-1); }},
  };
  for (const auto& [field, change] : cases) {
    auto request = asks("r1");
    change(request);
    const grpc::Status status = refused<SwitchOperation>(&Stub::Submit, request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << field << status.error_message();
    EXPECT_EQ(field_of(status), field) << request.ShortDebugString();
  }
  EXPECT_TRUE(store.list({.utility = maui})->empty());
  EXPECT_EQ(carrier.asked, 0);
}

TEST_F(SwitchServiceTest, MeterThatIsNotKnownIsNotFoundWithTheNearest) {
  auto request = asks("r1");
  request.set_meter("utilities/maui/meters/M70");
  const grpc::Status status = refused<SwitchOperation>(&Stub::Submit, request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(reason_of(status), "METER_NOT_FOUND");
  EXPECT_EQ(facts_of(status).at("nearest"), "utilities/maui/meters/M7");
  request.set_meter("utilities/molokai/meters/M7");
  request.set_usage_point("utilities/molokai/usagePoints/UP-7");
  EXPECT_EQ(reason_of(refused<SwitchOperation>(&Stub::Submit, request)), "UTILITY_NOT_FOUND");
}

TEST_F(SwitchServiceTest, BookThatIsAwayOrInDoubtIsSaidAndTheSameAgainIsCarriedOutOnce) {
  auto how = sw::FlakyStore::Fails::Before;
  store.fails = [&] { return how; };
  grpc::Status status = refused<SwitchOperation>(&Stub::Submit, asks("r1"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(reason_of(status), "STORE_UNAVAILABLE");
  EXPECT_TRUE(detail<google::rpc::RetryInfo>(status));
  how = sw::FlakyStore::Fails::After;
  status = refused<SwitchOperation>(&Stub::Submit, asks("r1"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(reason_of(status), "OUTCOME_IN_DOUBT");
  how = sw::FlakyStore::Fails::No;
  const std::string name = submit_rpc(asks("r1")).name();
  EXPECT_EQ(name, "utilities/maui/switchOperations/1");
  site.away = true;
  EXPECT_EQ(reason_of(refused<SwitchOperation>(&Stub::Submit, asks("r2"))), "STORE_UNAVAILABLE");
}

TEST_F(SwitchServiceTest, EvaluateTellsEveryCheckAndLeavesNoTrace) {
  v1::EvaluateSwitchRequest request;
  *request.mutable_request() = asks("");
  const auto yes = must(&Stub::Evaluate, request);
  EXPECT_TRUE(yes.allowed());
  EXPECT_EQ(yes.rule(), "");
  EXPECT_EQ(yes.feed(), "radio");
  EXPECT_EQ(yes.flight().seconds(), 360);
  EXPECT_EQ(yes.evidence_minimum(), SwitchOperation::E1_REPORTED);
  EXPECT_EQ(yes.evidence_attainable(), SwitchOperation::E3_INTERVALS);
  ASSERT_EQ(yes.evidence_levels_size(), 5);
  EXPECT_EQ(yes.evidence_levels(2).level(), SwitchOperation::E2_REGISTER);
  EXPECT_THAT(yes.evidence_levels(2).words(), ::testing::HasSubstr("20 h (2 x 1 kWh at 100 W)"));
  std::map<std::string, bool> passed;
  for (const v1::SwitchCheck& check : yes.checks()) passed[check.rule()] = check.passed();
  for (const char* rule : {"WRONG_HOUSE", "CAPABILITY", "SWITCH_UNCERTAIN", "NOT_AFTER"}) {
    ASSERT_TRUE(passed.contains(rule)) << rule;
    EXPECT_TRUE(passed[rule]) << rule;
  }

  request.mutable_request()->set_serial_last4("9999");
  site.now_is.capability.open = false;
  const auto no = must(&Stub::Evaluate, request);
  EXPECT_FALSE(no.allowed());
  EXPECT_EQ(no.rule(), "WRONG_HOUSE") << "the first that refuses";
  EXPECT_EQ(no.inputs().at("serial_last4_asked"), "9999");
  passed.clear();
  for (const v1::SwitchCheck& check : no.checks()) passed[check.rule()] = check.passed();
  EXPECT_FALSE(passed.at("WRONG_HOUSE"));
  EXPECT_FALSE(passed.at("CAPABILITY")) << "those behind it are told, too";
  EXPECT_TRUE(memory.list({.utility = maui})->empty());
  EXPECT_EQ(memory.outbox(0, 10)->size(), 0U);
  EXPECT_EQ(carrier.asked, 0);

  request.mutable_request()->set_meter("utilities/maui/meters/M70");
  EXPECT_EQ(reason_of(refused<v1::SwitchVerdict>(&Stub::Evaluate, request)), "METER_NOT_FOUND");
  EXPECT_EQ(field_of(refused<v1::SwitchVerdict>(&Stub::Evaluate, v1::EvaluateSwitchRequest{})), "meter");
}

TEST_F(SwitchServiceTest, EvaluateNamesWhatIsUnderWay) {
  const std::string name = submit_rpc(asks("r1")).name();
  v1::EvaluateSwitchRequest request;
  *request.mutable_request() = asks("r2", SwitchOperation::CLOSE);
  const auto verdict = must(&Stub::Evaluate, request);
  EXPECT_FALSE(verdict.allowed());
  EXPECT_EQ(verdict.rule(), "SWITCH_LIVE");
  EXPECT_EQ(verdict.inputs().at("operation"), name);
}

TEST_F(SwitchServiceTest, CancelHoldsUntilItLeavesAndIsHonestAfterwards) {
  auto later = asks("r1");
  *later.mutable_not_before() = stamp("2026-01-15T14:00:00Z");
  const std::string waits = submit_rpc(later).name();
  auto request = cancel_of(waits);
  request.set_on_behalf_of("Ada");
  const SwitchOperation cancelled = must(&Stub::Cancel, request);
  EXPECT_EQ(cancelled.state(), SwitchOperation::CANCELLED);
  EXPECT_EQ(shown(waits).changes().rbegin()->actor(), "local operator for Ada");
  EXPECT_EQ(reason_of(refused<SwitchOperation>(&Stub::Cancel, cancel_of(waits))), "ENDED");

  const std::string left = submit_rpc(asks("r2")).name();
  const grpc::Status late = refused<SwitchOperation>(&Stub::Cancel, cancel_of(left));
  EXPECT_EQ(late.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(reason_of(late), "TOO_LATE");
  EXPECT_EQ(facts_of(late).at("state"), "ACKNOWLEDGED");
  EXPECT_EQ(shown(left).changes().rbegin()->input(), "CANCEL_REFUSED");

  const grpc::Status nobody =
      refused<SwitchOperation>(&Stub::Cancel, cancel_of("utilities/maui/switchOperations/99"));
  EXPECT_EQ(nobody.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(reason_of(nobody), "SWITCH_OPERATION_NOT_FOUND");
  for (const char* name : {"", "7", "utilities/maui/operations/1", "utilities/maui/switchOperations/0",
                           "utilities/maui/switchOperations/x"})
    EXPECT_EQ(field_of(refused<SwitchOperation>(&Stub::Cancel, cancel_of(name))), "name") << name;
}

TEST_F(SwitchServiceTest, ObservationSettlesWhatIsNotKnown) {
  const std::string name = uncertain("r1");
  EXPECT_TRUE(shown(name).unresolved());
  auto request = seen_as(name, v1::Target::OPEN);
  request.set_on_behalf_of("crew 4");
  const SwitchOperation operation = must(&Stub::ResolveByObservation, request);
  EXPECT_EQ(operation.state(), SwitchOperation::VERIFIED_OPEN);
  EXPECT_FALSE(operation.unresolved());
  EXPECT_EQ(operation.position(), v1::Target::OPEN);
  EXPECT_EQ(operation.resolved_by(), "local operator for crew 4");
  EXPECT_EQ(operation.resolution(), "crew 4, report 881");
  const grpc::Status again = refused<SwitchOperation>(&Stub::ResolveByObservation, request);
  EXPECT_EQ(again.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(reason_of(again), "NOT_NOW");

  const std::string other = uncertain("r2");
  EXPECT_EQ(must(&Stub::ResolveByObservation, seen_as(other, v1::Target::CLOSED)).state(),
            SwitchOperation::FAILED);
}

TEST_F(SwitchServiceTest, ObservationWithoutPositionOrReferenceIsRefused) {
  const std::string name = uncertain("r1");
  const auto field = [&](const v1::ResolveSwitchRequest& request) {
    return field_of(refused<SwitchOperation>(&Stub::ResolveByObservation, request));
  };
  EXPECT_EQ(field(seen_as(name, v1::Target::SWITCH_POSITION_UNSPECIFIED)), "position");
  EXPECT_EQ(field(seen_as(name, static_cast<v1::Target::SwitchPosition>(9))), "position");
  auto bare = seen_as(name, v1::Target::OPEN);
  bare.clear_reference();
  EXPECT_EQ(field(bare), "reference");
  bare.set_reference(std::string(201, 'x'));
  EXPECT_EQ(field(bare), "reference");
  EXPECT_EQ(field(seen_as("1", v1::Target::OPEN)), "name");
  EXPECT_EQ(reason_of(refused<SwitchOperation>(
                &Stub::ResolveByObservation,
                seen_as("utilities/maui/switchOperations/99", v1::Target::OPEN))),
            "SWITCH_OPERATION_NOT_FOUND");
  EXPECT_EQ(shown(name).state(), SwitchOperation::UNCERTAIN);
}

TEST_F(SwitchServiceTest, ManyReadersDoNotKeepASwitchWaiting) {
  max_calls = 4;
  serve();
  fixture->workers.hold();  // the readers' threads
  v1::ListSwitchesRequest list;
  list.set_parent("utilities/maui");
  std::vector<std::future<grpc::Status>> readers;
  for (std::size_t i = 0; i < max_calls; ++i) {
    readers.push_back(std::async(std::launch::async, [&] {
      v1::ListSwitchesResponse response;
      return call(*local, &Stub::List, list, response);
    }));
  }
  fixture->workers.wait_posted(max_calls);
  const auto assets =
      v1::AssetService::NewStub(grpc::CreateChannel("unix:" + (fixture->folder.path() / "rpc.sock").string(),
                                                    grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::Meter meter;
  v1::GetMeterRequest get;
  get.set_name("utilities/maui/meters/M7");
  EXPECT_EQ(reason_of(assets->GetMeter(&context, get, &meter)), "TOO_MANY_CALLS");
  EXPECT_EQ(submit_rpc(asks("r1")).state(), SwitchOperation::ACKNOWLEDGED);
  fixture->workers.release();
  for (auto& reader : readers) EXPECT_TRUE(reader.get().ok());
}

TEST_F(SwitchServiceTest, GatewayThatOperatesNoSwitchesSaysSo) {
  serve(false);
  const auto reason = [&](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    return reason_of(status);
  };
  v1::WatchSwitchRequest followed;
  followed.set_name("utilities/maui/switchOperations/1");
  v1::GetSwitchRequest get;
  get.set_name(followed.name());
  v1::ListSwitchesRequest list;
  list.set_parent("utilities/maui");
  v1::ReadSwitchStateRequest state;
  state.set_meter("utilities/maui/meters/M7");
  EXPECT_EQ(reason(refused<SwitchOperation>(&Stub::Submit, asks("r1"))), "NO_SWITCHING");
  EXPECT_EQ(reason(refused<SwitchOperation>(&Stub::Cancel, cancel_of(get.name()))), "NO_SWITCHING");
  EXPECT_EQ(reason(refused<SwitchOperation>(&Stub::Get, get)), "NO_SWITCHING");
  EXPECT_EQ(reason(refused<v1::ListSwitchesResponse>(&Stub::List, list)), "NO_SWITCHING");
  EXPECT_EQ(reason(refused<v1::SwitchStanding>(&Stub::ReadState, state)), "NO_SWITCHING");
  EXPECT_EQ(reason(watch(followed, [](const auto&) {})), "NO_SWITCHING");
}

}  // namespace
}  // namespace ami::rpc
