#include "daemon/config/notices.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "daemon/config/gateway_config.h"
#include "tests/daemon/support/fake_family.h"
#include "tests/daemon/support/temp_folder.h"

namespace ami::daemon {
namespace {
namespace fs = std::filesystem;

std::string shipped() {
  const char* source = std::getenv("AMI_SOURCE_DIR");
  std::ifstream file(fs::path(source == nullptr ? "." : source) / "config/approvals/ae-1641.yaml",
                     std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class NoticesTest : public ::testing::Test {
 protected:
  NoticesTest() {
    families_.push_back(std::make_unique<testing::FakeFamily>("fake"));
    folder_.write("feed.yaml", "name: a\nfamily: fake\nutility: hydro\n");
  }
  LoadedConfig load(const std::string& utility, const std::string& more = "") {
    return load_gateway_config(
        folder_.write("gateway.yaml",
                      "utilities:\n  - {key: hydro, zone: America/Toronto" + utility +
                          "}\ndatabase: {conninfo: dbname=ami}\nrpc: {unix_socket: rpc.sock}\n"
                          "adapters: [feed.yaml]\n" +
                          more),
        families_);
  }
  std::string problems(const std::string& utility, const std::string& more = "") {
    std::string text = sdk::to_text(load(utility, more).problems);
    for (auto at = text.find(folder_.path() + "/"); at != std::string::npos;
         at = text.find(folder_.path() + "/"))
      text.erase(at, folder_.path().size() + 1);
    return text;
  }
  testing::TempFolder folder_;
  Families families_;
};

TEST_F(NoticesTest, EveryNoticeOfTheFolderIsRead) {
  folder_.write("approvals/ae-1641.yaml", shipped());
  folder_.write("approvals/README.md", "not a notice");
  const auto loaded = load(", notice: AE-1641");
  ASSERT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  ASSERT_EQ(loaded.config.notices.size(), 1U);
  EXPECT_EQ(loaded.config.notices.at("AE-1641").revision, 6);
  EXPECT_EQ(loaded.config.utilities.at(0).notice, "AE-1641");
}

TEST_F(NoticesTest, UtilityWithoutANoticeNeedsNoFolder) {
  const auto loaded = load("");
  EXPECT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  EXPECT_TRUE(loaded.config.notices.empty());
}

TEST_F(NoticesTest, FolderMayBeSaid) {
  folder_.write("elsewhere/one.yaml", shipped());
  EXPECT_EQ(problems(", notice: AE-1641", "approvals_dir: elsewhere\n"), "");
  EXPECT_EQ(problems("", "approvals_dir: nowhere\n"),
            "gateway.yaml:6: approvals_dir: nowhere: no such folder\n");
}

TEST_F(NoticesTest, UnknownNoticeIsToldWithFileLineAndTheKnownOnes) {
  EXPECT_EQ(problems(", notice: AE-1641"),
            "gateway.yaml:2: notice: \"AE-1641\" is no notice of approvals, which has none\n");
  folder_.write("approvals/ae-1641.yaml", shipped());
  EXPECT_EQ(problems(", notice: AE-1614"),
            "gateway.yaml:2: notice: \"AE-1614\" is no notice of approvals, which has AE-1641\n");
}

TEST_F(NoticesTest, BrokenFileIsToldWithFileAndLine) {
  std::string text = shipped();
  const auto at = text.find("\nrevision: 6");
  ASSERT_NE(at, std::string::npos);
  const auto line = 2 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  text.replace(at, 12, "\nrevision: six");
  folder_.write("approvals/ae-1641.yaml", text);
  const std::string told = problems(", notice: AE-1641");
  EXPECT_TRUE(told.starts_with("approvals/ae-1641.yaml:" + std::to_string(line) + ": ")) << told;
  EXPECT_EQ(told.find("is no notice"), std::string::npos) << "once is enough: " << told;
  folder_.write("approvals/ae-1641.yaml", "notice: [");
  EXPECT_TRUE(problems("").starts_with("approvals/ae-1641.yaml:")) << "also when nobody uses it";
}

TEST_F(NoticesTest, NoticeThatStandsInTwoFilesIsAProblem) {
  folder_.write("approvals/a.yaml", shipped());
  folder_.write("approvals/b.yaml", shipped());
  EXPECT_EQ(problems(""), "approvals/b.yaml: notice: AE-1641 is in approvals/a.yaml already\n");
}

TEST_F(NoticesTest, SwitchEvidenceNamesAModuleOfTheNotice) {
  folder_.write("approvals/ae-1641.yaml", shipped());
  const std::string evidence =
      ", notice: AE-1641, switch_evidence: [{module: RF_MESH, author: J. Doe, document: Report 7}]";
  const auto loaded = load(evidence);
  ASSERT_TRUE(loaded.problems.empty()) << sdk::to_text(loaded.problems);
  ASSERT_EQ(loaded.config.utilities.at(0).switch_evidence.size(), 1U);
  EXPECT_EQ(loaded.config.utilities.at(0).switch_evidence[0].document, "Report 7");
  EXPECT_NE(
      problems(", notice: AE-1641, switch_evidence: [{module: Itron, author: J. Doe, document: Report 7}]")
          .find("gateway.yaml:2: module: \"Itron\" is no module that AE-1641 names: "),
      std::string::npos);
  EXPECT_NE(problems(", switch_evidence: [{module: RF_MESH, author: J. Doe}]"), "") << "no document";
}

}  // namespace
}  // namespace ami::daemon
