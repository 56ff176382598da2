// What every book of switch operations promises, and what PostgreSQL promises on top.
#include "storage/contract/switching.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <thread>

#include "storage/memory/switching.h"
#include "storage/postgres/switching.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using State = SwitchState;

const UtcInstant kNow = at("2026-01-15T12:00:00Z");

class SwitchBook : public StoreTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    if (in_memory()) {
      book = std::make_unique<MemorySwitching>([this] { return clock; });
      meters = {11, 12};
      return;
    }
    StoreTest::SetUp();
    make_logins(conninfo);
    meters = {meter(north, "M1"), meter(north, "M2")};
    login = std::make_unique<Database>(DatabaseOptions{.conninfo = as_user(conninfo, "t_switch")});
    book = std::make_unique<PostgresSwitching>(*login);  // with the role that it has at work
  }
  [[nodiscard]] bool in_memory() const { return std::string_view(GetParam()) == "Memory"; }
  [[nodiscard]] std::int32_t utility() const { return in_memory() ? 1 : north; }

  SwitchAsked asked(const std::string& request, SwitchAction action = SwitchAction::Open,
                    std::size_t meter_index = 0) const {
    SwitchAsked out;
    out.utility = utility();
    out.meter_id = meters.at(meter_index);
    out.meter = "M" + std::to_string(meter_index + 1);
    out.usage_point = "UP-1";
    out.serial_last4 = "4711";
    out.action = action;
    out.reason = "TEST";
    out.order_id = "WO-1";
    out.caller = "cn=operator";
    out.request_id = request;
    out.on_behalf_of = "pat";
    out.attestation = action == SwitchAction::Close ? "CUSTOMER_PRESENT" : "";
    out.automatic = action == SwitchAction::Close;
    out.body = "open it";
    out.feed = "radio";
    out.vendor_id = "B1";
    out.created_at = out.not_before = kNow;
    out.not_after = kNow + hours{1};
    out.minimum = 2;
    return out;
  }
  static SwitchNote note(const std::string& input = "REQUEST") {
    return {input, "cn=operator", "gateway 1", "words", "a=1\nb=2\n", kNow};
  }
  SwitchOperation make(const SwitchAsked& what) {
    const auto created = book->create(what, note());
    EXPECT_TRUE(created.ok()) << (created.ok() ? "" : created.refusal().message);
    return created.ok() ? created->operation : SwitchOperation{};
  }
  // The next version in that state, with what the state needs.
  static SwitchOperation next(SwitchOperation op, State state) {
    op.version += 1;
    op.state = state;
    if (!live(state)) op.ended_at = kNow + seconds{op.version};
    if (state >= State::Sent && state != State::Rejected && state != State::Cancelled &&
        state != State::Expired && op.transaction.empty()) {
      op.transaction = "sw" + std::to_string(op.id) + "-1";
      op.sent_at = kNow + seconds{1};
      op.flight = seconds{360};
    }
    return op;
  }
  SwitchOperation move(const SwitchOperation& op, State state) {
    const SwitchOperation to = next(op, state);
    const auto moved = book->move(to, note("MOVE"));
    EXPECT_TRUE(moved.ok()) << (moved.ok() ? "" : moved.refusal().message);
    return to;
  }
  template <class T>
  static std::string rule(const Answer<T>& answer) {
    if (answer.ok()) return "done";
    return answer.refusal().rule ? answer.refusal().rule->name : answer.refusal().field;
  }

  UtcInstant clock = kNow;  // of the memory's leases
  std::vector<MeterId> meters;
  std::unique_ptr<Database> login;
  std::unique_ptr<SwitchStore> book;
};

