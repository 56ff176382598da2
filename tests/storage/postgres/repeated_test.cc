// Statements that a connection parses once.
#include <libpq-fe.h>

#include <pqxx/pqxx>

#include "storage/postgres/binary_copy.h"
#include "storage/postgres/session.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

class RepeatedTest : public StoreTest {
 protected:
  static std::int64_t twice(Session& session, std::int64_t value) {
    Params params;
    params.i8(value);
    return Rows::repeated(session.raw(), "SELECT 2 * $1::bigint AS twice", params).i8(0, 0);
  }
  static std::string prepared(Session& session) {
    return pqxx::nontransaction(session)
        .exec1("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%AS twice%'")[0]
        .as<std::string>();
  }
};

TEST_F(RepeatedTest, AreParsedOnceAConnectionAlsoWhenTheTransactionWasRolledBack) {
  Session session(conninfo);
  {
    pqxx::work rolled_back(session);
    EXPECT_EQ(twice(session, 4), 8);
  }
  for (int n = 0; n < 20; ++n) EXPECT_EQ(twice(session, n), 2 * n);
  EXPECT_EQ(prepared(session), "1");
  Session other(conninfo);
  EXPECT_EQ(twice(other, 21), 42) << "another connection knows nothing of it, and learns it";
  EXPECT_EQ(prepared(other), "1");
}

TEST_F(RepeatedTest, AWrongOneIsRefusedEachTimeWithItsReason) {
  Session session(conninfo);
  for (int n = 0; n < 2; ++n) {
    try {
      Rows::repeated(session.raw(), "SELECT no_such_column FROM meter", {});
      FAIL() << "it was taken";
    } catch (const pqxx::sql_error& error) {
      EXPECT_NE(std::string(error.what()).find("no_such_column"), std::string::npos);
    }
  }
  EXPECT_EQ(twice(session, 1), 2) << "and the connection works on";
}

TEST_F(RepeatedTest, AColumnThatChangedItsTypeIsReadThroughANewConnection) {
  sql("CREATE TABLE changing (value int)");
  sql("INSERT INTO changing VALUES (7)");
  const auto value = [&](const char* type) {
    auto read = database->impl().run([&](Session& session) {
      const Rows rows = Rows::repeated(session.raw(), "SELECT value FROM changing", {});
      return std::string(type) == "int" ? std::int64_t{rows.i4(0, 0)} : rows.i8(0, 0);
    });
    EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
    return read.ok() ? *read : -1;
  };
  EXPECT_EQ(value("int"), 7);
  sql("ALTER TABLE changing ALTER value TYPE bigint");
  EXPECT_EQ(value("bigint"), 7);
}

}  // namespace
}  // namespace ami::storage
