// What every store of protected lists promises, and what PostgreSQL promises on top.
#include "storage/contract/protected_lists.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <thread>

#include "storage/memory/protected_lists.h"
#include "storage/postgres/protected_lists.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

using std::chrono::hours;

const UtcInstant kMade = at("2026-01-15T06:00:00Z");

class Lists : public StoreTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    if (in_memory()) {
      lists = std::make_unique<MemoryProtectedLists>();
      return;
    }
    StoreTest::SetUp();
    make_logins(conninfo);
    login = std::make_unique<Database>(DatabaseOptions{.conninfo = as_user(conninfo, "t_switch")});
    lists = std::make_unique<PostgresProtectedLists>(*login);
  }
  [[nodiscard]] bool in_memory() const { return std::string_view(GetParam()) == "Memory"; }
  [[nodiscard]] std::int32_t utility() const { return in_memory() ? 1 : north; }

  ProtectedImport list(ProtectedKind kind, std::int64_t version, std::vector<std::string> points) const {
    ProtectedImport out;
    out.utility = utility();
    out.kind = kind;
    out.version = version;
    out.made_at = kMade + hours{version};
    out.usage_points = std::move(points);
    out.sha256 = std::string(63, 'a') + std::to_string(version % 10);
    out.signature = std::string(128, 'b');
    out.signed_with = "crm-2026";
    out.actor = "cn=asset";
    return out;
  }
  ProtectedMark mark(ProtectedKind kind, const std::string& point) {
    const std::vector<ProtectedMark> marks = lists->marks(utility(), point).value();
    for (const ProtectedMark& one : marks) {
      if (one.kind == kind) return one;
    }
    return {};
  }

  std::unique_ptr<Database> login;
  std::unique_ptr<ProtectedLists> lists;
};

