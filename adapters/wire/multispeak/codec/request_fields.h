// The fields of each request in the order of the schema, and how each is written and read. Private to this
// codec.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "adapters/wire/multispeak/codec/request.h"

namespace ami::multispeak {

enum class Field : std::uint8_t {
  MeterNo,           // meterNo
  MeterId,           // meterID (4.1)
  MeterNos,          // meterNos/string
  MeterIds,          // meterIDs/meterID (4.1)
  MeterIdentifiers,  // meterIDs/meterIdentifier (3.0 demand reset)
  States,            // states/CDState
  CdEvents,          // cdEvents/connectDisconnectEvent
  AddedMeters,
  RemovedMeters,
  RetiredMeters,
  MeterChangeout,
  ResponseUrl,
  TransactionId,
  ExpirationTime,  // 3.0: bare number
  ExpTime,         // 4.1: with units
  StartDate,
  EndDate,
  RequestDate,
  BillingCycle,
  BillingDate,
  KwhLookBack,
  KwLookBack,
  KwLookForward,
  LastReceived,
  BlockTemplate,
  FieldNames,
};

// Fields that are one text, and those that are a number of days.
struct TextField {
  Field field;
  std::string_view name;
  std::string Request::*text;
  bool always = false;  // the schema wants it even when empty
};
inline constexpr std::array kTextFields = {
    TextField{Field::ResponseUrl, "responseURL", &Request::response_url},
    TextField{Field::TransactionId, "transactionID", &Request::transaction},
    TextField{Field::StartDate, "startDate", &Request::start},
    TextField{Field::EndDate, "endDate", &Request::end},
    TextField{Field::RequestDate, "requestDate", &Request::request_date},
    TextField{Field::BillingCycle, "billingCycle", &Request::billing_cycle},
    TextField{Field::BillingDate, "billingDate", &Request::billing_date},
    TextField{Field::LastReceived, "lastReceived", &Request::last_received, true},
    TextField{Field::BlockTemplate, "formattedBlockTemplateName", &Request::block_template},
};
struct DaysField {
  Field field;
  std::string_view name;
  std::int32_t Request::*days;
};
inline constexpr std::array kDaysFields = {
    DaysField{Field::KwhLookBack, "kWhLookBack", &Request::kwh_look_back_days},
    DaysField{Field::KwLookBack, "kWLookBack", &Request::kw_look_back_days},
    DaysField{Field::KwLookForward, "kWLookForward", &Request::kw_look_forward_days},
};

// Empty where the operation has none, or the version has no such operation.
std::span<const Field> fields_of(Operation operation, Version version) noexcept;

// Element that holds the list of meters.
std::string_view list_name(Field field) noexcept;

void encode_field(Field field, const Request& request, Version version, std::chrono::seconds expiry_unit,
                  xml::Writer& writer);
// Fills what is still empty in `request`.
void decode_field(Field field, const xml::Element& content, std::chrono::seconds expiry_unit,
                  Request& request);

// A number of `unit`s as text, exact where it has an end, else rounded up at the third place (a request may
// live longer, never shorter).
std::string expiry_text(std::chrono::seconds expiry, std::chrono::seconds unit);
// 4.1 timeUnits word -> seconds; nullopt: a word without one fixed length (Months, Years, Other), or unknown.
std::optional<std::chrono::milliseconds> unit_length(std::string_view word) noexcept;

}  // namespace ami::multispeak
