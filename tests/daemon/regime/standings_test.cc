#include "daemon/regime/standings.h"

#include <gtest/gtest.h>

#include "tests/daemon/regime/shipped_regimes.h"

namespace ami::regime {
namespace {

using approval::TypeApproval;
using approval::Verification;
using testing::at;
using testing::axr_sd;
using testing::module;
using testing::seal;

const char* const kDelivered = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
const char* const kReceived = "0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0";
const char* const kTierA = "0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.0.72.0";
const char* const kInterval = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
const char* const kWater = "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.42.0";
const UtcInstant kThen = at("2013-04-08T12:00:00Z");

class StandingsTest : public ::testing::Test {
 protected:
  StandingsTest() : standings(Regime(regimes, {1, "maui", "America/Toronto", "AE-1641"})) {}
  void add(MeterId meter, storage::MeterFacts facts) { standings.add({{meter, std::move(facts)}}); }
  Standing told(const char* type, Formed formed = Formed::Register, MeterId meter = 7) {
    return standings.at(meter, type, formed, kThen);
  }
  TypeApproval status(const char* type, Formed formed = Formed::Register) {
    return told(type, formed).judged->status;
  }

  std::shared_ptr<Regimes> regimes = testing::shipped_regimes();
  Standings standings;
};

TEST_F(StandingsTest, EnergyConsumptionThroughSsnIsApprovedAndNoOtherDirectionIsStated) {
  add(7, {{axr_sd()}, {module("SSN")}, {}});
  const Judged& judged = *told(kDelivered).judged;
  EXPECT_EQ(judged.status, TypeApproval::Approved);
  EXPECT_EQ(judged.notice, "AE-1641");
  EXPECT_EQ(judged.revision, "Rev. 6");
  EXPECT_EQ(judged.clause,
            "SUMMARY DESCRIPTION, paragraph 2; COMMUNICATIONS, Silver Spring Networks, paragraph 2");
  EXPECT_EQ(judged.reason, "");
  EXPECT_FALSE(judged.nonconforming);
  EXPECT_EQ(status(kReceived), TypeApproval::NotStated);
  EXPECT_EQ(told(kReceived).judged->clause, "COMMUNICATIONS, Silver Spring Networks, paragraph 2");
}

TEST_F(StandingsTest, TierOfATouValueIsToldApart) {
  add(7, {{axr_sd()}, {module("RF_MESH")}, {}});
  EXPECT_EQ(status(kTierA), TypeApproval::Approved);
  EXPECT_EQ(told(kTierA).judged->tou_assignment, TypeApproval::NotSubject);
  EXPECT_EQ(told(kDelivered).judged->tou_assignment, std::nullopt);
}

TEST_F(StandingsTest, IntervalsCountByTheRecorderThatTheModelHas) {
  add(7, {{axr_sd()}, {module("SSN")}, {}});
  EXPECT_EQ(status(kInterval, Formed::Interval), TypeApproval::Approved);
  storage::MeterDetail plain = axr_sd();
  plain.model = "FOCUS AX-SD";
  add(8, {{plain}, {module("SSN")}, {}});
  EXPECT_EQ(told(kInterval, Formed::Interval, 8).judged->status, TypeApproval::NotStated);
}

TEST_F(StandingsTest, ValueComputedHereIsOutside) {
  add(7, {{axr_sd()}, {module("SSN")}, {}});
  EXPECT_EQ(status(kDelivered, Formed::Computed), TypeApproval::Outside);
}

TEST_F(StandingsTest, WaterThroughTheBoardIsOutside) {
  storage::FittedModule fitted = module("UMT-R-F");
  fitted.board = "EMTR-3-FX";
  add(7, {{axr_sd()}, {fitted}, {}});
  EXPECT_EQ(status(kWater), TypeApproval::Outside);
  EXPECT_EQ(status(kDelivered), TypeApproval::Approved);
}

TEST_F(StandingsTest, FirmwareCountsFromWhenItIsKnown) {
  storage::MeterDetail detail = axr_sd();
  detail.firmware_at = at("2013-04-09T00:00:00Z");
  add(7, {{detail}, {module("SSN")}, {}});
  EXPECT_EQ(status(kDelivered), TypeApproval::Unknown);
  EXPECT_EQ(told(kDelivered).judged->clause, "");
  EXPECT_NE(told(kDelivered).judged->reason.find("firmware"), std::string::npos);
  EXPECT_EQ(standings.at(7, kDelivered, Formed::Register, at("2013-04-09T00:00:00Z")).judged->status,
            TypeApproval::Approved);
}

TEST_F(StandingsTest, ExcludedCombinationIsMarkedAndItsValuesAreOutside) {
  storage::MeterDetail detail = axr_sd();
  detail.form = "12S";
  add(7, {{detail}, {module("TRILLIANT")}, {}});
  EXPECT_EQ(status(kDelivered), TypeApproval::Outside);
  EXPECT_TRUE(told(kDelivered).judged->nonconforming);
  EXPECT_EQ(told(kDelivered).judged->clause, "COMMUNICATIONS, Trilliant SecureMesh, paragraph 1");
}

TEST_F(StandingsTest, MeterOfWhichNothingIsKnownIsUnknown) {
  EXPECT_EQ(status(kDelivered), TypeApproval::Unknown);
  EXPECT_EQ(told(kDelivered).verification, Verification::Unknown);
  add(7, {});
  EXPECT_EQ(status(kDelivered), TypeApproval::Unknown);
  add(8, {{axr_sd()}, {}, {}});
  EXPECT_EQ(told(kDelivered, Formed::Register, 8).judged->status, TypeApproval::Unknown) << "no module";
}

TEST_F(StandingsTest, ReadingTypeThatIsNoneIsUnknown) {
  add(7, {{axr_sd()}, {module("SSN")}, {}});
  EXPECT_EQ(status("no reading type"), TypeApproval::Unknown);
}

TEST_F(StandingsTest, EqualMetersAreJudgedOnce) {
  add(7, {{axr_sd()}, {module("SSN")}, {}});
  add(8, {{axr_sd()}, {module("SSN")}, {}});
  EXPECT_EQ(told(kDelivered).judged, told(kDelivered, Formed::Register, 8).judged);
  EXPECT_NE(told(kDelivered).judged, told(kReceived).judged);
}

TEST_F(StandingsTest, SwapCutsAPeriodOnlyWhereItChangesWhatIsSaid) {
  const UtcInstant swap = at("2013-04-08T00:00:00Z");
  add(7, {{axr_sd()}, {module("SSN", {UtcInstant::min(), swap}), module("TS2", {swap})}, {}});
  add(8, {{axr_sd()}, {module("SSN", {UtcInstant::min(), swap}), module("SSN", {swap})}, {}});
  const storage::Period days{at("2013-04-07T00:00:00Z"), at("2013-04-09T00:00:00Z")};
  const auto pieces = standings.pieces(7, kDelivered, Formed::Register, days);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].period, (storage::Period{days.from, swap}));
  EXPECT_EQ(pieces[0].standing.judged->status, TypeApproval::Approved);
  EXPECT_EQ(pieces[1].period, (storage::Period{swap, days.to}));
  EXPECT_EQ(pieces[1].standing.judged->status, TypeApproval::NotStated);
  EXPECT_EQ(standings.pieces(8, kDelivered, Formed::Register, days).size(), 1U);
  EXPECT_EQ(standings.pieces(99, kDelivered, Formed::Register, days).size(), 1U);
}

