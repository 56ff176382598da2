// When which tier counts. A meter switches by its own clock; the switching is not part of the approval.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "meter_model/result.h"
#include "meter_model/time/instant.h"
#include "meter_model/virtual_meter/site.h"

namespace ami::virtual_meter {

enum class TouSeason : std::uint8_t { Winter, Summer };
enum class TouDay : std::uint8_t { Weekday, Weekend };

// From this minute of the civil day on; a multiple of 15.
struct TouSwitch {
  TouSeason season{};
  TouDay day{};
  int minute_of_day = 0;
  char tier = 'A';  // 'A' … 'D'
};

// Immutable. Without switches: no tiers.
class TouSchedule {
 public:
  TouSchedule() = default;
  // Each of the four combinations of season and day begins at minute 0 and goes on in ascending order.
  // Summer: these months and those between.
  static Result<TouSchedule> create(const std::vector<TouSwitch>& switches, int first_summer_month = 5,
                                    int last_summer_month = 10);
  // A off-peak, B mid-peak, C on-peak; hours as in Ontario (an example, not a tariff).
  static TouSchedule three_tiers();

  [[nodiscard]] bool none() const { return none_; }
  // `civil`: what a clock on the wall shows. 'A' where there are no tiers.
  [[nodiscard]] char tier(CivilTime civil) const;

 private:
  std::array<std::array<char, 96>, 4> tiers_{};  // [season * 2 + day][quarter of the day]
  int first_summer_month_ = 5;
  int last_summer_month_ = 10;
  bool none_ = true;
};

}  // namespace ami::virtual_meter
