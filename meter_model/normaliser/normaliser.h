// Observation -> Reading. One for all vendors, data-driven, pure: no I/O, no clock of its own, nothing
// rounded.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "meter_model/normaliser/mapping.h"
#include "meter_model/normaliser/reading.h"
#include "meter_model/quantity/event_map.h"
#include "meter_model/time/zone.h"

namespace ami {

// Who a vendor's id was, and when. Answers for one instant; `from`/`to` bound the answer, so that a caller
// with many instants asks once per stretch. unknown = nullopt.
struct ResolvedMeter {
  MeterId id = 0;
  std::string form;  // "2S"; empty = unknown
  UtcInstant from{};
  UtcInstant to{};  // exclusive; UtcInstant::max() = open
};
using MeterResolver =
    std::function<std::optional<ResolvedMeter>(AliasKind kind, std::string_view id, UtcInstant at)>;

struct FeedRules {
  std::string feed;  // name in configuration
  Mapping mapping;
  EventMap events;
  std::optional<Zone> zone;  // for times without an offset; nullopt: such records are quarantined
  std::chrono::seconds future_tolerance{300};  // later than received_at + this = time_in_future (V24)
  UtcInstant not_before = UtcInstant{std::chrono::sys_days{std::chrono::year{1990} / 1 / 1}};
  std::chrono::seconds clock_tolerance{60};  // a meter's clock may be off by this; see clock_signs.h
  std::chrono::seconds snap_tolerance{0};    // interval ends this near the grid are put on it; 0 = never
  // A register value older than this when it was received gets quality 2.10.0 (indeterminate): a relay that
  // was out of reach of its meter may have repeated what it last heard. 0 = never.
  std::chrono::seconds stale_after{0};
};

// Appends what `decoded` says to a NormalisedBatch. Every observation ends as readings, or as quarantined
// items with a reason; never both for the same value, never neither. A bad value does not cost its
// neighbours: only the slots concerned are quarantined (with the record's raw bytes) and stay holes. Interval
// values go to the instant's meter by the interval's own time; a slot in which the id changes hands is
// quarantined (alias_changed_inside_interval).
// SSN block end values: the sum of values between two of them must equal their difference within the bound of
// block_end_check.h, else the slots between get 2.6.0.
// Malformed records of the batch are quarantined under the codec's reason. Other reasons, all stable words:
//   whole record: unknown_unit unknown_tou_label unknown_interval_length bad_constant bad_mapping no_values
//   value or record: unknown_meter unknown_flag text_too_long empty_value bad_number number_out_of_range
//   raw_value_without_scale
//     alias_changed_inside_interval missing_time no_zone ambiguous_local_time nonexistent_local_time
//     time_before_epoch (earlier than not_before: a clock never set) time_in_future bad_time (order of times)
// One item a record and reason; its detail names the values.
void normalise(const DecodedBatch& decoded, const FeedRules& rules, const MeterResolver& resolve,
               UtcInstant received_at, NormalisedBatch& out);
// The same for a part of a batch.
void normalise(std::span<const Observation> observations, std::span<const MalformedRecord> malformed,
               const FeedRules& rules, const MeterResolver& resolve, UtcInstant received_at,
               NormalisedBatch& out);

}  // namespace ami
