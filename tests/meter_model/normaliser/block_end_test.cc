#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

#include "meter_model/normaliser/block_end_check.h"
#include "scene.h"

namespace ami::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Indices of the slots that carry 2.6.0, in time order.
std::vector<std::size_t> failed(const NormalisedBatch& out) {
  std::vector<std::size_t> found;
  std::size_t slot = 0;
  for (const IntervalRun& run : out.intervals) {
    for (const std::uint32_t quality : run.quality) {
      const QualitySet& codes = out.qualities.at(quality).codes;
      if (std::ranges::find(codes, QualityCode{2, 6, 0}) != codes.end()) found.push_back(slot);
      ++slot;
    }
  }
  return found;
}

struct Block {
  std::string value, raw_count, register_at_end;
};

NormalisedBatch run(const std::vector<Block>& blocks, const std::string& constant = "") {
  Scene scene;
  scene.meter("M1", 1);
  std::vector<Said> values;
  for (const Block& block : blocks) {
    values.push_back({block.value, "R", values.empty() ? "2026-01-15T05:15:00Z" : "", block.raw_count});
  }
  SeriesObservation& said = scene.intervals("M1", "KWH", 900s, values);
  said.constant = scene.batch.text(constant);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].register_at_end.empty()) continue;
    said.block_end_values.emplace_back(static_cast<std::uint32_t>(i),
                                       scene.batch.text(blocks[i].register_at_end));
  }
  return scene.run();
}

// Counts of 0.0005 kWh and registers of four places: the sum may be off by less than 2 x 0.0005 + 0.0001 =
// 0.0011.
TEST(BlockEnds, SumThatAgreesWithinTheBoundIsLeftAlone) {
  EXPECT_THAT(failed(run({{"0.2000", "400", "100.0000"}, {"0.2000", "400", "100.2010"}})), IsEmpty());
  EXPECT_THAT(failed(run({{"0.2000", "400", "100.0000"}, {"0.2000", "400", "100.1990"}})), IsEmpty());
}

TEST(BlockEnds, SumAtTheBoundMarksTheSlotsBetweenInBothDirections) {
  EXPECT_THAT(failed(run({{"0.2000", "400", "100.0000"}, {"0.2000", "400", "100.2011"}})), ElementsAre(1));
  EXPECT_THAT(failed(run({{"0.2000", "400", "100.0000"}, {"0.2000", "400", "100.1989"}})), ElementsAre(1));
}

TEST(BlockEnds, AllSlotsOfADisagreeingStretchAreMarkedAndNoOthers) {
  EXPECT_THAT(failed(run({{"0.2000", "400", "100.0000"},
                          {"0.2000", "400", ""},
                          {"0.2000", "400", "100.5000"},
                          {"0.2000", "400", "100.7000"}})),
              ElementsAre(1, 2));
}

TEST(BlockEnds, MarkedValuesAreStoredAsSaid) {
  const NormalisedBatch out = run({{"0.2000", "400", "100.0000"}, {"0.2000", "400", "105.0000"}});
  ASSERT_EQ(out.intervals.size(), 1U);
  EXPECT_EQ((Decimal{*out.intervals[0].mantissas.at(1), out.intervals[0].exponent}), (Decimal{200, 0}));
}

TEST(BlockEnds, StretchWithAMissingValueCannotBeJudged) {
  EXPECT_THAT(failed(run({{"0.2000", "400", "100.0000"}, {"", "", ""}, {"0.2000", "400", "109.0000"}})),
              IsEmpty());
}

TEST(BlockEnds, AreComparedBeforeTheConstant) {
  EXPECT_THAT(failed(run({{"0.2000", "400", "100.0000"}, {"0.2000", "400", "100.2000"}}, "40")), IsEmpty());
}

TEST(BlockEnds, WithoutCountsTheLastWrittenPlaceBounds) {
  // 2 x 0.0001 + 0.0001: 0.0002 off passes, 0.0003 does not
  EXPECT_THAT(failed(run({{"0.2000", "", "100.0000"}, {"0.2000", "", "100.2002"}})), IsEmpty());
  EXPECT_THAT(failed(run({{"0.2000", "", "100.0000"}, {"0.2000", "", "100.2003"}})), ElementsAre(1));
}

TEST(BlockEnds, RegisterThatIsNoNumberIsVisibleAndCostsNoValue) {
  const NormalisedBatch out = run({{"0.2000", "400", "100.0000"}, {"0.2000", "400", "oops"}});
  EXPECT_THAT(reasons(out), ElementsAre("bad_number"));
  EXPECT_EQ(lines(out).size(), 2U);
}

TEST(BlockEnds, OneCountIsFoundOnlyWhenItIsExact) {
  EXPECT_EQ(value_of_one_count(*Decimal::parse("0.1815"), Decimal{363, 0}), *Decimal::parse("0.0005"));
  EXPECT_EQ(value_of_one_count(*Decimal::parse("1"), Decimal{8, 0}), *Decimal::parse("0.125"));
  EXPECT_EQ(value_of_one_count(*Decimal::parse("1"), Decimal{3, 0}), std::nullopt);
  EXPECT_EQ(value_of_one_count(*Decimal::parse("0"), Decimal{0, 0}), std::nullopt);
  EXPECT_EQ(value_of_one_count(*Decimal::parse("1"), Decimal{-4, 0}), std::nullopt);
  EXPECT_EQ(value_of_one_count(*Decimal::parse("1"), *Decimal::parse("0.5")), std::nullopt);
}

TEST(BlockEnds, GapBetweenTwoRegistersCannotBeJudged) {
  const UtcInstant start = *parse_instant("2026-01-15T05:00:00Z");
  const std::vector<BlockSlot> slots = {{start, Decimal{1, 0}, Decimal{10, 0}},
                                        {start + 30min, Decimal{1, 0}, Decimal{90, 0}},
                                        {start + 45min, Decimal{1, 0}, Decimal{99, 0}}};
  EXPECT_THAT(slots_against_registers(slots, 900s, Decimal{1, -3}), ElementsAre(2));
}

// Every kWh channel of the published export must pass: its registers and counts are those of a good meter.
TEST(BlockEnds, PublishedExportPasses) {
  const char* folder = std::getenv("AMI_SAMPLES_DIR");
  const std::string path = std::string(folder != nullptr ? folder : "") + "/ssn/meco_v3-energy-test-data.xml";
  std::ifstream file(path);
  if (!file) GTEST_SKIP() << "sample not present: " << path;
  std::stringstream buffer;
  buffer << file.rdbuf();
  const std::string text = buffer.str();
  const std::regex reading(
      "<Reading Channel=\"(\\d+)\" RawValue=\"(\\d+)\" Value=\"([0-9.]+)\" UOM=\"kWh\" "
      "BlockEndValue=\"([0-9.]+)\"/>");
  std::map<std::string, std::vector<Block>> channels;
  for (std::sregex_iterator it(text.begin(), text.end(), reading), end; it != end; ++it) {
    channels[(*it)[1]].push_back({(*it)[3], (*it)[2], (*it)[4]});
  }
  ASSERT_EQ(channels.size(), 2U);
  for (const auto& [channel, blocks] : channels) {
    ASSERT_EQ(blocks.size(), 8U);
    const NormalisedBatch out = run(blocks);
    EXPECT_THAT(failed(out), IsEmpty()) << "channel " << channel;
    EXPECT_EQ(lines(out).size(), 8U);
  }
}

}  // namespace
}  // namespace ami::testing