INSTANTIATE_TEST_SUITE_P(Books, SwitchBook, ::testing::Values("Memory", "Postgres"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_P(SwitchBook, KeepsWhatWasAskedAndAllThatChanges) {
  const SwitchOperation made = make(asked("r1", SwitchAction::Close));
  EXPECT_EQ(made.version, 1);
  EXPECT_EQ(made.state, State::Requested);
  EXPECT_EQ(made.asked, asked("r1", SwitchAction::Close));
  SwitchOperation to = next(made, State::Contradicted);
  to.claimed_at = kNow + seconds{2};
  to.evidence = 3;
  to.attainable = 4;
  to.evidence_words = "E3 next intervals: 2 in a row";
  to.position = "CLOSED";
  to.final_register = "1234.500 kWh";
  to.rule = "POSITION";
  to.words = "it said so";
  to.truck_roll = to.latent_close = true;
  to.alerted = 2;
  to.resolved_at = kNow + seconds{5};
  to.resolved_by = "cn=pat";
  to.resolution = "crew 4";
  ASSERT_TRUE(book->move(to, note()).ok());
  EXPECT_EQ(book->get(utility(), made.id).value(), to);
  EXPECT_EQ(book->by_transaction(to.transaction).value().value(), to);
  EXPECT_FALSE(book->by_transaction("nobodys")->has_value());
  EXPECT_FALSE(book->by_transaction("")->has_value());
  EXPECT_EQ(book->get(utility(), made.id + 1000).refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(book->get(utility() + 1000, made.id).refusal().kind, Refusal::Kind::NotFound)
      << "another utility's";
}

TEST_P(SwitchBook, SameRequestIsTheSameOperationAndAnotherBodyCollides) {
  const SwitchOperation made = make(asked("r1"));
  const auto again = book->create(asked("r1"), note());
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->operation, made);
  SwitchAsked other = asked("r1");
  other.body = "close it";
  EXPECT_EQ(book->create(other, note()).refusal().kind, Refusal::Kind::Collision);
  EXPECT_EQ(book->create(other, note()).refusal().field, "request_id");
  EXPECT_EQ(book->audit(made.id)->size(), 1U);
}

TEST_P(SwitchBook, OneLiveOperationAMeterInEveryLiveState) {
  SwitchOperation op = make(asked("r1"));
  for (const State state : {State::PolicyChecked, State::Authorised, State::Queued, State::Sent,
                            State::Acknowledged, State::Verifying}) {
    const auto second = book->create(asked("r2", SwitchAction::Close), note());
    EXPECT_EQ(rule(second), "SWITCH_LIVE");
    EXPECT_EQ(second.refusal().rule->facts.at("operation"), std::to_string(op.id));
    op = move(op, state);
  }
  EXPECT_EQ(rule(book->create(asked("r2", SwitchAction::Close), note())), "SWITCH_LIVE");
  EXPECT_EQ(rule(book->create(asked("r2", SwitchAction::Close, 1), note())), "done") << "another meter";
  move(op, State::VerifiedOpen);
  EXPECT_EQ(rule(book->create(asked("r3", SwitchAction::Close), note())), "done");
}

TEST_P(SwitchBook, UncertainOpenStandsInTheWayOfAnOpenOnly) {
  SwitchOperation op = make(asked("r1"));
  op = move(move(op, State::Sent), State::Uncertain);
  EXPECT_EQ(rule(book->create(asked("r2"), note())), "SWITCH_UNCERTAIN");
  const SwitchOperation close = make(asked("r3", SwitchAction::Close));
  move(move(close, State::Sent), State::Uncertain);
  EXPECT_EQ(rule(book->create(asked("r4", SwitchAction::Close), note())), "done") << "policy decides of that";
  move(op, State::Failed);
  EXPECT_EQ(rule(book->create(asked("r5"), note())), "SWITCH_LIVE");
}

TEST_P(SwitchBook, ChangeToAnotherVersionThanTheNextIsRefused) {
  const SwitchOperation made = make(asked("r1"));
  const SwitchOperation moved = move(made, State::PolicyChecked);
  for (SwitchOperation stale :
       {next(made, State::Rejected), next(next(moved, State::Authorised), State::Queued)}) {
    const auto refused = book->move(stale, note());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.refusal().kind, Refusal::Kind::Collision);
  }
  SwitchOperation nobody = next(made, State::Rejected);
  nobody.id += 1000;
  EXPECT_EQ(book->move(nobody, note()).refusal().kind, Refusal::Kind::Collision);
  EXPECT_EQ(book->get(utility(), made.id).value(), moved);
  EXPECT_EQ(book->audit(made.id)->size(), 2U) << "a refused change leaves no line";
}

TEST_P(SwitchBook, EveryChangeLeavesAnAuditLineAndAnOutboxLine) {
  SwitchOperation op = make(asked("r1"));
  op = move(op, State::PolicyChecked);
  SwitchOperation same = op;
  same.version += 1;
  same.evidence = 1;
  ASSERT_TRUE(book->move(same, note("EVIDENCE")).ok());
  const auto lines = book->audit(op.id).value();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_FALSE(lines[0].from.has_value());
  EXPECT_EQ(lines[0].to, State::Requested);
  EXPECT_EQ(lines[1].from, State::Requested);
  EXPECT_EQ(lines[1].to, State::PolicyChecked);
  EXPECT_EQ(lines[2].from, State::PolicyChecked);
  EXPECT_EQ(lines[2].to, State::PolicyChecked);
  EXPECT_EQ(lines[2].version, 3);
  EXPECT_EQ(lines[2].note.input, "EVIDENCE");
  EXPECT_EQ(lines[2].note.actor, "cn=operator");
  EXPECT_EQ(lines[2].note.gateway, "gateway 1");
  EXPECT_EQ(lines[2].note.facts, "a=1\nb=2\n");
  EXPECT_EQ(lines[2].note.at, kNow);
  EXPECT_LT(lines[0].id, lines[1].id);
  const auto all = book->outbox(0, 100).value();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].version, 2);
  EXPECT_EQ(all[1].state, State::PolicyChecked);
  EXPECT_EQ(book->outbox(all[1].id, 100)->size(), 1U);
  EXPECT_EQ(book->outbox(0, 2)->size(), 2U);
}

