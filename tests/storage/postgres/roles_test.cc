#include "storage/postgres/roles.h"

#include <gtest/gtest.h>

#include <thread>

#include "storage/postgres/access_log.h"
#include "storage/postgres/migrate.h"
#include "tests/storage/postgres/role_logins.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

constexpr const char* kDenied = "42501";

class Roles : public StoreTest {
 protected:
  // A channel-day, a register, an event and a quarantined record of each utility in March 2024, stored as the
  // gateway's role.
  void SetUp() override {
    StoreTest::SetUp();
    make_logins(conninfo);
    for (const auto& [utility, key] : {std::pair{north, "n1"}, std::pair{south, "s1"}}) {
      const MeterId id = meter(utility, key, key);
      UsagePointDetail place;
      place.valid.from = at("2020-01-01T00:00:00Z");
      ASSERT_TRUE(assets->create_usage_point(utility, std::string("p-") + key, place).ok());
      InstallRequest install;
      install.utility = utility;
      install.meter = key;
      install.usage_point = std::string("p-") + key;
      install.at = place.valid.from;
      install.start_reads = {{"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0", {5, 0}}};
      ASSERT_TRUE(assets->install(install).ok());
      meters[utility] = id;
    }
    Database as_ingest({.conninfo = as_user(conninfo, "t_ingest")});
    PostgresIngest store(as_ingest);
    for (const auto& [utility, id] : meters) {
      CommitUnit batch = unit("content of " + std::to_string(id));
      batch.utility = utility;
      const auto channel = add_channel(batch, id);
      add_run(batch, {.channel = channel, .start = at("2024-03-05T00:00:00Z"), .values = {1, 2, 3}});
      add_register(batch, channel, at("2024-03-05T00:00:00Z"), {7, 0});
      EventReading event;
      event.meter = id;
      event.at = at("2024-03-05T01:00:00Z");
      event.kind = "OUTAGE";
      event.vendor = "v";
      batch.batch.events.push_back(event);
      batch.batch.quarantined.push_back({"unknown_unit", "", "n1", "raw", 0});
      const auto stored = store.commit(batch);
      ASSERT_TRUE(stored.ok()) << stored.error().message;
    }
    AccessLog log(as_ingest);
    for (const char* key : {"north", "south"}) {
      ASSERT_TRUE(log.record({key, "billing", "", "", "billing", "rpc", {}, {{"p", "m", 1}}}).ok());
    }
  }

  SqlEnd as(const std::string& user, const std::string& statements) {
    return run_sql(as_user(conninfo, user), statements);
  }

  std::map<UtilityId, MeterId> meters;
};

struct Case {
  const char* user;
  const char* statements;
  const char* state;  // "" = succeeds
  const char* cell = "";
};

