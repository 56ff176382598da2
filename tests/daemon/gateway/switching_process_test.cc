// Service switches through whole daemons on a real database: what leaves, what never does, and what comes of it
// after a restart, a kill, a wrong answer, and with two gateways.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <map>
#include <pqxx/pqxx>
#include <set>

#include "storage/postgres/assets.h"
#include "storage/postgres/migrate.h"
#include "storage/postgres/switching.h"
#include "tests/daemon/gateway/far_side.h"
#include "tests/daemon/support/daemon_process.h"
#include "tests/daemon/support/temp_folder.h"
#include "tests/support/pg_cluster.h"

namespace ami::daemon {
namespace {
using storage::SwitchState;
using testing::DaemonProcess;
using testing::FarSide;
using testing::TempFolder;

UtcInstant now() {
  return std::chrono::time_point_cast<UtcInstant::duration>(std::chrono::system_clock::now());
}

class SwitchingProcess : public ::testing::Test {
 protected:
  static constexpr int kMeters = 12;

  void SetUp() override {
    conninfo_ = ami::testing::PgCluster::shared().create_database();
    ASSERT_TRUE(storage::migrate(conninfo_).ok());
    database_ = std::make_unique<storage::Database>(storage::DatabaseOptions{.conninfo = conninfo_});
    book_ = std::make_unique<storage::PostgresSwitching>(*database_);
    storage::Assets assets(*database_);
    const auto utility = assets.put_utility({0, "hydro", "America/Toronto", std::nullopt});
    ASSERT_TRUE(utility.ok()) << utility.refusal().message;
    utility_ = utility->id;
    for (int n = 1; n <= kMeters; ++n) {
      const std::string number = std::to_string(n), key = "M" + number;
      storage::MeterDetail detail;
      detail.valid.from = since_;
      detail.model = "FOCUS AXR-SD";
      detail.form = "2S";
      detail.firmware = "5.33";
      storage::FittedModule module;
      module.valid.from = since_;
      module.module = module.key = "LINE";
      const auto made = assets.create_meter(utility_, key, detail,
                                            {{"radio", AliasKind::Badge, "B" + number, {since_}},
                                             {"", AliasKind::ManufacturerSerial, "0047" + std::to_string(1000 + n), {since_}}},
                                            module);
      ASSERT_TRUE(made.ok()) << made.refusal().message;
      meters_[n] = made->id;
      ASSERT_TRUE(assets.create_usage_point(utility_, "UP" + number, {{since_}, "", "", "", ""}).ok());
      storage::InstallRequest install;
      install.utility = utility_;
      install.meter = key;
      install.usage_point = "UP" + number;
      install.at = since_;
      ASSERT_TRUE(assets.install(install).ok());
    }
    configure(first_);
    configure(second_);
  }

  void configure(const TempFolder& folder, const std::string& expiry = "60s") {
    folder.write("gateway.yaml",
                 "utilities: [{key: hydro, zone: America/Toronto}]\n"
                 "database: {conninfo: \"" +
                     conninfo_ +
                     "\", allow_owner: true, check_every: 100ms, retry_first: 20ms, retry_longest: 200ms}\n"
                     "rpc: {unix_socket: rpc.sock}\n"
                     "http: {address: '127.0.0.1:0', port_file: port}\n"
                     "state_dir: state\n"
                     "adapters: [radio.yaml]\n"
                     "switching:\n"
                     "  conninfo: \"" +
                     conninfo_ +
                     "\"\n"
                     "  lease: 2s\n"
                     "  verify: 1s\n"
                     "  retry: 100ms\n"
                     "  utilities:\n"
                     "    - utility: hydro\n"
                     "      evidence: [{feed: radio, reports_device_time: true}]\n"
                     "      shown:\n"
                     "        - {family: line_order, firmware: '*', open: true, close: true, author: J. Doe,\n"
                     "           document: EV-1}\n");
    folder.write("radio.yaml", "name: radio\nfamily: line_order\nutility: hydro\nin_flight: 32\nexpiry: " + expiry +
                                   "\nfar_port: " + std::to_string(far_.port()) + "\n");
  }
  std::unique_ptr<DaemonProcess> start(const TempFolder& folder, const std::string& failpoint = {}) {
    std::map<std::string, std::string> environment;
    if (!failpoint.empty()) environment["AMI_FAILPOINT"] = failpoint;
    return std::make_unique<DaemonProcess>(std::vector<std::string>{folder.path("gateway.yaml")}, environment,
                                           "../tests/pushed-gatewayd");
  }
  static void end(DaemonProcess& gateway) {
    gateway.signal(SIGTERM);
    EXPECT_EQ(gateway.wait_for_exit(), 0) << gateway.output();
  }

