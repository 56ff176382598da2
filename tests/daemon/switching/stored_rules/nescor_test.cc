// Failure scenarios of NESCOR's list, by its numbers: the engine with every policy over PostgreSQL, each
// connection in the role that it has at work. The far side is a list of what left.
#include <algorithm>
#include <map>

#include "daemon/switching/engine.h"
#include "daemon/switching/policy_chain.h"
#include "daemon/switching/stored_rules/limit_policy.h"
#include "daemon/switching/stored_rules/stored_rules.h"
#include "storage/postgres/switch_limits.h"
#include "storage/postgres/switching.h"
#include "tests/daemon/switching/rules/scene.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::daemon::switching {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using State = SwitchState;
using storage::LimitScope;

class Field final : public Site, public Carrier, public Watcher {
 public:
  Answer<MeterNow> meter(std::int32_t, const std::string& key, UtcInstant) override {
    const auto at = meters.find(key);
    if (at != meters.end()) return at->second;
    Refusal none;
    none.kind = Refusal::Kind::NotFound;
    return none;
  }
  void carry(const Errand& errand, std::function<Outcome()> before_send,
             std::function<void(sdk::AttemptAnswer)> done) override {
    sdk::AttemptAnswer answer;
    answer.state = sdk::AttemptState::Failed;
    answer.reason = "not_sent";
    if (before_first_byte) before_first_byte();
    if (before_send().ok()) {
      left.push_back(errand.vendor_id);
      answer.state = sdk::AttemptState::Waiting;
      answer.reason.clear();
    }
    done(answer);
  }
  void read_register(const SwitchOperation&, std::function<void(Result<std::string>)> done) override {
    done(permanent("none"));
  }
  void tell(What, const SwitchOperation&, const std::string&) override {}

  std::map<std::string, MeterNow> meters;
  std::vector<std::string> left;  // vendor's names of meters
  std::function<void()> before_first_byte;
};

// Meters 0 to 29: even numbers on feeder F0, odd ones on F1.
class Nescor : public storage::StoreTest {
 protected:
  static constexpr int kMeters = 30;
  void SetUp() override {
    StoreTest::SetUp();
    storage::make_logins(conninfo);
    const auto made = storage::run_sql(conninfo,
                                       "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 't_limits')"
                                       " THEN CREATE ROLE t_limits LOGIN IN ROLE ami_limits; END IF; END $$");
    ASSERT_EQ(made.state, "") << made.message;
    for (int i = 0; i < kMeters; ++i) {
      const std::string number = std::to_string(i);
      MeterNow is;
      is.house = {meter(north, "M" + number), "UP-" + number, "0000" + std::to_string(1000 + i)};
      is.capability.open = is.capability.close = is.capability.arm = true;
      is.load_side = LoadSideVoltage::Absent;
      is.feed = "radio";
      is.vendor_id = "V" + number;
      field.meters["M" + number] = is;
      storage::UsagePointDetail place;
      place.valid.from = time_of("2020-01-01T00:00:00Z");
      place.feeder = i % 2 == 0 ? "F0" : "F1";
      place.transformer = "T" + std::to_string(i);
      ASSERT_TRUE(assets->create_usage_point(north, "UP-" + number, place).ok());
    }
    wall = time_of(one("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')").c_str());
    as_switch = std::make_unique<storage::Database>(
        storage::DatabaseOptions{.conninfo = storage::as_user(conninfo, "t_switch")});
    book = std::make_unique<storage::PostgresSwitching>(*as_switch);
    limits = std::make_unique<storage::PostgresSwitchLimits>(*as_switch);
    stops = std::make_unique<storage::PostgresSwitchStops>(*as_switch);
    reviews = std::make_unique<storage::PostgresSwitchReviews>(*as_switch);
    rules = std::make_unique<StoredRules>(shipped_book(), *as_switch);
    limit_policy = std::make_unique<LimitPolicy>(*limits, *stops, *reviews);
    policies = std::make_unique<PolicyChain>(
        std::vector<const Policy*>{&own, limit_policy.get(), &rules->policy()});
    for (const auto kind : storage::kProtectedKinds) hand_in(kind, 1, {});
    begin("first run");
  }
  // Another run of the gateway; the one before is gone with its memory.
  void begin(const std::string& name) {
    if (engine) sql("DELETE FROM switch_lease");
    engine = std::make_unique<Engine>(Engine::Parts{*book, field, field, *policies, field, [this] { return wall; },
                                                    [this] { return steady; }, name},
                                      Timing{});
    engine->tick();
  }
  Answer<Done> import(storage::ProtectedKind kind, std::int64_t version, std::vector<std::string> points) {
    storage::ProtectedImport list;
    list.utility = north;
    list.kind = kind;
    list.version = version;
    list.made_at = wall;
    list.usage_points = std::move(points);
    list.sha256 = std::string(64, 'a');
    list.signature = std::string(128, 'b');
    list.signed_with = "crm";
    list.actor = "cn=asset";
    return rules->lists().import(list);
  }
  void hand_in(storage::ProtectedKind kind, std::int64_t version, std::vector<std::string> points) {
    const auto taken = import(kind, version, std::move(points));
    ASSERT_TRUE(taken.ok()) << taken.refusal().message;
  }
  void enforce(storage::LimitKey key, std::int64_t ceiling) {
    storage::Database login({.conninfo = storage::as_user(conninfo, "t_limits")});
    storage::PostgresSwitchLimits admin(login);
    storage::LimitChange change;
    change.utility = north;
    change.key = std::move(key);
    change.ceiling = ceiling;
    change.words = "in force";
    change.proposed_by = "cn=lee";
    const auto proposed = admin.propose(change);
    ASSERT_TRUE(proposed.ok()) << proposed.refusal().message;
    ASSERT_TRUE(admin.approve(north, proposed->id, "cn=kim").ok());
  }
  SwitchRequest request(int i, const char* caller = "cn=employee", SwitchAction action = SwitchAction::Open) {
    SwitchRequest out;
    out.utility = north;
    out.meter = "M" + std::to_string(i);
    out.usage_point = "UP-" + std::to_string(i);
    out.serial_last4 = std::to_string(1000 + i);
    out.action = action;
    out.reason = action == SwitchAction::Open ? "TEST" : "RECONNECT";
    out.order_id = "WO-1";
    out.caller = caller;
    out.request_id = "r" + std::to_string(++requests);
    if (action == SwitchAction::Close) out.attestation = kCustomerPresent;
    return out;
  }
  // "SENT", or the rule by which it ended.
  std::string submit(const SwitchRequest& asked) {
    const auto out = engine->submit(asked);
    if (!out.ok()) return out.refusal().rule ? out.refusal().rule->name : out.refusal().message;
    return out->state == State::Rejected ? out->rule : std::string(storage::name_of(out->state));
  }
  // Submits for every meter; how many left.
  std::size_t open_all(const char* caller) {
    const std::size_t before = field.left.size();
    for (int i = 0; i < kMeters; ++i) (void)engine->submit(request(i, caller));
    return field.left.size() - before;
  }

