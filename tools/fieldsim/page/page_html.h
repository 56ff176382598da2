// page.html, as it is served.
#pragma once

#include <string_view>

namespace ami::fieldsim {

extern const std::string_view kPageHtml;

}  // namespace ami::fieldsim
