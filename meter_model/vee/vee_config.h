// Thresholds and profiles of validation and estimation, one for each feed. What the text derives is no
// threshold. Every default is assumed unless docs/vee.md says otherwise.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/quantity/decimal.h"
#include "meter_model/vee/check.h"
#include "meter_model/vee/programme_rules.h"

namespace ami::vee {

struct Profile {
  std::string name;
  CheckSet checks;
  bool estimates = false;
};

struct VeeConfig {
  std::string profile = "head_end";
  std::vector<Profile> profiles;  // by default head_end, full, off

  std::chrono::seconds collector_clock_fails_above{1}, collector_clock_refuses_above{60};  // V02
  std::chrono::seconds meter_clock_warns_above{180};                                       // V03
  Decimal physical_factor{11, -1};       // V12, V17, V23: for voltage above its nominal value
  Decimal sum_relaxed_by_percent{0, 0};  // V14: of the register difference, on top of the derived bound
  // V14: pulses that a register may lack or have more than the recorder at the two ends together, because the
  // feed does not read both at one instant. 0 where it does.
  int sum_boundary_pulses = 0;
  Decimal spike_ratio{18, -1};   // V18
  Decimal spike_floor{1000, 0};  // V18, in the channel's unit: smaller peaks are no spikes
  Decimal least_of_usual{5, -1}, most_of_usual{2, 0};   // V19
  std::chrono::hours zero_run{24};                      // V20
  int frozen_count = 8;                                 // V21
  std::chrono::seconds future_tolerance{300};           // V24
  int estimated_days = 3, estimated_billing_reads = 2;  // V25
  Decimal suspect_above_percent{2, 0};                  // of the meters, one day (ThresholdWatch)
  int suspect_from_meters = 20;                         // fewer say nothing about a threshold

  std::chrono::minutes linear_up_to{120};
  int like_days = 4;
  int like_day_reach_days = 35;  // the same season

  std::vector<ProgrammeRule> programmes;  // in order of rank

  // What likely causes are sought among. Pulse constants in the channel's unit.
  std::vector<Decimal> plausible_ke;
  std::vector<Decimal> plausible_multipliers;

  [[nodiscard]] const Profile& active()
      const;  // the profile of that name; the parser saw to it that it exists
};

VeeConfig default_vee_config();

// Sixteen hex digits that change with every figure and rule of it: what a verdict was drawn by.
std::string digest(const VeeConfig& config);

}  // namespace ami::vee
