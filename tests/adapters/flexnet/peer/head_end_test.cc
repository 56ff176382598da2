// The simulated head-end serves what the family's shipped feed asks for, where it asks for it.
#include "adapters/flexnet/peer/head_end.h"

#include <gtest/gtest.h>

#include "adapters/flexnet/family.h"
#include "adapters/wire/http/url.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::flexnet::peer {
namespace {

using multispeak::Operation;

class HeadEndOfTheFamily : public testing::FamilyScene {
 protected:
  HeadEndOfTheFamily() : FamilyScene(interfaces()) {}

  // What is served at the URL of that role in the shipped feed.
  std::set<Operation> served(const std::string& role) {
    const auto feed = shipped("flexnet-multispeak.yaml");
    const auto url = http::parse_url(feed.settings.section(role).text("url"));
    EXPECT_TRUE(url.ok());
    const auto settings = head_end();
    const auto path = settings.paths.find(url->target);
    EXPECT_NE(path, settings.paths.end()) << url->target;
    return path == settings.paths.end() ? std::set<Operation>() : path->second;
  }
};

TEST_F(HeadEndOfTheFamily, SpeaksTheVersionOfTheFeedAndServesItsRoles) {
  EXPECT_EQ(name_of(head_end().version), shipped("flexnet-multispeak.yaml").settings.text("version"));
  EXPECT_TRUE(served("mr").contains(Operation::InitiateMeterRead));
  EXPECT_TRUE(served("cd").contains(Operation::InitiateConnectDisconnect));
  EXPECT_TRUE(served("od").contains(Operation::InitiateOutageDetection));
}

}  // namespace
}  // namespace ami::flexnet::peer