  UtcInstant wall{};
  milliseconds steady{1'000'000};
  int requests = 0;
  Field field;
  EnginePolicy own;
  std::unique_ptr<storage::Database> as_switch;
  std::unique_ptr<storage::SwitchStore> book;
  std::unique_ptr<storage::SwitchLimits> limits;
  std::unique_ptr<storage::SwitchStops> stops;
  std::unique_ptr<storage::SwitchReviews> reviews;
  std::unique_ptr<StoredRules> rules;
  std::unique_ptr<LimitPolicy> limit_policy;
  std::unique_ptr<PolicyChain> policies;
  std::unique_ptr<Engine> engine;
};

TEST_F(Nescor, Ami1AuthorisedEmployeesMassDisconnectStopsAtTheLimits) {
  enforce({true, "*", LimitScope::Feeder, std::chrono::seconds{3600}}, 5);
  enforce({true, "*", LimitScope::Person, std::chrono::seconds{86400}}, 8);
  EXPECT_EQ(open_all("cn=employee"), 8U) << "five a feeder, eight a person";
  EXPECT_EQ(submit(request(29)), "LIMIT");
  EXPECT_EQ(open_all("cn=accomplice"), 2U) << "what two feeders have left";
  begin("second run");
  EXPECT_EQ(open_all("cn=third"), 0U) << "a gateway that begins anew remembers by the database";
  EXPECT_EQ(one("SELECT count(*) FROM switch_operation WHERE state = 'QUEUED'"), "0") << "excess does not wait";
  engine->tick();
  EXPECT_EQ(field.left.size(), 10U);
}

