// The simulated head-end serves what the family's shipped feed asks for, where it asks for it.
#include "adapters/gridstream/peer/head_end.h"

#include <gtest/gtest.h>

#include "adapters/gridstream/family.h"
#include "adapters/wire/http/url.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::gridstream::peer {
namespace {

using multispeak::Operation;

class HeadEndOfTheFamily : public testing::FamilyScene {
 protected:
  HeadEndOfTheFamily() : FamilyScene(interfaces()) {}

  // What is served at the URL of that role in the shipped feed.
  std::set<Operation> served(const std::string& role) {
    const auto feed = shipped("gridstream.yaml");
    const auto url = http::parse_url(feed.settings.section(role).text("url"));
    EXPECT_TRUE(url.ok());
    const auto settings = head_end();
    const auto path = settings.paths.find(url->target);
    EXPECT_NE(path, settings.paths.end()) << url->target;
    return path == settings.paths.end() ? std::set<Operation>() : path->second;
  }
};

TEST_F(HeadEndOfTheFamily, SpeaksTheVersionOfTheFeedAndServesItsRole) {
  EXPECT_EQ(name_of(head_end().version), shipped("gridstream.yaml").settings.text("version"));
  const auto mr = served("mr");
  for (const auto operation :
       {Operation::InitiateMeterRead, Operation::InitiateDemandReset, Operation::GetReadingsByDate})
    EXPECT_TRUE(mr.contains(operation)) << name_of(operation, head_end().version);
}

TEST_F(HeadEndOfTheFamily, HasNoOutageDetectionSoThatAPingIsARead) {
  EXPECT_TRUE(head_end().without.contains(Operation::InitiateOutageDetection));
  EXPECT_EQ(shipped("gridstream.yaml").settings.text("ping"), "read");
}

}  // namespace
}  // namespace ami::gridstream::peer
