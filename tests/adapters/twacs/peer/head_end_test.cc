// The simulated head-end serves what the family's shipped feed asks for, where it asks for it.
#include "adapters/twacs/peer/head_end.h"

#include <gtest/gtest.h>

#include "adapters/twacs/family.h"
#include "adapters/wire/http/url.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::twacs::peer {
namespace {

using multispeak::Operation;

class HeadEndOfTheFamily : public testing::FamilyScene {
 protected:
  HeadEndOfTheFamily() : FamilyScene(interfaces()) {}

  // What is served at the URL of that role in the shipped feed.
  std::set<Operation> served(const std::string& role) {
    const auto feed = shipped("twacs.yaml");
    const auto url = http::parse_url(feed.settings.section(role).text("url"));
    EXPECT_TRUE(url.ok());
    const auto settings = head_end();
    const auto path = settings.paths.find(url->target);
    EXPECT_NE(path, settings.paths.end()) << url->target;
    return path == settings.paths.end() ? std::set<Operation>() : path->second;
  }
};

TEST_F(HeadEndOfTheFamily, SpeaksTheVersionOfTheFeedAndServesItsRoles) {
  EXPECT_EQ(name_of(head_end().version), shipped("twacs.yaml").settings.text("version"));
  EXPECT_TRUE(served("mr").contains(Operation::InitiateMeterRead));
  EXPECT_TRUE(served("od").contains(Operation::InitiateOutageDetection));
  const auto feed = shipped("twacs.yaml");
  EXPECT_LT(head_end().latency(), feed.family->command_limits(feed.settings).expiry);
}

TEST_F(HeadEndOfTheFamily, KnowsNoSwitch) {
  EXPECT_TRUE(head_end().without.contains(Operation::InitiateConnectDisconnect));
}

}  // namespace
}  // namespace ami::twacs::peer
