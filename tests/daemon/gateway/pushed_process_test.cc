// Pushed messages through the whole daemon: pushed, acknowledged, the process killed at named points, started
// again: what was acknowledged is in PostgreSQL, exactly once.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <pqxx/pqxx>
#include <set>
#include <thread>

#include "meter_model/time/instant.h"
#include "storage/postgres/assets.h"
#include "tests/daemon/support/daemon_process.h"
#include "tests/daemon/support/temp_folder.h"
#include "tests/support/pg_cluster.h"

namespace ami::daemon {
namespace {
namespace fs = std::filesystem;
using testing::DaemonProcess;
using ::testing::HasSubstr;
using testing::TempFolder;

constexpr int kMeters = 8;

// Message n: a dial of n kWh at n seconds past midnight. Key, then what is journalled.
std::string line_of(int n) {
  const auto time =
      UtcInstant{std::chrono::sys_days{std::chrono::year{2026} / 1 / 15} + std::chrono::seconds{n}};
  const auto meter = "M" + std::to_string(n % kMeters);
  return meter + " " + meter + " " + std::to_string(n) + " " + to_text(time) + "\n";
}

// One connection of a sender, which waits for each answer before it sends on.
class Sender {
 public:
  explicit Sender(const std::string& port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{20, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Sender() { close(socket_); }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  // Empty when the connection ends before the answer.
  std::string send(int n) {
    const auto line = line_of(n);
    if (!connected_ ||
        ::send(socket_, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
      return {};
    std::string answer;
    for (char c = 0; recv(socket_, &c, 1, 0) == 1;) {
      if (c == '\n') return answer;
      answer.push_back(c);
    }
    return {};
  }

 private:
  int socket_;
  bool connected_ = false;
};

class PushedProcess : public ::testing::Test {
 protected:
  void configure(const std::string& conninfo, const std::string& more = {}) {
    folder_.write("gateway.yaml",
                  "utilities: [{key: hydro, zone: America/Toronto}]\n"
                  "database: {conninfo: \"" +
                      conninfo +
                      "\", migrate_on_start: true, allow_owner: true, check_every: 100ms, retry_first: 20ms, "
                      "retry_longest: 200ms}\n"
                      "rpc: {unix_socket: rpc.sock}\n"
                      "http: {address: '127.0.0.1:0', port_file: port}\n"
                      "state_dir: state\n"
                      "adapters: [pushed.yaml]\n" +
                      more);
    folder_.write("pushed.yaml", "name: pushed\nfamily: line_push\nutility: hydro\nport_file: push-port\n");
  }

  std::unique_ptr<DaemonProcess> start(const std::string& failpoint = {}) {
    fs::remove(folder_.path("push-port"));
    std::map<std::string, std::string> environment;
    if (!failpoint.empty()) environment["AMI_FAILPOINT"] = failpoint;
    return std::make_unique<DaemonProcess>(std::vector<std::string>{folder_.path("gateway.yaml")},
                                           environment, "../tests/pushed-gatewayd");
  }

  void know_meters(const std::string& conninfo) {
    storage::Database database({conninfo});
    storage::Assets assets(database);
    const auto utility = assets.get_utility("hydro");
    ASSERT_TRUE(utility.ok()) << utility.refusal().message;
    for (int m = 0; m < kMeters; ++m) {
      storage::MeterDetail detail;
      detail.form = "2S";
      const auto key = "M" + std::to_string(m);
      const auto made = assets.create_meter(utility->id, key, detail, {{"", AliasKind::Badge, key, {}}});
      ASSERT_TRUE(made.ok()) << made.refusal().message;
    }
  }

  std::string word_in(const std::string& file) const {
    std::ifstream stream(folder_.path(file));
    std::string word;
    stream >> word;
    return word;
  }

  // Side by side, as many senders as there are meters; gives the acknowledged ones.
  std::set<int> push(const std::set<int>& numbers) {
    const auto port = word_in("push-port");
    std::set<int> acknowledged;
    std::mutex mutex;
    std::vector<std::thread> senders;
    for (int m = 0; m < kMeters; ++m) {
      senders.emplace_back([&, m] {
        Sender sender(port);
        for (const int n : numbers) {
          if (n % kMeters != m) continue;
          const auto answer = sender.send(n);
          if (answer.empty()) return;
          EXPECT_THAT(answer, HasSubstr("ok "));
          const std::lock_guard lock(mutex);
          acknowledged.insert(n);
        }
      });
    }
    for (auto& sender : senders) sender.join();
    return acknowledged;
  }

  // The gateway says itself when nothing waits any more; a scrape is a round trip, so this does not spin
  // hard.
  bool drained() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (std::chrono::steady_clock::now() < end) {
      const auto metrics = testing::http_get(word_in("port"), "/metrics");
      if (!metrics) return false;
      if (metrics->body.find("ami_journal_messages{feed=\"pushed\"} 0\n") != std::string::npos) return true;
    }
    return false;
  }

  // Number of each stored message -> how many rows say it.
  static std::map<int, int> stored(const std::string& conninfo) {
    pqxx::connection connection(conninfo);
    pqxx::work transaction(connection);
    std::map<int, int> found;
    for (const auto& row : transaction.exec("SELECT extract(epoch FROM at - '2026-01-15T00:00:00Z')::int, "
                                            "(mantissa * 10::numeric ^ exponent)::bigint"
                                            " FROM register_read")) {
      EXPECT_EQ(row[0].as<std::int64_t>() * 1000, row[1].as<std::int64_t>()) << "a value that nobody sent";
      ++found[row[0].as<int>()];
    }
    const auto sources = transaction.exec1("SELECT count(*), count(DISTINCT content_sha256) FROM source");
    EXPECT_EQ(sources[0].as<int>(), sources[1].as<int>())
        << "one source a message, however often it was committed";
    EXPECT_EQ(transaction.exec1("SELECT count(*) FROM register_revision")[0].as<int>(), 0);
    EXPECT_EQ(transaction.exec1("SELECT count(*) FROM quarantine")[0].as<int>(), 0);
    return found;
  }

  static void expect_exactly_once(const std::string& conninfo, const std::set<int>& numbers,
                                  const std::string& when) {
    const auto found = stored(conninfo);
    for (const int n : numbers) {
      EXPECT_TRUE(found.contains(n)) << when << ": message " << n << " was acknowledged and is not stored";
    }
    for (const auto& [n, rows] : found) EXPECT_EQ(rows, 1) << when << ": message " << n;
  }

  void end(DaemonProcess& gateway) {
    gateway.signal(SIGTERM);
    EXPECT_EQ(gateway.wait_for_exit(), 0) << gateway.output();
  }

  TempFolder folder_;
};

TEST_F(PushedProcess, KilledAtEachPointWhatWasAcknowledgedIsStoredExactlyOnce) {
  const auto conninfo = ami::testing::PgCluster::shared().create_database();
  configure(conninfo);
  {
    auto gateway = start();
    ASSERT_TRUE(gateway->wait_for_line("id=FEED_STARTED")) << gateway->output();
    know_meters(conninfo);
    end(*gateway);
  }
  int next = 1;
  std::set<int> all;
  // The journal's own first transaction, of an earlier run, is past; each number is a transaction or a trim.
  for (const std::string point :
       {"journal.before_sync:1", "journal.before_sync:6", "journal.after_sync:1", "journal.after_sync:6",
        "journal.before_trim:1", "journal.before_trim:2", "ingest.after_commit:3"}) {
    std::set<int> sent, acknowledged;
    for (int i = 0; i < 80; ++i) sent.insert(next++);
    {
      auto gateway = start(point);
      ASSERT_TRUE(gateway->wait_for_line("id=FEED_STARTED")) << point << gateway->output();
      acknowledged = push(sent);
      ASSERT_EQ(gateway->wait_for_exit(), 128 + SIGKILL) << point << gateway->output();
    }
    auto gateway = start();
    ASSERT_TRUE(gateway->wait_for_line("id=FEED_STARTED")) << point << gateway->output();
    ASSERT_TRUE(drained()) << point << gateway->output();
    expect_exactly_once(conninfo, acknowledged, point + ", started again");
    all.insert(sent.begin(), sent.end());
    std::set<int> again;  // as a head-end does with what was not acknowledged
    for (const int n : sent) {
      if (!acknowledged.contains(n)) again.insert(n);
    }
    EXPECT_EQ(push(again), again) << point;
    ASSERT_TRUE(drained()) << point << gateway->output();
    expect_exactly_once(conninfo, all, point + ", sent again");
    EXPECT_EQ(stored(conninfo).size(), all.size()) << point;
    end(*gateway);
    EXPECT_EQ(gateway->output().find("id=JOURNAL_DAMAGED"), std::string::npos) << point << gateway->output();
    if (HasFailure()) return;
  }
}

TEST_F(PushedProcess, WithoutPostgreSqlItAcceptsUpToItsBoundThenPushesBackAndRecoversByItself) {
  ami::testing::PgCluster cluster;
  const auto conninfo = cluster.create_database();
  configure(conninfo, "journal: {max_messages: 20}\n");
  auto gateway = start();
  ASSERT_TRUE(gateway->wait_for_line("id=FEED_STARTED")) << gateway->output();
  know_meters(conninfo);
  cluster.stop();
  std::set<int> numbers;
  {
    Sender sender(word_in("push-port"));
    for (int n = 1; n <= 20; ++n) {
      ASSERT_THAT(sender.send(n), HasSubstr("ok "));
      numbers.insert(n);
    }
    EXPECT_THAT(sender.send(21), HasSubstr("busy inbox full"));
    EXPECT_THAT(sender.send(5), HasSubstr("busy")) << "it cannot know yet whether that is a repetition";
  }
  ASSERT_TRUE(gateway->wait_for_line("id=JOURNAL_FULL")) << gateway->output();

  gateway->signal(SIGKILL);
  EXPECT_EQ(gateway->wait_for_exit(), 128 + SIGKILL);
  gateway = start();
  ASSERT_TRUE(gateway->wait_for_line("id=JOURNAL_OPENED")) << gateway->output();
  EXPECT_FALSE(fs::exists(folder_.path("push-port"))) << "no listener before the database was seen once";
  cluster.start();
  ASSERT_TRUE(gateway->wait_for_line("id=FEED_STARTED")) << gateway->output();
  ASSERT_TRUE(drained()) << gateway->output();
  expect_exactly_once(conninfo, numbers, "PostgreSQL is back");

  // And without a restart.
  cluster.crash();
  {
    Sender sender(word_in("push-port"));
    for (int n = 21; n <= 40; ++n) {
      ASSERT_THAT(sender.send(n), HasSubstr("ok "));
      numbers.insert(n);
    }
    EXPECT_THAT(sender.send(41), HasSubstr("busy"));
    cluster.start();
    ASSERT_TRUE(drained()) << gateway->output();
    EXPECT_THAT(sender.send(41), HasSubstr("ok "));
    numbers.insert(41);
  }
  ASSERT_TRUE(drained());
  expect_exactly_once(conninfo, numbers, "PostgreSQL is back again");
  EXPECT_EQ(stored(conninfo).size(), 41U);
  end(*gateway);
}

}  // namespace
}  // namespace ami::daemon
