#include "adapters/wire/multispeak/codec/operation.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace ami::multispeak {
namespace {

struct Row {
  Operation operation;
  std::string_view v30, v41;
  bool notification = false;
  bool empty_response = false;
};
constexpr std::array kRows = {
    Row{Operation::PingUrl, "PingURL", "PingURL"},
    Row{Operation::GetMethods, "GetMethods", "GetMethods"},
    Row{Operation::InitiateMeterRead, "InitiateMeterReadByMeterNumber", "InitiateMeterReadingsByMeterID"},
    Row{Operation::GetLatestReading, "GetLatestReadingByMeterNo", "GetLatestReadingByMeterID"},
    Row{Operation::GetReadingsByDate, "GetReadingsByDate", "GetReadingsByDate"},
    Row{Operation::GetReadingsByBillingCycle, "GetReadingsByBillingCycle", "GetReadingsByBillingCycle"},
    Row{Operation::GetAmrSupportedMeters, "GetAMRSupportedMeters", "GetAMRSupportedMeters"},
    Row{Operation::InitiateConnectDisconnect, "InitiateConnectDisconnect", "InitiateConnectDisconnect"},
    Row{Operation::InitiateCdStateRequest, "InitiateCDStateRequest", "InitiateCDStateRequest"},
    Row{Operation::GetCdMeterState, "GetCDMeterState", "GetCDMeterState"},
    Row{Operation::InitiateOutageDetection, "InitiateOutageDetectionEventRequest",
        "InitiateOutageDetectionEventRequest"},
    Row{Operation::InitiateDemandReset, "InitiateDemandReset", "InitiateDemandReset"},
    Row{Operation::MeterAdd, "MeterAddNotification", "MeterAddNotification"},
    Row{Operation::MeterRemove, "MeterRemoveNotification", "MeterRemoveNotification"},
    Row{Operation::MeterRetire, "MeterRetireNotification", "MeterRetireNotification"},
    Row{Operation::MeterExchange, "MeterExchangeNotification", "MeterExchangeNotification"},
    Row{Operation::InitiateMeterExchange, "", "InitiateMeterExchange"},
    Row{Operation::ReadingChanged, "ReadingChangedNotification", "ReadingChangedNotification", true},
    Row{Operation::IntervalData, "IntervalDataNotification", "IntervalDataNotification", true},
    Row{Operation::FormattedBlock, "FormattedBlockNotification", "FormattedBlockNotification", true},
    Row{Operation::CdStateChanged, "CDStateChangedNotification", "CDStateChangedNotification", true, true},
    Row{Operation::CdStatesChanged, "CDStatesChangedNotification", "CDStatesChangedNotification", true},
    Row{Operation::CdState, "CDStateNotification", "CDStateNotification", true, true},
    Row{Operation::CdStates, "CDStatesNotification", "CDStatesNotification", true},
    Row{Operation::OutageEvents, "ODEventNotification", "ODEventNotification", true},
    Row{Operation::MeterEvents, "MeterEventNotification", "MeterEventNotification", true},
};

constexpr auto kOperations = [] {
  std::array<Operation, kRows.size()> all{};
  for (std::size_t i = 0; i < kRows.size(); ++i) all[i] = kRows[i].operation;
  return all;
}();

const Row& row_of(Operation operation) noexcept {
  return *std::ranges::find(kRows, operation, &Row::operation);
}

constexpr std::string_view kMultiSpeak30 = "http://www.multispeak.org/Version_3.0";
constexpr std::string_view kMultiSpeak41 = "http://www.multispeak.org/Version_4.1_Release";
constexpr std::string_view kMultiSpeak5 = "http://www.multispeak.org/V5.0";

}  // namespace

std::span<const Operation> all_operations() noexcept {
  return kOperations;
}

std::string_view namespace_of(Version version) noexcept {
  return version == Version::V30 ? kMultiSpeak30 : kMultiSpeak41;
}

std::string_view name_of(Version version) noexcept {
  return version == Version::V30 ? "3.0" : "4.1";
}

std::optional<Version> version_of_namespace(std::string_view space) noexcept {
  if (space == kMultiSpeak30) return Version::V30;
  if (space == kMultiSpeak41) return Version::V41;
  return std::nullopt;
}

bool is_version_5(std::string_view space) noexcept {
  return space.starts_with(kMultiSpeak5);
}

std::string_view name_of(Operation operation, Version version) noexcept {
  const Row& row = row_of(operation);
  return version == Version::V30 ? row.v30 : row.v41;
}

std::optional<Operation> operation_named(std::string_view name) noexcept {
  if (name.empty()) return std::nullopt;
  for (const Row& row : kRows) {
    if (row.v30 == name || row.v41 == name) return row.operation;
  }
  return std::nullopt;
}

bool is_notification(Operation operation) noexcept {
  return row_of(operation).notification;
}

bool has_empty_response(Operation operation) noexcept {
  return row_of(operation).empty_response;
}

std::string_view envelope_namespace(Soap soap) noexcept {
  return soap == Soap::V11 ? "http://schemas.xmlsoap.org/soap/envelope/"
                           : "http://www.w3.org/2003/05/soap-envelope";
}

std::string soap_action(Operation operation, Version version) {
  std::string action = "\"";
  action += namespace_of(version);
  action += '/';
  action += name_of(operation, version);
  return action + '"';
}

std::string_view content_type(Soap soap) noexcept {
  return soap == Soap::V11 ? "text/xml; charset=utf-8" : "application/soap+xml; charset=utf-8";
}

std::string content_type(Operation operation, Version version, Soap soap) {
  std::string type(content_type(soap));
  if (soap == Soap::V12) type += "; action=" + soap_action(operation, version);
  return type;
}

Soap soap_of_content_type(std::string_view content_type) noexcept {
  constexpr std::string_view kSoap12 = "application/soap+xml";
  const auto equal = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return content_type.size() >= kSoap12.size() &&
                 std::equal(kSoap12.begin(), kSoap12.end(), content_type.begin(),
                            [&](char b, char a) { return equal(a, b); })
             ? Soap::V12
             : Soap::V11;
}

}  // namespace ami::multispeak
