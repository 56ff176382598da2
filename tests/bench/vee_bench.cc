// Validation on one core: all checks of a profile over one channel's day and its meter, from memory that is
// not warm. items_per_second are intervals.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "meter_model/vee/checks.h"
#include "meter_model/vee/estimation.h"

namespace ami::vee {
namespace {

constexpr std::size_t kSlots = 96;
constexpr std::size_t kChannelDays = 20'000;  // 15 MB of values

struct Fleet {
  explicit Fleet(std::size_t registers_a_day) {
    const UtcInstant start = parse_instant("2026-01-15T05:00:00Z").value();
    ChannelDay& day = template_day;
    day.day = {start, start + std::chrono::hours{24}};
    day.first_start = start;
    day.exponent = -1;
    day.programme.ke = Decimal{12, -1};
    day.programme.largest_count = 65535;
    day.programme.limit_per_hour = Decimal{48'000, 0};
    day.programme.register_resolution = Decimal{1, 3};
    day.programme.register_modulus = Decimal{1, 8};
    values.resize(kChannelDays * kSlots);
    std::uint32_t state = 1;
    const std::size_t step = kSlots / (registers_a_day - 1);
    for (std::size_t d = 0; d < kChannelDays; ++d) {
      std::int64_t dial = 50'000'000 + static_cast<std::int64_t>(d) * 10;
      for (std::size_t i = 0; i < kSlots; ++i) {
        if (i % step == 0) registers.push_back({day.start_of(i), {dial / 10'000, 3}, {}});
        state = state * 1'664'525 + 1'013'904'223;
        const std::int64_t value = 12 * (200 + static_cast<std::int64_t>(state >> 24));
        values[d * kSlots + i] = value;
        dial += value;
      }
      registers.push_back({day.day.to, {dial / 10'000, 3}, {}});
    }
    per_day = registers.size() / kChannelDays;
    meter.expected = meter.reported = {"12345678", "M77", "2S", "P1", Decimal{1, 0}};
    meter.collector_error = std::chrono::milliseconds{20};
    meter.meter_error = std::chrono::seconds{4};
    meter.installed_from = start - std::chrono::days{900};
    meter.as_of = day.day.to;
    meter.delivered = RegisterSpan{{100, 3}, {150, 3}, {1, 3}, Decimal{1, 8}};
    meter.received = RegisterSpan{{10, 3}, {30, 3}, {1, 3}, Decimal{1, 8}};
    meter.net = RegisterSpan{{90, 3}, {120, 3}, {1, 3}, Decimal{1, 8}};
    meter.tou_bulk = RegisterSpan{{100, 3}, {150, 3}, {1, 3}, Decimal{1, 8}};
    tiers = {{{10, 3}, {40, 3}, {1, 3}, Decimal{1, 8}}, {{20, 3}, {40, 3}, {1, 3}, Decimal{1, 8}}};
    meter.tou_tiers = tiers;
  }
  ChannelDay of(std::size_t d) const {
    ChannelDay day = template_day;
    day.values = std::span(values).subspan(d * kSlots, kSlots);
    day.registers = std::span(registers).subspan(d * per_day, per_day);
    return day;
  }
  ChannelDay template_day;
  MeterDay meter;
  std::vector<std::int64_t> values;
  std::vector<RegisterRead> registers;
  std::vector<RegisterSpan> tiers;
  std::size_t per_day = 0;
};

// Arguments: profile (0 head_end, 1 full), register readings of the channel a day.
void checks(benchmark::State& state) {
  const Fleet fleet(static_cast<std::size_t>(state.range(1)));
  VeeConfig config = default_vee_config();
  const CheckSet& wanted = config.profiles[static_cast<std::size_t>(state.range(0))].checks;
  Report report;
  std::size_t found = 0;
  for (auto _ : state) {
    for (std::size_t d = 0; d < kChannelDays; ++d) {
      report.clear();
      check_meter_day(fleet.meter, config, wanted, report);
      check_channel_day(fleet.of(d), fleet.meter, config, wanted, report);
      found += report.findings().size();
    }
  }
  if (found != 0) state.SkipWithError("a sound day raised a code");
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kChannelDays * kSlots));
}
BENCHMARK(checks)
    ->ArgNames({"full", "registers"})
    ->Args({0, 2})
    ->Args({0, 25})
    ->Args({1, 2})
    ->Unit(benchmark::kMillisecond);

// Every day has a gap of an hour that its registers bracket. items_per_second are estimated days.
void estimation(benchmark::State& state) {
  Fleet fleet(2);
  for (std::size_t d = 0; d < kChannelDays; ++d) {
    for (std::size_t i = 40; i < 44; ++i) fleet.values[d * kSlots + i] = kHole;
  }
  const VeeConfig config = default_vee_config();
  const Zone zone = Zone::load("America/Toronto").value();
  std::size_t scaled = 0;
  for (auto _ : state) {
    for (std::size_t d = 0; d < kChannelDays; ++d) {
      const ChannelDay day = fleet.of(d);
      const Estimation made = estimate({.day = day, .meter = fleet.meter, .zone = zone}, config);
      scaled += made.estimates.size() == 1 && made.estimates[0].register_scaled ? 1U : 0U;
    }
  }
  if (scaled != kChannelDays * static_cast<std::size_t>(state.iterations()))
    state.SkipWithError("a gap was not scaled");
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kChannelDays));
}
BENCHMARK(estimation)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ami::vee

BENCHMARK_MAIN();
