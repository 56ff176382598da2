// ami-gatewayd as systemd and PostgreSQL see it: started, fed, reloaded, cut off, stopped.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "storage/postgres/assets.h"
#include "storage/postgres/readers.h"
#include "tests/daemon/support/daemon_process.h"
#include "tests/daemon/support/temp_folder.h"
#include "tests/support/pg_cluster.h"

namespace ami::daemon {
namespace {
namespace fs = std::filesystem;
using testing::DaemonProcess;
using testing::http_get;
using testing::NotifySocket;
using testing::TempFolder;

class GatewayProcess : public ::testing::Test {
 protected:
  // `adapters` is the text of the list, e.g. "[ssn.yaml]".
  std::string configure(const std::string& conninfo, const std::string& adapters,
                        const std::string& more = {}) {
    const std::string source = std::getenv("AMI_SOURCE_DIR");
    return folder_.write("gateway.yaml",
                         "utilities: [{key: hydro, notice: AE-1641, zone: America/Toronto}]\n"
                         "data_dir: " +
                             source +
                             "/config\n"
                             "database: {conninfo: \"" +
                             conninfo +
                             "\", " + owner_ + "migrate_on_start: true, check_every: 100ms, retry_first: 20ms, "
                             "retry_longest: 200ms}\n"
                             "state_dir: state\n"
                             "rpc: {unix_socket: rpc.sock}\n"
                             "http: {address: '127.0.0.1:0', port_file: port}\n"
                             "adapters: " +
                             adapters + "\n" + more);
  }

  void feed(const std::string& name) {
    fs::create_directories(folder_.path("in-" + name));
    folder_.write(name + ".yaml", "name: " + name + "\nfamily: ssn\nutility: hydro\nfolder: in-" + name +
                                      "\nzone: UTC\nsettle: 1ms\nrescan: 50ms\n");
  }

  // Two dials of meter M1 of one tier: 181.5 kWh an hour apart.
  void drop(const std::string& feed, const std::string& file, const std::string& meter = "M1") {
    folder_.write(
        file + ".part",
        "<SSNExportDocument xmlns=\"urn:com:ssn:schema:export:SSNExportFormat.xsd\" "
        "CreationTime=\"2026-01-15T06:00:00Z\"><MeterData MeterName=\"" +
            meter +
            "\"><RegisterData>"
            "<RegisterRead ReadTime=\"2026-01-15T05:00:00Z\"><Tier Number=\"0\"><Register Number=\"1010\" "
            "Summation=\"181.5\" SummationUOM=\"kWh\"/></Tier></RegisterRead>"
            "<RegisterRead ReadTime=\"2026-01-15T06:00:00Z\"><Tier Number=\"0\"><Register Number=\"1010\" "
            "Summation=\"182.25\" SummationUOM=\"kWh\"/></Tier></RegisterRead>"
            "</RegisterData></MeterData></SSNExportDocument>\n");
    fs::rename(folder_.path(file + ".part"), folder_.path("in-" + feed + "/" + file));
  }

  void know_meter(const std::string& conninfo, const std::string& key) {
    storage::Database database({conninfo});
    storage::Assets assets(database);
    const auto utility = assets.get_utility("hydro");
    ASSERT_TRUE(utility.ok()) << utility.refusal().message;
    storage::MeterDetail detail;
    detail.form = "2S";
    const auto made = assets.create_meter(utility->id, key, detail, {{"", AliasKind::Badge, key, {}}});
    ASSERT_TRUE(made.ok()) << made.refusal().message;
  }

  storage::FeedCounts counts(const std::string& conninfo, const std::string& feed) {
    storage::Database database({conninfo});
    const auto all = storage::Readers(database).feed_counts();
    if (all.ok()) {
      for (const auto& entry : *all) {
        if (entry.feed == feed) return entry;
      }
    }
    return {};
  }

  int status(const std::string& path) const {
    const auto reply = get(path);
    return reply ? reply->status : 0;
  }
  std::optional<testing::HttpReply> get(const std::string& path) const {
    std::ifstream file(folder_.path("port"));
    std::string port;
    file >> port;
    return port.empty() ? std::nullopt : http_get(port, path);
  }

