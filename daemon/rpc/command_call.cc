#include "daemon/rpc/command_call.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "daemon/rpc/operation_follower.h"
#include "daemon/rpc/operation_messages.h"

namespace ami::rpc {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kSlice{5'000};  // a wait that is given up holds its place so long at most
constexpr std::chrono::milliseconds kLookAgain{250};  // for an operation that this engine does not work on
constexpr std::chrono::milliseconds kBeforeDeadline{300};  // of the call: the answer must still arrive

class CommandCall final : public grpc::ServerUnaryReactor, public Subscriptions::Member {
 public:
  CommandCall(std::shared_ptr<Call> call, Subscriptions& waits, grpc::CallbackServerContext& context,
              std::function<OperationOrder(const Call&)> read, v1::Operation& response)
      : call_(std::move(call)),
        waits_(waits),
        context_(context),
        read_(std::move(read)),
        response_(response) {
    run([this] { begin(); });
  }

  void OnCancel() override { wake(); }
  void OnDone() override { delete this; }
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

  void begin() {
    if (context_.IsCancelled()) return finish(grpc::Status::CANCELLED);
    const grpc::Status status = Gate::run(*call_, [this](const Call& call) {
      order_ = read_(call);
      notes_.emplace(order_.utility.key, order_.view.purpose, order_.view.on_behalf_of);
    });
    if (!status.ok()) return finish(status);
    const Commands& commands = call_->backend().commands;
    operation_ = order_.operation;
    if (!commands.submit && (order_.submit || !order_.cancelled_by.empty())) {
      finish(refused(grpc::StatusCode::FAILED_PRECONDITION, "NO_COMMANDS",
                     "this gateway carries out no commands"));
    } else if (order_.submit) {
      commands.submit(*order_.submit, [this](cmd::Reply<cmd::Submitted> reply) {
        run([this, reply = std::move(reply)] { submitted(reply); });
      });
    } else if (!order_.cancelled_by.empty()) {
      commands.cancel(order_.utility.id, operation_, order_.cancelled_by,
                      [this](cmd::Reply<storage::Operation> reply) {
                        run([this, reply = std::move(reply)] {
                          if (reply.ok()) return look();
                          finish(refusal(reply.refused()));
                        });
                      });
    } else {
      look();
    }
  }

  grpc::Status refusal(const cmd::Refused& why) {
    return Gate::run(*call_, [&](const Call& call) { refuse(call, why, order_, waits_.stopping()); });
  }

  void submitted(const cmd::Reply<cmd::Submitted>& reply) {
    if (!reply.ok()) return finish(refusal(reply.refused()));
    submitted_ = *reply;
    operation_ = submitted_->operation.id;
    until_ = Clock::now() + patience();
    if (submitted_->operation.done() || until_ <= Clock::now() || !waits_.join(*this, call_->caller().name)) {
      look();
    } else {
      follow(0);
    }
  }

  [[nodiscard]] std::chrono::milliseconds patience() const {
    const auto now = std::chrono::system_clock::now();
    if (context_.deadline() >= now + order_.wait + kBeforeDeadline) return order_.wait;
    return std::chrono::floor<std::chrono::milliseconds>(context_.deadline() - now) - kBeforeDeadline;
  }

  [[nodiscard]] bool over() const { return Clock::now() >= until_; }

  void follow(std::uint64_t seen) {
    const auto follower = std::make_shared<OperationFollower>([this](auto told) {
      if (!told || !told->ok()) {
        look();
      } else if ((*told)->live && !over()) {
        follow((*told)->version);
      } else if ((*told)->live) {
        look();
      } else {
        run([this] { check(); });
      }
    });
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now());
    const auto slice = std::clamp(left, std::chrono::milliseconds{1}, kSlice);
    bool given_up = false;
    const auto call = call_;
    const auto operation = operation_;
    {
      const std::lock_guard lock(mutex_);
      given_up = woken_;
      if (!given_up) follower_ = follower;
    }
    if (given_up) return look();
    // Whoever wakes the follower from now on may end all of this.
    call->backend().commands.follow(operation, seen, slice, [follower](cmd::Reply<cmd::Followed> reply) {
      follower->tell(std::move(reply));
    });
  }

  // The engine works on it no more: it has ended, or is another gateway's, or the engine has just begun to
  // run.
  void check() {
    const grpc::Status status = Gate::run(*call_, [&](const Call& call) {
      const auto operation = take_operation(call, order_.utility, operation_);
      if (operation.done()) ended_ = operation;
    });
    if (ended_) return answer(std::nullopt);
    if (!status.ok() || over()) return look();
    {
      const std::lock_guard lock(mutex_);
      if (!woken_) {
        // A new one each time: the one before may still be leaving its callback.
        alarm_ = std::make_unique<grpc::Alarm>();
        alarm_->Set(std::chrono::system_clock::now() + kLookAgain, [this](bool) { follow(0); });
        return;
      }
    }
    look();
  }

  void look() {
    const Commands& commands = call_->backend().commands;
    if (!commands.place) return run([this] { answer(std::nullopt); });
    commands.place(operation_,
                   [this](std::optional<cmd::Place> place) { run([this, place] { answer(place); }); });
  }

  void answer(const std::optional<cmd::Place>& place) {
    if (context_.IsCancelled()) return finish(grpc::Status::CANCELLED);
    grpc::Status status = Gate::run(*call_, [&](const Call& call) {
      const auto operation = ended_ ? *ended_ : take_operation(call, order_.utility, operation_);
      tell_operation(call, order_, operation, place, *notes_, response_);
    });
    const bool away = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                      status.error_code() == grpc::StatusCode::ABORTED;
    if (away && submitted_ && !submitted_->operation.done()) {
      // It is stored, and its name must not be lost because the store has gone since.
      response_.Clear();
      fill(order_.utility, submitted_->operation, response_);
      status = grpc::Status::OK;
    }
    if (submitted_) {
      response_.set_repeated(submitted_->repeated);
      if (submitted_->read_before)
        response_.set_read_before(operation_name(order_.utility.key, *submitted_->read_before));
    }
    finish(status);
  }

  const std::shared_ptr<Call> call_;
  Subscriptions& waits_;
  grpc::CallbackServerContext& context_;
  const std::function<OperationOrder(const Call&)> read_;
  v1::Operation& response_;

  std::mutex mutex_;  // guards the next three
  bool woken_ = false;
  std::unique_ptr<grpc::Alarm> alarm_;
  std::shared_ptr<OperationFollower> follower_;

  OperationOrder order_;
  std::optional<AccessNotes> notes_;
  std::optional<cmd::Submitted> submitted_;
  storage::OperationId operation_ = 0;
  std::optional<storage::Operation> ended_;  // seen to be done
  Clock::time_point until_{};
};

}  // namespace

grpc::ServerUnaryReactor* start_command_call(Gate& gate, Subscriptions& waits,
                                             grpc::CallbackServerContext& context, std::string_view method,
                                             std::function<OperationOrder(const Call&)> read,
                                             v1::Operation& response) {
  Gate::Admission admission = gate.admit(context, method);
  if (admission.call == nullptr) {
    grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
    reactor->Finish(admission.refusal);
    return reactor;
  }
  // Deletes itself in OnDone, which gRPC calls exactly once.
  return new CommandCall(std::move(admission.call), waits, context, std::move(read), response);
}

}  // namespace ami::rpc
