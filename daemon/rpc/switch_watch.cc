#include "daemon/rpc/switch_watch.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "daemon/rpc/command_orders.h"
#include "daemon/rpc/switch_messages.h"
#include "daemon/rpc/switch_orders.h"
#include "daemon/switching/transition.h"

namespace ami::rpc {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLongestSilence{5'000};
// Changes come in a row, and then for minutes none: soon again after one, then less and less often, so that
// many who wait cost the book little.
constexpr std::chrono::milliseconds kSoon{100}, kSeldom{1'000};

class SwitchWatch final : public grpc::ServerWriteReactor<v1::SwitchUpdate>, public Subscriptions::Member {
 public:
  SwitchWatch(std::shared_ptr<Call> call, Subscriptions& waits, const v1::WatchSwitchRequest& request)
      : call_(std::move(call)), waits_(waits), request_(request), seen_(request.after_version()) {
    if (waits_.join(*this, call_->caller().name)) {
      run([this] { begin(); });
    } else {
      Finish(too_many_followers());
    }
  }

  void OnWriteDone(bool ok) override {
    if (!ok) {
      finish(grpc::Status::CANCELLED);
    } else if (over_) {
      finish(grpc::Status::OK);
    } else {
      pause();
    }
  }
  void OnCancel() override { wake(); }
  void OnDone() override {
    waits_.leave(*this, call_->caller().name);
    delete this;
  }
  void wake() override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    if (alarm_ != nullptr) alarm_->Cancel();
  }

 private:
  // One of the steps below is under way at any time; after the call that hands over to the next one `this`
  // may be gone.
  template <class Step>
  void run(Step step) {
    call_->backend().executor([call = call_, step] { step(); });
  }

  // The place is free again before the caller hears of the end: it may come back at once.
  void finish(const grpc::Status& status) {
    waits_.leave(*this, call_->caller().name);
    Finish(status);
  }

  void begin() {
    const grpc::Status status = Gate::run(*call_, [this](const Call& call) {
      subject_ = subject_of(call, request_.name());
      const storage::SwitchOperation operation = take_switch(call, subject_);
      if (seen_ < 0 || seen_ > operation.version)
        throw StatusError{invalid_field("after_version", "must be 0 or a version that was told")};
      notes_.emplace(notes_for(subject_.utility, operation));
    });
    if (!status.ok()) return finish(status);
    look();
  }

  // Nothing more is to be expected of it.
  [[nodiscard]] bool over(const storage::SwitchOperation& operation) const {
    if (storage::live(operation.state)) return false;
    if (!request_.follow_evidence()) return true;
    const bool rises = sw::is_verified(operation.state) && operation.evidence < operation.attainable;
    return !rises && !storage::unresolved(operation);
  }

  void look() {
    // Who joined when it was stopping already was not woken.
    if (waits_.stopping()) return finish(gateway_stopping());
    {
      const std::lock_guard lock(mutex_);
      if (woken_) return finish(grpc::Status::CANCELLED);
    }
    v1::SwitchUpdate update;
    bool fresh = false;
    const grpc::Status status = Gate::run(*call_, [&](const Call& call) {
      const storage::SwitchOperation operation = take_switch(call, subject_);
      fresh = operation.version > seen_;
      over_ = over(operation);
      pause_ = fresh ? kSoon : std::min(pause_ * 2, kSeldom);
      if (!fresh && !over_ && Clock::now() < written_ + kLongestSilence) return;
      fill_with_values(call, subject_.utility, operation, *notes_, *update.mutable_operation());
      if (!fresh) return;
      for (const storage::SwitchAuditLine& line : call.take(switching_of(call).book.audit(subject_.id))) {
        if (line.version > seen_ && line.version <= operation.version) fill(line, *update.add_changes());
      }
      seen_ = operation.version;
    });
    if (!status.ok()) return finish(status);
    if (!update.has_operation()) return pause();
    written_ = Clock::now();
    message_ = std::move(update);
    StartWrite(&message_);
  }

  // A timer of gRPC's, so that waiting costs no thread. Whoever wakes the stream before the timer is set
  // leaves word in woken_.
  void pause() {
    {
      const std::lock_guard lock(mutex_);
      if (!woken_) {
        // A new one each time: the one before may still be leaving its callback.
        alarm_ = std::make_unique<grpc::Alarm>();
        alarm_->Set(std::chrono::system_clock::now() + pause_,
                    [this](bool) { run([this] { look(); }); });
        return;
      }
    }
    run([this] { look(); });
  }

  const std::shared_ptr<Call> call_;
  Subscriptions& waits_;
  const v1::WatchSwitchRequest request_;

  std::mutex mutex_;  // guards the next two
  bool woken_ = false;
  std::unique_ptr<grpc::Alarm> alarm_;

  SwitchSubject subject_;
  std::optional<AccessNotes> notes_;
  std::int64_t seen_;
  bool over_ = false;
  std::chrono::milliseconds pause_ = kSoon;
  v1::SwitchUpdate message_;
  Clock::time_point written_{};
};

class Refusal final : public grpc::ServerWriteReactor<v1::SwitchUpdate> {
 public:
  explicit Refusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<v1::SwitchUpdate>* start_switch_watch(Gate& gate, Subscriptions& waits,
                                                               grpc::CallbackServerContext& context,
                                                               const v1::WatchSwitchRequest& request) {
  Gate::Admission admission = gate.admit(context, "/ami.v1.SwitchService/Watch");
  // Both delete themselves in OnDone, which gRPC calls exactly once.
  if (admission.call == nullptr) return new Refusal(admission.refusal);
  return new SwitchWatch(std::move(admission.call), waits, request);
}

}  // namespace ami::rpc
