// A server that holds the connection and does not answer: hung up on after our patience, and found again.
#include "storage/postgres/watchdog.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "storage/postgres/session.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {
using namespace std::chrono_literals;

std::array<int, 2> socket_pair() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  return ends;
}

TEST(Watchdog, EndsAReadThatNobodyAnswersAndLeavesTheSocketToItsOwner) {
  const auto ends = socket_pair();
  Watchdog dog(20ms);
  const Watchdog::Watch watch(dog, ends[0]);
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0) << "the wait ends as if the peer had hung up";
  EXPECT_TRUE(watch.cut());
  EXPECT_EQ(::close(ends[0]), 0) << "still open";
  ::close(ends[1]);
}

TEST(Watchdog, LetsGoOfWhatEndedInTimeAndWatchesTheNext) {
  const auto quick = socket_pair(), slow = socket_pair();
  Watchdog dog(30ms);
  std::optional<Watchdog::Watch> first(std::in_place, dog, quick[0]);
  first.reset();
  const Watchdog::Watch second(dog, slow[0]);
  char byte = 0;
  EXPECT_EQ(::read(slow[0], &byte, 1), 0);
  EXPECT_EQ(::write(quick[1], "x", 1), 1);
  EXPECT_EQ(::read(quick[0], &byte, 1), 1) << "what was let go of is never cut";
  for (const int end : {quick[0], quick[1], slow[0], slow[1]}) ::close(end);
}

TEST(Watchdog, WithoutPatienceWatchesNothing) {
  const auto ends = socket_pair();
  Watchdog dog(0ms);
  const Watchdog::Watch watch(dog, ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 1);
  EXPECT_FALSE(watch.cut());
  ::close(ends[0]);
  ::close(ends[1]);
}

class AnswerTimeout : public StoreTest {
 protected:
  // Continued whatever the test does, or the server could not stop.
  struct Frozen {
    explicit Frozen(pid_t process) : pid(process) { EXPECT_EQ(::kill(pid, SIGSTOP), 0); }
    ~Frozen() { ::kill(pid, SIGCONT); }
    Frozen(const Frozen&) = delete;
    Frozen& operator=(const Frozen&) = delete;
    pid_t pid;
  };
  static pid_t backend_of(Database& database) {
    return database.impl().run([](Session& session) { return session.backendpid(); }).value();
  }
};

TEST_F(AnswerTimeout, AFrozenServerIsHungUpOnAndTheNextCallGetsAnotherConnection) {
  Database patient({.conninfo = conninfo, .connections = 1, .answer_timeout = 300ms});
  ASSERT_TRUE(patient.ready().ok());
  const Frozen frozen(backend_of(patient));
  const auto cut = patient.ready();
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().fault, Fault::Transient);
  EXPECT_NE(cut.error().message.find("did not answer for 300 ms"), std::string::npos) << cut.error().message;
  EXPECT_TRUE(patient.ready().ok()) << "the only connection of the pool was replaced";
}

TEST_F(AnswerTimeout, ALockThatNobodyGivesIsTransientAndNobodyQueuesForIt) {
  Database patient({.conninfo = conninfo, .answer_timeout = 1s});
  PostgresIngest writer(patient);
  const MeterId m = meter(north, "m1");
  CommitUnit u = unit("a");
  add_run(u, {.channel = add_channel(u, m), .start = at("2024-03-05T00:00:00Z"), .values = {1}});
  {
    pqxx::connection other(conninfo);
    pqxx::work holds(other);
    holds.exec("LOCK TABLE source IN EXCLUSIVE MODE");
    const auto waited = writer.commit(u);
    ASSERT_FALSE(waited.ok());
    EXPECT_EQ(waited.error().fault, Fault::Transient);
    EXPECT_NE(waited.error().message.find("lock timeout"), std::string::npos) << waited.error().message;
    EXPECT_EQ(one("SELECT count(*) FROM pg_locks WHERE NOT granted"), "0");
  }
  EXPECT_TRUE(writer.commit(u).ok());
  EXPECT_EQ(one("SELECT value FROM interval_value"), "1");
}

TEST_F(AnswerTimeout, AServerThatBecameReadOnlyIsLeft) {
  Database writer({.conninfo = conninfo, .connections = 1});
  const pid_t before = backend_of(writer);
  const auto refused = writer.impl().run([](Session& session) {
    pqxx::work tx(session);
    tx.exec("SET TRANSACTION READ ONLY; CREATE TABLE x ()");
    return 0;
  });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().fault, Fault::Transient);
  EXPECT_NE(backend_of(writer), before) << "another address may lead to the server that may be written to";
}

TEST_F(AnswerTimeout, TheNameOfAServerChangesWithTheDatabase) {
  const auto name_of = [](const std::string& where) { return Session(where).server(); };
  EXPECT_EQ(name_of(conninfo), name_of(conninfo));
  EXPECT_NE(name_of(conninfo), name_of(testing::PgCluster::shared().create_database()));
}

}  // namespace
}  // namespace ami::storage
