#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "daemon/config/gateway_config.h"
#include "tests/daemon/support/fake_family.h"
#include "tests/daemon/support/temp_folder.h"

namespace ami::daemon {
namespace {

class SwitchingConfigTest : public ::testing::Test {
 protected:
  SwitchingConfigTest() { families_.push_back(std::make_unique<testing::FakeFamily>("fake")); }
  LoadedConfig load(const std::string& switching) {
    return load_gateway_config(folder_.write("gateway.yaml",
                                             "utilities:\n  - {key: hydro, zone: America/Toronto}\n"
                                             "database: {conninfo: dbname=ami}\n"
                                             "rpc: {unix_socket: rpc.sock}\n" +
                                                 switching),
                               families_);
  }
  // "line: message" of each, without the file.
  std::vector<std::string> problems(const std::string& switching) {
    std::vector<std::string> out;
    for (const sdk::Problem& problem : load(switching).problems)
      out.push_back(std::to_string(problem.line) + ": " + problem.message);
    return out;
  }

  testing::TempFolder folder_;
  Families families_;
};

using Strings = std::vector<std::string>;

TEST_F(SwitchingConfigTest, WithoutTheSectionNothingIsSwitched) {
  const auto loaded = load("");
  EXPECT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  EXPECT_FALSE(loaded.config.switching.has_value());
}

TEST_F(SwitchingConfigTest, TheSmallestOneTakesTheDefaults) {
  const auto loaded = load("switching: {conninfo: dbname=ami user=switch}\n");
  ASSERT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  ASSERT_TRUE(loaded.config.switching.has_value());
  SwitchingConfig defaults;
  defaults.conninfo = "dbname=ami user=switch";
  EXPECT_EQ(*loaded.config.switching, defaults);
}

TEST_F(SwitchingConfigTest, EverythingThatIsSaidIsTaken) {
  const auto loaded = load(
      "switching:\n"
      "  conninfo: dbname=ami\n"
      "  threads: 8\n"
      "  lease: 4s\n"
      "  verify: 30m\n"
      "  utilities:\n"
      "    - utility: hydro\n"
      "      evidence:\n"
      "        - {feed: radio, minimum: 3, reports_device_time: true, minimum_load_w: \"57.5\", interval: 15m}\n"
      "        - {family: fake, register_step_kwh: \"0.1\", interval_step_kwh: \"0.01\"}\n"
      "      shown:\n"
      "        - {family: fake, firmware: \"*\", open: true, rely_on_meter_interlock: true, author: J. Doe,\n"
      "           document: EV-1}\n");
  ASSERT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  const SwitchingConfig& config = *loaded.config.switching;
  EXPECT_EQ(config.threads, 8);
  EXPECT_EQ(config.lease, std::chrono::seconds{4});
  EXPECT_EQ(config.verify, std::chrono::minutes{30});
  ASSERT_EQ(config.utilities.size(), 1U);
  ASSERT_EQ(config.utilities[0].evidence.size(), 2U);
  const EvidenceConfig& feed = config.utilities[0].evidence[0];
  EXPECT_EQ(feed.feed, "radio");
  EXPECT_EQ(feed.minimum, 3);
  EXPECT_TRUE(feed.reports_device_time);
  EXPECT_EQ(feed.minimum_load_w, (Decimal{575, -1}));
  EXPECT_EQ(feed.interval, std::chrono::minutes{15});
  EXPECT_FALSE(feed.register_step_kwh.has_value());
  const EvidenceConfig& family = config.utilities[0].evidence[1];
  EXPECT_FALSE(family.reports_device_time) << "nobody said so";
  EXPECT_EQ(family.minimum_load_w, (Decimal{100, 0}));
  EXPECT_EQ(family.register_step_kwh, (Decimal{1, -1}));
  EXPECT_EQ(family.interval_step_kwh, (Decimal{1, -2}));
  ASSERT_EQ(config.utilities[0].shown.size(), 1U);
  const ShownConfig& shown = config.utilities[0].shown[0];
  EXPECT_TRUE(shown.open);
  EXPECT_FALSE(shown.close);
  EXPECT_TRUE(shown.rely_on_meter_interlock);
  EXPECT_EQ(shown.author + ", " + shown.document, "J. Doe, EV-1");
}

TEST_F(SwitchingConfigTest, EachProblemHasItsLine) {
  EXPECT_EQ(problems("switching:\n"
                     "  conninfo: dbname=ami\n"
                     "  lease: 1s\n"
                     "  longest_wait: 1h\n"
                     "  expiry: 2h\n"
                     "  incident: 5m\n"
                     "  retry: 1ms\n"
                     "  utilities:\n"
                     "    - utility: nobody\n"
                     "    - utility: hydro\n"
                     "      evidence:\n"
                     "        - minimum_load_w: \"0\"\n"
                     "          family: fake\n"
                     "        - family: other\n"
                     "          interval: 10s\n"
                     "        - family: fake\n"
                     "        - feed: a\n"
                     "          family: fake\n"
                     "      shown:\n"
                     "        - family: fake\n"
                     "          firmware: \"5.33\"\n"
                     "          author: \" \"\n"
                     "          document: EV-1\n"
                     "    - utility: hydro\n"),
            (Strings{"7: lease: must be 2s to 10m", "9: expiry: must be 1s to 60m",
                     "10: incident: must be 15m to 7d", "11: retry: must be 100ms to 10m",
                     "13: utility: \"nobody\" is none of the utilities of this file",
                     "16: minimum_load_w: \"0\" is no number above zero",
                     "18: family: \"other\" is no adapter family of this gateway",
                     "19: interval: must be 1m to 24h", "20: family: \"fake\" is listed twice",
                     "21: feed: a row is of a feed or of a family: name one of them",
                     "24: family: the row shows nothing: say open, close, arm or rely_on_meter_interlock",
                     "26: author: is empty: evidence needs it", "28: utility: \"hydro\" is listed twice"}));
}

TEST_F(SwitchingConfigTest, EvidenceThatNobodyAnswersForIsNotTaken) {
  const auto told = problems(
      "switching:\n"
      "  conninfo: dbname=ami\n"
      "  utilities:\n"
      "    - utility: hydro\n"
      "      shown:\n"
      "        - {family: fake, firmware: \"5.33\", open: true, document: EV-1}\n");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("author is required"), std::string::npos) << told[0];
}

TEST_F(SwitchingConfigTest, TheBooksLoginIsNeededAndHoldsNoPassword) {
  const auto none = problems("switching: {lease: 10s}\n");
  ASSERT_EQ(none.size(), 1U);
  EXPECT_NE(none[0].find("switching.conninfo is required"), std::string::npos) << none[0];
  const auto open = problems("switching: {conninfo: dbname=ami password=secret}\n");
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].find("secret"), std::string::npos);
}

