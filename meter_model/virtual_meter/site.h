// Where a fleet stands: civil time, and the sun and warmth that drive its loads.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::virtual_meter {

// Loads are constant over each quarter of an hour of UTC: number of quarters since 1970.
inline constexpr std::chrono::seconds kQuarter{900};
inline std::int64_t quarter_of(UtcInstant at) {
  return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()) / kQuarter;
}
inline UtcInstant quarter_start(std::int64_t quarter) {
  return UtcInstant{quarter * kQuarter};
}

// Instants that a virtual meter can live in.
inline constexpr UtcInstant kFirstInstant{std::chrono::sys_days{std::chrono::year{2000} / 1 / 2}};
inline constexpr UtcInstant kLastInstant{std::chrono::sys_days{std::chrono::year{2070} / 1 / 1}};

struct SiteSetup {
  std::string zone = "America/Toronto";
  double latitude_deg = 43.7;    // -66 … 66; south is negative
  double longitude_deg = -79.4;  // -180 … 180; west is negative
  double mean_c = 8.5;           // of the year
  double swing_c = 13.5;         // warmest month less the mean
  std::uint64_t seed = 1;        // of the weather and of every meter of the site
};

// What a quarter of an hour is like, for every meter of the site alike.
struct Sky {
  double sun = 0;        // what a panel gives of its rated power, 0 … 1
  double outside_c = 0;  // air
  double darkness = 0;   // of the season: -1 midsummer … 1 midwinter
  std::int32_t day = 0;  // civil days since 1970
  std::int16_t minute_of_day = 0;
  std::uint8_t month = 1;
  bool weekend = false;
};

// Immutable; any thread.
class Site {
 public:
  // Errors: unknown zone, latitude, longitude or temperatures out of range.
  static Result<Site> create(const SiteSetup& setup);

  [[nodiscard]] std::uint64_t seed() const { return setup_.seed; }
  // Civil time less UTC; between kFirstInstant and kLastInstant.
  [[nodiscard]] std::chrono::seconds utc_offset(UtcInstant at) const;
  // Offset without daylight saving: what a meter's grid keeps.
  [[nodiscard]] std::chrono::seconds standard_offset(UtcInstant at) const;
  [[nodiscard]] Sky sky(std::int64_t quarter) const;

 private:
  struct Change {
    UtcInstant from;
    std::chrono::seconds offset;
  };
  explicit Site(const SiteSetup& setup) : setup_(setup) {}

  SiteSetup setup_;
  std::vector<Change> changes_;  // ascending
};

}  // namespace ami::virtual_meter
