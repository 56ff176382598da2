// What a feed of the family can do, by its settings, and what an operator is told is assumed.
#include <gmock/gmock.h>

#include "adapters/securemesh/family.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::securemesh {
namespace {

using ::testing::HasSubstr;

class SecureMesh : public testing::FamilyScene {
 protected:
  SecureMesh() : FamilyScene(interfaces()) {}
};

TEST_F(SecureMesh, TheShippedFeedOfMessagesReadsPingsAndSwitches) {
  const auto feed = shipped("securemesh.yaml");
  EXPECT_EQ(problems(feed), "");
  EXPECT_EQ(feed.family->info().key, "cim");
  EXPECT_EQ(can(feed), "pushed registers intervals events read ping backfill open close");
}

TEST_F(SecureMesh, CimIsWhatAFeedHasThatNamesNoInterface) {
  EXPECT_EQ(shipped_without("securemesh.yaml", {"interface"}).family->info().key, "cim");
}

TEST_F(SecureMesh, TheShippedFeedOfFilesReads) {
  const auto feed = shipped("securemesh-files.yaml");
  EXPECT_EQ(problems(feed), "");
  EXPECT_EQ(can(feed), "files registers intervals events");
}

TEST_F(SecureMesh, TheMultiSpeakInterfaceIsOfVersion41) {
  const auto feed = this->feed(
      "name: f\nutility: u\nfamily: securemesh\ninterface: multispeak\nzone: UTC\n"
      "mr: {url: 'http://127.0.0.1:8081/mr'}\ncd: {url: 'http://127.0.0.1:8081/cd'}\n"
      "callback: {listen: ['127.0.0.1:0']}\nresponse_url: http://127.0.0.1:8445/multispeak\n");
  EXPECT_EQ(problems(feed), "");
  EXPECT_THAT(can(feed), HasSubstr("read"));
  EXPECT_THAT(can(feed), HasSubstr("open close"));
  EXPECT_EQ(feed.settings.text("version"), "4.1");
}

TEST_F(SecureMesh, ArmingIsRefusedUntilASiteKnowsItsCode) {
  EXPECT_EQ(can(shipped("securemesh.yaml")).find("arm"), std::string::npos);
  EXPECT_THAT(can(shipped_without("securemesh.yaml", {"switching"}, "switching: {arm: 3.31.0.5}\n")),
              HasSubstr("open close arm"));
}

TEST_F(SecureMesh, EveryInterfaceSaysThatASiteMustConfirmIt) {
  const auto all = interfaces();
  ASSERT_EQ(all.size(), 3U);
  for (const auto& family : all) {
    EXPECT_EQ(family->info().family, "securemesh");
    EXPECT_THAT(family->info().interface, HasSubstr("to be confirmed per site")) << family->info().key;
    EXPECT_THAT(sdk::reference_page(family->schema()), HasSubstr("to be confirmed per site"));
  }
}

TEST_F(SecureMesh, StatusSaysWhatIsAssumed) {
  const auto feed = shipped_without("securemesh.yaml", {"callback"});
  const auto adapter = feed.family->make(feed.settings, host.services());
  ASSERT_TRUE(host.start(*adapter).ok());
  std::string assumed;
  for (const auto& [name, words] : adapter->health().facts) {
    if (name == "assumed") assumed = words;
  }
  EXPECT_EQ(assumed, "the interface itself: Trilliant via CIM, to be confirmed per site");
  host.stop(*adapter);
}

}  // namespace
}  // namespace ami::securemesh
