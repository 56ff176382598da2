// Limits and kill switches, each as the role that has them at work.
#include "storage/postgres/switch_limits.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>

#include "storage/postgres/switching.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using State = SwitchState;

constexpr seconds kHour{3600}, kDay{86400};

// Meters 0 to 7 are on transformer T1 of feeder F1, 8 to 11 on T2 of F2, 12 to 15 nobody knows where.
class Limits : public StoreTest {
 protected:
  static constexpr int kMeters = 16;
  void SetUp() override {
    StoreTest::SetUp();
    make_logins(conninfo);
    const SqlEnd made = run_sql(conninfo,
                                "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 't_limits') THEN"
                                " CREATE ROLE t_limits LOGIN IN ROLE ami_limits; END IF; END $$");
    ASSERT_EQ(made.state, "") << made.message;
    for (int i = 0; i < kMeters; ++i) {
      const std::string number = std::to_string(i);
      meters.push_back(meter(north, "M" + number));
      UsagePointDetail place;
      place.valid.from = at("2020-01-01T00:00:00Z");
      if (i < 12) {
        place.feeder = i < 8 ? "F1" : "F2";
        place.transformer = i < 8 ? "T1" : "T2";
      }
      ASSERT_TRUE(assets->create_usage_point(north, "UP-" + number, place).ok());
    }
    now = at(one("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')").c_str());
    switch_login = std::make_unique<Database>(DatabaseOptions{.conninfo = as_user(conninfo, "t_switch")});
    limits_login = std::make_unique<Database>(DatabaseOptions{.conninfo = as_user(conninfo, "t_limits")});
    book = std::make_unique<PostgresSwitching>(*switch_login);
    limits = std::make_unique<PostgresSwitchLimits>(*limits_login);
    stops = std::make_unique<PostgresSwitchStops>(*switch_login);
  }

  struct Order {
    int meter = 0;
    SwitchAction action = SwitchAction::Open;
    std::string reason = "NON_PAYMENT", caller = "cn=ann", on_behalf_of = {};
    bool automatic = false;
  };
  SwitchAsked asked(const Order& order) {
    SwitchAsked out;
    out.utility = north;
    out.meter_id = meters.at(static_cast<std::size_t>(order.meter));
    out.meter = "M" + std::to_string(order.meter);
    out.usage_point = "UP-" + std::to_string(order.meter);
    out.action = order.action;
    out.reason = order.reason;
    out.caller = order.caller;
    out.on_behalf_of = order.on_behalf_of;
    out.automatic = order.automatic;
    out.request_id = "r" + std::to_string(++requests);
    out.created_at = out.not_before = now;
    out.not_after = now + hours{1};
    return out;
  }
  // One order from asking to its end: "done", or the rule that kept it from leaving.
  std::string send(SwitchStore& store, const Order& order) {
    const auto made = store.create(asked(order), note());
    if (!made.ok()) return made.refusal().message;
    SwitchOperation op = made->operation;
    const auto move = [&](State state) {
      op.version += 1;
      op.state = state;
      return store.move(op, note());
    };
    if (!move(State::Queued).ok()) return "not queued";
    op.transaction = "sw" + std::to_string(op.id);
    op.sent_at = now;
    const auto sent = move(State::Sent);
    op.ended_at = now;
    if (sent.ok()) return move(State::Failed).ok() ? "done" : "not ended";
    op.version -= 1;
    op.transaction.clear();
    op.sent_at.reset();
    last = sent.refusal();
    if (!move(State::Rejected).ok()) return "not rejected";
    return last.rule ? last.rule->name : last.message;
  }
  std::string send(const Order& order) { return send(*book, order); }
  static SwitchNote note() {
    SwitchNote out;
    out.input = "MOVE";
    out.actor = "gateway";
    return out;
  }

