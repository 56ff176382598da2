// Decoding what was encoded says the same, for files drawn at random.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "adapters/wire/lg_delimited/codec/encode.h"
#include "adapters/wire/lg_delimited/codec/scalars.h"
#include "tests/adapters/wire/lg_delimited/render.h"

namespace ami::lg_delimited {
namespace {

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  std::string number() {
    std::string text = below(5) == 0 ? "-" : "";
    text += std::to_string(below(1000000));
    return below(2) == 0 ? text : text + "." + std::to_string(below(1000));
  }
  CivilTime time() {
    using namespace std::chrono;
    return CivilTime{local_days{year{2020} / 1 / 1}} + seconds{static_cast<std::int64_t>(below(300000000))};
  }
  template <class T>
  void shuffle(std::vector<T>& list) {
    std::shuffle(list.begin(), list.end(), random_);
  }

 private:
  std::mt19937_64 random_;
};

TEST(LgDelimitedRoundTrip, RegistersOfRandomColumnsComeBackAsWritten) {
  const auto known = documented_value_columns();
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Draw draw(seed);
    std::vector<std::string> columns = documented_columns();
    columns.push_back("Extra " + std::to_string(seed));
    draw.shuffle(columns);
    std::string text;
    ASSERT_TRUE(encode_line(columns, text).ok());
    std::string expected;
    for (std::uint64_t i = draw.below(5); i > 0; --i) {
      const std::string meter = "M" + std::to_string(draw.below(1000));
      const CivilTime read = draw.time(), peak = draw.time();
      const std::size_t offset = text.size();
      std::vector<std::string> fields;
      for (const std::string& column : columns) {
        std::string field = draw.below(3) == 0 ? "" : draw.number();
        if (column == "ID") field = "EMED01";
        if (column == "Meter") field = meter;
        if (column == "DateTime") field = *time_text(read);
        if (column == "PeakDateTime") field = *time_text(peak);
        fields.push_back(field);
      }
      ASSERT_TRUE(encode_line(fields, text).ok());
      for (std::size_t c = 0; c < columns.size(); ++c) {
        if (fields[c].empty() || std::find(known.begin(), known.end(), columns[c]) == known.end()) continue;
        expected += std::to_string(offset) + " " + meter + " " + columns[c] + " " + *time_text(read) + " " +
                    (columns[c] == "Peak" ? *time_text(peak) : "-") + " " + fields[c] + "\n";
      }
    }
    const auto fed = feed(text, {}, 1 + draw.below(200));
    std::string said;
    for (const auto& one : fed.batch.observations) {
      const auto& series = std::get<SeriesObservation>(one);
      said += std::to_string(series.offset) + " " + std::string(series.meter) + " " +
              std::string(series.channel) + " " + std::string(series.values.at(0).time.text) + " " +
              (series.occurred_at.present() ? std::string(series.occurred_at.text) : "-") + " " +
              std::string(series.values[0].value) + "\n";
    }
    ASSERT_EQ(fed.error, "");
    ASSERT_EQ(said, expected) << seed;
  }
}

TEST(LgDelimitedRoundTrip, IntervalsComeBackAsWrittenInEitherOrder) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Draw draw(seed);
    const auto order = seed % 2 == 0 ? Intervals::Order::ValueThenStatus : Intervals::Order::StatusThenValue;
    IntervalRecord record;
    record.meter = "M" + std::to_string(seed);
    record.units = "KWH";
    record.constant = draw.number();
    record.interval = std::chrono::minutes{1 + draw.below(1440)};
    record.first_start = draw.time();
    record.values.resize(1 + draw.below(100));
    for (auto& [value, status] : record.values) {
      value = draw.below(4) == 0 ? "" : draw.number();
      status = draw.below(2) == 0 ? "" : "E" + std::to_string(draw.below(9));
    }
    std::string text;
    ASSERT_TRUE(encode(record, order, text).ok());
    Options options;
    options.intervals = Intervals{.order = order};
    const auto fed = feed(text, options);
    ASSERT_TRUE(fed.batch.malformed.empty()) << text;
    ASSERT_EQ(fed.batch.observations.size(), 1U);
    const auto& series = std::get<SeriesObservation>(fed.batch.observations[0]);
    EXPECT_EQ(series.meter, record.meter);
    EXPECT_EQ(series.constant, record.constant);
    EXPECT_EQ(series.interval, record.interval);
    EXPECT_EQ(series.period_start.civil, record.first_start);
    ASSERT_EQ(series.values.size(), record.values.size());
    for (std::size_t i = 0; i < record.values.size(); ++i) {
      ASSERT_EQ(series.values[i].value, record.values[i].value);
      ASSERT_EQ(series.values[i].flag, record.values[i].status);
    }
  }
}

TEST(LgDelimitedEncode, RefusesWhatAFieldCannotHoldAndLeavesTheTextAsItWas) {
  std::string out = "before";
  for (const char* field : {"a~b", "a\nb", "\r", "\x7f", "\xC3\xA9", "\x01"})
    EXPECT_FALSE(encode_line({"EMED01", field}, out).ok());
  IntervalRecord record;
  record.first_start = CivilTime{std::chrono::milliseconds{1}};
  EXPECT_FALSE(encode(record, Intervals::Order::ValueThenStatus, out).ok());
  record.first_start = CivilTime{};
  record.interval = std::chrono::minutes{0};
  EXPECT_FALSE(encode(record, Intervals::Order::ValueThenStatus, out).ok());
  record.interval = std::chrono::days{100};
  EXPECT_FALSE(encode(record, Intervals::Order::ValueThenStatus, out).ok());
  EXPECT_EQ(out, "before");
}

}  // namespace
}  // namespace ami::lg_delimited
