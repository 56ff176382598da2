#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "scene.h"

namespace ami::testing {
namespace {

using namespace std::chrono_literals;

void fill(Scene& scene, std::mt19937_64& random) {
  const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  for (int m = 1; m <= 3; ++m) scene.meter("M" + std::to_string(m), m);
  const char* const flags[] = {"", "R", "R0", "E", "N32", "Q", "N"};
  for (int i = 0; i < 60; ++i) {
    const std::string meter = "M" + std::to_string(1 + pick(4));  // M4 is not known
    std::vector<Said> values;
    const int count = pick(8);
    for (int k = 0; k < count; ++k) {
      const int minute = 15 * pick(96);
      const UtcInstant end = *parse_instant("2026-01-15T00:00:00Z") + std::chrono::minutes{minute};
      values.push_back({pick(6) == 0 ? "" : std::to_string(pick(500)) + "." + std::to_string(pick(1000)),
                        flags[pick(7)], k > 0 && pick(3) == 0 ? "" : to_text(end), ""});
    }
    if (pick(2) == 0) {
      scene.intervals(meter, "KWH", 900s, values);
    } else {
      scene.registers(meter, "KWHREG", values);
    }
  }
}

TEST(Order, OfTheRecordsDoesNotChangeWhatIsSaid) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Scene scene;
    std::mt19937_64 random(seed);
    fill(scene, random);
    const NormalisedBatch straight = scene.run();
    ASSERT_FALSE(straight.registers.empty());
    ASSERT_FALSE(straight.intervals.empty());
    ASSERT_FALSE(straight.quarantined.empty());
    std::ranges::shuffle(scene.batch.observations, random);
    const NormalisedBatch shuffled = scene.run();
    EXPECT_EQ(lines(straight), lines(shuffled)) << "seed " << seed;
    EXPECT_EQ(reasons(straight), reasons(shuffled)) << "seed " << seed;
    EXPECT_EQ(straight.missing_values, shuffled.missing_values) << "seed " << seed;
  }
}

TEST(Order, TwoPartsAppendedToOneBatchSayTheSameAsOnePart) {
  std::mt19937_64 random(7);
  Scene whole;
  fill(whole, random);
  const std::vector<std::string> expected = lines(whole.run());

  NormalisedBatch out;
  const MeterResolver resolve = [](AliasKind, std::string_view id,
                                   UtcInstant) -> std::optional<ResolvedMeter> {
    if (id == "M4") return std::nullopt;
    return ResolvedMeter{id.back() - '0', "", UtcInstant::min(), UtcInstant::max()};
  };
  const std::vector<Observation> all = whole.batch.observations;
  for (const bool first_half : {true, false}) {
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    whole.batch.observations.assign(first_half ? all.begin() : middle, first_half ? middle : all.end());
    normalise(whole.batch, whole.rules, resolve, whole.received_at, out);
  }
  EXPECT_EQ(lines(out), expected);
  for (std::size_t i = 0; i < out.channels.size(); ++i) {
    for (std::size_t k = i + 1; k < out.channels.size(); ++k)
      EXPECT_FALSE(out.channels[i] == out.channels[k]);
  }
}

TEST(Order, EveryValueEndsExactlyOnceAsReadingHoleOrQuarantine) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Scene scene;
    std::mt19937_64 random(seed);
    fill(scene, random);
    for (Observation& one : scene.batch.observations) {
      // Alone, so that identical repetitions within a record are the only values that may be folded.
      Scene alone;
      alone.rules = scene.rules;
      for (int m = 1; m <= 3; ++m) alone.meter("M" + std::to_string(m), m);
      auto& said = std::get<SeriesObservation>(one);
      if (said.values.size() > 1) said.values.resize(1);
      alone.batch.observations.push_back(said);
      const NormalisedBatch out = alone.run();
      std::size_t stored = out.registers.size();
      for (const IntervalRun& run : out.intervals) {
        stored += static_cast<std::size_t>(
            std::ranges::count_if(run.mantissas, [](const auto& m) { return m.has_value(); }));
      }
      EXPECT_EQ(stored + out.missing_values + out.quarantined.size(), 1U) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace ami::testing
