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

TEST_P(SwitchBook, TruckRollIsDoneWhenItWasResolvedOrALaterOperationClosedTheMeter) {
  const auto refused = [&](const std::string& request, std::size_t meter_index) {
    SwitchOperation to = next(make(asked(request, SwitchAction::Close, meter_index)), State::Rejected);
    to.truck_roll = true;
    EXPECT_TRUE(book->move(to, note()).ok());
    return to;
  };
  const auto to_go = [&] {
    std::vector<SwitchId> out;
    const auto rows = book->list({.utility = utility(), .truck_roll_only = true});
    if (!rows.ok()) return out;
    for (const SwitchOperation& one : *rows) out.push_back(one.id);
    return out;
  };
  using Ids = std::vector<SwitchId>;
  SwitchOperation first = refused("r1", 0);
  const SwitchOperation other = refused("r2", 1);
  EXPECT_EQ(to_go(), (Ids{other.id, first.id}));
  // What follows and shows nothing leaves it on the list.
  move(make(asked("r3", SwitchAction::Close, 1)), State::Failed);
  move(make(asked("r4", SwitchAction::Open, 1)), State::VerifiedOpen);
  EXPECT_EQ(to_go(), (Ids{other.id, first.id}));
  move(make(asked("r5", SwitchAction::Arm, 1)), State::VerifiedArmed);
  EXPECT_EQ(to_go(), Ids{first.id});
  // An earlier success is none of a later order.
  const SwitchOperation again = refused("r6", 1);
  EXPECT_EQ(to_go(), (Ids{again.id, first.id}));
  move(make(asked("r7", SwitchAction::Close, 1)), State::VerifiedClosed);
  EXPECT_EQ(to_go(), Ids{first.id});
  first.version += 1;
  first.resolved_at = kNow;
  first.resolved_by = "cn=pat";
  first.resolution = "crew 4";
  ASSERT_TRUE(book->move(first, note("TRUCK_ROLL_DONE")).ok());
  EXPECT_TRUE(to_go().empty());
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

TEST_P(SwitchBook, ListsNewestFirstWhatIsAskedFor) {
  const auto ids = [&](const SwitchQuery& query) {
    std::vector<SwitchId> out;
    const auto rows = book->list(query);
    if (!rows.ok()) return out;
    for (const SwitchOperation& row : *rows) out.push_back(row.id);
    return out;
  };
  SwitchQuery all;
  all.utility = utility();
  EXPECT_TRUE(ids(all).empty());
  SwitchAsked early = asked("r1");
  early.created_at = early.not_before = kNow - hours{2};
  const SwitchOperation first = move(move(make(early), State::Sent), State::Uncertain);
  const SwitchOperation second = make(asked("r2", SwitchAction::Close, 1));
  SwitchOperation third = next(second, State::Rejected);
  third.truck_roll = true;
  ASSERT_TRUE(book->move(third, note()).ok());
  const SwitchOperation fourth = make(asked("r3", SwitchAction::Close, 1));

  using Ids = std::vector<SwitchId>;
  EXPECT_EQ(ids(all), (Ids{fourth.id, second.id, first.id}));
  EXPECT_EQ(book->list(all)->at(1), third) << "whole";
  SwitchQuery one = all;
  one.meter = meters[1];
  EXPECT_EQ(ids(one), (Ids{fourth.id, second.id}));
  one.states = {State::Rejected, State::Cancelled};
  EXPECT_EQ(ids(one), Ids{second.id});
  one.unresolved_only = true;
  EXPECT_TRUE(ids(one).empty()) << "all that is said must hold";
  SwitchQuery open = all;
  open.unresolved_only = true;
  EXPECT_EQ(ids(open), Ids{first.id});
  SwitchQuery trucks = all;
  trucks.truck_roll_only = true;
  EXPECT_EQ(ids(trucks), Ids{second.id});
  SwitchQuery late = all;
  late.since = kNow;
  EXPECT_EQ(ids(late), (Ids{fourth.id, second.id})) << "asked for at that time is among them";
  late.since = kNow + std::chrono::microseconds{1};
  EXPECT_TRUE(ids(late).empty());
  SwitchQuery others = all;
  others.utility += 1000;
  EXPECT_TRUE(ids(others).empty()) << "another utility's";
}

TEST_P(SwitchBook, PagesOfAListFollowEachOtherWhateverIsAddedMeanwhile) {
  std::vector<SwitchId> made;
  for (int i = 0; i < 5; ++i) {
    const SwitchOperation op = make(asked("r" + std::to_string(i)));
    made.push_back(op.id);
    move(op, State::Rejected);
  }
  SwitchQuery query;
  query.utility = utility();
  query.limit = 2;
  std::vector<SwitchId> seen;
  for (;;) {
    const auto page = book->list(query).value();
    ASSERT_LE(page.size(), 2U);
    if (page.empty()) break;
    for (const SwitchOperation& row : page) seen.push_back(row.id);
    query.before = seen.back();
    if (seen.size() == 2) make(asked("later"));
  }
  std::ranges::reverse(made);
  EXPECT_EQ(seen, made) << "each once, the one that came later not";
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

TEST_P(SwitchBook, KeepsRefusedRequestsNewestFirst) {
  SwitchRefusal line;
  line.utility = utility();
  line.meter = "M9";
  line.usage_point = "UP-9";
  line.action = SwitchAction::Arm;
  line.reason = "TEST";
  line.order_id = "WO-9";
  line.caller = "cn=operator";
  line.certificate = "ami://role/switch";
  line.request_id = "r9";
  line.on_behalf_of = "pat";
  line.rule = "NO_SUCH_METER";
  line.words = "the utility has no meter M9";
  line.gateway = "gateway 1";
  line.at = kNow;
  ASSERT_TRUE(book->refused(line).ok());
  SwitchRefusal second = line;
  second.meter = std::string(5000, 'x');  // whoever is refused may have sent anything
  second.rule = "INVALID";
  ASSERT_TRUE(book->refused(second).ok());
  SwitchRefusal others = line;
  others.utility += 1000;
  ASSERT_TRUE(book->refused(others).ok());
  auto kept = book->refusals(utility(), 10);
  ASSERT_TRUE(kept.ok()) << kept.refusal().message;
  ASSERT_EQ(kept->size(), 2U);
  EXPECT_EQ(kept->at(0).rule, "INVALID");
  EXPECT_EQ(kept->at(0).meter.size(), 200U);
  EXPECT_GT(kept->at(0).id, kept->at(1).id);
  line.id = kept->at(1).id;
  EXPECT_EQ(kept->at(1), line);
  EXPECT_EQ(book->refusals(utility(), 1)->size(), 1U);
}

TEST_P(SwitchBook, AChangeThatIsFollowedIsAChangeLikeAnother) {
  SwitchNote first = note();
  first.followed = true;
  const auto created = book->create(asked("r1"), first);
  ASSERT_TRUE(created.ok()) << created.refusal().message;
  SwitchNote passed = note("POLICY_PASSED");
  passed.followed = true;
  const SwitchOperation checked = next(created->operation, State::PolicyChecked);
  ASSERT_TRUE(book->move(checked, passed).ok());
  const SwitchOperation queued = move(checked, State::Queued);
  EXPECT_EQ(book->get(utility(), queued.id)->state, State::Queued);
  EXPECT_EQ(book->audit(queued.id)->size(), 3U);
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
  SwitchRefusal line;
  line.utility = north;
  line.meter = "M1";
  line.at = kNow;
  ASSERT_TRUE(book.refused(line).ok());
  EXPECT_EQ(as("t_audit", "SELECT count(*) FROM switch_refusal"), "1");
  EXPECT_EQ(as("t_reader", "SELECT count(*) FROM switch_refusal"), "42501");
  for (const char* user : {"t_switch", "t_ingest", "t_audit", "ami"}) {
    for (const char* statement : {"UPDATE switch_refusal SET caller = 'nobody'", "DELETE FROM switch_refusal",
                                  "TRUNCATE switch_refusal"})
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
