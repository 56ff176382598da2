// A line of the switch audit for people and for programs.
#pragma once

#include <string>

#include "meter_model/audit/canonical.h"

namespace ami::v1 {
class AuditLine;
}

namespace ami::amictl {

// The fields of a line; throws std::runtime_error when its bytes are none of a line. Views into `line`.
audit::Fields fields_of(const v1::AuditLine& line);
std::string field_text(const audit::Fields& fields, const char* name);  // times as RFC 3339; empty for NULL
std::string line_json(const v1::AuditLine& line);                      // one line, every field by its name

}  // namespace ami::amictl
