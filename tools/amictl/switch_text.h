// Operations of service switches in words: what a state means, what a rule refuses and what can be done then.
#pragma once

#include <iosfwd>
#include <string>

#include "tools/amictl/options.h"

namespace ami::v1 {
class SwitchChange;
class SwitchOperation;
class SwitchVerdict;
}  // namespace ami::v1
namespace grpc {
class Status;
}

namespace ami::amictl {

// "utilities/U/switchOperations/17" of a full name or a number. Throws UsageError.
std::string switch_name(const Options& options, const std::string& text);
// A full resource name stays; a bare key becomes utilities/U/usagePoints/KEY.
std::string usage_point_name(const Options& options, const std::string& key);

// What a rule, or the word of a far side that says no, means, and the way out; empty = none is known.
std::string meaning_of_rule(const std::string& rule);
std::string advice_on_rule(const std::string& rule);
std::string question_of_rule(const std::string& rule);  // what a check asks; empty = not known

// complain(), what it means, and what can be done about it.
int complain_of_switch(const grpc::Status& status, const Options& options);

// "open at the meter, E1 reported ..." One sentence; of UNCERTAIN that it is not known.
std::string outcome_of(const v1::SwitchOperation& operation);
// What a person does next, a line each; nothing where all is well.
std::string next_steps(const v1::SwitchOperation& operation);
bool is_verified(const v1::SwitchOperation& operation);

std::string evidence_name(int level);  // "E1"; "none"
// "E1 of E3, E1 is wanted"
std::string evidence_of(const v1::SwitchOperation& operation);
// "12:00:20.125 VERIFYING  done, as the far side says"
std::string line_of(const v1::SwitchChange& change);

void print(std::ostream& out, const v1::SwitchOperation& operation);
void print(std::ostream& out, const v1::SwitchVerdict& verdict);

}  // namespace ami::amictl
