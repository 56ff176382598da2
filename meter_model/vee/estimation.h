// Estimation of missing intervals (metrology reference 3.3). Pure and deterministic: the same inputs and the
// same version give the same estimates. Estimates are values of their own beside the raw ones; nothing here
// fills a hole in place.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "meter_model/time/zone.h"
#include "meter_model/vee/day_grid.h"
#include "meter_model/vee/day_input.h"
#include "meter_model/vee/report.h"
#include "meter_model/vee/vee_config.h"

namespace ami::vee {

// Stored with each estimate. The version rises with every change that can change a result.
inline constexpr std::string_view kEstimationAlgorithm = "ami.vee.interval-estimation";
inline constexpr int kEstimationVersion = 1;

enum class Method : std::uint8_t {
  Linear,        // a straight line between two good neighbours
  ZeroInOutage,  // an outage record covers the slot
  LikeDays,      // mean of days of the same class
  ClassProfile,  // the load profile of the customer class
  Flat,          // nothing but the registers is known
};
std::string_view name_of(Method method);  // "LIKE_DAYS"

// The slot just before the day's first, or just after its last.
struct Neighbour {
  std::int64_t value = kHole;  // at the day's exponent
  Marks marks;
};

// A candidate. Days with an outage, an estimate, test mode or any other mark of kNoAnchor are passed over,
// and so are days that lack one of the slots that are wanted.
struct LikeDay {
  std::chrono::year_month_day date{};
  DayClass day_class{};
  bool had_outage = false;  // by event, whatever the marks say
  UtcInstant first_start{};
  std::chrono::seconds length{900};
  std::int32_t exponent = 0;
  std::span<const std::int64_t> values;
  std::span<const Marks> marks;  // one a slot, or none at all
};

struct EstimationInput {
  const ChannelDay& day;
  const MeterDay& meter;
  const Zone& zone;  // like days are laid over each other by their clock faces
  std::chrono::year_month_day date{};
  DayClass day_class{};
  std::optional<Neighbour> before{}, after{};
  std::span<const LikeDay> like_days{};  // any order; only earlier days count
  // Values of the class load profile at the day's exponent, one a slot of this day; empty = none.
  std::span<const std::int64_t> class_profile{};
  // Nothing is estimated while intervals may still be collected.
  UtcInstant collection_ends{};
};

// What an estimate was made from.
struct CitedInput {
  enum class Kind : std::uint8_t { Anchor, LikeDay, Register, Outage, ClassProfile };
  Kind kind{};
  UtcInstant at{};  // start of the anchor's slot or of the like day, instant of the register, outage's begin
  friend bool operator==(const CitedInput&, const CitedInput&) = default;
};
std::string_view name_of(CitedInput::Kind kind);

// Consecutive slots that were estimated in one way.
struct Estimate {
  SlotRange slots;
  Method method{};
  bool register_scaled = false;  // the shape is the method's, the energy is the registers'
  std::int32_t exponent = 0;
  std::vector<std::int64_t> values;
  std::vector<CitedInput> inputs;
};

struct Unfilled {
  SlotRange slots;
  std::string_view why;
};

struct Estimation {
  std::vector<Estimate> estimates;  // ascending, quality 2.8.0
  std::vector<Unfilled> unfilled;
  std::vector<Finding> findings;  // V14: the registers leave no energy for what is missing
};

Estimation estimate(const EstimationInput& input, const VeeConfig& config);

}  // namespace ami::vee