  // As a gateway that was killed leaves it: an OPEN of meter n that has come as far as that.
  storage::SwitchOperation leave(int n, SwitchState state, const std::string& last4 = {}) {
    storage::SwitchAsked asked;
    asked.utility = utility_;
    asked.meter_id = meters_.at(n);
    asked.meter = "M" + std::to_string(n);
    asked.usage_point = "UP" + std::to_string(n);
    asked.serial_last4 = last4.empty() ? std::to_string(1000 + n) : last4;
    asked.reason = "TEST";
    asked.order_id = "WO-1";
    asked.caller = "cn=test";
    asked.request_id = "r" + std::to_string(++requests_);
    asked.body = asked.request_id;
    asked.feed = "radio";
    asked.vendor_id = "B" + std::to_string(n);
    asked.created_at = asked.not_before = now();
    asked.not_after = now() + std::chrono::hours{1};
    const storage::SwitchNote note{"TEST", "cn=test", "gone", "", "", now()};
    auto made = book_->create(asked, note);
    EXPECT_TRUE(made.ok()) << made.refusal().message;
    storage::SwitchOperation row = made->operation;
    if (state == SwitchState::Requested) return row;
    row.version += 1;
    row.state = state;
    if (state >= SwitchState::Sent) {
      row.transaction = "sw" + std::to_string(row.id) + "-left";
      row.sent_at = now();
      row.flight = std::chrono::seconds{1};
      if (state == SwitchState::Verifying) row.claimed_at = now();
    }
    EXPECT_TRUE(book_->move(row, note).ok());
    return row;
  }
  storage::SwitchOperation row(storage::SwitchId id) { return book_->get(utility_, id).value(); }
  std::string transaction(storage::SwitchId id) { return row(id).transaction; }
  // Asks the book until it is so, or a minute has passed.
  bool becomes(storage::SwitchId id, SwitchState wanted) {
    return holds([&] { return row(id).state == wanted; });
  }
  template <class Condition>
  static bool holds(Condition&& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    while (std::chrono::steady_clock::now() < limit) {
      if (condition()) return true;
    }
    return false;
  }
  bool say(const std::string& line) {
    return holds([&] { return far_.say(line); });
  }
  std::string story(storage::SwitchId id) {
    std::string out;
    const auto lines = book_->audit(id).value();
    for (const auto& line : lines) out += line.note.input + " ";
    return out;
  }
  std::set<std::string> senders() {
    pqxx::connection connection(conninfo_);
    pqxx::work tx(connection);
    std::set<std::string> out;
    for (const auto& line : tx.exec("SELECT gateway FROM switch_audit WHERE input = 'SEND'"))
      out.insert(line[0].as<std::string>());
    return out;
  }

