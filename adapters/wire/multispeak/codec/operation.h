// MultiSpeak versions, SOAP versions and operations: names, namespaces, HTTP header values.
//
// Source: the published WSDLs of 3.0ac and 4.1.6. Both versions bind document/literal to SOAP 1.1 and 1.2.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ami::multispeak {

enum class Version : std::uint8_t { V30, V41 };
enum class Soap : std::uint8_t { V11, V12 };

// What this codec knows. The same operation may have another name in the other version.
enum class Operation : std::uint8_t {
  // either way
  PingUrl,
  GetMethods,
  // to the head-end
  InitiateMeterRead,  // 3.0 InitiateMeterReadByMeterNumber, 4.1 InitiateMeterReadingsByMeterID
  GetLatestReading,   // 3.0 …ByMeterNo, 4.1 …ByMeterID
  GetReadingsByDate,
  GetReadingsByBillingCycle,
  GetAmrSupportedMeters,
  InitiateConnectDisconnect,
  InitiateCdStateRequest,
  GetCdMeterState,
  InitiateOutageDetection,
  InitiateDemandReset,
  MeterAdd,
  MeterRemove,
  MeterRetire,
  MeterExchange,
  InitiateMeterExchange,  // 4.1 only
  // from the head-end
  ReadingChanged,
  IntervalData,
  FormattedBlock,
  CdStateChanged,
  CdStatesChanged,
  CdState,
  CdStates,
  OutageEvents,
  MeterEvents,
};

std::span<const Operation> all_operations() noexcept;

std::string_view namespace_of(Version version) noexcept;
std::string_view name_of(Version version) noexcept;  // "3.0", "4.1"
std::optional<Version> version_of_namespace(std::string_view space) noexcept;
// A namespace of MultiSpeak 5, which is not spoken.
bool is_version_5(std::string_view space) noexcept;

// Element name of the request; "" where the version has no such operation.
std::string_view name_of(Operation operation, Version version) noexcept;
// By the element name of either version.
std::optional<Operation> operation_named(std::string_view name) noexcept;
// The head-end posts it and we answer.
bool is_notification(Operation operation) noexcept;
// The response has no content: a failure can only be told by a SOAP fault.
bool has_empty_response(Operation operation) noexcept;

std::string_view envelope_namespace(Soap soap) noexcept;

// Value of SOAPAction: namespace, "/", operation, in quotes. SOAP 1.1 only: 1.2 has it in the content type.
std::string soap_action(Operation operation, Version version);
std::string content_type(Operation operation, Version version, Soap soap);  // of a request
std::string_view content_type(Soap soap) noexcept;                          // of a response
// How to answer what could not be read: 1.2 for application/soap+xml, else 1.1.
Soap soap_of_content_type(std::string_view content_type) noexcept;

}  // namespace ami::multispeak
