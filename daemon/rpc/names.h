// Resource names: utilities/{u}, utilities/{u}/meters/{m}, utilities/{u}/usagePoints/{p}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ami::rpc {

// 1 to 64 characters of A-Z a-z 0-9 . _ -
bool valid_key(std::string_view key);

struct ResourceName {
  enum class Kind { Meter, UsagePoint };
  Kind kind = Kind::Meter;
  std::string utility;  // key
  std::string key;
};

std::optional<std::string> parse_utility(std::string_view name);  // the key of "utilities/{u}"
std::optional<ResourceName> parse_resource(std::string_view name);

std::string utility_name(std::string_view utility);
std::string meter_name(std::string_view utility, std::string_view key);
std::string usage_point_name(std::string_view utility, std::string_view key);
std::string source_name(std::string_view utility, std::int64_t id);
std::string reprocess_name(std::string_view utility, std::int64_t id);
std::string operation_name(std::string_view utility, std::int64_t id);
std::string switch_name(std::string_view utility, std::int64_t id);  // of an operation of a service switch
// Utility's key and number of "utilities/{u}/{collection}/{number}".
struct NumberedName {
  std::string utility;
  std::int64_t number = 0;
};
std::optional<NumberedName> parse_numbered(std::string_view name, std::string_view collection);
std::string event_name(std::string_view utility, std::int64_t id);

}  // namespace ami::rpc
