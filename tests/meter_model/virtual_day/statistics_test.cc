// How often each check fires on ten thousand clean meter-days (docs/virtual-meter.md). Prints the table.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/meter_model/virtual_day/day_judge.h"

namespace ami::virtual_day {
namespace {

constexpr int kMeterDays = 10'000;
constexpr std::uint64_t kSeed = 31;

TEST(CleanDayStatistics, NoCheckFiresOnTenThousandMeterDays) {
  struct Count {
    int passed = 0, not_judged = 0, fired = 0;
  };
  std::map<std::string, Count> table;
  const char* set = std::getenv("AMI_VIRTUAL_DAY_SEED");
  const std::uint64_t seed = set == nullptr ? kSeed : std::strtoull(set, nullptr, 10);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  Sites sites;
  int meter_days = 0;
  for (int i = 0; i < kMeterDays; ++i) {
    const Script script = any_script(random);
    const auto days = judge_days(heard_from(run(script, sites), script), script.date);
    EXPECT_TRUE(checks_of(days).empty()) << describe(script) << '\n' << to_text(days);
    for (const JudgedDay& day : days) {
      if (day.date != script.date) continue;
      ++meter_days;
      for (const vee::CheckInfo& check : vee::all_checks()) {
        const std::string id{check.id};
        Count& count = table[id];
        const bool fired = checks_of({day}).contains(id);
        // A check that looks at two channels counts once: what it found, else that it judged, else neither.
        (fired ? count.fired : day.passed.contains(id) ? count.passed : count.not_judged) += 1;
      }
    }
  }
  EXPECT_EQ(meter_days, kMeterDays);
  std::printf("| check | judged and passed | not judged | fired |\n|---|---|---|---|\n");
  for (const auto& [id, count] : table) {
    std::printf("| %s | %d | %d | %d |\n", id.c_str(), count.passed, count.not_judged, count.fired);
    EXPECT_EQ(count.fired, 0) << id;
    EXPECT_GT(count.passed, 0) << id;
  }
}

}  // namespace
}  // namespace ami::virtual_day
