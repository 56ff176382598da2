// Decoded files through the shipped mapping: canonical values worked out by hand.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "meter_model/normaliser/mapping_yaml.h"
#include "meter_model/normaliser/normaliser.h"
#include "tests/adapters/wire/delimited/render.h"

namespace ami::delimited {
namespace {

const std::string kHead =
    "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n";

Mapping shipped() {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  std::ifstream file(std::string(root == nullptr ? "." : root) + "/config/maps/delimited.yaml");
  std::stringstream text;
  text << file.rdbuf();
  auto mapping = parse_mapping(text.str(), "delimited.yaml");
  EXPECT_TRUE(mapping.ok()) << mapping.error().message;
  return std::move(mapping).value();
}

NormalisedBatch normalised(const std::string& text, const Options& options, Mapping mapping = shipped()) {
  FeedRules rules;
  rules.mapping = std::move(mapping);
  rules.zone = Zone::load("America/Toronto").value();
  rules.stale_after = std::chrono::hours{12};
  NormalisedBatch out;
  normalise(
      feed(text, options).batch, rules,
      [](AliasKind kind, std::string_view id, UtcInstant) -> std::optional<ResolvedMeter> {
        if (kind != AliasKind::ManufacturerSerial || id == "W9") return std::nullopt;
        return ResolvedMeter{1, "", UtcInstant::min(), UtcInstant::max()};
      },
      *parse_instant("2026-01-16T00:00:00Z"), out);
  return out;
}

std::string text_of(const NormalisedBatch& batch) {
  std::string text;
  for (const auto& reading : batch.registers) {
    const auto& channel = batch.channels[reading.channel];
    text += channel.key + " " + channel.reading_type + " " + channel.unit + " " + to_text(reading.at) + " " +
            reading.value.to_string();
    const ValueQuality& quality = batch.qualities[reading.quality];
    for (const QualityCode& code : quality.codes) text += " " + code.to_string();
    if (!quality.vendor_flag.empty()) text += " " + quality.vendor_flag;
    text += "\n";
  }
  for (const auto& item : batch.quarantined) text += "! " + item.meter + " " + item.reason + "\n";
  return text;
}

TEST(DelimitedMapping, EveryUnitOfTheTableHasItsReadingType) {
  Options options = site();
  options.kinds = {{"1", "", "water", "m3"},  {"2", "", "water", "L"},      {"3", "", "water", "ft3"},
                   {"4", "", "water", "ccf"}, {"5", "", "water", "US gal"}, {"6", "", "water", "Imp gal"},
                   {"7", "", "gas", "m3"},    {"8", "", "gas", "ft3"},      {"9", "", "gas", "ccf"}};
  std::string text = kHead;
  for (int type = 1; type <= 9; ++type)
    text += "W1,1,2," + std::to_string(type) + ",12.5,,,2026-01-15 17:00:00.000,2026-01-15 12:00:00.000,1\n";
  // A hundred cubic feet is the foot with a multiplier of 100: 12.5 ccf = 1250 ft3.
  EXPECT_EQ(text_of(normalised(text, options)),
            "delimited:emtr:2 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.42.0 m3 2026-01-15T17:00:00Z 12.5\n"
            "delimited:emtr:2 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.134.0 L 2026-01-15T17:00:00Z 12.5\n"
            "delimited:emtr:2 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-01-15T17:00:00Z 12.5\n"
            "delimited:emtr:2 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-01-15T17:00:00Z 1250\n"
            "delimited:emtr:2 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.128.0 USgal 2026-01-15T17:00:00Z 12.5\n"
            "delimited:emtr:2 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.130.0 ImpGal 2026-01-15T17:00:00Z 12.5\n"
            "delimited:emtr:2 0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.42.0 m3 2026-01-15T17:00:00Z 12.5\n"
            "delimited:emtr:2 0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-01-15T17:00:00Z 12.5\n"
            "delimited:emtr:2 0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-01-15T17:00:00Z 1250\n");
}

TEST(DelimitedMapping, AGallonThatIsNotSaidToBeUsOrImperialIsQuarantinedUntilASiteSays) {
  Options options = site();
  options.kinds = {{"", "", "water", "GAL"}};
  const std::string text = kHead + "W1,1,1,1,100,,,2026-01-15 17:00,,1\n";
  EXPECT_EQ(text_of(normalised(text, options)), "! W1 unknown_unit\n");
  const auto assumed = parse_mapping(
      "units:\n  - {unit: GAL, commodity: water, reading_type: 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.130.0, "
      "assumed: asked}\n",
      "site");
  ASSERT_TRUE(assumed.ok());
  EXPECT_EQ(text_of(normalised(text, options, overlay(shipped(), *assumed))),
            "delimited:emtr:1 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.130.0 ImpGal 2026-01-15T17:00:00Z 100\n");
}

TEST(DelimitedMapping, AReadOlderThanTheLimitWhenItCameIsStoredAtItsOwnTimeAndMarked) {
  // Received at midnight: noon is exactly twelve hours old, a second earlier is older.
  const std::string text = kHead +
                           "W1,1,1,2212,7,,,2026-01-15 12:00:00,,1\n"
                           "W1,1,1,2212,7,,,2026-01-15 11:59:59,,1\n"
                           "W1,1,1,2212,7,,,2026-01-01 00:00:00,,0\n";
  EXPECT_EQ(
      text_of(normalised(text, site())),
      "delimited:emtr:1 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-01-15T12:00:00Z 7\n"
      "delimited:emtr:1 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-01-15T11:59:59Z 7 2.10.0\n"
      "delimited:emtr:1 0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.119.0 ft3 2026-01-01T00:00:00Z 7 2.10.0 inactive\n");
}

TEST(DelimitedMapping, AFailedReadIsMissingAndNeitherZeroNorQuarantined) {
  const auto batch = normalised(kHead + "W1,1,1,2212,ERROR,5,1,2026-01-15 17:00,,1\n", site());
  EXPECT_EQ(text_of(batch), "");
  EXPECT_EQ(batch.missing_values, 1U);
}

TEST(DelimitedMapping, ADeviceThatNobodyKnowsIsQuarantinedWithItsRecord) {
  const auto batch = normalised(kHead + "W9,1,1,2212,5,,,2026-01-15 17:00,,1\n", site());
  EXPECT_EQ(text_of(batch), "! W9 unknown_meter\n");
  EXPECT_EQ(batch.quarantined.at(0).raw, kHead + "W9,1,1,2212,5,,,2026-01-15 17:00,,1\n");
}

}  // namespace
}  // namespace ami::delimited