  LimitChange change(LimitKey key, std::int64_t ceiling, bool enforced = true) const {
    LimitChange out;
    out.utility = north;
    out.key = std::move(key);
    out.ceiling = ceiling;
    out.enforced = enforced;
    out.words = "tried out";
    out.proposed_by = "cn=lee";
    return out;
  }
  void enforce(LimitKey key, std::int64_t ceiling) {
    const auto proposed = limits->propose(change(std::move(key), ceiling));
    ASSERT_TRUE(proposed.ok()) << proposed.refusal().message;
    const auto approved = limits->approve(north, proposed->id, "cn=kim");
    ASSERT_TRUE(approved.ok()) << approved.refusal().message;
  }
  // As if so much time had passed since each departure, proposal and approval.
  void age(const std::string& interval) const {
    for (const auto& [table, column] :
         {std::pair{"switch_departure", "at"}, std::pair{"switch_limit_change", "expires_at"}}) {
      sql(std::string("ALTER TABLE ") + table + " DISABLE TRIGGER USER; UPDATE " + table + " SET " + column + " = " +
          column + " - interval '" + interval + "'; ALTER TABLE " + table + " ENABLE TRIGGER USER");
    }
  }
  std::string as(const std::string& user, const std::string& statement) const {
    const SqlEnd end = run_sql(as_user(conninfo, user), statement);
    return end.state.empty() ? end.cell : end.state;
  }

  UtcInstant now{};
  std::atomic<int> requests{0};
  Refusal last;
  std::vector<MeterId> meters;
  std::unique_ptr<Database> switch_login, limits_login;
  std::unique_ptr<SwitchStore> book;
  std::unique_ptr<SwitchLimits> limits;
  std::unique_ptr<SwitchStops> stops;
};

const LimitKey kFeederHour{true, "*", LimitScope::Feeder, kHour};

TEST_F(Limits, WhatShipsWatchesAndRefusesNothing) {
  for (int i = 0; i < 7; ++i) EXPECT_EQ(send({.meter = i}), "done") << i;
  EXPECT_EQ(one("SELECT string_agg(exceeded, '|' ORDER BY switch_id) FROM switch_departure"),
            "|||||OPEN * FEEDER 3600,OPEN * TRANSFORMER 3600|OPEN * FEEDER 3600,OPEN * TRANSFORMER 3600");
  EXPECT_EQ(one("SELECT string_agg(DISTINCT concat_ws(' ', person, feeder, transformer, direction, reason), ',')"
                " FROM switch_departure"),
            "cn=ann F1 T1 OPEN NON_PAYMENT");
}

TEST_F(Limits, EnforcedOneRefusesTheNextThere) {
  enforce(kFeederHour, 5);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(send({.meter = i}), "done") << i;
  EXPECT_EQ(send({.meter = 5}), "LIMIT");
  EXPECT_EQ(last.kind, Refusal::Kind::Excluded);
  EXPECT_EQ(last.rule->facts, (std::map<std::string, std::string>{
                                  {"ceiling", "5"}, {"direction", "OPEN"}, {"reason", "*"}, {"scope", "FEEDER"},
                                  {"span_s", "3600"}}));
  EXPECT_EQ(send({.meter = 6, .reason = "TEST", .caller = "cn=bob"}), "LIMIT") << "another person and class";
  EXPECT_EQ(send({.meter = 8}), "done") << "another feeder";
  EXPECT_EQ(send({.meter = 5, .action = SwitchAction::Close}), "done") << "the way back";
  EXPECT_EQ(one("SELECT count(*) FROM switch_departure"), "7") << "what was refused is no departure";
}

TEST_F(Limits, FeedersThatNobodyKnowsCountAsOne) {
  enforce(kFeederHour, 2);
  EXPECT_EQ(send({.meter = 12}), "done");
  EXPECT_EQ(send({.meter = 13}), "done");
  EXPECT_EQ(send({.meter = 14}), "LIMIT");
}

TEST_F(Limits, SpanSlidesByTheClockOfTheDatabase) {
  enforce(kFeederHour, 2);
  EXPECT_EQ(send({.meter = 0}), "done");
  age("59 min");
  EXPECT_EQ(send({.meter = 1}), "done");
  EXPECT_EQ(send({.meter = 2}), "LIMIT");
  age("2 min");
  EXPECT_EQ(send({.meter = 2}), "done") << "the first is over an hour ago";
  EXPECT_EQ(send({.meter = 3}), "LIMIT");
}

