// The order in which the store hands over facts, and how it cuts blocks, changes nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/daemon/validation/facts.h"

namespace ami::validation {
namespace {

// A day with a bit of everything: two quantities, holes, marks, odd values, dials, tiers, events.
Facts busy_day(std::mt19937& random) {
  Facts f;
  f.profile("full");
  const auto delivered = f.intervals("ssn:lp:1"), received = f.intervals("ssn:lp:2", 900, 19),
             volts = f.channel("ssn:lp:4", "0.2.2.6.0.1.54.0.0.0.0.0.0.0.768.0.29.0", "V");
  const auto flagged = f.quality("1.2.32", "P");
  std::bernoulli_distribution missing(0.03);
  std::uniform_int_distribution<std::int64_t> energy(0, 14000);
  for (const auto channel : {delivered, received, volts}) {
    for (UtcInstant from = f.facts.window.from; from < f.facts.window.to; from += std::chrono::hours{4}) {
      f.fill(
          channel, from, std::min(from + std::chrono::hours{4}, f.facts.window.to),
          [&](UtcInstant) { return missing(random) ? std::nullopt : std::optional(energy(random)); }, 900, 0,
          missing(random) ? flagged : 0);
    }
  }
  f.fill(delivered, at("2026-01-15T12:07:00Z"), at("2026-01-15T12:22:00Z"), [](UtcInstant) { return 3; });
  f.facts.lost.push_back({delivered, at("2026-01-15T07:00:00Z"), std::chrono::seconds{900}, {-1, 0}, true});
  f.facts.lost.push_back({delivered, at("2026-01-15T08:00:00Z"), std::chrono::seconds{900}, {-1, 0}, true});
  const auto bulk = f.dial("ssn:1010"), tier = f.dial("ssn:2010", 1, 1), other = f.dial("ssn:3010", 1, 2),
             back = f.dial("ssn:1020", 19);
  for (const auto dial : {bulk, tier, other, back}) {
    for (const char* when :
         {"2026-01-14T11:00:00Z", "2026-01-15T05:00:00Z", "2026-01-15T11:00:00Z", "2026-01-16T05:00:00Z"})
      f.read(dial, when, std::to_string(energy(random) * 100));
  }
  f.event("OUTAGE", "2026-01-15T09:00:00Z");
  f.event("RESTORATION", "2026-01-15T09:20:00Z");
  f.event("RAM_ERROR", "2026-01-15T10:00:00Z");
  f.event("CLOCK_ADJUSTED", "2026-01-15T13:00:00Z");
  return f;
}

// The same values in other pieces and another order.
void shuffle(storage::MeterDayFacts& facts, std::mt19937& random) {
  std::vector<storage::IntervalBlock> pieces;
  for (const storage::IntervalBlock& block : facts.intervals) {
    for (std::size_t from = 0; from < block.mantissas.size();) {
      const std::size_t most = block.mantissas.size() - from;
      const std::size_t count = std::uniform_int_distribution<std::size_t>(1, most)(random);
      storage::IntervalBlock piece = block;
      piece.first_start = block.first_start + block.length * static_cast<std::int64_t>(from);
      piece.mantissas.assign(block.mantissas.begin() + static_cast<std::ptrdiff_t>(from),
                             block.mantissas.begin() + static_cast<std::ptrdiff_t>(from + count));
      const auto length = static_cast<std::uint32_t>(count);
      piece.sources = {{length, block.sources.at(0).source}};
      piece.qualities = {{length, block.qualities.at(0).quality}};
      pieces.push_back(std::move(piece));
      from += count;
    }
  }
  facts.intervals = std::move(pieces);
  std::ranges::shuffle(facts.intervals, random);
  std::ranges::shuffle(facts.registers, random);
  std::ranges::shuffle(facts.events, random);
  std::ranges::shuffle(facts.lost, random);
  std::ranges::shuffle(facts.stays, random);
}

TEST(JudgeProperties, OrderAndCutOfTheFactsChangeNothing) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    Facts f = busy_day(random);
    const storage::DayVerdict wanted = judge(f.facts, f.rules, f.now).verdict;
    ASSERT_GT(wanted.findings.size(), 5U) << seed;
    for (int again = 0; again < 4; ++again) {
      shuffle(f.facts, random);
      const storage::DayVerdict got = judge(f.facts, f.rules, f.now).verdict;
      ASSERT_EQ(got.findings, wanted.findings) << seed;
      ASSERT_EQ(got.estimates, wanted.estimates) << seed;
      ASSERT_EQ(got.profile, wanted.profile) << seed;
    }
  }
}

TEST(JudgeProperties, AskingWhyChangesNoVerdict) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    const Facts f = busy_day(random);
    const JudgedDay quiet = judge(f.facts, f.rules, f.now), told = f.judged();
    EXPECT_EQ(quiet.verdict.findings, told.verdict.findings) << seed;
    EXPECT_EQ(quiet.verdict.estimates, told.verdict.estimates) << seed;
    for (const JudgedChannel& channel : told.channels)
      EXPECT_EQ(channel.diagnoses.size(), channel.report.findings().size()) << seed;
  }
}

TEST(JudgeProperties, FindingsStandInsideTheWindowAndEstimatesWhereNoValueIs) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    const Facts f = busy_day(random);
    std::map<std::pair<storage::ChannelId, UtcInstant>, bool> present;
    for (const storage::IntervalBlock& block : f.facts.intervals) {
      for (std::size_t i = 0; i < block.mantissas.size(); ++i) {
        present[{block.channel, block.first_start + block.length * static_cast<std::int64_t>(i)}] =
            block.mantissas[i] != storage::IntervalBlock::kMissing;
      }
    }
    const storage::DayVerdict verdict = judge(f.facts, f.rules, f.now).verdict;
    for (const storage::DayFinding& finding : verdict.findings) {
      EXPECT_LE(f.facts.window.from, finding.period.from) << finding.words;
      EXPECT_LE(finding.period.from, finding.period.to) << finding.words;
      EXPECT_LE(finding.period.to, f.facts.window.to) << finding.words;
      // Slots touch the day; a reading is of it.
      EXPECT_GT(finding.period.to, f.facts.day.from) << finding.words;
      if (finding.length == std::chrono::seconds{0} && finding.channel != 0) {
        EXPECT_EQ(finding.period.from, finding.period.to) << finding.words;
        EXPECT_LE(finding.period.to, f.facts.day.to) << finding.words;
      }
    }
    for (const storage::DayEstimate& estimate : verdict.estimates) {
      for (std::size_t i = 0; i < estimate.mantissas.size(); ++i) {
        const UtcInstant start = estimate.first_start + estimate.length * static_cast<std::int64_t>(i);
        const auto slot = std::pair(estimate.channel, start);
        EXPECT_TRUE(f.facts.day.from <= start && start < f.facts.day.to);
        EXPECT_FALSE(present[slot]) << seed << " " << to_text(start);
      }
    }
  }
}

}  // namespace
}  // namespace ami::validation
