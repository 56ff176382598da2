#include "daemon/rpc/interval_blocks.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/daemon/regime/shipped_regimes.h"

namespace ami::rpc {
namespace {

using std::chrono::minutes;
constexpr std::int64_t kHole = storage::IntervalBlock::kMissing;
const UtcInstant kDay{std::chrono::sys_days{std::chrono::year{2013} / 4 / 8}};
const char* const kEnergy = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
const char* const kVoltage = "0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0";

Placement placement(const std::string& order, UtcInstant from, UtcInstant to, Decimal multiplier = {1, 0}) {
  return {{from, to}, "utilities/maui/usagePoints/" + order, order, "Pacific/Honolulu", multiplier, order};
}

struct Page {
  storage::Utility utility{1, "maui", "Pacific/Honolulu", std::nullopt};
  ReadingTarget target{"utilities/maui/meters/m1", {}, {}};
  storage::IntervalPage page;
  std::shared_ptr<const regime::Regimes> regimes = std::make_shared<const regime::Regimes>();
  storage::MeterFacts facts;

  Page() {
    target.meters[7] = {"m1", {}, {}};
    page.dictionary.channels[3] = {3, 1, 7, "cmep:KWH", kEnergy, "Wh"};
    page.dictionary.qualities[0] = {};
    page.dictionary.qualities[9] = {{QualityCode{2, 5, 258}}, "R0"};
    page.dictionary.sources[5].received_at = kDay;
    page.dictionary.sources[6].received_at = kDay + minutes{1};
  }
  storage::IntervalBlock& add(UtcInstant start, std::vector<std::int64_t> mantissas) {
    storage::IntervalBlock block;
    block.channel = 3;
    block.meter = 7;
    block.first_start = start;
    block.length = minutes{15};
    block.exponent = -1;
    const auto count = static_cast<std::uint32_t>(mantissas.size());
    block.mantissas = std::move(mantissas);
    block.sources = {{count, 5}};
    block.qualities = {{count, 0}};
    page.blocks.push_back(block);
    return page.blocks.back();
  }
  std::vector<const ReadingTarget*> of_span() const { return {&target}; }
  regime::Standings standings() const {
    regime::Standings standings(regime::Regime(regimes, utility));
    standings.add({{7, facts}});
    return standings;
  }
  std::vector<v1::StreamIntervalsResponse> messages(bool apply_multiplier = false) {
    IntervalMessages maker(utility, apply_multiplier, standings());
    std::vector<v1::StreamIntervalsResponse> out;
    maker.append(of_span(), page, out);
    return out;
  }
};

std::string runs(const google::protobuf::RepeatedPtrField<v1::Block::Run>& list) {
  std::string text;
  for (const v1::Block::Run& run : list) {
    text += std::to_string(run.first()) + "+" + std::to_string(run.count()) + "=" +
            std::to_string(run.number()) + " ";
  }
  return text;
}

TEST(IntervalBlocks, SlotAcrossAnExchangeBelongsToNoUsagePoint) {
  // Exchange at 10:37: the slot 10:30 to 10:45 is neither the old place's nor the new one's.
  const UtcInstant exchange = kDay + minutes{10 * 60 + 37};
  const std::vector<Placement> placements{placement("a", UtcInstant::min(), exchange),
                                          placement("b", exchange, UtcInstant::max())};
  const auto ranges = cut_at_placements(kDay + minutes{600}, minutes{15}, 5, placements);
  ASSERT_EQ(ranges.size(), 3U);
  EXPECT_EQ(ranges[0].count, 2U);  // 10:00, 10:15
  EXPECT_EQ(ranges[0].placement, &placements[0]);
  EXPECT_EQ(ranges[1].first, 2U);
  EXPECT_EQ(ranges[1].count, 1U);  // 10:30
  EXPECT_EQ(ranges[1].placement, nullptr);
  EXPECT_EQ(ranges[2].first, 3U);
  EXPECT_EQ(ranges[2].count, 2U);  // 10:45, 11:00
  EXPECT_EQ(ranges[2].placement, &placements[1]);
}

TEST(IntervalBlocks, ExchangeOnTheGridCutsWithoutALoss) {
  const UtcInstant exchange = kDay + minutes{30};
  const std::vector<Placement> placements{placement("a", kDay, exchange),
                                          placement("b", exchange, kDay + minutes{60})};
  const auto ranges = cut_at_placements(kDay, minutes{15}, 5, placements);
  ASSERT_EQ(ranges.size(), 3U);
  EXPECT_EQ(ranges[0].count, 2U);
  EXPECT_EQ(ranges[1].count, 2U);
  EXPECT_EQ(ranges[2].count, 1U);  // after the end of the second stay
  EXPECT_EQ(ranges[2].placement, nullptr);
}

TEST(IntervalBlocks, MeterWithoutAnyStayIsOneRange) {
  const auto ranges = cut_at_placements(kDay, minutes{15}, 4, {});
  ASSERT_EQ(ranges.size(), 1U);
  EXPECT_EQ(ranges[0].count, 4U);
  EXPECT_EQ(ranges[0].placement, nullptr);
}

TEST(IntervalBlocks, HolesAreBitsAndNeverAnInventedZero) {
  Page page;
  page.add(kDay, {1815, kHole, 0, 4, 5, 6, 7, 8, kHole});
  const auto messages = page.messages();
  ASSERT_EQ(messages.size(), 2U);
  ASSERT_TRUE(messages[0].has_dictionary());
  const v1::Block& block = messages[1].block();
  EXPECT_EQ(block.mantissas_size(), 9);
  EXPECT_EQ(block.mantissas(0), 1815);
  EXPECT_EQ(block.missing(), std::string("\x02\x01", 2));  // slots 1 and 8; slot 2 is a true zero
  EXPECT_EQ(block.exponent(), -1);
  EXPECT_EQ(block.length_s(), 900U);
}

TEST(IntervalBlocks, FullBlockCarriesNoBitmap) {
  Page page;
  page.add(kDay, {1, 2, 3});
  EXPECT_TRUE(page.messages()[1].block().missing().empty());
}

TEST(IntervalBlocks, RawSlotsHaveNoQualityRunAndRunsAreCountedFromTheCut) {
  Page page;
  auto& block = page.add(kDay, {1, 2, 3, 4, 5, 6});
  block.qualities = {{2, 0}, {3, 9}, {1, 0}};
  block.sources = {{4, 5}, {2, 6}};
  page.target.meters[7].placements = {placement("a", kDay, kDay + minutes{45}),
                                      placement("b", kDay + minutes{45}, UtcInstant::max())};
  const auto messages = page.messages();
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(runs(messages[1].block().qualities()), "2+1=1 ");
  EXPECT_EQ(runs(messages[1].block().sources()), "0+3=1 ");
  EXPECT_EQ(runs(messages[2].block().qualities()), "0+2=1 ");
  EXPECT_EQ(runs(messages[2].block().sources()), "0+1=1 1+2=2 ");
  const v1::Dictionary& dictionary = messages[0].dictionary();
  ASSERT_EQ(dictionary.qualities_size(), 1);
  EXPECT_EQ(dictionary.qualities(0).quality().codes(0), "2.5.258");
  EXPECT_EQ(dictionary.qualities(0).quality().green_button(), 10);
  EXPECT_EQ(dictionary.qualities(0).quality().vendor_flag(), "R0");
  ASSERT_EQ(dictionary.channels_size(), 2);
  EXPECT_EQ(dictionary.channels(0).usage_point(), "utilities/maui/usagePoints/a");
  EXPECT_EQ(dictionary.channels(1).usage_point(), "utilities/maui/usagePoints/b");
}

TEST(IntervalBlocks, LaterPagesDefineOnlyWhatIsNew) {
  Page page;
  page.add(kDay, {1});
  IntervalMessages maker(page.utility, false, page.standings());
  std::vector<v1::StreamIntervalsResponse> first, second;
  maker.append(page.of_span(), page.page, first);
  page.page.blocks[0].sources = {{1, 6}};
  maker.append(page.of_span(), page.page, second);
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(second[0].dictionary().channels_size(), 0);
  ASSERT_EQ(second[0].dictionary().sources_size(), 1);
  EXPECT_EQ(second[0].dictionary().sources(0).number(), 2U);
  EXPECT_EQ(second[1].block().channel(), first[1].block().channel());
}

TEST(IntervalBlocks, MultiplierIsBesideTheValueUnlessAskedFor) {
  Page page;
  page.add(kDay, {100, kHole});
  page.target.meters[7].placements = {placement("a", UtcInstant::min(), UtcInstant::max(), {125, -1})};
  const auto plain = page.messages();
  EXPECT_EQ(plain[0].dictionary().channels(0).multiplier(), "12.5");
  EXPECT_FALSE(plain[0].dictionary().channels(0).multiplier_applied());
  EXPECT_EQ(plain[1].block().mantissas(0), 100);

  const auto applied = page.messages(true);
  EXPECT_TRUE(applied[0].dictionary().channels(0).multiplier_applied());
  EXPECT_EQ(applied[0].dictionary().channels(0).origin(), v1::ORIGIN_PROCESSED);
  EXPECT_EQ(applied[1].block().mantissas(0), 12'500);  // 10.0 * 12.5 = 125.00
  EXPECT_EQ(applied[1].block().exponent(), -2);
  EXPECT_EQ(applied[1].block().missing(), std::string("\x02"));
}

TEST(IntervalBlocks, MultiplierThatWouldOverflowIsNotAppliedAndSaysSo) {
  Page page;
  page.add(kDay, {std::numeric_limits<std::int64_t>::max()});
  page.target.meters[7].placements = {placement("a", UtcInstant::min(), UtcInstant::max(), {2, 0})};
  const auto messages = page.messages(true);
  EXPECT_FALSE(messages[0].dictionary().channels(0).multiplier_applied());
  EXPECT_EQ(messages[1].block().mantissas(0), std::numeric_limits<std::int64_t>::max());
}

TEST(IntervalBlocks, VoltageIsNeverMultiplied) {
  Page page;
  page.page.dictionary.channels[3].reading_type = kVoltage;
  page.add(kDay, {2405});
  page.target.meters[7].placements = {placement("a", UtcInstant::min(), UtcInstant::max(), {20, 0})};
  const auto messages = page.messages(true);
  EXPECT_FALSE(messages[0].dictionary().channels(0).multiplier_applied());
  EXPECT_EQ(messages[1].block().mantissas(0), 2405);
}

TEST(IntervalOrigin, OnlyADesignationThatStatesTheRecorderNamesIt) {
  EXPECT_EQ(interval_origin("FOCUS AXR"), v1::ORIGIN_METER_RECORDER);
  EXPECT_EQ(interval_origin("AXR-SD"), v1::ORIGIN_METER_RECORDER);
  EXPECT_EQ(interval_origin("FOCUS AX"), v1::ORIGIN_MODULE_RECORDER);
  EXPECT_EQ(interval_origin("AX-SD"), v1::ORIGIN_MODULE_RECORDER);
  for (const char* model : {"", "FOCUS", "AXRX", "I-210+c", "axr", "FOCUS KAX"}) {
    EXPECT_EQ(interval_origin(model), v1::ORIGIN_UNSPECIFIED) << model;
  }
}

TEST(IntervalBlocks, UtilityWithoutANoticeHasNoRegime) {
  Page page;
  page.add(kDay, {1});
  EXPECT_EQ(page.messages()[0].dictionary().channels(0).type_approval(), v1::TYPE_APPROVAL_NO_REGIME);
  EXPECT_FALSE(page.messages()[0].dictionary().channels(0).has_approval());
  page.utility.notice = "AE-1641";
  EXPECT_EQ(page.messages()[0].dictionary().channels(0).type_approval(), v1::TYPE_APPROVAL_UNKNOWN);
  EXPECT_EQ(page.messages()[0].dictionary().channels(0).approval().notice(), "AE-1641");
}

// A page of a meter under AE-1641 whose module was swapped at an instant, with the seal broken.
Page swapped_page(UtcInstant swap) {
  Page page;
  page.utility.notice = "AE-1641";
  page.regimes = regime::testing::shipped_regimes();
  page.facts.details = {regime::testing::axr_sd()};
  page.facts.modules = {regime::testing::module("SSN", {UtcInstant::min(), swap}),
                        regime::testing::module("TS2", {swap}, true)};
  page.facts.seals = {regime::testing::seal(2012, 5, 3, 2020)};
  return page;
}

TEST(IntervalBlocks, SwappedModuleBeginsANewNumberAndTheSlotAcrossItIsUnknown) {
  Page page = swapped_page(kDay + minutes{37});
  page.add(kDay, {1, 2, kHole, 4, 5});
  page.page.blocks[0].qualities = {{1, 0}, {4, 9}};
  const auto messages = page.messages();
  ASSERT_EQ(messages.size(), 4U);
  const auto& channels = messages[0].dictionary().channels();
  ASSERT_EQ(channels.size(), 3);
  EXPECT_EQ(channels[0].type_approval(), v1::TYPE_APPROVAL_APPROVED);
  EXPECT_EQ(channels[0].verification(), v1::VERIFICATION_IN_PERIOD);
  EXPECT_EQ(channels[1].type_approval(), v1::TYPE_APPROVAL_UNKNOWN);
  EXPECT_EQ(channels[1].verification(), v1::VERIFICATION_UNKNOWN);
  EXPECT_EQ(channels[2].type_approval(), v1::TYPE_APPROVAL_NOT_STATED);
  EXPECT_EQ(channels[2].verification(), v1::VERIFICATION_NOT_VERIFIED);
  EXPECT_EQ(channels[2].approval().clause(), "COMMUNICATIONS, Landis+Gyr EMS, item 2, paragraph 1");
  const std::vector<std::vector<std::int64_t>> wanted{{1, 2}, {0}, {4, 5}};
  for (std::size_t i = 0; i < 3; ++i) {
    const v1::Block& block = messages[i + 1].block();
    EXPECT_EQ(block.channel(), channels[static_cast<int>(i)].number());
    EXPECT_EQ((std::vector<std::int64_t>{block.mantissas().begin(), block.mantissas().end()}), wanted[i]);
  }
  EXPECT_EQ(messages[2].block().first_start().seconds(), messages[1].block().first_start().seconds() + 1800);
  EXPECT_EQ(messages[2].block().missing(), std::string("\x01"));
  EXPECT_EQ(runs(messages[1].block().qualities()), "1+1=1 ");
  EXPECT_EQ(runs(messages[3].block().qualities()), "0+2=1 ");
  EXPECT_EQ(runs(messages[3].block().sources()), "0+2=1 ");
}

TEST(IntervalBlocks, SwapOnASlotsEdgeLeavesNoSlotUnknown) {
  Page page = swapped_page(kDay + minutes{30});
  page.add(kDay, {1, 2, 3, 4});
  const auto messages = page.messages();
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[1].block().mantissas_size(), 2);
  EXPECT_EQ(messages[2].block().mantissas_size(), 2);
}

TEST(IntervalBlocks, TwoSwapsInsideOneSlotMakeOneUnknownSlot) {
  Page page = swapped_page(kDay + minutes{16});
  page.facts.modules[1].valid.to = kDay + minutes{20};
  page.facts.modules.push_back(regime::testing::module("SSN", {kDay + minutes{20}}));
  page.add(kDay, {1, 2, 3});
  const auto messages = page.messages();
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[2].block().mantissas_size(), 1);
  EXPECT_EQ(messages[0].dictionary().channels(1).type_approval(), v1::TYPE_APPROVAL_UNKNOWN);
  EXPECT_EQ(messages[0].dictionary().channels(2).type_approval(), v1::TYPE_APPROVAL_APPROVED);
  EXPECT_EQ(messages[0].dictionary().channels(2).verification(), v1::VERIFICATION_NOT_VERIFIED);
}

TEST(IntervalBlocks, AppliedMultiplierIsCutAtASwapToo) {
  Page page = swapped_page(kDay + minutes{30});
  page.target.meters[7].placements = {placement("a", UtcInstant::min(), UtcInstant::max(), {2, 0})};
  page.add(kDay, {1, 2, 3, 4});
  const auto messages = page.messages(true);
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[0].dictionary().channels(0).type_approval(),
            v1::TYPE_APPROVAL_OUTSIDE);  // computed here
  EXPECT_EQ(messages[2].block().mantissas(0), 6);
  EXPECT_EQ(messages[2].block().mantissas(1), 8);
}

}  // namespace
}  // namespace ami::rpc
