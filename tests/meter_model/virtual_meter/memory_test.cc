// A meter at rest, with all that it owns, stays under a thousand bytes: 100,000 of them under 100 MB.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "tests/meter_model/virtual_meter/fixture.h"

namespace {
std::atomic<std::int64_t> live_bytes{0};
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

using namespace testing;

// Bytes owned by each of 100 meters after three days, read along the way.
double owned_bytes(const SharedPlan& plan) {
  constexpr std::size_t kMeters = 100;
  const UtcInstant start = at("2026-07-01T04:00:00Z");
  std::vector<VirtualMeter> meters;
  meters.reserve(kMeters);
  const std::int64_t before = live_bytes;
  {
    Outbox out;
    for (std::uint32_t i = 0; i < kMeters; ++i) meters.push_back(meter_of(plan, setup_of(i, start)));
    for (int hour = 1; hour <= 72; ++hour) {
      for (VirtualMeter& meter : meters) {
        out.clear();
        meter.advance(start + hours{hour}, out);
        (void)meter.read();
      }
    }
  }
  return static_cast<double>(live_bytes - before) / kMeters;
}

TEST(VirtualMeterMemory, RestsInLessThanAThousandBytes) {
  const double owned = owned_bytes(plan_with());
  RecordProperty("sizeof", static_cast<int>(sizeof(VirtualMeter)));
  RecordProperty("owned", static_cast<int>(owned));
  EXPECT_LT(static_cast<double>(sizeof(VirtualMeter)) + owned, 1000);
}

TEST(VirtualMeterMemory, ASlidingDemandKeepsItsSubintervalsBeside) {
  Plan draft{Site::create({}).value()};
  draft.program.demand.method = metrology::DemandMethod::Sliding;
  draft.program.demand.subinterval = seconds{300};
  EXPECT_LT(static_cast<double>(sizeof(VirtualMeter)) + owned_bytes(Plan::create(std::move(draft)).value()),
            1100);
}

}  // namespace
}  // namespace ami::virtual_meter
