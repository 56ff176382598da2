// Names of the codes in the parts of a ReadingType (metrology reference 4.1; a few of modules reference 5.1).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ami {

struct CodeName {
  std::int32_t code;
  std::string_view name;
};

std::span<const CodeName> macro_period_names();
std::span<const CodeName> aggregate_names();
std::span<const CodeName> measuring_period_names();
std::span<const CodeName> accumulation_names();
std::span<const CodeName> flow_direction_names();
std::span<const CodeName> commodity_names();
std::span<const CodeName> measurement_kind_names();
std::span<const CodeName> phase_names();
std::span<const CodeName> unit_names();  // the unit's symbol

// "" when the code is not in the list.
std::string_view name_of_code(std::span<const CodeName> names, std::int32_t code);

}  // namespace ami
