// The CIM interface of Command Center: what a feed of it can do, and the one real message that is public.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "adapters/gridstream/family.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::gridstream {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class GridstreamCim : public testing::FamilyScene {
 protected:
  GridstreamCim() : FamilyScene(interfaces()) { meters = {{"abcde", 1}}; }
};

TEST_F(GridstreamCim, TheShippedFeedReadsAndPingsAndDoesNotSwitch) {
  const auto feed = shipped("gridstream-cim.yaml");
  EXPECT_EQ(problems(feed), "");
  EXPECT_EQ(feed.family->info().key, "cim");
  EXPECT_EQ(can(feed), "pushed registers intervals events read ping backfill");
  EXPECT_EQ(can(shipped("gridstream-cim.yaml", "switch_evidence: \"letter of the vendor, 2026-01-15\"\n")),
            "pushed registers intervals events read ping backfill open close");
}

TEST_F(GridstreamCim, CredentialsStandInTheBodyUnlessTheFeedSaysOtherwise) {
  const std::string head_end = "head_end: {url: 'https://head-end.example/CIM'}\n";
  EXPECT_THAT(problems(shipped_without("gridstream-cim.yaml", {"message", "head_end"}, head_end)),
              HasSubstr("credentials: body needs header_user and header_password_file"));
  std::ofstream(folder / "password") << "open sesame";
  std::filesystem::permissions(folder / "password", std::filesystem::perms::owner_read);
  for (const char* place : {"body", "soap_header"}) {
    EXPECT_EQ(problems(shipped_without("gridstream-cim.yaml", {"message", "head_end"},
                                       head_end + "message: {edition: command_center, credentials: " + place +
                                           ", header_user: me, header_password_file: password}\n")),
              "")
        << place;
  }
}

TEST_F(GridstreamCim, TheRealEventMessageIsAnOutage) {
  const char* samples = std::getenv("AMI_SAMPLES_DIR");
  std::ifstream in(std::string(samples == nullptr ? "" : samples) +
                   "/landisgyr/cim-enddeviceevent-sample.xml");
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (text.empty()) GTEST_SKIP() << "no sample landisgyr/cim-enddeviceevent-sample.xml beside the checkout";
  EXPECT_THAT(
      message(shipped("gridstream-cim.yaml"), text, "2017-10-11T19:20:00Z"),
      ElementsAre("event 1 OUTAGE 3.26.0.47 2017-10-11T19:19:12.155436Z \"6.20.1.185\" \"POWER_FAIL\""));
}

}  // namespace
}  // namespace ami::gridstream
