// The shipped rules over PostgreSQL, as role ami_switch.
#include "daemon/switching/stored_rules/stored_rules.h"

#include <algorithm>
#include <stdexcept>

#include "daemon/switching/policy_chain.h"
#include "tests/daemon/support/temp_folder.h"
#include "tests/daemon/switching/rules/scene.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::daemon::switching {
namespace {

using std::chrono::hours;

class StoredRulesTest : public storage::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    storage::make_logins(conninfo);
    storage::UsagePointDetail place;
    place.valid.from = time_of("2020-01-01T00:00:00Z");
    place.feeder = "F1";
    place.transformer = "T1";
    ASSERT_TRUE(assets->create_usage_point(north, "UP-7", place).ok());
    place.zone = "America/Winnipeg";
    place.feeder.clear();
    ASSERT_TRUE(assets->create_usage_point(north, "UP-8", place).ok());
    meter(north, "M7");
    login = std::make_unique<storage::Database>(
        storage::DatabaseOptions{.conninfo = storage::as_user(conninfo, "t_switch")});
    RuleBook book = shipped_book();
    book.jurisdiction_of["north"] = "CA-ON";
    rules = std::make_unique<StoredRules>(std::move(book), *login);
  }
  PolicyInput asked(const char* reason, const char* point = "UP-7") const {
    PolicyInput input = order(reason);
    input.asked.utility = north;
    input.asked.usage_point = input.house.usage_point = point;
    return input;
  }
  void import(storage::ProtectedKind kind, std::vector<std::string> points, UtcInstant made = kJune - hours{1}) {
    storage::ProtectedImport list;
    list.utility = north;
    list.kind = kind;
    list.version = ++version;
    list.made_at = made;
    list.usage_points = std::move(points);
    list.sha256 = std::string(64, 'a');
    list.signature = std::string(128, 'b');
    list.signed_with = "crm";
    list.actor = "cn=asset";
    const auto taken = rules->lists().import(list);
    ASSERT_TRUE(taken.ok()) << taken.refusal().message;
  }
  void import_all() {
    for (const auto kind : storage::kProtectedKinds) import(kind, {});
  }
  std::string rule(const PolicyInput& input) const { return rules->policy().check(input).rule; }

  std::int64_t version = 0;
  std::unique_ptr<storage::Database> login;
  std::unique_ptr<StoredRules> rules;
};

TEST_F(StoredRulesTest, ListsAreAskedForEachUsagePointAndTheirAbsenceRefuses) {
  EXPECT_EQ(rule(asked("TEST")), "PROTECTED_LIST") << "nothing was imported yet";
  EXPECT_EQ(rule(asked("EMERGENCY_SAFETY")), "");
  import_all();
  EXPECT_EQ(rule(asked("TEST")), "");
  import(storage::ProtectedKind::LifeSupport, {"UP-7"});
  EXPECT_EQ(rule(asked("TEST")), "PROTECTED_LIST");
  EXPECT_EQ(rule(asked("TEST", "UP-8")), "");
  EXPECT_EQ(rule(asked("EMERGENCY_SAFETY")), "");
}

TEST_F(StoredRulesTest, HoldOfTheFeederCountsAndAnUnknownFeederMayBeIt) {
  import_all();
  ASSERT_EQ(rule(asked("TEST")), "");
  const auto hold = rules->holds().set({north, storage::HoldScope::Feeder, "F1", storage::HoldEffect::NoCommand,
                                        "cn=crew", "hold-admin", "works", "", {}});
  ASSERT_TRUE(hold.ok()) << hold.refusal().message;
  EXPECT_EQ(rule(asked("TEST")), "SAFETY_HOLD");
  EXPECT_EQ(rule(asked("EMERGENCY_SAFETY")), "SAFETY_HOLD");
  EXPECT_EQ(rule(asked("TEST", "UP-8")), "");
  EXPECT_EQ(rule(asked("VACANT_MOVE_OUT", "UP-8")), "SAFETY_HOLD") << "its feeder is not known";
  ASSERT_TRUE(rules->holds().lift(north, hold->id, "cn=crew", "hold-admin", "done").ok());
  EXPECT_EQ(rule(asked("TEST")), "");
}

TEST_F(StoredRulesTest, NonPaymentWaitsForNewsOfTheAccountThatNobodyHandsInYet) {
  import_all();
  const PolicyVerdict verdict = rules->policy().check(asked("NON_PAYMENT"));
  EXPECT_EQ(verdict.rule, "ORDER_VOID");
  EXPECT_EQ(check_of(verdict, "ON_WINTER").facts.at("zone"), "America/Toronto") << "of the utility";
  EXPECT_EQ(check_of(rules->policy().check(asked("NON_PAYMENT", "UP-8")), "ON_WINTER").facts.at("zone"),
            "America/Winnipeg")
      << "of the usage point";
  EXPECT_EQ(verdict.facts.at("JURISDICTION.jurisdiction"), "CA-ON");
}

TEST_F(StoredRulesTest, DatabaseThatIsAwayRefusesWhatItProtectsAndNothingElse) {
  storage::Database away({.conninfo = "host=127.0.0.1 port=1 dbname=nothing"});
  const StoredRules blind(shipped_book(), away);
  EXPECT_EQ(blind.policy().check(asked("NON_PAYMENT")).rule, "SAFETY_HOLD");
  EXPECT_EQ(blind.policy().check(asked("TEST")).rule, "PROTECTED_LIST");
  EXPECT_EQ(blind.policy().check(asked("EMERGENCY_SAFETY")).rule, "");
  PolicyInput back = asked("RECONNECT");
  back.asked.action = SwitchAction::Arm;
  EXPECT_EQ(blind.policy().check(back).rule, "");
}

TEST_F(StoredRulesTest, FolderThatIsNotInOrderIsNotTakenAndNoFolderIsNoRules) {
  const testing::TempFolder empty;
  EXPECT_THROW(StoredRules::load(empty.path(), *login), std::runtime_error);
  EXPECT_EQ(StoredRules::load("", *login), nullptr);
  EXPECT_NE(StoredRules::load(shipped_folder(), *login), nullptr);
}

}  // namespace
}  // namespace ami::daemon::switching
