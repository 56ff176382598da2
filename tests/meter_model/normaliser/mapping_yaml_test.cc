#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meter_model/normaliser/mapping_yaml.h"

namespace ami {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string problems(const std::string& yaml) {
  const auto mapping = parse_mapping(yaml, "site.yaml");
  return mapping ? "" : mapping.error().message;
}

TEST(MappingYaml, ReadsEveryKey) {
  const auto mapping = parse_mapping(R"(version: 3
wire: cmep
units:
  - {unit: KWHREG, measure: MEPMD01, commodity: E, kind: register, channel: KWHREG, tou: "*", assumed: because,
     reading_type: "0.0.0.9.1.1.12.0.0.0.0.{tou}.0.0.0.3.72.0", phases_by_form: {2S: 768}}
  - {unit: KWH, kind: interval, reading_type: "0.0.{period}.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"}
tou: {TOTAL: 0, ON-PEAK: 1}
flags: {"": {quality: [2.0.0]}, R: {}, S:, E: {quality: [2.8.0, 2.7.0]}, N: {missing: true}, X: {claims_value: false}}
raw_scale: {"lp:1": "0.0005"}
)",
                                     "site.yaml");
  ASSERT_TRUE(mapping.ok()) << mapping.error().message;
  EXPECT_EQ(mapping->version, 3);
  EXPECT_EQ(mapping->wire, "cmep");
  ASSERT_EQ(mapping->units.size(), 2U);
  const UnitRule& rule = mapping->units[0];
  EXPECT_EQ(rule.unit, "KWHREG");
  EXPECT_EQ(rule.measure, "MEPMD01");
  EXPECT_EQ(rule.commodity, "E");
  EXPECT_EQ(rule.kind, SeriesKind::Register);
  EXPECT_EQ(rule.channel, "KWHREG");
  EXPECT_EQ(rule.tou, "*");
  EXPECT_EQ(rule.assumed, "because");
  EXPECT_EQ(rule.phases_by_form.at("2S"), 768);
  EXPECT_EQ(mapping->units[1].kind, SeriesKind::Interval);
  EXPECT_EQ(mapping->units[1].tou, std::nullopt);
  EXPECT_EQ(mapping->tou.at("ON-PEAK"), 1);
  EXPECT_EQ(mapping->flags.size(), 6U);
  EXPECT_EQ(mapping->flags.at("E").quality, (QualitySet{{2, 7, 0}, {2, 8, 0}}));
  EXPECT_TRUE(mapping->flags.at("N").missing);
  EXPECT_FALSE(mapping->flags.at("X").claims_value);
  EXPECT_TRUE(mapping->flags.at("S").claims_value);
  EXPECT_EQ(mapping->raw_scale.at("lp:1"), (Decimal{5, -4}));
}

TEST(MappingYaml, UnknownKeyNamesFileLineAndTheNearestKnownKey) {
  EXPECT_EQ(problems("version: 1\nwire: cmep\nuntis: []\n"),
            "site.yaml:3: mapping: unknown key 'untis', nearest is 'units'");
  EXPECT_THAT(problems("units:\n  - {unit: KWH, reading_typ: 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0}\n"),
              HasSubstr("site.yaml:2: unit rule: unknown key 'reading_typ', nearest is 'reading_type'"));
  EXPECT_THAT(problems("flags:\n  N:\n    mising: true\n"),
              HasSubstr("site.yaml:3: flag 'N': unknown key 'mising'"));
}

TEST(MappingYaml, AllProblemsAreReportedNotOnlyTheFirst) {
  EXPECT_THAT(problems("version: x\nwire: cmep\ntou: {A: -1}\nraw_scale: {c: 0}\n"),
              AllOf(HasSubstr("site.yaml:1: version: 'x'"), HasSubstr("site.yaml:3: tou: '-1'"),
                    HasSubstr("site.yaml:4: raw_scale: '0'")));
}

TEST(MappingYaml, RefusesAReadingTypeThatIsNotOne) {
  EXPECT_THAT(problems("units:\n  - {unit: KWH, reading_type: 0.0.0.1.1.1.12}\n"),
              HasSubstr("site.yaml:2: reading_type: "));
  EXPECT_THAT(
      problems("units:\n  - {unit: KWH, reading_type: \"0.0.{perod}.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0\"}\n"),
      HasSubstr("site.yaml:2: reading_type: "));
}

TEST(MappingYaml, PeriodOnlyMakesSenseForIntervals) {
  EXPECT_THAT(
      problems("units:\n  - {unit: KWH, reading_type: \"0.0.{period}.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0\"}\n"),
      HasSubstr("{period} needs kind: interval"));
}

TEST(MappingYaml, RuleNeedsUnitAndReadingType) {
  EXPECT_THAT(problems("units:\n  - {measure: MEPMD01}\n"),
              AllOf(HasSubstr("unit rule without 'unit'"), HasSubstr("unit rule without 'reading_type'")));
  EXPECT_THAT(problems("units:\n  -\n"), HasSubstr("unit rule is empty"));
}