  // The tests' databases have one login, which owns everything.
  std::string owner_ = "allow_owner: true, ";
  TempFolder folder_;
};

TEST_F(GatewayProcess, AsTheOwnerOfTheTablesItDoesNotBecomeReadyAndSaysWhy) {
  const auto conninfo = ami::testing::PgCluster::shared().create_database();
  owner_.clear();
  DaemonProcess gateway({"--config", configure(conninfo, "[]")});
  ASSERT_TRUE(gateway.wait_for_line("id=DATABASE_UNFIT")) << gateway.output();
  EXPECT_NE(gateway.output().find("works as ami, a superuser"), std::string::npos) << gateway.output();
  const auto ready = get("/readyz");
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->status, 503);
  EXPECT_NE(ready->body.find("database.allow_owner: true"), std::string::npos) << ready->body;
}

TEST_F(GatewayProcess, WithTheDocumentedLoginsItStoresAndAnswers) {
  const auto conninfo = ami::testing::PgCluster::shared().create_database();
  const auto as = [&](const std::string& user) {
    return std::string(conninfo).replace(conninfo.find("user=ami"), 8, "user=" + user);
  };
  const std::string roles = "psql -Xq -v ON_ERROR_STOP=1 -v database=" +
                            conninfo.substr(conninfo.find("dbname=") + 7) + " -d '" + conninfo + "' -f '" +
                            std::string(std::getenv("AMI_SOURCE_DIR")) + "/deploy/database-roles.sql' >/dev/null";
  ASSERT_EQ(std::system(roles.c_str()), 0);
  owner_ = "migrator_conninfo: \"" + as("ami_gateway_owner") + "\", reader_conninfo: \"" + as("ami_gateway_reader") +
           "\", ";
  feed("ssn");
  DaemonProcess gateway({"--config", configure(as("ami_gateway"), "[ssn.yaml]")});
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_READY")) << gateway.output();
  know_meter(as("ami_gateway"), "M1");
  drop("ssn", "a.xml");
  ASSERT_TRUE(gateway.wait_for_line("id=DROP_FILE_DONE")) << gateway.output();
  EXPECT_EQ(counts(conninfo, "ssn").registers, 2U);
  EXPECT_EQ(counts(as("ami_gateway_reader"), "ssn").registers, 0U) << "without a scope it sees nothing";
  gateway.signal(SIGTERM);
  EXPECT_EQ(gateway.wait_for_exit(), 0) << gateway.output();
}

TEST_F(GatewayProcess, ReadsAFileThatIsDroppedAndDrainsOnSigterm) {
  const auto conninfo = ami::testing::PgCluster::shared().create_database();
  feed("ssn");
  DaemonProcess gateway({"--config", configure(conninfo, "[ssn.yaml]")});
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_READY")) << gateway.output();
  EXPECT_EQ(status("/readyz"), 200);
  know_meter(conninfo, "M1");
  drop("ssn", "a.xml");
  ASSERT_TRUE(gateway.wait_for_line("id=DROP_FILE_DONE")) << gateway.output();
  EXPECT_EQ(counts(conninfo, "ssn").registers, 2U);
  EXPECT_EQ(counts(conninfo, "ssn").quarantine_open, 0U);
  EXPECT_TRUE(fs::exists(folder_.path("in-ssn/done/a.xml")));
  const auto metrics = get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_NE(metrics->body.find("ami_feed_registers_total{feed=\"ssn\"} 2\n"), std::string::npos)
      << metrics->body;
  EXPECT_NE(metrics->body.find("ami_ready 1\n"), std::string::npos);

  gateway.signal(SIGTERM);
  EXPECT_EQ(gateway.wait_for_exit(), 0) << gateway.output();
  const auto& log = gateway.output();
  const auto draining = log.find("id=GATEWAY_DRAINING");
  const auto feed_stopped = log.find("id=FEED_STOPPED");
  const auto stopped = log.find("id=GATEWAY_STOPPED");
  ASSERT_NE(stopped, std::string::npos) << log;
  EXPECT_LT(draining, feed_stopped);
  EXPECT_LT(feed_stopped, stopped);
  EXPECT_EQ(log.find("182.25"), std::string::npos) << "no readings in the log";
  EXPECT_EQ(log.find("181.5"), std::string::npos);
}

TEST_F(GatewayProcess, AnUnknownMeterIsQuarantinedAndCounted) {
  const auto conninfo = ami::testing::PgCluster::shared().create_database();
  feed("ssn");
  DaemonProcess gateway({"--config", configure(conninfo, "[ssn.yaml]")});
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_READY")) << gateway.output();
  drop("ssn", "a.xml", "STRANGER");
  ASSERT_TRUE(gateway.wait_for_line("id=DROP_FILE_DONE")) << gateway.output();
  EXPECT_GE(counts(conninfo, "ssn").quarantine_open, 1U);
  EXPECT_NE(get("/metrics")->body.find("ami_feed_quarantined_total{feed=\"ssn\",reason=\"unknown_meter\"}"),
            std::string::npos);
}

TEST_F(GatewayProcess, WaitsForADatabaseThatIsAwayAtStartAndBecomesReadyByItself) {
  ami::testing::PgCluster cluster;
  const auto conninfo = cluster.create_database();
  cluster.stop();
  feed("ssn");
  DaemonProcess gateway({"--config", configure(conninfo, "[ssn.yaml]")});
  ASSERT_TRUE(gateway.wait_for_line("id=DATABASE_AWAY")) << gateway.output();
  EXPECT_EQ(status("/healthz"), 200);
  const auto unready = get("/readyz");
  ASSERT_TRUE(unready);
  EXPECT_EQ(unready->status, 503);
  EXPECT_NE(unready->body.find("\"database\""), std::string::npos) << unready->body;
  cluster.start();
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_READY")) << gateway.output();
  EXPECT_EQ(status("/readyz"), 200);
}

TEST_F(GatewayProcess, AFileDroppedWhileTheDatabaseIsAwayIsStoredWhenItIsBack) {
  ami::testing::PgCluster cluster;
  const auto conninfo = cluster.create_database();
  feed("ssn");
  DaemonProcess gateway({"--config", configure(conninfo, "[ssn.yaml]")});
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_READY")) << gateway.output();
  know_meter(conninfo, "M1");
  cluster.crash();
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_NOT_READY")) << gateway.output();
  drop("ssn", "a.xml");
  cluster.start();
  ASSERT_TRUE(gateway.wait_for_line("id=DROP_FILE_DONE")) << gateway.output();
  EXPECT_EQ(counts(conninfo, "ssn").registers, 2U);
}

TEST_F(GatewayProcess, StopsInTimeWithoutItsDatabase) {
  ami::testing::PgCluster cluster;
  const auto conninfo = cluster.create_database();
  feed("ssn");
  DaemonProcess gateway({"--config", configure(conninfo, "[ssn.yaml]")});
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_READY")) << gateway.output();
  cluster.stop();
  drop("ssn", "a.xml");
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_NOT_READY")) << gateway.output();
  gateway.signal(SIGTERM);
  EXPECT_EQ(gateway.wait_for_exit(), 0) << gateway.output();
  EXPECT_TRUE(fs::exists(folder_.path("in-ssn/a.xml"))) << "what was not stored must stay";
}

TEST_F(GatewayProcess, SighupStartsNewFeedsStopsRemovedOnesAndLeavesTheOthersAlone) {
  const auto conninfo = ami::testing::PgCluster::shared().create_database();
  feed("one");
  feed("two");
  feed("three");
  DaemonProcess gateway({"--config", configure(conninfo, "[one.yaml, two.yaml]")});
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_READY")) << gateway.output();
  know_meter(conninfo, "M1");
  const auto before = gateway.output().size();
  configure(conninfo, "[one.yaml, three.yaml]", "log: {level: debug, format: json}\n");
  gateway.signal(SIGHUP);
  ASSERT_TRUE(gateway.wait_for_line("\"id\":\"RELOAD_DONE\"")) << gateway.output();
  drop("three", "c.xml");
  ASSERT_TRUE(gateway.wait_for_line("\"id\":\"DROP_FILE_DONE\"")) << gateway.output();
  drop("one", "a.xml");
  ASSERT_TRUE(gateway.wait_for_line("\"id\":\"DROP_FILE_D")) << gateway.output();
  gateway.signal(SIGTERM);
  ASSERT_EQ(gateway.wait_for_exit(), 0) << gateway.output();
  const auto after = gateway.output().substr(before);
  const auto stop_of_all = after.find("GATEWAY_DRAINING");
  const auto reloading = after.substr(0, stop_of_all);
  EXPECT_NE(reloading.find(R"("id":"FEED_STOPPED","feed":"two")"), std::string::npos) << after;
  EXPECT_NE(reloading.find(R"("id":"FEED_STARTED","feed":"three")"), std::string::npos) << after;
  EXPECT_EQ(reloading.find(R"("id":"FEED_STOPPED","feed":"one")"), std::string::npos) << after;
  EXPECT_EQ(counts(conninfo, "one").quarantine_open + counts(conninfo, "three").quarantine_open, 0U);
}

TEST_F(GatewayProcess, ABadConfigurationIsRefusedOnSighupAndTheOldOneGoesOn) {
  const auto conninfo = ami::testing::PgCluster::shared().create_database();
  feed("ssn");
  DaemonProcess gateway({"--config", configure(conninfo, "[ssn.yaml]")});
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_READY")) << gateway.output();
  know_meter(conninfo, "M1");
  configure(conninfo, "[ssn.yaml, missing.yaml]", "log: {level: error}\nthraeds: 3\n");
  gateway.signal(SIGHUP);
  ASSERT_TRUE(gateway.wait_for_line("id=RELOAD_REFUSED")) << gateway.output();
  drop("ssn", "a.xml");
  EXPECT_TRUE(gateway.wait_for_line("id=DROP_FILE_DONE"))
      << "still at the old log level: " << gateway.output();
  EXPECT_NE(gateway.output().find("unknown key 'thraeds'; the nearest known one is 'threads'"),
            std::string::npos);
  EXPECT_NE(gateway.output().find("missing.yaml"), std::string::npos);
}

TEST_F(GatewayProcess, TellsSystemdEachState) {
  const auto conninfo = ami::testing::PgCluster::shared().create_database();
  const NotifySocket systemd(folder_.path("notify"));
  DaemonProcess gateway({"--config", configure(conninfo, "[]")},
                        {{"NOTIFY_SOCKET", folder_.path("notify")}, {"WATCHDOG_USEC", "100000"}});
  EXPECT_TRUE(systemd.wait_for("READY=1"));
  EXPECT_TRUE(systemd.wait_for("STATUS=ready"));
  EXPECT_TRUE(systemd.wait_for("WATCHDOG=1"));
  EXPECT_TRUE(systemd.wait_for("WATCHDOG=1"));
  gateway.signal(SIGHUP);
  EXPECT_TRUE(systemd.wait_for("RELOADING=1"));
  std::vector<std::string> until_ready;
  EXPECT_TRUE(systemd.wait_for("READY=1", &until_ready));
  gateway.signal(SIGTERM);
  EXPECT_TRUE(systemd.wait_for("STOPPING=1"));
  EXPECT_EQ(gateway.wait_for_exit(), 0);
}

// A PostgreSQL that takes connections and never says a word: whoever asks it hangs.
class MuteServer {
 public:
  MuteServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    listen(socket_, 64);
  }
  ~MuteServer() { close(socket_); }
  MuteServer(const MuteServer&) = delete;
  MuteServer& operator=(const MuteServer&) = delete;
  std::string conninfo() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    return "host=127.0.0.1 dbname=x user=x sslmode=disable port=" + std::to_string(ntohs(address.sin_port));
  }

 private:
  int socket_;
};

