#include "daemon/rpc/convert.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <set>

#include "meter_model/quantity/quality.h"
#include "meter_model/quantity/reading_type.h"
#include "meter_model/time/zone.h"

namespace ami::rpc {

google::protobuf::Timestamp to_proto(UtcInstant instant) {
  const auto second = std::chrono::floor<std::chrono::seconds>(instant);
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(second.time_since_epoch().count());
  timestamp.set_nanos(static_cast<std::int32_t>(std::chrono::nanoseconds(instant - second).count()));
  return timestamp;
}

v1::Quality to_proto(const ValueQuality& quality) {
  v1::Quality message;
  for (const QualityCode& code : quality.codes) message.add_codes(code.to_string());
  message.set_green_button(green_button_quality(quality.codes));
  message.set_vendor_flag(quality.vendor_flag);
  return message;
}

v1::TimeSource to_proto(TimeSource source) {
  switch (source) {
    case TimeSource::Device:
      return v1::TIME_SOURCE_DEVICE;
    case TimeSource::Collector:
      return v1::TIME_SOURCE_COLLECTOR;
    case TimeSource::Receipt:
      return v1::TIME_SOURCE_RECEIPT;
  }
  return v1::TIME_SOURCE_UNSPECIFIED;
}

v1::AliasKind to_proto(AliasKind kind) {
  switch (kind) {
    case AliasKind::Badge:
      return v1::BADGE;
    case AliasKind::ManufacturerSerial:
      return v1::MANUFACTURER_SERIAL;
    case AliasKind::Module:
      return v1::MODULE;
    case AliasKind::VendorControl:
      return v1::VENDOR_CONTROL;
    case AliasKind::Mac:
      return v1::MAC;
    case AliasKind::Cis:
      return v1::CIS;
  }
  return v1::ALIAS_KIND_UNSPECIFIED;
}

AliasKind alias_kind_from_proto(const std::string& field, v1::AliasKind kind) {
  constexpr std::array kKinds{AliasKind::Badge,  AliasKind::ManufacturerSerial,
                              AliasKind::Module, AliasKind::VendorControl,
                              AliasKind::Mac,    AliasKind::Cis};
  for (const AliasKind known : kKinds) {
    if (to_proto(known) == kind) return known;
  }
  throw StatusError{
      invalid_field(field, "must be one of BADGE, MANUFACTURER_SERIAL, MODULE, VENDOR_CONTROL, MAC, CIS")};
}

v1::TypeApproval to_proto(approval::TypeApproval approval) {
  switch (approval) {
    case approval::TypeApproval::Approved:
      return v1::TYPE_APPROVAL_APPROVED;
    case approval::TypeApproval::NotStated:
      return v1::TYPE_APPROVAL_NOT_STATED;
    case approval::TypeApproval::Outside:
      return v1::TYPE_APPROVAL_OUTSIDE;
    case approval::TypeApproval::NotSubject:
      return v1::TYPE_APPROVAL_NOT_SUBJECT;
    case approval::TypeApproval::Unknown:
      return v1::TYPE_APPROVAL_UNKNOWN;
    case approval::TypeApproval::NoRegime:
      return v1::TYPE_APPROVAL_NO_REGIME;
  }
  return v1::TYPE_APPROVAL_UNSPECIFIED;
}

v1::Verification to_proto(approval::Verification verification) {
  switch (verification) {
    case approval::Verification::InPeriod:
      return v1::VERIFICATION_IN_PERIOD;
    case approval::Verification::Expired:
      return v1::VERIFICATION_EXPIRED;
    case approval::Verification::NotVerified:
      return v1::VERIFICATION_NOT_VERIFIED;
    case approval::Verification::Unknown:
      return v1::VERIFICATION_UNKNOWN;
  }
  return v1::VERIFICATION_UNSPECIFIED;
}

Meaning meaning_of(const std::string& reading_type) {
  const Result<ReadingType> type = ReadingType::parse(reading_type);
  if (!type) return {v1::OTHER_QUANTITY, 0};
  Meaning meaning;
  meaning.tou = (*type)[ReadingType::Tou];
  // Both sides spell a quantity alike, so the name is the link; a test walks through all of them.
  if (!v1::Quantity_Parse(std::string(name_of(quantity_of(*type))), &meaning.quantity)) {
    meaning.quantity = v1::OTHER_QUANTITY;
  }
  return meaning;
}

bool takes_multiplier(v1::Quantity quantity) {
  switch (quantity) {
    case v1::ENERGY_DELIVERED:
    case v1::ENERGY_RECEIVED:
    case v1::ENERGY_NET:
    case v1::ENERGY_TOTAL:
    case v1::DEMAND_MAX_DELIVERED:
    case v1::DEMAND_MAX_RECEIVED:
    case v1::DEMAND_CUMULATIVE:
    case v1::DEMAND_CONTINUOUS_CUMULATIVE:
    case v1::POWER_INSTANTANEOUS:
      return true;
    default:
      return false;
  }
}

UtcInstant instant_from(const std::string& field, const google::protobuf::Timestamp& timestamp) {
  // Year 1 to 9999, as the Timestamp message itself demands.
  constexpr std::int64_t kFirst = -62'135'596'800;
  constexpr std::int64_t kLast = 253'402'300'799;
  if (timestamp.seconds() < kFirst || timestamp.seconds() > kLast || timestamp.nanos() < 0 ||
      timestamp.nanos() > 999'999'999) {
    throw StatusError{invalid_field(field, "must be a time of the years 1 to 9999")};
  }
  return UtcInstant{std::chrono::seconds{timestamp.seconds()} +
                    std::chrono::microseconds{timestamp.nanos() / 1000}};
}

std::string text_from(const std::string& field, const std::string& text, std::size_t longest) {
  if (text.size() > longest) {
    throw StatusError{invalid_field(field, "must not be longer than " + std::to_string(longest) + " bytes")};
  }
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; })) {
    throw StatusError{invalid_field(field, "must not hold control characters")};
  }
  return text;
}

