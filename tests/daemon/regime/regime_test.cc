#include "daemon/regime/regime.h"

#include <gtest/gtest.h>

#include "tests/daemon/regime/shipped_regimes.h"

namespace ami::regime {
namespace {

using testing::at;
using testing::axr_sd;
using testing::module;
using testing::seal;

const UtcInstant kThen = at("2013-04-08T12:00:00Z");

class RegimeTest : public ::testing::Test {
 protected:
  Regime regime() const { return {regimes, {1, "maui", "America/Toronto", "AE-1641"}}; }
  static storage::Fitted fitted(const storage::MeterDetail& detail, const char* module_name) {
    return {detail, module(module_name)};
  }
  static storage::MeterFacts facts(const storage::MeterDetail& detail, const char* module_name) {
    return {{detail}, {module(module_name)}, {}};
  }
  std::shared_ptr<Regimes> regimes = testing::shipped_regimes();
};

TEST_F(RegimeTest, CombinationThatEveryClauseAllowsIsConforming) {
  const Conformity conformity = conformity_of(regime(), fitted(axr_sd(), "SSN"), kThen);
  EXPECT_EQ(conformity.state, Conformity::State::Conforming);
  EXPECT_EQ(conformity.notice, "AE-1641");
  EXPECT_EQ(conformity.revision, "Rev. 6");
  EXPECT_TRUE(conformity.findings.empty());
  EXPECT_FALSE(exclusion(regime(), fitted(axr_sd(), "SSN"), kThen));
}

TEST_F(RegimeTest, SsnOnOneElementTwoWireTwentyAmpereIsExcludedWithItsClause) {
  storage::MeterDetail detail = axr_sd();
  detail.model = "FOCUS AX";
  detail.form = "3S";
  detail.elements = "1";
  detail.wires = 2;
  detail.class_a = "CL20";
  const auto excluded = exclusion(regime(), fitted(detail, "Silver Spring Networks"), kThen);
  ASSERT_TRUE(excluded);
  EXPECT_EQ(excluded->rule.name, "MODULE_RESTRICTION");
  EXPECT_EQ(excluded->rule.facts.at("clause_key"), "ssn.forms");
  EXPECT_EQ(excluded->rule.facts.at("clause"), "COMMUNICATIONS, Silver Spring Networks, paragraph 1");
  EXPECT_EQ(excluded->rule.facts.at("notice"), "AE-1641");
  EXPECT_NE(excluded->message.find("COMMUNICATIONS, Silver Spring Networks"), std::string::npos)
      << excluded->message;
  detail.class_a = "10";
  EXPECT_FALSE(exclusion(regime(), fitted(detail, "SSN"), kThen));
}

TEST_F(RegimeTest, SecureMeshOnAnythingButFormTwoSIsExcluded) {
  EXPECT_FALSE(exclusion(regime(), fitted(axr_sd(), "RES-3000-FocusAX-P"), kThen));
  storage::MeterDetail detail = axr_sd();
  detail.form = "12S";
  const auto excluded = exclusion(regime(), fitted(detail, "Trilliant SecureMesh"), kThen);
  ASSERT_TRUE(excluded);
  EXPECT_EQ(excluded->rule.facts.at("clause_key"), "trilliant.forms");
}

TEST_F(RegimeTest, ServiceSwitchInATransformerRatedMeterIsExcluded) {
  storage::MeterDetail detail = axr_sd();
  detail.class_a = "20";
  const auto excluded = exclusion(regime(), fitted(detail, "SSN"), kThen);
  ASSERT_TRUE(excluded);
  EXPECT_EQ(excluded->rule.name, "MODEL_RESTRICTION");
  EXPECT_EQ(excluded->rule.facts.at("clause"), "SUMMARY DESCRIPTION, paragraph 7");
}

TEST_F(RegimeTest, WhatIsNotKnownIsNoNonconformity) {
  storage::MeterDetail detail = axr_sd();
  detail.class_a.clear();
  EXPECT_EQ(conformity_of(regime(), fitted(detail, "SSN"), kThen).state, Conformity::State::Unknown);
  EXPECT_FALSE(exclusion(regime(), fitted(detail, "SSN"), kThen));
  const Conformity nothing = conformity_at(regime(), {}, kThen);
  EXPECT_EQ(nothing.state, Conformity::State::Unknown);
  EXPECT_FALSE(nothing.findings.empty());
}

TEST_F(RegimeTest, ModuleIsJudgedByTheRevisionOfTheDay) {
  // SSN came with revision 2 on 2010-03-30. The day is the utility's: 03:30Z is still the 29th in Toronto.
  EXPECT_TRUE(exclusion(regime(), fitted(axr_sd(), "SSN"), at("2010-03-30T03:30:00Z")));
  EXPECT_FALSE(exclusion(regime(), fitted(axr_sd(), "SSN"), at("2010-03-30T04:30:00Z")));
}

TEST_F(RegimeTest, UtilityWithoutANoticeHasNoRegimeAndNothingIsChecked) {
  const Regime none(regimes, {1, "maui", "UTC", std::nullopt});
  EXPECT_EQ(conformity_of(none, fitted(axr_sd(), "SSN"), kThen).state, Conformity::State::NoRegime);
  EXPECT_FALSE(planned_check(none));
}

TEST_F(RegimeTest, NoticeThatIsNotLoadedLeavesAllUnknownAndTheSwitchRefused) {
  const Regime lost(regimes, {1, "maui", "UTC", "AE-9999"});
  const Conformity conformity = conformity_of(lost, fitted(axr_sd(), "SSN"), kThen);
  EXPECT_EQ(conformity.state, Conformity::State::Unknown);
  ASSERT_EQ(conformity.findings.size(), 1U);
  EXPECT_EQ(conformity.findings[0].rule, "NOTICE_NOT_LOADED");
  EXPECT_FALSE(switch_verdict(lost, facts(axr_sd(), "SSN"), kThen).allowed);
}

TEST_F(RegimeTest, SwitchIsOperatedThroughAModuleForWhichTheNoticeStatesIt) {
  EXPECT_TRUE(switch_verdict(regime(), facts(axr_sd(), "SSN"), kThen).allowed);
  storage::MeterDetail detail = axr_sd();
  detail.model = "FOCUS AXR";
  EXPECT_FALSE(switch_verdict(regime(), facts(detail, "SSN"), kThen).allowed) << "it has none";
}

TEST_F(RegimeTest, SwitchIsRefusedWithTheClauseWhereTheNoticeExcludesTheMeter) {
  storage::MeterDetail detail = axr_sd();
  detail.form = "12S";
  const auto verdict = switch_verdict(regime(), facts(detail, "Trilliant SecureMesh"), kThen);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_NE(verdict.reason.find("COMMUNICATIONS, Trilliant SecureMesh"), std::string::npos) << verdict.reason;
}

TEST_F(RegimeTest, WhatIsNotStatedOfTheSwitchIsNoUntilTheSiteShowsEvidence) {
  EXPECT_FALSE(switch_verdict(regime(), facts(axr_sd(), "RF_MESH"), kThen).allowed);
  regimes->evidence["maui"] = {{"gridstream", "J. Doe", "Test report 7"}};
  const auto verdict = switch_verdict(regime(), facts(axr_sd(), "RF Mesh Endpoint"), kThen);
  EXPECT_TRUE(verdict.allowed);
  EXPECT_TRUE(verdict.by_site_evidence);
  EXPECT_FALSE(switch_verdict(regime(), facts(axr_sd(), "UMT-R-FX"), kThen).allowed)
      << "it is for another module";
  regimes->evidence["oahu"] = std::exchange(regimes->evidence["maui"], {});
  EXPECT_FALSE(switch_verdict(regime(), facts(axr_sd(), "RF_MESH"), kThen).allowed)
      << "it is another utility's";
}

TEST_F(RegimeTest, ModuleThatIsThereOnlyLaterDoesNotCount) {
  storage::MeterFacts later{{axr_sd()}, {module("SSN", {at("2013-05-01T00:00:00Z")})}, {}};
  EXPECT_EQ(conformity_at(regime(), later, kThen).state, Conformity::State::Unknown);
  EXPECT_EQ(conformity_at(regime(), later, at("2013-05-01T00:00:00Z")).state, Conformity::State::Conforming);
}

TEST_F(RegimeTest, VerificationFollowsSealsDueYearsAndBrokenSeals) {
  storage::MeterFacts one{{axr_sd()}, {module("SSN")}, {seal(2012, 5, 3, 2014)}};
  const auto status = [&](const char* when) { return verification_at(regime(), one, at(when)).status; };
  EXPECT_EQ(status("2012-05-03T03:59:59Z"), approval::Verification::Unknown);  // the day before, in Toronto
  EXPECT_EQ(status("2012-05-03T04:00:00Z"), approval::Verification::InPeriod);
  EXPECT_EQ(status("2015-01-01T04:59:59Z"), approval::Verification::InPeriod);
  EXPECT_EQ(status("2015-01-01T05:00:00Z"), approval::Verification::Expired);

  one.modules = {module("SSN", {UtcInstant::min(), at("2013-01-10T15:00:00Z")}),
                 module("RF_MESH", {at("2013-01-10T15:00:00Z")}, true)};
  EXPECT_EQ(status("2013-01-10T14:59:59Z"), approval::Verification::InPeriod);
  EXPECT_EQ(status("2013-01-10T15:00:00Z"), approval::Verification::NotVerified);
  one.seals.push_back(seal(2013, 2, 1, 2020));
  EXPECT_EQ(status("2013-02-01T05:00:00Z"), approval::Verification::InPeriod);
  EXPECT_EQ(status("2013-01-31T05:00:00Z"), approval::Verification::NotVerified);
}

TEST_F(RegimeTest, NewestStatementOfASealDateCountsAndOneThatWasTakenBackDoesNot) {
  storage::MeterFacts one{{}, {}, {seal(2012, 5, 3, 2012), seal(2012, 5, 3, 2030)}};
  EXPECT_EQ(verification_at(regime(), one, kThen).status, approval::Verification::InPeriod);
  one.seals.push_back(seal(2012, 5, 3, 2030));
  one.seals.back().withdrawn = true;
  EXPECT_EQ(verification_at(regime(), one, kThen).status, approval::Verification::Unknown);
}

TEST_F(RegimeTest, KnownModulesAreTheNoticesOwnAndBoardsAreApart) {
  EXPECT_EQ(regime().known_modules(false), "FLEXNET, RF_MESH, SSN, TRILLIANT, TS2, UMT");
  EXPECT_EQ(regime().known_modules(true), "EMTR3FX");
}

}  // namespace
}  // namespace ami::regime
