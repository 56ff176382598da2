// The shipped configuration files and the reference page, against the program.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "daemon/config/gateway_config.h"
#include "tests/daemon/support/temp_folder.h"

namespace ami::daemon {
namespace {
namespace fs = std::filesystem;

fs::path source_dir() {
  const char* folder = std::getenv("AMI_SOURCE_DIR");
  return folder == nullptr ? fs::path() : fs::path(folder);
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ConfigurationPage, IsWhatTheProgramPrints) {
  EXPECT_EQ(read(source_dir() / "docs/configuration.md"), config_reference(sdk::built_in_families()))
      << "run: ami-gatewayd --print-config-reference >docs/configuration.md";
}

TEST(ConfigurationPage, HasEverySettingOfEverySection) {
  const auto page = config_reference(sdk::built_in_families());
  for (const char* key : {"`database.conninfo`", "`rpc.tls.client_ca`", "`utilities[].zone`",
                          "`http.address`", "`drain_timeout`", "Feed", "`folder`"}) {
    EXPECT_NE(page.find(key), std::string::npos) << key;
  }
}

class ShippedConfiguration : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"server.pem", "server.key", "client-ca.pem"}) {
      const auto path = credentials_.write(name, "made up");
      fs::permissions(path, fs::perms::owner_read);
    }
    setenv("CREDENTIALS_DIRECTORY", credentials_.path().c_str(), 1);
  }
  void TearDown() override { unsetenv("CREDENTIALS_DIRECTORY"); }
  testing::TempFolder credentials_;
};

TEST_F(ShippedConfiguration, OfASiteHasNoProblem) {
  const auto families = sdk::built_in_families();
  const auto loaded = load_gateway_config(source_dir() / "config/gateway.yaml", families);
  EXPECT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  EXPECT_EQ(loaded.config.feeds.size(), 2U);
  EXPECT_FALSE(loaded.config.demo);
  EXPECT_FALSE(loaded.config.rpc.plaintext_address);
}

// Those that gateway.yaml lists in comments too: whoever takes one finds nothing to mend but its own data. No file with
// a secret is needed.
TEST_F(ShippedConfiguration, OfEachExampleFeedHasNoProblem) {
  const auto families = sdk::built_in_families();
  const auto shipped = read(source_dir() / "config/gateway.yaml");
  std::size_t examples = 0;
  for (const auto& entry : fs::directory_iterator(source_dir() / "config/adapters")) {
    const auto name = entry.path().filename().string();
    if (name.find("-demo") != std::string::npos) continue;  // filled in by deploy/demo
    const testing::TempFolder tree;
    tree.write("gateway.yaml", "data_dir: " + source_dir().string() +
                                   "/config\nutilities: [{key: example, notice: AE-1641, zone: UTC}]\n"
                                   "database: {conninfo: dbname=x}\nrpc: {unix_socket: s}\nadapters: [feed.yaml]\n");
    tree.write("feed.yaml", read(entry.path()));
    const auto loaded = load_gateway_config(tree.path("gateway.yaml"), families);
    EXPECT_TRUE(loaded.problems.empty()) << name << ": " << sdk::to_text(loaded.problems);
    EXPECT_EQ(loaded.config.feeds.size(), 1U) << name;
    EXPECT_NE(shipped.find("adapters/" + name), std::string::npos) << name << " is not in config/gateway.yaml";
    ++examples;
  }
  EXPECT_GE(examples, 8U);
}

// Each would take the other's files, also where one folder lies in the other.
TEST_F(ShippedConfiguration, TwoFeedsMayNotShareAFolder) {
  const auto families = sdk::built_in_families();
  for (const auto& [ssn, overlaps] : {std::pair<std::string, bool>{"in", true},
                                      {"./in/../in", true},
                                      {"in/done/deeper", true},
                                      {"inbox", false}}) {
    const testing::TempFolder tree;
    tree.write("gateway.yaml",
               "data_dir: " + source_dir().string() +
                   "/config\nutilities: [{key: u, zone: UTC}]\ndatabase: {conninfo: dbname=x}\n"
                   "rpc: {unix_socket: s}\nadapters: [a.yaml, b.yaml]\n");
    tree.write("a.yaml", "name: a\nutility: u\nfamily: flexnet\nzone: UTC\nfolder: in\n");
    tree.write("b.yaml", "name: b\nutility: u\nfamily: ssn\nzone: UTC\nfolder: " + ssn + "\n");
    const auto text = sdk::to_text(load_gateway_config(tree.path("gateway.yaml"), families).problems);
    EXPECT_EQ(text.find("b.yaml:5: folder: overlaps the folder of") != std::string::npos, overlaps)
        << ssn << ": " << text;
    EXPECT_EQ(text.empty(), !overlaps) << text;
  }
}

// As deploy/demo fills it in: its folder is two levels below the tree.
TEST_F(ShippedConfiguration, OfTheDemoHasNoProblem) {
  const testing::TempFolder tree;
  fs::create_directory_symlink(source_dir() / "config", tree.path("config"));
  for (const char* name : {"server.pem", "server.key", "ca.pem"}) {
    fs::permissions(tree.write(std::string("build/demo/tls/") + name, "made up"), fs::perms::owner_read);
  }
  fs::permissions(tree.write("build/demo/audit/audit.key", "made up"), fs::perms::owner_read);
  fs::create_directories(tree.path("build/demo/heads"));
  const auto demo = tree.path("build/demo");
  const auto fill = [&](const std::string& from, const std::string& to) {
    auto text = read(source_dir() / from);
    for (const auto& [word, value] :
         {std::pair<std::string, std::string>{"@DEMO@", demo}, {"@CLUSTER@", "dbname=x"}}) {
      for (auto at = text.find(word); at != std::string::npos; at = text.find(word))
        text.replace(at, word.size(), value);
    }
    tree.write("build/demo/" + to, text);
  };
  std::size_t feeds = 0;
  for (const auto& entry : fs::directory_iterator(source_dir() / "config/demo")) {
    const std::string name = entry.path().filename().string();
    if (name == "field.yaml" || entry.is_directory()) continue;  // of the simulated field, of validation
    fill("config/demo/" + name, name);
    if (name != "gateway.yaml") ++feeds;
  }
  const auto families = sdk::built_in_families();
  const auto loaded = load_gateway_config(demo + "/gateway.yaml", families);
  EXPECT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  EXPECT_EQ(feeds, 11U);
  EXPECT_EQ(loaded.config.feeds.size(), feeds) << "a file that the gateway's configuration does not name";
}

}  // namespace
}  // namespace ami::daemon
