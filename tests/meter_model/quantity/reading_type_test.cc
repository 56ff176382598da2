#include "meter_model/quantity/reading_type.h"

#include <gtest/gtest.h>

#include <string>

namespace ami {
namespace {

ReadingType type(std::string_view text) {
  const auto result = ReadingType::parse(text);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return result.ok() ? *result : ReadingType{};
}

std::string folded(std::string_view text) {
  return type(text).canonical().to_string();
}

TEST(ReadingTypeParse, ReadsEighteenPartsInTheStandardsOrder) {
  const ReadingType t = type("8.9.53.6.19.1.8.1.2.3.4.5.6.7.768.-3.38.124");
  EXPECT_EQ(t[ReadingType::MacroPeriod], 8);
  EXPECT_EQ(t[ReadingType::Aggregate], 9);
  EXPECT_EQ(t[ReadingType::MeasuringPeriod], 53);
  EXPECT_EQ(t[ReadingType::Accumulation], 6);
  EXPECT_EQ(t[ReadingType::FlowDirection], 19);
  EXPECT_EQ(t[ReadingType::Commodity], 1);
  EXPECT_EQ(t[ReadingType::MeasurementKind], 8);
  EXPECT_EQ(t[ReadingType::InterharmonicNumerator], 1);
  EXPECT_EQ(t[ReadingType::InterharmonicDenominator], 2);
  EXPECT_EQ(t[ReadingType::ArgumentNumerator], 3);
  EXPECT_EQ(t[ReadingType::ArgumentDenominator], 4);
  EXPECT_EQ(t[ReadingType::Tou], 5);
  EXPECT_EQ(t[ReadingType::Cpp], 6);
  EXPECT_EQ(t[ReadingType::ConsumptionTier], 7);
  EXPECT_EQ(t[ReadingType::Phases], 768);
  EXPECT_EQ(t[ReadingType::Multiplier], -3);
  EXPECT_EQ(t[ReadingType::Unit], 38);
  EXPECT_EQ(t[ReadingType::Currency], 124);
  EXPECT_EQ(t.to_string(), "8.9.53.6.19.1.8.1.2.3.4.5.6.7.768.-3.38.124");
}

TEST(ReadingTypeParse, RefusesAnyOtherNumberOfParts) {
  for (const char* text :
       {"", "0", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0.0",
        "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0."}) {
    const auto result = ReadingType::parse(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_NE(result.error().message.find("exactly 18 parts"), std::string::npos) << result.error().message;
  }
}

TEST(ReadingTypeParse, RefusesPartsThatAreNotIntegersAndNamesThem) {
  for (const char* part : {"", " 3", "3 ", "+3", "03", "-0", "3x", "0x3", "99999999999", "3,0", "-"}) {
    const auto result = ReadingType::parse("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0." + std::string(part) + ".72.0");
    ASSERT_FALSE(result.ok()) << part;
    EXPECT_NE(result.error().message.find("part 16 (multiplier)"), std::string::npos)
        << result.error().message;
  }
}

TEST(ReadingTypeParse, RefusesCodesThatHaveNoMeaningInTheirPart) {
  const char* bad[] = {
      "1.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0",    // macro period
      "0.3.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0",    // aggregate
      "0.0.8.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0",    // measuring period
      "0.0.0.5.1.1.12.0.0.0.0.0.0.0.0.3.72.0",    // accumulation
      "0.0.0.1.6.1.12.0.0.0.0.0.0.0.0.3.72.0",    // flow direction
      "0.0.0.1.1.99.12.0.0.0.0.0.0.0.0.3.72.0",   // commodity
      "0.0.0.1.1.1.1200.0.0.0.0.0.0.0.0.3.72.0",  // kind
      "0.0.0.1.1.1.12.-1.0.0.0.0.0.0.0.3.72.0",   // interharmonic
      "0.0.0.1.1.1.12.0.0.0.0.-1.0.0.0.3.72.0",   // tou
      "0.0.0.1.1.1.12.0.0.0.0.0.0.0.1.3.72.0",    // phases
      "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.13.72.0",   // multiplier
      "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.7200.0",  // unit
      "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.65536",
  };
  for (const char* text : bad) {
    const auto result = ReadingType::parse(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_NE(result.error().message.find("unknown value"), std::string::npos) << result.error().message;
  }
}

TEST(ReadingTypeCanonical, FoldsTheFifteenMinuteMaximumOntoTheFixedBlock) {
  const std::string wanted = "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0";
  EXPECT_EQ(folded("8.8.2.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0"), wanted);
  EXPECT_EQ(folded("13.8.0.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0"), wanted);
  EXPECT_EQ(folded("13.8.2.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0"), wanted);
  EXPECT_EQ(folded(wanted), wanted);
}

TEST(ReadingTypeCanonical, LeavesMaximaOfOtherWindowsAlone) {
  for (const char* text : {"8.8.71.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0", "8.8.2.10.1.1.8.0.0.0.0.0.0.0.0.3.38.0",
                           "8.8.0.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0", "8.8.5.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0",
                           "0.8.2.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0", "8.9.2.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0"}) {
    EXPECT_EQ(folded(text), text);
  }
}

TEST(ReadingTypeCanonical, EmitsTouRegistersAsSummation) {
  EXPECT_EQ(folded("0.0.0.1.1.1.12.0.0.0.0.2.0.0.0.3.72.0"), "0.0.0.9.1.1.12.0.0.0.0.2.0.0.0.3.72.0");
  EXPECT_EQ(folded("13.0.0.9.1.1.12.0.0.0.0.2.0.0.0.3.72.0"), "0.0.0.9.1.1.12.0.0.0.0.2.0.0.0.3.72.0");
  EXPECT_EQ(folded("0.0.2.4.1.1.12.0.0.0.0.2.0.0.0.3.72.0"), "0.0.2.4.1.1.12.0.0.0.0.2.0.0.0.3.72.0");
}

TEST(ReadingTypeCanonical, KeepsBulkRegistersOfDifferentPeriodsApart) {
  EXPECT_EQ(folded("13.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"), "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0");
  EXPECT_EQ(folded("8.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"), "8.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0");
  EXPECT_EQ(folded("11.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"), "11.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0");
  // Gas and water are not told by that feed: a monthly volume stays what it says.
  EXPECT_EQ(folded("13.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.42.0"), "13.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.42.0");
}

TEST(ReadingTypeCanonical, FoldsVoltageAccumulationsButNeverPhases) {
  EXPECT_EQ(folded("0.0.0.6.0.1.54.0.0.0.0.0.0.0.128.0.29.0"), "0.0.0.12.0.1.54.0.0.0.0.0.0.0.128.0.29.0");
  EXPECT_EQ(folded("0.2.2.9.0.1.54.0.0.0.0.0.0.0.129.0.29.0"), "0.2.2.6.0.1.54.0.0.0.0.0.0.0.129.0.29.0");
  EXPECT_FALSE(same_meaning(type("0.0.0.12.0.1.54.0.0.0.0.0.0.0.128.0.29.0"),
                            type("0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0")));
}

TEST(ReadingTypeMeaning, IgnoresScaleAndSpellingButNotDirection) {
  EXPECT_TRUE(same_meaning(type("0.0.0.1.1.1.12.0.0.0.0.1.0.0.0.3.72.0"),
                           type("0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.0.72.0")));
  EXPECT_FALSE(same_meaning(type("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"),
                            type("0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.3.72.0")));
  EXPECT_FALSE(same_meaning(type("0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.128.0"),
                            type("0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.130.0")));
}

TEST(ReadingTypeQuantity, SaysUnknownForNothingAndOtherForWhatHasNoName) {
  EXPECT_EQ(quantity_of(ReadingType{}), Quantity::Unknown);
  EXPECT_EQ(quantity_of(type("0.0.0.12.0.1.38.0.0.0.0.0.0.0.0.0.65.0")), Quantity::Other);  // power factor
  EXPECT_EQ(quantity_of(type("0.0.0.1.1.7.12.0.0.0.0.0.0.0.0.0.72.0")), Quantity::Other);   // energy of gas
  EXPECT_EQ(quantity_of(type("0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.73.0")), Quantity::Other);   // reactive energy
  EXPECT_EQ(quantity_of(type("0.0.2.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0")), Quantity::Other);    // not a maximum
  EXPECT_EQ(quantity_of(type("0.0.0.12.0.1.4.0.0.0.0.0.0.0.768.0.5.0")), Quantity::Current);
  EXPECT_EQ(name_of(Quantity::DemandContinuousCumulative), "DEMAND_CONTINUOUS_CUMULATIVE");
}

TEST(ReadingTypeInterval, TellsDeltasAndPeriodAggregatesFromRegisters) {
  EXPECT_TRUE(is_interval(type("0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0")));
  EXPECT_TRUE(is_interval(type("11.0.4.4.1.7.58.0.0.0.0.0.0.0.0.0.42.0")));
  EXPECT_TRUE(is_interval(type("0.9.2.6.0.1.54.0.0.0.0.0.0.0.768.0.29.0")));
  EXPECT_FALSE(is_interval(type("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0")));
  EXPECT_FALSE(is_interval(type("8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0")));
  EXPECT_FALSE(is_interval(type("0.8.53.3.1.1.8.0.0.0.0.0.0.0.0.3.38.0")));
  EXPECT_FALSE(is_interval(type("0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0")));
}

TEST(ReadingTypeWords, DescribeTheTypeForAPerson) {
  EXPECT_EQ(describe(type("0.0.2.4.1.1.12.0.0.0.0.1.0.0.0.3.72.0")),
            "energy delivered, 15 min delta, TOU A, kWh");
  EXPECT_EQ(describe(type("8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0")),
            "demand delivered, 15 min block maximum indicating, billing period, kW");
  EXPECT_EQ(describe(type("0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.2.119.0")), "water volume delivered, bulk, CCF");
  EXPECT_EQ(describe(type("0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0")),
            "voltage, instantaneous, phase S1-S2, V");
}

TEST(MeasuringPeriod, HasACodeForEachIntervalLengthInUse) {
  EXPECT_EQ(measuring_period_code(60), 3);
  EXPECT_EQ(measuring_period_code(300), 6);
  EXPECT_EQ(measuring_period_code(600), 1);
  EXPECT_EQ(measuring_period_code(900), 2);
  EXPECT_EQ(measuring_period_code(1200), 31);
  EXPECT_EQ(measuring_period_code(1800), 5);
  EXPECT_EQ(measuring_period_code(3600), 7);
  EXPECT_EQ(measuring_period_code(14400), 80);
  EXPECT_EQ(measuring_period_code(86400), 4);
  for (const std::int64_t none :
       {std::int64_t{0}, std::int64_t{-900}, std::int64_t{1}, std::int64_t{901}, INT64_MAX}) {
    EXPECT_EQ(measuring_period_code(none), std::nullopt) << none;
  }
}

TEST(MeasuringPeriod, KnowsTheLengthOfWindowsAndOfNothingElse) {
  EXPECT_EQ(measuring_period_seconds(2), 900);
  EXPECT_EQ(measuring_period_seconds(53), 900);
  EXPECT_EQ(measuring_period_seconds(71), 900);
  EXPECT_EQ(measuring_period_seconds(64), 3600);
  for (const int none : {0, 15, 16, 101, -1, 9999})
    EXPECT_EQ(measuring_period_seconds(none), std::nullopt) << none;
}

}  // namespace
}  // namespace ami