std::string purpose_from(const std::string& text) {
  if (text.size() < 3) {
    throw StatusError{
        invalid_field("purpose", "say why these data are read, in 3 to 200 characters", "PURPOSE_REQUIRED")};
  }
  return text_from("purpose", text, 200);
}

Decimal decimal_from(const std::string& field, const std::string& text) {
  const Result<Decimal> value = Decimal::parse(text);
  if (!value) throw StatusError{invalid_field(field, value.error().message)};
  return *value;
}

Decimal multiplier_from(const std::string& field, const std::string& text) {
  if (text.empty()) return Decimal{1, 0};
  const Decimal value = decimal_from(field, text);
  if (value <= Decimal{0, 0}) throw StatusError{invalid_field(field, "must be above 0")};
  return value;
}

std::string zone_from(const std::string& field, const std::string& name) {
  if (name.empty()) return name;
  const Result<Zone> zone = Zone::load(text_from(field, name, 64));
  if (!zone) throw StatusError{invalid_field(field, zone.error().message)};
  return name;
}

storage::Layer layer_from(v1::Layer layer) {
  switch (layer) {
    case v1::RAW:
      return storage::Layer::Raw;
    case v1::LAYER_UNSPECIFIED:
    case v1::VALIDATED:
      return storage::Layer::Validated;
    case v1::BEST:
      return storage::Layer::Best;
    default:
      throw StatusError{invalid_field("layer", "must be RAW, VALIDATED or BEST")};
  }
}

v1::Estimate to_proto(const storage::EstimateInfo& estimate) {
  v1::Estimate message;
  message.set_method(estimate.method);
  message.set_algorithm(estimate.algorithm);
  message.set_version(estimate.version);
  message.set_inputs(estimate.inputs);
  *message.mutable_made_at() = to_proto(estimate.made_at);
  return message;
}

google::protobuf::Duration to_proto(std::chrono::microseconds time) {
  google::protobuf::Duration duration;  // both parts have the sign of the whole
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  duration.set_seconds(seconds.count());
  duration.set_nanos(static_cast<std::int32_t>(std::chrono::nanoseconds(time - seconds).count()));
  return duration;
}

std::chrono::microseconds duration_from(const std::string& field, const google::protobuf::Duration& duration,
                                        std::chrono::days longest) {
  const std::chrono::seconds most = longest;
  if (duration.seconds() < 0 || duration.nanos() < 0 || duration.nanos() > 999'999'999 ||
      duration.seconds() > most.count() || (duration.seconds() == most.count() && duration.nanos() > 0)) {
    throw StatusError{
        invalid_field(field, "must be a time of 0 to " + std::to_string(longest.count()) + " days")};
  }
  return std::chrono::seconds{duration.seconds()} + std::chrono::microseconds{duration.nanos() / 1000};
}

std::chrono::year_month_day date_from(const std::string& field, const std::string& text) {
  const auto number = [&](std::size_t from, std::size_t length) -> std::optional<int> {
    int value = 0;
    const char* end = text.data() + from + length;
    const auto [stop, error] = std::from_chars(text.data() + from, end, value);
    return error == std::errc{} && stop == end && value >= 0 ? std::optional(value) : std::nullopt;
  };
  if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
    const auto y = number(0, 4), m = number(5, 2), d = number(8, 2);
    if (y && m && d) {
      const std::chrono::year_month_day date = std::chrono::year{*y} / *m / *d;
      if (date.ok() && *y >= 1970 && *y <= 2199) return date;
    }
  }
  throw StatusError{invalid_field(field, "must be a day of the years 1970 to 2199, such as \"2026-03-08\"")};
}

std::string text_of(std::chrono::year_month_day date) {
  return to_text(UtcInstant{std::chrono::sys_days{date}}).substr(0, 10);
}

storage::ChannelFilter filter_from(const google::protobuf::RepeatedField<int>& quantities) {
  std::set<int> wanted;
  for (const int quantity : quantities) {
    if (!v1::Quantity_IsValid(quantity) || quantity == v1::QUANTITY_UNSPECIFIED) {
      throw StatusError{invalid_field("quantities", "holds a value that is no Quantity")};
    }
    wanted.insert(quantity);
  }
  if (wanted.empty()) return {};
  return [wanted = std::move(wanted)](const storage::ChannelInfo& channel) {
    return wanted.contains(meaning_of(channel.reading_type).quantity);
  };
}

std::string zone_of(const storage::Utility& utility, const storage::UsagePoint& point, UtcInstant at) {
  if (point.details.empty()) return utility.zone;
  const std::string& own = detail_at(point.details, at).zone;
  return own.empty() ? utility.zone : own;
}

UsagePointNames::UsagePointNames(const Call& call, const storage::Utility& utility,
                                 const std::vector<storage::UsagePointId>& ids)
    : utility_(utility) {
  if (ids.empty()) return;
  for (storage::UsagePoint& point : call.take(call.assets().usage_points_by_id(ids))) {
    points_.emplace(point.id, std::move(point));
  }
}

std::string UsagePointNames::name(std::optional<storage::UsagePointId> id) const {
  if (!id) return {};
  const auto found = points_.find(*id);
  return found == points_.end() ? std::string() : usage_point_name(utility_.key, found->second.key);
}

std::string UsagePointNames::zone(std::optional<storage::UsagePointId> id, UtcInstant at) const {
  if (!id) return {};
  const auto found = points_.find(*id);
  return found == points_.end() ? std::string() : zone_of(utility_, found->second, at);
}

}  // namespace ami::rpc