  const UtcInstant since_ = parse_instant("2020-01-01T00:00:00Z").value();
  FarSide far_;
  TempFolder first_, second_;
  std::string conninfo_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<storage::PostgresSwitching> book_;
  std::int32_t utility_ = 0;
  std::map<int, MeterId> meters_;
  int requests_ = 0;
};

TEST_F(SwitchingProcess, WhatIsQueuedLeavesOnceAndAReportWithTheDevicesTimeVerifiesIt) {
  const auto op = leave(1, SwitchState::Queued);
  auto gateway = start(first_);
  ASSERT_TRUE(becomes(op.id, SwitchState::Acknowledged)) << gateway->output();
  ASSERT_TRUE(say(transaction(op.id) + " B1 opened " + to_text(now())));
  ASSERT_TRUE(becomes(op.id, SwitchState::VerifiedOpen)) << story(op.id) << gateway->output();
  EXPECT_EQ(row(op.id).position, "OPEN");
  EXPECT_EQ(far_.came(transaction(op.id)), 1);
  EXPECT_TRUE(holds([&] { return far_.transactions("read").size() == 1; })) << "the final register is read";
  end(*gateway);
}

TEST_F(SwitchingProcess, AfterARestartEachStateGoesOnAsItMustAndNothingThatLeftLeavesAgain) {
  const std::vector<storage::SwitchOperation> before{leave(1, SwitchState::Requested),
                                                     leave(2, SwitchState::PolicyChecked),
                                                     leave(3, SwitchState::Authorised), leave(4, SwitchState::Queued)};
  const auto sent = leave(5, SwitchState::Sent), taken = leave(6, SwitchState::Acknowledged),
             verifying = leave(7, SwitchState::Verifying), wrong = leave(8, SwitchState::Requested, "9999");
  auto gateway = start(first_);
  for (const auto& op : before) {
    ASSERT_TRUE(becomes(op.id, SwitchState::Acknowledged)) << story(op.id) << gateway->output();
    EXPECT_EQ(far_.came(transaction(op.id)), 1);
  }
  for (const auto& op : {sent, taken, verifying})
    ASSERT_TRUE(becomes(op.id, SwitchState::Uncertain)) << story(op.id) << gateway->output();
  ASSERT_TRUE(becomes(wrong.id, SwitchState::Rejected));
  EXPECT_EQ(row(wrong.id).rule, "WRONG_HOUSE");
  EXPECT_EQ(far_.transactions("switch_open").size(), before.size());
  for (const auto& op : {sent, taken, verifying}) EXPECT_EQ(far_.came(op.transaction), 0);
  // A late answer still settles what is not known.
  ASSERT_TRUE(say(sent.transaction + " B5 opened " + to_text(now())));
  EXPECT_TRUE(becomes(sent.id, SwitchState::VerifiedOpen)) << story(sent.id);
  end(*gateway);
}

TEST_F(SwitchingProcess, AnAnswerForAnotherMeterIsNeverTaken) {
  const auto op = leave(1, SwitchState::Queued), other = leave(2, SwitchState::Queued);
  auto gateway = start(first_);
  ASSERT_TRUE(becomes(op.id, SwitchState::Acknowledged)) << gateway->output();
  ASSERT_TRUE(becomes(other.id, SwitchState::Acknowledged)) << gateway->output();
  ASSERT_TRUE(say(transaction(op.id) + " B2 opened " + to_text(now())));
  ASSERT_TRUE(gateway->wait_for_line("id=SWITCH_DEFECT")) << gateway->output();
  EXPECT_EQ(row(op.id).state, SwitchState::Acknowledged);
  EXPECT_EQ(row(other.id).state, SwitchState::Acknowledged) << "nor does the other meter's operation hear of it";
  EXPECT_NE(story(op.id).find("WRONG_METER"), std::string::npos) << story(op.id);
  // Its own answer counts all the same.
  ASSERT_TRUE(say(transaction(op.id) + " B1 opened " + to_text(now())));
  EXPECT_TRUE(becomes(op.id, SwitchState::VerifiedOpen)) << story(op.id);
  end(*gateway);
}

TEST_F(SwitchingProcess, KilledRightAfterTheBytesLeftItIsNeverSentAgain) {
  configure(first_, "1s");
  const auto op = leave(1, SwitchState::Queued);
  {
    auto gateway = start(first_, "test.command_left");
    ASSERT_EQ(gateway->wait_for_exit(), 128 + SIGKILL) << gateway->output();
  }
  ASSERT_EQ(row(op.id).state, SwitchState::Sent);
  auto gateway = start(first_);
  EXPECT_TRUE(becomes(op.id, SwitchState::Uncertain)) << story(op.id) << gateway->output();
  EXPECT_EQ(far_.transactions("switch_open").size(), 1U);
  end(*gateway);
}

TEST_F(SwitchingProcess, StoppedWhileItIsUnderWayTheNextRunTakesItsAnswer) {
  const auto op = leave(1, SwitchState::Queued);
  {
    auto gateway = start(first_);
    ASSERT_TRUE(becomes(op.id, SwitchState::Acknowledged)) << gateway->output();
    end(*gateway);
  }
  EXPECT_EQ(row(op.id).state, SwitchState::Acknowledged);
  auto gateway = start(first_);
  ASSERT_TRUE(gateway->wait_for_line("id=SWITCHING_SENDS")) << gateway->output();
  ASSERT_TRUE(say(transaction(op.id) + " B1 opened " + to_text(now())));
  EXPECT_TRUE(becomes(op.id, SwitchState::VerifiedOpen)) << story(op.id);
  EXPECT_EQ(far_.transactions("switch_open").size(), 1U);
  end(*gateway);
}

TEST_F(SwitchingProcess, OfTwoGatewaysOneSendsAndTheOtherTakesOverWhenItIsGone) {
  auto first = start(first_);
  ASSERT_TRUE(first->wait_for_line("id=SWITCHING_SENDS")) << first->output();
  auto second = start(second_);
  ASSERT_TRUE(second->wait_for_line("id=SWITCHING_ON")) << second->output();
  ASSERT_TRUE(second->wait_for_line("id=SWITCHING_NO_RULES")) << "without switching.rules_dir: " << second->output();
  std::vector<storage::SwitchOperation> ops;
  for (int n = 1; n <= 6; ++n) ops.push_back(leave(n, SwitchState::Queued));
  for (const auto& op : ops)
    ASSERT_TRUE(becomes(op.id, SwitchState::Acknowledged)) << first->output() << second->output();
  EXPECT_EQ(senders().size(), 1U) << "the loser sends nothing";
  EXPECT_EQ(far_.transactions("switch_open").size(), 6U);

  first->signal(SIGKILL);
  EXPECT_EQ(first->wait_for_exit(), 128 + SIGKILL);
  for (int n = 7; n <= kMeters; ++n) ops.push_back(leave(n, SwitchState::Queued));
  for (const auto& op : ops)
    ASSERT_TRUE(becomes(op.id, SwitchState::Acknowledged)) << story(op.id) << second->output();
  EXPECT_EQ(senders().size(), 2U);
  for (const auto& op : ops) EXPECT_EQ(far_.came(transaction(op.id)), 1) << op.id;
  EXPECT_EQ(far_.transactions("switch_open").size(), static_cast<std::size_t>(kMeters));
  end(*second);
}

TEST_F(SwitchingProcess, MetricsTellWhoSendsAndWhatIsOpen) {
  const auto op = leave(1, SwitchState::Queued);
  auto gateway = start(first_);
  ASSERT_TRUE(becomes(op.id, SwitchState::Acknowledged)) << gateway->output();
  const auto says = [&](const std::string& line) {
    return holds([&] {
      std::string port;
      std::ifstream(first_.path("port")) >> port;
      const auto reply = testing::http_get(port, "/metrics");
      return reply && reply->body.find(line) != std::string::npos;
    });
  };
  EXPECT_TRUE(says("ami_switch_lease 1"));
  EXPECT_TRUE(says("ami_switch_operations{state=\"ACKNOWLEDGED\"} 1"));
  EXPECT_TRUE(says("ami_switch_unresolved 0"));
  end(*gateway);
}

}  // namespace
}  // namespace ami::daemon