TEST_F(Limits, PersonIsTheHumanBehindAProgram) {
  enforce({true, "*", LimitScope::Person, kDay}, 2);
  EXPECT_EQ(send({.meter = 0, .caller = "cn=billing", .on_behalf_of = "ann", .automatic = true}), "done");
  EXPECT_EQ(send({.meter = 1, .caller = "cn=crm", .on_behalf_of = "ann", .automatic = true}), "done");
  EXPECT_EQ(send({.meter = 2, .caller = "cn=billing", .on_behalf_of = "ann", .automatic = true}), "LIMIT")
      << "by another program";
  EXPECT_EQ(send({.meter = 2, .caller = "cn=billing", .on_behalf_of = "bob", .automatic = true}), "done");
  EXPECT_EQ(send({.meter = 6, .caller = "cn=billing", .on_behalf_of = "carl", .automatic = true}), "LIMIT")
      << "a program passes no limit by another name";
  PostgresSwitchLimits as_switch(*switch_login);
  const auto uses = as_switch.look(asked({.meter = 6, .caller = "cn=billing", .on_behalf_of = "carl", .automatic = true}));
  ASSERT_TRUE(uses.ok());
  for (const LimitUse& use : *uses) {
    if (use.key.scope == LimitScope::Person) {
      EXPECT_EQ(use.used, 2);
    }
  }
  const LimitChange wanted[] = {change({true, "*", LimitScope::Person, kDay}, 1)};
  const auto shadow = as_switch.shadow(north, now - hours{1}, wanted);
  ASSERT_TRUE(shadow.ok());
  EXPECT_EQ(shadow->at(0).refused, 2) << "ann's second, and the second of the program";
  EXPECT_EQ(send({.meter = 3, .caller = "cn=ann", .on_behalf_of = "x"}), "done");
  EXPECT_EQ(send({.meter = 4, .caller = "cn=ann", .on_behalf_of = "y"}), "done");
  EXPECT_EQ(send({.meter = 5, .caller = "cn=ann", .on_behalf_of = "z"}), "LIMIT") << "a person counts as itself";
}

TEST_F(Limits, EmergencyHasItsOwnAndTakesNobodyElses) {
  enforce({true, "*", LimitScope::All, kHour}, 1);
  enforce({true, "EMERGENCY_SAFETY", LimitScope::All, kHour}, 2);
  EXPECT_EQ(send({.meter = 0}), "done");
  EXPECT_EQ(send({.meter = 1}), "LIMIT");
  EXPECT_EQ(send({.meter = 1, .reason = "EMERGENCY_SAFETY"}), "done");
  EXPECT_EQ(send({.meter = 2, .reason = "EMERGENCY_SAFETY"}), "done");
  EXPECT_EQ(send({.meter = 3, .reason = "EMERGENCY_SAFETY"}), "LIMIT");
}

TEST_F(Limits, CloseAndArmShareCeilingsOfTheirOwn) {
  enforce({false, "*", LimitScope::Transformer, kHour}, 2);
  EXPECT_EQ(send({.meter = 0, .action = SwitchAction::Close, .reason = "RECONNECT"}), "done");
  EXPECT_EQ(send({.meter = 1, .action = SwitchAction::Arm, .reason = "RECONNECT"}), "done");
  EXPECT_EQ(send({.meter = 2, .action = SwitchAction::Close, .reason = "RESTORE_WRONGFUL"}), "LIMIT");
  EXPECT_EQ(send({.meter = 2}), "done") << "an OPEN";
}

