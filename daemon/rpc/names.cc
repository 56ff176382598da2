#include "daemon/rpc/names.h"

#include <algorithm>
#include <charconv>

namespace ami::rpc {
namespace {

constexpr std::string_view kUtilities = "utilities/";

std::string under(std::string_view utility, std::string_view collection, std::string_view key) {
  std::string name(kUtilities);
  return name.append(utility).append("/").append(collection).append("/").append(key);
}

}  // namespace

bool valid_key(std::string_view key) {
  return !key.empty() && key.size() <= 64 && std::ranges::all_of(key, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

std::optional<std::string> parse_utility(std::string_view name) {
  if (!name.starts_with(kUtilities)) return std::nullopt;
  name.remove_prefix(kUtilities.size());
  if (!valid_key(name)) return std::nullopt;
  return std::string(name);
}

std::optional<ResourceName> parse_resource(std::string_view name) {
  if (!name.starts_with(kUtilities)) return std::nullopt;
  name.remove_prefix(kUtilities.size());
  const std::size_t first = name.find('/');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = name.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view utility = name.substr(0, first);
  const std::string_view collection = name.substr(first + 1, second - first - 1);
  const std::string_view key = name.substr(second + 1);
  if (!valid_key(utility) || !valid_key(key)) return std::nullopt;
  if (collection == "meters")
    return ResourceName{ResourceName::Kind::Meter, std::string(utility), std::string(key)};
  if (collection == "usagePoints") {
    return ResourceName{ResourceName::Kind::UsagePoint, std::string(utility), std::string(key)};
  }
  return std::nullopt;
}

std::string utility_name(std::string_view utility) {
  return std::string(kUtilities).append(utility);
}
std::string meter_name(std::string_view utility, std::string_view key) {
  return under(utility, "meters", key);
}
std::string usage_point_name(std::string_view utility, std::string_view key) {
  return under(utility, "usagePoints", key);
}
std::string source_name(std::string_view utility, std::int64_t id) {
  return under(utility, "sources", std::to_string(id));
}
std::string reprocess_name(std::string_view utility, std::int64_t id) {
  return under(utility, "reprocesses", std::to_string(id));
}
std::string operation_name(std::string_view utility, std::int64_t id) {
  return under(utility, "operations", std::to_string(id));
}
std::string switch_name(std::string_view utility, std::int64_t id) {
  return under(utility, "switchOperations", std::to_string(id));
}
std::optional<NumberedName> parse_numbered(std::string_view name, std::string_view collection) {
  if (!name.starts_with(kUtilities)) return std::nullopt;
  name.remove_prefix(kUtilities.size());
  const auto end = name.find('/');
  if (end == std::string_view::npos) return std::nullopt;
  NumberedName out;
  out.utility = name.substr(0, end);
  name.remove_prefix(end + 1);
  if (!valid_key(out.utility) || !name.starts_with(collection)) return std::nullopt;
  name.remove_prefix(collection.size());
  if (!name.starts_with('/')) return std::nullopt;
  name.remove_prefix(1);
  const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), out.number);
  if (error != std::errc{} || rest != name.data() + name.size() || out.number <= 0) return std::nullopt;
  return out;
}
std::string event_name(std::string_view utility, std::int64_t id) {
  return under(utility, "events", std::to_string(id));
}

}  // namespace ami::rpc