TEST(MappingYaml, RefusesWrongShapes) {
  EXPECT_THAT(problems("- a\n- b\n"), HasSubstr("site.yaml:1: mapping must be a mapping"));
  EXPECT_THAT(problems("units: {a: b}\n"), HasSubstr("units must be a list of rules"));
  EXPECT_THAT(problems("tou: [1]\n"), HasSubstr("tou must be a mapping"));
  EXPECT_THAT(problems("wire: [1]\nversion: 1\n"), HasSubstr("site.yaml:1: wire must be one word"));
  EXPECT_THAT(problems("flags: {E: {quality: 2.8.0}}\n"), HasSubstr("quality must be a list"));
  EXPECT_THAT(problems("flags: {E: {quality: [8]}}\n"), HasSubstr("site.yaml:1: flag 'E': "));
  // Else a reader could not tell the vendor's words from our own findings.
  for (const char* code : {"2.0.1", "2.5.258", "2.6.0"}) {
    EXPECT_THAT(problems("flags: {E: {quality: [" + std::string(code) + "]}}\n"),
                HasSubstr(std::string(code) + " is only said by the gateway's own validation"));
  }
  EXPECT_EQ(problems("flags: {E: {quality: [1.5.258, 3.0.1, 2.6.7]}}\n"), problems("flags: {E: {}}\n"));
  EXPECT_THAT(problems("flags: {E: {missing: maybe}}\n"), HasSubstr("neither true nor false"));
  EXPECT_THAT(
      problems("units:\n  - {unit: KWH, kind: both, reading_type: 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0}\n"),
      HasSubstr("'both' is neither register nor interval"));
}

TEST(MappingYaml, FlagsAreLettersOnly) {
  EXPECT_THAT(problems("flags: {R0: {}}\n"), HasSubstr("flag 'R0' must be letters"));
}

TEST(MappingYaml, AWholeFlagStandsBehindAnEqualsSignAndComesFirst) {
  const auto map = parse_mapping("flags: {R: {}, \"=4\": {quality: [1.4.2]}, \"=R7\": {missing: true}}\n", "m");
  ASSERT_TRUE(map.ok()) << map.error().message;
  ASSERT_NE(flag_rule(*map, "4"), nullptr);
  EXPECT_EQ(flag_rule(*map, "4")->quality, (QualitySet{{1, 4, 2}}));
  EXPECT_EQ(flag_rule(*map, "44"), nullptr);  // a number alone is known as a whole or not at all
  ASSERT_NE(flag_rule(*map, "R7"), nullptr);
  EXPECT_TRUE(flag_rule(*map, "R7")->missing);
  ASSERT_NE(flag_rule(*map, "R8"), nullptr);
  EXPECT_FALSE(flag_rule(*map, "R8")->missing);
  EXPECT_EQ(flag_rule(*map, ""), nullptr);
}

TEST(MappingYaml, KeyGivenTwiceIsAProblem) {
  EXPECT_THAT(problems("tou: {A: 1, A: 2}\n"), HasSubstr("'A' is given twice"));
  EXPECT_THAT(problems("tou: {A: 1}\ntou: {B: 2}\n"),
              HasSubstr("site.yaml:2: mapping: key 'tou' is given twice"));
}

TEST(MappingYaml, BrokenYamlNamesTheLine) {
  EXPECT_THAT(problems("version: 1\nunits: [\n"), HasSubstr("site.yaml:"));
  EXPECT_NE(problems("a: b: c\n"), "");
}

TEST(MappingYaml, WireNeedsItsVersionButAnOverlayMayLeaveBothOut) {
  EXPECT_THAT(problems("wire: cmep\n"), HasSubstr("needs 'version'"));
  EXPECT_EQ(problems("tou: {A: 1}\n"), "");
  EXPECT_EQ(problems(""), "");
}

TEST(MappingOverlay, ItsRulesComeFirstAndItsEntriesReplace) {
  const auto base = parse_mapping(R"(version: 2
wire: cmep
units:
  - {unit: KWHREG, reading_type: 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0}
tou: {A: 1, B: 2}
flags: {R: {}, N: {missing: true}}
)",
                                  "base");
  const auto mine = parse_mapping(R"(
units:
  - {unit: SKWHREG, reading_type: 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0, assumed: plain kWh}
tou: {B: 3}
flags: {R: {quality: [2.0.0]}}
raw_scale: {c: "0.1"}
)",
                                  "mine");
  ASSERT_TRUE(base.ok() && mine.ok());
  const Mapping both = overlay(*base, *mine);
  EXPECT_EQ(both.version, 2);
  EXPECT_EQ(both.wire, "cmep");
  ASSERT_EQ(both.units.size(), 2U);
  EXPECT_EQ(both.units[0].unit, "SKWHREG");
  EXPECT_EQ(both.tou.at("A"), 1);
  EXPECT_EQ(both.tou.at("B"), 3);
  EXPECT_EQ(both.flags.at("R").quality.size(), 1U);
  EXPECT_TRUE(both.flags.at("N").missing);
  EXPECT_EQ(both.raw_scale.size(), 1U);
}

TEST(MappingOverlay, VersionTellsBoth) {
  Mapping base, mine;
  base.version = 2;
  mine.version = 14;
  EXPECT_EQ(overlay(base, mine).version, 2014);
}

}  // namespace
}  // namespace ami
