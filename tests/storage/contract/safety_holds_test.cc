// What every store of safety holds promises, and what PostgreSQL promises on top.
#include "storage/contract/safety_holds.h"

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <algorithm>
#include <thread>

#include "storage/memory/safety_holds.h"
#include "storage/postgres/safety_holds.h"
#include "storage/postgres/switching.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using State = SwitchState;

// M1 is at UP-1 on transformer T1 of feeder F1, M2 at UP-2, whose transformer and feeder nobody knows.
class Holds : public StoreTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    if (in_memory()) {
      const auto clock = [this] { return now; };
      auto switches = std::make_unique<MemorySwitching>(clock);
      auto in_ram = std::make_unique<MemorySafetyHolds>(*switches, clock);
      in_ram->place(1, 11, {"M1", "UP-1", "T1", "F1"});
      in_ram->place(1, 12, {"M2", "UP-2", "", ""});
      book = std::move(switches);
      holds = std::move(in_ram);
      meters = {11, 12};
      return;
    }
    StoreTest::SetUp();
    make_logins(conninfo);
    for (const char* number : {"1", "2"}) {
      const std::string key = std::string("M") + number, point = std::string("UP-") + number;
      meters.push_back(meter(north, key));
      UsagePointDetail place;
      place.valid.from = at("2020-01-01T00:00:00Z");
      if (key == "M1") {
        place.transformer = "T1";
        place.feeder = "F1";
      }
      ASSERT_TRUE(assets->create_usage_point(north, point, place).ok());
      InstallRequest install;
      install.utility = north;
      install.meter = key;
      install.usage_point = point;
      install.at = place.valid.from;
      ASSERT_TRUE(assets->install(install).ok());
    }
    now = at(one("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')").c_str());
    login = std::make_unique<Database>(DatabaseOptions{.conninfo = as_user(conninfo, "t_switch")});
    book = std::make_unique<PostgresSwitching>(*login);
    holds = std::make_unique<PostgresSafetyHolds>(*login);
  }
  [[nodiscard]] bool in_memory() const { return std::string_view(GetParam()) == "Memory"; }
  [[nodiscard]] std::int32_t utility() const { return in_memory() ? 1 : north; }

  HoldRequest request(HoldScope scope, const std::string& place,
                      HoldEffect effect = HoldEffect::NoCommand) const {
    HoldRequest out;
    out.utility = utility();
    out.scope = scope;
    out.place = place;
    out.effect = effect;
    out.holder = "cn=crew";
    out.role = "hold-admin";
    out.reason = "somebody works there";
    out.reference = "permit 4";
    return out;
  }
  SafetyHold set(HoldScope scope, const std::string& place, HoldEffect effect = HoldEffect::NoCommand) {
    const auto made = holds->set(request(scope, place, effect));
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.refusal().message);
    return made.ok() ? *made : SafetyHold{};
  }
  bool lift(HoldId id) { return holds->lift(utility(), id, "cn=crew", "hold-admin", "done").ok(); }

  // An operation that waits to leave.
  SwitchOperation queued(SwitchAction action = SwitchAction::Open, std::size_t index = 0) {
    SwitchAsked asked;
    asked.utility = utility();
    asked.meter_id = meters.at(index);
    asked.meter = "M" + std::to_string(index + 1);
    asked.usage_point = "UP-" + std::to_string(index + 1);
    asked.action = action;
    asked.caller = "cn=operator";
    asked.request_id = "r" + std::to_string(++requests);
    asked.created_at = asked.not_before = now;
    asked.not_after = now + hours{1};
    const auto made = book->create(asked, note());
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.refusal().message);
    SwitchOperation op = made.ok() ? made->operation : SwitchOperation{};
    op.version += 1;
    op.state = State::Queued;
    EXPECT_TRUE(book->move(op, note()).ok());
    return op;
  }
  static SwitchOperation sent(SwitchOperation op) {
    op.version += 1;
    op.state = State::Sent;
    op.transaction = "sw" + std::to_string(op.id);
    op.sent_at = op.asked.created_at;
    return op;
  }
  // "done", or the rule that refused.
  std::string leave(const SwitchOperation& op) {
    const auto moved = book->move(sent(op), note());
    if (moved.ok()) return "done";
    return moved.refusal().rule ? moved.refusal().rule->name : moved.refusal().message;
  }
  std::string end(const SwitchOperation& op) {  // so that the meter takes another one
    SwitchOperation over = op;
    over.version += 1;
    over.state = State::Cancelled;
    over.ended_at = now;
    return book->move(over, note()).ok() ? "" : "not cancelled";
  }
  static SwitchNote note() { return {"MOVE", "cn=operator", "gateway 1", "", "", {}}; }

  UtcInstant now = at("2026-01-15T12:00:00Z");
  int requests = 0;
  std::vector<MeterId> meters;
  std::unique_ptr<Database> login;
  std::unique_ptr<SwitchStore> book;
  std::unique_ptr<SafetyHolds> holds;
};

