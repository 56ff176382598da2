#include "daemon/rpc/operation_watch.h"

#include <grpcpp/alarm.h>

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "daemon/rpc/operation_follower.h"
#include "daemon/rpc/operation_messages.h"

namespace ami::rpc {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLongestSilence{5'000};
constexpr std::chrono::milliseconds kBetweenMessages{100};
constexpr std::chrono::milliseconds kLookAgain{1'000};  // at an operation that this engine does not work on

class OperationWatch final : public grpc::ServerWriteReactor<v1::Operation>, public Subscriptions::Member {
 public:
  OperationWatch(std::shared_ptr<Call> call, Subscriptions& waits, const v1::WatchOperationRequest& request)
      : call_(std::move(call)), waits_(waits), request_(request) {
    if (waits_.join(*this, call_->caller().name)) {
      run([this] { begin(); });
    } else {
      Finish(too_many_followers());
    }
  }

  void OnWriteDone(bool ok) override {
    if (!ok) {
      finish(grpc::Status::CANCELLED);
    } else if (message_.done()) {
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
    std::shared_ptr<OperationFollower> follower;
    {
      const std::lock_guard lock(mutex_);
      woken_ = true;
      if (alarm_ != nullptr) alarm_->Cancel();
      follower = follower_;
    }
    if (follower) follower->tell(std::nullopt);
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

  void end() { finish(waits_.stopping() ? gateway_stopping() : grpc::Status::CANCELLED); }

  void begin() {
    const grpc::Status status = Gate::run(*call_, [this](const Call& call) {
      order_ = order_of(call, request_);
      notes_.emplace(order_.utility.key, order_.view.purpose, order_.view.on_behalf_of);
      (void)take_operation(call, order_.utility, order_.operation);
    });
    if (!status.ok()) return finish(status);
    follow();
  }

  // With nothing seen, or of an operation that the engine does not work on, it answers at once.
  void follow() {
    const auto call = call_;
    if (!call->backend().commands.follow) return run([this] { look(std::nullopt); });
    const auto follower = std::make_shared<OperationFollower>([this](auto told) {
      if (!told) {
        run([this] { end(); });
      } else if (!told->ok()) {
        run([this, why = told->refused()] {
          finish(Gate::run(*call_, [&](const Call& c) { refuse(c, why, order_, waits_.stopping()); }));
        });
      } else {
        live_ = (*told)->live;
        seen_ = live_ ? (*told)->version : 0;
        call_->backend().commands.place(order_.operation, [this](std::optional<cmd::Place> place) {
          run([this, place] { look(place); });
        });
      }
    });
    const auto operation = order_.operation;
    const auto seen = seen_;
    bool given_up = waits_.stopping();  // who joins when it is stopping already is not woken
    {
      const std::lock_guard lock(mutex_);
      given_up = given_up || woken_;
      if (!given_up) follower_ = follower;
    }
    if (given_up) return run([this] { end(); });
    // Whoever wakes the follower from now on may end all of this.
    call->backend().commands.follow(
        operation, seen, kLongestSilence,
        [follower](cmd::Reply<cmd::Followed> reply) { follower->tell(std::move(reply)); });
  }

  void look(const std::optional<cmd::Place>& place) {
    {
      const std::lock_guard lock(mutex_);
      follower_ = nullptr;
    }
    v1::Operation now;
    const grpc::Status status = Gate::run(*call_, [&](const Call& call) {
      const auto operation = take_operation(call, order_.utility, order_.operation);
      tell_operation(call, order_, operation, place, *notes_, now);
    });
    if (!status.ok()) return finish(status);
    std::string bytes = now.SerializeAsString();
    if (bytes == last_ && Clock::now() < last_written_ + kLongestSilence) return pause();
    last_ = std::move(bytes);
    last_written_ = Clock::now();
    message_ = std::move(now);
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
        alarm_->Set(std::chrono::system_clock::now() + (live_ ? kBetweenMessages : kLookAgain),
                    [this](bool) { follow(); });
        return;
      }
    }
    run([this] { end(); });
  }

  const std::shared_ptr<Call> call_;
  Subscriptions& waits_;
  const v1::WatchOperationRequest request_;

  std::mutex mutex_;  // guards the next three
  bool woken_ = false;
  std::unique_ptr<grpc::Alarm> alarm_;
  std::shared_ptr<OperationFollower> follower_;

  OperationOrder order_;
  std::optional<AccessNotes> notes_;
  std::uint64_t seen_ = 0;
  bool live_ = false;
  v1::Operation message_;
  std::string last_;
  Clock::time_point last_written_{};
};

class Refusal final : public grpc::ServerWriteReactor<v1::Operation> {
 public:
  explicit Refusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<v1::Operation>* start_operation_watch(Gate& gate, Subscriptions& waits,
                                                               grpc::CallbackServerContext& context,
                                                               const v1::WatchOperationRequest& request) {
  Gate::Admission admission = gate.admit(context, "/ami.v1.CommandService/WatchOperation");
  // Both delete themselves in OnDone, which gRPC calls exactly once.
  if (admission.call == nullptr) return new Refusal(admission.refusal);
  return new OperationWatch(std::move(admission.call), waits, request);
}

}  // namespace ami::rpc
