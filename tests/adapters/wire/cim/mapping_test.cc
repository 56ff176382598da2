// Decoded messages through the shipped mappings: canonical values worked out by hand.
#include <gtest/gtest.h>

#include "meter_model/normaliser/mapping_yaml.h"
#include "meter_model/normaliser/normaliser.h"
#include "tests/adapters/wire/cim/render.h"

namespace ami::cim {
namespace {

std::string shipped(const std::string& path) {
  return read_file(test_folder() + "../../../../config/" + path);
}

FeedRules rules(const std::string& events = "maps/cim-events.yaml") {
  FeedRules rules;
  auto mapping = parse_mapping(shipped("maps/cim.yaml"), "cim.yaml");
  EXPECT_TRUE(mapping.ok()) << mapping.error().message;
  if (mapping) rules.mapping = std::move(mapping).value();
  auto map = EventMap::parse(shipped("codes/events.yaml"), shipped(events), events);
  EXPECT_TRUE(map.ok()) << map.error().message;
  if (map) rules.events = std::move(map).value();
  rules.zone = Zone::utc();
  return rules;
}

NormalisedBatch normalised(const std::string& text, const FeedRules& feed = rules()) {
  NormalisedBatch out;
  const auto decoded = decode(text, with_landis_gyr());
  EXPECT_TRUE(decoded.ok());
  if (!decoded) return out;
  normalise(
      decoded->batch, feed,
      [](AliasKind, std::string_view, UtcInstant) {
        return ResolvedMeter{1, "2S", UtcInstant::min(), UtcInstant::max()};
      },
      *parse_instant("2026-02-10T00:00:00Z"), out);
  return out;
}

std::string registers_of(const NormalisedBatch& batch) {
  std::string text;
  for (const auto& reading : batch.registers) {
    const auto& channel = batch.channels[reading.channel];
    text += channel.reading_type + " " + channel.unit + " " + to_text(reading.at) + " " +
            Decimal(reading.value.normalised()).to_string();
    for (const auto& code : batch.qualities[reading.quality].codes) text += " " + code.to_string();
    text += " [" + batch.qualities[reading.quality].vendor_flag + "]\n";
  }
  return text;
}

TEST(CimMapping, ReadingTypesAreTakenAsSentAndFoldedToTheTableOfRecord) {
  const auto batch = normalised(read_file(test_folder() + "golden/second_edition.xml"));
  EXPECT_EQ(registers_of(batch),
            "0.0.2.9.1.2.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:15:00Z 6519095.5 []\n"
            "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 34315482 []\n"
            "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0 W 2026-01-12T23:30:00Z 2660 2.0.0 [2.0.0]\n");
  ASSERT_EQ(batch.intervals.size(), 1U);
  EXPECT_EQ(to_text(batch.intervals[0].first_start), "2026-01-15T05:00:00Z");
  ASSERT_EQ(batch.intervals[0].mantissas.size(), 2U);
  ASSERT_TRUE(batch.intervals[0].mantissas[0].has_value());
  EXPECT_EQ((Decimal{*batch.intervals[0].mantissas[0], batch.intervals[0].exponent}), (Decimal{250, 0}));
  EXPECT_FALSE(batch.intervals[0].mantissas[1].has_value());  // sent without a value: missing, not zero
  EXPECT_EQ(batch.missing_values, 1U);
  const auto& quality = batch.qualities[batch.intervals[0].quality[0]];
  EXPECT_EQ(quality.vendor_flag, "1.0.0 5.4.260");
  EXPECT_EQ(quality.codes, (QualitySet{{1, 0, 0}, {5, 4, 260}}));
  ASSERT_EQ(batch.quarantined.size(), 1U);  // what the codec refused
  EXPECT_EQ(batch.quarantined[0].reason, "interval_mismatch");
}

TEST(CimMapping, ShortCodesOfTheFirstEditionAndUnknownFlagsAreQuarantined) {
  const auto batch = normalised(read_file(test_folder() + "golden/first_edition.xml"));
  EXPECT_TRUE(batch.registers.empty());
  ASSERT_EQ(batch.quarantined.size(), 2U);
  EXPECT_EQ(batch.quarantined[0].reason, "unknown_flag");  // "VALID"
  EXPECT_EQ(batch.quarantined[1].reason, "unknown_unit");  // 1.3.0.12
}

std::string one_reading(const std::string& type, const std::string& quality) {
  return "<EventMessage "
         "xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Header><Verb>created</Verb></Header><Payload>"
         "<MeterReadings "
         "xmlns=\"http://iec.ch/TC57/2011/MeterReadings#\"><MeterReading><Meter><mRID>M</mRID></Meter>"
         "<Readings><timeStamp>2026-01-15T00:00:00Z</timeStamp><value>1</value>" +
         (quality.empty()
              ? ""
              : "<ReadingQualities><ReadingQualityType ref=\"" + quality + "\"/></ReadingQualities>") +
         "<ReadingType ref=\"" + type +
         "\"/></Readings></MeterReading></MeterReadings></Payload></EventMessage>";
}

TEST(CimMapping, SpellingsOfOneFeedFoldToOurs) {
  const auto type = [](const char* sent) {
    const auto batch = normalised(one_reading(sent, ""));
    return batch.channels.empty() ? std::string("-") : batch.channels[0].reading_type;
  };
  EXPECT_EQ(type("13.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"), "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(type("13.0.0.9.1.1.12.0.0.0.0.3.0.0.0.3.72.0"), "0.0.0.9.1.1.12.0.0.0.0.3.0.0.0.0.72.0");
  EXPECT_EQ(type("13.8.0.6.1.1.8.0.0.0.0.1.0.0.0.0.38.0"), "8.8.53.6.1.1.8.0.0.0.0.1.0.0.0.0.38.0");
  EXPECT_EQ(type("0.0.0.6.0.1.54.0.0.0.0.0.0.0.128.0.29.0"), "0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0");
  EXPECT_EQ(type("0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.42.0"), "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.42.0");
  EXPECT_EQ(type("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.9999.0"), "-");  // no such unit
  EXPECT_EQ(type("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.0.0"), "-");     // no unit
}

TEST(CimMapping, ASendersOwnWordOfOurValidationMeansNothingMore) {
  const auto batch = normalised(one_reading("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0", "2.0.1"));
  ASSERT_EQ(batch.registers.size(), 1U);
  const auto& quality = batch.qualities[batch.registers[0].quality];
  EXPECT_TRUE(quality.codes.empty());
  EXPECT_EQ(quality.vendor_flag, "2.0.1");
}

TEST(CimMapping, EventsResolveByTheTableOfRecordAndByTheVendorsOwnMap) {
  const auto standard = normalised(read_file(test_folder() + "golden/first_edition.xml"));
  ASSERT_EQ(standard.events.size(), 1U);
  EXPECT_EQ(standard.events[0].kind, "OUTAGE");
  EXPECT_EQ(standard.events[0].raw_code, "3.26.9.185");
  const std::string text = read_file(test_folder() + "golden/command_center.xml");
  const auto vendor = normalised(text, rules("maps/cim-lg-events.yaml"));
  ASSERT_EQ(vendor.events.size(), 1U);
  EXPECT_EQ(vendor.events[0].kind, "OUTAGE");
  EXPECT_EQ(vendor.events[0].code, "3.26.0.47");
  EXPECT_EQ(vendor.events[0].vendor, "cim-lg");
  EXPECT_EQ(vendor.events[0].raw_text, "POWER_FAIL");
  const auto other = normalised(text, rules("maps/cim-trilliant-events.yaml"));
  ASSERT_EQ(other.events.size(), 1U);
  EXPECT_EQ(other.events[0].vendor, "cim-trilliant");
}

}  // namespace
}  // namespace ami::cim
