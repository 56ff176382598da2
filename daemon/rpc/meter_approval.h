// What is fitted in a meter, its verification, and what the utility's notice says of it, as AssetService
// tells and takes it.
#pragma once

#include <optional>
#include <string>

#include "ami/v1/asset_service.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

// A module and a board as they were said, checked against the notice when one is loaded. `module_field` and
// `board_field` are paths for StatusError, which names the known ones. Both empty: none.
std::optional<storage::FittedModule> module_from(const regime::Regime& regime,
                                                 const std::string& module_field, const std::string& module,
                                                 const std::string& board_field, const std::string& board);

// The module's radio into the home: NONE, ZIGBEE, or empty (not known).
std::string han_from(const std::string& field, const std::string& text);

// The update_fields about what is fitted, taken out of a request's list.
struct ModuleUpdate {
  bool module_type = false, board = false;
  bool han = false;  // says something of the module that is there, which is no swap
  google::protobuf::RepeatedPtrField<std::string> others;  // fields of the meter itself
  [[nodiscard]] bool any() const { return module_type || board; }
};
ModuleUpdate module_update(const google::protobuf::RepeatedPtrField<std::string>& fields);

// What the request makes of what was fitted at `at`; breaks_seal as said, or by what was known before.
storage::FittedModule changed_module(const regime::Regime& regime, const v1::UpdateMeterRequest& request,
                                     const ModuleUpdate& update, const storage::MeterFacts& facts,
                                     UtcInstant at);
// Refuses what the notice excludes, unless it excluded the same before.
storage::FittedCheck check_of_change(const regime::Regime& regime, const storage::MeterFacts& before,
                                     UtcInstant at);

void tell_modules(const storage::MeterFacts& facts, UtcInstant at, v1::Meter& message);
// Modules, verifications, and what follows from them now.
void tell_facts(const regime::Regime& regime, const storage::MeterFacts& facts, UtcInstant now,
                v1::Meter& message);

void set_verification(const Call& call, const v1::SetVerificationRequest& request, v1::Meter& response);
void list_nonconforming(const Call& call, const v1::ListNonconformingRequest& request,
                        v1::ListNonconformingResponse& response);

}  // namespace ami::rpc