TEST_F(Roles, EachMayDoItsWorkAndNothingElse) {
  sql("CREATE TABLE switch_probe (utility_id int NOT NULL, what text); SELECT ami_apply_access()");
  const Case cases[] = {
      // The reader sees what its setting names.
      {"t_reader", "SELECT count(*) FROM interval_day", "", "0"},
      {"t_reader", "SET ami.utilities = ''; SELECT count(*) FROM interval_day", "", "0"},
      {"t_reader", "SET ami.utilities = 'north'; SELECT count(*) FROM interval_day", "", "1"},
      {"t_reader", "SET ami.utilities = 'nort'; SELECT count(*) FROM interval_day", "", "0"},
      {"t_reader", "SET ami.utilities = 'nort%'; SELECT count(*) FROM interval_day", "", "0"},
      {"t_reader", "SET ami.utilities = '{north}'; SELECT count(*) FROM interval_day", "", "0"},
      {"t_reader", "SET ami.utilities = 'north,south'; SELECT count(*) FROM interval_day", "", "2"},
      {"t_reader", "SET ami.utilities = '*'; SELECT count(*) FROM interval_day", "", "2"},
      {"t_reader", "SET ami.utilities = 'north,*'; SELECT count(*) FROM interval_day", "", "1"},
      {"t_reader", "SET ami.utilities = 'south'; SELECT string_agg(key, ',') FROM meter", "", "s1"},
      {"t_reader", "SET ami.utilities = 'south'; SELECT count(*) FROM interval_value", "", "3"},
      {"t_reader", "SELECT count(*) FROM interval_value", "", "0"},
      {"t_reader", "SELECT count(*) FROM register_value", "", "0"},
      {"t_reader", "SET ami.utilities = 'south'; SELECT count(*) FROM installation_read", "", "1"},
      {"t_reader", "SELECT count(*) FROM installation_read", "", "0"},
      {"t_reader", "BEGIN; SET LOCAL ami.utilities = '*'; COMMIT; SELECT count(*) FROM meter", "", "0"},
      // It gets round that by no way.
      {"t_reader", "SELECT count(*) FROM interval_day_2024_03", kDenied},
      {"t_reader", "SET ami.utilities = '*'; SELECT count(*) FROM register_read_2024_03", kDenied},
      {"t_reader", "SET row_security = off; SELECT count(*) FROM interval_day", kDenied},
      {"t_reader", "SET ROLE ami_ingest", kDenied},
      {"t_reader", "SET ROLE ami_migrator", kDenied},
      {"t_reader", "SET ROLE ami", kDenied},
      {"t_reader", "SET SESSION AUTHORIZATION t_ingest", kDenied},
      {"t_reader", "ALTER TABLE interval_day DISABLE ROW LEVEL SECURITY", kDenied},
      {"t_reader", "DROP POLICY ami_reader ON interval_day", kDenied},
      {"t_reader", "COPY interval_day TO STDOUT", ""},
      {"t_reader", "INSERT INTO quality_set (codes, vendor_flag) VALUES ('{}', 'x')", kDenied},
      {"t_reader", "UPDATE interval_day SET version = 9", kDenied},
      {"t_reader", "DELETE FROM event", kDenied},
      {"t_reader", "SELECT * FROM interval_day FOR UPDATE", kDenied},
      {"t_reader", "SELECT * FROM access_log", kDenied},
      {"t_reader", "SELECT * FROM asset_audit", kDenied},
      {"t_reader", "SELECT * FROM adapter_state", kDenied},
      {"t_reader", "SELECT * FROM directory_version", kDenied},
      {"t_reader", "SELECT ami_ensure_month('interval_day', '2031-01-01')", kDenied},
      {"t_reader", "SELECT ami_retention_delete('interval_day', '2019-01-01', 1, 'x', 10)", kDenied},
      {"t_reader", "SELECT ami_apply_access()", kDenied},
      {"t_reader", "CREATE TABLE public.mine (x int)", kDenied},
      // A function of the reader's own is not shown a foreign row, however cheap it says it is.
      {"t_reader",
       "CREATE FUNCTION pg_temp.leak(u int) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN"
       " IF u <> (SELECT utility_id FROM utility) THEN RAISE EXCEPTION 'leaked'; END IF; RETURN true; END $$;"
       "SET ami.utilities = 'north'; SELECT count(*) FROM interval_day WHERE pg_temp.leak(utility_id)",
       "", "1"},
      // The gateway's role: everything that it must write, nothing that would cover a track.
      {"t_ingest", "SELECT count(*) FROM interval_day", "", "2"},
      {"t_ingest", "SELECT count(*) FROM interval_day_2024_03", kDenied},
      {"t_ingest", "INSERT INTO interval_day_2024_03 SELECT * FROM interval_day", kDenied},
      {"t_ingest", "DELETE FROM interval_day", kDenied},
      {"t_ingest", "DELETE FROM register_revision", kDenied},
      {"t_ingest", "DELETE FROM source", kDenied},
      {"t_ingest", "UPDATE change SET kinds = 0", kDenied},
      {"t_ingest", "TRUNCATE interval_day", kDenied},
      {"t_ingest", "DROP TABLE event", kDenied},
      {"t_ingest", "ALTER TABLE interval_day ADD COLUMN x int", kDenied},
      {"t_ingest", "INSERT INTO asset_audit (actor, utility_id, action, entity) VALUES ('a', 1, 'b', 'c')",
       ""},
      {"t_ingest", "UPDATE asset_audit SET actor = 'nobody'", kDenied},
      {"t_ingest",
       "INSERT INTO verification (utility_id, meter_id, seal_date, certificate, due_year, recorded_by) SELECT"
       " utility_id, meter_id, '2024-05-03', 'C', 2034, 'x' FROM meter; SELECT count(*) FROM verification",
       "", "2"},
      {"t_reader", "SET ami.utilities = 'north'; SELECT count(*) FROM verification", "", "1"},
      {"t_reader", "SELECT count(*) FROM verification", "", "0"},
      {"t_ingest", "UPDATE verification SET due_year = 2099", kDenied},
      {"t_ingest", "DELETE FROM verification", kDenied},
      {"t_reader", "INSERT INTO verification (utility_id) VALUES (1)", kDenied},
      {"t_switch", "SELECT count(*) FROM verification", "", "2"},
      {"t_ingest", "DELETE FROM asset_audit", kDenied},
      // What our validation said of a day stays, dated; how far it has come is nobody else's.
      {"t_ingest", "DELETE FROM finding", kDenied},
      {"t_ingest", "DELETE FROM estimate", kDenied},
      {"t_ingest", "DELETE FROM judged_version", kDenied},
      {"t_ingest", "DELETE FROM validation_due", ""},
      {"t_reader", "SELECT count(*) FROM finding", "", "0"},
      {"t_reader", "INSERT INTO finding (utility_id) VALUES (1)", kDenied},
      {"t_reader", "SELECT * FROM validation_due", kDenied},
      {"t_reader", "SELECT * FROM validation_dirty", kDenied},
      {"t_switch", "SELECT * FROM finding", kDenied},
      {"t_audit", "SELECT * FROM estimate", kDenied},
      {"t_ingest", "UPDATE access_log SET purpose = 'x'", kDenied},
      {"t_ingest", "DELETE FROM access_log", kDenied},
      {"t_ingest", "UPDATE legal_hold SET period = 'empty'", kDenied},
      {"t_ingest", "DELETE FROM legal_hold", kDenied},
      {"t_ingest", "DELETE FROM retention_certificate", kDenied},
      {"t_ingest",
       "INSERT INTO retention_certificate (class, relation, utility_id, month, first_at, last_at, rows, "
       "sha256,"
       " whole_month, rule) VALUES ('a', 'b', 1, now(), now(), now(), 1, '', true, '')",
       kDenied},
      {"t_ingest", "UPDATE table_access SET ingest = 'ALL'", kDenied},
      {"t_ingest", "UPDATE schema_version SET version = 99", kDenied},
      {"t_ingest", "SELECT ami_apply_access()", kDenied},
      {"t_ingest", "SET ROLE ami_migrator", kDenied},
      {"t_ingest", "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", kDenied},
      {"t_ingest", "SELECT ami_ensure_month('meter', '2031-01-01')", "P0001"},
      {"t_ingest", "SELECT ami_ensure_month('interval_day; DROP TABLE meter', '2031-01-01')", "P0001"},
      // Names that the caller puts in the way of a function that runs as the owner.
      {"t_ingest",
       "CREATE TEMP TABLE interval_day_2031_01 (x int); SET search_path = pg_temp, public;"
       "SELECT ami_ensure_month('interval_day', '2031-01-01');"
       "SELECT count(*) FROM pg_inherits WHERE inhparent = 'public.interval_day'::regclass"
       " AND inhrelid = 'public.interval_day_2031_01'::regclass",
       "", "1"},
      {"t_ingest",
       "CREATE FUNCTION pg_temp.format(text, text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'DROP TABLE "
       "meter' $$;"
       "SET search_path = pg_temp, public; SELECT public.ami_ensure_month('event', '2031-02-01');"
       "SELECT count(*) FROM public.meter",
       "", "2"},
      // Policies bind a gateway's login that was not given BYPASSRLS, but let it see all.
      {"t_bound", "SELECT count(*) FROM interval_day", "", "2"},
      {"t_bound", "COPY interval_day FROM STDIN", "0A000"},
      // Switching.
      {"t_switch", "SELECT count(*) FROM meter", "", "2"},
      {"t_switch", "SELECT count(*) FROM register_read", "", "2"},
      {"t_switch", "INSERT INTO switch_probe VALUES (1, 'x'); SELECT count(*) FROM switch_probe", "", "1"},
      {"t_switch", "DELETE FROM switch_probe", kDenied},
      {"t_switch", "UPDATE register_read SET mantissa = 0", kDenied},
      {"t_switch", "INSERT INTO meter (utility_id, key) VALUES (1, 'x')", kDenied},
      {"t_switch", "SELECT * FROM access_log", kDenied},
      {"t_switch", "SELECT * FROM raw_content", kDenied},
      {"t_switch", "SELECT * FROM register_read_2024_03", kDenied},
      {"t_ingest", "INSERT INTO switch_probe VALUES (1, 'x')", kDenied},
      // Audit.
      {"t_audit", "SELECT count(*) FROM access_log", "", "2"},
      {"t_audit", "SELECT count(*) > 0 FROM asset_audit", "", "t"},
      {"t_audit", "SELECT count(*) FROM legal_hold", "", "0"},
      {"t_audit", "SELECT * FROM interval_day", kDenied},
      {"t_audit", "SELECT * FROM meter", kDenied},
      {"t_audit", "SELECT * FROM interval_value", kDenied},
      {"t_audit", "INSERT INTO asset_audit (actor, utility_id, action, entity) VALUES ('a', 1, 'b', 'c')",
       kDenied},
      {"t_audit", "DELETE FROM access_log", kDenied},
      // A login in no role.
      {"t_stranger", "SELECT * FROM meter", kDenied},
      {"t_stranger", "SELECT ami_ensure_month('event', '2031-01-01')", kDenied},
  };
  for (const Case& c : cases) {
    const SqlEnd end = as(c.user, c.statements);
    EXPECT_EQ(end.state, c.state) << c.user << ": " << c.statements << "\n" << end.message;
    if (std::string_view(c.state).empty() && !std::string_view(c.cell).empty()) {
      EXPECT_EQ(end.cell, c.cell) << c.user << ": " << c.statements;
    }
  }
}

