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
inline constexpr int kEstimationVersion = 2;  // 2: gaps and registers over midnight

enum class Method : std::uint8_t {
  Linear,        // a straight line between two good neighbours
  ZeroInOutage,  // an outage record covers the slot
  LikeDays,      // mean of days of the same class
  ClassProfile,  // the load profile of the customer class
  Flat,          // nothing but the registers is known
};
std::string_view name_of(Method method);  // "LIKE_DAYS"

// One civil day of the slots that are looked at.
struct DaySlots {
  std::chrono::year_month_day date{};
  DayClass day_class{};
  SlotRange slots{};  // that should have been recorded
  // The finest of its values; its estimates are rounded to that. None: it has no value.
  std::optional<std::int32_t> exponent{};
};

// A candidate. Days with an outage, test mode or any other mark of kNoAnchor are passed over, and so are days
// with a hole: what stands there is an estimate, or will be.
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

// A gap that goes on over midnight is one gap, whichever of its two days is estimated: for that the slots of
// the day before and after are looked at, too, and each day takes its own part of what comes out.
struct EstimationInput {
  const ChannelDay& day;  // its slots may be those of several civil days in a row
  const MeterDay& meter;
  const Zone& zone;                    // like days are laid over each other by their clock faces
  std::chrono::year_month_day date{};  // the civil day that is estimated
  DayClass day_class{};
  // Of each civil day that the slots reach into, ascending; what lies in none of them is not missing. Empty:
  // all slots are of `date`.
  std::span<const DaySlots> days{};
  std::span<const LikeDay> like_days{};  // any order; only days before that of a slot count for it
  // Values of the class load profile at the day's exponent, one a slot; empty = none.
  std::span<const std::int64_t> class_profile{};
  // Nothing is estimated while intervals of the day may still be collected.
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
  std::vector<Estimate> estimates;  // of the civil day, ascending, quality 2.8.0
  std::vector<Unfilled> unfilled;   // of the civil day
  // V14: the registers leave no energy for what is missing. Of the day of the later reading.
  std::vector<Finding> findings;
};

// A gap, or a pair of registers, is taken as a whole where it touches two civil days at most and no slot is
// longer than an hour: then whoever has a day and 26 h on either side sees all of it, and both days come to
// the same. A longer gap is estimated day by day; between registers further apart nothing is scaled.
Estimation estimate(const EstimationInput& input, const VeeConfig& config);

}  // namespace ami::vee
