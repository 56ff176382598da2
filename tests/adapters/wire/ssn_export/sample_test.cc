// The real export of the Maui Smart Grid project. Expected figures were computed from the file with Python's
// xml.etree and decimal, apart from this code.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "meter_model/quantity/decimal.h"
#include "tests/adapters/wire/ssn_export/description.h"

namespace ami::ssn_export::testing {
namespace {

class SsnExportSample : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("AMI_SAMPLES_DIR");
    if (folder == nullptr || !std::filesystem::exists(std::string(folder) + "/ssn")) {
      GTEST_SKIP() << "no samples: AMI_SAMPLES_DIR has no ssn folder";
    }
    folder_ = std::string(folder) + "/ssn/";
  }
  std::string folder_;
};

Decimal sum(const std::vector<SeriesValue>& values) {
  Decimal total;
  for (const auto& value : values) total = *total.plus(*Decimal::parse(value.value));
  return total;
}

TEST_F(SsnExportSample, GivesAllRegisters) {
  const auto decoded = decode(read_file(folder_ + "meco_v3-energy-test-data.xml"));
  ASSERT_EQ(decoded.error, "");
  EXPECT_EQ(decoded.statistics.register_reads, 7U);
  EXPECT_EQ(decoded.statistics.registers, 56U);
  EXPECT_TRUE(decoded.batch.malformed.empty());
  EXPECT_EQ(decoded.batch.skipped, 0U);
  std::map<std::string, std::vector<std::string>> by_channel;
  for (const auto& observation : decoded.batch.observations) {
    const auto* series = std::get_if<SeriesObservation>(&observation);
    if (series == nullptr || series->kind != SeriesKind::Register) continue;
    EXPECT_EQ(series->meter, "100000");
    ASSERT_EQ(series->values.size(), 1U);
    by_channel[std::string(series->channel)].emplace_back(series->values[0].value);
  }
  ASSERT_EQ(by_channel.size(), 8U);
  EXPECT_EQ(by_channel["1010"],
            (std::vector<std::string>{"10802.4588", "10847.3459", "10870.8633", "10890.9324", "10913.5334",
                                      "10932.9907", "10963.3100"}));
  for (const auto* zero : {"1011", "1020", "1021", "2010", "2011", "2020", "2021"}) {
    EXPECT_EQ(by_channel[zero], std::vector<std::string>(7, "0.0000")) << zero;
  }
}

TEST_F(SsnExportSample, GivesBothKilowattHourChannelsApart) {
  const auto decoded = decode(read_file(folder_ + "meco_v3-energy-test-data.xml"));
  ASSERT_EQ(decoded.error, "");
  std::map<std::string, const SeriesObservation*> blocks;
  for (const auto& observation : decoded.batch.observations) {
    const auto* series = std::get_if<SeriesObservation>(&observation);
    if (series != nullptr && series->kind == SeriesKind::Interval)
      blocks[std::string(series->channel)] = series;
  }
  ASSERT_EQ(blocks.size(), 4U);
  const std::map<std::string, std::pair<const char*, const char*>> expected{{"lp:1", {"kWh", "1.4705"}},
                                                                            {"lp:2", {"kWh(rec)", "0"}},
                                                                            {"lp:3", {"kWh", "1.4705"}},
                                                                            {"lp:4", {"VrmsA-N", "1957"}}};
  for (const auto& [channel, unit_and_sum] : expected) {
    ASSERT_TRUE(blocks.contains(channel)) << channel;
    const auto& block = *blocks[channel];
    EXPECT_EQ(block.unit, unit_and_sum.first);
    EXPECT_EQ(block.interval, std::chrono::minutes(15));
    ASSERT_EQ(block.values.size(), 8U);
    EXPECT_EQ(sum(block.values), *Decimal::parse(unit_and_sum.second)) << channel;
    EXPECT_EQ(block.values.front().time.text, "2013-04-08T00:15:00.000-10:00");
    EXPECT_EQ(block.values.back().time.text, "2013-04-08T02:00:00.000-10:00");
    EXPECT_EQ(block.block_end_values.size(), block.unit == "kWh" ? 8U : 0U);
  }
  EXPECT_EQ(blocks["lp:1"]->block_end_values.front().second, "10798.1619");
  EXPECT_EQ(blocks["lp:3"]->block_end_values.front().second, "10202.2547");
  EXPECT_EQ(blocks["lp:1"]->values.front().raw_count, "363");
  EXPECT_EQ(decoded.statistics.stated_above_present, 1U);  // 671 intervals stated, 8 there
}

TEST_F(SsnExportSample, GivesEventsAndWhereTheyStand) {
  const auto decoded = decode(read_file(folder_ + "meco_v3-energy-test-data.xml"));
  ASSERT_EQ(decoded.batch.observations.size(), 56U + 4U + 4U);
  const auto& event = std::get<EventObservation>(decoded.batch.observations[60]);
  EXPECT_EQ(event.code, "METER_HAN_COMM_FAILURE");
  EXPECT_EQ(event.text, "Meter HAN communication with device failed. HAN Device: 00:1b:c5:00:72:00:10:e7");
  EXPECT_EQ(event.time.text, "2013-04-10T09:10:42.723-10:00");
  EXPECT_EQ(event.created.text, "2013-04-15T00:00:00.850-10:00");
  // Offsets of the elements as a text search finds them in the file.
  EXPECT_EQ(head_of(decoded.batch.observations[0]).offset, 571U);
  EXPECT_EQ(head_of(decoded.batch.observations[56]).offset, 6600U);
  EXPECT_EQ(event.offset, 10759U);
}

TEST_F(SsnExportSample, ConstructedFileGivesOneOfEach) {
  const auto decoded = decode(read_file(folder_ + "constructed-event.xml"));
  EXPECT_EQ(decoded.error, "");
  EXPECT_EQ(describe(decoded.batch),
            "register meter=FA10000001/BADGE channel=1010 measure=Summation unit=kWh tou=0 "
            "created=2026-01-15T00:00:00.850@-300\n"
            "  2026-01-14T06:00:00@-300 value=34315.4820 raw=-\n"
            "interval meter=FA10000001/BADGE channel=lp:1 measure=Reading unit=kWh tou=- "
            "created=2026-01-15T00:00:00.850@-300 length=900\n"
            "  2026-01-14T00:15:00@-300 value=0.2500 raw=500\n"
            "  end of 0 34315.4820\n"
            "skipped 0\n");
}

}  // namespace
}  // namespace ami::ssn_export::testing
