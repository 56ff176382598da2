#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scene.h"

namespace ami::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr const char* kWh = " 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh ";

TEST(Registers, KeepTheirExactMinuteAndAreStoredInTheCanonicalUnit) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {{"34315.4820", "R0", "2026-01-15T20:59:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(lines(out),
              ElementsAre("reg 1 cmep:KWHREG" + std::string(kWh) + "2026-01-15T20:59:00Z 34315482.0 [] R0"));
  EXPECT_THAT(out.quarantined, IsEmpty());
  EXPECT_EQ(out.registers.at(0).offset, 77U);
}

TEST(Registers, ConstantIsMultipliedExactly) {
  // 0.1 x 0.2 is not 0.02 in binary; 123456789.123 x 0.0072 = 888888.8816856 by hand
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {{"123456789.123", "", "2026-01-15T00:00:00Z", ""}}).constant = "0.0072";
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.registers.size(), 1U);
  EXPECT_EQ(out.registers[0].value, *Decimal::parse("888888881.6856"));
}

TEST(Registers, EmptyConstantIsOne) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {{"7", "", "2026-01-15T00:00:00Z", ""}}).constant = "";
  EXPECT_EQ(scene.run().registers.at(0).value, *Decimal::parse("7000"));
}

TEST(Registers, ConstantThatIsNoNumberAboveZeroQuarantinesTheRecord) {
  for (const char* constant : {"0", "0.0", "-1", "abc", "H10"}) {
    Scene scene;
    scene.meter("M1", 1);
    scene.registers("M1", "KWHREG", {{"7", "", "2026-01-15T00:00:00Z", ""}}).constant = constant;
    const NormalisedBatch out = scene.run();
    EXPECT_THAT(reasons(out), ElementsAre("bad_constant")) << constant;
    EXPECT_THAT(lines(out), IsEmpty()) << constant;
  }
}

