// The descriptions, by who wrote them. A new family adds its own here.
#pragma once

#include <vector>

#include "tests/adapter_conformance/interface.h"

namespace ami::conformance {

std::vector<Interface> file_interfaces();      // files.cc
std::vector<Interface> message_interfaces();   // messages.cc
std::vector<Interface> millrace_interfaces();  // tests/seventh_family/conformance.cc

inline constexpr std::vector<Interface> (*kDescriptions[])() = {file_interfaces, message_interfaces,
                                                                millrace_interfaces};

}  // namespace ami::conformance