TEST_F(SwitchingConfigTest, RulesAreReadWithTheirOwnFilesAndLines) {
  const char* source = std::getenv("AMI_SOURCE_DIR");
  std::filesystem::copy(std::string(source == nullptr ? "." : source) + "/config/switching", folder_.path("rules"),
                        std::filesystem::copy_options::recursive);
  const std::string section = "switching: {conninfo: dbname=ami, rules_dir: rules}\n";
  const auto loaded = load(section);
  ASSERT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  EXPECT_EQ(loaded.config.switching->rules_dir, folder_.path("rules"));
  folder_.write("rules/sites.yaml",
                "utilities:\n  - {utility: hydra, jurisdiction: CA-ON}\n  - {utility: hydro, jurisdiction: CA-NO}\n");
  const std::string told = sdk::to_text(load(section).problems);
  EXPECT_NE(told.find("rules/sites.yaml:3: jurisdiction: 'CA-NO' has no file"), std::string::npos) << told;
  EXPECT_NE(told.find("gateway.yaml:5: rules_dir: sites.yaml names \"hydra\""), std::string::npos) << told;
  EXPECT_FALSE(problems("switching: {conninfo: dbname=ami, rules_dir: nowhere}\n").empty());
}

TEST_F(SwitchingConfigTest, FolderAndKeyOfTheAuditGoTogether) {
  const auto both = load("switching:\n  conninfo: dbname=ami\n  audit: {head_dir: heads, key_file: /etc/audit.key}\n");
  ASSERT_TRUE(both.problems.empty()) << sdk::to_text(both.problems);
  EXPECT_EQ(both.config.switching->audit.head_dir, folder_.path("heads"));
  EXPECT_EQ(both.config.switching->audit.key_file, "/etc/audit.key");
  EXPECT_EQ(problems("switching:\n  conninfo: dbname=ami\n  audit: {head_dir: heads}\n"),
            Strings{"7: head_dir: head_dir and key_file go together"});
  EXPECT_EQ(problems("switching:\n  conninfo: dbname=ami\n  audit:\n    key_file: audit.key\n"),
            Strings{"8: key_file: head_dir and key_file go together"});
}

}  // namespace
}  // namespace ami::daemon
