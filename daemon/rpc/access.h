// Who may call what. The one table of methods and roles; what is not in it is denied.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ami::rpc {

using Roles = std::uint16_t;  // a set of bits
inline constexpr Roles kReader = 1;
inline constexpr Roles kAsset = 2;
inline constexpr Roles kAudit = 4;  // who read what, holds, certificates
inline constexpr Roles kAdmin = 8;  // sets and lifts legal holds
inline constexpr Roles kCommand = 16;      // asks and pings meters; changes nothing in them
inline constexpr Roles kDemandReset = 32;  // destroys the present maximum of a meter: of its own
inline constexpr Roles kSwitch = 64;       // opens, arms and closes service switches: of its own, too
inline constexpr Roles kHoldAdmin = 128;  // sets and lifts safety holds
inline constexpr Roles kEveryRole =
    kReader | kAsset | kAudit | kAdmin | kCommand | kDemandReset | kSwitch | kHoldAdmin;

struct MethodRule {
  std::string_view method;  // "/ami.v1.AssetService/Resolve"
  Roles any_of;
};
std::span<const MethodRule> method_rules();

// A caller, from the verified client certificate or from the kind of socket; never from metadata.
struct Caller {
  std::string name;  // for the log and the audit trail
  std::string uris{};  // ami:// URIs of the certificate, a blank between two; empty for a local caller
  Roles roles = 0;
  bool every_utility = false;
  std::set<std::string, std::less<>> utilities;

  [[nodiscard]] bool may_call(std::string_view method) const;
  [[nodiscard]] bool may_see(std::string_view utility_key) const;
};

// Caller of the SAN URIs ami://role/reader, ami://role/asset, ami://role/audit, ami://role/admin,
// ami://role/command, ami://role/demand-reset, ami://role/switch, ami://role/hold-admin, ami://utility/{key},
// ami://utility/*. Others are ignored, so an unknown or misspelt one grants nothing.
Caller caller_from_uris(std::string name, const std::vector<std::string>& uris);

Caller full_caller(std::string name);  // every role, every utility

// Names of callers that show no certificate. Requests and audits go by names, so no certificate may bear one, nor
// that of the gateway itself.
inline constexpr std::string_view kLocalOperator = "local operator", kDemoCaller = "demo caller";
bool reserved_name(std::string_view name);

}  // namespace ami::rpc