TEST_F(StandingsTest, PeriodIsCutWhereTheSealBreaksARevisionBeginsAndTheYearEnds) {
  const UtcInstant swap = at("2013-04-08T00:00:00Z");
  add(7, {{axr_sd()},
          {module("SSN", {UtcInstant::min(), swap}), module("SSN", {swap}, true)},
          {seal(2012, 5, 3, 2013), seal(2013, 6, 1, 2013)}});
  std::string told;
  for (const auto& piece : standings.pieces(7, kDelivered, Formed::Register,
                                            {at("2009-01-01T00:00:00Z"), at("2015-01-01T00:00:00Z")})) {
    told += to_text(piece.period.from) + " " + std::string(approval::name_of(piece.standing.judged->status)) +
            " " + std::string(approval::name_of(piece.standing.verification)) + " " +
            piece.standing.judged->revision + "\n";
  }
  // Toronto: midnight is 05:00Z in winter, 04:00Z in summer. SSN and firmware 5.33 came on 2010-03-30 with
  // revisions 2 and 3.
  EXPECT_EQ(told,
            "2009-01-01T00:00:00Z OUTSIDE UNKNOWN \n"
            "2009-06-22T04:00:00Z OUTSIDE UNKNOWN Original\n"
            "2010-03-29T04:00:00Z OUTSIDE UNKNOWN Rev. 1\n"
            "2010-03-30T04:00:00Z APPROVED UNKNOWN Rev. 3\n"
            "2010-05-05T04:00:00Z APPROVED UNKNOWN Rev. 4\n"
            "2010-05-14T04:00:00Z APPROVED UNKNOWN Rev. 5\n"
            "2010-06-07T04:00:00Z APPROVED UNKNOWN Rev. 6\n"
            "2012-05-03T04:00:00Z APPROVED IN_PERIOD Rev. 6\n"
            "2013-04-08T00:00:00Z APPROVED NOT_VERIFIED Rev. 6\n"
            "2013-06-01T04:00:00Z APPROVED IN_PERIOD Rev. 6\n"
            "2014-01-01T05:00:00Z APPROVED EXPIRED Rev. 6\n");
}

TEST_F(StandingsTest, ValueAcrossAChangeIsUnknownWhereTheSidesDiffer) {
  add(7, {{axr_sd()}, {module("SSN")}, {}});
  const Standing approved = told(kDelivered);
  Standing expired = approved;
  expired.verification = Verification::Expired;
  const Standing verified_apart = standings.across(approved, expired);
  EXPECT_EQ(verified_apart.judged->status, TypeApproval::Approved);
  EXPECT_EQ(verified_apart.verification, Verification::Unknown);
  const Standing judged_apart = standings.across(approved, told(kReceived));
  EXPECT_EQ(judged_apart.judged->status, TypeApproval::Unknown);
  EXPECT_NE(judged_apart.judged->reason, "");
  EXPECT_TRUE(standings.across(approved, approved) == approved);
}

TEST_F(StandingsTest, UtilityWithoutANoticeStillHasVerification) {
  Standings free(Regime(regimes, {1, "maui", "UTC", std::nullopt}));
  free.add({{7, {{axr_sd()}, {module("SSN")}, {seal(2012, 5, 3, 2020)}}}});
  const Standing standing = free.at(7, kDelivered, Formed::Register, kThen);
  EXPECT_EQ(standing.judged->status, TypeApproval::NoRegime);
  EXPECT_EQ(standing.verification, Verification::InPeriod);
}

TEST_F(StandingsTest, NoticeThatIsNotLoadedIsUnknown) {
  Standings lost(Regime(regimes, {1, "maui", "UTC", "AE-9999"}));
  EXPECT_EQ(lost.at(7, kDelivered, Formed::Register, kThen).judged->status, TypeApproval::Unknown);
}

}  // namespace
}  // namespace ami::regime