TEST_F(Limits, LookTellsWhatBindsAndWhatIsUsed) {
  enforce(kFeederHour, 3);
  ASSERT_EQ(send({.meter = 0}), "done");
  PostgresSwitchLimits as_switch(*switch_login);
  const auto uses = as_switch.look(asked({.meter = 1}));
  ASSERT_TRUE(uses.ok()) << uses.refusal().message;
  ASSERT_EQ(uses->size(), 5U);
  int full = 0;
  for (const LimitUse& use : *uses) {
    EXPECT_EQ(use.used, 1) << name_of(use.key.scope);
    EXPECT_EQ(use.enforced, use.key == kFeederHour);
    if (use.key == kFeederHour) {
      EXPECT_EQ(use.ceiling, 3);
      EXPECT_GT(use.change, 0);
    }
    full += use.full() ? 1 : 0;
  }
  EXPECT_EQ(full, 0);
  const auto elsewhere = as_switch.look(asked({.meter = 8})).value();
  for (const LimitUse& use : elsewhere)
    EXPECT_EQ(use.used, use.key.scope == LimitScope::Feeder || use.key.scope == LimitScope::Transformer ? 0 : 1);
  EXPECT_EQ(as_switch.look(asked({.meter = 1, .reason = "EMERGENCY_SAFETY"}))->size(), 3U);
}

TEST_F(Limits, ChangeTakesTwoPersons) {
  const auto proposed = limits->propose(change(kFeederHour, 1));
  ASSERT_TRUE(proposed.ok()) << proposed.refusal().message;
  EXPECT_EQ(send({.meter = 0}), "done");
  EXPECT_EQ(send({.meter = 1}), "done") << "nobody has approved it";
  const auto alone = limits->approve(north, proposed->id, "cn=lee");
  ASSERT_FALSE(alone.ok());
  EXPECT_EQ(alone.refusal().rule->name, "SAME_PERSON");
  EXPECT_FALSE(limits->approve(north, proposed->id, "").ok());
  EXPECT_EQ(limits->approve(north, proposed->id + 9, "cn=kim").refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(limits->approve(south, proposed->id, "cn=kim").refusal().kind, Refusal::Kind::NotFound);
  ASSERT_TRUE(limits->approve(north, proposed->id, "cn=kim").ok());
  EXPECT_EQ(send({.meter = 2}), "LIMIT");
  EXPECT_EQ(limits->approve(north, proposed->id, "cn=zoe").refusal().kind, Refusal::Kind::AlreadyExists);
  const auto changes = limits->changes(north, 10).value();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].approved_by, "cn=kim");
  EXPECT_EQ(changes[0].proposed_by, "cn=lee");
  EXPECT_EQ(changes[0].words, "tried out");
}

TEST_F(Limits, WhatIsLooserExpiresWithinEightHoursAndThenTheOneBeforeHolds) {
  enforce(kFeederHour, 1);
  ASSERT_EQ(send({.meter = 0}), "done");
  ASSERT_EQ(send({.meter = 1}), "LIMIT");
  LimitChange looser = change(kFeederHour, 6);  // 5 ship
  EXPECT_EQ(limits->propose(looser).refusal().field, "expires_at");
  looser.expires_at = now + hours{9};
  EXPECT_EQ(limits->propose(looser).refusal().field, "expires_at");
  looser.expires_at = now - minutes{1};
  EXPECT_EQ(limits->propose(looser).refusal().field, "expires_at");
  EXPECT_EQ(limits->propose(change(kFeederHour, 1, false)).refusal().field, "expires_at") << "to watch only";
  looser.expires_at = now + hours{7};
  const auto proposed = limits->propose(looser);
  ASSERT_TRUE(proposed.ok()) << proposed.refusal().message;
  ASSERT_TRUE(limits->approve(north, proposed->id, "cn=kim").ok());
  EXPECT_EQ(send({.meter = 1}), "done");
  sql("ALTER TABLE switch_limit_change DISABLE TRIGGER USER; UPDATE switch_limit_change SET expires_at = now() -"
      " interval '1 s' WHERE expires_at IS NOT NULL; ALTER TABLE switch_limit_change ENABLE TRIGGER USER");
  EXPECT_EQ(send({.meter = 2}), "LIMIT") << "it has expired: 1 holds again";
}

