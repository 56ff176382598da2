#include "tests/support/pg_cluster.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace ami::testing {
namespace {

std::string program(const char* name) {
  return (std::filesystem::path("/usr/lib/postgresql/15/bin") / name).string();
}

// The shared cluster must be gone before the program ends, whatever the order of static destructors.
class SharedCluster final : public ::testing::Environment {
 public:
  std::unique_ptr<PgCluster> cluster;
  void TearDown() override { cluster.reset(); }
};

// Starts a program in a process group of its own. With parent_death it dies when this process does.
pid_t spawn(const std::string& path, const std::vector<std::string>& arguments, uid_t user, gid_t group,
            const std::string& log, bool parent_death) {
  std::vector<char*> argv{const_cast<char*>(path.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    setpgid(0, 0);
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    const int in = open("/dev/null", O_RDONLY);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    if (getuid() == 0 && (setgid(group) != 0 || setuid(user) != 0)) _exit(126);
    // After the change of user, which clears it. SIGQUIT ends a postmaster and its children at once.
    if (parent_death) {
      prctl(PR_SET_PDEATHSIG, SIGQUIT);
      if (getppid() != parent) _exit(126);
    }
    setenv("LC_ALL", "C", 1);
    unsetenv("PGDATA");
    if (chdir("/") != 0) _exit(126);
    execv(path.c_str(), argv.data());
    _exit(127);
  }
  setpgid(child, child);
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

}  // namespace

PgCluster::PgCluster(Disk disk) : disk_(disk) {
  user_ = getuid();
  group_ = getgid();
  if (user_ == 0) {
    const passwd* found = getpwnam("postgres");
    if (found == nullptr) found = getpwnam("nobody");
    if (found == nullptr)
      throw std::runtime_error("PostgreSQL does not run as root, and there is no other user");
    user_ = found->pw_uid;
    group_ = found->pw_gid;
  }
  std::string name = (std::filesystem::temp_directory_path() / "amipg-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder: " + name);
  folder_ = name;
  if (getuid() == 0 && chown(folder_.c_str(), user_, group_) != 0)
    throw std::runtime_error("chown " + folder_);
  try {
    const pid_t initdb = spawn(program("initdb"),
                               {"-D", folder_ + "/data", "-U", "ami", "-A", "trust", "-E", "UTF8",
                                "--locale=C.UTF-8", "--no-sync", "--no-instructions"},
                               user_, group_, folder_ + "/log", false);
    if (const int status = wait_for(initdb); status != 0) {
      throw std::runtime_error("initdb ended with " + std::to_string(status) + ": " +
                               contents(folder_ + "/log"));
    }
    start();
  } catch (...) {
    if (server_ > 0) end(SIGQUIT);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    throw;
  }
}

PgCluster::~PgCluster() {
  if (server_ > 0) end(SIGQUIT);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

PgCluster& PgCluster::shared() {
  // gtest owns and deletes environments.
  static SharedCluster* const environment =
      static_cast<SharedCluster*>(::testing::AddGlobalTestEnvironment(new SharedCluster));
  if (!environment->cluster) environment->cluster = std::make_unique<PgCluster>(Disk::Unsynced);
  return *environment->cluster;
}

std::string PgCluster::conninfo(const std::string& database) const {
  return "host=" + folder_ + " user=ami dbname=" + database;
}

void PgCluster::start() {
  if (server_ > 0) return;
  server_ = spawn(program("postgres"),
                  {"-D", folder_ + "/data", "-k", folder_, "-c", "listen_addresses=", "-c",
                   "max_connections=50", "-c", "shared_buffers=64MB", "-c", "log_min_messages=warning", "-c",
                   disk_ == Disk::Synced ? "fsync=on" : "fsync=off", "-c",
                   disk_ == Disk::Synced ? "autovacuum=on" : "autovacuum=off"},
                  user_, group_, folder_ + "/log", true);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const std::string target = conninfo("postgres");
  while (PQping(target.c_str()) != PQPING_OK) {
    int status = 0;
    if (waitpid(server_, &status, WNOHANG) == server_) {
      server_ = -1;
      throw std::runtime_error("PostgreSQL ended at once: " + contents(folder_ + "/log"));
    }
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("PostgreSQL does not answer: " + contents(folder_ + "/log"));
    }
    poll(nullptr, 0, 10);  // nothing tells us when it is ready; ask again
  }
}

void PgCluster::end(int signal) {
  kill(server_, signal);
  wait_for(server_);
  server_ = -1;
}

void PgCluster::stop() {
  if (server_ > 0) end(SIGINT);  // "fast" shutdown
}
void PgCluster::crash() {
  if (server_ > 0) end(SIGQUIT);
}
void PgCluster::restart() {
  stop();
  start();
}

void PgCluster::sql(const std::string& statement) const {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(conninfo("postgres").c_str()),
                                                                &PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), statement.c_str()),
                                                             &PQclear);
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
    throw std::runtime_error(statement + ": " + PQerrorMessage(connection.get()));
  }
}

std::string PgCluster::create_database() {
  const std::string name = "test_" + std::to_string(++databases_);
  sql("CREATE DATABASE " + name);
  return conninfo(name);
}

std::string PgCluster::create_database_like(const std::string& kind,
                                            const std::function<void(const std::string&)>& prepare) {
  if (!kinds_.contains(kind)) {
    sql("CREATE DATABASE " + kind);
    prepare(conninfo(kind));
    kinds_.insert(kind);
  }
  const std::string name = "test_" + std::to_string(++databases_);
  sql("CREATE DATABASE " + name + " TEMPLATE " + kind);
  return conninfo(name);
}

}  // namespace ami::testing
