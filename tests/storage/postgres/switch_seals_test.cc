#include "storage/postgres/switch_seals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <pqxx/pqxx>
#include <set>
#include <thread>

#include "meter_model/audit/canonical.h"
#include "meter_model/failpoint.h"
#include "storage/postgres/migrate.h"
#include "tests/storage/postgres/switch_seal_scene.h"

namespace ami::storage {
namespace {

// Hashes and links follow from what is stored, positions from 1 without a gap.
void expect_whole(const std::vector<SealedLine>& chain) {
  audit::Sha256 hasher;
  audit::Digest before = audit::kChainStart;
  std::int64_t position = 0;
  std::set<std::int64_t> ids;
  for (const SealedLine& line : chain) {
    ASSERT_EQ(line.position, ++position);
    EXPECT_EQ(line.format, 1);
    EXPECT_TRUE(ids.insert(line.audit_id).second) << "twice: " << line.audit_id;
    ASSERT_EQ(line.row, hasher.of(line.canonical)) << position;
    before = hasher.chain(before, position, line.sealed_at, line.row);
    ASSERT_EQ(line.chain, before) << position;
  }
}

std::vector<std::int64_t> ids_of(const std::vector<SealedLine>& lines) {
  std::vector<std::int64_t> out;
  for (const SealedLine& line : lines) out.push_back(line.audit_id);
  return out;
}

class SwitchSeals : public SwitchSealTest {
 protected:
  // The second version of an operation, written by hand in a transaction of the test's.
  static void write_move(pqxx::work& tx, SwitchId id) {
    const std::string which = std::to_string(id);
    tx.exec("UPDATE switch_operation SET version = 2, state = 'POLICY_CHECKED' WHERE switch_id = " + which);
    tx.exec(
        "INSERT INTO switch_audit (switch_id, utility_id, version, from_state, to_state, input, actor, gateway, words,"
        " facts, at) SELECT switch_id, utility_id, 2, 'REQUESTED', 'POLICY_CHECKED', 'X', 'a', 'g', '', '', now()"
        " FROM switch_operation WHERE switch_id = " + which);
  }
};

TEST_F(SwitchSeals, EmptyAuditHasAnEmptyChain) {
  EXPECT_EQ(seal_all(), 0U);
  EXPECT_EQ(seals->head()->position, 0);
  EXPECT_EQ(seals->head()->chain, audit::kChainStart);
  EXPECT_EQ(seals->tail(true)->unsealed, 0);
  EXPECT_FALSE(seals->tail(true)->oldest.has_value());
  EXPECT_TRUE(chain().empty());
}

TEST_F(SwitchSeals, EveryLineIsSealedOnceInItsOrderWhateverTheBatch) {
  two_operations();
  EXPECT_EQ(seals->tail(false)->unsealed, 12);
  EXPECT_EQ(seals->unsealed(0, 100)->size(), 12U);
  EXPECT_EQ(seal_all(5), 12U);
  EXPECT_EQ(seal_all(5), 0U);
  const auto all = chain();
  ASSERT_EQ(all.size(), 12U);
  expect_whole(all);
  const auto ids = ids_of(all);
  EXPECT_TRUE(std::ranges::is_sorted(ids));
  EXPECT_EQ(seals->head()->position, 12);
  EXPECT_EQ(seals->head()->chain, all.back().chain);
  EXPECT_EQ(seals->chain_at(7).value(), all[6].chain);
  EXPECT_FALSE(seals->chain_at(13)->has_value());
  EXPECT_EQ(seals->tail(false)->unsealed, 0);
  EXPECT_EQ(ids_of(seals->sealed(10, 1).value()), std::vector{ids[10]});
}

TEST_F(SwitchSeals, LineTellsByItselfWhoAskedForWhatForWhomAndWhy) {
  SwitchOperation op = create("r1");
  for (const SwitchState state : {SwitchState::PolicyChecked, SwitchState::Authorised, SwitchState::Queued})
    op = move(op, state);
  op.evidence = 0;
  op.attainable = 4;
  op.position = "CLOSED";
  op.final_register = "12.500 kWh";
  op.rule = "NONE";
  move(op, SwitchState::Sent);
  seal_all();
  const auto lines = chain();
  ASSERT_EQ(lines.size(), 5U);
  const auto first = audit::parse_canonical(lines[0].canonical).value(),
             last = audit::parse_canonical(lines[4].canonical).value();
  const auto said = [](const audit::Fields& fields, const char* name) {
    return std::string(fields.at(audit::field_index(name)).value_or("NULL"));
  };
  const std::pair<const char*, const char*> both[] = {
      {"meter", "M-r1"},       {"usage_point", "UP-1"}, {"serial_last4", "4711"}, {"action", "OPEN"},
      {"reason", "NON_PAYMENT"}, {"order_id", "WO-1"},  {"caller", "CN=pat"},     {"request_id", "r1"},
      {"on_behalf_of", "billing"}, {"attestation", "NONE"}, {"automatic", "0"},   {"feed", "radio"},
      {"vendor_id", "B1"},     {"gateway", "gw-1"},
      // sha256 of "open it", by sha256sum
      {"request_sha256", "fd07d3210e9c2591a226eccc65eafafab19a39d7e72f18b00a3de37874b00209"}};
  for (const auto& [name, value] : both) {
    EXPECT_EQ(said(first, name), value) << name;
    EXPECT_EQ(said(last, name), value) << name;
  }
  const std::pair<const char*, const char*> created[] = {
      {"from_state", "NULL"}, {"to_state", "REQUESTED"}, {"input", "REQUEST"},  {"actor", "CN=pat"},
      {"certificate", "ami://role/switch"}, {"words", "words"}, {"facts", "a=1\nb=2\n"}, {"version", "1"},
      {"at", "1768478400000000"}, {"transaction", ""}, {"evidence", "-1"}, {"sent_sha256", ""}};
  for (const auto& [name, value] : created) EXPECT_EQ(said(first, name), value) << name;
  const std::string transaction = "sw" + std::to_string(op.id), hash(64, 'e');
  const std::pair<const char*, const char*> sent[] = {
      {"from_state", "QUEUED"}, {"to_state", "SENT"}, {"version", "5"}, {"actor", "gateway"}, {"certificate", ""},
      {"transaction", transaction.c_str()}, {"sent_sha256", hash.c_str()}, {"evidence", "0"}, {"attainable", "4"},
      {"position", "CLOSED"}, {"final_register", "12.500 kWh"}, {"rule", "NONE"}};
  for (const auto& [name, value] : sent) EXPECT_EQ(said(last, name), value) << name;
}

TEST_F(SwitchSeals, LineOfATransactionThatEndsLateIsSealedLateAndNotSkipped) {
  const SwitchOperation late = create("late"), other = create("other");
  seal_all();
  pqxx::connection connection(conninfo);
  pqxx::work tx(connection);
  write_move(tx, late.id);  // has its number, and is not seen
  move(other, SwitchState::PolicyChecked);
  EXPECT_EQ(seal_all(), 1U);
  // However often it is looked, and whatever is sealed meanwhile.
  SwitchOperation third = create("third");
  for (int i = 0; i < 3; ++i) EXPECT_LE(seal_all(), 1U);
  third = move(third, SwitchState::PolicyChecked);
  EXPECT_EQ(seal_all(), 1U);
  EXPECT_EQ(seals->tail(false)->unsealed, 0);
  tx.commit();
  EXPECT_EQ(seals->tail(false)->unsealed, 1);
  EXPECT_EQ(seal_all(), 1U);
  const auto all = chain();
  ASSERT_EQ(all.size(), 6U);
  expect_whole(all);
  EXPECT_LT(all[5].audit_id, all[4].audit_id) << "its number is older than those that stand before it";
  EXPECT_EQ(seals->tail(true)->unsealed, 0);
}

TEST_F(SwitchSeals, RolledBackNumberIsNoGapThatAnythingWaitsFor) {
  const SwitchOperation one = create("one");
  {
    pqxx::connection connection(conninfo);
    pqxx::work tx(connection);
    write_move(tx, one.id);
    tx.abort();
  }
  create("two");
  EXPECT_EQ(seal_all(), 2U);
  expect_whole(chain());
}

TEST_F(SwitchSeals, TransactionThatRunsForHoursHoldsNothingUp) {
  pqxx::connection connection(conninfo);
  pqxx::work hours(connection);
  hours.exec("SELECT pg_current_xact_id()");
  for (int i = 0; i < 5; ++i) {
    create("r" + std::to_string(i));
    EXPECT_EQ(seal_all(), 1U);
  }
  EXPECT_EQ(seals->tail(false)->unsealed, 0);
  hours.commit();
  for (int i = 5; i < 10; ++i) {
    create("r" + std::to_string(i));
    EXPECT_EQ(seal_all(), 1U);
  }
  expect_whole(chain());
}

TEST_F(SwitchSeals, TwoSealersMakeOneChain) {
  constexpr int kOperations = 40;
  Database other_login({.conninfo = switch_login});
  PostgresSeals other(other_login);
  std::vector<SwitchOperation> operations;
  for (int i = 0; i < kOperations; ++i) operations.push_back(create("r" + std::to_string(i)));
  std::atomic<bool> done{false};
  std::atomic<int> failed{0};
  {
    std::vector<std::jthread> threads;
    for (PostgresSeals* sealer : {seals.get(), &other}) {
      threads.emplace_back([&, sealer] {
        for (bool last = false; !last;) {
          last = done;
          if (!sealer->seal(3).ok()) ++failed;
        }
      });
    }
    threads.emplace_back([&] {
      for (SwitchOperation& op : operations) op = move(op, SwitchState::PolicyChecked);
      done = true;
    });
  }
  EXPECT_EQ(failed, 0);
  seal_all();
  const auto all = chain();
  EXPECT_EQ(all.size(), 2U * kOperations);
  expect_whole(all);
}

TEST_F(SwitchSeals, SecondSealerFindsItBusyWhileTheFirstIsAtIt) {
  create("r1");
  pqxx::connection connection(conninfo);
  pqxx::work holds(connection);
  holds.exec("SELECT pg_advisory_xact_lock(7165289, 22)");
  EXPECT_TRUE(seals->seal(10)->busy);
  EXPECT_EQ(seals->head()->position, 0);
  holds.commit();
  EXPECT_EQ(seals->seal(10)->sealed, 1U);
}

// Whoever gets round the lock: the table takes one seal a position, and one a line.
TEST_F(SwitchSeals, ForkIsRefusedByTheTableItself) {
  create("r1");
  create("r2");
  seal_all();
  const auto as = [&](const std::string& statement) { return run_sql(switch_login, statement).state; };
  EXPECT_EQ(as("INSERT INTO switch_seal SELECT position, audit_id + 100, format, row_sha256, chain_sha256, now()"
               " FROM switch_seal WHERE position = 2"), "23505");
  EXPECT_EQ(as("INSERT INTO switch_seal SELECT 3, audit_id, format, row_sha256, chain_sha256, now()"
               " FROM switch_seal WHERE position = 2"), "23505");
  EXPECT_EQ(as("INSERT INTO switch_seal SELECT 3, audit_id + 100, format, '\\x00', chain_sha256, now()"
               " FROM switch_seal WHERE position = 2"), "23514");
  EXPECT_EQ(seals->head()->position, 2);
}

struct Killed : std::runtime_error {
  using std::runtime_error::runtime_error;
};
std::string g_kill_at;
void kill_at(const char* name) {
  if (g_kill_at == name) throw Killed("killed");
}

TEST_F(SwitchSeals, SealerThatDiesBetweenLeavesAllOfABatchOrNothing) {
  two_operations();
  failpoint_handler = kill_at;
  g_kill_at = "switch_seal.before_commit";
  EXPECT_FALSE(seals->seal(5).ok());
  EXPECT_EQ(seals->head()->position, 0);
  EXPECT_EQ(seals->tail(true)->unsealed, 12);
  g_kill_at = "switch_seal.after_commit";
  EXPECT_FALSE(seals->seal(5).ok());
  EXPECT_EQ(seals->head()->position, 5) << "it had happened";
  failpoint_handler = nullptr;
  PostgresSeals after_restart(*login);
  EXPECT_EQ(after_restart.seal(100)->sealed, 7U);
  expect_whole(chain());
}

TEST_F(SwitchSeals, LinesFromBeforeSealsAreSealedAsTheyWere) {
  const std::string old = testing::PgCluster::shared().create_database();
  const auto all = embedded_migrations();
  const auto mine = std::ranges::find(all, "0022_switch_seals", &Migration::name);
  ASSERT_NE(mine, all.end());
  const auto before = all.first(static_cast<std::size_t>(mine - all.begin()));
  ASSERT_TRUE(migrate(old, before).ok());
  const SqlEnd wrote = run_sql(
      old,
      "INSERT INTO utility (key, zone) VALUES ('u', 'UTC');"
      "INSERT INTO meter (utility_id, key) SELECT utility_id, 'M1' FROM utility;"
      "INSERT INTO switch_operation (utility_id, meter_id, meter, usage_point, serial_last4, action, reason, order_id,"
      " caller, request_id, on_behalf_of, attestation, automatic, body, body_sha256, feed, vendor_id, created_at,"
      " not_before, not_after, minimum, version, state) SELECT utility_id, meter_id, 'M1', '', '', 'OPEN', '', '', 'c',"
      " 'r', '', '', false, '', '', '', '', now(), now(), now() + interval '1 h', 1, 1, 'REQUESTED' FROM meter;"
      "INSERT INTO switch_audit (switch_id, utility_id, version, to_state, input, actor, gateway, words, facts, at)"
      " SELECT switch_id, utility_id, 1, 'REQUESTED', 'REQUEST', 'c', 'g', 'w', 'f', '2026-01-15T12:00:00Z'"
      " FROM switch_operation");
  ASSERT_EQ(wrote.state, "") << wrote.message;
  ASSERT_TRUE(migrate(old).ok());
  Database upgraded({.conninfo = as_user(old, "t_switch")});
  PostgresSeals sealer(upgraded);
  PostgresSwitching old_book(upgraded);
  const auto operation = old_book.open_books().value().at(0);
  SwitchOperation next = operation;
  next.version = 2;
  next.state = SwitchState::PolicyChecked;
  ASSERT_TRUE(old_book.move(next, {"MOVE", "gateway", "g", "", "", at("2026-01-15T12:00:01Z")}).ok());
  ASSERT_EQ(sealer.seal(10)->sealed, 2U);
  const auto lines = sealer.sealed(0, 10).value();
  expect_whole(lines);
  const auto first = audit::parse_canonical(lines[0].canonical).value(),
             second = audit::parse_canonical(lines[1].canonical).value();
  EXPECT_FALSE(first.at(audit::field_index("caller")).has_value()) << "it was not noted then";
  EXPECT_EQ(first.at(audit::field_index("words")), "w");
  EXPECT_EQ(second.at(audit::field_index("caller")), "c");
  EXPECT_EQ(old_book.audit(operation.id)->size(), 2U);
}

TEST_F(SwitchSeals, CanonicalBytesDoNotDependOnSettingsOfTheDatabase) {
  two_operations();
  seal_all();
  const auto before = chain();
  const std::string name = one("SELECT current_database()");
  for (const char* setting : {"DateStyle = 'German, DMY'", "TimeZone = 'Asia/Kathmandu'", "IntervalStyle = 'sql_standard'",
                              "bytea_output = 'escape'", "extra_float_digits = -15", "lc_numeric = 'C'"})
    sql("ALTER DATABASE " + name + " SET " + setting);
  Database anew({.conninfo = switch_login});
  const auto after = PostgresSeals(anew).sealed(0, 100).value();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_EQ(after[i].canonical, before[i].canonical);
  expect_whole(after);
}

TEST_F(SwitchSeals, ListShowsTheNewestOfOneUtilityAndWhetherTheyAreSealed) {
  two_operations();
  seal_all();
  const SwitchOperation third = create("r3");
  const auto newest = seals->list({.utility = north, .limit = 5}).value();
  ASSERT_EQ(newest.size(), 5U);
  EXPECT_EQ(newest[0].position, 0) << "not sealed yet";
  EXPECT_FALSE(newest[0].canonical.empty());
  EXPECT_EQ(newest[1].position, 12);
  EXPECT_EQ(seals->list({.utility = north, .before = newest[4].audit_id, .limit = 100})->size(), 8U);
  EXPECT_EQ(seals->list({.utility = north, .switch_id = third.id})->size(), 1U);
  EXPECT_EQ(seals->list({.utility = north, .meter = "M-r1"})->size(), 6U);
  EXPECT_TRUE(seals->list({.utility = south})->empty()) << "another utility's";
  EXPECT_TRUE(seals->list({.utility = south, .switch_id = third.id})->empty());
}

TEST_F(SwitchSeals, NobodyChangesASeal) {
  two_operations();
  seal_all();
  const auto as = [&](const std::string& user, const std::string& statement) {
    const SqlEnd end = run_sql(as_user(conninfo, user), statement);
    return end.state.empty() ? end.cell : end.state;
  };
  EXPECT_EQ(as("t_audit", "SELECT count(*) FROM switch_seal"), "12");
  for (const char* user : {"t_switch", "t_ingest", "t_reader", "t_audit", "t_stranger", "ami"}) {
    for (const char* statement : {"UPDATE switch_seal SET format = 2", "DELETE FROM switch_seal",
                                  "DELETE FROM switch_seal WHERE false", "TRUNCATE switch_seal"})
      EXPECT_EQ(as(user, statement), "42501") << user << ": " << statement;
  }
  for (const char* user : {"t_ingest", "t_reader", "t_stranger"})
    EXPECT_EQ(as(user, "SELECT count(*) FROM switch_seal"), "42501") << user;
  for (const char* user : {"t_ingest", "t_reader", "t_audit"})
    EXPECT_EQ(as(user, "INSERT INTO switch_seal SELECT * FROM switch_seal WHERE false"), "42501") << user;
}

TEST_F(SwitchSeals, DatabaseThatIsAwayIsSaidAndNothingIsLost) {
  Database away({.conninfo = "host=/nonexistent dbname=none connect_timeout=1"});
  PostgresSeals sealer(away);
  EXPECT_EQ(sealer.seal(10).refusal().kind, Refusal::Kind::Unavailable);
  EXPECT_EQ(sealer.tail(true).refusal().kind, Refusal::Kind::Unavailable);
  EXPECT_EQ(sealer.place().refusal().kind, Refusal::Kind::Unavailable);
}

}  // namespace
}  // namespace ami::storage
