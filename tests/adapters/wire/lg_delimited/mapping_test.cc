// Decoded files through the shipped mapping: canonical values worked out by hand.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "meter_model/normaliser/mapping_yaml.h"
#include "meter_model/normaliser/normaliser.h"
#include "tests/adapters/wire/lg_delimited/render.h"

namespace ami::lg_delimited {
namespace {

FeedRules rules() {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  std::ifstream file(std::string(root == nullptr ? "." : root) + "/config/maps/lg-delimited.yaml");
  std::stringstream text;
  text << file.rdbuf();
  auto mapping = parse_mapping(text.str(), "lg-delimited.yaml");
  EXPECT_TRUE(mapping.ok()) << mapping.error().message;
  FeedRules rules;
  rules.mapping = std::move(mapping).value();
  rules.zone = Zone::load("America/Toronto").value();
  return rules;
}

NormalisedBatch normalised(const std::string& text, const Options& options = {}) {
  NormalisedBatch out;
  normalise(
      feed(text, options).batch, rules(),
      [](AliasKind, std::string_view, UtcInstant) {
        return ResolvedMeter{1, "2S", UtcInstant::min(), UtcInstant::max()};
      },
      *parse_instant("2026-02-01T00:00:00Z"), out);
  return out;
}

std::string text_of(const NormalisedBatch& batch) {
  std::string text;
  for (const auto& reading : batch.registers) {
    const auto& channel = batch.channels[reading.channel];
    text += channel.key + " " + channel.reading_type + " " + channel.unit + " " + to_text(reading.at) + " " +
            reading.value.to_string() + (reading.occurred_at ? " at " + to_text(*reading.occurred_at) : "") +
            "\n";
  }
  return text;
}

TEST(LgDelimitedMapping, EveryDocumentedColumnHasItsReadingType) {
  const auto batch = normalised(
      "ID~Meter~DateTime~kWh~Peak~PeakDateTime~Dmd~TouA~TouB~TouC~TouD~TouE~Volts~PF~PrevKWh~KWhRecv\n"
      "EMED01~M1~01152026120000AM~34315.482~2.66~01122026063000PM~1.5~1~2~3~4~5~241.2~0.98~33693~0.001\n");
  EXPECT_TRUE(batch.quarantined.empty());
  // Midnight in Toronto is 05:00Z in January; half past six in the evening is 23:30Z.
  EXPECT_EQ(text_of(batch),
            "lg-delimited:kWh 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 34315482\n"
            "lg-delimited:Peak 8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0 W 2026-01-15T05:00:00Z 2660 at "
            "2026-01-12T23:30:00Z\n"
            "lg-delimited:Dmd 0.0.0.12.1.1.37.0.0.0.0.0.0.0.0.0.38.0 W 2026-01-15T05:00:00Z 1500\n"
            "lg-delimited:TouA 0.0.0.9.1.1.12.0.0.0.0.1.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 1000\n"
            "lg-delimited:TouB 0.0.0.9.1.1.12.0.0.0.0.2.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 2000\n"
            "lg-delimited:TouC 0.0.0.9.1.1.12.0.0.0.0.3.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 3000\n"
            "lg-delimited:TouD 0.0.0.9.1.1.12.0.0.0.0.4.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 4000\n"
            "lg-delimited:TouE 0.0.0.9.1.1.12.0.0.0.0.5.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 5000\n"
            "lg-delimited:Volts 0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0 V 2026-01-15T05:00:00Z 241.2\n"
            "lg-delimited:PF 0.0.0.12.0.1.38.0.0.0.0.0.0.0.0.0.65.0 PF 2026-01-15T05:00:00Z 0.98\n"
            "lg-delimited:PrevKWh 8.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 33693000\n"
            "lg-delimited:KWhRecv 0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z 1\n");
}

TEST(LgDelimitedMapping, AColumnThatOnlyASiteKnowsIsQuarantined) {
  Options options;
  options.value_columns.push_back("kVARh");
  const auto batch = normalised("ID~Meter~DateTime~kVARh\nEMED01~M1~01152026120000AM~3\n", options);
  EXPECT_TRUE(batch.registers.empty());
  ASSERT_EQ(batch.quarantined.size(), 1U);
  EXPECT_EQ(batch.quarantined[0].reason, "unknown_unit");
}

TEST(LgDelimitedMapping, TheRepeatedHourOfAutumnIsQuarantinedNotGuessed) {
  const auto batch = normalised("ID~Meter~DateTime~kWh\nEMED01~M1~11022025013000AM~3\n");
  EXPECT_TRUE(batch.registers.empty());
  ASSERT_EQ(batch.quarantined.size(), 1U);
  EXPECT_EQ(batch.quarantined[0].reason, "ambiguous_local_time");
}

TEST(LgDelimitedMapping, IntervalsBeginAtTheStatedTimeAndTakeTheConstant) {
  Options options;
  options.intervals = Intervals{};
  const auto batch = normalised(
      "MEPMD01~1~P~~~M1~OK~E~KWH~2~000015~2~01152026120000AM~0.25~~0.5~\n"
      "MEPMD01~1~P~~~M1~OK~E~KWH~1~000015~1~01162026120000AM~1~Q\n",
      options);
  ASSERT_EQ(batch.intervals.size(), 1U);
  EXPECT_EQ(to_text(batch.intervals[0].first_start), "2026-01-15T05:00:00Z");
  EXPECT_EQ(batch.intervals[0].length, std::chrono::seconds{900});
  ASSERT_EQ(batch.intervals[0].mantissas.size(), 2U);
  const auto value = [&](std::size_t i) {
    return Decimal{*batch.intervals[0].mantissas[i], batch.intervals[0].exponent}.to_string();
  };
  EXPECT_EQ(Decimal::parse(value(0))->normalised(), Decimal::parse("500")->normalised());
  EXPECT_EQ(Decimal::parse(value(1))->normalised(), Decimal::parse("1000")->normalised());
  EXPECT_EQ(batch.channels[batch.intervals[0].channel].reading_type, "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
  ASSERT_EQ(batch.quarantined.size(), 1U);
  EXPECT_EQ(batch.quarantined[0].reason, "unknown_flag");
}

}  // namespace
}  // namespace ami::lg_delimited
