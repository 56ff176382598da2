#include <gtest/gtest.h>

#include "tests/adapters/wire/lg_delimited/render.h"

namespace ami::lg_delimited {
namespace {

const SeriesObservation& series(const Fed& fed, std::size_t index) {
  return std::get<SeriesObservation>(fed.batch.observations.at(index));
}

constexpr const char* kHeader = "ID~Meter~DateTime~kWh~Peak~PeakDateTime\n";

TEST(LgDelimited, FieldsAreFoundByTheirNamesInAnyOrderAndUnknownNamesAreLeftAlone) {
  const auto fed = feed("Zone~kWh~DateTime~Colour~Meter~ID\nnorth~12.5~07042026010203PM~red~M1~EMED01\n");
  ASSERT_EQ(fed.batch.observations.size(), 1U);
  EXPECT_TRUE(fed.batch.malformed.empty());
  EXPECT_EQ(series(fed, 0).meter, "M1");
  EXPECT_EQ(series(fed, 0).channel, "kWh");
  EXPECT_EQ(series(fed, 0).unit, "kWh");
  EXPECT_EQ(series(fed, 0).measure, "EMED01");
  EXPECT_EQ(series(fed, 0).values.at(0).value, "12.5");
  EXPECT_EQ(series(fed, 0).values.at(0).time.text, "07042026010203PM");
  using namespace std::chrono;
  EXPECT_EQ(series(fed, 0).values[0].time.civil,
            CivilTime{local_days{year{2026} / 7 / 4} + hours{13} + minutes{2} + seconds{3}});
  EXPECT_FALSE(series(fed, 0).values[0].time.utc_offset.has_value());
}

TEST(LgDelimited, ColumnsThatASiteAddsBecomeChannels) {
  Options options;
  options.value_columns.push_back("kVARh");
  const auto fed = feed("ID~Meter~DateTime~kVARh\nEMED01~M1~01012026120000AM~3\n", options);
  ASSERT_EQ(fed.batch.observations.size(), 1U);
  EXPECT_EQ(series(fed, 0).channel, "kVARh");
}

TEST(LgDelimited, PeakIsAMaximumAtItsOwnTime) {
  const auto fed = feed(std::string(kHeader) + "EMED01~M1~01152026120000AM~5~2.66~01122026063000PM\n");
  ASSERT_EQ(fed.batch.observations.size(), 2U);
  EXPECT_FALSE(series(fed, 0).occurred_at.present());
  EXPECT_EQ(series(fed, 1).channel, "Peak");
  EXPECT_EQ(series(fed, 1).occurred_at.text, "01122026063000PM");
  EXPECT_EQ(series(fed, 1).values.at(0).time.text, "01152026120000AM");
}

TEST(LgDelimited, PeakOfAClockThatWasNeverSetHasNoTimeButItsValueStays) {
  const auto fed = feed(std::string(kHeader) + "EMED01~M1~01152026120000AM~5~0~01011970120000AM\n");
  ASSERT_EQ(fed.batch.observations.size(), 2U);
  EXPECT_FALSE(series(fed, 1).occurred_at.present());
  EXPECT_EQ(fed.counters.unset_times, 1U);
  EXPECT_TRUE(fed.batch.malformed.empty());
}

TEST(LgDelimited, AnEmptyFieldIsMissingAndAZeroIsAValue) {
  const auto fed = feed(std::string(kHeader) + "EMED01~M1~01152026120000AM~~0~\n");
  ASSERT_EQ(fed.batch.observations.size(), 1U);
  EXPECT_EQ(series(fed, 0).channel, "Peak");
  EXPECT_EQ(series(fed, 0).values.at(0).value, "0");
  EXPECT_EQ(fed.counters.empty_fields, 1U);
}

TEST(LgDelimited, ASecondHeaderChangesTheColumnsFromThereOn) {
  const auto fed = feed(
      "ID~Meter~DateTime~kWh\nEMED01~M1~01152026120000AM~1\nkWh~DateTime~Meter~ID\n"
      "2~01152026120000AM~M2~EMED01\n");
  EXPECT_TRUE(fed.batch.malformed.empty());
  ASSERT_EQ(fed.batch.observations.size(), 2U);
  EXPECT_EQ(series(fed, 1).meter, "M2");
  EXPECT_EQ(series(fed, 1).values.at(0).value, "2");
  EXPECT_EQ(fed.counters.headers, 2U);
}

TEST(LgDelimited, LineEndsAndByteOrderMarkChangeNothing) {
  const std::string lf = std::string(kHeader) + "EMED01~M1~01152026120000AM~5~~\n";
  std::string crlf = "\xEF\xBB\xBF";
  for (const char c : lf) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const auto plain = feed(lf), marked = feed(crlf);
  ASSERT_EQ(plain.batch.observations.size(), 1U);
  ASSERT_EQ(marked.batch.observations.size(), 1U);
  EXPECT_EQ(series(plain, 0).raw, series(marked, 0).raw);
  EXPECT_EQ(series(plain, 0).offset, 40U);
  EXPECT_EQ(series(marked, 0).offset, 44U);  // mark of 3 bytes and one carriage return
}

TEST(LgDelimited, RawOfEachRecordReadsAgainAsTheSame) {
  const auto fed = feed(std::string(kHeader) +
                        "EMED01~M1~01152026120000AM~5~2~01142026120000AM\nEMED01~M2~01152026120000AM~x~2~\n");
  ASSERT_EQ(fed.batch.observations.size(), 3U);
  const auto again = feed(series(fed, 0).raw);
  ASSERT_EQ(again.batch.observations.size(), 2U);
  EXPECT_EQ(series(again, 0).values.at(0).value, "5");
  EXPECT_EQ(series(again, 1).occurred_at.civil, series(fed, 1).occurred_at.civil);
  ASSERT_EQ(fed.batch.malformed.size(), 1U);
  const auto bad = feed(fed.batch.malformed[0].raw);
  ASSERT_EQ(bad.batch.malformed.size(), 1U);
  EXPECT_STREQ(bad.batch.malformed[0].reason, "bad_number");
  EXPECT_EQ(bad.batch.malformed[0].meter, "M2");
}

constexpr const char* kIntervals =
    "MEPMD01~19970819~SL1~~~M1~OK~E~KWH~2~000015~3~01152026120000AM~0.25~R~~N~0.75~R\n";

TEST(LgDelimitedIntervals, AreRefusedUnlessTheFeedEnablesThem) {
  const auto fed = feed(kIntervals);
  EXPECT_TRUE(fed.batch.observations.empty());
  ASSERT_EQ(fed.batch.malformed.size(), 1U);
  EXPECT_STREQ(fed.batch.malformed[0].reason, "record_type_not_enabled");
}

TEST(LgDelimitedIntervals, FirstTimeIsTheStartAndItsEndIsLeftToTheZone) {
  Options options;
  options.intervals = Intervals{};
  const auto fed = feed(kIntervals, options);
  ASSERT_EQ(fed.batch.observations.size(), 1U);
  const auto& said = series(fed, 0);
  EXPECT_EQ(said.kind, SeriesKind::Interval);
  EXPECT_EQ(said.interval, std::chrono::minutes{15});
  EXPECT_EQ(said.constant, "2");
  EXPECT_EQ(said.commodity, "E");
  EXPECT_EQ(said.unit, "KWH");
  ASSERT_EQ(said.values.size(), 3U);
  using namespace std::chrono;
  EXPECT_EQ(said.period_start.civil, CivilTime{local_days{year{2026} / 1 / 15}});
  EXPECT_EQ(said.period_start.text, "01152026120000AM");
  EXPECT_FALSE(said.values[0].time.present());
  EXPECT_FALSE(said.values[1].time.present());
  EXPECT_EQ(said.values[1].value, "");
  EXPECT_EQ(said.values[1].flag, "N");
  EXPECT_EQ(said.values[2].value, "0.75");
}

TEST(LgDelimitedIntervals, OrderOfValueAndStatusIsTheSites) {
  Options options;
  options.intervals = Intervals{.order = Intervals::Order::StatusThenValue};
  const auto fed =
      feed("MEPMD01~19970819~SL1~~~M1~OK~E~KWH~1~000015~2~01152026120000AM~R~0.25~R~0.75\n", options);
  ASSERT_EQ(fed.batch.observations.size(), 1U);
  EXPECT_EQ(series(fed, 0).values.at(0).value, "0.25");
  EXPECT_EQ(series(fed, 0).values.at(1).flag, "R");
}

TEST(LgDelimitedIntervals, ABadValueStaysAHoleSoThatItsNeighboursKeepTheirTimes) {
  Options options;
  options.intervals = Intervals{};
  const auto fed =
      feed("MEPMD01~19970819~SL1~~~M1~OK~E~KWH~1~000015~3~01152026120000AM~1~R~1e9~R~3~R\n", options);
  ASSERT_EQ(fed.batch.observations.size(), 1U);
  ASSERT_EQ(series(fed, 0).values.size(), 3U);
  EXPECT_EQ(series(fed, 0).values[1].value, "");
  EXPECT_EQ(series(fed, 0).values[2].value, "3");
  ASSERT_EQ(fed.batch.malformed.size(), 1U);
  EXPECT_STREQ(fed.batch.malformed[0].reason, "bad_number");
  EXPECT_NE(fed.batch.malformed[0].detail.find("value 2"), std::string::npos);
}

}  // namespace
}  // namespace ami::lg_delimited
