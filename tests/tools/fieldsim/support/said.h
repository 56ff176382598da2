// What a ledger says, and what an adapter makes of messages, in the same words, to be compared as sets.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace ami::fieldsim::testing {

// One text each, numbers without trailing zeros:
//   reg METER TYPE AT VALUE [@OCCURRED]      int METER TYPE START VALUE      event METER KIND CODE AT
using Said = std::set<std::string>;

// Lines of a ledger with this delivery.
Said said_in_ledger(const std::vector<std::string>& lines, const std::string& delivery);

// Lines of FamilyScene; `meters`: the names of its meters. What was quarantined stands as it is.
Said said_by_adapter(const std::vector<std::string>& lines,
                     const std::map<std::string, std::int64_t>& meters);

// Steps of commands, in order: "received read t-1 GS1" and, where there is one, the result.
std::vector<std::string> steps_in_ledger(const std::vector<std::string>& lines);

Said without(const Said& all, const Said& these);

}  // namespace ami::fieldsim::testing