TEST_F(Roles, ReaderWithoutASettingSeesNoRowOfAnyTableThatHoldsRowsOfUtilities) {
  int tables = 0;
  for (const auto& row :
       sql("SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND"
           " a.attname = 'utility_id' WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN"
           " ('r', 'p', 'v') AND NOT c.relispartition ORDER BY 1")) {
    const std::string& table = row[0];
    const SqlEnd none = as("t_reader", "SELECT count(*) FROM " + table);
    if (none.state == kDenied) continue;
    ++tables;
    EXPECT_EQ(none.state, "") << table << none.message;
    EXPECT_EQ(none.cell, "0") << table;
    const SqlEnd other = as("t_reader", "SET ami.utilities = 'north'; SELECT count(*) FROM " + table +
                                            " WHERE utility_id = " + std::to_string(south));
    EXPECT_EQ(other.cell, "0") << table << other.message;
    const SqlEnd own = as("t_reader", "SET ami.utilities = 'north'; SELECT count(*) FROM " + table);
    EXPECT_EQ(own.cell, one("SELECT count(*) FROM " + table + " WHERE utility_id = " + std::to_string(north)))
        << table;
  }
  EXPECT_GE(tables, 18);
}

// So that a migration cannot forget it.
TEST_F(Roles, EveryTableAndPartitionHasRowLevelSecurityAndNoPartitionIsOpenToAnybody) {
  EXPECT_EQ(one("SELECT coalesce(string_agg(relname, ' '), '') FROM pg_class WHERE relnamespace = "
                "'public'::regnamespace"
                " AND relkind IN ('r', 'p') AND NOT relrowsecurity"),
            "");
  EXPECT_EQ(one("SELECT coalesce(string_agg(relname, ' '), '') FROM pg_class WHERE relispartition AND "
                "relkind = 'r' AND"
                " (has_table_privilege('ami_ingest', oid, 'SELECT, INSERT, UPDATE, DELETE') OR"
                " has_table_privilege('ami_reader', oid, 'SELECT') OR has_table_privilege('t_stranger', oid, "
                "'SELECT'))"),
            "");
  EXPECT_EQ(
      one("SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace AND"
          " NOT coalesce(reloptions @> '{security_invoker=true}', false)"),
      "0");
  EXPECT_EQ(
      one("SELECT coalesce(string_agg(proname, ' '), '') FROM pg_proc WHERE pronamespace = "
          "'public'::regnamespace"
          " AND prosecdef AND (proconfig IS NULL OR NOT EXISTS (SELECT FROM unnest(proconfig) k WHERE k ="
          " 'search_path=public, pg_temp') OR has_function_privilege('t_stranger', oid, 'EXECUTE'))"),
      "");
}

