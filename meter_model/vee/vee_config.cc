#include "meter_model/vee/vee_config.h"

#include <algorithm>
#include <stdexcept>

namespace ami::vee {

const Profile& VeeConfig::active() const {
  const auto found = std::ranges::find(profiles, profile, &Profile::name);
  if (found == profiles.end()) throw std::invalid_argument("no profile of the name " + profile);
  return *found;
}

VeeConfig default_vee_config() {
  VeeConfig config;
  config.profiles = {
      {"head_end",
       {Check::Identity, Check::SystemTime, Check::MeterTime, Check::IntervalSize, Check::Continuity,
        Check::Overflow, Check::PhysicalMaximum, Check::IntervalSum, Check::TouSum, Check::NetIdentity,
        Check::RegisterMonotone, Check::Timestamps},
       false},
      {"full", CheckSet::all(), true},
      {"off", {}, false},
  };
  config.plausible_ke = {{1, -1}, {2, -1},  {3, -1},  {6, -1}, {1, 0},   {12, -1}, {18, -1},
                         {2, 0},  {24, -1}, {36, -1}, {6, 0},  {72, -1}, {12, 0},  {216, -1}};
  for (const int ratio : {10, 16, 20, 24, 30, 40, 50, 60, 80, 100, 120, 160, 200, 240, 300, 400})
    config.plausible_multipliers.push_back({ratio, 0});
  return config;
}

}  // namespace ami::vee