TEST(Registers, EmptyValueIsMissingAndQuarantinedUnderEveryFlagThatClaimsARead) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG",
                  {{"1", "R", "2026-01-15T00:00:00Z", ""},
                   {"", "R", "2026-01-15T01:00:00Z", ""},
                   {"", "", "2026-01-15T02:00:00Z", ""},
                   {"", "E", "2026-01-15T03:00:00Z", ""},
                   {"4", "R", "2026-01-15T04:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(out.registers.size(), 2U);
  ASSERT_EQ(out.quarantined.size(), 1U);
  EXPECT_EQ(out.quarantined[0].reason, "empty_value");
  EXPECT_THAT(out.quarantined[0].detail, HasSubstr("3 of 5 values: value 2 at 2026-01-15T01:00:00Z"));
  EXPECT_EQ(out.quarantined[0].raw, "raw record of M1 KWHREG");
  EXPECT_EQ(out.quarantined[0].meter, "M1");
  EXPECT_EQ(out.quarantined[0].offset, 77U);
}

TEST(Registers, NoValueFlagNeverStoresAValueWhateverStandsInTheField) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG",
                  {{"0", "N32", "2026-01-15T00:00:00Z", ""},
                   {"", "N", "2026-01-15T01:00:00Z", ""},
                   {"34315", "N32", "2026-01-15T02:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(lines(out), IsEmpty());
  EXPECT_THAT(out.quarantined, IsEmpty());
  EXPECT_EQ(out.missing_values, 3U);
}

TEST(Registers, EmptyValueUnderAFlagThatClaimsNothingIsOnlyMissing) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {{"", "X", "2026-01-15T00:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(out.quarantined, IsEmpty());
  EXPECT_EQ(out.missing_values, 1U);
}

TEST(Registers, UnknownFlagCostsOnlyItsOwnValue) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG",
                  {{"1", "R0", "2026-01-15T00:00:00Z", ""},
                   {"2", "Q7", "2026-01-15T01:00:00Z", ""},
                   {"3", "32", "2026-01-15T02:00:00Z", ""},
                   {"4", "r", "2026-01-15T03:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(out.registers.size(), 1U);
  ASSERT_EQ(out.quarantined.size(), 1U);
  EXPECT_EQ(out.quarantined[0].reason, "unknown_flag");
  EXPECT_THAT(out.quarantined[0].detail, HasSubstr("3 of 4 values"));
}

TEST(Registers, BadNumberCostsOnlyItsOwnValue) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG",
                  {{"1", "R", "2026-01-15T00:00:00Z", ""},
                   {"1.2.3", "R", "2026-01-15T01:00:00Z", ""},
                   {"nan", "R", "2026-01-15T02:00:00Z", ""},
                   {"99999999999999999999", "R", "2026-01-15T03:00:00Z", ""},
                   {"5", "R", "2026-01-15T04:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(out.registers.size(), 2U);
  EXPECT_THAT(reasons(out), ElementsAre("bad_number"));
}

TEST(Registers, ProductBeyondTheNumberRangeIsQuarantinedNotWrapped) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {{"9223372036854775807", "", "2026-01-15T00:00:00Z", ""}}).constant = "7";
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(lines(out), IsEmpty());
  EXPECT_THAT(reasons(out), ElementsAre("number_out_of_range"));
}

TEST(Registers, VendorFlagIsKeptRawBesideTheQualityOfItsLetter) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {{"1", "E16", "2026-01-15T00:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  const ValueQuality& quality = out.qualities.at(out.registers.at(0).quality);
  EXPECT_EQ(quality.vendor_flag, "E16");
  EXPECT_EQ(quality.codes, (QualitySet{{2, 8, 0}}));
}

TEST(Registers, ThatRunBackwardsAreStoredAsSaid) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG",
                  {{"3376", "R0", "2026-01-15T00:00:00Z", ""},
                   {"3371", "R0", "2026-01-15T01:00:00Z", ""},
                   {"3381", "R0", "2026-01-15T02:00:00Z", ""}});
  const std::string head = "reg 1 cmep:KWHREG" + std::string(kWh);
  EXPECT_THAT(lines(scene.run()), ElementsAre(head + "2026-01-15T00:00:00Z 3376000 [] R0",
                                              head + "2026-01-15T01:00:00Z 3371000 [] R0",
                                              head + "2026-01-15T02:00:00Z 3381000 [] R0"));
}

TEST(Registers, SentNewestFirstAreJudgedInTimeOrder) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG",
                  {{"12", "R", "2026-01-15T02:00:00Z", ""},
                   {"11", "R", "2026-01-15T01:00:00Z", ""},
                   {"10", "R", "2026-01-15T00:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(out.registers.size(), 3U);
  for (const RegisterReading& read : out.registers) EXPECT_TRUE(out.qualities.at(read.quality).codes.empty());
}

TEST(Registers, NetRegistersMayFall) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "NETREG",
                  {{"5", "R", "2026-01-15T00:00:00Z", ""}, {"-5", "R", "2026-01-15T01:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.registers.size(), 2U);
  EXPECT_TRUE(out.qualities.at(out.registers[1].quality).codes.empty());
  EXPECT_EQ(out.registers[1].value, (Decimal{-5000, 0}));
}

TEST(Registers, AbsentTimeIsThePreviousPlusTheInterval) {
  Scene scene;
  scene.meter("M1", 1);
  scene
      .registers("M1", "KWHREG",
                 {{"1", "R", "2026-01-15T00:02:00Z", ""}, {"2", "R", "", ""}, {"3", "R", "", ""}})
      .interval = std::chrono::hours{1};
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.registers.size(), 3U);
  EXPECT_EQ(to_text(out.registers[2].at), "2026-01-15T02:02:00Z");
}

TEST(Registers, AbsentTimeWithoutAnIntervalCannotBeKnown) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-01-15T00:02:00Z", ""}, {"2", "R", "", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(out.registers.size(), 1U);
  EXPECT_THAT(reasons(out), ElementsAre("missing_time"));
}

TEST(Registers, ReadsOfATimeOfUsePeriodCarryItsStart) {
  Scene scene;
  scene.meter("M1", 1);
  const auto summary = [&](const char* label, const char* value) {
    SeriesObservation& said = scene.registers("M1", "KWHREG", {{value, "", "2026-01-15T05:00:00Z", ""}});
    said.measure = "MEPMD02";
    said.tou = label;
    said.channel = scene.batch.text(std::string("KWHREG:") + label);
    said.period_start = scene.stated("2025-12-15T05:00:00Z");
  };
  summary("TOTAL", "520.5");
  summary("ON-PEAK", "120.5");
  summary("PEAK-9", "1.5");
  const NormalisedBatch out = scene.run();
  EXPECT_THAT(lines(out),
              UnorderedElementsAre(
                  "reg 1 cmep:KWHREG:TOTAL 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z "
                  "520500 [2.0.0] from 2025-12-15T05:00:00Z",
                  "reg 1 cmep:KWHREG:ON-PEAK 0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z "
                  "120500 [2.0.0] from 2025-12-15T05:00:00Z"));
  EXPECT_THAT(reasons(out), ElementsAre("unknown_tou_label"));
}

TEST(Registers, PeriodThatStartsAfterItsEndIsRefused) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-01-15T00:00:00Z", ""}}).period_start =
      scene.stated("2026-02-15T00:00:00Z");
  EXPECT_THAT(reasons(scene.run()), ElementsAre("bad_time"));
}

TEST(Registers, MaximumStampedWithTheEpochHasNoTimeButKeepsItsValue) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-01-15T00:00:00Z", ""}}).occurred_at =
      scene.stated("1970-01-01T00:00:00Z");
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.registers.size(), 1U);
  EXPECT_EQ(out.registers[0].occurred_at, std::nullopt);
  EXPECT_THAT(out.quarantined, IsEmpty());
}