TEST_F(Limits, KeyThatDoesNotShipIsNoLimit) {
  for (const LimitKey& key : {LimitKey{true, "NONSENSE", LimitScope::All, kHour},
                              LimitKey{true, "*", LimitScope::All, seconds{60}},
                              LimitKey{false, "*", LimitScope::Person, kDay}})
    EXPECT_EQ(limits->propose(change(key, 1)).refusal().kind, Refusal::Kind::NotFound);
  LimitChange wrong = change(kFeederHour, -1);
  EXPECT_EQ(limits->propose(wrong).refusal().field, "ceiling");
  wrong = change(kFeederHour, 1);
  wrong.words.clear();
  EXPECT_EQ(limits->propose(wrong).refusal().field, "words");
  wrong = change(kFeederHour, 1);
  wrong.proposed_by.clear();
  EXPECT_EQ(limits->propose(wrong).refusal().field, "proposed_by");
}

// A head-end in wrong hands: ami_switch changes no limit and no count; ami_limits switches nothing.
TEST_F(Limits, RolesKeepWhoSwitchesFromWhoLimits) {
  enforce(kFeederHour, 1);
  ASSERT_EQ(send({.meter = 0}), "done");
  const std::string utility = std::to_string(north);
  const std::string insert = "INSERT INTO switch_limit_change (utility_id, direction, reason, scope, span_s, ceiling,"
                             " enforced, words, proposed_by) VALUES (" + utility +
                             ", 'OPEN', '*', 'FEEDER', 3600, 5, true, 'x', 'me')";
  EXPECT_EQ(as("t_switch", insert), "42501");
  EXPECT_EQ(as("t_ingest", insert), "42501");
  EXPECT_EQ(as("t_limits", insert), "");
  for (const char* statement :
       {"INSERT INTO switch_limit_approval (change_id, utility_id, approved_by) VALUES (2, 1, 'you')",
        "INSERT INTO switch_departure (switch_id, utility_id, direction, reason, person, feeder, transformer)"
        " VALUES (1, 1, 'OPEN', 'x', 'x', 'x', 'x')",
        "UPDATE switch_limit_default SET ceiling = 1000", "DELETE FROM switch_departure", "TRUNCATE switch_departure"})
    EXPECT_EQ(as("t_switch", statement), "42501") << statement;
  for (const char* user : {"t_switch", "t_limits", "t_ingest", "t_reader", "t_audit", "ami"}) {
    for (const char* table :
         {"switch_departure", "switch_limit_change", "switch_limit_approval", "switch_stop", "switch_stop_clear"}) {
      EXPECT_EQ(as(user, std::string("DELETE FROM ") + table), "42501") << user << table;
      EXPECT_EQ(as(user, std::string("UPDATE ") + table + " SET utility_id = 0"), "42501") << user << table;
    }
  }
  EXPECT_EQ(as("t_limits", "SELECT count(*) FROM switch_departure"), "1");
  for (const char* statement :
       {"UPDATE switch_operation SET state = 'SENT'", "SELECT * FROM switch_operation",
        "INSERT INTO switch_stop_clear (stop_id, utility_id, actor, reason) VALUES (1, 1, 'a', 'b')",
        "UPDATE switch_limit_default SET ceiling = 1000", "SELECT * FROM safety_hold", "SELECT * FROM register_read"})
    EXPECT_EQ(as("t_limits", statement), "42501") << statement;
  EXPECT_EQ(as("t_limits", "INSERT INTO switch_limit_approval (change_id, utility_id, approved_by) SELECT change_id,"
                           " utility_id, 'me' FROM switch_limit_change ORDER BY change_id DESC LIMIT 1"),
            "23000")
      << "the proposer itself";
  EXPECT_EQ(as("t_switch", "UPDATE switch_operation SET state = 'SENT', ended_at = NULL, transaction = 'again', sent_at"
                           " = now() WHERE meter = 'M0'"),
            "23000")
      << "past the program";
}

TEST_F(Limits, MigrationThatRunsAgainKeepsTheRoleOfLimits) {
  sql("SELECT ami_apply_access()");
  EXPECT_EQ(as("t_limits", "SELECT count(*) > 0 FROM switch_limit_default"), "t");
  EXPECT_EQ(one("SELECT ami_apply_limits_access()"), "t");
  enforce(kFeederHour, 0);
  EXPECT_EQ(send({.meter = 0}), "LIMIT");
}

