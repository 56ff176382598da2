// The virtual fleet: 100,000 meters advance one simulated day; wanted under 10 s on one core, and under 1 kB
// for each meter at rest (counters: bytes of a meter, and of what it owns beside it).
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "meter_model/virtual_meter/virtual_meter.h"

namespace {
std::int64_t live_bytes = 0;  // one thread
}  // namespace

void* operator new(std::size_t size) {
  void* at = std::malloc(size);
  if (at == nullptr) throw std::bad_alloc();
  live_bytes += static_cast<std::int64_t>(malloc_usable_size(at));
  return at;
}
void operator delete(void* at) noexcept {
  live_bytes -= static_cast<std::int64_t>(malloc_usable_size(at));
  std::free(at);
}
void operator delete(void* at, std::size_t) noexcept {
  operator delete(at);
}

namespace ami::virtual_meter {
namespace {

constexpr std::uint32_t kMeters = 100'000;
constexpr UtcInstant kStart{std::chrono::sys_days{std::chrono::year{2026} / 7 / 1}};

MeterSetup setup_of(std::uint32_t number) {
  MeterSetup setup;
  setup.number = number;
  setup.start = kStart;
  setup.premises.annual_kwh = 3000 + static_cast<float>(number % 10) * 1000;
  if (number % 5 == 0) setup.premises.solar_kw = 6;
  if (number % 50 == 0) setup.premises.kind = PremisesKind::SmallBusiness;
  setup.drift_ppb = static_cast<std::int32_t>(number % 41) * 1000 - 20000;
  return setup;
}

// Argument: minutes of a step; every meter comes from memory at each.
void fleet_day(benchmark::State& state, bool tiers) {
  Plan draft{Site::create({}).value()};
  if (tiers) draft.tou = TouSchedule::three_tiers();
  const SharedPlan plan = Plan::create(std::move(draft)).value();
  std::vector<VirtualMeter> meters;
  meters.reserve(kMeters);
  const std::int64_t before = live_bytes;
  for (std::uint32_t i = 0; i < kMeters; ++i) {
    meters.push_back(VirtualMeter::create(plan, setup_of(i)).value());
  }
  const std::chrono::minutes step{state.range(0)};
  Outbox out;
  UtcInstant now = kStart;
  std::int64_t intervals = 0;
  for (auto _ : state) {
    for (const UtcInstant end = now + std::chrono::days{1}; now < end;) {
      now += step;
      for (VirtualMeter& meter : meters) {
        out.clear();
        meter.advance(now, out);
        intervals += static_cast<std::int64_t>(out.intervals.size());
      }
    }
  }
  out = {};
  state.counters["bytes_a_meter"] = sizeof(VirtualMeter);
  state.counters["owned_bytes_a_meter"] = static_cast<double>(live_bytes - before) / kMeters;
  // A slow clock may be just short of its last interval.
  const std::int64_t wanted = state.iterations() * kMeters * 96;
  if (intervals > wanted || intervals < wanted - kMeters) state.SkipWithError("wrong number of intervals");
  state.SetItemsProcessed(intervals);
}
BENCHMARK_CAPTURE(fleet_day, plain, false)->Arg(1440)->Arg(15)->Unit(benchmark::kSecond)->Iterations(1);
BENCHMARK_CAPTURE(fleet_day, tiers, true)->Arg(1440)->Unit(benchmark::kSecond)->Iterations(1);

}  // namespace
}  // namespace ami::virtual_meter

BENCHMARK_MAIN();
