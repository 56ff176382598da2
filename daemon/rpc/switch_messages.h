// Operations of service switches as messages.
#pragma once

#include <map>
#include <string>

#include "ami/v1/switch_service.pb.h"
#include "daemon/rpc/fleet.h"
#include "daemon/switching/evidence.h"
#include "storage/contract/switching.h"

namespace ami::rpc {

v1::SwitchOperation::Evidence proto_evidence(int level);  // -1 to 4
v1::SwitchOperation::Action proto_of(storage::SwitchAction action);
v1::SwitchOperation::State proto_of(storage::SwitchState state);
v1::Target::SwitchPosition position_from_book(const std::string& word);  // "OPEN"; else unspecified

// "key=value" a line, as an audit line holds them.
std::map<std::string, std::string> facts_of(const std::string& text);

// The same facts; the number of an operation among them becomes its name.
std::map<std::string, std::string> with_names(const std::string& utility,
                                              std::map<std::string, std::string> facts);

// What one rule looked at: a verdict holds that of other rules, too, as "RULE" and "RULE.key".
std::map<std::string, std::string> facts_of_rule(const std::string& rule,
                                                 const std::map<std::string, std::string>& facts);

// All but inputs, changes, and what may hold values of the meter: the words of one that left, for example.
void fill(const storage::Utility& utility, const storage::SwitchOperation& operation,
          v1::SwitchOperation& message);
// With values; the access is noted.
void fill_with_values(const Call& call, const storage::Utility& utility,
                      const storage::SwitchOperation& operation, AccessNotes& notes,
                      v1::SwitchOperation& message);
void fill(const storage::SwitchAuditLine& line, v1::SwitchChange& message);

AccessNotes notes_for(const storage::Utility& utility, const storage::SwitchOperation& operation);

// Words of sw::attainable(), one a level from E0 on.
void fill_levels(const std::vector<std::string>& words,
                 google::protobuf::RepeatedPtrField<v1::EvidenceLevel>& levels);

}  // namespace ami::rpc
