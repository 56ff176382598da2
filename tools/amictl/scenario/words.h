// The scenario's own words for what the engine enumerates: one list for reading, writing and the picture.
#pragma once

#include <array>
#include <string_view>

#include "meter_model/metrology/demand.h"
#include "meter_model/metrology/waveform.h"

namespace ami::amictl {

inline constexpr std::array<std::string_view, 4> kModels{"FOCUS AX", "FOCUS AX-SD", "FOCUS AXR",
                                                         "FOCUS AXR-SD"};
inline constexpr std::array<std::string_view, 4> kTiers{"A", "B", "C", "D"};
inline constexpr std::array<std::string_view, 2> kLegs{"L1", "L2"};
inline constexpr std::array<std::string_view, 4> kEvents{"demand_reset", "clock_set", "tou_tier",
                                                         "test_mode"};
// Each in the order of its enumeration.
inline constexpr std::array<std::string_view, 2> kForms{"1S", "2S"};
inline constexpr std::array<std::string_view, 2> kModes{"form", "true"};
inline constexpr std::array<std::string_view, 3> kMethods{"block", "sliding", "exponential"};
inline constexpr std::array<std::string_view, 3> kQuantities{"delivered", "received", "net"};
inline constexpr std::array<std::string_view, 2> kPartials{"divide", "discard"};

constexpr std::string_view word_of(metrology::Form form) {
  return kForms[static_cast<std::size_t>(form)];
}
constexpr std::string_view word_of(metrology::Mode mode) {
  return kModes[static_cast<std::size_t>(mode)];
}
constexpr std::string_view word_of(metrology::DemandMethod method) {
  return kMethods[static_cast<std::size_t>(method)];
}
constexpr std::string_view word_of(metrology::DemandQuantity quantity) {
  return kQuantities[static_cast<std::size_t>(quantity)];
}
constexpr std::string_view word_of(metrology::PartialPolicy policy) {
  return kPartials[static_cast<std::size_t>(policy)];
}

}  // namespace ami::amictl