TEST_F(Limits, KillSwitchOfOpensLeavesTheWayBackAndTwoPersonsClearIt) {
  const auto stop = stops->set(north, StopScope::Opens, "cn=ann", "something is wrong");
  ASSERT_TRUE(stop.ok()) << stop.refusal().message;
  EXPECT_EQ(send({.meter = 0}), "KILL_SWITCH");
  EXPECT_EQ(last.rule->facts.at("stop"), std::to_string(stop->id));
  EXPECT_EQ(send({.meter = 0, .reason = "EMERGENCY_SAFETY"}), "KILL_SWITCH") << "all opens";
  EXPECT_EQ(send({.meter = 0, .action = SwitchAction::Close}), "done");
  EXPECT_EQ(send({.meter = 0, .action = SwitchAction::Arm}), "done");
  EXPECT_EQ(stops->list(south, true, 10)->size(), 0U) << "another utility's";
  const auto first = stops->clear(north, stop->id, "cn=bob", "checked");
  ASSERT_TRUE(first.ok()) << first.refusal().message;
  EXPECT_EQ(first->cleared_by, std::vector<std::string>{"cn=bob"});
  EXPECT_EQ(stops->clear(north, stop->id, "cn=bob", "again").refusal().kind, Refusal::Kind::AlreadyExists);
  EXPECT_EQ(send({.meter = 0}), "KILL_SWITCH") << "one person is not two";
  EXPECT_EQ(stops->list(north, true, 10)->size(), 1U);
  ASSERT_TRUE(stops->clear(north, stop->id, "cn=zoe", "checked").ok());
  EXPECT_EQ(send({.meter = 0}), "done");
  EXPECT_TRUE(stops->list(north, true, 10)->empty());
  EXPECT_EQ(stops->list(north, false, 10)->at(0).cleared_by.size(), 2U);
  EXPECT_EQ(stops->clear(north, stop->id, "cn=max", "late").refusal().kind, Refusal::Kind::AlreadyExists);
}

TEST_F(Limits, KillSwitchOfAllStopsEverythingAndTwoStopsTakeTwoClearsEach) {
  const auto one_stop = stops->set(north, StopScope::All, "cn=ann", "x").value();
  const auto other = stops->set(north, StopScope::Opens, "cn=ann", "y").value();
  for (const SwitchAction action : {SwitchAction::Open, SwitchAction::Close, SwitchAction::Arm})
    EXPECT_EQ(send({.meter = 0, .action = action}), "KILL_SWITCH");
  for (const char* person : {"cn=bob", "cn=zoe"}) ASSERT_TRUE(stops->clear(north, one_stop.id, person, "ok").ok());
  EXPECT_EQ(send({.meter = 0}), "KILL_SWITCH") << "the other one";
  EXPECT_EQ(send({.meter = 0, .action = SwitchAction::Close}), "done");
  for (const char* person : {"cn=bob", "cn=zoe"}) ASSERT_TRUE(stops->clear(north, other.id, person, "ok").ok());
  EXPECT_EQ(send({.meter = 0}), "done");
  EXPECT_EQ(stops->set(north, StopScope::All, "", "x").refusal().field, "actor");
  EXPECT_EQ(stops->set(north, StopScope::All, "cn=ann", "").refusal().field, "reason");
  EXPECT_EQ(stops->clear(north, 999, "cn=ann", "x").refusal().kind, Refusal::Kind::NotFound);
}

