#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/daemon/support/daemon_process.h"
#include "tests/daemon/support/temp_folder.h"

namespace ami::daemon {
namespace {
using testing::DaemonProcess;
using testing::TempFolder;

struct Ended {
  int code;
  std::string output;
};
Ended run(const std::vector<std::string>& arguments) {
  DaemonProcess process(arguments);
  const int code = process.wait_for_exit();
  return {code, process.output()};
}

constexpr const char* kGood =
    "utilities: [{key: u, zone: UTC}]\ndatabase: {conninfo: dbname=none}\nrpc: {unix_socket: s}\n";

TEST(CommandLine, CheckOfAGoodConfigurationIsZero) {
  const TempFolder folder;
  const auto ended = run({"--config", folder.write("g.yaml", kGood), "--check-config"});
  EXPECT_EQ(ended.code, 0) << ended.output;
  EXPECT_NE(ended.output.find("no problem"), std::string::npos);
}

TEST(CommandLine, CheckOfABadOneIsTwoAndNamesFileLineAndNearestKey) {
  const TempFolder folder;
  const auto file = folder.write("g.yaml", std::string(kGood) + "drain_timout: 5s\nadapters: [f.yaml]\n");
  folder.write("f.yaml", "family: ssn\nname: a\nutility: u\nfolder: in\nzone: UTC\nmeter_idd: MacID\n");
  const auto ended = run({"--config", file, "--check-config"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_NE(
      ended.output.find(file + ":4: unknown key 'drain_timout'; the nearest known one is 'drain_timeout'"),
      std::string::npos)
      << ended.output;
  EXPECT_NE(ended.output.find("f.yaml:6: unknown key 'meter_idd'; the nearest known one is 'meter_id'"),
            std::string::npos)
      << ended.output;
}

TEST(CommandLine, ABadConfigurationDoesNotStart) {
  const TempFolder folder;
  EXPECT_EQ(run({"--config", folder.write("g.yaml", "x: 1\n")}).code, 2);
  EXPECT_EQ(run({"--config", folder.path("missing.yaml")}).code, 2);
}

TEST(CommandLine, AFailpointIsWarnedOfAndABadOneIsTwo) {
  const TempFolder folder;
  const auto file = folder.write("g.yaml", kGood);
  for (const char* bad : {"", ":1", "x:", "x:0", "x:-1", "x:1x"}) {
    DaemonProcess process({"--config", file}, {{"AMI_FAILPOINT", bad}});
    EXPECT_EQ(process.wait_for_exit(), 2) << bad;
    EXPECT_NE(process.output().find("AMI_FAILPOINT must be NAME"), std::string::npos) << process.output();
  }
  DaemonProcess process({"--config", file}, {{"AMI_FAILPOINT", "some.point:3"}});
  EXPECT_TRUE(process.wait_for_line("level=warn id=FAILPOINT_SET point=some.point passing=3"))
      << process.output();
}

TEST(CommandLine, TimeIsSimulatedOnlyForADemonstration) {
  const TempFolder folder;
  const auto site = folder.write("site.yaml", kGood);
  const auto demo = folder.write("demo.yaml", std::string(kGood) + "demo: true\n");
  const std::string good = "2026-10-25T01:00:00Z,360,2026-11-24T01:30:00Z";
  DaemonProcess refused({"--config", site, "--simulated-clock", good});
  EXPECT_EQ(refused.wait_for_exit(), 2);
  EXPECT_NE(refused.output().find("never at a site"), std::string::npos) << refused.output();
  for (const char* bad : {"360", "2026-10-25T01:00:00Z,0,2026-11-24T01:30:00Z"}) {
    DaemonProcess process({"--config", demo, "--simulated-clock", bad});
    EXPECT_EQ(process.wait_for_exit(), 2) << bad;
    EXPECT_NE(process.output().find("--simulated-clock: "), std::string::npos) << process.output();
  }
}

TEST(CommandLine, WrongUsageIsTwo) {
  EXPECT_EQ(run({}).code, 2);
  EXPECT_EQ(run({"--nonsense"}).code, 2);
  EXPECT_EQ(run({"--config"}).code, 2);
}

TEST(CommandLine, HelpAndVersionAreZero) {
  const auto help = run({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* word :
       {"--config", "--check-config", "--print-config-reference", "SIGHUP", "Exit codes"}) {
    EXPECT_NE(help.output.find(word), std::string::npos) << word;
  }
  const auto version = run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_TRUE(version.output.starts_with("ami-gatewayd 0.")) << version.output;
}

TEST(CommandLine, AnAddressInUseEndsTheStartWithTheReason) {
  const TempFolder folder;
  const auto config = [&](const std::string& http) {
    return folder.write("g.yaml", std::string(kGood) + "http: {" + http + "}\n");
  };
  DaemonProcess first({"--config", config("address: '127.0.0.1:0', port_file: port")});
  ASSERT_TRUE(first.wait_for_line("id=HTTP_LISTENING"));
  ASSERT_TRUE(first.wait_for_line("id=RPC_LISTENING")) << first.output();
  std::ifstream file(folder.path("port"));
  std::string port;
  file >> port;
  const auto second = run({"--config", config("address: '127.0.0.1:" + port + "'")});
  EXPECT_EQ(second.code, 1);
  EXPECT_NE(second.output.find("id=GATEWAY_CANNOT_START"), std::string::npos) << second.output;
  EXPECT_NE(second.output.find("127.0.0.1:" + port), std::string::npos);
}

}  // namespace
}  // namespace ami::daemon
