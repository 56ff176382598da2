// What a feed of the family can do, by its settings; and what is refused.
#include <gmock/gmock.h>

#include "adapters/gridstream/family.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::gridstream {
namespace {

using ::testing::HasSubstr;

class Gridstream : public testing::FamilyScene {
 protected:
  Gridstream() : FamilyScene(interfaces()) {}
};

constexpr const char* kSwitchUrl = "cd:\n  url: http://127.0.0.1:8081/Multispeak/webapi/CD_CB.asmx\n";
constexpr const char* kEvidence = "switch_evidence: \"letter of the vendor, 2026-01-15\"\n";

TEST_F(Gridstream, TheShippedFeedReadsPingsAndResetsAndDoesNotSwitch) {
  const auto feed = shipped("gridstream.yaml");
  EXPECT_EQ(problems(feed), "");
  EXPECT_EQ(feed.family->info().key, "multispeak");
  EXPECT_EQ(can(feed), "pushed registers intervals events read ping reset backfill");
}

TEST_F(Gridstream, SwitchingTakesEvidenceAndTheUrlOfTheRole) {
  EXPECT_EQ(can(shipped("gridstream.yaml", kSwitchUrl)),
            "pushed registers intervals events read ping reset backfill");
  EXPECT_EQ(can(shipped("gridstream.yaml", kEvidence)),
            "pushed registers intervals events read ping reset backfill");
  // Arming is not stated by anybody, so evidence of switching is none of arming.
  EXPECT_EQ(can(shipped("gridstream.yaml", std::string(kSwitchUrl) + kEvidence)),
            "pushed registers intervals events read ping reset backfill open close state");
}

// Without evidence an order is refused before anything is sent, with the notice's silence and its clause.
TEST_F(Gridstream, ASwitchOrderWithoutEvidenceIsRefusedWithTheClause) {
  const auto feed =
      shipped_without("gridstream.yaml", {"mr", "callback"}, "callback:\n  listen: [\"127.0.0.1:0\"]\n");
  ASSERT_EQ(problems(feed), "");
  for (const auto kind :
       {sdk::CommandKind::SwitchOpen, sdk::CommandKind::SwitchClose, sdk::CommandKind::SwitchArm}) {
    const sdk::AttemptAnswer answer = order(feed, kind);
    EXPECT_EQ(answer.state, sdk::AttemptState::Failed);
    EXPECT_EQ(answer.reason, "not_stated");
    EXPECT_THAT(answer.words, HasSubstr("AE-1641"));
    EXPECT_THAT(answer.words, HasSubstr("rf_mesh.transmits"));
  }
}

TEST_F(Gridstream, ARoleThatIsLeftOutTakesItsCommandsAway) {
  EXPECT_EQ(can(shipped_without("gridstream.yaml", {"mr"}, kSwitchUrl)), "pushed registers intervals events");
}

TEST_F(Gridstream, OnlyMultiSpeak30IsAssertedOfItsHeadEnd) {
  EXPECT_THAT(problems(shipped("gridstream.yaml", "version: \"4.1\"\n")), HasSubstr("is not one of: 3.0"));
}

TEST_F(Gridstream, AnUnknownInterfaceNamesThoseThatThereAre) {
  EXPECT_THAT(problems(shipped_without("gridstream.yaml", {"interface"}, "interface: soap\n")),
              HasSubstr("interface: 'soap' is not one of family gridstream: multispeak, files"));
}

TEST_F(Gridstream, FilesReadRegistersAndIntervalsOnlyWhereTheirFormWasConfirmed) {
  const auto feed = shipped("gridstream-files.yaml");
  EXPECT_EQ(problems(feed), "");
  EXPECT_EQ(can(feed), "files registers");
  EXPECT_EQ(can(shipped_without("gridstream-files.yaml", {"intervals"}, "intervals: value_then_status\n")),
            "files registers intervals");
}

TEST_F(Gridstream, CimReadsAndPingsAndSwitchesOnlyWithEvidence) {
  const auto feed = shipped("gridstream-cim.yaml");
  EXPECT_EQ(problems(feed), "");
  EXPECT_EQ(can(feed), "pushed registers intervals events read ping backfill");
  EXPECT_EQ(can(shipped("gridstream-cim.yaml", kEvidence)),
            "pushed registers intervals events read ping backfill open close");
  const auto silent = shipped_without(
      "gridstream-cim.yaml", {"head_end", "callback"},
      "callback:\n  listen: [\"127.0.0.1:0\"]\n  paths: [/cim]\n  reply_address: http://127.0.0.1:1/cim\n");
  const sdk::AttemptAnswer answer = order(silent, sdk::CommandKind::SwitchOpen);
  EXPECT_EQ(answer.state, sdk::AttemptState::Failed);
  EXPECT_EQ(answer.reason, "not_stated");
  EXPECT_THAT(answer.words, HasSubstr("rf_mesh.transmits"));
}

TEST_F(Gridstream, ItsReferencePageSaysWhatIsAssumed) {
  const auto families = interfaces();
  EXPECT_THAT(sdk::reference_page(families.at(1)->schema()),
              HasSubstr("no public source shows a MEPMD01 line"));
}

}  // namespace
}  // namespace ami::gridstream