TEST_F(Limits, ShadowTellsWhatALimitWouldHaveRefused) {
  // Three in one hour on F1, one on F2; then three hours later two more on F1.
  for (const int meter : {0, 1, 2, 8}) ASSERT_EQ(send({.meter = meter}), "done");
  ASSERT_EQ(send({.meter = 9, .reason = "EMERGENCY_SAFETY"}), "done");
  ASSERT_EQ(send({.meter = 0, .action = SwitchAction::Close}), "done");
  age("3 h");
  for (const int meter : {3, 4}) ASSERT_EQ(send({.meter = meter}), "done");
  PostgresSwitchLimits as_switch(*switch_login);
  const auto shadow = [&](const LimitKey& key, std::int64_t ceiling, UtcInstant since) {
    const LimitChange wanted[] = {change(key, ceiling)};
    const auto out = as_switch.shadow(north, since, wanted);
    EXPECT_TRUE(out.ok()) << (out.ok() ? "" : out.refusal().message);
    return out.ok() ? std::to_string(out->at(0).departures) + " " + std::to_string(out->at(0).most) + " " +
                          std::to_string(out->at(0).refused)
                    : "";
  };
  const UtcInstant month = now - hours{720};
  EXPECT_EQ(shadow(kFeederHour, 2, month), "6 3 1");
  EXPECT_EQ(shadow(kFeederHour, 1, month), "6 3 3") << "two of the first three, one of the last two";
  EXPECT_EQ(shadow(kFeederHour, 3, month), "6 3 0");
  EXPECT_EQ(shadow({true, "*", LimitScope::All, kDay}, 5, month), "6 6 1");
  EXPECT_EQ(shadow({true, "*", LimitScope::All, kDay}, 5, now - hours{1}), "2 6 1") << "the hours before fill it, too";
  EXPECT_EQ(shadow({true, "EMERGENCY_SAFETY", LimitScope::All, kHour}, 0, month), "1 1 1");
  EXPECT_EQ(shadow({false, "*", LimitScope::All, kHour}, 5, month), "1 1 0");
  EXPECT_EQ(shadow({true, "*", LimitScope::Person, kDay}, 4, month), "6 6 2");
  EXPECT_EQ(shadow(kFeederHour, 1, now + hours{1}), "0 0 0");
}

TEST_F(Limits, EmergencyIsLookedAtByAnotherPersonOrItsOwnSendsNoneAfterADay) {
  PostgresSwitchReviews reviews(*switch_login);
  const Order emergency{.meter = 0, .reason = "EMERGENCY_SAFETY", .caller = "cn=ann"};
  ASSERT_EQ(send(emergency), "done");
  ASSERT_EQ(send({.meter = 1}), "done");
  auto due = reviews.due(north).value();
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].person, "cn=ann");
  EXPECT_EQ(due[0].due_at - due[0].left_at, hours{24});
  EXPECT_FALSE(due[0].overdue);
  EXPECT_EQ(send(emergency), "done") << "there is time yet";
  age("24 h");
  EXPECT_TRUE(reviews.due(north)->at(0).overdue);
  EXPECT_EQ(send(emergency), "EMERGENCY_UNREVIEWED");
  EXPECT_EQ(last.rule->facts.at("operation"), std::to_string(due[0].operation));
  for (const SwitchAction back : {SwitchAction::Close, SwitchAction::Arm}) {
    EXPECT_EQ(send({.meter = 0, .action = back, .reason = "EMERGENCY_SAFETY", .caller = "cn=ann"}), "done")
        << "the way back is never blocked";
  }
  EXPECT_EQ(send({.meter = 2, .reason = "EMERGENCY_SAFETY", .caller = "cn=bob"}), "done") << "another person";
  EXPECT_EQ(send({.meter = 3}), "done") << "another reason";
  const auto alone = reviews.review(north, due[0].operation, "cn=ann", "it burnt");
  ASSERT_FALSE(alone.ok());
  EXPECT_EQ(alone.refusal().rule->name, "SAME_PERSON");
  EXPECT_EQ(reviews.review(north, due[0].operation, "cn=zoe", "").refusal().field, "words");
  EXPECT_EQ(reviews.review(north, due[0].operation + 1, "cn=zoe", "x").refusal().kind, Refusal::Kind::NotFound)
      << "no emergency";
  EXPECT_EQ(reviews.review(south, due[0].operation, "cn=zoe", "x").refusal().kind, Refusal::Kind::NotFound);
  ASSERT_TRUE(reviews.review(north, due[0].operation, "cn=zoe", "it burnt").ok());
  EXPECT_EQ(reviews.review(north, due[0].operation, "cn=kim", "too").refusal().kind, Refusal::Kind::AlreadyExists);
  EXPECT_EQ(send(emergency), "EMERGENCY_UNREVIEWED") << "the second one";
  due = reviews.due(north).value();
  ASSERT_TRUE(reviews.review(north, due[0].operation, "cn=zoe", "it burnt again").ok());
  EXPECT_EQ(send(emergency), "done");
  EXPECT_EQ(as("t_switch", "INSERT INTO switch_review (switch_id, utility_id, actor, words) SELECT switch_id, utility_id,"
                           " 'cn=bob', 'all right' FROM switch_departure WHERE person = 'cn=bob'"),
            "23000")
      << "its own person, past the program";
  EXPECT_EQ(as("t_switch", "DELETE FROM switch_review"), "42501");
}