TEST(Registers, UnknownUnitQuarantinesTheRecordAndLeavesItsNeighbours) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "SKWHREG",
                  {{"1", "R", "2026-01-15T00:00:00Z", ""}, {"2", "R", "2026-01-15T01:00:00Z", ""}});
  scene.registers("M1", "KWHREG", {{"3", "R", "2026-01-15T00:00:00Z", ""}});
  const NormalisedBatch out = scene.run();
  EXPECT_EQ(out.registers.size(), 1U);
  ASSERT_EQ(out.quarantined.size(), 1U);
  EXPECT_EQ(out.quarantined[0].reason, "unknown_unit");
  EXPECT_THAT(out.quarantined[0].detail, HasSubstr("SKWHREG"));
}

TEST(Registers, UnitUnderAnotherCommodityIsNotOurUnit) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {{"1", "R", "2026-01-15T00:00:00Z", ""}}).commodity = "W";
  EXPECT_THAT(reasons(scene.run()), ElementsAre("unknown_unit"));
}

TEST(Registers, RecordWithoutValuesIsVisible) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {});
  EXPECT_THAT(reasons(scene.run()), ElementsAre("no_values"));
}

TEST(MalformedRecords, AreQuarantinedUnderTheCodecsReason) {
  Scene scene;
  scene.batch.malformed.push_back({12, "MEPMD01,broken", "M1", "count_mismatch", "says 4, has 3"});
  const NormalisedBatch out = scene.run();
  ASSERT_EQ(out.quarantined.size(), 1U);
  EXPECT_EQ(out.quarantined[0].reason, "count_mismatch");
  EXPECT_EQ(out.quarantined[0].detail, "says 4, has 3");
  EXPECT_EQ(out.quarantined[0].raw, "MEPMD01,broken");
  EXPECT_EQ(out.quarantined[0].meter, "M1");
  EXPECT_EQ(out.quarantined[0].offset, 12U);
}

TEST(Registers, OlderThanTheFeedsLimitWhenReceivedAreKeptAtTheirOwnTimeAsIndeterminate) {
  Scene scene;
  scene.meter("M1", 1);
  scene.received_at = *parse_instant("2026-01-15T12:00:00Z");
  scene.rules.stale_after = std::chrono::hours{2};
  scene.registers("M1", "KWHREG",
                  {{"1", "", "2026-01-15T09:59:59Z", ""}, {"2", "E", "2026-01-15T09:59:59.5Z", ""}, {"3", "", "2026-01-15T10:00:00Z", ""}});
  const std::string at = "reg 1 cmep:KWHREG" + std::string(kWh) + "2026-01-15T";
  EXPECT_THAT(lines(scene.run()),
              UnorderedElementsAre(at + "09:59:59Z 1000 [2.0.0 2.10.0]", at + "09:59:59.500Z 2000 [2.8.0 2.10.0] E",
                                   at + "10:00:00Z 3000 [2.0.0]"));
}

TEST(Registers, OfAnyAgeAreAsSentWhereTheFeedHasNoLimit) {
  Scene scene;
  scene.meter("M1", 1);
  scene.registers("M1", "KWHREG", {{"1", "", "1999-01-15T00:00:00Z", ""}});
  EXPECT_THAT(lines(scene.run()), ElementsAre("reg 1 cmep:KWHREG" + std::string(kWh) + "1999-01-15T00:00:00Z 1000 [2.0.0]"));
}

}  // namespace
}  // namespace ami::testing
