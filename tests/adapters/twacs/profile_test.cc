#include <gmock/gmock.h>

#include "adapters/twacs/family.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::twacs {
namespace {

using ::testing::HasSubstr;

class Twacs : public testing::FamilyScene {
 protected:
  Twacs() : FamilyScene(interfaces()) {}
};

constexpr const char* kSwitchUrl = "cd:\n  url: http://127.0.0.1:8083/CD_Server\n";

TEST_F(Twacs, TheShippedFeedReadsAndPingsAndDoesNotSwitchOrReset) {
  const auto feed = shipped("twacs.yaml");
  EXPECT_EQ(problems(feed), "");
  EXPECT_EQ(can(feed), "pushed registers events read ping backfill");
  EXPECT_EQ(feed.family->command_limits(feed.settings).expiry, std::chrono::hours{1});
}

TEST_F(Twacs, SwitchingTakesEvidenceAndTheUrlOfTheRole) {
  EXPECT_EQ(can(shipped("twacs.yaml", kSwitchUrl)), "pushed registers events read ping backfill");
  EXPECT_EQ(can(shipped("twacs.yaml", std::string(kSwitchUrl) + "switch_evidence: a letter of 2026-01-15\n")),
            "pushed registers events read ping backfill open close state");
}

TEST_F(Twacs, ASwitchOrderWithoutEvidenceIsRefusedWithTheClause) {
  const auto feed = shipped_without("twacs.yaml", {"mr", "od", "ping", "callback"},
                                    "callback:\n  listen: [\"127.0.0.1:0\"]\n");
  ASSERT_EQ(problems(feed), "");
  const sdk::AttemptAnswer answer = order(feed, sdk::CommandKind::SwitchClose);
  EXPECT_EQ(answer.state, sdk::AttemptState::Failed);
  EXPECT_EQ(answer.reason, "not_stated");
  EXPECT_THAT(answer.words, HasSubstr("aclara.transmits"));
}

TEST_F(Twacs, ARoleThatIsLeftOutTakesItsCommandsAway) {
  EXPECT_EQ(can(shipped_without("twacs.yaml", {"od", "ping"})), "pushed registers events read backfill");
  EXPECT_EQ(can(shipped_without("twacs.yaml", {"mr"})), "pushed registers events ping");
}

}  // namespace
}  // namespace ami::twacs
