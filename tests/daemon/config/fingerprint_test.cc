#include "daemon/config/fingerprint.h"

#include <gtest/gtest.h>

#include "tests/daemon/support/temp_folder.h"

namespace ami::daemon {
namespace {

TEST(Fingerprint, IsSha256OfTheText) {
  // FIPS 180-2, appendix B.1
  EXPECT_EQ(digest_of_text("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Fingerprint, OfAFolderSeesYamlInAllItsDepthAndNothingElse) {
  const testing::TempFolder folder;
  folder.write("a.yaml", "1");
  folder.write("deep/er/b.yml", "1");
  const auto first = digest_of_folder(folder.path(), {});
  folder.write("notes.txt", "x");
  EXPECT_EQ(digest_of_folder(folder.path(), {}), first);
  folder.write("deep/er/b.yml", "2");
  const auto second = digest_of_folder(folder.path(), {});
  EXPECT_NE(second, first);
  EXPECT_NE(digest_of_folder(folder.path(), {folder.path("a.yaml")}), second);
  folder.write("apart/deep/c.yaml", "1");
  EXPECT_NE(digest_of_folder(folder.path(), {}), second);
  EXPECT_EQ(digest_of_folder(folder.path(), {folder.path("apart")}), second);
}

TEST(Fingerprint, OfAFeedFileIsThatOfAllButHowItIsJudged) {
  const testing::TempFolder folder;
  const auto digest = [&](const std::string& text) { return digest_of_feed_file(folder.write("feed.yaml", text)); };
  EXPECT_EQ(digest("name: a\nvee: x.yaml\nzone: UTC\n"), digest("name: a\nzone: UTC\n"));
  EXPECT_NE(digest("name: a\nveer: x.yaml\n"), digest("name: a\n"));
  EXPECT_NE(digest("name: a\n  vee: x.yaml\n"), digest("name: a\n")) << "a key of something else";
  EXPECT_EQ(digest_of_feed_file("/nonexistent/file"), "");
}

TEST(Fingerprint, MovedContentIsAChange) {
  const testing::TempFolder folder;
  folder.write("a.yaml", "1");
  folder.write("b.yaml", "2");
  const auto first = digest_of_folder(folder.path(), {});
  folder.write("a.yaml", "2");
  folder.write("b.yaml", "1");
  EXPECT_NE(digest_of_folder(folder.path(), {}), first);
}

TEST(Fingerprint, WhatIsMissingHasOne) {
  EXPECT_EQ(digest_of_file("/nonexistent/file"), "");
  EXPECT_FALSE(digest_of_folder("/nonexistent", {}).empty());
}

}  // namespace
}  // namespace ami::daemon
