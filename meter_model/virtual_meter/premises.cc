#include "meter_model/virtual_meter/premises.h"

#include <algorithm>
#include <array>
#include <string>

#include "meter_model/virtual_meter/counter_random.h"

namespace ami::virtual_meter {
namespace {

// Mean power of each civil hour over the mean of the day; every row sums to about 24.
using Shape = std::array<double, 24>;
constexpr Shape kHomeWeekday{0.60, 0.52, 0.48, 0.46, 0.48, 0.60, 0.92, 1.15, 1.02, 0.86, 0.82, 0.82,
                             0.86, 0.84, 0.84, 0.92, 1.16, 1.52, 1.82, 1.86, 1.72, 1.48, 1.14, 0.82};
constexpr Shape kHomeWeekend{0.66, 0.56, 0.50, 0.48, 0.48, 0.54, 0.70, 0.92, 1.14, 1.24, 1.24, 1.20,
                             1.18, 1.12, 1.08, 1.10, 1.24, 1.48, 1.68, 1.68, 1.54, 1.34, 1.06, 0.80};
constexpr Shape kShopWeekday{0.42, 0.42, 0.42, 0.42, 0.44, 0.52, 0.74, 1.10, 1.52, 1.72, 1.78, 1.80,
                             1.76, 1.78, 1.78, 1.72, 1.58, 1.24, 0.86, 0.64, 0.54, 0.48, 0.44, 0.42};
constexpr Shape kShopWeekend{0.64, 0.64, 0.64, 0.64, 0.64, 0.64, 0.66, 0.68, 0.74, 0.82, 0.88, 0.92,
                             0.92, 0.92, 0.88, 0.82, 0.76, 0.72, 0.68, 0.66, 0.66, 0.64, 0.64, 0.64};

constexpr double kLeastW = 60;
constexpr double kMostW = 44000;  // what a class 200 service may carry is 48 kW
constexpr double kHoursAYear = 8766;
constexpr double kInverter = 0.95;
constexpr std::int64_t kRunQuarters = 12;
constexpr std::int64_t kMinutesADay = 1440;

const Shape& shape_of(PremisesKind kind, bool weekend) {
  if (kind == PremisesKind::Household) return weekend ? kHomeWeekend : kHomeWeekday;
  return weekend ? kShopWeekend : kShopWeekday;
}

Outcome within(const char* what, float value, float low, float high, const char* unit) {
  if (value >= low && value <= high) return Done{};
  return permanent(std::string(what) + " of " + std::to_string(value) + " " + unit + "; " +
                   std::to_string(static_cast<int>(low)) + " to " + std::to_string(static_cast<int>(high)) +
                   " are possible");
}

}  // namespace

Outcome Premises::check() const {
  if (auto good = within("a yearly use", annual_kwh, 500, 150000, "kWh"); !good) return good;
  if (auto good = within("solar panels", solar_kw, 0, 30, "kW"); !good) return good;
  if (auto good = within("electric heating", heating_w_per_k, 0, 600, "W per degree"); !good) return good;
  return within("cooling", cooling_w_per_k, 0, 600, "W per degree");
}

Flow flow(const Premises& premises, std::uint64_t seed, std::uint64_t number, std::int64_t quarter,
          const Sky& sky) {
  const Shape& shape = shape_of(premises.kind, sky.weekend);
  const auto hour = static_cast<std::size_t>(sky.minute_of_day / 60);
  const double into = static_cast<double>(sky.minute_of_day % 60) / 60;
  const double level = shape[hour] * (1 - into) + shape[(hour + 1) % 24] * into;

  const double spread = premises.kind == PremisesKind::Household ? 0.3 : 0.16;
  const double occupancy = 1 + spread * (uniform(seed, Stream::Occupancy, number, sky.day) - 0.5);
  const double mean_w =
      static_cast<double>(premises.annual_kwh) * 1000 / kHoursAYear * occupancy * (1 + 0.12 * sky.darkness);
  // Compressors and fans: below the mean in one quarter, above it in the next, never twice the same.
  const double cycle = 0.75 + 0.17 * uniform(seed, Stream::Base, number, quarter);
  const double base_w = std::max(0.8 * mean_w * level, 80.0) * (quarter % 2 == 0 ? cycle : 2 - cycle);

  // Machines run for three hours, so that no hour stands alone, and draw as the hour of the day does.
  const std::int64_t run = quarter / kRunQuarters;
  const std::int64_t begun = sky.minute_of_day - 15 * (quarter % kRunQuarters) + kMinutesADay;
  const double likely = 0.25 * shape[static_cast<std::size_t>(begun % kMinutesADay / 60)];
  double appliance_w = 0;
  if (uniform(seed, Stream::Appliance, number, run) < likely) {
    appliance_w = mean_w * level * (0.4 + 0.5 * uniform(seed, Stream::ApplianceSize, number, run));
  }
  const double heating_w = static_cast<double>(premises.heating_w_per_k) * std::max(16 - sky.outside_c, 0.0);
  const double cooling_w = static_cast<double>(premises.cooling_w_per_k) * std::max(sky.outside_c - 21, 0.0);

  Flow out;
  out.load_w = std::clamp(base_w + appliance_w + heating_w + cooling_w, kLeastW, kMostW);
  out.generation_w = static_cast<double>(premises.solar_kw) * 1000 * kInverter * sky.sun;
  return out;
}

}  // namespace ami::virtual_meter
