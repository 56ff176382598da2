#include "meter_model/approval/service_switch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/meter_model/approval/scene.h"

namespace ami::approval {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

SwitchVerdict asked(const Device& device, const std::optional<SiteEvidence>& evidence = {}) {
  return may_operate_switch(&ae1641(), device, evidence);
}

TEST(SwitchByModule, StatedModuleOnASwitchedMeterMay) {
  const SwitchVerdict verdict = asked(meter("ssn"));
  EXPECT_TRUE(verdict.allowed);
  EXPECT_EQ(verdict.answer, Answer::Allowed);
  EXPECT_EQ(verdict.stated, Stated::Yes);
  EXPECT_FALSE(verdict.by_site_evidence);
  EXPECT_THAT(keys(verdict.grounds), Contains("ssn.disconnect"));
  EXPECT_THAT(numbers(verdict.grounds), Contains(11));
}

TEST(SwitchByModule, EvidenceNeedsModuleAuthorAndDocument) {
  const Device device = meter("twacs");
  const SiteEvidence whole{"UMT-R-F", "A. Smith", "Test report 12"};
  const SwitchVerdict allowed = asked(device, whole);
  EXPECT_TRUE(allowed.allowed);
  EXPECT_TRUE(allowed.by_site_evidence);
  EXPECT_EQ(allowed.stated, Stated::NotStated);
  EXPECT_EQ(allowed.reason, "allowed by the site's evidence: Test report 12, A. Smith");
  for (const SiteEvidence& wrong :
       {SiteEvidence{"UMT", "", "Test report 12"}, SiteEvidence{"UMT", " \t", "Test report 12"},
        SiteEvidence{"UMT", "A. Smith", ""}, SiteEvidence{"RF_MESH", "A. Smith", "R"},
        SiteEvidence{"", "A. Smith", "R"}, SiteEvidence{"no such", "A. Smith", "R"}}) {
    const SwitchVerdict refused = asked(device, wrong);
    EXPECT_FALSE(refused.allowed);
    EXPECT_FALSE(refused.by_site_evidence);
    EXPECT_THAT(rules(refused.findings), ElementsAre("DISCONNECT_NOT_STATED"));
    EXPECT_THAT(refused.reason, HasSubstr("the site's evidence"));
  }
}

TEST(SwitchByModule, EvidenceDoesNotReplaceTheSwitchOrTheInstallation) {
  Device device = meter("twacs");
  const SiteEvidence evidence{"UMT", "A. Smith", "R"};
  device.model = "FOCUS AXR";
  EXPECT_THAT(rules(asked(device, evidence).findings), ElementsAre("NO_SERVICE_SWITCH"));
  device = meter("twacs");
  device.class_a = Decimal{20, 0};
  EXPECT_THAT(rules(asked(device, evidence).findings), ElementsAre("MODEL_RESTRICTION"));
  EXPECT_FALSE(asked(device, evidence).by_site_evidence);
}

TEST(SwitchByModule, EvidenceNeverOverrulesAStatedNo) {
  Notice notice = ae1641();
  for (Module& module : notice.modules) module.remote_disconnect.stated = Stated::No;
  const SwitchVerdict verdict =
      may_operate_switch(&notice, meter("UMT"), SiteEvidence{"UMT", "A. Smith", "R"});
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.stated, Stated::No);
  EXPECT_THAT(rules(verdict.findings), ElementsAre("DISCONNECT_EXCLUDED"));
}

TEST(SwitchByModule, NonconformingInstallationIsRefusedWithItsClause) {
  Device device = meter("securemesh");
  device.form = "1S";
  const SwitchVerdict verdict = asked(device);
  EXPECT_EQ(verdict.answer, Answer::Refused);
  EXPECT_THAT(verdict.reason, HasSubstr("COMMUNICATIONS, Trilliant SecureMesh"));
}

TEST(SwitchByModule, UnknownFactsAreNoLicence) {
  Device device = meter("ssn");
  device.class_a.reset();
  const SwitchVerdict verdict = asked(device);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.answer, Answer::Unknown);
  EXPECT_FALSE(asked(Device{}).allowed);
}

TEST(SwitchByModule, WithoutANoticeOnlyEvidenceCounts) {
  const SwitchVerdict none = may_operate_switch(nullptr, meter("ssn"));
  EXPECT_FALSE(none.allowed);
  EXPECT_EQ(none.answer, Answer::NoRegime);
  const SwitchVerdict shown = may_operate_switch(nullptr, meter("ssn"), SiteEvidence{"SSN", "A. Smith", "R"});
  EXPECT_TRUE(shown.allowed);
  EXPECT_TRUE(shown.by_site_evidence);
  EXPECT_FALSE(may_operate_switch(nullptr, meter(""), SiteEvidence{"", "A. Smith", "R"}).allowed);
  EXPECT_FALSE(may_operate_switch(nullptr, meter("ssn"), SiteEvidence{"ts2", "A. Smith", "R"}).allowed);
}

}  // namespace
}  // namespace ami::approval