// No run of operators and gateways passes a limit, whatever is sent at once and however often a gateway begins
// anew.
TEST_F(Limits, RandomRunsOfManyGatewaysPassNoLimit) {
  enforce({true, "*", LimitScope::All, kHour}, 14);
  enforce({true, "*", LimitScope::Person, kDay}, 5);
  enforce(kFeederHour, 5);
  enforce({true, "*", LimitScope::Transformer, kHour}, 5);
  enforce({true, "EMERGENCY_SAFETY", LimitScope::All, kHour}, 3);
  constexpr int kGateways = 4, kOrders = 40;
  std::atomic<int> left{0}, refused{0}, odd{0};
  {
    std::vector<std::jthread> gateways;
    for (int g = 0; g < kGateways; ++g) {
      gateways.emplace_back([&, g] {
        std::mt19937 random(static_cast<unsigned>(20261124 + g));
        constexpr std::array kPeople{"cn=ann", "cn=bob", "cn=zoe", "cn=max"};
        std::unique_ptr<Database> login;
        for (int i = 0; i < kOrders; ++i) {
          if (i % 10 == 0)  // a run of its own, which remembers nothing
            login = std::make_unique<Database>(DatabaseOptions{.conninfo = as_user(conninfo, "t_switch")});
          PostgresSwitching store(*login);
          Order order;
          order.meter = 4 * g + static_cast<int>(random() % 4);  // two at one meter would wait for each other
          order.reason = random() % 5 == 0 ? "EMERGENCY_SAFETY" : "NON_PAYMENT";
          order.caller = kPeople.at(random() % kPeople.size());
          const auto made = store.create(asked(order), note());
          if (!made.ok()) {
            ++odd;
            continue;
          }
          SwitchOperation op = made->operation;
          op.version += 1;
          op.state = State::Queued;
          if (!store.move(op, note()).ok()) ++odd;
          SwitchOperation sent = op;
          sent.version += 1;
          sent.state = State::Sent;
          sent.transaction = "sw" + std::to_string(op.id);
          sent.sent_at = now;
          const auto moved = store.move(sent, note());
          SwitchOperation end = moved.ok() ? sent : op;
          end.version += 1;
          end.state = moved.ok() ? State::Failed : State::Rejected;
          end.ended_at = now;
          if (!store.move(end, note()).ok()) ++odd;
          if (moved.ok())
            ++left;
          else if (moved.refusal().rule && moved.refusal().rule->name == "LIMIT")
            ++refused;
          else
            ++odd;
        }
      });
    }
  }
  EXPECT_EQ(odd, 0);
  EXPECT_EQ(left + refused, kGateways * kOrders);
  const auto most = [&](const std::string& by, const char* which) {
    return std::stoi(one("SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM switch_departure WHERE reason " +
                         std::string(which) + " 'EMERGENCY_SAFETY' GROUP BY " + by + ") x"));
  };
  EXPECT_EQ(one("SELECT count(*) FROM switch_departure"), std::to_string(left.load()));
  EXPECT_EQ(one("SELECT count(*) FROM switch_operation WHERE state = 'FAILED'"), std::to_string(left.load()));
  EXPECT_EQ(most("direction", "<>"), 14) << "full, and not over";
  EXPECT_EQ(most("direction", "="), 3);
  EXPECT_LE(most("person", "<>"), 5);
  EXPECT_LE(most("feeder", "<>"), 5);
  EXPECT_LE(most("transformer", "<>"), 5);
}

}  // namespace
}  // namespace ami::storage
