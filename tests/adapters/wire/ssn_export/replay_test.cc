// The raw of a record is a document of its own: decoding it gives the record again, and nothing else.
#include <gtest/gtest.h>

#include "tests/adapters/wire/ssn_export/description.h"

namespace ami::ssn_export::testing {
namespace {

void expect_replays(const DecodedBatch& batch) {
  std::string_view done;
  for (std::size_t i = 0; i < batch.observations.size(); ++i) {
    const auto raw = head_of(batch.observations[i]).raw;
    if (raw.data() == done.data()) continue;  // shared with the observation before
    done = raw;
    std::string expected;
    for (const auto& other : batch.observations) {
      if (head_of(other).raw.data() == raw.data()) expected += describe(other);
    }
    const auto again = decode(raw);
    ASSERT_EQ(again.error, "") << raw;
    ASSERT_TRUE(again.batch.malformed.empty()) << raw;
    std::string got;
    for (const auto& other : again.batch.observations) {
      got += describe(other);
      EXPECT_EQ(head_of(other).raw, raw);
    }
    EXPECT_EQ(got, expected);
  }
  for (const auto& record : batch.malformed) {
    const auto again = decode(record.raw);
    ASSERT_EQ(again.error, "") << record.raw;
    EXPECT_TRUE(again.batch.observations.empty()) << record.raw;
    ASSERT_EQ(again.batch.malformed.size(), 1U) << record.raw;
    EXPECT_EQ(describe(again.batch.malformed[0]), describe(record));
    EXPECT_EQ(again.batch.malformed[0].raw, record.raw);
  }
}

TEST(SsnExportReplay, GoldenFiles) {
  for (const auto* name : {"default_namespace", "prefixed", "trouble"}) {
    SCOPED_TRACE(name);
    const auto decoded = decode(read_file(golden_folder() + name + ".xml"));
    ASSERT_FALSE(decoded.batch.observations.empty());
    expect_replays(decoded.batch);
  }
}

TEST(SsnExportReplay, BlocksCutByBytesAndWithBadReadings) {
  std::string intervals;
  for (int i = 0; i < 3000; ++i) {
    const auto minute = std::to_string(10 + i % 50);
    intervals += "<Interval EndTime=\"2026-01-01T00:" + minute + ":00Z\"><Reading Channel=\"1\" Value=\"" +
                 (i % 7 == 0 ? "bad" : minute) + "\" UOM=\"kWh\"/><Note>" + std::string(900, 'n') +
                 "</Note><Reading Channel=\"2\" Value=\"1\" UOM=\"kW\"/></Interval>";
  }
  const auto decoded = decode(meter(interval_data(intervals)));
  EXPECT_GE(decoded.batch.observations.size(), 6U);
  EXPECT_EQ(decoded.batch.malformed.size(), 429U);  // every seventh of 3000, the first included
  expect_replays(decoded.batch);
}

TEST(SsnExportReplay, RawQuotesTheBytesAsSent) {
  const std::string event =
      "<Event\n EventTime='2026-01-01T00:00:00Z'  EventName=\"A&#66;\" ><![CDATA[<x>]]></Event >";
  const auto decoded = decode(meter(event_data(event)));
  ASSERT_EQ(decoded.batch.observations.size(), 1U);
  EXPECT_EQ(head_of(decoded.batch.observations[0]).raw, meter(event_data(event)));
}

}  // namespace
}  // namespace ami::ssn_export::testing
