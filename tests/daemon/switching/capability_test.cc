#include "daemon/switching/capability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/meter_model/approval/scene.h"

namespace ami::daemon::switching {
namespace {

using ::testing::HasSubstr;

sdk::Capabilities states(bool arm = false) {
  sdk::Capabilities out;
  out.switch_open = out.switch_close = true;
  out.switch_arm = arm;
  return out;
}

// A FOCUS AXR-SD, 2S, with the module of the family, firmware 5.33.
CapabilityFacts facts(const std::string& family) {
  CapabilityFacts out;
  out.notice = &approval::ae1641();
  out.device = approval::meter(family);
  out.family = family;
  out.can = states(family == "flexnet");
  return out;
}

SiteShown shown(const std::string& family, const std::string& firmware = "5.33") {
  SiteShown out;
  out.family = family;
  out.firmware = firmware;
  out.open = out.close = out.arm = true;
  out.author = "A. Smith";
  out.document = "Test report 12";
  return out;
}

TEST(SwitchCapability, OfAStatedModuleIsWhatItsInterfaceStates) {
  const Capability out = capability_of(facts("flexnet"));
  EXPECT_TRUE(out.open && out.close && out.arm);
  EXPECT_FALSE(out.meter_interlock) << "nobody has shown it";
  const Capability ts2 = capability_of(facts("ts2"));
  EXPECT_TRUE(ts2.open && ts2.close);
  EXPECT_FALSE(ts2.arm);
  EXPECT_EQ(ts2.refusal(SwitchAction::Arm), "ARM: the interface does not state it");
  EXPECT_EQ(ts2.refusal(SwitchAction::Open), "");
}

TEST(SwitchCapability, WhereTheNoticeIsSilentOnlyTheSitesEvidenceAllows) {
  for (const char* family : {"gridstream", "twacs"}) {
    CapabilityFacts silent = facts(family);
    const Capability none = capability_of(silent);
    EXPECT_FALSE(none.open || none.close || none.arm) << family;
    EXPECT_THAT(none.refusal(SwitchAction::Open), HasSubstr("not stated")) << family;
    EXPECT_FALSE(none.lines.front().clauses.empty()) << family << ": the clause is named";
    silent.shown = {shown(family)};
    EXPECT_TRUE(capability_of(silent).open) << family << capability_of(silent).refusal(SwitchAction::Open);
  }
}

TEST(SwitchCapability, EvidenceWithoutAuthorOrDocumentDoesNotCount) {
  for (const bool author : {true, false}) {
    CapabilityFacts asked = facts("flexnet");
    asked.shown = {shown("flexnet")};
    (author ? asked.shown[0].author : asked.shown[0].document) = " ";
    const Capability out = capability_of(asked);
    EXPECT_FALSE(out.open);
    EXPECT_THAT(out.refusal(SwitchAction::Open), HasSubstr("site: "));
  }
}

TEST(SwitchCapability, EvidenceOfAnotherFamilyOrFirmwareDoesNotCount) {
  CapabilityFacts asked = facts("gridstream");
  asked.shown = {shown("twacs"), shown("gridstream", "9.99")};
  EXPECT_FALSE(capability_of(asked).open);
  asked.shown.push_back(shown("gridstream", "*"));
  EXPECT_TRUE(capability_of(asked).open);
}

TEST(SwitchCapability, UnknownFirmwareIsNo) {
  CapabilityFacts asked = facts("flexnet");
  asked.device.firmware.clear();
  EXPECT_FALSE(capability_of(asked).open);
  EXPECT_THAT(capability_of(asked).refusal(SwitchAction::Open), HasSubstr("firmware is not known"));
  asked.device.firmware = "99.99";
  EXPECT_FALSE(capability_of(asked).open);
  asked.shown = {shown("flexnet", "99.99")};
  EXPECT_TRUE(capability_of(asked).open) << capability_of(asked).refusal(SwitchAction::Open);
}

TEST(SwitchCapability, SiteMayNarrowButNotWidenWhatTheInterfaceStates) {
  CapabilityFacts asked = facts("ts2");
  asked.shown = {shown("ts2")};
  asked.shown[0].close = false;
  const Capability out = capability_of(asked);
  EXPECT_TRUE(out.open);
  EXPECT_FALSE(out.close);
  EXPECT_FALSE(out.arm) << "the interface states no arm, whatever the site says";
  EXPECT_EQ(out.refusal(SwitchAction::Close), "CLOSE: the site's evidence does not cover it");
}

TEST(SwitchCapability, AdapterThatStatesNothingOrIsMissingIsNo) {
  CapabilityFacts asked = facts("flexnet");
  asked.can = {};
  EXPECT_THAT(capability_of(asked).refusal(SwitchAction::Open), HasSubstr("states no switching"));
  asked = facts("flexnet");
  asked.family.clear();
  EXPECT_THAT(capability_of(asked).refusal(SwitchAction::Open), HasSubstr("no adapter reaches"));
}

TEST(SwitchCapability, ModelWithoutTheSwitchIsNoWhateverTheSiteSays) {
  CapabilityFacts asked = facts("flexnet");
  asked.device.model = "FOCUS AX";
  asked.shown = {shown("flexnet")};
  EXPECT_FALSE(capability_of(asked).open);
  EXPECT_THAT(capability_of(asked).refusal(SwitchAction::Open), HasSubstr("no service switch"));
}

TEST(SwitchCapability, NoNoticeAndNothingShownIsNo) {
  CapabilityFacts asked = facts("flexnet");
  asked.notice = nullptr;
  EXPECT_FALSE(capability_of(asked).open);
  asked.shown = {shown("flexnet")};
  asked.shown[0].meter_interlock = true;
  EXPECT_TRUE(capability_of(asked).open);
  EXPECT_TRUE(capability_of(asked).meter_interlock);
}

}  // namespace
}  // namespace ami::daemon::switching