TEST_F(Roles, ViewOfThePoolShowsEachCallerItsOwnUtilitiesWhateverTheOneBeforeSaw) {
  Database pool({.conninfo = as_user(conninfo, "t_reader"), .connections = 1});
  const auto seen = [&](const char* utilities) {
    Database view(pool, {utilities});
    const auto found = Assets(*database, view).list_utilities();
    std::string keys;
    if (!found.ok()) return found.refusal().message;
    for (const Utility& utility : *found) keys += utility.key + " ";
    return keys;
  };
  EXPECT_EQ(seen("north"), "north ");
  EXPECT_EQ(seen("south"), "south ");
  EXPECT_EQ(seen(""), "");
  EXPECT_EQ(seen("*"), "north south ");
  EXPECT_EQ(seen("north'; SET ami.utilities = '*"), "");
  const auto unscoped = Assets(pool).list_utilities();
  ASSERT_TRUE(unscoped.ok()) << unscoped.refusal().message;
  EXPECT_TRUE(unscoped->empty()) << "the pool itself must not see what its last view saw";

  // A query that asks for another utility's rows gets none.
  Database view(pool, {"north"});
  Readers reader(view);
  EXPECT_EQ(reader.registers({{meters[south], {}}}, {}, {}).value().rows.size(), 0U);
  EXPECT_EQ(reader.intervals({{meters[south], {}}}, {}, {}).value().blocks.size(), 0U);
  EXPECT_EQ(reader.registers({{meters[north], {}}}, {}, {}).value().rows.size(), 1U);
  EXPECT_EQ(reader.intervals({{meters[north], {}}}, {}, {}).value().blocks.size(), 1U);
  EXPECT_EQ(reader.latest({meters[north], meters[south]}, {}, LatestBy::DeviceTime).value().rows.size(), 1U);
  EXPECT_EQ(reader.feed_counts().value().size(), 1U);
}