TEST_P(SwitchBook, OpenBooksHoldWhatIsLiveUnresolvedOrArmed) {
  const SwitchOperation live_one = make(asked("r1"));
  SwitchOperation armed = make(asked("r2", SwitchAction::Arm, 1));
  armed = move(move(armed, State::Sent), State::VerifiedArmed);
  EXPECT_EQ(book->open_books()->size(), 2U);
  armed.version += 1;
  armed.resolved_at = kNow;
  ASSERT_TRUE(book->move(armed, note()).ok());
  move(move(live_one, State::Sent), State::Uncertain);
  const auto books = book->open_books().value();
  ASSERT_EQ(books.size(), 1U);
  EXPECT_EQ(books[0].id, live_one.id);
  move(books[0], State::VerifiedOpen);
  EXPECT_TRUE(book->open_books()->empty());
  EXPECT_EQ(book->of_meter(meters[0], 10)->size(), 1U);
  make(asked("r5", SwitchAction::Close));
  const auto newest = book->of_meter(meters[0], 1).value();
  ASSERT_EQ(newest.size(), 1U);
  EXPECT_EQ(newest[0].asked.request_id, "r5");
}

TEST_P(SwitchBook, LeaseHasOneHolderUntilItLapses) {
  const auto mine = book->take_lease("gateway 1", hours{1}).value();
  ASSERT_TRUE(mine.has_value());
  EXPECT_FALSE(book->take_lease("gateway 2", hours{1})->has_value());
  EXPECT_EQ(book->take_lease("gateway 1", milliseconds{0}).value()->epoch, mine->epoch) << "a renewal";
  const auto theirs = book->take_lease("gateway 2", hours{1}).value();
  ASSERT_TRUE(theirs.has_value());
  EXPECT_GT(theirs->epoch, mine->epoch);
  EXPECT_FALSE(book->take_lease("gateway 1", hours{1})->has_value());
}

TEST_P(SwitchBook, ChangeWithALeaseThatIsNotHeldIsRefused) {
  const auto mine = book->take_lease("gateway 1", hours{1}).value().value();
  SwitchOperation op = move(make(asked("r1")), State::Queued);
  for (const SwitchLease& wrong :
       {SwitchLease{"gateway 2", mine.epoch}, SwitchLease{"gateway 1", mine.epoch + 1}})
    EXPECT_EQ(rule(book->move(next(op, State::Sent), note(), wrong)), "NOT_THE_SENDER");
  ASSERT_TRUE(book->take_lease("gateway 1", milliseconds{0})->has_value());
  EXPECT_EQ(rule(book->move(next(op, State::Sent), note(), mine)), "NOT_THE_SENDER") << "it has lapsed";
  EXPECT_EQ(book->get(utility(), op.id)->state, State::Queued);
  ASSERT_TRUE(book->take_lease("gateway 1", hours{1})->has_value());
  EXPECT_EQ(rule(book->move(next(op, State::Sent), note(), mine)), "done");
}

TEST_P(SwitchBook, OfManyAtOnceOneWins) {
  std::array<std::string, 4> ends;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      threads.emplace_back(
          [&, i] { ends.at(i) = rule(book->create(asked("r" + std::to_string(i)), note())); });
    }
  }
  EXPECT_EQ(std::ranges::count(ends, "done"), 1);
  EXPECT_EQ(std::ranges::count(ends, "SWITCH_LIVE"), 3);
  const SwitchOperation op = book->of_meter(meters[0], 1).value().at(0);
  std::array<std::string, 4> moves;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < moves.size(); ++i) {
      threads.emplace_back(
          [&, i] { moves.at(i) = rule(book->move(next(op, State::PolicyChecked), note())); });
    }
  }
  EXPECT_EQ(std::ranges::count(moves, "done"), 1);
  EXPECT_EQ(book->audit(op.id)->size(), 2U);
}

