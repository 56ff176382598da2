#include "meter_model/vee/vee_config.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace ami::vee {
namespace {

// FNV-1a, 64 bits.
class Digest {
 public:
  void add(std::string_view text) {
    for (const char c : text) byte(static_cast<std::uint8_t>(c));
    byte(0);
  }
  void add(const Decimal& value) { add(value.normalised().to_string()); }
  void add(std::int64_t value) { add(std::to_string(value)); }
  template <class T>
  void add(const std::optional<T>& value) {
    if (value) {
      add(*value);
    } else {
      byte(1);
    }
  }
  [[nodiscard]] std::string hex() const {
    std::string text(16, '0');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = "0123456789abcdef"[state_ >> (60 - 4 * i) & 15];
    return text;
  }

 private:
  void byte(std::uint8_t value) { state_ = (state_ ^ value) * 0x100000001b3; }
  std::uint64_t state_ = 0xcbf29ce484222325;
};

}  // namespace

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
  ProgrammeRule form_2s, class_200;
  form_2s.form = "2S";
  form_2s.volts = Decimal{240, 0};
  class_200.class_a = "200";
  class_200.amps = Decimal{200, 0};
  config.programmes = {form_2s, class_200};
  for (const int ratio : {10, 16, 20, 24, 30, 40, 50, 60, 80, 100, 120, 160, 200, 240, 300, 400})
    config.plausible_multipliers.push_back({ratio, 0});
  return config;
}

std::string digest(const VeeConfig& c) {
  Digest sum;
  sum.add(c.profile);
  for (const Profile& profile : c.profiles) {
    sum.add(profile.name);
    sum.add(std::int64_t{profile.estimates});
    for (const CheckInfo& check : all_checks()) sum.add(std::int64_t{profile.checks.has(check.check)});
  }
  for (const auto seconds :
       {c.collector_clock_fails_above, c.collector_clock_refuses_above, c.meter_clock_warns_above,
        std::chrono::seconds{c.zero_run}, c.future_tolerance, std::chrono::seconds{c.linear_up_to}})
    sum.add(std::int64_t{seconds.count()});
  for (const Decimal& number : {c.physical_factor, c.sum_relaxed_by_percent, c.spike_ratio, c.spike_floor,
                                c.least_of_usual, c.most_of_usual, c.suspect_above_percent})
    sum.add(number);
  for (const int count : {c.sum_boundary_pulses, c.frozen_count, c.estimated_days, c.estimated_billing_reads,
                          c.suspect_from_meters, c.like_days, c.like_day_reach_days})
    sum.add(std::int64_t{count});
  for (const ProgrammeRule& rule : c.programmes) {
    for (const std::string& text : {rule.model, rule.form, rule.class_a, rule.quantity, rule.assumed})
      sum.add(text);
    for (const auto& number : {rule.ke_wh, rule.volts, rule.amps}) sum.add(number);
    for (const auto& count : {rule.register_digits, rule.register_decimals})
      sum.add(count ? std::optional<std::int64_t>(*count) : std::nullopt);
    sum.add(rule.largest_count);
  }
  for (const auto* list : {&c.plausible_ke, &c.plausible_multipliers}) {
    sum.add(static_cast<std::int64_t>(list->size()));
    for (const Decimal& number : *list) sum.add(number);
  }
  return sum.hex();
}

}  // namespace ami::vee
