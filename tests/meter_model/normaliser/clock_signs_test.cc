// What shows that a meter's clock is off, and what does not.
#include "meter_model/normaliser/clock_signs.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/meter_model/normaliser/scene.h"

namespace ami {
namespace {

using std::chrono::seconds;
using testing::Scene;

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}

constexpr seconds kTolerance{60};

// A batch of meters 1 and 2, received at noon.
struct Batch : NormalisedBatch {
  Batch() {
    channels = {{1, "cmep:KWH", "type", "Wh"}, {2, "cmep:KWH", "type", "Wh"}};
    qualities.emplace_back();
  }
  void read(std::uint32_t channel, const char* when, TimeSource clock = TimeSource::Device) {
    RegisterReading out;
    out.channel = channel;
    out.at = at(when);
    out.time_source = clock;
    registers.push_back(out);
  }
  void run(std::uint32_t channel, const char* start, int length_s, std::size_t count,
           TimeSource clock = TimeSource::Device) {
    IntervalRun out;
    out.channel = channel;
    out.first_start = at(start);
    out.length = seconds{length_s};
    out.mantissas.assign(count, 1);
    out.quality.assign(count, 0);
    out.time_source = clock;
    intervals.push_back(out);
  }
  void event(MeterId meter, const char* when, const char* kind, TimeSource clock = TimeSource::Device) {
    events.push_back({meter, at(when), kind, "", "v", "c", "t", clock, 0});
  }
  std::vector<ClockSign> signs() {
    note_clock_signs(at("2026-03-02T12:00:00Z"), kTolerance, *this);
    return clock_signs;
  }
};

TEST(ClockSigns, AheadIsWhatIsLaterThanItsReceiptByMoreThanTheTolerance) {
  Batch batch;
  batch.read(0, "2026-03-02T12:01:00Z");
  batch.read(1, "2026-03-02T12:01:00.000001Z");
  batch.run(0, "2026-03-02T11:00:00Z", 900, 5);  // ends at 12:15
  batch.event(2, "2026-03-02T12:02:00Z", "OUTAGE");
  EXPECT_EQ(batch.signs(),
            (std::vector<ClockSign>{{2, ClockSignKind::Ahead, seconds{60}, at("2026-03-02T12:01:00.000001Z")},
                                    {1, ClockSignKind::Ahead, seconds{900}, at("2026-03-02T12:15:00Z")},
                                    {2, ClockSignKind::Ahead, seconds{120}, at("2026-03-02T12:02:00Z")}}));
  EXPECT_EQ(batch.clock_tolerance, kTolerance);
}

TEST(ClockSigns, ThatSomethingIsLateShowsNothing) {
  Batch batch;
  batch.read(0, "2026-02-01T00:00:00Z");
  batch.run(0, "2026-01-01T00:00:00Z", 900, 96);
  batch.event(1, "2025-12-24T18:00:00Z", "OUTAGE");
  EXPECT_TRUE(batch.signs().empty());
}

TEST(ClockSigns, OfAClockThatIsNotTheMetersShowNothing) {
  for (const TimeSource clock : {TimeSource::Collector, TimeSource::Receipt}) {
    Batch batch;
    batch.read(0, "2026-03-02T13:00:00Z", clock);
    batch.run(0, "2026-03-02T12:03:00Z", 900, 5, clock);
    batch.event(1, "2026-03-02T13:00:00Z", "OUTAGE", clock);
    EXPECT_TRUE(batch.signs().empty());
  }
}

TEST(ClockSigns, OffGridIsAnEndFurtherFromTheGridThanTheTolerance) {
  struct Case {
    const char* start;
    int length_s;
    std::optional<std::int64_t> off;
  };
  for (const Case& c : std::vector<Case>{{"2026-03-01T00:00:00Z", 900, {}},
                                         {"2026-03-01T00:01:00Z", 900, {}},  // as far as the tolerance
                                         {"2026-03-01T00:01:01Z", 900, 61},
                                         {"2026-03-01T00:13:30Z", 900, -90},  // nearer to the next
                                         {"2026-03-01T00:07:30Z", 900, 450},  // as near to either
                                         {"2026-03-01T00:10:00Z", 3600, 600},
                                         {"1969-12-31T23:58:20Z", 900, -100},
                                         {"2026-03-01T00:10:00Z", 7000, {}}}) {  // has no grid
    Batch batch;
    batch.run(0, c.start, c.length_s, 4);
    const auto signs = batch.signs();
    ASSERT_EQ(signs.size(), c.off ? 1U : 0U) << c.start;
    if (!c.off) continue;
    EXPECT_EQ(signs[0].kind, ClockSignKind::OffGrid);
    EXPECT_EQ(signs[0].offset.count(), *c.off) << c.start;
    EXPECT_EQ(signs[0].at, at(c.start) + seconds{4 * c.length_s});
  }
}

TEST(ClockSigns, ARunWithoutValuesOrLengthShowsNothing) {
  Batch batch;
  batch.run(0, "2026-03-01T00:05:00Z", 900, 0);
  batch.run(0, "2026-03-01T00:05:00Z", 0, 4);
  batch.run(0, "2026-03-01T00:05:00Z", -900, 4);
  EXPECT_TRUE(batch.signs().empty());
}

TEST(ClockSigns, EventsOfTheClockAreSignsWhoeverDatesThem) {
  Batch batch;
  batch.event(1, "2026-03-01T00:00:00Z", "CLOCK_ADJUSTED");
  batch.event(1, "2026-03-01T00:00:01Z", "CLOCK_ERROR", TimeSource::Receipt);
  batch.event(2, "2026-03-01T00:00:02Z", "TIME_SYNC_NEEDED");
  batch.event(2, "2026-03-01T00:00:03Z", "LOW_BATTERY");
  const auto signs = batch.signs();
  ASSERT_EQ(signs.size(), 3U);
  for (const ClockSign& sign : signs) {
    EXPECT_EQ(sign.kind, ClockSignKind::Said);
    EXPECT_EQ(sign.offset, seconds{0});
  }
}

class Answers : public ::testing::Test {
 protected:
  std::optional<ClockSign> answer(const char* read_at) {
    Batch batch;
    batch.read(0, "2026-03-02T03:00:00Z");  // an older one of the same answer
    if (read_at != nullptr) batch.read(0, read_at);
    batch.read(1, "2026-03-02T18:00:00Z");  // of another meter
    note_answer(1, at("2026-03-02T11:50:00Z"), at("2026-03-02T12:00:00Z"), kTolerance, batch);
    if (batch.clock_signs.empty()) return std::nullopt;
    EXPECT_EQ(batch.clock_signs.size(), 1U);
    return batch.clock_signs[0];
  }
};

TEST_F(Answers, DatedBetweenQuestionAndAnswerIsRight) {
  for (const char* when :
       {"2026-03-02T11:49:00Z", "2026-03-02T11:50:00Z", "2026-03-02T11:55:00Z", "2026-03-02T12:01:00Z"}) {
    const auto sign = answer(when);
    ASSERT_TRUE(sign) << when;
    EXPECT_EQ(sign->kind, ClockSignKind::SteadyOffset);
    EXPECT_EQ(sign->offset, seconds{0}) << when;
    EXPECT_EQ(sign->meter, 1);
  }
}

TEST_F(Answers, DatedBeforeTheQuestionOrAfterTheAnswerIsOff) {
  EXPECT_EQ(answer("2026-03-02T11:48:59Z")->offset, seconds{-61});
  EXPECT_EQ(answer("2026-03-02T12:05:00Z")->offset, seconds{300});
  EXPECT_EQ(answer(nullptr)->offset, seconds{-31'800}) << "from 03:00 to 11:50: it may be a stored one";
}

TEST_F(Answers, WithoutAReadingOfTheMetersOwnTimeShowNothing) {
  Batch batch;
  batch.read(0, "2026-03-02T11:00:00Z", TimeSource::Collector);
  batch.read(1, "2026-03-02T18:00:00Z");
  note_answer(1, at("2026-03-02T11:50:00Z"), at("2026-03-02T12:00:00Z"), kTolerance, batch);
  EXPECT_TRUE(batch.clock_signs.empty());
}

TEST(SignsToStore, AreTheWorstOfEachMeterAndKind) {
  NormalisedBatch batch;
  const UtcInstant when = at("2026-03-02T12:00:00Z");
  batch.clock_signs = {{2, ClockSignKind::Ahead, seconds{70}, when},
                       {1, ClockSignKind::OffGrid, seconds{80}, when},
                       {1, ClockSignKind::OffGrid, seconds{-90}, when + seconds{1}},
                       {1, ClockSignKind::OffGrid, seconds{90}, when + seconds{2}},
                       {1, ClockSignKind::SteadyOffset, seconds{500}, when},
                       {1, ClockSignKind::SteadyOffset, seconds{0}, when}};
  EXPECT_EQ(signs_to_store(batch, when),
            (std::vector<ClockSign>{{1, ClockSignKind::SteadyOffset, seconds{0}, when},
                                    {1, ClockSignKind::OffGrid, seconds{90}, when + seconds{2}},
                                    {2, ClockSignKind::Ahead, seconds{70}, when}}));
  EXPECT_TRUE(signs_to_store(NormalisedBatch(), when).empty());
}

TEST(SignsToStore, OfAWholeNetworkAreAPartAndInTimeAll) {
  NormalisedBatch batch;
  for (MeterId meter = 1; meter <= 1000; ++meter) {
    batch.clock_signs.push_back({meter, ClockSignKind::OffGrid, seconds{100}, at("2026-03-02T12:00:00Z")});
  }
  std::set<MeterId> told;
  for (int day = 0; day < 60; ++day) {
    const auto some = signs_to_store(batch, at("2026-03-02T06:00:00Z") + std::chrono::days{day});
    ASSERT_EQ(some.size(), kMostSigns);
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (i > 0) {
        ASSERT_LT(some[i - 1].meter, some[i].meter);
      }
      told.insert(some[i].meter);
    }
  }
  EXPECT_EQ(told.size(), 1000U);
}

// What is too late to be stored is the strongest sign, and the normaliser is the last to see its time.
TEST(ClockSigns, OfValuesThatAreQuarantinedForTheirTimeAreKept) {
  Scene scene;
  scene.meter("A", 1);
  scene.received_at = at("2026-01-15T12:00:00Z");
  scene.registers("A", "KWHREG",
                  {{"5", "R", "2026-01-15T12:30:00Z", ""}, {"6", "R", "2026-01-15T11:30:00Z", ""}});
  scene.event("A", "X", "words", "2069-01-01T00:00:00Z");
  scene.registers("B", "KWHREG", {{"5", "R", "2026-01-15T19:00:00Z", ""}});
  const NormalisedBatch batch = scene.run();
  std::vector<std::string> future;
  for (const std::string& reason : testing::reasons(batch)) {
    if (reason == "time_in_future") future.push_back(reason);
  }
  ASSERT_EQ(future.size(), 3U);
  ASSERT_EQ(batch.clock_signs.size(), 2U) << "nobody knows meter B";
  for (const ClockSign& sign : batch.clock_signs) {
    EXPECT_EQ(sign.meter, 1);
    EXPECT_EQ(sign.kind, ClockSignKind::Ahead);
    EXPECT_EQ(sign.offset, sign.at - scene.received_at);
    EXPECT_GT(sign.offset, seconds{300});
  }
}

}  // namespace
}  // namespace ami
