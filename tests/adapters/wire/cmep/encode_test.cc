#include "adapters/wire/cmep/codec/encode.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/adapters/wire/cmep/feed.h"
#include "tests/adapters/wire/cmep/render.h"

namespace ami::cmep {
namespace {

using namespace std::chrono;

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }
  std::string text(std::size_t max) {
    static constexpr std::string_view kLetters = "ABCxyz019 ,\"-:./\t";
    std::string result;
    for (std::size_t n = below(max + 1); n > 0; --n) result.push_back(kLetters[below(kLetters.size())]);
    return result;
  }
  std::string number() {
    std::string result = chance(8) ? "-" : "";
    result += std::to_string(below(1000000));
    if (chance(2)) result += "." + std::to_string(below(1000));
    if (chance(10)) result += "E-3";
    return result;
  }
  CivilTime time() { return local_days{2000y / 1 / 1} + minutes{static_cast<int>(below(100 * 365 * 1440))}; }

 private:
  std::mt19937_64 engine_;
};

void fill(EncodeHeader& head, Random& random) {
  head.sender = random.text(6);
  head.sender_customer = random.text(6);
  head.receiver = random.text(6);
  head.receiver_customer = random.text(6);
  if (!random.chance(4)) head.created = random.time();
  head.meter = "M" + random.text(8);
  head.purpose = random.chance(2) ? "OK" : "SUMMARY";
  head.units = random.chance(2) ? "KWHREG" : "U" + random.text(4);
  head.constant = random.chance(3) ? "" : random.number();
}

void expect_head(const SeriesObservation& read, const EncodeHeader& wrote) {
  EXPECT_EQ(read.meter, wrote.meter);
  EXPECT_EQ(read.unit, wrote.units);
  EXPECT_EQ(read.commodity, wrote.commodity);
  EXPECT_EQ(read.constant, wrote.constant);
  EXPECT_EQ(read.created.present(), wrote.created.has_value());
  if (wrote.created) {
    EXPECT_EQ(read.created.civil, *wrote.created);
  }
}

TEST(CmepRoundTrip, Mepmd01ReadsAsItWasWritten) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Mepmd01 record;
    fill(record, random);
    record.interval = minutes{random.chance(3) ? 0 : 5 * (1 + random.below(1000))};
    for (std::size_t n = 1 + random.below(60); n > 0; --n) {
      const bool stated = record.readings.empty() || record.interval == 0min || random.chance(2);
      record.readings.push_back({stated ? std::optional{random.time()} : std::nullopt, random.text(3),
                                 random.chance(5) ? "" : random.number()});
    }
    std::string wire;
    ASSERT_TRUE(encode(record, wire).ok());
    const auto batch = feed(wire);
    ASSERT_EQ(batch.observations.size(), 1U) << wire << render_all(batch);
    EXPECT_TRUE(batch.malformed.empty());
    const auto& read = std::get<SeriesObservation>(batch.observations[0]);
    expect_head(read, record);
    EXPECT_EQ(read.interval, record.interval);
    EXPECT_EQ(read.raw.size() + 2, wire.size());
    ASSERT_EQ(read.values.size(), record.readings.size());
    for (std::size_t i = 0; i < read.values.size(); ++i) {
      EXPECT_EQ(read.values[i].value, record.readings[i].value);
      EXPECT_EQ(read.values[i].flag, record.readings[i].flag);
      ASSERT_EQ(read.values[i].time.present(), record.readings[i].time.has_value());
      if (record.readings[i].time) {
        EXPECT_EQ(read.values[i].time.civil, *record.readings[i].time);
      }
    }
  }
}

TEST(CmepRoundTrip, Mepmd02ReadsAsItWasWritten) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Mepmd02 record;
    fill(record, random);
    record.season = random.chance(2) ? "W" : "";
    record.start = random.time();
    record.end = *record.start + days{30};
    for (std::size_t n = 1 + random.below(6); n > 0; --n) {
      record.readings.push_back(
          {"L" + random.text(6), random.text(3), random.chance(5) ? "" : random.number()});
    }
    std::string wire;
    ASSERT_TRUE(encode(record, wire).ok());
    const auto batch = feed(wire);
    ASSERT_EQ(batch.observations.size(), record.readings.size()) << wire << render_all(batch);
    for (std::size_t i = 0; i < record.readings.size(); ++i) {
      const auto& read = std::get<SeriesObservation>(batch.observations[i]);
      expect_head(read, record);
      EXPECT_EQ(read.kind, SeriesKind::Register);
      EXPECT_EQ(read.tou, record.readings[i].label);
      EXPECT_EQ(read.channel, record.units + ":" + record.readings[i].label);
      EXPECT_EQ(read.period_start.civil, *record.start);
      ASSERT_EQ(read.values.size(), 1U);
      EXPECT_EQ(read.values[0].time.civil, *record.end);
      EXPECT_EQ(read.values[0].value, record.readings[i].value);
      EXPECT_EQ(read.values[0].flag, record.readings[i].flag);
    }
  }
}

TEST(CmepEncode, WritesTheFormOfTheText) {
  Mepmd01 record;
  record.sender = "HES";
  record.sender_customer = "LDC, Inc";
  record.created = CivilTime{local_days{2026y / 1 / 15} + 17h};
  record.meter = "FA1";
  record.units = "KWH";
  record.constant = "1.0";
  record.interval = 26h + 30min;
  record.readings = {{CivilTime{local_days{2026y / 1 / 15} + 5h + 5min}, "R", "0.250"},
                     {std::nullopt, "N", ""}};
  std::string wire = "before;";
  ASSERT_TRUE(encode(record, wire).ok());
  EXPECT_EQ(wire,
            "before;MEPMD01,19970819,HES,\"LDC, Inc\",,,202601151700,FA1,OK,E,KWH,1.0,00010230,2,"
            "202601150505,R,0.250,,N,\r\n");
}

TEST(CmepEncode, RefusesWhatARecordCannotCarryAndLeavesTheOutputAlone) {
  const auto refused = [](auto change) {
    Mepmd01 record;
    record.meter = "M1";
    change(record);
    std::string wire = "before";
    const bool ok = encode(record, wire).ok();
    EXPECT_EQ(wire == "before", !ok);
    return !ok;
  };
  EXPECT_FALSE(refused([](Mepmd01&) {}));
  EXPECT_TRUE(refused([](Mepmd01& r) { r.meter = "a\nb"; }));
  EXPECT_TRUE(refused([](Mepmd01& r) { r.units = "m\xc2\xb3"; }));
  EXPECT_TRUE(refused([](Mepmd01& r) { r.created = CivilTime{local_days{2026y / 1 / 15} + 1s}; }));
  EXPECT_TRUE(refused([](Mepmd01& r) { r.created = CivilTime{local_days{year{10000} / 1 / 1}}; }));
  EXPECT_TRUE(refused([](Mepmd01& r) { r.interval = days{100}; }));
  EXPECT_TRUE(refused([](Mepmd01& r) { r.interval = -1min; }));
}

}  // namespace
}  // namespace ami::cmep