TEST_F(GatewayProcess, ASecondSigtermEndsAtOnce) {
  const MuteServer mute;
  DaemonProcess gateway({"--config", configure(mute.conninfo(), "[]")});
  ASSERT_TRUE(gateway.wait_for_line("id=RPC_LISTENING")) << gateway.output();
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_NOT_READY")) << gateway.output();
  gateway.signal(SIGTERM);
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_DRAINING")) << gateway.output();
  gateway.signal(SIGTERM);
  EXPECT_EQ(gateway.wait_for_exit(), 1) << gateway.output();
  EXPECT_NE(gateway.output().find("id=GATEWAY_KILLED"), std::string::npos) << gateway.output();
}

TEST_F(GatewayProcess, ADrainThatCannotEndIsCutOffAtItsTimeout) {
  const MuteServer mute;
  DaemonProcess gateway({"--config", configure(mute.conninfo(), "[]", "drain_timeout: 200ms\n")});
  ASSERT_TRUE(gateway.wait_for_line("id=GATEWAY_NOT_READY")) << gateway.output();
  gateway.signal(SIGTERM);
  EXPECT_EQ(gateway.wait_for_exit(), 1) << gateway.output();
  EXPECT_NE(gateway.output().find("id=GATEWAY_DRAIN_TIMED_OUT"), std::string::npos) << gateway.output();
}

}  // namespace
}  // namespace ami::daemon
