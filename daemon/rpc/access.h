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

using Roles = std::uint8_t;  // a set of bits
inline constexpr Roles kReader = 1;
inline constexpr Roles kAsset = 2;
inline constexpr Roles kEveryRole = kReader | kAsset;

struct MethodRule {
  std::string_view method;  // "/ami.v1.AssetService/Resolve"
  Roles any_of;
};
std::span<const MethodRule> method_rules();

// A caller, from the verified client certificate or from the kind of socket; never from metadata.
struct Caller {
  std::string name;  // for the log and the audit trail
  Roles roles = 0;
  bool every_utility = false;
  std::set<std::string, std::less<>> utilities;

  [[nodiscard]] bool may_call(std::string_view method) const;
  [[nodiscard]] bool may_see(std::string_view utility_key) const;
};

// Caller of the SAN URIs ami://role/reader, ami://role/asset, ami://utility/{key}, ami://utility/*. Others
// are ignored, so an unknown or misspelt one grants nothing.
Caller caller_from_uris(std::string name, const std::vector<std::string>& uris);

Caller full_caller(std::string name);  // every role, every utility

}  // namespace ami::rpc
