// Commands through the whole daemon, killed right after SENT was stored and right after the bytes left, and
// started again: nothing is ever sent twice, and everything ends.
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <pqxx/pqxx>

#include "storage/postgres/assets.h"
#include "tests/daemon/gateway/far_side.h"
#include "tests/daemon/support/daemon_process.h"
#include "tests/daemon/support/temp_folder.h"
#include "tests/support/pg_cluster.h"

namespace ami::daemon {
namespace {
using testing::DaemonProcess;
using testing::FarSide;
using testing::TempFolder;

class CommandsProcess : public ::testing::Test {
 protected:
  void SetUp() override {
    conninfo_ = ami::testing::PgCluster::shared().create_database();
    configure("1s");
    auto gateway = start();
    ASSERT_TRUE(gateway->wait_for_line("id=FEED_STARTED")) << gateway->output();
    storage::Database database({conninfo_});
    storage::Assets assets(database);
    const auto utility = assets.get_utility("hydro");
    ASSERT_TRUE(utility.ok()) << utility.refusal().message;
    for (const std::string key : {"M1", "M2"}) {
      storage::MeterDetail detail;
      ASSERT_TRUE(assets.create_meter(utility->id, key, detail, {{"", AliasKind::Badge, key, {}}}).ok());
    }
    end(*gateway);
  }
  void configure(const std::string& expiry) {
    folder_.write("gateway.yaml",
                  "utilities: [{key: hydro, zone: America/Toronto}]\n"
                  "database: {conninfo: \"" +
                      conninfo_ +
                      "\", migrate_on_start: true, allow_owner: true, check_every: 100ms, retry_first: 20ms, "
                      "retry_longest: 200ms}\n"
                      "rpc: {unix_socket: rpc.sock}\n"
                      "http: {address: '127.0.0.1:0', port_file: port}\n"
                      "state_dir: state\n"
                      "adapters: [radio.yaml]\n");
    folder_.write("radio.yaml", "name: radio\nfamily: line_order\nutility: hydro\nexpiry: " + expiry +
                                    "\nfar_port: " + std::to_string(far_.port()) + "\n");
  }
  std::unique_ptr<DaemonProcess> start(const std::string& failpoint = {}) {
    std::map<std::string, std::string> environment;
    if (!failpoint.empty()) environment["AMI_FAILPOINT"] = failpoint;
    return std::make_unique<DaemonProcess>(std::vector<std::string>{folder_.path("gateway.yaml")},
                                           environment, "../tests/pushed-gatewayd");
  }
  void end(DaemonProcess& gateway) {
    gateway.signal(SIGTERM);
    EXPECT_EQ(gateway.wait_for_exit(), 0) << gateway.output();
  }
  std::string one(const std::string& query) const {
    pqxx::connection connection(conninfo_);
    pqxx::work transaction(connection);
    const auto rows = transaction.exec(query);
    const std::string out = rows.empty() || rows[0][0].is_null() ? "" : rows[0][0].as<std::string>();
    transaction.commit();
    return out;
  }
  // As a gateway that was killed leaves it: asked for, not yet sent.
  std::string queue(const std::string& kind, const std::string& meter) const {
    const std::string id = one(
        "INSERT INTO operation (utility_id, kind, caller, request_id, content_sha256, order_id, on_behalf_of,"
        " purpose, priority, targets, created_at, expires_at) SELECT utility_id, '" +
        kind + "', 'cn=test', '" + kind + meter +
        "', '', '', '', '', 0, 1, now(), now() + interval '1 hour' FROM utility RETURNING operation_id");
    one("INSERT INTO operation_target (operation_id, number, utility_id, meter_id, meter, kind, feed, "
        "vendor_id,"
        " pacing_group, state, created_at, expires_at) SELECT " +
        id + ", 0, utility_id, meter_id, key, '" + kind +
        "', 'radio', key, '', 'QUEUED', now(),"
        " now() + interval '1 hour' FROM meter WHERE key = '" +
        meter + "' RETURNING ''");
    return id;
  }
  std::string state(const std::string& id) const {
    return one("SELECT state FROM operation_target WHERE operation_id = " + id);
  }
  std::string transaction(const std::string& id) const {
    return one("SELECT transaction FROM operation_target WHERE operation_id = " + id);
  }
  // Asks the database until it is so, or a minute has passed.
  bool becomes(const std::string& id, const std::string& wanted) const {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    while (std::chrono::steady_clock::now() < limit) {
      if (state(id) == wanted) return true;
    }
    return false;
  }
  bool say(const std::string& line) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    while (std::chrono::steady_clock::now() < limit) {
      if (far_.say(line)) return true;
    }
    return false;
  }
  // Both are killed at the point, one after the other, each with its own SENT.
  void kill_both_at(const std::string& point, const std::string& read, const std::string& reset) {
    for (int sent = 1; sent <= 2; ++sent) {
      auto gateway = start(point);
      ASSERT_EQ(gateway->wait_for_exit(), 128 + SIGKILL) << gateway->output();
      ASSERT_EQ(one("SELECT count(*) FROM operation_target WHERE transaction IS NOT NULL"),
                std::to_string(sent));
    }
    ASSERT_NE(transaction(read), "");
    ASSERT_NE(transaction(reset), "");
  }

