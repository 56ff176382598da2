// Between the store's values and the API's messages.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ami/v1/reading_service.pb.h"
#include "ami/v1/types.pb.h"
#include "daemon/rpc/call.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "meter_model/approval/stated.h"
#include "meter_model/approval/verification.h"
#include "meter_model/normaliser/reading.h"
#include "storage/postgres/assets.h"
#include "storage/postgres/readers.h"

namespace ami::rpc {

google::protobuf::Timestamp to_proto(UtcInstant instant);
v1::Quality to_proto(const ValueQuality& quality);
v1::TimeSource to_proto(TimeSource source);
v1::AliasKind to_proto(AliasKind kind);
v1::TypeApproval to_proto(approval::TypeApproval approval);
v1::Verification to_proto(approval::Verification verification);

struct Meaning {
  v1::Quantity quantity = v1::QUANTITY_UNSPECIFIED;
  int tou = 0;
};
Meaning meaning_of(const std::string& reading_type);
// A transformer multiplier is a factor of energy and power only.
bool takes_multiplier(v1::Quantity quantity);

// Each throws StatusError with the field's path when the value will not do.
UtcInstant instant_from(const std::string& field, const google::protobuf::Timestamp& timestamp);
std::string text_from(const std::string& field, const std::string& text, std::size_t longest = 128);
std::string purpose_from(const std::string& text);
Decimal decimal_from(const std::string& field, const std::string& text);
Decimal multiplier_from(const std::string& field, const std::string& text);  // empty = 1; above 0
AliasKind alias_kind_from_proto(const std::string& field, v1::AliasKind kind);
std::string zone_from(const std::string& field, const std::string& name);  // empty stays empty

// The period of optional start and end fields.
template <class Request>
storage::Period period_from(const Request& request) {
  storage::Period period;
  if (request.has_start()) period.from = instant_from("start", request.start());
  if (request.has_end()) period.to = instant_from("end", request.end());
  if (period.from >= period.to) throw StatusError{invalid_field("end", "must be after start")};
  return period;
}

// The moment that a read asks about; nullopt = now. INVALID_ARGUMENT for the future.
template <class Request>
std::optional<UtcInstant> as_of_from(const Call& call, const Request& request) {
  if (!request.has_as_of()) return std::nullopt;
  const UtcInstant as_of = instant_from("as_of", request.as_of());
  if (as_of > call.now()) throw StatusError{invalid_field("as_of", "must not be in the future")};
  return as_of;
}
storage::Layer layer_from(v1::Layer layer);  // throws StatusError for a number that is no layer
v1::Estimate to_proto(const storage::EstimateInfo& estimate);

google::protobuf::Duration to_proto(std::chrono::microseconds time);
// 0 to `longest`, which is a number of days in words.
std::chrono::microseconds duration_from(const std::string& field, const google::protobuf::Duration& duration,
                                        std::chrono::days longest);

// "2026-03-08", a day of the years 1970 to 2199 that the calendar has.
std::chrono::year_month_day date_from(const std::string& field, const std::string& text);
std::string text_of(std::chrono::year_month_day date);

// Channels of the wanted quantities; none wanted = all.
storage::ChannelFilter filter_from(const google::protobuf::RepeatedField<int>& quantities);

// The detail in force at an instant; the nearest one when none is. `details` is ordered by time, not empty.
template <class Detail>
const Detail& detail_at(const std::vector<Detail>& details, UtcInstant at) {
  for (const Detail& detail : details) {
    if (at < detail.valid.to) return detail;
  }
  return details.back();
}

// Keys and zones of the usage points of a page.
class UsagePointNames {
 public:
  UsagePointNames(const Call& call, const storage::Utility& utility,
                  const std::vector<storage::UsagePointId>& ids);
  [[nodiscard]] std::string name(std::optional<storage::UsagePointId> id) const;  // full; "" for none
  [[nodiscard]] std::string zone(std::optional<storage::UsagePointId> id, UtcInstant at) const;

 private:
  const storage::Utility& utility_;
  std::map<storage::UsagePointId, storage::UsagePoint> points_;
};

// The zone of a usage point at an instant: its own, else the utility's.
std::string zone_of(const storage::Utility& utility, const storage::UsagePoint& point, UtcInstant at);

}  // namespace ami::rpc
