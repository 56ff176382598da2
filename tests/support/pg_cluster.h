// A private PostgreSQL for tests: initdb in a temporary folder, Unix socket only, never a system cluster. One
// cluster a test program, one database a test. Works as root (the server then runs as "postgres" or "nobody")
// and as a normal user. Programs may run in parallel: each has its own folder and socket.
#pragma once

#include <sys/types.h>

#include <functional>
#include <set>
#include <string>

namespace ami::testing {

class PgCluster {
 public:
  // Unsynced (fsync off) loses nothing but in a power failure, which no test makes: crash() keeps what the
  // kernel holds. Nor has it autovacuum, which begins to analyse after a minute: its transactions, like any
  // that run in any database of the cluster, hold back the horizon of the change feed, so that a test would
  // see what it has stored at once or a moment later, as it happens. What measures time wants Synced.
  enum class Disk { Synced, Unsynced };
  explicit PgCluster(
      Disk disk = Disk::Synced);  // starts; throws std::runtime_error with the log when it cannot
  ~PgCluster();                   // stops the server it started and removes the folder
  PgCluster(const PgCluster&) = delete;
  PgCluster& operator=(const PgCluster&) = delete;

  // The cluster of this program, unsynced: started when first asked for, gone when the tests end.
  static PgCluster& shared();

  // Conninfo of a new, empty database.
  std::string create_database();
  // Conninfo of a new copy of a database that `prepare` filled once per `kind` (e.g. with migrations).
  std::string create_database_like(const std::string& kind,
                                   const std::function<void(const std::string&)>& prepare);
  [[nodiscard]] std::string conninfo(const std::string& database) const;

  void stop();  // as an administrator would: open connections are cut
  void start();
  void restart();  // stop and start
  void crash();    // SIGQUIT: no checkpoint, recovery at the next start

 private:
  void sql(const std::string& statement) const;
  void end(int signal);

  const Disk disk_;
  std::string folder_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t server_ = -1;
  int databases_ = 0;
  std::set<std::string> kinds_;
};

}  // namespace ami::testing