TEST_F(Nescor, Ami1AnybodyStopsItAndTheWayBackStaysOpen) {
  ASSERT_EQ(submit(request(0)), "ACKNOWLEDGED");
  const auto stop = stops->set(north, storage::StopScope::Opens, "cn=operator", "that is not right");
  ASSERT_TRUE(stop.ok());
  EXPECT_EQ(open_all("cn=employee"), 0U);
  EXPECT_EQ(submit(request(1)), "KILL_SWITCH");
  EXPECT_EQ(submit(request(2, "cn=employee", SwitchAction::Close)), "ACKNOWLEDGED");
  ASSERT_TRUE(stops->clear(north, stop->id, "cn=employee", "I need it").ok());
  EXPECT_EQ(submit(request(1)), "KILL_SWITCH") << "alone nobody clears it";
  ASSERT_TRUE(stops->clear(north, stop->id, "cn=chief", "looked into").ok());
  EXPECT_EQ(submit(request(1)), "ACKNOWLEDGED");
}

TEST_F(Nescor, Ami1StopBetweenTheCheckAndTheFirstByteStopsIt) {
  field.before_first_byte = [&] {
    ASSERT_TRUE(stops->set(north, storage::StopScope::All, "cn=operator", "now").ok());
  };
  EXPECT_EQ(submit(request(0)), "KILL_SWITCH");
  EXPECT_TRUE(field.left.empty());
}

TEST_F(Nescor, Ami9InvalidCommandsLeaveNothing) {
  SwitchRequest wrong = request(0);
  wrong.reason = "BECAUSE";
  EXPECT_EQ(submit(wrong), "REASON_CLASS");
  wrong = request(0);
  wrong.reason = "RECONNECT";
  EXPECT_EQ(submit(wrong), "REASON_CLASS") << "an OPEN that calls itself a way back";
  wrong = request(0);
  wrong.serial_last4 = "1001";
  EXPECT_EQ(submit(wrong), "WRONG_HOUSE");
  wrong = request(0);
  wrong.usage_point = "UP-1";
  EXPECT_EQ(submit(wrong), "WRONG_HOUSE");
  wrong = request(0, "cn=employee", SwitchAction::Close);
  wrong.attestation.clear();
  EXPECT_EQ(submit(wrong), "ATTESTATION");
  wrong = request(0);
  wrong.reason = "EMERGENCY_SAFETY";
  EXPECT_EQ(submit(wrong), "REASON_CLASS") << "no agency is named";
  wrong.on_behalf_of = "fire brigade";
  wrong.automatic = true;
  wrong.request_id = "by a program";
  EXPECT_EQ(submit(wrong), "REASON_CLASS");
  EXPECT_TRUE(field.left.empty());
}

TEST_F(Nescor, Ami13UnattendedConsoleIsBoundedByItsPerson) {
  enforce({true, "*", LimitScope::Person, std::chrono::seconds{86400}}, 3);
  EXPECT_EQ(open_all("cn=away"), 3U);
  EXPECT_EQ(submit(request(20, "cn=away")), "LIMIT");
  EXPECT_EQ(submit(request(20, "cn=there")), "ACKNOWLEDGED") << "others go on working";
}

TEST_F(Nescor, Ami16CompromisedHeadEndCannotWriteItselfPastHoldsLimitsAndLists) {
  enforce({true, "*", LimitScope::All, std::chrono::seconds{3600}}, 2);
  ASSERT_TRUE(rules->holds()
                  .set({north, storage::HoldScope::Meter, "M0", storage::HoldEffect::NoCommand, "cn=crew",
                        "hold-admin", "works", "", {}})
                  .ok());
  hand_in(storage::ProtectedKind::LifeSupport, 2, {"UP-1"});
  const auto as = [&](const std::string& statement) {
    return storage::run_sql(storage::as_user(conninfo, "t_switch"), statement).state;
  };
  // It writes orders of its own, past every program.
  int stored = 0;
  for (int i = 0; i < 6; ++i) {
    const auto state = as(
        "INSERT INTO switch_operation (utility_id, meter_id, meter, usage_point, serial_last4, action, reason,"
        " order_id, caller, request_id, on_behalf_of, attestation, automatic, body, body_sha256, feed, vendor_id,"
        " created_at, not_before, not_after, minimum, version, state, transaction, sent_at) SELECT utility_id,"
        " meter_id, key, 'UP-" + std::to_string(i) + "', '', 'OPEN', 'TEST', '', 'intruder', 'x" + std::to_string(i) +
        "', '', '', false, '', '', '', '', now(), now(), now() + interval '1 h', 1, 1, 'SENT', 'x" +
        std::to_string(i) + "', now() FROM meter WHERE key = 'M" + std::to_string(i) + "'");
    stored += state.empty() ? 1 : 0;
    EXPECT_TRUE(i != 0 || state == "23000") << "the hold: " << state;
  }
  EXPECT_EQ(stored, 2) << "the limit";
  for (const char* statement :
       {"UPDATE switch_limit_default SET ceiling = 99999", "DELETE FROM switch_departure",
        "UPDATE safety_hold SET expires_at = now()", "DELETE FROM protected_entry", "DELETE FROM switch_audit",
        "UPDATE switch_audit SET actor = 'nobody'", "ALTER TABLE switch_operation DISABLE TRIGGER ALL",
        "DROP TRIGGER switch_operation_leaves ON switch_operation", "SET session_replication_role = replica",
        "SELECT ami_apply_access()", "SET ROLE ami_limits"})
    EXPECT_EQ(as(statement), "42501") << statement;
}

