// The reference metrology engine on one core. items_per_second of `closings` are recorder intervals that were
// closed, of `fleet_day` too. items_per_second of `samples` are samples: one voltage and one
// current of one element at one moment (2S form-faithful reads four signals a sample, true mode counts two).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "meter_model/metrology/meter.h"
#include "meter_model/metrology/sampled.h"

namespace ami::metrology {
namespace {

// Signals of 8 MB (double) or 4 MB (codes) each, so that they come from memory and not from a warm cache.
constexpr std::size_t kSamples = std::size_t{1} << 20;
constexpr double kVoltsPerCode = 1.0 / 16'000, kAmperesPerCode = 1.0 / 40'000;  // 24-bit codes: 524 V, 209 A

template <class T>
std::vector<T> stream(double rms, double angle_deg, int samples_per_cycle, double step) {
  const auto cycle =
      synthesise({{1, rms, angle_deg}, {3, rms / 20, 40}, {5, rms / 33, -70}}, {60, samples_per_cycle, 0})
          .value();
  std::vector<T> out(kSamples);
  for (std::size_t k = 0; k < kSamples; ++k) {
    const double value = cycle[k % cycle.size()];
    out[k] = std::is_integral_v<T> ? static_cast<T>(std::llrint(value / step)) : static_cast<T>(value);
  }
  return out;
}

enum class Wiring { OneElement, FormFaithful2S, True2S };

// Arguments: samples a cycle, samples a piece.
template <class T, Wiring wiring>
void samples(benchmark::State& state) {
  const auto per_cycle = static_cast<int>(state.range(0));
  const auto piece = static_cast<std::size_t>(state.range(1));
  const auto v1 = stream<T>(120, 0, per_cycle, kVoltsPerCode),
             v2 = stream<T>(119, 180, per_cycle, kVoltsPerCode);
  const auto i1 = stream<T>(30, -20, per_cycle, kAmperesPerCode),
             i2 = stream<T>(28, 150, per_cycle, kAmperesPerCode);
  const SampleScale scale =
      std::is_integral_v<T> ? SampleScale{kVoltsPerCode, kAmperesPerCode} : SampleScale{};
  const Sampling sampling{60, per_cycle, 0};
  // The answer from the products themselves; every cycle is the same, and delivers.
  long double expected_w = 0;
  for (std::size_t k = 0; k < static_cast<std::size_t>(per_cycle); ++k) {
    const long double a = v1[k], b = i1[k], c = v2[k], d = i2[k];
    expected_w += wiring == Wiring::OneElement       ? a * b
                  : wiring == Wiring::FormFaithful2S ? (a - c) * (b - d) / 2
                                                     : a * b + c * d;
  }
  expected_w *= static_cast<long double>(scale.volts * scale.amperes) / per_cycle;

  for (auto _ : state) {
    auto element = SampledElement::make(sampling, scale).value();
    bool taken = true;
    for (std::size_t at = 0; at < kSamples; at += piece) {
      const std::size_t size = std::min(piece, kSamples - at);
      const auto part = [at, size](const std::vector<T>& signal) {
        return std::span<const T>(signal).subspan(at, size);
      };
      if constexpr (wiring == Wiring::OneElement) {
        taken = element.feed(part(v1), part(i1)).ok() && taken;
      } else {
        const auto mode = wiring == Wiring::True2S ? Mode::True : Mode::FormFaithful;
        taken = element.feed(LegSamples<T>{part(v1), part(i1), part(v2), part(i2)}, mode).ok() && taken;
      }
    }
    const double expected_wh =
        static_cast<double>(expected_w * static_cast<long double>(element.cycles()) / 60 / 3600);
    if (!taken || std::fabs(element.energy()->delivered.wh() / expected_wh - 1) > 1e-9) {
      state.SkipWithError("wrong answer");
      return;
    }
  }
  const std::int64_t elements = wiring == Wiring::True2S ? 2 : 1;
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kSamples) * elements);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"per_cycle", "piece"})->Args({64, 1000})->Args({21, 1000})->Args({256, 1000})->Args({64, 37});
}

BENCHMARK_TEMPLATE(samples, double, Wiring::OneElement)->Apply(shapes);
BENCHMARK_TEMPLATE(samples, double, Wiring::FormFaithful2S)->Apply(shapes);
BENCHMARK_TEMPLATE(samples, double, Wiring::True2S)->Apply(shapes);
BENCHMARK_TEMPLATE(samples, std::int32_t, Wiring::OneElement)->Apply(shapes);
BENCHMARK_TEMPLATE(samples, std::int32_t, Wiring::FormFaithful2S)->Apply(shapes);
BENCHMARK_TEMPLATE(samples, std::int32_t, Wiring::True2S)->Apply(shapes);

constexpr int kIntervalsADay = 96;

ReferenceMeter new_meter(DemandMethod method, bool traced) {
  MeterProgram program;
  program.demand.method = method;
  if (method == DemandMethod::Sliding) program.demand.subinterval = std::chrono::seconds{300};
  program.traces_demand = traced;
  return ReferenceMeter::create(program, {}).value();
}

// Power mode: one meter at 10/3 kW, quarters of an hour, pulses of 1.2 Wh; records and trace drained daily.
void closings(benchmark::State& state, DemandMethod method) {
  ReferenceMeter meter = new_meter(method, true);
  const Load load = Load::constant_nw(3'333'333'333'333).value();
  std::vector<IntervalRecord> records;
  std::vector<DemandPoint> points;
  std::uint64_t pulses = 0;
  for (auto _ : state) {
    meter.run(load, std::chrono::days{1});
    records = meter.take_intervals(std::move(records));
    points = meter.take_demand_trace(std::move(points));
    for (const IntervalRecord& record : records) pulses += record.delivered_pulses;
  }
  const Int128 energy = Int128{3'333'333'333'333} * 86'400'000'000 * state.iterations();
  if (static_cast<Int128>(pulses) != energy / 4'320'000'000'000'000'000) state.SkipWithError("wrong answer");
  state.SetItemsProcessed(state.iterations() * kIntervalsADay);
}
BENCHMARK_CAPTURE(closings, block, DemandMethod::Block);
BENCHMARK_CAPTURE(closings, sliding, DemandMethod::Sliding);
BENCHMARK_CAPTURE(closings, exponential, DemandMethod::Exponential);

// A hundred thousand meters, an hour at a time, so that each comes from memory every time.
void fleet_day(benchmark::State& state) {
  constexpr int kMeters = 100'000;
  std::vector<ReferenceMeter> meters(kMeters, new_meter(DemandMethod::Block, false));
  std::vector<IntervalRecord> records;
  for (auto _ : state) {
    for (int hour = 0; hour < 24; ++hour) {
      for (int i = 0; i < kMeters; ++i) {
        ReferenceMeter& meter = meters[static_cast<std::size_t>(i)];
        meter.run(Load::constant_nw(std::int64_t{1'000'000'000} * (i % 9000)).value(), std::chrono::hours{1});
        records = meter.take_intervals(std::move(records));
      }
    }
  }
  if (meters.back().metered().delivered !=
      Energy::watthours((kMeters - 1) % 9000 * 24 * state.iterations())) {
    state.SkipWithError("wrong answer");
  }
  state.SetItemsProcessed(state.iterations() * kMeters * kIntervalsADay);
}
BENCHMARK(fleet_day)->Unit(benchmark::kMillisecond)->Iterations(2);

}  // namespace
}  // namespace ami::metrology

BENCHMARK_MAIN();
