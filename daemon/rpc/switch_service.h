// ami.v1.SwitchService over the engine of switching and its book.
#pragma once

#include <functional>
#include <string_view>

#include "ami/v1/switch_service.grpc.pb.h"
#include "daemon/rpc/call.h"
#include "daemon/rpc/subscriptions.h"

namespace ami::rpc {

class SwitchService final : public v1::SwitchService::CallbackService {
 public:
  // `waits`: the streams that follow operations.
  SwitchService(Gate& gate, Subscriptions& waits) : gate_(gate), waits_(waits) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* Evaluate(Context*, const v1::EvaluateSwitchRequest*, v1::SwitchVerdict*) override;
  Unary* Submit(Context*, const v1::SubmitSwitchRequest*, v1::SwitchOperation*) override;
  Unary* Cancel(Context*, const v1::CancelSwitchRequest*, v1::SwitchOperation*) override;
  Unary* Get(Context*, const v1::GetSwitchRequest*, v1::SwitchOperation*) override;
  Unary* List(Context*, const v1::ListSwitchesRequest*, v1::ListSwitchesResponse*) override;
  grpc::ServerWriteReactor<v1::SwitchUpdate>* Watch(Context*, const v1::WatchSwitchRequest*) override;
  Unary* ReadState(Context*, const v1::ReadSwitchStateRequest*, v1::SwitchStanding*) override;
  Unary* ResolveByObservation(Context*, const v1::ResolveSwitchRequest*, v1::SwitchOperation*) override;
  Unary* Reconcile(Context*, const v1::ReconcileSwitchesRequest*, v1::ReconcileSwitchesResponse*) override;
  Unary* SetHold(Context*, const v1::SetSafetyHoldRequest*, v1::SafetyHold*) override;
  Unary* LiftHold(Context*, const v1::LiftSafetyHoldRequest*, v1::SafetyHold*) override;
  Unary* ListHolds(Context*, const v1::ListSafetyHoldsRequest*, v1::ListSafetyHoldsResponse*) override;
  Unary* Stop(Context*, const v1::StopSwitchingRequest*, v1::SwitchStop*) override;
  Unary* Resume(Context*, const v1::ResumeSwitchingRequest*, v1::SwitchStop*) override;
  Unary* ListStops(Context*, const v1::ListSwitchStopsRequest*, v1::ListSwitchStopsResponse*) override;
  Unary* GetLimits(Context*, const v1::GetSwitchLimitsRequest*, v1::SwitchLimits*) override;
  Unary* ListEmergencies(Context*, const v1::ListEmergenciesRequest*, v1::ListEmergenciesResponse*) override;
  Unary* ReviewEmergency(Context*, const v1::ReviewEmergencyRequest*, v1::EmergencyReview*) override;

 private:
  Unary* run(Context* context, std::string_view method, std::function<void(const Call&)> work);

  Gate& gate_;
  Subscriptions& waits_;
};

}  // namespace ami::rpc