TEST_F(Roles, ChecksSayWhatIsWrongWithALogin) {
  struct Check {
    const char* user;
    const char* as_ingest;  // part of the reason; "" = good
    const char* as_reader;
  };
  const Check checks[] = {
      {"ami", "a superuser", "a superuser"},
      {"t_ingest", "", "BYPASSRLS"},
      {"t_bound", "ALTER ROLE \"t_bound\" BYPASSRLS", "is in ami_ingest"},
      {"t_reader", "GRANT ami_ingest TO \"t_reader\"", ""},
      {"t_both", "ALTER ROLE \"t_both\" BYPASSRLS", "is in ami_ingest"},
      {"t_audit", "GRANT ami_ingest", "GRANT ami_reader TO \"t_audit\""},
  };
  for (const Check& check : checks) {
    Database login({.conninfo = as_user(conninfo, check.user)});
    const Outcome ingest_role = check_ingest_role(login, false), reader_role = check_reader_role(login);
    EXPECT_EQ(ingest_role.ok(), std::string_view(check.as_ingest).empty()) << check.user;
    EXPECT_EQ(reader_role.ok(), std::string_view(check.as_reader).empty()) << check.user;
    if (!ingest_role.ok()) {
      EXPECT_EQ(ingest_role.error().fault, Fault::Permanent);
      EXPECT_NE(ingest_role.error().message.find(check.as_ingest), std::string::npos)
          << ingest_role.error().message;
    }
    if (!reader_role.ok()) {
      EXPECT_NE(reader_role.error().message.find(check.as_reader), std::string::npos)
          << reader_role.error().message;
    }
  }
  Database owner({.conninfo = conninfo});
  EXPECT_TRUE(check_ingest_role(owner, true).ok());
  EXPECT_TRUE(check_switch_role(owner, true).ok());
  const std::pair<const char*, const char*> switches[] = {{"t_switch", ""},
                                                          {"ami", "a superuser"},
                                                          {"t_ingest", "is in ami_ingest"},
                                                          {"t_reader", "GRANT ami_switch TO \"t_reader\""}};
  for (const auto& [user, reason] : switches) {
    Database login({.conninfo = as_user(conninfo, user)});
    const Outcome role = check_switch_role(login, false);
    EXPECT_EQ(role.ok(), std::string_view(reason).empty()) << user;
    if (!role.ok()) {
      EXPECT_NE(role.error().message.find(reason), std::string::npos) << role.error().message;
    }
  }
}

