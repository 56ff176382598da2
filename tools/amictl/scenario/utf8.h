// Text from outside made fit for JSON and XML, which both must be UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace ami::amictl {

// Each byte that is part of no well-formed UTF-8 character becomes '?'.
std::string valid_utf8(std::string_view text);

}  // namespace ami::amictl
