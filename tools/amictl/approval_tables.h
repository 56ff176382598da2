// A notice and a verdict as text for people.
#pragma once

#include <ostream>
#include <string>

#include "tools/amictl/approval_json.h"

namespace ami::amictl {

void print(const CheckReport& report, std::ostream& out);
void print(const approval::Notice& notice, const std::string& part, std::ostream& out);  // "" = all of it
void print(const approval::Notice& notice, const approval::Module& module, std::ostream& out);

}  // namespace ami::amictl
