// What callers ask of switches, as it is understood, and how they are told that it cannot be.
#pragma once

#include <string>

#include "ami/v1/switch_service.pb.h"
#include "daemon/rpc/call.h"
#include "daemon/rpc/switching.h"

namespace ami::rpc {

namespace sw = daemon::switching;

// FAILED_PRECONDITION NO_SWITCHING where this gateway operates none.
const Switching& switching_of(const Call& call);

struct SwitchOrder {
  storage::Utility utility{};
  ResourceName meter{};
  sw::SwitchRequest request{};
};
// Each throws StatusError: wrong fields, a utility that the caller may not see.
SwitchOrder order_of(const Call& call, const v1::SubmitSwitchRequest& request);
SwitchOrder order_of(const Call& call, const v1::EvaluateSwitchRequest& request);  // without request_id

// The utility and number of "utilities/{u}/switchOperations/{number}".
struct SwitchSubject {
  storage::Utility utility{};
  storage::SwitchId id = 0;
};
SwitchSubject subject_of(const Call& call, const std::string& name);
// Certificate's subject, and for whom.
std::string actor_of(const Call& call, const std::string& on_behalf_of);

sw::SwitchAction action_from(v1::SwitchOperation::Action action);
std::string reason_class_from(v1::SwitchOperation::Reason reason);
sdk::SwitchPosition position_from(const std::string& field, v1::Target::SwitchPosition position);
storage::SwitchState state_from(const std::string& field, v1::SwitchOperation::State state);

// SWITCH_OPERATION_NOT_FOUND where there is none of that number in the utility.
storage::SwitchOperation take_switch(const Call& call, const SwitchSubject& subject);

// What the engine refused of a request for a meter, and of one about an operation.
[[noreturn]] void refuse_order(const Call& call, const storage::Refusal& why, const SwitchOrder& order);
[[noreturn]] void refuse_change(const Call& call, const storage::Refusal& why, const SwitchSubject& subject);
// The answer to a Submit whose operation a policy refused.
[[noreturn]] void refuse_rejected(const Call& call, const storage::Utility& utility,
                                  const storage::SwitchOperation& operation);

}  // namespace ami::rpc
