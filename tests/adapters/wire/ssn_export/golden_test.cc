#include <gtest/gtest.h>

#include "tests/adapters/wire/ssn_export/description.h"

namespace ami::ssn_export::testing {
namespace {

class SsnExportGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(SsnExportGolden, DecodesAsWrittenByHand) {
  const std::string base = golden_folder() + GetParam();
  const auto decoded = decode(read_file(base + ".xml"));
  EXPECT_EQ(decoded.error, "");
  EXPECT_EQ(describe(decoded.batch), read_file(base + ".expected"));
}

INSTANTIATE_TEST_SUITE_P(Files, SsnExportGolden,
                         ::testing::Values("default_namespace", "prefixed", "trouble"),
                         [](const auto& test) { return std::string(test.param); });

TEST(SsnExportOptions, OtherNamesOfTheMeterCanBeChosen) {
  const auto file = read_file(golden_folder() + "default_namespace.xml");
  const auto mac = decode(file, {.meter_field = MeterField::MacId, .meter_kind = AliasKind::Mac});
  ASSERT_FALSE(mac.batch.observations.empty());
  EXPECT_EQ(head_of(mac.batch.observations[0]).meter, "00:13:50:00:00:00:00:01");
  EXPECT_EQ(head_of(mac.batch.observations[0]).meter_kind, AliasKind::Mac);
  const auto device = decode(file, {.meter_field = MeterField::UtilDeviceId, .meter_kind = AliasKind::Cis});
  EXPECT_EQ(head_of(device.batch.observations.at(0)).meter, "U-1");
  EXPECT_EQ(head_of(device.batch.observations.at(0)).meter_kind, AliasKind::Cis);
}

TEST(SsnExportStatistics, CountsAndComparesWithWhatIsStated) {
  const auto usual = decode(read_file(golden_folder() + "default_namespace.xml")).statistics;
  EXPECT_EQ(usual.meters, 1U);
  EXPECT_EQ(usual.register_reads, 1U);
  EXPECT_EQ(usual.registers, 3U);
  EXPECT_EQ(usual.intervals, 3U);
  EXPECT_EQ(usual.readings, 5U);
  EXPECT_EQ(usual.events, 1U);
  EXPECT_EQ(usual.stated_above_present, 1U);  // 4 intervals stated, 3 there
  EXPECT_EQ(usual.stated_below_present, 0U);
  const auto trouble = decode(read_file(golden_folder() + "trouble.xml")).statistics;
  EXPECT_EQ(trouble.stated_below_present, 1U);  // 1 read stated, 3 there
  EXPECT_EQ(trouble.stated_above_present, 0U);
}

TEST(SsnExportStatistics, UnreadableStatedCountsAndCreationTimesCostNothingElse) {
  const auto decoded =
      decode("<SSNExportDocument xmlns=\"" + std::string(kNamespace) +
             "\" CreationTime=\"soon\"><MeterData MeterName=\"M1\"><EventData NumberEvents=\"few\">"
             "<Event EventName=\"A\" EventTime=\"2026-01-01T00:00:00Z\"/></EventData></MeterData>"
             "</SSNExportDocument>");
  EXPECT_EQ(decoded.error, "");
  EXPECT_EQ(decoded.statistics.unreadable_stated, 1U);
  EXPECT_EQ(decoded.statistics.bad_creation_time, 1U);
  ASSERT_EQ(decoded.batch.observations.size(), 1U);
  EXPECT_FALSE(head_of(decoded.batch.observations[0]).created.present());
}

}  // namespace
}  // namespace ami::ssn_export::testing