class SwitchRoles : public StoreTest {};

TEST_F(SwitchRoles, NobodyChangesALineOfTheAudit) {
  make_logins(conninfo);
  Database login({.conninfo = as_user(conninfo, "t_switch")});
  PostgresSwitching book(login);
  SwitchAsked what;
  what.utility = north;
  what.meter_id = meter(north, "M1");
  what.meter = "M1";
  what.caller = "cn=operator";
  what.request_id = "r1";
  what.created_at = what.not_before = kNow;
  what.not_after = kNow + hours{1};
  ASSERT_TRUE(book.create(what, {"REQUEST", "cn=operator", "g", "", "", kNow}).ok());
  const auto as = [&](const char* user, const std::string& statement) {
    const SqlEnd end = run_sql(as_user(conninfo, user), statement);
    return end.state.empty() ? end.cell : end.state;
  };
  EXPECT_EQ(as("t_switch", "SELECT count(*) FROM switch_audit"), "1");
  EXPECT_EQ(as("t_audit", "SELECT count(*) FROM switch_audit"), "1");
  for (const char* user : {"t_switch", "t_ingest", "t_reader", "t_audit", "t_stranger", "ami"}) {
    for (const char* statement : {"UPDATE switch_audit SET actor = 'nobody'", "DELETE FROM switch_audit",
                                  "DELETE FROM switch_audit WHERE false", "TRUNCATE switch_audit"})
      EXPECT_EQ(as(user, statement), "42501") << user << ": " << statement;
  }
  for (const char* table : {"switch_operation", "switch_outbox", "switch_lease"}) {
    EXPECT_EQ(as("t_switch", std::string("DELETE FROM ") + table), "42501") << table;
    EXPECT_EQ(as("t_ingest", std::string("SELECT count(*) FROM ") + table), "42501") << table;
  }
  EXPECT_EQ(as("t_ingest", "INSERT INTO switch_lease VALUES ('sender', 'me', 1, now())"), "42501");
  EXPECT_EQ(as("t_reader", "SELECT count(*) FROM switch_operation"), "0");
  EXPECT_EQ(as("t_reader", "SET ami.utilities = 'north'; SELECT count(*) FROM switch_operation"), "1");
  EXPECT_EQ(as("t_reader", "SELECT count(*) FROM switch_audit"), "42501");
}

// What no program can get round.
TEST_F(SwitchRoles, TablesThemselvesRefuseWhatMustNeverBe) {
  const std::string id = std::to_string(meter(north, "M1"));
  const auto insert = [&](const std::string& request, const std::string& action, const std::string& state,
                          const std::string& more) {
    return run_sql(
               conninfo,
               "INSERT INTO switch_operation (utility_id, meter_id, meter, usage_point, serial_last4, action,"
               " reason, order_id, caller, request_id, on_behalf_of, attestation, automatic, body, "
               "body_sha256,"
               " feed, vendor_id, created_at, not_before, not_after, minimum, version, state, transaction,"
               " sent_at, ended_at) VALUES (" +
                   std::to_string(north) + ", " + id + ", 'M1', '', '', '" + action + "', '', '', 'c', '" +
                   request +
                   "', '', '', false, '', '', '', '', now(), now(), now() +"
                   " interval '1 h', 1, 1, '" +
                   state + "', " + more + ")")
        .state;
  };
  EXPECT_EQ(insert("1", "OPEN", "UNCERTAIN", "'t1', now(), now()"), "");
  EXPECT_EQ(insert("2", "OPEN", "QUEUED", "NULL, NULL, NULL"), "23505") << "an OPEN beside an uncertain one";
  EXPECT_EQ(insert("3", "CLOSE", "SENT", "NULL, NULL, NULL"), "23514") << "SENT without a transaction";
  EXPECT_EQ(insert("3", "CLOSE", "CANCELLED", "'t3', now(), now()"), "23514") << "cancelled, and it left";
  EXPECT_EQ(insert("3", "CLOSE", "SENT", "'t1', now(), NULL"), "23505") << "a transaction of another";
  EXPECT_EQ(insert("3", "CLOSE", "SENT", "'t3', now(), NULL"), "");
  EXPECT_EQ(insert("4", "ARM", "REQUESTED", "NULL, NULL, NULL"), "23505") << "two that are live";
  EXPECT_EQ(insert("5", "CLOSE", "DONE", "NULL, NULL, now()"), "23514");
}

}  // namespace
}  // namespace ami::storage
