// Which fields each request has, in the order of the schema.
#include "adapters/wire/multispeak/codec/request_fields.h"

#include <array>

namespace ami::multispeak {
namespace {

using F = Field;

// 3.0: from the published schema.
constexpr std::array kRead30 = {F::MeterNos, F::ResponseUrl, F::TransactionId, F::ExpirationTime};
constexpr std::array kOneMeter30 = {F::MeterNo};
constexpr std::array kByDate = {F::StartDate, F::EndDate, F::LastReceived};
constexpr std::array kByCycle = {F::BillingCycle,  F::BillingDate,  F::KwhLookBack,   F::KwLookBack,
                                 F::KwLookForward, F::LastReceived, F::BlockTemplate, F::FieldNames};
constexpr std::array kSupported = {F::LastReceived};
constexpr std::array kSwitch30 = {F::CdEvents, F::ResponseUrl, F::TransactionId, F::ExpirationTime};
constexpr std::array kStates30 = {F::States, F::ResponseUrl, F::TransactionId, F::ExpirationTime};
constexpr std::array kOutage30 = {F::MeterNos, F::RequestDate, F::ResponseUrl, F::TransactionId,
                                  F::ExpirationTime};
constexpr std::array kReset30 = {F::MeterIdentifiers, F::ResponseUrl, F::TransactionId, F::ExpirationTime};
constexpr std::array kAdd = {F::AddedMeters};
constexpr std::array kRemove = {F::RemovedMeters};
constexpr std::array kRetire = {F::RetiredMeters};
constexpr std::array kExchange = {F::MeterChangeout};
// 4.1: reads, pulls, switch and outage requests from samples and the published schema. State and reset
// requests and the exchange are assumed: the 3.0 order with meterID for meterNo and expTime for
// expirationTime.
constexpr std::array kRead41 = {F::MeterIds, F::ResponseUrl, F::TransactionId, F::ExpTime};
constexpr std::array kOneMeter41 = {F::MeterId};
constexpr std::array kSwitch41 = {F::CdEvents, F::ResponseUrl, F::TransactionId, F::ExpTime};
constexpr std::array kStates41 = {F::States, F::ResponseUrl, F::TransactionId, F::ExpTime};
constexpr std::array kOutage41 = {F::MeterIds, F::RequestDate, F::ResponseUrl, F::TransactionId, F::ExpTime};
constexpr std::array kExchange41 = {F::MeterChangeout, F::ResponseUrl, F::TransactionId, F::ExpTime};

struct TimeUnit {
  std::string_view word;
  std::chrono::milliseconds length;
};
using namespace std::chrono_literals;
constexpr std::array kTimeUnits = {TimeUnit{"Milliseconds", 1ms}, TimeUnit{"Seconds", 1s},
                                   TimeUnit{"Minutes", 1min},     TimeUnit{"Hours", 1h},
                                   TimeUnit{"Days", 24h},         TimeUnit{"Weeks", 168h}};

}  // namespace

std::span<const Field> fields_of(Operation operation, Version version) noexcept {
  const bool v30 = version == Version::V30;
  const auto either = [&](std::span<const Field> old, std::span<const Field> fresh) {
    return v30 ? old : fresh;
  };
  switch (operation) {
    case Operation::InitiateMeterRead:
      return either(kRead30, kRead41);
    case Operation::GetLatestReading:
    case Operation::GetCdMeterState:
      return either(kOneMeter30, kOneMeter41);
    case Operation::GetReadingsByDate:
      return kByDate;
    case Operation::GetReadingsByBillingCycle:
      return kByCycle;
    case Operation::GetAmrSupportedMeters:
      return kSupported;
    case Operation::InitiateConnectDisconnect:
      return either(kSwitch30, kSwitch41);
    case Operation::InitiateCdStateRequest:
      return either(kStates30, kStates41);
    case Operation::InitiateOutageDetection:
      return either(kOutage30, kOutage41);
    case Operation::InitiateDemandReset:
      return either(kReset30, kRead41);
    case Operation::MeterAdd:
      return kAdd;
    case Operation::MeterRemove:
      return kRemove;
    case Operation::MeterRetire:
      return kRetire;
    case Operation::MeterExchange:
      return kExchange;
    case Operation::InitiateMeterExchange:
      return either({}, kExchange41);
    default:
      return {};
  }
}

std::string_view list_name(Field field) noexcept {
  switch (field) {
    case F::AddedMeters:
      return "addedMeters";
    case F::RemovedMeters:
      return "removedMeters";
    case F::RetiredMeters:
      return "retiredMeters";
    case F::MeterNos:
      return "meterNos";
    case F::States:
      return "states";
    default:
      return "meterIDs";
  }
}

std::optional<std::chrono::milliseconds> unit_length(std::string_view word) noexcept {
  for (const TimeUnit& unit : kTimeUnits) {
    if (unit.word == word) return unit.length;
  }
  return std::nullopt;
}

}  // namespace ami::multispeak
