// Holds, kill switches and limits over gRPC, with their stores in a database behind them.
#include <gmock/gmock.h>

#include "storage/postgres/safety_holds.h"
#include "storage/postgres/switch_limits.h"
#include "storage/postgres/switching.h"
#include "tests/daemon/rpc/switch_scene.h"

namespace ami::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::reason_of;
using testing::stamp;
using v1::SafetyHold;
using v1::SwitchStop;
using Stub = v1::SwitchService::Stub;

class SwitchGuardsTest : public testing::SwitchScene {
 protected:
  SwitchGuardsTest() {
    holds = &holds_;
    stops = &stops_;
    limits = &limits_;
    reviews = &reviews_;
    serve();
  }
  ~SwitchGuardsTest() override { fixture->server->drain(std::chrono::seconds{5}); }

  static v1::SetSafetyHoldRequest hold(SafetyHold::Scope scope, const std::string& place,
                                       SafetyHold::Effect effect = SafetyHold::NO_COMMAND) {
    v1::SetSafetyHoldRequest out;
    out.set_parent("utilities/maui");
    out.set_scope(scope);
    out.set_place(place);
    out.set_effect(effect);
    out.set_reason("line crew");
    out.set_reference("permit 881");
    return out;
  }
  static v1::LiftSafetyHoldRequest lift(std::int64_t id) {
    v1::LiftSafetyHoldRequest out;
    out.set_parent("utilities/maui");
    out.set_id(id);
    out.set_reason("crew is back");
    return out;
  }
  std::vector<std::int64_t> held(bool in_force_only) {
    v1::ListSafetyHoldsRequest request;
    request.set_parent("utilities/maui");
    request.set_in_force_only(in_force_only);
    request.set_page_size(1);
    std::vector<std::int64_t> out;
    do {
      const auto page = must(&Stub::ListHolds, request);
      for (const SafetyHold& one : page.holds()) out.push_back(one.id());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return out;
  }
  static v1::StopSwitchingRequest stop(SwitchStop::Scope scope) {
    v1::StopSwitchingRequest out;
    out.set_parent("utilities/maui");
    out.set_scope(scope);
    out.set_reason("wrong list, order 12");
    return out;
  }
  static v1::ResumeSwitchingRequest resume(std::int64_t id) {
    v1::ResumeSwitchingRequest out;
    out.set_parent("utilities/maui");
    out.set_id(id);
    out.set_reason("list corrected");
    return out;
  }

 private:
  storage::Database database_{storage::DatabaseOptions{.conninfo = conninfo}};
  storage::PostgresSafetyHolds holds_{database_};
  storage::PostgresSwitchStops stops_{database_};
  storage::PostgresSwitchLimits limits_{database_};
  storage::PostgresSwitchReviews reviews_{database_};
};

// The book of the engine is another one here: its clock stands at 2026-01-15T12:00:00Z.
TEST_F(SwitchGuardsTest, HoldAndStopNameWhatLeftBeforeAndMayStillAct) {
  const SafetyHold before = must(&Stub::SetHold, hold(SafetyHold::METER, "M7"));
  EXPECT_TRUE(before.still_acting().known());
  EXPECT_EQ(before.still_acting().commands(), 0);
  EXPECT_FALSE(before.still_acting().has_until_time());

  carrier.answers_at_once = false;  // it left, and the far side is silent
  const auto sent = get(open("r1").id);
  ASSERT_EQ(sent.state, daemon::switching::State::Sent);
  ASSERT_GT(sent.flight.count(), 0);
  const std::string end = to_text(*sent.sent_at + sent.flight);
  const std::string name = "utilities/maui/switchOperations/" + std::to_string(sent.id);
  const auto acting = [&](const v1::StillActing& told) {
    EXPECT_TRUE(told.known());
    if (told.commands() == 0) {
      EXPECT_FALSE(told.has_until_time());
      EXPECT_EQ(told.names_size(), 0);
      return false;
    }
    EXPECT_EQ(told.commands(), 1);
    EXPECT_EQ(testing::text_of(told.until_time()), end);
    EXPECT_THAT(told.names(), ElementsAre(name));
    return true;
  };
  EXPECT_TRUE(acting(must(&Stub::SetHold, hold(SafetyHold::METER, "M7")).still_acting()));
  EXPECT_TRUE(acting(must(&Stub::SetHold, hold(SafetyHold::METER, "M7", SafetyHold::NO_OPEN)).still_acting()));
  EXPECT_FALSE(acting(must(&Stub::SetHold, hold(SafetyHold::METER, "M7", SafetyHold::NO_CLOSE)).still_acting()))
      << "it opens";
  EXPECT_TRUE(acting(must(&Stub::Stop, stop(SwitchStop::OPENS)).still_acting()));
  EXPECT_TRUE(acting(must(&Stub::Stop, stop(SwitchStop::ALL)).still_acting()));

  storage::Database database(storage::DatabaseOptions{.conninfo = conninfo});
  storage::Assets assets(database);
  storage::UsagePointDetail place;
  place.valid.from = UtcInstant{std::chrono::sys_days{std::chrono::year{2020} / 1 / 1}};
  place.feeder = "F-1";
  ASSERT_TRUE(assets.create_usage_point(maui, "UP-7", place).ok());
  place.feeder = "F-2";
  place.transformer = "T-2";
  ASSERT_TRUE(assets.create_usage_point(maui, "UP-8", place).ok());
  EXPECT_TRUE(acting(must(&Stub::SetHold, hold(SafetyHold::FEEDER, "F-1")).still_acting()));
  EXPECT_FALSE(acting(must(&Stub::SetHold, hold(SafetyHold::FEEDER, "F-2")).still_acting())) << "elsewhere";
  EXPECT_TRUE(acting(must(&Stub::SetHold, hold(SafetyHold::TRANSFORMER, "T-2")).still_acting()))
      << "nobody knows on which transformer it is";
  EXPECT_TRUE(acting(must(&Stub::SetHold, hold(SafetyHold::USAGE_POINT, "UP-7")).still_acting()));
  EXPECT_FALSE(acting(must(&Stub::SetHold, hold(SafetyHold::USAGE_POINT, "UP-8")).still_acting()));

  fixture->now = *sent.sent_at + sent.flight;
  EXPECT_FALSE(acting(must(&Stub::Stop, stop(SwitchStop::ALL)).still_acting())) << "its flight is over";
  v1::ListSwitchStopsRequest list;
  list.set_parent("utilities/maui");
  for (const auto stopped = must(&Stub::ListStops, list); const SwitchStop& one : stopped.stops())
    EXPECT_FALSE(one.has_still_acting()) << "only of the answer to Stop";
}

TEST_F(SwitchGuardsTest, EmergencyIsReviewedByAnotherPersonOnce) {
  storage::Database database(storage::DatabaseOptions{.conninfo = conninfo});
  storage::PostgresSwitching book(database);
  const UtcInstant now = parse_instant("2026-01-15T12:00:00Z").value();
  storage::SwitchAsked asked;
  asked.utility = maui;
  asked.meter_id = site.now_is.house.meter_id;
  asked.meter = "M7";
  asked.usage_point = "UP-7";
  asked.reason = "EMERGENCY_SAFETY";
  asked.caller = "Ada";
  asked.request_id = "r1";
  asked.created_at = asked.not_before = now;
  asked.not_after = now + std::chrono::hours{1};
  storage::SwitchNote note;
  note.input = "MOVE";
  note.actor = "gateway";
  auto op = book.create(asked, note).value().operation;
  for (const auto state : {storage::SwitchState::Queued, storage::SwitchState::Sent}) {
    op.version += 1;
    op.state = state;
    if (state == storage::SwitchState::Sent) {
      op.transaction = "sw1";
      op.sent_at = now;
    }
    ASSERT_TRUE(book.move(op, note).ok());
  }
  v1::ListEmergenciesRequest list;
  list.set_parent("utilities/maui");
  const auto due = must(&Stub::ListEmergencies, list);
  ASSERT_EQ(due.emergencies_size(), 1);
  const std::string name = "utilities/maui/switchOperations/" + std::to_string(op.id);
  EXPECT_EQ(due.emergencies(0).name(), name);
  EXPECT_EQ(due.emergencies(0).person(), "Ada");
  EXPECT_EQ(due.emergencies(0).due_time().seconds() - due.emergencies(0).leave_time().seconds(), 86400);
  EXPECT_FALSE(due.emergencies(0).overdue());

  v1::ReviewEmergencyRequest request;
  request.set_name(name);
  request.set_words("fire brigade's call 4711");
  const auto ada = caller({"switch"}, "Ada"), pat = caller({"hold-admin"}, "Pat");
  v1::EmergencyReview out;
  const grpc::Status own = call(*ada, &Stub::ReviewEmergency, request, out);
  EXPECT_EQ(own.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(reason_of(own), "SAME_PERSON");
  auto bad = request;
  bad.set_words("x");
  EXPECT_EQ(field_of(refused<v1::EmergencyReview>(&Stub::ReviewEmergency, bad)), "words");
  bad = request;
  bad.set_words(std::string(201, 'x'));
  EXPECT_EQ(field_of(refused<v1::EmergencyReview>(&Stub::ReviewEmergency, bad)), "words");
  bad = request;
  bad.set_name("17");
  EXPECT_EQ(field_of(refused<v1::EmergencyReview>(&Stub::ReviewEmergency, bad)), "name");
  bad.set_name("utilities/maui/switchOperations/999");
  EXPECT_EQ(reason_of(refused<v1::EmergencyReview>(&Stub::ReviewEmergency, bad)), "EMERGENCY_NOT_FOUND");
  EXPECT_EQ(must(&Stub::ListEmergencies, list).emergencies_size(), 1) << "none of these was a look";
  ASSERT_TRUE(call(*pat, &Stub::ReviewEmergency, request, out).ok());
  EXPECT_EQ(out.name(), name);
  EXPECT_EQ(out.actor(), "Pat");
  EXPECT_EQ(must(&Stub::ListEmergencies, list).emergencies_size(), 0);
  EXPECT_EQ(reason_of(refused<v1::EmergencyReview>(&Stub::ReviewEmergency, request)), "ALREADY_REVIEWED");
}

TEST_F(SwitchGuardsTest, HoldIsSetListedAndLiftedOnce) {
  auto request = hold(SafetyHold::METER, "M7", SafetyHold::NO_OPEN);
  *request.mutable_expire_time() = stamp("2099-01-01T00:00:00Z");
  const SafetyHold set = must(&Stub::SetHold, request);
  EXPECT_GT(set.id(), 0);
  EXPECT_EQ(set.scope(), SafetyHold::METER);
  EXPECT_EQ(set.place(), "M7");
  EXPECT_EQ(set.effect(), SafetyHold::NO_OPEN);
  EXPECT_EQ(set.holder(), "local operator");
  EXPECT_EQ(set.role(), "hold-admin");
  EXPECT_EQ(set.reason(), "line crew");
  EXPECT_EQ(set.reference(), "permit 881");
  EXPECT_EQ(testing::text_of(set.expire_time()), "2099-01-01T00:00:00Z");
  EXPECT_FALSE(set.has_lift_time());
  const SafetyHold second = must(&Stub::SetHold, hold(SafetyHold::METER, "M7"));
  EXPECT_THAT(held(true), ElementsAre(second.id(), set.id())) << "newest first, in pages of one";
  const SafetyHold lifted = must(&Stub::LiftHold, lift(set.id()));
  EXPECT_TRUE(lifted.has_lift_time());
  EXPECT_EQ(lifted.lifted_by(), "local operator");
  EXPECT_EQ(lifted.lift_reason(), "crew is back");
  EXPECT_THAT(held(true), ElementsAre(second.id()));
  EXPECT_THAT(held(false), ElementsAre(second.id(), set.id()));
  const grpc::Status again = refused<SafetyHold>(&Stub::LiftHold, lift(set.id()));
  EXPECT_EQ(again.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(reason_of(again), "ALREADY_LIFTED");
  EXPECT_EQ(reason_of(refused<SafetyHold>(&Stub::LiftHold, lift(999))), "SAFETY_HOLD_NOT_FOUND");
}

TEST_F(SwitchGuardsTest, HoldThatWillNotDoNamesItsField) {
  using Change = std::function<void(v1::SetSafetyHoldRequest&)>;
  const std::vector<std::pair<std::string, Change>> cases{
      {"parent", [](auto& r) { r.clear_parent(); }},
      {"scope", [](auto& r) { r.clear_scope(); }},
      {"scope", [](auto& r) { r.set_scope(static_cast<SafetyHold::Scope>(9)); }},
      {"effect", [](auto& r) { r.clear_effect(); }},
      {"effect", [](auto& r) { r.set_effect(static_cast<SafetyHold::Effect>(-1)); }},
      {"place", [](auto& r) { r.clear_place(); }},
      {"place", [](auto& r) { r.set_place(std::string(129, 'x')); }},
      {"reason", [](auto& r) { r.set_reason("x"); }},
      {"reason", [](auto& r) { r.set_reason(std::string(201, 'x')); }},
      {"reference", [](auto& r) { r.set_reference("a\tb"); }},
      {"expire_time", [](auto& r) { *r.mutable_expire_time() = stamp("2001-01-01T00:00:00Z"); }},
      {"expire_time", [](auto& r) { r.mutable_expire_time()->set_nanos(-1); }},
  };
  for (const auto& [field, change] : cases) {
    auto request = hold(SafetyHold::METER, "M7");
    change(request);
    EXPECT_EQ(field_of(refused<SafetyHold>(&Stub::SetHold, request)), field) << request.ShortDebugString();
  }
  EXPECT_EQ(reason_of(refused<SafetyHold>(&Stub::SetHold, hold(SafetyHold::METER, "M70"))), "METER_NOT_FOUND");
  EXPECT_EQ(reason_of(refused<SafetyHold>(&Stub::SetHold, hold(SafetyHold::USAGE_POINT, "UP-70"))),
            "USAGE_POINT_NOT_FOUND");
  EXPECT_EQ(refused<SafetyHold>(&Stub::SetHold, hold(SafetyHold::FEEDER, "F-12")).error_code(),
            grpc::StatusCode::NOT_FOUND)
      << "no usage point is on it";
  EXPECT_EQ(field_of(refused<SafetyHold>(&Stub::LiftHold, lift(0))), "id");
  auto bare = lift(1);
  bare.clear_reason();
  EXPECT_EQ(field_of(refused<SafetyHold>(&Stub::LiftHold, bare)), "reason");
  EXPECT_THAT(held(false), IsEmpty());
}

TEST_F(SwitchGuardsTest, StopNeedsTwoPersonsToEnd) {
  const SwitchStop set = must(&Stub::Stop, stop(SwitchStop::OPENS));
  EXPECT_EQ(set.scope(), SwitchStop::OPENS);
  EXPECT_EQ(set.actor(), "local operator");
  EXPECT_EQ(set.reason(), "wrong list, order 12");
  EXPECT_TRUE(set.in_force());
  const auto ada = caller({"switch"}, "Ada"), pat = caller({"hold-admin"}, "Pat");
  SwitchStop out;
  ASSERT_TRUE(call(*ada, &Stub::Resume, resume(set.id()), out).ok());
  EXPECT_TRUE(out.in_force()) << "one is not enough";
  EXPECT_THAT(out.cleared_by(), ElementsAre("Ada"));
  const grpc::Status twice = call(*ada, &Stub::Resume, resume(set.id()), out);
  EXPECT_EQ(twice.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(reason_of(twice), "ALREADY_CLEARED");
  ASSERT_TRUE(call(*pat, &Stub::Resume, resume(set.id()), out).ok());
  EXPECT_FALSE(out.in_force());
  EXPECT_THAT(out.cleared_by(), ElementsAre("Ada", "Pat"));
  EXPECT_EQ(reason_of(refused<SwitchStop>(&Stub::Resume, resume(set.id()))), "ALREADY_CLEARED") << "over";

  const SwitchStop all = must(&Stub::Stop, stop(SwitchStop::ALL));
  v1::ListSwitchStopsRequest request;
  request.set_parent("utilities/maui");
  EXPECT_EQ(must(&Stub::ListStops, request).stops_size(), 2);
  request.set_in_force_only(true);
  const auto listed = must(&Stub::ListStops, request);
  ASSERT_EQ(listed.stops_size(), 1);
  EXPECT_EQ(listed.stops(0).id(), all.id());
}

TEST_F(SwitchGuardsTest, StopThatWillNotDoIsRefused) {
  EXPECT_EQ(field_of(refused<SwitchStop>(&Stub::Stop, stop(SwitchStop::SCOPE_UNSPECIFIED))), "scope");
  auto bare = stop(SwitchStop::ALL);
  bare.clear_reason();
  EXPECT_EQ(field_of(refused<SwitchStop>(&Stub::Stop, bare)), "reason");
  bare = stop(SwitchStop::ALL);
  bare.set_parent("maui");
  EXPECT_EQ(field_of(refused<SwitchStop>(&Stub::Stop, bare)), "parent");
  EXPECT_EQ(reason_of(refused<SwitchStop>(&Stub::Resume, resume(999))), "SWITCH_STOP_NOT_FOUND");
  EXPECT_EQ(field_of(refused<SwitchStop>(&Stub::Resume, resume(-1))), "id");
  v1::ListSwitchStopsRequest list;
  list.set_parent("utilities/maui");
  list.set_page_size(1001);
  EXPECT_EQ(field_of(refused<v1::ListSwitchStopsResponse>(&Stub::ListStops, list)), "page_size");
}

TEST_F(SwitchGuardsTest, LimitsOfAMeterAreToldWithWhatIsUsed) {
  v1::GetSwitchLimitsRequest request;
  request.set_meter("utilities/maui/meters/M7");
  request.set_action(v1::SwitchOperation::OPEN);
  request.set_reason(v1::SwitchOperation::NON_PAYMENT);
  const auto told = must(&Stub::GetLimits, request);
  ASSERT_GT(told.limits_size(), 0) << "some ship";
  for (const v1::SwitchLimits::Use& use : told.limits()) {
    EXPECT_TRUE(use.opens());
    EXPECT_NE(use.scope(), v1::SwitchLimits::SCOPE_UNSPECIFIED);
    EXPECT_GT(use.ceiling(), 0);
    EXPECT_EQ(use.used(), 0);
    EXPECT_GE(use.span().seconds(), 3600);
  }
  EXPECT_EQ(told.changes_size(), 0);
  request.set_action(v1::SwitchOperation::CLOSE);
  request.set_reason(v1::SwitchOperation::RECONNECT);
  for (const auto back = must(&Stub::GetLimits, request); const v1::SwitchLimits::Use& use : back.limits())
    EXPECT_FALSE(use.opens()) << "the way back has its own";
  const auto field = [&](const v1::GetSwitchLimitsRequest& bad) {
    return field_of(refused<v1::SwitchLimits>(&Stub::GetLimits, bad));
  };
  auto bad = request;
  bad.set_meter("M7");
  EXPECT_EQ(field(bad), "meter");
  bad = request;
  bad.clear_action();
  EXPECT_EQ(field(bad), "action");
  bad = request;
  bad.clear_reason();
  EXPECT_EQ(field(bad), "reason");
  bad = request;
  bad.set_meter("utilities/maui/meters/M70");
  EXPECT_EQ(reason_of(refused<v1::SwitchLimits>(&Stub::GetLimits, bad)), "METER_NOT_FOUND");
}

}  // namespace
}  // namespace ami::rpc
