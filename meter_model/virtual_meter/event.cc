#include "meter_model/virtual_meter/event.h"

#include <array>
#include <cstddef>

namespace ami::virtual_meter {
namespace {

struct Row {
  std::string_view name, code;
};
constexpr std::array<Row, kEventKinds> kRows{{
    {"OUTAGE", "3.26.0.47"},
    {"LAST_GASP", "3.26.136.47"},
    {"RESTORATION", "3.26.0.216"},
    {"MODULE_RESTORATION", "3.26.136.216"},
    {"COVER_REMOVED", "3.12.29.212"},
    {"REVERSE_ENERGY", "3.12.48.219"},
    {"SWITCH_OPENED", "3.31.0.68"},
    {"SWITCH_CLOSED", "3.31.0.42"},
    {"SWITCH_ARMED", "3.31.0.11"},
    {"SWITCH_NOT_ARMED", "3.31.0.290"},
    {"SWITCH_OPEN_FAILED", "3.31.0.84"},
    {"SWITCH_CLOSE_FAILED", "3.31.0.67"},
    {"SWITCH_ARM_FAILED", "3.31.0.226"},
    {"LOAD_SIDE_VOLTAGE_WHILE_OPEN", "3.31.1.143"},
    {"LOW_BATTERY", "3.2.22.150"},
    {"LOW_BATTERY_CLEARED", "3.2.22.28"},
    {"CLOCK_ADJUSTED", "3.36.116.24"},
    {"DEMAND_RESET", "3.8.0.215"},
    {"TEST_MODE_START", "3.7.19.242"},
    {"TEST_MODE_STOP", "3.7.19.243"},
    {"CONFIG_CHANGED", "3.7.31.24"},
    {"RAM_ERROR", "3.18.85.79"},
    {"OVER_TEMPERATURE", "3.35.0.40"},
}};

}  // namespace

std::string_view name_of(EventKind kind) {
  return kRows.at(static_cast<std::size_t>(kind)).name;
}

std::string_view code_of(EventKind kind) {
  return kRows.at(static_cast<std::size_t>(kind)).code;
}

}  // namespace ami::virtual_meter