// A cluster of its own: the shared one has the roles already.
TEST(RolesOfACluster, AreMadeByWhoeverMigratesFirstOrSayWhatIsMissing) {
  testing::PgCluster cluster;
  const std::string poor = cluster.create_database(), one = cluster.create_database(),
                    two = cluster.create_database();
  ASSERT_EQ(run_sql(poor, "CREATE ROLE owner_only LOGIN").state, "");
  ASSERT_EQ(run_sql(poor, "ALTER DATABASE test_1 OWNER TO owner_only").state, "");
  const auto refused = migrate(as_user(poor, "owner_only"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().fault, Fault::Permanent);
  for (const char* part :
       {"roles are missing", "owner_only may not create them", "CREATE ROLE ami_ingest NOLOGIN;",
        "CREATE ROLE ami_migrator NOLOGIN;", "migrate again"})
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << refused.error().message;

  std::optional<Result<MigrationReport>> a, b;
  std::thread other([&] { a = migrate(one); });
  b = migrate(two);
  other.join();
  EXPECT_TRUE(a->ok()) << a->error().message;
  EXPECT_TRUE(b->ok()) << b->error().message;

  // Now that the roles are there nobody needs CREATEROLE.
  const auto done = migrate(as_user(poor, "owner_only"));
  ASSERT_TRUE(done.ok()) << done.error().message;

  // The way of docs/database-roles.md: a login whose objects belong to ami_migrator.
  const std::string site = cluster.create_database();
  ASSERT_EQ(run_sql(site, "CREATE ROLE site_owner LOGIN IN ROLE ami_migrator").state, "");
  ASSERT_EQ(run_sql(site, "ALTER ROLE site_owner SET role = 'ami_migrator'").state, "");
  ASSERT_EQ(run_sql(site, "ALTER DATABASE test_4 OWNER TO ami_migrator").state, "");
  const auto migrated = migrate(as_user(site, "site_owner"));
  ASSERT_TRUE(migrated.ok()) << migrated.error().message;
  EXPECT_EQ(
      run_sql(site, "SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname = 'public'")
          .cell,
      "ami_migrator");
  // It alone may change an audit trail.
  EXPECT_EQ(
      run_sql(as_user(site, "site_owner"), "DELETE FROM asset_audit; UPDATE access_log SET purpose = ''")
          .state,
      "");
}

}  // namespace
}  // namespace ami::storage