  FarSide far_;
  TempFolder folder_;
  std::string conninfo_;
};

TEST_F(CommandsProcess, KilledBeforeTheFirstByteItIsNeverSentAndEndsWithTime) {
  const std::string read = queue("READ", "M1"), reset = queue("DEMAND_RESET", "M2");
  kill_both_at("command_sent", read, reset);
  auto gateway = start();
  EXPECT_TRUE(becomes(read, "TIMED_OUT")) << gateway->output();
  EXPECT_TRUE(becomes(reset, "UNKNOWN")) << gateway->output();
  end(*gateway);
  EXPECT_EQ(far_.came(transaction(read)) + far_.came(transaction(reset)), 0);
  EXPECT_EQ(one("SELECT max(attempts) FROM operation WHERE caller = 'cn=test'"), "1");
}

TEST_F(CommandsProcess, KilledAfterItLeftItIsNotSentAgainAndALateAnswerStillTellsWhatItWas) {
  const std::string read = queue("READ", "M1"), reset = queue("DEMAND_RESET", "M2");
  kill_both_at("test.command_left", read, reset);
  auto gateway = start();
  EXPECT_TRUE(becomes(read, "TIMED_OUT")) << gateway->output();
  EXPECT_TRUE(becomes(reset, "UNKNOWN")) << gateway->output();
  ASSERT_TRUE(say(transaction(read) + " M1 done"));
  ASSERT_TRUE(say(transaction(reset) + " M2 done"));
  EXPECT_TRUE(becomes(reset, "SUCCEEDED")) << "an UNKNOWN is settled by evidence" << gateway->output();
  EXPECT_EQ(state(read), "TIMED_OUT") << "kept beside it";
  end(*gateway);
  EXPECT_EQ(far_.came(transaction(read)), 1);
  EXPECT_EQ(far_.came(transaction(reset)), 1);
  EXPECT_EQ(one("SELECT count(*) FROM operation_answer WHERE operation_id = " + read), "1");
}

TEST_F(CommandsProcess, KilledAfterItLeftTheNextRunTakesItsAnswer) {
  configure("10m");
  const std::string read = queue("READ", "M1"), reset = queue("DEMAND_RESET", "M2");
  {
    auto gateway = start("test.command_left");
    ASSERT_EQ(gateway->wait_for_exit(), 128 + SIGKILL) << gateway->output();
  }
  ASSERT_EQ(state(read), "SENT");
  auto gateway = start();
  ASSERT_TRUE(gateway->wait_for_line("id=COMMANDS_TAKEN_UP")) << gateway->output();
  EXPECT_EQ(state(reset), "QUEUED") << "one in flight: what is SENT counts";
  ASSERT_TRUE(say(transaction(read) + " M1 done"));
  EXPECT_TRUE(becomes(read, "SUCCEEDED")) << gateway->output();
  EXPECT_TRUE(becomes(reset, "SENT")) << gateway->output();
  ASSERT_TRUE(say(transaction(reset) + " M2 done"));
  EXPECT_TRUE(becomes(reset, "SUCCEEDED")) << gateway->output();
  end(*gateway);
  EXPECT_EQ(far_.came(transaction(read)), 1);
  EXPECT_EQ(far_.came(transaction(reset)), 1);
}

}  // namespace
}  // namespace ami::daemon