INSTANTIATE_TEST_SUITE_P(Stores, Lists, ::testing::Values("Memory", "Postgres"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_P(Lists, TellOfEachKindItsNewestVersionAndWhoIsOnIt) {
  EXPECT_TRUE(lists->marks(utility(), "UP-1")->empty()) << "nothing was imported: nothing is known";
  ASSERT_TRUE(lists->import(list(ProtectedKind::CriticalCustomer, 7, {"UP-9"})).ok());
  ASSERT_TRUE(lists->import(list(ProtectedKind::Medical, 3, {"UP-1", "UP-2"})).ok());
  const auto marks = lists->marks(utility(), "UP-1").value();
  ASSERT_EQ(marks.size(), 2U);
  EXPECT_EQ(marks[0].kind, ProtectedKind::Medical);
  EXPECT_EQ(marks[0].version, 3);
  EXPECT_EQ(marks[0].made_at, kMade + hours{3});
  EXPECT_EQ(marks[0].sha256, std::string(63, 'a') + "3");
  EXPECT_EQ(marks[0].entries, 2);
  EXPECT_TRUE(marks[0].listed);
  EXPECT_EQ(marks[1].kind, ProtectedKind::CriticalCustomer);
  EXPECT_FALSE(marks[1].listed);
  EXPECT_TRUE(mark(ProtectedKind::CriticalCustomer, "UP-9").listed);
  for (const char* other : {"UP-3", "up-1", "UP-1 ", "", "UP"}) {
    EXPECT_FALSE(mark(ProtectedKind::Medical, other).listed) << other;
  }
  EXPECT_TRUE(lists->marks(utility() + 1, "UP-1")->empty()) << "another utility's";
}

TEST_P(Lists, NewVersionReplacesTheWholeOfTheOneBefore) {
  ASSERT_TRUE(lists->import(list(ProtectedKind::Medical, 3, {"UP-1", "UP-2"})).ok());
  ASSERT_TRUE(lists->import(list(ProtectedKind::LifeSupport, 1, {"UP-1"})).ok());
  ASSERT_TRUE(lists->import(list(ProtectedKind::Medical, 5, {"UP-2", "UP-3"})).ok());
  EXPECT_FALSE(mark(ProtectedKind::Medical, "UP-1").listed);
  EXPECT_TRUE(mark(ProtectedKind::Medical, "UP-2").listed);
  EXPECT_TRUE(mark(ProtectedKind::Medical, "UP-3").listed);
  EXPECT_TRUE(mark(ProtectedKind::LifeSupport, "UP-1").listed) << "another kind";
  ASSERT_TRUE(lists->import(list(ProtectedKind::Medical, 6, {})).ok()) << "nobody is on it any more";
  EXPECT_FALSE(mark(ProtectedKind::Medical, "UP-2").listed);
  EXPECT_EQ(mark(ProtectedKind::Medical, "UP-2").version, 6);
}

TEST_P(Lists, OldListCannotBeHandedInAgain) {
  ASSERT_TRUE(lists->import(list(ProtectedKind::Medical, 5, {"UP-1"})).ok());
  ProtectedImport back = list(ProtectedKind::Medical, 6, {});
  back.made_at = kMade;
  for (const ProtectedImport& old :
       {list(ProtectedKind::Medical, 5, {}), list(ProtectedKind::Medical, 4, {}), back}) {
    const auto refused = lists->import(old);
    ASSERT_FALSE(refused.ok()) << old.version;
    EXPECT_EQ(refused.refusal().kind, Refusal::Kind::Collision);
    EXPECT_EQ(refused.refusal().field, "version");
  }
  EXPECT_TRUE(mark(ProtectedKind::Medical, "UP-1").listed);
  EXPECT_EQ(mark(ProtectedKind::Medical, "UP-1").version, 5);
}

TEST_P(Lists, ListThatIsNotWholeIsRefused) {
  const auto field = [&](const ProtectedImport& wrong) {
    const auto refused = lists->import(wrong);
    EXPECT_FALSE(refused.ok());
    return refused.ok() ? "" : refused.refusal().field;
  };
  const ProtectedImport good = list(ProtectedKind::Medical, 1, {"UP-1"});
  ProtectedImport wrong = good;
  wrong.usage_points = {"UP-1", "UP-2", "UP-1"};
  EXPECT_EQ(field(wrong), "usage_points");
  wrong.usage_points = {""};
  EXPECT_EQ(field(wrong), "usage_points");
  wrong = good;
  wrong.sha256.pop_back();
  EXPECT_EQ(field(wrong), "sha256");
  wrong = good;
  wrong.signature[0] = 'G';
  EXPECT_EQ(field(wrong), "signature");
  wrong = good;
  wrong.version = 0;
  EXPECT_EQ(field(wrong), "version");
  wrong = good;
  wrong.actor.clear();
  EXPECT_EQ(field(wrong), "actor");
  wrong = good;
  wrong.signed_with.clear();
  EXPECT_EQ(field(wrong), "signed_with");
  EXPECT_TRUE(lists->marks(utility(), "UP-1")->empty());
}

TEST_P(Lists, OfTwoVersionsAtOnceTheNewerStays) {
  for (std::int64_t round = 1; round <= 10; ++round) {
    std::array<bool, 2> taken{};
    {
      std::jthread a([&] { taken[0] = lists->import(list(ProtectedKind::Medical, 2 * round, {"OLD"})).ok(); });
      std::jthread b([&] { taken[1] = lists->import(list(ProtectedKind::Medical, 2 * round + 1, {"NEW"})).ok(); });
    }
    EXPECT_TRUE(taken[1]);
    EXPECT_TRUE(mark(ProtectedKind::Medical, "NEW").listed);
    EXPECT_FALSE(mark(ProtectedKind::Medical, "OLD").listed);
    EXPECT_EQ(mark(ProtectedKind::Medical, "NEW").version, 2 * round + 1);
  }
}

class ListTables : public Lists {};
INSTANTIATE_TEST_SUITE_P(Stores, ListTables, ::testing::Values("Postgres"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST_P(ListTables, NamesOfAnOldVersionGoAndItsHeadStays) {
  ASSERT_TRUE(lists->import(list(ProtectedKind::Medical, 3, {"UP-1", "UP-2"})).ok());
  ASSERT_TRUE(lists->import(list(ProtectedKind::Medical, 4, {"UP-3"})).ok());
  EXPECT_EQ(one("SELECT string_agg(usage_point, ',') FROM protected_entry"), "UP-3");
  EXPECT_EQ(one("SELECT string_agg(version || ' ' || entries || ' ' || signed_with, ', ' ORDER BY version)"
                " FROM protected_list"),
            "3 2 crm-2026, 4 1 crm-2026");
}

TEST_P(ListTables, NobodyTakesANameOffTheNewestVersionAndReadersSeeNone) {
  ASSERT_TRUE(lists->import(list(ProtectedKind::Medical, 3, {"UP-1", "UP-2"})).ok());
  const auto as = [&](const char* user, const std::string& statement) {
    const SqlEnd end = run_sql(as_user(conninfo, user), statement);
    return end.state.empty() ? end.cell : end.state;
  };
  for (const char* user : {"t_switch", "t_ingest", "t_reader", "t_audit", "t_stranger", "ami"}) {
    for (const char* statement :
         {"DELETE FROM protected_entry WHERE usage_point = 'UP-1'", "UPDATE protected_entry SET usage_point = 'X'",
          "TRUNCATE protected_entry", "DELETE FROM protected_list", "UPDATE protected_list SET version = 1",
          "TRUNCATE protected_list CASCADE"})
      EXPECT_EQ(as(user, statement), "42501") << user << ": " << statement;
  }
  for (const char* user : {"t_reader", "t_ingest", "t_audit", "t_stranger"})
    EXPECT_EQ(as(user, "SELECT count(*) FROM protected_entry"), "42501") << user << " reads of people's health";
  EXPECT_EQ(as("t_audit", "SELECT count(*) FROM protected_list"), "1");
  EXPECT_EQ(as("t_switch", "INSERT INTO protected_list (utility_id, kind, version, made_at, entries, sha256,"
                           " signature, signed_with, actor) SELECT utility_id, kind, 2, made_at, 0, sha256,"
                           " signature, signed_with, actor FROM protected_list"),
            "23000")
      << "an older version";
  EXPECT_TRUE(mark(ProtectedKind::Medical, "UP-1").listed);
}

TEST_P(ListTables, LongListIsTakenWhole) {
  std::vector<std::string> points;
  for (int i = 0; i < 50'000; ++i) points.push_back("UP-" + std::to_string(i));
  ASSERT_TRUE(lists->import(list(ProtectedKind::CriticalCustomer, 1, points)).ok());
  EXPECT_EQ(mark(ProtectedKind::CriticalCustomer, "UP-49999").entries, 50'000);
  EXPECT_TRUE(mark(ProtectedKind::CriticalCustomer, "UP-49999").listed);
  EXPECT_FALSE(mark(ProtectedKind::CriticalCustomer, "UP-50000").listed);
}

}  // namespace
}  // namespace ami::storage
