// The seventh family in the daemon itself, with its one line in the list: from a line on a socket to a read
// over gRPC, and a read on demand the other way.
#include <gmock/gmock.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "adapters/millrace/peer/head_end.h"
#include "tests/daemon/support/daemon_process.h"
#include "tests/daemon/support/temp_folder.h"
#include "tests/support/pg_cluster.h"

namespace ami::millrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string minutes_ago(int count) {
  return to_text(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) -
                 std::chrono::minutes{count});
}

// The far side on a thread of its own.
class Field {
 public:
  Field()
      : head_end_(io_.get_executor(),
                  [](const Ask& ask) {
                    return std::optional<std::string>("REG|" + ask.meter + "|IMP|" + minutes_ago(0) + "|1013.75");
                  }),
        thread_([this] { io_.run(); }) {}
  ~Field() {
    io_.stop();
    thread_.join();
  }
  Field(const Field&) = delete;
  Field& operator=(const Field&) = delete;
  peer::HeadEnd& head_end() { return head_end_; }

 private:
  boost::asio::io_context io_;
  peer::HeadEnd head_end_;
  std::thread thread_;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

class SeventhLive : public ::testing::Test {
 protected:
  std::string amictl(const std::string& arguments) const {
    const std::string command = environment("AMI_BIN_DIR") +
                                "/amictl --address unix:" + folder.path("rpc.sock") + " --utility mill " +
                                arguments + " 2>&1";
    std::string output;
    if (std::FILE* pipe = ::popen(command.c_str(), "r"); pipe != nullptr) {
      for (int c = 0; (c = std::fgetc(pipe)) != EOF;) output.push_back(static_cast<char>(c));
      ::pclose(pipe);
    }
    return output;
  }
  // Asks until the answer has that text, or a minute has passed.
  std::string amictl_says(const std::string& arguments, const std::string& text) const {
    const auto bound = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    std::string output;
    do {
      output = amictl(arguments);
    } while (output.find(text) == std::string::npos && std::chrono::steady_clock::now() < bound);
    return output;
  }

  Field field;
  daemon::testing::TempFolder folder;
};

TEST_F(SeventhLive, ALineOnTheWireIsAReadOverGrpcAndAMeterAnswersWhenItIsAsked) {
  const std::string tree = environment("AMI_SOURCE_DIR");
  folder.write("gateway.yaml",
               "utilities: [{key: mill, zone: UTC}]\n"
               "data_dir: " +
                   tree +
                   "/config\n"
                   "state_dir: state\n"
                   "database: {conninfo: \"" +
                   testing::PgCluster::shared().create_database() +
                   "\", migrate_on_start: true, allow_owner: true, check_every: 100ms}\n"
                   "rpc: {unix_socket: rpc.sock}\n"
                   "http: {address: '127.0.0.1:0', port_file: port}\n"
                   "adapters: [millrace.yaml]\n");
  const std::string data = tree + "/tests/seventh_family/adapters/millrace/";
  folder.write("millrace.yaml", "name: river\nutility: mill\nfamily: millrace\nzone: UTC\nport: " +
                                    std::to_string(field.head_end().port()) + "\nmapping: " + data +
                                    "millrace.yaml\nevents: " + data + "millrace-events.yaml\n");
  folder.write("meters.csv", "meter,valid_from\nW7,2020-01-01\n");
  daemon::testing::DaemonProcess gateway({"--config", folder.path("gateway.yaml")}, {},
                                         "../tests/seventh-gatewayd");
  ASSERT_TRUE(gateway.wait_for_line("id=FEED_STARTED")) << gateway.output();
  const std::string imported = amictl_says("meters import " + folder.path("meters.csv"), "1 new");
  EXPECT_THAT(amictl("adapters"), AllOf(HasSubstr("river"), HasSubstr("millrace")));

  field.head_end().push("REG|W7|IMP|" + minutes_ago(10) + "|1012.5");
  field.head_end().push("INT|W7|IMP|2020-01-15T05:15:00Z|900|0.25;0.5");
  field.head_end().push("EVT|W7|PF|2020-01-15T05:40:00Z|lost supply");
  EXPECT_THAT(amictl_says("reads W7", "1012500"), HasSubstr("1012500")) << imported << gateway.output();
  EXPECT_THAT(amictl_says("reads W7 --intervals --from 2020-01-15 --to 2020-01-16", "500"),
              AllOf(HasSubstr("250"), HasSubstr("500")));
  EXPECT_THAT(amictl_says("events W7", "OUTAGE"), HasSubstr("OUTAGE"));
  EXPECT_EQ(field.head_end().waiting(), 0U);

  EXPECT_THAT(amictl("read-now W7 --wait 30s"), HasSubstr("1013750")) << gateway.output();
  EXPECT_THAT(amictl("quarantine list"), ::testing::Not(HasSubstr("W7")));

  gateway.signal(SIGTERM);
  EXPECT_EQ(gateway.wait_for_exit(), 0) << gateway.output();
}

}  // namespace
}  // namespace ami::millrace
