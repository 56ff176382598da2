#include "meter_model/virtual_meter/volume_device.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "meter_model/virtual_meter/counter_random.h"

namespace ami::virtual_meter {
namespace {

using std::chrono::hours;

constexpr double kMicrolitresPerM3 = 1e9;
constexpr std::int64_t kQuartersAnHour = 4;

double cubic_metres(VolumeUnit unit) {
  switch (unit) {
    case VolumeUnit::UsGallon:
      return 3.785411784e-3;
    case VolumeUnit::Ccf:
      return 2.8316846592;
    case VolumeUnit::CubicMetre:
      break;
  }
  return 1;
}

// Share of a day's water in an hour, in thousandths: mornings and evenings.
constexpr int kWater[24] = {8,  5,  4,  4,  8,  25, 75, 90, 70, 50, 45, 42,
                            45, 40, 38, 42, 55, 75, 80, 70, 50, 38, 26, 15};

}  // namespace

std::string_view bulk_reading_type(Commodity commodity, VolumeUnit unit) {
  const bool gas = commodity == Commodity::Gas;
  switch (unit) {
    case VolumeUnit::UsGallon:
      return gas ? "0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.128.0" : "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.128.0";
    case VolumeUnit::Ccf:
      return gas ? "0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.2.119.0" : "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.2.119.0";
    case VolumeUnit::CubicMetre:
      break;
  }
  return gas ? "0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.42.0" : "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.42.0";
}

Result<VolumeDevice> VolumeDevice::create(std::shared_ptr<const Site> site, VolumeSetup setup) {
  const std::string where = "device \"" + setup.device_id.substr(0, 30) + "\": ";
  if (!site) return permanent(where + "it needs a site");
  if (setup.device_id.empty() || setup.device_id.size() > 30) {
    return permanent(where + "an id of its own of 1 to 30 characters is wanted");
  }
  if (setup.pulse < Decimal{1, -4} || setup.pulse > Decimal{100, 0}) {
    return permanent(where + "a pulse of " + setup.pulse.to_string() + "; 0.0001 to 100 units are possible");
  }
  if (setup.commodity == Commodity::Gas && setup.unit == VolumeUnit::UsGallon) {
    return permanent(where + "gas is not counted in gallons; m3 and CCF are possible");
  }
  if (!(setup.daily_m3 >= 0 && setup.daily_m3 <= 1000)) {
    return permanent(where + std::to_string(setup.daily_m3) + " m3 a day; 0 to 1000 are possible");
  }
  if (setup.modulus < 1000 || setup.modulus > 4'000'000'000 || setup.initial_pulses >= setup.modulus) {
    return permanent(where + std::to_string(setup.initial_pulses) + " pulses of a count that rolls over at " +
                     std::to_string(setup.modulus) + "; it must be below, and that from 1000 to 4000000000");
  }
  if (setup.report_every < hours{1} || setup.report_every > hours{24} ||
      hours{24} % setup.report_every != hours{0}) {
    return permanent(where + "a report every " + std::to_string(setup.report_every.count()) +
                     " h; it must divide a day");
  }
  if (setup.stale_after < setup.report_every) {
    return permanent(where + "stale after " + std::to_string(setup.stale_after.count()) +
                     " h, but it only reports every " + std::to_string(setup.report_every.count()) + " h");
  }
  if (setup.start < kFirstInstant || setup.start >= kLastInstant) {
    return permanent(where + "it starts at " + to_text(setup.start) + "; from " + to_text(kFirstInstant) +
                     " until " + to_text(kLastInstant) + " is possible");
  }
  if (setup.silent_from > setup.silent_to) {
    return permanent(where + "silent from " + to_text(setup.silent_from) + " to " + to_text(setup.silent_to) +
                     "; it must end after it begins");
  }
  return VolumeDevice(std::move(site), std::move(setup));
}

VolumeDevice::VolumeDevice(std::shared_ptr<const Site> site, VolumeSetup&& setup)
    : site_(std::move(site)), setup_(std::move(setup)), now_(setup_.start), heard_at_(setup_.start) {
  count_ = heard_ = setup_.initial_pulses;
  const double pulse = static_cast<double>(setup_.pulse.mantissa) * std::pow(10, setup_.pulse.exponent);
  pulse_ul_ = std::llround(pulse * cubic_metres(setup_.unit) * kMicrolitresPerM3);
}

std::int64_t VolumeDevice::microlitres(std::int64_t quarter) const {
  const Sky sky = site_->sky(quarter);
  const double whim = 0.6 + 0.8 * uniform(site_->seed(), Stream::Volume, setup_.number, quarter);
  double share = 1.0 / 96;
  if (setup_.commodity == Commodity::Water) {
    share = kWater[sky.minute_of_day / 60] / 4000.0;
  } else {
    constexpr double kColdDay = 24;  // degrees below 18 degrees C
    share = (0.08 + 0.92 * std::max(18 - sky.outside_c, 0.0) / kColdDay) / 96;
  }
  return std::llround(setup_.daily_m3 * share * whim * kMicrolitresPerM3);
}

bool VolumeDevice::reports_at_end_of(std::int64_t quarter) const {
  const std::int64_t every = setup_.report_every.count() * kQuartersAnHour;
  const auto phase = static_cast<std::int64_t>(
      random_bits(site_->seed(), Stream::ReportPhase, setup_.number, 0) % static_cast<std::uint64_t>(every));
  return (quarter + 1) % every == phase;
}

void VolumeDevice::advance(UtcInstant to) {
  to = std::min(to, kLastInstant);
  for (std::int64_t quarter = quarter_of(now_); quarter_start(quarter + 1) <= to; ++quarter) {
    carry_ul_ += microlitres(quarter);
    count_ += static_cast<std::uint64_t>(carry_ul_ / pulse_ul_);
    carry_ul_ %= pulse_ul_;
    const UtcInstant end = quarter_start(quarter + 1);
    const bool silent = end >= setup_.silent_from && end < setup_.silent_to;
    if (reports_at_end_of(quarter) && !silent) {
      heard_ = count_;
      heard_at_ = end;
    }
  }
  now_ = std::max(now_, to);
}

VolumeDevice::BoardRead VolumeDevice::read() const {
  BoardRead out;
  out.device_id = setup_.device_id;
  out.commodity = setup_.commodity;
  out.unit = setup_.unit;
  out.reading_type = bulk_reading_type(setup_.commodity, setup_.unit);
  out.pulses = static_cast<std::uint32_t>(heard_ % setup_.modulus);
  out.volume = setup_.pulse.times(Decimal{out.pulses, 0}).value_or(Decimal{});
  out.as_of = heard_at_;
  out.stale = now_ - heard_at_ > setup_.stale_after;
  return out;
}

}  // namespace ami::virtual_meter
