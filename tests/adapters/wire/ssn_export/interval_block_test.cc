#include <gtest/gtest.h>

#include "tests/adapters/wire/ssn_export/description.h"

namespace ami::ssn_export::testing {
namespace {

// The n-th minute's end from 2026-01-01 on, up to 31 days.
std::string end_time(std::size_t minute) {
  using namespace std::chrono;
  return to_text(UtcInstant(sys_days{year{2026} / 1 / 1}) + minutes(minute + 1));
}

std::string interval(std::size_t minute, std::string_view unit = "kWh", std::string_view more = "") {
  return "<Interval EndTime=\"" + end_time(minute) + "\"><Reading Channel=\"1\" Value=\"" +
         std::to_string(minute) + "\" UOM=\"" + std::string(unit) + "\"/>" + std::string(more) +
         "</Interval>";
}

const SeriesObservation& series(const DecodedBatch& batch, std::size_t index) {
  return std::get<SeriesObservation>(batch.observations.at(index));
}

TEST(SsnExportIntervalBlock, IsCutAtItsLimitWithoutLossOrRepetition) {
  std::string intervals;
  const std::size_t count = 2 * kMaxBlockIntervals + 1;
  for (std::size_t i = 0; i < count; ++i) intervals += interval(i);
  const auto decoded = decode(meter(interval_data(intervals, "1")));
  ASSERT_EQ(decoded.batch.observations.size(), 3U);
  EXPECT_EQ(series(decoded.batch, 0).values.size(), kMaxBlockIntervals);
  EXPECT_EQ(series(decoded.batch, 1).values.size(), kMaxBlockIntervals);
  EXPECT_EQ(series(decoded.batch, 2).values.size(), 1U);
  std::size_t next = 0;
  for (std::size_t block = 0; block < 3; ++block) {
    for (const auto& value : series(decoded.batch, block).values) {
      EXPECT_EQ(value.value, std::to_string(next));
      EXPECT_EQ(value.time.text, end_time(next));
      ++next;
    }
  }
  EXPECT_EQ(next, count);
}

TEST(SsnExportIntervalBlock, RawStaysBelowOneMebibyte) {
  const std::string filler = "<Extra Fill=\"" + std::string(2000, 'f') + "\"/>";
  std::string intervals;
  for (std::size_t i = 0; i < 2000; ++i) intervals += interval(i, "kWh", filler);  // 4 MB
  const auto decoded = decode(meter(interval_data(intervals, "1")));
  std::size_t values = 0;
  for (std::size_t i = 0; i < decoded.batch.observations.size(); ++i) {
    EXPECT_LT(series(decoded.batch, i).raw.size(), std::size_t{1} << 20);
    values += series(decoded.batch, i).values.size();
  }
  EXPECT_EQ(values, 2000U);
  EXPECT_EQ(decoded.batch.observations.size(), 5U);  // 2000 intervals of 2.1 kB, 992 KiB a block
}

TEST(SsnExportIntervalBlock, ManyChannelsEndABlock) {
  std::string intervals;
  for (std::size_t i = 0; i < 3; ++i) {
    std::string readings;
    for (std::size_t c = 0; c < 200; ++c) {
      readings += "<Reading Channel=\"c" + std::to_string(1000 * i + c) + "\" Value=\"1\"/>";
    }
    intervals += interval(i, "kWh", readings);
  }
  const auto decoded = decode(meter(interval_data(intervals, "1")));
  EXPECT_EQ(decoded.batch.observations.size(), 401U + 201U);  // channel 1 is in both blocks
}

TEST(SsnExportIntervalBlock, ChangeOfUnitBeginsANewSeriesEachTime) {
  const auto decoded = decode(meter(interval_data(interval(0) + interval(1) + interval(2, "kW") +
                                                  interval(3, "kWh") + interval(4, "kWh"))));
  ASSERT_EQ(decoded.batch.observations.size(), 3U);
  EXPECT_EQ(series(decoded.batch, 0).unit, "kWh");
  EXPECT_EQ(series(decoded.batch, 0).values.size(), 2U);
  EXPECT_EQ(series(decoded.batch, 1).unit, "kW");
  EXPECT_EQ(series(decoded.batch, 1).values.size(), 1U);
  EXPECT_EQ(series(decoded.batch, 2).unit, "kWh");
  EXPECT_EQ(series(decoded.batch, 2).values.size(), 2U);
}

TEST(SsnExportIntervalBlock, ChannelsInChangingOrderKeepTheirValues) {
  const auto two = [](std::size_t minute, const char* first, const char* second) {
    const auto reading = [&](const char* channel) {
      return "<Reading Channel=\"" + std::string(channel) + "\" Value=\"" + channel + std::to_string(minute) +
             "\" UOM=\"u\"/>";
    };
    return "<Interval EndTime=\"" + end_time(minute) + "\">" + reading(first) + reading(second) +
           "</Interval>";
  };
  const auto decoded =
      decode(meter(interval_data(two(0, "1", "2") + two(1, "2", "1") + two(2, "2", "3") + two(3, "1", "3"))));
  ASSERT_EQ(decoded.batch.observations.size(), 3U);
  const std::vector<std::vector<std::string>> expected{{"10", "11", "13"}, {"20", "21", "22"}, {"32", "33"}};
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<std::string> values;
    for (const auto& value : series(decoded.batch, i).values) values.emplace_back(value.value);
    EXPECT_EQ(values, expected[i]);
    EXPECT_EQ(series(decoded.batch, i).channel, "lp:" + std::to_string(i + 1));
  }
}

TEST(SsnExportIntervalBlock, HolesStayHoles) {
  const auto decoded = decode(meter(interval_data(interval(0) + interval(1) + interval(5))));
  ASSERT_EQ(decoded.batch.observations.size(), 1U);
  const auto& values = series(decoded.batch, 0).values;
  ASSERT_EQ(values.size(), 3U);
  EXPECT_EQ(values[2].time.text, end_time(5));
}

}  // namespace
}  // namespace ami::ssn_export::testing