INSTANTIATE_TEST_SUITE_P(Stores, Holds, ::testing::Values("Memory", "Postgres"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_P(Holds, KeepsWhatWasAsked) {
  HoldRequest asked = request(HoldScope::UsagePoint, "UP-1", HoldEffect::NoClose);
  asked.expires_at = now + hours{24};
  const auto made = holds->set(asked);
  ASSERT_TRUE(made.ok()) << made.refusal().message;
  const auto listed = holds->list(utility(), true, 0, 10).value();
  ASSERT_EQ(listed.size(), 1U);
  const SafetyHold& hold = listed[0];
  EXPECT_EQ(hold.id, made->id);
  EXPECT_EQ(hold.asked.scope, HoldScope::UsagePoint);
  EXPECT_EQ(hold.asked.place, "UP-1");
  EXPECT_EQ(hold.asked.effect, HoldEffect::NoClose);
  EXPECT_EQ(hold.asked.holder, "cn=crew");
  EXPECT_EQ(hold.asked.role, "hold-admin");
  EXPECT_EQ(hold.asked.reason, "somebody works there");
  EXPECT_EQ(hold.asked.reference, "permit 4");
  EXPECT_EQ(hold.asked.expires_at, asked.expires_at);
  EXPECT_FALSE(hold.lifted_at.has_value());
  EXPECT_GE(hold.set_at, now);
}

TEST_P(Holds, HoldAtEachScopeStopsAnOperationThatWaitsToLeave) {
  const std::pair<HoldScope, const char*> places[] = {{HoldScope::Meter, "M1"},
                                                      {HoldScope::UsagePoint, "UP-1"},
                                                      {HoldScope::Transformer, "T1"},
                                                      {HoldScope::Feeder, "F1"}};
  for (const auto& [scope, place] : places) {
    const SwitchOperation op = queued();
    const SwitchOperation other = queued(SwitchAction::Open, 1);
    const SafetyHold hold = set(scope, place);  // after it was asked for, before it leaves
    const auto refused = book->move(sent(op), note());
    ASSERT_FALSE(refused.ok()) << place;
    ASSERT_TRUE(refused.refusal().rule) << refused.refusal().message;
    EXPECT_EQ(refused.refusal().rule->name, "SAFETY_HOLD");
    EXPECT_EQ(refused.refusal().rule->facts.at("hold"), std::to_string(hold.id));
    EXPECT_EQ(refused.refusal().rule->facts.at("place"), place);
    EXPECT_EQ(book->get(utility(), op.id)->state, State::Queued);
    EXPECT_EQ(book->audit(op.id)->size(), 2U) << "a refused change leaves no line";
    EXPECT_EQ(leave(other), "done") << "elsewhere";
    ASSERT_TRUE(lift(hold.id));
    EXPECT_EQ(leave(op), "done");
    for (SwitchOperation done : {sent(op), sent(other)}) {
      done.version += 1;
      done.state = State::Failed;
      done.ended_at = now;
      ASSERT_TRUE(book->move(done, note()).ok()) << "a hold stops nothing that has left";
    }
  }
}

TEST_P(Holds, EffectIsOfTheAction) {
  const std::pair<HoldEffect, std::string> effects[] = {
      {HoldEffect::NoOpen, "OPEN"}, {HoldEffect::NoClose, "CLOSE ARM"}, {HoldEffect::NoCommand, "OPEN CLOSE ARM"}};
  for (const auto& [effect, stopped] : effects) {
    const SafetyHold hold = set(HoldScope::Feeder, "F1", effect);
    for (const SwitchAction action : {SwitchAction::Open, SwitchAction::Close, SwitchAction::Arm}) {
      const bool held = stopped.find(name_of(action)) != std::string::npos;
      EXPECT_EQ(stops(effect, action), held);
      SwitchOperation op = queued(action);
      EXPECT_EQ(leave(op), held ? "SAFETY_HOLD" : "done") << name_of(effect) << " " << name_of(action);
      if (held) {
        EXPECT_EQ(end(op), "");
        continue;
      }
      op = sent(op);
      op.version += 1;
      op.state = State::Failed;
      op.ended_at = now;
      ASSERT_TRUE(book->move(op, note()).ok());
    }
    ASSERT_TRUE(lift(hold.id));
  }
}

TEST_P(Holds, OnlyTheRoleThatSetItLiftsItAndOnlyOnce) {
  const SafetyHold hold = set(HoldScope::Meter, "M1");
  for (const char* role : {"requester", "approver", "", "Hold-Admin"}) {
    const auto refused = holds->lift(utility(), hold.id, "cn=boss", role, "I say so");
    ASSERT_FALSE(refused.ok()) << role;
    ASSERT_TRUE(refused.refusal().rule);
    EXPECT_EQ(refused.refusal().rule->name, "HOLD_OF_ANOTHER_ROLE");
    EXPECT_EQ(refused.refusal().rule->facts.at("role"), "hold-admin");
  }
  EXPECT_EQ(holds->lift(utility(), hold.id, "", "hold-admin", "done").refusal().field, "actor");
  EXPECT_EQ(holds->lift(utility(), hold.id, "cn=crew", "hold-admin", "").refusal().field, "reason");
  EXPECT_EQ(holds->lift(utility(), hold.id + 1000, "cn=crew", "hold-admin", "done").refusal().kind,
            Refusal::Kind::NotFound);
  EXPECT_EQ(holds->lift(utility() + 1, hold.id, "cn=crew", "hold-admin", "done").refusal().kind,
            Refusal::Kind::NotFound);
  EXPECT_EQ(holds->list(utility(), true, 0, 10)->size(), 1U) << "it is still in force";
  const auto lifted = holds->lift(utility(), hold.id, "cn=mate", "hold-admin", "crew is out");
  ASSERT_TRUE(lifted.ok()) << lifted.refusal().message;
  EXPECT_EQ(lifted->lifted_by, "cn=mate");
  EXPECT_EQ(lifted->lift_reason, "crew is out");
  EXPECT_TRUE(lifted->lifted_at.has_value());
  EXPECT_EQ(holds->lift(utility(), hold.id, "cn=mate", "hold-admin", "again").refusal().kind,
            Refusal::Kind::AlreadyExists);
  EXPECT_TRUE(holds->list(utility(), true, 0, 10)->empty());
  EXPECT_EQ(holds->list(utility(), false, 0, 10)->size(), 1U) << "what was lifted stays in the book";
}

TEST_P(Holds, TwoHoldsStopUntilBothAreLifted) {
  const SwitchOperation op = queued();
  const SafetyHold first = set(HoldScope::Meter, "M1"), second = set(HoldScope::Feeder, "F1");
  ASSERT_TRUE(lift(first.id));
  EXPECT_EQ(leave(op), "SAFETY_HOLD");
  ASSERT_TRUE(lift(second.id));
  EXPECT_EQ(leave(op), "done");
}

TEST_P(Holds, HoldThatNamesNothingOrNobodyIsRefused) {
  for (const HoldScope scope :
       {HoldScope::Meter, HoldScope::UsagePoint, HoldScope::Transformer, HoldScope::Feeder})
    EXPECT_EQ(holds->set(request(scope, "F11")).refusal().kind, Refusal::Kind::NotFound) << name_of(scope);
  HoldRequest wrong = request(HoldScope::Meter, "M1");
  wrong.utility += 1;
  EXPECT_FALSE(holds->set(wrong).ok()) << "another utility's";
  for (std::string HoldRequest::*field :
       {&HoldRequest::place, &HoldRequest::holder, &HoldRequest::role, &HoldRequest::reason}) {
    wrong = request(HoldScope::Meter, "M1");
    (wrong.*field).clear();
    EXPECT_EQ(holds->set(wrong).refusal().kind, Refusal::Kind::Invalid);
  }
  wrong = request(HoldScope::Meter, "M1");
  wrong.expires_at = now - seconds{1};
  EXPECT_EQ(holds->set(wrong).refusal().field, "expires_at");
  EXPECT_TRUE(holds->list(utility(), false, 0, 10)->empty());
}

TEST_P(Holds, AtTellsWhatIsInForceThereAndWhetherAPlaceIsUnknown) {
  const SafetyHold meter_hold = set(HoldScope::Meter, "M1");
  const HoldPlaces here{"M1", "UP-1", "T1", "F1"}, unknown{"M2", "UP-2", "", ""};
  EXPECT_EQ(holds->at(utility(), here)->holds.size(), 1U);
  EXPECT_FALSE(holds->at(utility(), unknown)->place_unknown) << "a meter is held, no feeder";
  const SafetyHold feeder_hold = set(HoldScope::Feeder, "F1");
  const auto both = holds->at(utility(), here).value();
  ASSERT_EQ(both.holds.size(), 2U);
  EXPECT_EQ(both.holds[0].id, meter_hold.id);
  EXPECT_EQ(both.holds[1].id, feeder_hold.id);
  EXPECT_FALSE(both.place_unknown);
  EXPECT_TRUE(holds->at(utility(), unknown)->place_unknown);
  EXPECT_TRUE(holds->at(utility(), unknown)->holds.empty());
  EXPECT_FALSE(holds->at(utility(), {"M2", "UP-2", "", "F2"})->place_unknown) << "no transformer is held";
  EXPECT_TRUE(holds->at(utility() + 1, here)->holds.empty());
  ASSERT_TRUE(lift(feeder_hold.id));
  EXPECT_FALSE(holds->at(utility(), unknown)->place_unknown);
}

TEST_P(Holds, ListIsPagedNewestFirst) {
  for (int i = 0; i < 5; ++i) set(HoldScope::Meter, "M1");
  const auto first = holds->list(utility(), false, 0, 2).value();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_GT(first[0].id, first[1].id);
  const auto rest = holds->list(utility(), false, first[1].id, 10).value();
  ASSERT_EQ(rest.size(), 3U);
  EXPECT_LT(rest[0].id, first[1].id);
}

// Whoever is first: a hold that set() answered for before a SENT was asked stops it; no SENT and hold pass each
// other unseen.
TEST_P(Holds, OfAHoldAndASentAtOnceTheLaterSeesTheEarlier) {
  for (int round = 0; round < 10; ++round) {
    const SwitchOperation op = queued();
    std::string left;
    std::optional<SafetyHold> hold;
    std::optional<State> state_after_set;
    {
      std::jthread sender([&] { left = leave(op); });
      std::jthread holder([&] {
        const auto made = holds->set(request(HoldScope::Feeder, "F1"));
        ASSERT_TRUE(made.ok());
        hold = *made;
        state_after_set = book->get(utility(), op.id)->state;
      });
    }
    ASSERT_TRUE(state_after_set.has_value());
    if (left == "done")
      EXPECT_EQ(*state_after_set, State::Sent) << "it left after the hold was set";
    else
      EXPECT_EQ(left, "SAFETY_HOLD");
    ASSERT_TRUE(lift(hold->id));
    if (left != "done") {
      EXPECT_EQ(end(op), "");
      continue;
    }
    SwitchOperation done = sent(op);
    done.version += 1;
    done.state = State::Failed;
    done.ended_at = now;
    ASSERT_TRUE(book->move(done, note()).ok());
  }
}

TEST(MemoryHolds, EndWhenTheyExpire) {
  UtcInstant now = at("2026-01-15T12:00:00Z");
  MemorySwitching book([&] { return now; });
  MemorySafetyHolds holds(book, [&] { return now; });
  holds.place(1, 11, {"M1", "UP-1", "T1", "F1"});
  HoldRequest asked{1, HoldScope::Meter, "M1", HoldEffect::NoCommand, "crew", "hold-admin", "works", "", now + hours{1}};
  ASSERT_TRUE(holds.set(asked).ok());
  now += hours{1} - seconds{1};
  EXPECT_EQ(holds.at(1, {"M1", "", "", ""})->holds.size(), 1U);
  now += seconds{1};
  EXPECT_TRUE(holds.at(1, {"M1", "", "", ""})->holds.empty());
}

class HoldTables : public Holds {};
INSTANTIATE_TEST_SUITE_P(Stores, HoldTables, ::testing::Values("Postgres"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_P(HoldTables, ExpiryIsByTheClockOfTheDatabase) {
  // A line as it looks an hour after it was set for one minute.
  sql("ALTER TABLE safety_hold DISABLE TRIGGER safety_hold_set; INSERT INTO safety_hold (utility_id, scope, place,"
      " effect, holder, role, reason, reference, set_at, expires_at) SELECT utility_id, 'METER', 'M1',"
      " 'NO_COMMAND', 'c', 'r', 'x', '', now() - interval '60 min', now() - interval '59 min' FROM utility WHERE"
      " key = 'north'; ALTER TABLE safety_hold ENABLE TRIGGER safety_hold_set");
  EXPECT_TRUE(holds->list(utility(), true, 0, 10)->empty());
  EXPECT_EQ(holds->list(utility(), false, 0, 10)->size(), 1U);
  EXPECT_EQ(leave(queued()), "done");
}

// A head-end in wrong hands has the role ami_switch, and no more.
TEST_P(HoldTables, NoProgramGetsPastAHoldAndNoRoleUnmakesOne) {
  const SwitchOperation op = queued();
  const SafetyHold hold = set(HoldScope::Feeder, "F1");
  const std::string id = std::to_string(op.id), number = std::to_string(hold.id);
  const auto as = [&](const char* user, const std::string& statement) {
    return run_sql(as_user(conninfo, user), statement);
  };
  const std::string send = "UPDATE switch_operation SET state = 'SENT', transaction = 't', sent_at = now(), version ="
                           " version + 1 WHERE switch_id = " + id;
  for (const char* user : {"t_switch", "ami"}) {
    const SqlEnd refused = as(user, send);
    EXPECT_EQ(refused.state, "23000") << user << " " << refused.message;
    EXPECT_NE(refused.message.find("SAFETY_HOLD hold=" + number), std::string::npos) << refused.message;
  }
  EXPECT_EQ(as("t_switch", "CREATE TEMP TABLE safety_hold (LIKE public.safety_hold); SET search_path = pg_temp,"
                           " public; " + send).state, "23000")
      << "a table of its own in front of the real one";
  EXPECT_EQ(as("t_switch", "CREATE FUNCTION pg_temp.ami_hold_in_force(public.safety_hold) RETURNS boolean LANGUAGE"
                           " sql AS 'SELECT false'; SET search_path = pg_temp, public; " + send).state, "23000");
  for (const char* user : {"t_switch", "t_ingest", "t_reader", "t_audit", "t_stranger", "ami"}) {
    for (const char* table : {"safety_hold", "safety_hold_lift"}) {
      EXPECT_EQ(as(user, std::string("DELETE FROM ") + table).state, "42501") << user << table;
      EXPECT_EQ(as(user, std::string("TRUNCATE ") + table + " CASCADE").state, "42501") << user << table;
      EXPECT_EQ(as(user, std::string("UPDATE ") + table + " SET reason = 'none'").state, "42501") << user << table;
    }
  }
  EXPECT_EQ(as("t_switch", "ALTER TABLE switch_operation DISABLE TRIGGER ALL").state, "42501");
  EXPECT_EQ(as("t_switch", "INSERT INTO safety_hold_lift (hold_id, utility_id, role, actor, reason) VALUES (" + number +
                           ", " + std::to_string(north) + ", 'requester', 'me', 'x')").state, "23503")
      << "not the role of the hold";
  EXPECT_EQ(as("t_ingest", "INSERT INTO safety_hold_lift (hold_id, utility_id, role, actor, reason) VALUES (1, 1,"
                           " 'hold-admin', 'me', 'x')").state, "42501");
  EXPECT_EQ(as("t_reader", "SELECT count(*) FROM safety_hold").cell, "0");
  EXPECT_EQ(as("t_reader", "SET ami.utilities = 'north'; SELECT count(*) FROM safety_hold").cell, "1");
  EXPECT_EQ(leave(op), "SAFETY_HOLD");
}

// The meter stands elsewhere than the order says: both places count.
TEST_P(HoldTables, HoldWhereTheMeterIsInstalledNowCountsToo) {
  SwitchOperation op = queued(SwitchAction::Open, 1);
  sql("UPDATE switch_operation SET usage_point = 'UP-1' WHERE switch_id = " + std::to_string(op.id));
  const SafetyHold here = set(HoldScope::UsagePoint, "UP-2");
  EXPECT_EQ(leave(op), "SAFETY_HOLD") << "where it is installed";
  ASSERT_TRUE(lift(here.id));
  op.asked.usage_point = "UP-1";
  const SafetyHold there = set(HoldScope::Feeder, "F1");
  EXPECT_EQ(leave(op), "SAFETY_HOLD") << "what the order says";
  ASSERT_TRUE(lift(there.id));
  EXPECT_EQ(leave(op), "done");
}

// The program of the trigger alone, without the look before it.
TEST_P(HoldTables, SentWaitsForAHoldThatIsJustBeingSet) {
  const SwitchOperation op = queued();
  const std::unique_ptr<PGconn, decltype(&PQfinish)> holder(PQconnectdb(as_user(conninfo, "t_switch").c_str()),
                                                            &PQfinish);
  const auto run = [&](const std::string& statement) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> done(PQexec(holder.get(), statement.c_str()), &PQclear);
    return PQresultStatus(done.get()) == PGRES_COMMAND_OK;
  };
  ASSERT_TRUE(run("BEGIN"));
  ASSERT_TRUE(run("INSERT INTO safety_hold (utility_id, scope, place, effect, holder, role, reason, reference) VALUES (" +
                  std::to_string(north) + ", 'METER', 'M1', 'NO_OPEN', 'c', 'hold-admin', 'x', '')"));
  std::string left;
  std::jthread sender([&] { left = leave(op); });
  // The sender waits for the lock of the holder, which nobody has given back.
  while (one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 7165290") != "1")
    std::this_thread::yield();
  ASSERT_TRUE(run("COMMIT"));
  sender.join();
  EXPECT_EQ(left, "SAFETY_HOLD");
}

}  // namespace
}  // namespace ami::storage
