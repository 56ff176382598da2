// What is told of switches over gRPC: lists, the standing of a meter, and streams that follow an operation.
#include <gmock/gmock.h>

#include <future>

#include "tests/daemon/rpc/switch_scene.h"

namespace ami::rpc {
namespace {

namespace sw = daemon::switching;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::reason_of;
using testing::stamp;
using v1::SwitchOperation;
using Stub = v1::SwitchService::Stub;

class SwitchBookTest : public testing::SwitchScene {
 protected:
  static v1::ListSwitchesRequest all() {
    v1::ListSwitchesRequest out;
    out.set_parent("utilities/maui");
    return out;
  }
  std::vector<std::string> names(const v1::ListSwitchesRequest& request) {
    std::vector<std::string> out;
    const auto listed = must(&Stub::List, request);
    for (const SwitchOperation& operation : listed.operations())
      out.push_back(operation.name().substr(operation.name().rfind('/') + 1));
    return out;
  }
  v1::WatchSwitchRequest follows(const std::string& name, std::int64_t after = 0) {
    v1::WatchSwitchRequest out;
    out.set_name(name);
    out.set_after_version(after);
    return out;
  }
  // Done as the far side says, with the device's time.
  void report(const std::string& name, sdk::SwitchPosition position) {
    ASSERT_TRUE(engine->reported(memory.get(maui, id_of(name))->transaction, done(position, wall)).ok());
  }
  v1::SwitchStanding standing() {
    v1::ReadSwitchStateRequest request;
    request.set_meter("utilities/maui/meters/M7");
    return must(&Stub::ReadState, request);
  }
};

TEST_F(SwitchBookTest, ListIsNewestFirstAndTakesEveryFilter) {
  EXPECT_THAT(names(all()), IsEmpty());
  submit_rpc(asks("r1"));
  pass_and_tick(site.now_is.flight);  // 1: UNCERTAIN
  site.now_is.load_side = sw::LoadSideVoltage::Unreadable;
  refused<SwitchOperation>(&Stub::Submit, asks("r2", SwitchOperation::ARM));  // 2: REJECTED, a truck roll
  site.now_is.load_side = sw::LoadSideVoltage::Absent;
  submit_rpc(asks("r3", SwitchOperation::ARM));  // 3: under way
  EXPECT_THAT(names(all()), ElementsAre("3", "2", "1"));
  auto request = all();
  request.set_unresolved_only(true);
  EXPECT_THAT(names(request), ElementsAre("1"));
  request = all();
  request.set_truck_roll_only(true);
  EXPECT_THAT(names(request), ElementsAre("2"));
  request = all();
  request.add_states(SwitchOperation::UNCERTAIN);
  request.add_states(SwitchOperation::ACKNOWLEDGED);
  EXPECT_THAT(names(request), ElementsAre("3", "1"));
  request = all();
  *request.mutable_since() = stamp("2026-01-15T12:06:00Z");
  EXPECT_THAT(names(request), ElementsAre("3", "2"));
  request.set_meter("utilities/maui/meters/M7");
  EXPECT_THAT(names(request), ElementsAre("3", "2"));
}

TEST_F(SwitchBookTest, ListTellsNoValuesOfTheMeter) {
  const std::string name = submit_rpc(asks("r1")).name();
  report(name, sdk::SwitchPosition::Open);
  ASSERT_EQ(shown(name).final_register(), "1234.5 kWh");
  const std::size_t accesses = fixture->log.of(CallRecord::Kind::Access).size();
  const auto listed = must(&Stub::List, all());
  ASSERT_EQ(listed.operations_size(), 1);
  EXPECT_EQ(listed.operations(0).state(), SwitchOperation::VERIFIED_OPEN);
  EXPECT_EQ(listed.operations(0).final_register(), "");
  EXPECT_EQ(listed.operations(0).evidence_words(), "");
  EXPECT_EQ(listed.operations(0).words(), "");
  EXPECT_EQ(listed.operations(0).changes_size(), 0);
  EXPECT_EQ(fixture->log.of(CallRecord::Kind::Access).size(), accesses);
}

TEST_F(SwitchBookTest, PagesFollowEachOtherToTheEnd) {
  site.now_is.capability.open = false;
  for (int i = 1; i <= 5; ++i) refused<SwitchOperation>(&Stub::Submit, asks("r" + std::to_string(i)));
  auto request = all();
  request.set_page_size(2);
  std::vector<std::string> seen;
  int pages = 0;
  do {
    const auto page = must(&Stub::List, request);
    EXPECT_LE(page.operations_size(), 2);
    for (const SwitchOperation& operation : page.operations()) seen.push_back(operation.request_id());
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_THAT(seen, ElementsAre("r5", "r4", "r3", "r2", "r1"));
  EXPECT_EQ(pages, 3);
  auto whole = all();
  whole.set_page_size(5);
  EXPECT_EQ(must(&Stub::List, whole).next_page_token(), "") << "nothing follows a page that is just full";
}

TEST_F(SwitchBookTest, ListThatWillNotDoNamesItsField) {
  const auto field = [&](const v1::ListSwitchesRequest& request) {
    return field_of(refused<v1::ListSwitchesResponse>(&Stub::List, request));
  };
  EXPECT_EQ(field({}), "parent");
  auto request = all();
  request.set_page_size(1001);
  EXPECT_EQ(field(request), "page_size");
  request = all();
  request.set_page_token("made up");
  EXPECT_EQ(field(request), "page_token");
  request = all();
  request.set_meter("utilities/oahu/meters/M7");
  EXPECT_EQ(field(request), "meter");
  request.set_meter("utilities/maui/meters/M70");
  EXPECT_EQ(reason_of(refused<v1::ListSwitchesResponse>(&Stub::List, request)), "METER_NOT_FOUND");
  request = all();
  request.add_states(SwitchOperation::QUEUED);
  request.add_states(SwitchOperation::STATE_UNSPECIFIED);
  EXPECT_EQ(field(request), "states[1]");
  request = all();
  request.mutable_since()->set_nanos(-5);
  EXPECT_EQ(field(request), "since");
}

TEST_F(SwitchBookTest, StandingTellsWhoSaysWhatAndWhatCanBeShown) {
  site.now_is.capability.arm = false;
  site.now_is.capability.lines = {{"approval", true, "the notice covers it", "AE-1641 Rev. 6, page 3"},
                                  {"ARM", false, "the interface does not state it", ""}};
  const auto out = standing();
  EXPECT_EQ(out.meter(), "utilities/maui/meters/M7");
  EXPECT_EQ(out.usage_point(), "utilities/maui/usagePoints/UP-7");
  EXPECT_EQ(out.feed(), "radio");
  ASSERT_EQ(out.capability_size(), 2);
  EXPECT_EQ(out.capability(0).source(), "approval");
  EXPECT_TRUE(out.capability(0).yes());
  EXPECT_EQ(out.capability(0).clauses(), "AE-1641 Rev. 6, page 3");
  ASSERT_EQ(out.ways_size(), 3);
  EXPECT_TRUE(out.ways(0).stated());
  EXPECT_EQ(out.ways(0).refusal(), "");
  EXPECT_EQ(out.ways(0).evidence_attainable(), SwitchOperation::E3_INTERVALS);
  EXPECT_EQ(out.ways(0).evidence_levels_size(), 5);
  EXPECT_FALSE(out.ways(2).stated());
  EXPECT_THAT(out.ways(2).refusal(), ::testing::HasSubstr("does not state it"));
  EXPECT_EQ(out.ways(2).evidence_attainable(), SwitchOperation::E1_REPORTED) << "energy tells nothing of an ARM";
  EXPECT_EQ(out.load_side_voltage(), "ABSENT");
  EXPECT_EQ(out.position(), v1::Target::SWITCH_POSITION_UNSPECIFIED);
  EXPECT_EQ(out.intended(), v1::Target::SWITCH_POSITION_UNSPECIFIED);
  EXPECT_EQ(carrier.asked, 0);
}

TEST_F(SwitchBookTest, StandingTellsPositionIntentionAndWhatIsNotKnown) {
  const std::string opened = submit_rpc(asks("r1")).name();
  EXPECT_EQ(standing().live_operation(), opened);
  EXPECT_EQ(standing().intended(), v1::Target::OPEN) << "it may have been done";
  pass_and_tick(std::chrono::seconds{20});
  report(opened, sdk::SwitchPosition::Open);
  auto out = standing();
  EXPECT_EQ(out.position(), v1::Target::OPEN);
  EXPECT_EQ(out.position_operation(), opened);
  EXPECT_EQ(testing::text_of(out.position_time()), "2026-01-15T12:00:20Z");
  EXPECT_THAT(out.position_source(), ::testing::HasSubstr("reported OPEN"));
  EXPECT_EQ(out.intended(), v1::Target::OPEN);
  EXPECT_EQ(out.live_operation(), "");

  const std::string closed = submit_rpc(asks("r2", SwitchOperation::CLOSE)).name();
  pass_and_tick(site.now_is.flight);
  out = standing();
  EXPECT_EQ(out.position(), v1::Target::OPEN) << "nobody said anything since";
  EXPECT_EQ(out.intended(), v1::Target::CLOSED);
  EXPECT_EQ(out.intended_operation(), closed);
  EXPECT_THAT(out.unresolved_operations(), ElementsAre(closed));

  v1::ReadSwitchStateRequest request;
  request.set_meter("utilities/maui/meters/M70");
  EXPECT_EQ(reason_of(refused<v1::SwitchStanding>(&Stub::ReadState, request)), "METER_NOT_FOUND");
  request.set_meter("M7");
  EXPECT_EQ(field_of(refused<v1::SwitchStanding>(&Stub::ReadState, request)), "meter");
}

TEST_F(SwitchBookTest, EventOfTheMeterTellsThePositionWhenItIsNewer) {
  events.told = storage::ToldPosition{"CLOSED", wall - std::chrono::hours{1}, "EVENT"};
  auto out = standing();
  EXPECT_EQ(out.position(), v1::Target::CLOSED);
  EXPECT_EQ(testing::text_of(out.position_time()), "2026-01-15T11:00:00Z");
  EXPECT_THAT(out.position_source(), ::testing::HasSubstr("event"));
  EXPECT_EQ(out.position_operation(), "");
  const std::string opened = submit_rpc(asks("r1")).name();
  report(opened, sdk::SwitchPosition::Open);
  out = standing();
  EXPECT_EQ(out.position(), v1::Target::OPEN) << "the event is older";
  EXPECT_EQ(out.position_operation(), opened);
  events.told = storage::ToldPosition{"CLOSED", wall + std::chrono::minutes{1}, "EVENT"};
  EXPECT_EQ(standing().position(), v1::Target::CLOSED);
  EXPECT_EQ(standing().intended(), v1::Target::OPEN);
  events.told->source = "OPERATION";
  EXPECT_EQ(standing().position_operation(), opened) << "the book says more of it";
}

TEST_F(SwitchBookTest, OperationThatFailedIsNobodysIntention) {
  carrier.answer = says(sdk::AttemptState::Failed, "rejected");
  EXPECT_EQ(submit_rpc(asks("r1")).state(), SwitchOperation::FAILED);
  EXPECT_EQ(standing().intended(), v1::Target::SWITCH_POSITION_UNSPECIFIED);
}

class SwitchDifferenceTest : public SwitchBookTest {
 protected:
  SwitchDifferenceTest() {
    for (std::int64_t id = 3; id > 0; --id) {
      storage::SwitchFinding one;
      one.id = id;
      one.utility = maui;
      one.meter = "M7";
      one.usage_point = "UP-7";
      one.kind = storage::SwitchFindingKind::Position;
      one.intended = "OPEN";
      one.intended_by = 17;
      one.actual = "CLOSED";
      one.actual_source = "EVENT";
      one.actual_at = wall;
      one.words = "12 kWh since";
      one.first_seen = one.last_seen = wall;
      if (id == 1) one.ended_at = wall;
      found.findings.push_back(one);
    }
    found.comparison = storage::SwitchComparison{maui, wall, 40, 5, 2};
  }
  static v1::ReconcileSwitchesRequest asks_for(const std::string& purpose = {}) {
    v1::ReconcileSwitchesRequest out;
    out.set_parent("utilities/maui");
    out.set_purpose(purpose);
    return out;
  }
};

TEST_F(SwitchDifferenceTest, ComparisonAndWhatHoldsIsToldAndWordsOnlyWithAPurpose) {
  const auto bare = must(&Stub::Reconcile, asks_for());
  EXPECT_EQ(testing::text_of(bare.compare_time()), "2026-01-15T12:00:00Z");
  EXPECT_EQ(bare.compared(), 40);
  EXPECT_EQ(bare.unknown(), 5);
  EXPECT_EQ(bare.differences(), 2);
  ASSERT_EQ(bare.findings_size(), 2) << "one has ended";
  const v1::SwitchDifference& one = bare.findings(0);
  EXPECT_EQ(one.id(), 3);
  EXPECT_EQ(one.kind(), v1::SwitchDifference::POSITION);
  EXPECT_EQ(one.meter(), "utilities/maui/meters/M7");
  EXPECT_EQ(one.usage_point(), "utilities/maui/usagePoints/UP-7");
  EXPECT_EQ(one.intended(), v1::Target::OPEN);
  EXPECT_EQ(one.intended_operation(), "utilities/maui/switchOperations/17");
  EXPECT_EQ(one.actual(), v1::Target::CLOSED);
  EXPECT_EQ(one.actual_source(), "EVENT");
  EXPECT_EQ(one.words(), "");
  EXPECT_TRUE(fixture->log.of(CallRecord::Kind::Access).empty());
  auto more = asks_for("daily check");
  more.set_ended_too(true);
  const auto told = must(&Stub::Reconcile, more);
  ASSERT_EQ(told.findings_size(), 3);
  EXPECT_EQ(told.findings(0).words(), "12 kWh since");
  EXPECT_TRUE(told.findings(2).has_end_time());
  ASSERT_EQ(fixture->log.of(CallRecord::Kind::Access).size(), 1U) << "one meter";
  EXPECT_EQ(fixture->log.of(CallRecord::Kind::Access)[0].purpose, "daily check");
}

TEST_F(SwitchDifferenceTest, DifferencesComeInPagesAndBadRequestsAreNamed) {
  auto request = asks_for();
  request.set_page_size(1);
  std::vector<std::int64_t> ids;
  do {
    const auto page = must(&Stub::Reconcile, request);
    for (const v1::SwitchDifference& one : page.findings()) ids.push_back(one.id());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(ids, ElementsAre(3, 2));
  const auto field = [&](const v1::ReconcileSwitchesRequest& bad) {
    return field_of(refused<v1::ReconcileSwitchesResponse>(&Stub::Reconcile, bad));
  };
  EXPECT_EQ(field({}), "parent");
  EXPECT_EQ(field(asks_for("x")), "purpose");
  request.set_page_token("made up");
  EXPECT_EQ(field(request), "page_token");
  serve(true, false);
  EXPECT_EQ(reason_of(refused<v1::ReconcileSwitchesResponse>(&Stub::Reconcile, asks_for())), "NO_COMPARISON");
}

TEST_F(SwitchBookTest, WatchTellsEveryChangeOnceAndEndsWithTheOperation) {
  const std::string name = submit_rpc(asks("r1")).name();
  std::vector<std::int64_t> versions;
  std::vector<SwitchOperation::State> states;
  bool reported = false;
  const grpc::Status status = watch(follows(name), [&](const v1::SwitchUpdate& update) {
    EXPECT_EQ(update.operation().name(), name);
    EXPECT_EQ(update.operation().changes_size(), 0);
    for (const v1::SwitchChange& change : update.changes()) {
      versions.push_back(change.version());
      if (states.empty() || states.back() != change.to()) states.push_back(change.to());
    }
    if (!std::exchange(reported, true)) report(name, sdk::SwitchPosition::Open);
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
  for (std::size_t i = 0; i < versions.size(); ++i) EXPECT_EQ(versions[i], static_cast<std::int64_t>(i) + 1);
  EXPECT_THAT(states, ElementsAre(SwitchOperation::REQUESTED, SwitchOperation::POLICY_CHECKED,
                                  SwitchOperation::AUTHORISED, SwitchOperation::QUEUED, SwitchOperation::SENT,
                                  SwitchOperation::ACKNOWLEDGED, SwitchOperation::VERIFYING,
                                  SwitchOperation::VERIFIED_OPEN));
}

TEST_F(SwitchBookTest, WatchGoesOnWhereItBroke) {
  const std::string name = submit_rpc(asks("r1")).name();
  report(name, sdk::SwitchPosition::Open);
  const std::int64_t version = shown(name).version();
  std::vector<std::int64_t> versions;
  int messages = 0;
  const auto note = [&](const v1::SwitchUpdate& update) {
    ++messages;
    EXPECT_EQ(update.operation().state(), SwitchOperation::VERIFIED_OPEN);
    for (const v1::SwitchChange& change : update.changes()) versions.push_back(change.version());
  };
  EXPECT_TRUE(watch(follows(name, version - 2), note).ok());
  EXPECT_THAT(versions, ElementsAre(version - 1, version));
  EXPECT_EQ(messages, 1);
  versions.clear();
  EXPECT_TRUE(watch(follows(name, version), note).ok()) << "all was told: it only ends";
  EXPECT_THAT(versions, IsEmpty());
  EXPECT_EQ(messages, 2);
}

TEST_F(SwitchBookTest, WatchOfEvidenceGoesOnUntilNothingMoreCanBeShown) {
  const std::string name = submit_rpc(asks("r1")).name();
  auto request = follows(name);
  request.set_follow_evidence(true);
  std::vector<SwitchOperation::Evidence> climbed;
  const UtcInstant done_at = wall;
  const grpc::Status status = watch(request, [&](const v1::SwitchUpdate& update) {
    const SwitchOperation& now = update.operation();
    if (!climbed.empty() && climbed.back() == now.evidence()) return;
    climbed.push_back(now.evidence());
    if (now.evidence() == SwitchOperation::NO_EVIDENCE) report(name, sdk::SwitchPosition::Open);
    if (now.evidence() == SwitchOperation::E1_REPORTED) {
      EXPECT_EQ(now.state(), SwitchOperation::VERIFIED_OPEN) << "ended, and the stream goes on";
      sw::IntervalRun zeros{done_at, std::chrono::minutes{15}, {Decimal{0, 0}, Decimal{0, 0}}};
      EXPECT_TRUE(engine->learnt(site.now_is.house.meter_id, zeros).ok());
    }
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(climbed.front(), SwitchOperation::NO_EVIDENCE);
  EXPECT_EQ(climbed.back(), SwitchOperation::E3_INTERVALS);
}

TEST_F(SwitchBookTest, WatchOfEvidenceWaitsForWhatIsUnresolved) {
  const std::string name = submit_rpc(asks("r1")).name();
  pass_and_tick(site.now_is.flight);
  auto request = follows(name);
  request.set_follow_evidence(true);
  SwitchOperation::State last = SwitchOperation::STATE_UNSPECIFIED;
  const grpc::Status status = watch(request, [&](const v1::SwitchUpdate& update) {
    last = update.operation().state();
    if (last != SwitchOperation::UNCERTAIN) return;
    EXPECT_TRUE(engine
                    ->resolve(maui, id_of(name),
                              {sdk::SwitchPosition::Closed, "the customer on the phone", "cn=pat"})
                    .ok());
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(last, SwitchOperation::FAILED);
}

TEST_F(SwitchBookTest, WatchThatCannotBeIsRefused) {
  const std::string name = submit_rpc(asks("r1")).name();
  const auto nothing = [](const v1::SwitchUpdate&) { ADD_FAILURE() << "told something"; };
  EXPECT_EQ(reason_of(watch(follows("utilities/maui/switchOperations/99"), nothing)),
            "SWITCH_OPERATION_NOT_FOUND");
  EXPECT_EQ(field_of(watch(follows("99"), nothing)), "name");
  EXPECT_EQ(field_of(watch(follows(name, -1), nothing)), "after_version");
  EXPECT_EQ(field_of(watch(follows(name, 1000), nothing)), "after_version");
}

TEST_F(SwitchBookTest, GatewayThatStopsEndsStreams) {
  const std::string name = submit_rpc(asks("r1")).name();
  std::promise<void> seen;
  auto watching = std::async(std::launch::async, [&] {
    bool first = true;
    return watch(follows(name), [&](const auto&) {
      if (std::exchange(first, false)) seen.set_value();
    });
  });
  seen.get_future().wait();
  fixture->server->drain(std::chrono::seconds{30});
  const grpc::Status status = watching.get();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(reason_of(status), "GATEWAY_STOPPING");
}

TEST_F(SwitchBookTest, CallerWhoGoesAwayFreesItsPlace) {
  const std::string name = submit_rpc(asks("r1")).name();
  grpc::ClientContext context;
  const auto stream = local->Watch(&context, follows(name));
  v1::SwitchUpdate message;
  ASSERT_TRUE(stream->Read(&message));
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  fixture->server->drain(std::chrono::seconds{30});  // returns: no call is left
}

}  // namespace
}  // namespace ami::rpc
