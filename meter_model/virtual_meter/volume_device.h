// Water and gas meters behind an EMTR-3-FX multiport board: they count pulses of volume by themselves and
// tell the board now and then. Nothing of them is covered by notice AE-1641.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "meter_model/quantity/decimal.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"
#include "meter_model/virtual_meter/site.h"

namespace ami::virtual_meter {

enum class Commodity : std::uint8_t { Gas, Water };
enum class VolumeUnit : std::uint8_t { CubicMetre, UsGallon, Ccf };
std::string_view bulk_reading_type(Commodity commodity, VolumeUnit unit);  // metrology reference 4.2

struct VolumeSetup {
  std::string device_id;     // its own, 1 to 30 characters; not the electric meter's
  std::uint32_t number = 0;  // all that is random about it follows from it
  Commodity commodity = Commodity::Water;
  VolumeUnit unit = VolumeUnit::CubicMetre;
  Decimal pulse{1, -2};   // volume of a pulse in the unit; 1e-4 … 100
  double daily_m3 = 0.7;  // mean; gas: of a winter day; 0 … 1000
  std::uint32_t initial_pulses = 0;
  std::uint32_t modulus = 1'000'000;   // the count rolls over here; 1000 … 4e9
  std::chrono::hours report_every{4};  // 1 … 24, divides a day; its phase follows from the number
  std::chrono::hours stale_after{12};  // assumed
  UtcInstant start{};
  UtcInstant silent_from{}, silent_to{};  // its reports do not arrive; equal = never
};

// Counts at each end of a quarter of an hour; independent of the steps of advance(). A value.
class VolumeDevice {
 public:
  static Result<VolumeDevice> create(std::shared_ptr<const Site> site, VolumeSetup setup);

  void advance(UtcInstant to);

  struct BoardRead {
    std::string device_id;
    Commodity commodity{};
    VolumeUnit unit{};
    std::string_view reading_type;
    Decimal volume;  // pulses times `pulse`
    std::uint32_t pulses = 0;
    UtcInstant as_of{};  // when the board heard it; true time
    bool stale = false;
  };
  // What the board knows: the last report, not the device's count now.
  [[nodiscard]] BoardRead read() const;
  [[nodiscard]] std::uint32_t pulses() const { return static_cast<std::uint32_t>(count_ % setup_.modulus); }

 private:
  VolumeDevice(std::shared_ptr<const Site> site, VolumeSetup&& setup);
  [[nodiscard]] std::int64_t microlitres(std::int64_t quarter) const;
  [[nodiscard]] bool reports_at_end_of(std::int64_t quarter) const;

  std::shared_ptr<const Site> site_;
  VolumeSetup setup_;
  UtcInstant now_{};
  UtcInstant heard_at_{};
  std::uint64_t count_ = 0;
  std::uint64_t heard_ = 0;
  std::int64_t carry_ul_ = 0;
  std::int64_t pulse_ul_ = 1;  // rounded once, here
};

}  // namespace ami::virtual_meter
