// What stops switches from outside of their own operations: safety holds, kill switches, limits.
#pragma once

#include "ami/v1/switch_service.pb.h"
#include "daemon/rpc/call.h"

namespace ami::rpc {

void set_hold(const Call& call, const v1::SetSafetyHoldRequest& request, v1::SafetyHold& response);
void lift_hold(const Call& call, const v1::LiftSafetyHoldRequest& request, v1::SafetyHold& response);
void list_holds(const Call& call, const v1::ListSafetyHoldsRequest& request,
                v1::ListSafetyHoldsResponse& response);

void stop_switching(const Call& call, const v1::StopSwitchingRequest& request, v1::SwitchStop& response);
void resume_switching(const Call& call, const v1::ResumeSwitchingRequest& request, v1::SwitchStop& response);
void list_stops(const Call& call, const v1::ListSwitchStopsRequest& request,
                v1::ListSwitchStopsResponse& response);

void list_emergencies(const Call& call, const v1::ListEmergenciesRequest& request,
                      v1::ListEmergenciesResponse& response);
void review_emergency(const Call& call, const v1::ReviewEmergencyRequest& request, v1::EmergencyReview& response);

void get_limits(const Call& call, const v1::GetSwitchLimitsRequest& request, v1::SwitchLimits& response);

}  // namespace ami::rpc