TEST_F(Nescor, Ami19WrongTimeOfAGatewayFreesNoLimitAndFreshensNoList) {
  enforce({true, "*", LimitScope::All, std::chrono::seconds{3600}}, 1);
  ASSERT_EQ(submit(request(0)), "ACKNOWLEDGED");
  wall += hours{2};
  EXPECT_EQ(submit(request(1)), "LIMIT") << "an hour of the database has not passed";
  wall += hours{23};
  SwitchRequest old = request(1);
  EXPECT_EQ(submit(old), "LIMIT");
  const auto told = engine->evaluate(request(1));
  ASSERT_TRUE(told.ok());
  EXPECT_FALSE(check_of(told->verdict, "PROTECTED_LIST").passed) << "25 h by that clock: stale";
  wall -= hours{50};
  const auto before = engine->evaluate(request(1));
  ASSERT_TRUE(before.ok());
  EXPECT_FALSE(check_of(before->verdict, "PROTECTED_LIST").passed) << "a list of the future";
}

TEST_F(Nescor, Ami27ReplaySendsNothingTwiceAndBringsNoOldListBack) {
  const SwitchRequest asked = request(0);
  ASSERT_EQ(submit(asked), "ACKNOWLEDGED");
  for (int i = 0; i < 3; ++i) (void)engine->submit(asked);
  EXPECT_EQ(field.left.size(), 1U);
  SwitchRequest other = asked;
  other.meter = "M1";
  other.usage_point = "UP-1";
  other.serial_last4 = "1001";
  EXPECT_FALSE(engine->submit(other).ok()) << "the name of a request that was used";
  EXPECT_EQ(submit(request(0)), "SWITCH_LIVE") << "the same under another name";
  begin("second run");
  (void)engine->submit(asked);
  EXPECT_EQ(field.left.size(), 1U);
  hand_in(storage::ProtectedKind::Medical, 2, {"UP-3"});
  EXPECT_FALSE(import(storage::ProtectedKind::Medical, 1, {}).ok()) << "yesterday's list, before the name was on it";
  EXPECT_EQ(submit(request(3)), "PROTECTED_LIST");
}

TEST_F(Nescor, HoldOrListEntryBetweenAskingAndSendingStopsIt) {
  field.before_first_byte = [&] { hand_in(storage::ProtectedKind::Medical, 2, {"UP-0"}); };
  EXPECT_EQ(submit(request(0)), "PROTECTED_LIST");
  field.before_first_byte = [&] {
    ASSERT_TRUE(rules->holds()
                    .set({north, storage::HoldScope::Feeder, "F1", storage::HoldEffect::NoOpen, "cn=crew",
                          "hold-admin", "works", "", {}})
                    .ok());
  };
  EXPECT_EQ(submit(request(1)), "SAFETY_HOLD");
  field.before_first_byte = nullptr;
  EXPECT_EQ(submit(request(3, "cn=employee", SwitchAction::Close)), "ACKNOWLEDGED") << "NO_OPEN leaves the way back";
  EXPECT_EQ(field.left, std::vector<std::string>{"V3"});
}

TEST_F(Nescor, ProtectedMeterIsOpenedByAnEmergencyAlone) {
  hand_in(storage::ProtectedKind::LifeSupport, 2, {"UP-4"});
  for (const char* reason : {"NON_PAYMENT", "VACANT_MOVE_OUT", "CUSTOMER_REQUEST", "THEFT", "TEST"}) {
    SwitchRequest asked = request(4);
    asked.reason = reason;
    asked.on_behalf_of = "somebody";
    EXPECT_EQ(submit(asked), "PROTECTED_LIST") << reason;
  }
  SwitchRequest asked = request(4);
  asked.reason = "EMERGENCY_SAFETY";
  asked.on_behalf_of = "fire brigade";
  EXPECT_EQ(submit(asked), "ACKNOWLEDGED");
}

}  // namespace
}  // namespace ami::daemon::switching
