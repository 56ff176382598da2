// Wires that speak the standard's own words: reading types as units, quality codes as flags.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/meter_model/normaliser/scene.h"

namespace ami {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

testing::Scene scene(const std::string& yaml) {
  testing::Scene scene;
  auto mapping = parse_mapping("version: 1\nwire: cim\n" + yaml, "m");
  EXPECT_TRUE(mapping.ok()) << (mapping ? "" : mapping.error().message);
  if (mapping) scene.rules.mapping = std::move(mapping).value();
  scene.meter("M", 1);
  return scene;
}

constexpr const char* kAsSent = "units: [{unit: \"*\", reading_type: \"{unit}\"}]\n";

TEST(ReadingTypeAsUnit, IsTakenAsSentInTheCanonicalForm) {
  auto s = scene(std::string(kAsSent) + "flags: {\"\": {}}\n");
  s.registers("M", "13.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0", {{"1.5", "", "2026-01-15T00:00:00Z", ""}});
  s.intervals("M", "0.0.2.4.19.1.12.0.0.0.0.0.0.0.0.3.72.0", std::chrono::minutes{15},
              {{"0.25", "", "2026-01-15T00:15:00Z", ""}});
  const auto batch = s.run();
  EXPECT_TRUE(batch.quarantined.empty());
  ASSERT_EQ(batch.channels.size(), 2U);
  EXPECT_EQ(batch.channels[0].reading_type, "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(batch.channels[1].reading_type, "0.0.2.4.19.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(batch.registers.at(0).value, (Decimal{1500, 0}));
}

TEST(ReadingTypeAsUnit, WhatIsNoneIsAnUnknownUnitAndOneRulePerUnitComesFirst) {
  auto s = scene(
      "units:\n  - {unit: kWh, reading_type: 0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.3.72.0}\n"
      "  - {unit: \"*\", reading_type: \"{unit}\"}\nflags: {\"\": {}}\n");
  for (const char* unit : {"kWh", "1.2.3", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.9999.0", "", "{unit}",
                           "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.0.0"})
    s.registers("M", unit, {{"1", "", "2026-01-15T00:00:00Z", ""}});
  const auto batch = s.run();
  ASSERT_EQ(batch.registers.size(), 1U);
  EXPECT_EQ(batch.channels[batch.registers[0].channel].reading_type,
            "0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_THAT(testing::reasons(batch),
              ElementsAre("unknown_unit", "unknown_unit", "unknown_unit", "unknown_unit", "unknown_unit"));
}

TEST(ReadingTypeAsUnit, TheStarAndTheFieldGoTogether) {
  const auto problem = [](const char* rule) {
    const auto mapping = parse_mapping(std::string("units:\n  - ") + rule + "\n", "m");
    return mapping ? std::string("none") : mapping.error().message;
  };
  EXPECT_EQ(problem("{unit: \"*\", reading_type: \"{unit}\"}"), "none");
  EXPECT_THAT(problem("{unit: \"*\", reading_type: 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0}"),
              HasSubstr("m:2: "));
  EXPECT_THAT(problem("{unit: kWh, reading_type: \"{unit}\"}"), HasSubstr("go together"));
}

constexpr const char* kCodes = "flags_are_codes: true\nflags: {\"\": {claims_value: false}, R: {}}\n";

TEST(CodesAsFlags, AreTheQualityAndStayTheVendorsFlag) {
  auto s = scene(std::string(kAsSent) + kCodes);
  s.registers("M", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0",
              {{"1", "1.0.0 5.4.260", "2026-01-15T00:00:00Z", ""},
               {"2", "1.0.0 5.4.260", "2026-01-15T01:00:00Z", ""}});
  const auto batch = s.run();
  ASSERT_EQ(batch.registers.size(), 2U);
  const auto& quality = batch.qualities[batch.registers[0].quality];
  EXPECT_EQ(quality.codes, (QualitySet{{1, 0, 0}, {5, 4, 260}}));
  EXPECT_EQ(quality.vendor_flag, "1.0.0 5.4.260");
  EXPECT_EQ(batch.registers[1].quality, batch.registers[0].quality);
}

TEST(CodesAsFlags, OfOurOwnValidationAddNothing) {
  const auto rule = rule_of_codes("2.0.1 2.6.0 1.0.0");
  ASSERT_TRUE(rule.has_value());
  EXPECT_EQ(rule->quality, (QualitySet{{1, 0, 0}}));
  EXPECT_FALSE(rule->missing);
}

TEST(CodesAsFlags, WhatIsNoCodeIsLookedUpAsLettersAndElseUnknown) {
  for (const char* flag : {"VALID", "1.0", "1.0.0,2.0.0", "1.0.0  2.0.0", "9.0.0", " 1.0.0"})
    EXPECT_FALSE(rule_of_codes(flag).has_value()) << flag;
  auto s = scene(std::string(kAsSent) + kCodes);
  s.registers("M", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0",
              {{"1", "R0", "2026-01-15T00:00:00Z", ""}, {"2", "VALID", "2026-01-15T01:00:00Z", ""}});
  const auto batch = s.run();
  ASSERT_EQ(batch.registers.size(), 1U);
  EXPECT_EQ(batch.registers[0].value, (Decimal{1000, 0}));  // 1 kWh
  EXPECT_THAT(testing::reasons(batch), ElementsAre("unknown_flag"));
}

TEST(CodesAsFlags, AnEmptyValueUnderThemIsMissingNotTrouble) {
  auto s = scene(std::string(kAsSent) + kCodes);
  s.registers("M", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0",
              {{"", "1.4.0", "2026-01-15T00:00:00Z", ""}, {"", "", "2026-01-15T01:00:00Z", ""}});
  const auto batch = s.run();
  EXPECT_TRUE(batch.registers.empty());
  EXPECT_TRUE(batch.quarantined.empty());
  EXPECT_EQ(batch.missing_values, 2U);
}

TEST(CodesAsFlags, AreOffUnlessTheMappingSaysSo) {
  auto s = scene(std::string(kAsSent) + "flags: {\"\": {}}\n");
  s.registers("M", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0", {{"1", "1.0.0", "2026-01-15T00:00:00Z", ""}});
  EXPECT_THAT(testing::reasons(s.run()), ElementsAre("unknown_flag"));
}

}  // namespace
}  // namespace ami
